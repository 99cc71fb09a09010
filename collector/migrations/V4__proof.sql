-- What shows that nothing was changed afterwards, and identities that change hands.

-- The chain after the record. The terminal's signature covers the last one only; these tell where a
-- chain that does not lead there was broken. NULL: taken in before this schema.
ALTER TABLE record ADD COLUMN chain BLOB;
-- A day's records, and when the first came.
CREATE INDEX record_by_reception ON record (hall_id, received_ms);

-- Roots over a hall's records by the day of their reception. A row without `signed` is a day that
-- is closed: nothing is received into it any more, and its root is being computed.
CREATE TABLE day_root (
    hall_id      TEXT NOT NULL,
    day          INTEGER NOT NULL,           -- yyyymmdd in the hall's zone
    from_ms      BIGINT NOT NULL,            -- the day's first moment
    until_ms     BIGINT NOT NULL,            -- the first moment after it
    signed       BLOB,                       -- the signed root (COSE), as published
    published_ms BIGINT,
    PRIMARY KEY (hall_id, day)
);

-- A key on its way: signed in, not yet used. From its first exchange on it is `public_key`.
ALTER TABLE terminal ADD COLUMN next_key BLOB;
ALTER TABLE terminal ADD COLUMN rotate_wanted INTEGER NOT NULL DEFAULT 0;
-- state 'replaced': another terminal was enrolled at the window to stand there instead.
ALTER TABLE terminal ADD COLUMN replaced_ms BIGINT;
ALTER TABLE terminal ADD COLUMN replaced_by BLOB;

-- Keys that are no longer taken, for checking what was signed with them.
CREATE TABLE former_key (
    hall_id     TEXT NOT NULL,
    terminal_id BLOB NOT NULL,
    public_key  BLOB NOT NULL,
    until_ms    BIGINT NOT NULL,
    PRIMARY KEY (hall_id, terminal_id, public_key)
);

-- What a reading of messages was about.
ALTER TABLE message_access ADD COLUMN about TEXT NOT NULL DEFAULT '';
