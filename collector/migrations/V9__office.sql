-- What users of the office keep for themselves: addresses of pages, by a name of their own. Of no hall.
CREATE TABLE saved_view (
    user_name  TEXT NOT NULL,
    view_id    BIGINT NOT NULL,                  -- counts up by user
    name       TEXT NOT NULL,
    address    TEXT NOT NULL,                    -- path and query, always under /office
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (user_name, view_id)
);
