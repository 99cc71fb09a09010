-- How the store keeps itself: parts of the record table, retention.

-- In which part of the records a row is: the month of its stream's first reception, yyyymm in UTC.
-- 0: taken in before this schema. Only PostgreSQL keeps each part in a table of its own.
ALTER TABLE record ADD COLUMN part BIGINT NOT NULL DEFAULT 0;
