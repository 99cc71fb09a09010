-- After V11 on PostgreSQL only: `record` becomes a table of parts, one for each month of the first
-- reception of a stream. All of a stream are in one part, so the key still says that a position of
-- a stream is there once. See store/postgres/parts.rs.
ALTER TABLE record RENAME TO record_whole;
CREATE TABLE record (LIKE record_whole INCLUDING DEFAULTS) PARTITION BY RANGE (part);
-- What no month's part takes.
CREATE TABLE record_other PARTITION OF record DEFAULT;
INSERT INTO record SELECT * FROM record_whole;
DROP TABLE record_whole;
CREATE UNIQUE INDEX record_identity ON record (hall_id, terminal_id, stream_id, seq, part);
CREATE INDEX record_by_reception ON record (hall_id, received_ms);
