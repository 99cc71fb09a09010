-- What real faults leave behind: evidence that a chain was signed, folds of full cards, records
-- saved from damaged journals, incidents, and what is known of each boot's clock.

-- The signed head (COSE_Sign1) of the exchange whose run or fold ended at the watermark: the
-- terminal's word for the chain there. NULL: the stream has not moved since this column was added.
ALTER TABLE stream ADD COLUMN signed_head BLOB;
-- Where the terminal's history stood when the stream was opened; NULL: it named nothing before.
ALTER TABLE stream ADD COLUMN previous_stream BLOB;
ALTER TABLE stream ADD COLUMN previous_seq BIGINT;
ALTER TABLE stream ADD COLUMN previous_hash BLOB;

-- Positions that stand here as counts, or not at all: a fold without entries counts nothing. The
-- columns say what the fold bridges here; its bytes may begin below `first`, with records that had
-- come one by one.
CREATE TABLE fold (
    hall_id     TEXT NOT NULL,
    terminal_id BLOB NOT NULL,
    stream_id   BLOB NOT NULL,
    first       BIGINT NOT NULL,
    last        BIGINT NOT NULL,
    base        BLOB NOT NULL,               -- the chain before `first`
    head        BLOB NOT NULL,               -- the chain after `last`
    bytes       BLOB NOT NULL,               -- the fold, as in the signed head
    signed_head BLOB NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (hall_id, terminal_id, stream_id, first)
);

-- The entries of folds as they count: without the outcomes of its positions that are here one by one.
CREATE TABLE fold_count (
    hall_id       TEXT NOT NULL,
    terminal_id   BLOB NOT NULL,
    stream_id     BLOB NOT NULL,
    first         BIGINT NOT NULL,           -- of the fold
    entry         INTEGER NOT NULL,          -- its place in the fold, from 0
    at_ms         BIGINT NOT NULL,
    earliest_ms   BIGINT NOT NULL,           -- of the hour's beginning
    latest_ms     BIGINT NOT NULL,           -- of its end
    window_id     TEXT NOT NULL,
    department_id TEXT NOT NULL,
    channel       INTEGER NOT NULL,
    outcome       INTEGER NOT NULL,
    level         INTEGER NOT NULL,          -- 0 when the outcome is not a rating
    n             BIGINT NOT NULL,
    PRIMARY KEY (hall_id, terminal_id, stream_id, first, entry)
);

-- Records that came inside a record of another stream. Their own row of `record` is at their own
-- stream and position, above the stream's watermark or inside a fold.
CREATE TABLE rescued (
    hall_id        TEXT NOT NULL,
    terminal_id    BLOB NOT NULL,
    stream_id      BLOB NOT NULL,            -- the record's own place
    seq            BIGINT NOT NULL,
    carrier_stream BLOB NOT NULL,            -- the record that carried it
    carrier_seq    BIGINT NOT NULL,
    state          TEXT NOT NULL,            -- taken | held | other
    received_ms    BIGINT NOT NULL,
    PRIMARY KEY (hall_id, terminal_id, stream_id, seq, carrier_stream, carrier_seq)
);

-- What happened once and a person should know. Its id is made of what it is about, so telling it
-- again changes nothing.
CREATE TABLE incident (
    hall_id     TEXT NOT NULL,
    incident_id BLOB NOT NULL,               -- 8 bytes
    kind        TEXT NOT NULL,               -- see incident::Kind
    window_id   TEXT NOT NULL,
    terminal_id BLOB NOT NULL,
    stream_id   BLOB,                        -- NULL: not known
    from_seq    BIGINT,                      -- positions it is about; NULL: open, or not known
    until_seq   BIGINT,
    earliest_ms BIGINT,                      -- when these were sealed; NULL: not known
    latest_ms   BIGINT,
    records     BIGINT,                      -- at most so many; NULL: not known
    detail      TEXT NOT NULL,               -- in words
    at_ms       BIGINT NOT NULL,             -- when the centre learnt of it
    cleared_ms  BIGINT,                      -- NULL: nobody has dealt with it
    cleared_by  TEXT,                        -- the account of the operating system
    PRIMARY KEY (hall_id, incident_id)
);

-- Every boot that a terminal's exchanges and records came from, with the earliest and the latest moment at
-- which its clock was known to be right: wall clock and uptime there. NULL: never yet.
CREATE TABLE boot (
    hall_id         TEXT NOT NULL,
    terminal_id     BLOB NOT NULL,
    boot_id         BLOB NOT NULL,
    seen_ms         BIGINT NOT NULL,         -- when the first of it was here
    unsure          INTEGER NOT NULL,        -- 1: some of its records are placed wider than could be
    first_wall_ms   BIGINT,
    first_uptime_ms BIGINT,
    last_wall_ms    BIGINT,
    last_uptime_ms  BIGINT,
    PRIMARY KEY (hall_id, terminal_id, boot_id)
);

-- A dead letter that an operator had read again.
ALTER TABLE dead_letter ADD COLUMN state TEXT NOT NULL DEFAULT 'kept'; -- kept | taken
ALTER TABLE dead_letter ADD COLUMN replayed_ms BIGINT;                 -- the last try
ALTER TABLE dead_letter ADD COLUMN replayed_by TEXT;                   -- the account of the operating system
