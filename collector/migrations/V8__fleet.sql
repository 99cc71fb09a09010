-- The fleet: what terminals tell of themselves, alerts, profiles edited by the office.

-- The last heartbeat as it was signed (CBOR of wire::Health); its older fields have columns, too.
ALTER TABLE terminal ADD COLUMN health BLOB;
ALTER TABLE terminal ADD COLUMN uptime_ms BIGINT;          -- at the last exchange
ALTER TABLE terminal ADD COLUMN boot_id BLOB;
ALTER TABLE terminal ADD COLUMN progress_ms BIGINT;        -- when its backlog last fell, or was empty
ALTER TABLE terminal ADD COLUMN last_rating_ms BIGINT;     -- the latest rating that it has spoken of
ALTER TABLE terminal ADD COLUMN refused_ms BIGINT;         -- its last call after it was revoked
ALTER TABLE terminal ADD COLUMN refused_calls BIGINT NOT NULL DEFAULT 0;
ALTER TABLE terminal ADD COLUMN shown_state TEXT NOT NULL DEFAULT ''; -- as last written to terminal_state

-- The states of a terminal, one row a change. `reasons` are names with blanks between them.
CREATE TABLE terminal_state (
    hall_id     TEXT NOT NULL,
    terminal_id BLOB NOT NULL,
    since_ms    BIGINT NOT NULL,
    state       TEXT NOT NULL,
    reasons     TEXT NOT NULL,
    PRIMARY KEY (hall_id, terminal_id, since_ms)
);

-- Trouble that somebody should deal with. At most one is open of each kind and subject: that is the
-- unique index, in which an open one has closed_ms 0.
CREATE TABLE alert (
    hall_id         TEXT NOT NULL,
    alert_id        BLOB NOT NULL,           -- 16 bytes, random
    terminal_id     BLOB NOT NULL,
    window_id       TEXT NOT NULL,
    kind            TEXT NOT NULL,           -- see alert::Kind
    subject         TEXT NOT NULL,           -- which incident; '' where a terminal has one at most
    detail          TEXT NOT NULL,
    opened_ms       BIGINT NOT NULL,
    calm_ms         BIGINT,                  -- since when nothing is wrong any more; NULL: something is
    acknowledged_ms BIGINT,
    acknowledged_by TEXT,
    closed_ms       BIGINT NOT NULL,         -- 0: open
    PRIMARY KEY (hall_id, alert_id)
);
CREATE UNIQUE INDEX alert_open ON alert (hall_id, terminal_id, kind, subject, closed_ms);

-- What is to be told outside, written in the transaction that opens the alerts it tells of. One
-- collector at a time has the claim to a message.
CREATE TABLE alert_message (
    hall_id    TEXT NOT NULL,
    message_id BLOB NOT NULL,                -- 16 bytes, random; the receiver may know it again
    target     TEXT NOT NULL,                -- the name of a webhook or of a list of mail addresses
    created_ms BIGINT NOT NULL,
    due_ms     BIGINT NOT NULL,              -- the next try; a time of quiet puts it off
    tries      BIGINT NOT NULL,
    claimed_ms BIGINT NOT NULL,              -- the claim ends then; 0: nobody has it
    ended_ms   BIGINT,                       -- NULL: to be sent
    result     TEXT,                         -- sent | closed | given_up
    problem    TEXT,                         -- why the last try failed
    PRIMARY KEY (hall_id, message_id)
);
CREATE INDEX alert_message_due ON alert_message (ended_ms, due_ms);

-- Which alerts a message tells of: an opening is told once to each target.
CREATE TABLE alert_told (
    hall_id    TEXT NOT NULL,
    alert_id   BLOB NOT NULL,
    target     TEXT NOT NULL,
    message_id BLOB NOT NULL,
    PRIMARY KEY (hall_id, alert_id, target)
);
CREATE INDEX alert_told_by_message ON alert_told (hall_id, message_id);
