-- What the tablet's new pages send and need: self-tests, misuse, sealed messages, how a prompt came
-- about; options, files, pauses and prompts of the office. As before: the hall leads every key,
-- times are milliseconds since 1970 UTC.

ALTER TABLE record ADD COLUMN trigger INTEGER;        -- who asked, of outcomes: see Trigger::number
ALTER TABLE record ADD COLUMN caller_key BLOB;        -- what stands for the caller's own key
ALTER TABLE record ADD COLUMN misuse_kinds INTEGER;   -- bits of Misuse::kinds; NULL: none was told
ALTER TABLE record ADD COLUMN misuse_touches INTEGER;
ALTER TABLE record ADD COLUMN misuse_span_ms BIGINT;

ALTER TABLE terminal ADD COLUMN profile_problem TEXT; -- why it does not obey its profile
ALTER TABLE terminal ADD COLUMN journal_problem TEXT; -- why it cannot keep ratings

-- Counted apart from ratings. The first arrival of a day's level stands.
CREATE TABLE self_test (
    hall_id     TEXT NOT NULL,
    terminal_id BLOB NOT NULL,
    day         INTEGER NOT NULL,            -- yyyymmdd in the hall's zone
    level       INTEGER NOT NULL,
    window_id   TEXT NOT NULL,               -- where the stream's ratings count
    stream_id   BLOB NOT NULL,               -- the record that was first
    seq         BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (hall_id, terminal_id, day, level)
);

-- What citizens left for the office's eyes: encrypted to the office's key, and it stays so here.
CREATE TABLE message (
    hall_id     TEXT NOT NULL,
    terminal_id BLOB NOT NULL,
    stream_id   BLOB NOT NULL,
    seq         BIGINT NOT NULL,
    target_seq  BIGINT NOT NULL,             -- the rating it belongs to
    window_id   TEXT NOT NULL,
    what        INTEGER NOT NULL,            -- 1 telephone number, 2 comment
    sealed      BLOB NOT NULL,               -- CBOR of the sealed text, as in the record
    at_ms       BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (hall_id, terminal_id, stream_id, seq)
);

-- Who had messages opened, and how many.
CREATE TABLE message_access (
    hall_id  TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    reader   TEXT NOT NULL,                  -- the account of the operating system
    messages BIGINT NOT NULL
);
CREATE INDEX message_access_by_time ON message_access (hall_id, at_ms);

ALTER TABLE staff ADD COLUMN stars INTEGER;           -- 1 to 5; NULL: none given
ALTER TABLE staff ADD COLUMN photo BLOB;              -- digest, see asset

-- Files that profiles name, by their SHA-256.
CREATE TABLE asset (
    hall_id TEXT NOT NULL,
    digest  BLOB NOT NULL,
    kind    TEXT NOT NULL,                   -- picture | sound
    bytes   BLOB NOT NULL,
    PRIMARY KEY (hall_id, digest)
);

-- What profile.toml says. The row of window '' is the hall's; a window's own row stands instead of
-- it and already has in it what the hall says. NULL: the terminal's usual value.
CREATE TABLE window_options (
    hall_id         TEXT NOT NULL,
    window_id       TEXT NOT NULL,
    options         BLOB NOT NULL,           -- CBOR of ProfileOptions, as in profiles
    ask_seconds     INTEGER,
    reasons_seconds INTEGER,
    thanks_seconds  INTEGER,
    guard_ms        INTEGER,
    mirrored        INTEGER,
    ask_reasons     INTEGER,
    keep_records    BIGINT,
    PRIMARY KEY (hall_id, window_id)
);

-- Set by commands, so that an import does not undo them. Window '': the whole hall.
CREATE TABLE technician_pin (
    hall_id   TEXT NOT NULL,
    window_id TEXT NOT NULL,
    hash      TEXT NOT NULL,                 -- Argon2id, PHC string
    PRIMARY KEY (hall_id, window_id)
);
CREATE TABLE window_pause (
    hall_id   TEXT NOT NULL,
    window_id TEXT NOT NULL,
    text      TEXT NOT NULL,
    PRIMARY KEY (hall_id, window_id)
);

-- Public keys that messages were and are sealed to; the newest goes into profiles. The secret key
-- never comes here.
CREATE TABLE office_key (
    public_key BLOB NOT NULL PRIMARY KEY,
    adopted_ms BIGINT NOT NULL
);

-- Questions that the office wants asked. `pending` past expires_ms means: expired.
CREATE TABLE office_prompt (
    hall_id        TEXT NOT NULL,
    prompt_id      BLOB NOT NULL,
    window_id      TEXT NOT NULL,
    staff_id       TEXT,
    item_code      TEXT,
    case_number    TEXT,
    item_name      TEXT,
    staff_name     TEXT,
    created_ms     BIGINT NOT NULL,
    expires_ms     BIGINT NOT NULL,
    state          TEXT NOT NULL,            -- pending | taken | refused
    terminal_id    BLOB,                     -- who answered
    caller         TEXT NOT NULL,            -- API token or user
    caller_key     BLOB,                     -- SHA-256 of the caller's Idempotency-Key
    request_digest BLOB NOT NULL,            -- SHA-256 of what was asked for
    PRIMARY KEY (hall_id, prompt_id)
);
-- Who asks what became of one does not name the hall.
CREATE INDEX office_prompt_by_id ON office_prompt (prompt_id);
CREATE INDEX office_prompt_waiting ON office_prompt (hall_id, window_id, state, expires_ms);
CREATE UNIQUE INDEX office_prompt_by_key ON office_prompt (hall_id, caller, caller_key);
