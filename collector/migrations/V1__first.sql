-- The first schema. The hall leads every key, so the same tables run on one SQLite file, on one
-- PostgreSQL, or spread over many nodes by hall. Times are milliseconds since 1970 UTC.

CREATE TABLE hall (
    hall_id         TEXT NOT NULL PRIMARY KEY,
    name            TEXT NOT NULL,
    region_code     TEXT NOT NULL,
    time_zone       TEXT NOT NULL,               -- IANA name
    contact         TEXT NOT NULL,
    profile_version INTEGER NOT NULL             -- counts up with every import that changes the hall
);

CREATE TABLE department (
    hall_id       TEXT NOT NULL,
    department_id TEXT NOT NULL,
    name          TEXT NOT NULL,
    PRIMARY KEY (hall_id, department_id)
);

CREATE TABLE staff (
    hall_id       TEXT NOT NULL,
    staff_id      TEXT NOT NULL,
    name          TEXT NOT NULL,
    post          TEXT NOT NULL,
    department_id TEXT NOT NULL,
    PRIMARY KEY (hall_id, staff_id)
);

CREATE TABLE item (
    hall_id       TEXT NOT NULL,
    item_code     TEXT NOT NULL,
    name          TEXT NOT NULL,
    department_id TEXT NOT NULL,
    PRIMARY KEY (hall_id, item_code)
);

CREATE TABLE service_window (
    hall_id       TEXT NOT NULL,
    window_id     TEXT NOT NULL,
    block         TEXT NOT NULL,                 -- 区块
    number        TEXT NOT NULL,                 -- as over the window
    name          TEXT NOT NULL,
    department_id TEXT NOT NULL,
    staff_id      TEXT NOT NULL,                 -- normally on duty; '' for nobody
    PRIMARY KEY (hall_id, window_id)
);

CREATE TABLE enrolment_code (
    hall_id     TEXT NOT NULL,
    code_digest BLOB NOT NULL,                   -- SHA-256 of the code
    window_id   TEXT NOT NULL,
    expires_ms  BIGINT NOT NULL,
    used_ms     BIGINT,
    public_key  BLOB,                            -- who used it: the same key may ask again (lost reply)
    terminal_id BLOB,
    PRIMARY KEY (hall_id, code_digest)
);
-- Who comes with a code or a signature does not name the hall.
CREATE INDEX enrolment_code_by_digest ON enrolment_code (code_digest);

CREATE TABLE terminal (
    hall_id          TEXT NOT NULL,
    terminal_id      BLOB NOT NULL,
    window_id        TEXT NOT NULL,
    public_key       BLOB NOT NULL,
    state            TEXT NOT NULL,              -- active | revoked
    enrolled_ms      BIGINT NOT NULL,
    last_number      BIGINT NOT NULL,            -- highest exchange number taken
    last_seen_ms     BIGINT,
    software         TEXT NOT NULL,
    backlog          BIGINT NOT NULL,
    oldest_unsent_ms BIGINT,
    disk_free_bytes  BIGINT,
    profile_version  INTEGER NOT NULL,
    synchronised     INTEGER NOT NULL,
    wall_offset_ms   BIGINT,                     -- terminal's wall clock minus ours at the last exchange
    PRIMARY KEY (hall_id, terminal_id)
);
CREATE INDEX terminal_by_id ON terminal (terminal_id);

CREATE TABLE stream (
    hall_id      TEXT NOT NULL,
    terminal_id  BLOB NOT NULL,
    stream_id    BLOB NOT NULL,
    watermark    BIGINT NOT NULL,
    hash         BLOB NOT NULL,                  -- the chain at the watermark
    window_id    TEXT NOT NULL,
    channel      INTEGER NOT NULL,
    opened_ms    BIGINT,                         -- wall clock at the opening; NULL: opening rejected
    uptime_ms    BIGINT,
    boot_id      BLOB,
    software     TEXT NOT NULL,
    received_ms  BIGINT NOT NULL,
    last_ordinal BIGINT NOT NULL,                -- of the last counted outcome: prompts only ascend
    PRIMARY KEY (hall_id, terminal_id, stream_id)
);

-- One row a record, whatever it says: the bytes are what was signed, the columns what they say.
CREATE TABLE record (
    hall_id       TEXT NOT NULL,
    terminal_id   BLOB NOT NULL,
    stream_id     BLOB NOT NULL,
    seq           BIGINT NOT NULL,
    bytes         BLOB NOT NULL,
    received_ms   BIGINT NOT NULL,
    kind          INTEGER NOT NULL,              -- 0: not decodable (see dead_letter)
    ordinal       BIGINT,                        -- of the prompt, for outcomes
    at_ms         BIGINT,                        -- best estimate, inside [earliest_ms, latest_ms]
    earliest_ms   BIGINT,
    latest_ms     BIGINT,
    window_id     TEXT,
    department_id TEXT,
    staff_id      TEXT,                          -- '' when the prompt named nobody
    item_code     TEXT,                          -- '' when the prompt named no item
    case_number   TEXT,
    channel       INTEGER,
    -- 1 rated 2 declined 3 timed_out 4 withdrawn 5 fault; NULL: the record does not count
    outcome       INTEGER,
    level         INTEGER,                       -- as it now stands, amendments applied
    tags          TEXT,                          -- '510,512' as they now stand
    response_ms   BIGINT,
    amended_by    BIGINT                         -- seq of the last amendment applied
);
CREATE UNIQUE INDEX record_identity ON record (hall_id, terminal_id, stream_id, seq);

CREATE TABLE dead_letter (
    hall_id     TEXT NOT NULL,
    terminal_id BLOB NOT NULL,
    stream_id   BLOB NOT NULL,
    seq         BIGINT NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (hall_id, terminal_id, stream_id, seq)
);

-- The second history of a position that already had other bytes. Both are kept.
CREATE TABLE conflict (
    hall_id     TEXT NOT NULL,
    terminal_id BLOB NOT NULL,
    stream_id   BLOB NOT NULL,
    seq         BIGINT NOT NULL,
    digest      BLOB NOT NULL,                   -- SHA-256 of the bytes
    bytes       BLOB NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (hall_id, terminal_id, stream_id, seq, digest)
);

-- What every score is read from. Changes in the ingest transaction only, and can be rebuilt from
-- `record` to the same numbers. A slot is a quarter of an hour (unix seconds / 900): every time
-- zone's hours and days are whole numbers of slots. The window comes before the slot in the key: an
-- exchange is of one window, so a backlog of weeks lands on neighbouring pages.
CREATE TABLE tally (
    hall_id       TEXT NOT NULL,
    slot          BIGINT NOT NULL,
    window_id     TEXT NOT NULL,
    department_id TEXT NOT NULL,
    staff_id      TEXT NOT NULL,
    item_code     TEXT NOT NULL,
    channel       INTEGER NOT NULL,
    outcome       INTEGER NOT NULL,
    level         INTEGER NOT NULL,              -- 0 when the outcome is not a rating
    n             BIGINT NOT NULL,
    PRIMARY KEY (hall_id, window_id, slot, department_id, staff_id, item_code, channel, outcome, level)
) WITHOUT ROWID;                                 -- the key is nearly the whole row: one tree, not two

CREATE TABLE office_user (
    user_name     TEXT NOT NULL PRIMARY KEY,
    password_hash TEXT NOT NULL,                 -- Argon2id, PHC string
    must_change   INTEGER NOT NULL,              -- 1 while the one-time first password stands
    created_ms    BIGINT NOT NULL
);

CREATE TABLE office_session (
    token_digest BLOB NOT NULL PRIMARY KEY,      -- SHA-256 of the cookie's token
    user_name    TEXT NOT NULL,
    expires_ms   BIGINT NOT NULL
);

CREATE TABLE api_token (
    token_digest BLOB NOT NULL PRIMARY KEY,      -- SHA-256 of the bearer token
    name         TEXT NOT NULL,
    created_ms   BIGINT NOT NULL,
    revoked_ms   BIGINT
);
