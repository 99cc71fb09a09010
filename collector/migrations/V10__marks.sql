-- Marks on ratings that look odd, and what the office publishes.

-- A mark deletes nothing. One row for each rating and rule; it stays, whatever becomes of it.
CREATE TABLE mark (
    hall_id     TEXT NOT NULL,
    terminal_id BLOB NOT NULL,
    stream_id   BLOB NOT NULL,
    seq         BIGINT NOT NULL,             -- the rating's record
    rule        TEXT NOT NULL,               -- see marks::Rule
    version     BIGINT NOT NULL,             -- of the thresholds it was made by
    reason      TEXT NOT NULL,               -- the values it was found by
    window_id   TEXT NOT NULL,
    at_ms       BIGINT NOT NULL,             -- of the rating
    made_ms     BIGINT NOT NULL,
    state       TEXT NOT NULL,               -- open | confirmed | dismissed | lapsed
    decided_ms  BIGINT,                      -- the last decision; NULL: none
    decided_by  TEXT,
    decided_why TEXT,
    PRIMARY KEY (hall_id, terminal_id, stream_id, seq, rule)
);
CREATE INDEX mark_by_time ON mark (hall_id, at_ms);

-- Every decision about a mark, the first as well as those that took it back.
CREATE TABLE mark_decision (
    hall_id     TEXT NOT NULL,
    terminal_id BLOB NOT NULL,
    stream_id   BLOB NOT NULL,
    seq         BIGINT NOT NULL,
    rule        TEXT NOT NULL,
    number      BIGINT NOT NULL,             -- from 1
    state       TEXT NOT NULL,
    at_ms       BIGINT NOT NULL,
    who         TEXT NOT NULL,
    why         TEXT NOT NULL,
    PRIMARY KEY (hall_id, terminal_id, stream_id, seq, rule, number)
);

-- Up to which reception each hall's records were looked at.
CREATE TABLE mark_watermark (
    hall_id     TEXT NOT NULL PRIMARY KEY,
    received_ms BIGINT NOT NULL
);

-- What was published, as it was: a correction is another version. Hall '': all halls together.
CREATE TABLE publication (
    hall_id      TEXT NOT NULL,
    month        BIGINT NOT NULL,            -- yyyymm in the bulletin's time zone
    version      BIGINT NOT NULL,            -- from 1
    content      TEXT NOT NULL,              -- JSON, as frozen
    digest       BLOB NOT NULL,              -- SHA-256 of the content
    published_ms BIGINT NOT NULL,
    published_by TEXT NOT NULL,
    why          TEXT NOT NULL,              -- of a correction; '' for the first version
    PRIMARY KEY (hall_id, month, version)
);

-- Every version of every definition that was ever in force here, so that none is changed afterwards.
CREATE TABLE indicator_version (
    indicator_id  TEXT NOT NULL,
    version       BIGINT NOT NULL,
    definition    TEXT NOT NULL,
    first_seen_ms BIGINT NOT NULL,
    PRIMARY KEY (indicator_id, version)
);
