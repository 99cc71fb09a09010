-- People: roles, second factors, sessions, tokens with scope, the audit log.

-- Who logs in. `password_hash` is '' for whoever comes through another login service only.
ALTER TABLE office_user ADD COLUMN full_name TEXT NOT NULL DEFAULT '';
ALTER TABLE office_user ADD COLUMN language TEXT NOT NULL DEFAULT '';     -- '': the browser's choice
ALTER TABLE office_user ADD COLUMN disabled_ms BIGINT;
ALTER TABLE office_user ADD COLUMN last_login_ms BIGINT;
-- Counts up with every change by an administrator: of two changes at once, the second is told.
ALTER TABLE office_user ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE office_user ADD COLUMN totp_secret BLOB;                      -- sealed; NULL: no second factor
ALTER TABLE office_user ADD COLUMN totp_step BIGINT NOT NULL DEFAULT 0;   -- the last step that was used
ALTER TABLE office_user ADD COLUMN totp_pending BLOB;                     -- sealed; shown, not confirmed yet

-- Roles at places; see the table in access/permission.rs and Place's text form.
CREATE TABLE user_role (
    user_name TEXT NOT NULL,
    role      TEXT NOT NULL,
    place     TEXT NOT NULL,
    origin    TEXT NOT NULL,                     -- 'given' by an administrator, 'claim' of a login service
    PRIMARY KEY (user_name, role, place, origin)
);
-- Whoever was there could do everything.
INSERT INTO user_role (user_name, role, place, origin)
    SELECT user_name, 'administrator', 'everywhere', 'given' FROM office_user;

CREATE TABLE recovery_code (
    user_name   TEXT NOT NULL,
    code_digest BLOB NOT NULL,                   -- SHA-256 of the code: 80 random bits
    used_ms     BIGINT,
    PRIMARY KEY (user_name, code_digest)
);

-- Who a user is at a login service.
CREATE TABLE user_identity (
    issuer    TEXT NOT NULL,
    subject   TEXT NOT NULL,
    user_name TEXT NOT NULL,
    linked_ms BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

-- Logins on their way through a login service.
CREATE TABLE oidc_try (
    token_digest BLOB NOT NULL PRIMARY KEY,      -- SHA-256 of the cookie's token
    state_digest BLOB NOT NULL,
    nonce        TEXT NOT NULL,
    verifier     TEXT NOT NULL,                  -- of PKCE
    link_user    TEXT NOT NULL,                  -- who asked to be linked; '' for a login
    expires_ms   BIGINT NOT NULL
);

-- Sessions know their device and their last use since. Those from before were last used in 1970, as far
-- as anybody knows: their users log in again.
ALTER TABLE office_session ADD COLUMN session_id TEXT NOT NULL DEFAULT '';   -- names it in lists; opens nothing
ALTER TABLE office_session ADD COLUMN created_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE office_session ADD COLUMN seen_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE office_session ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE office_session ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE office_session ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;      -- 1 until the second factor came
CREATE INDEX office_session_by_user ON office_session (user_name);

-- Networks from which a user has logged in: tries from elsewhere cannot lock these out.
CREATE TABLE known_network (
    user_name TEXT NOT NULL,
    network   TEXT NOT NULL,
    seen_ms   BIGINT NOT NULL,
    PRIMARY KEY (user_name, network)
);

-- How often something was tried; see access/throttle.rs.
CREATE TABLE throttle (
    subject  BLOB NOT NULL PRIMARY KEY,          -- SHA-256 of what is tried
    empty_ms BIGINT NOT NULL
);

-- Tokens from before could do what there was.
ALTER TABLE api_token ADD COLUMN permissions TEXT NOT NULL DEFAULT 'see_scores,export,see_fleet,ask_citizens';
ALTER TABLE api_token ADD COLUMN place TEXT NOT NULL DEFAULT 'everywhere';
ALTER TABLE api_token ADD COLUMN expires_ms BIGINT;
ALTER TABLE api_token ADD COLUMN seen_ms BIGINT;
ALTER TABLE api_token ADD COLUMN created_by TEXT NOT NULL DEFAULT '';

-- Who did what: append-only, each entry chained to the one before; see audit.rs.
CREATE TABLE audit_entry (
    seq           BIGINT NOT NULL PRIMARY KEY,   -- from 1, without gaps
    at_ms         BIGINT NOT NULL,
    who           TEXT NOT NULL,                 -- user:…, token:… or operator:…
    network       TEXT NOT NULL,                 -- the address without its last part
    action        TEXT NOT NULL,
    place         TEXT NOT NULL,
    object        TEXT NOT NULL,
    before_digest BLOB,
    after_digest  BLOB,
    detail        TEXT NOT NULL,
    hash          BLOB NOT NULL                  -- SHA-256(hash of the entry before || canonical bytes)
);
CREATE INDEX audit_entry_by_time ON audit_entry (at_ms);

-- One row: where the chain begins (after what was dropped) and ends.
CREATE TABLE audit_head (
    head        INTEGER NOT NULL PRIMARY KEY,    -- 1
    seq         BIGINT NOT NULL,
    hash        BLOB NOT NULL,
    anchor_seq  BIGINT NOT NULL,
    anchor_hash BLOB NOT NULL
);
