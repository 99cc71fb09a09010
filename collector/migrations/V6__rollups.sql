-- Roll-ups of the tally by hour, day and month, and counts of tags. As before: the hall leads every
-- key.

-- The tally of tags as they now stand: a rating with three tags is in three rows. Ratings only.
CREATE TABLE tag_tally (
    hall_id       TEXT NOT NULL,
    window_id     TEXT NOT NULL,
    slot          BIGINT NOT NULL,
    tag           BIGINT NOT NULL,               -- the national code, three digits
    department_id TEXT NOT NULL,
    staff_id      TEXT NOT NULL,
    item_code     TEXT NOT NULL,
    channel       BIGINT NOT NULL,
    level         BIGINT NOT NULL,
    n             BIGINT NOT NULL,
    PRIMARY KEY (hall_id, window_id, slot, tag, department_id, staff_id, item_code, channel, level)
) WITHOUT ROWID;

-- Codes have three digits, so the n-th of a list begins at 4 n + 1; a level has 100 codes.
INSERT INTO tag_tally (hall_id, window_id, slot, tag, department_id, staff_id, item_code, channel,
                       level, n)
SELECT hall_id, window_id, at_ms / 900000, CAST(SUBSTR(tags, place * 4 + 1, 3) AS BIGINT),
       department_id, staff_id, item_code, channel, level, COUNT(*)
FROM record
JOIN (WITH RECURSIVE counted (place) AS (
          SELECT 0 UNION ALL SELECT place + 1 FROM counted WHERE place < 99)
      SELECT place FROM counted) AS places
  ON LENGTH(tags) > place * 4
WHERE outcome = 1
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;

-- What the tally and the tag tally add up to over an hour, a day or a month, without the dimensions
-- that a cube leaves out. One row has all levels and outcomes: they are always wanted together.
CREATE TABLE rollup (
    hall_id       TEXT NOT NULL,
    cube          BIGINT NOT NULL,               -- which dimensions are kept: see rollup::Cube
    grain         BIGINT NOT NULL,               -- 1 hour 2 day 3 month
    period        BIGINT NOT NULL,               -- hours since 1970 UTC; yyyymmdd, yyyymm of the hall
    tag           BIGINT NOT NULL,               -- 0: not by tag
    a             TEXT NOT NULL,                 -- the cube's first id, '' for none
    b             TEXT NOT NULL,                 -- its second
    department_id TEXT NOT NULL,                 -- '' in the cube of everything
    channel       BIGINT NOT NULL,
    level_5       BIGINT NOT NULL,
    level_4       BIGINT NOT NULL,
    level_3       BIGINT NOT NULL,
    level_2       BIGINT NOT NULL,
    level_1       BIGINT NOT NULL,
    declined      BIGINT NOT NULL,
    timed_out     BIGINT NOT NULL,
    withdrawn     BIGINT NOT NULL,
    fault         BIGINT NOT NULL,
    PRIMARY KEY (hall_id, cube, grain, period, tag, a, b, department_id, channel)
) WITHOUT ROWID;

-- How far a hall's roll-ups are. No row: nothing is rolled up, scores are read from the tally.
CREATE TABLE rollup_state (
    hall_id       TEXT NOT NULL PRIMARY KEY,
    time_zone     TEXT NOT NULL,                 -- whose days and months they are
    ready         BIGINT NOT NULL,               -- 1: every window is in
    built_through TEXT NOT NULL                  -- while 0: windows up to here are in
);
