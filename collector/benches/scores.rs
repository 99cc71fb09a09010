//! Dashboard queries from roll-ups, beside GROUP BY over the records of the same database.
//!
//! Builds a database of prompts over two years, by default 200,000; `--ratings 10000000` is the size
//! that goals are for, `--halls 50 --windows 100` a province. Records, tally and counts of tags are
//! inserted straight into their tables, roll-ups are made of them by the program's own code. Up to a
//! million prompts, a recount of all records proves that what was inserted is what ingest would have
//! counted; beyond, every query's numbers are compared with those of the GROUP BY. Run with
//! `cargo bench -p manyi-collector --bench scores -- --ratings 10000000`; `TMPDIR` chooses the disk.

#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use manyi_collector::api::{Counted, Dimension, ScoreRequest, Step, count};
use manyi_collector::store::scores::{Column, Value};
use manyi_collector::store::sqlite::FILE_NAME;
use manyi_collector::store::{Database, HallSummary, IngestStore, ScoreStore};
use manyi_shared::domain::{Level, OutcomeKind};
use rusqlite::{Connection, params};

/// 2024-01-01 in Shanghai, a Monday.
const FIRST_DAY_MS: i64 = 1_704_038_400_000;
const DAYS: i64 = 730;
const DAY_MS: i64 = 86_400_000;
const ROUNDS: usize = 21;

/// What a dashboard asks for: a name, and the query after the range.
const QUERIES: [(&str, &str); 19] = [
    ("overview of a month", "from=2025-03-01&to=2025-03-31"),
    (
        "overview of a month by window",
        "from=2025-03-01&to=2025-03-31&group={hall,}window",
    ),
    (
        "two years by day",
        "from=2024-01-01&to=2025-12-30&group=day",
    ),
    (
        "two years by week",
        "from=2024-01-01&to=2025-12-30&group=week",
    ),
    (
        "two years by month",
        "from=2024-01-01&to=2025-12-30&group=month",
    ),
    (
        "one window, two years by day",
        "{one}&window=W001&from=2024-01-01&to=2025-12-30&group=day",
    ),
    (
        "one department, two years by day",
        "{one}&department=D01&from=2024-01-01&to=2025-12-30&group=day",
    ),
    (
        "windows compared over two years",
        "{one}&from=2024-01-01&to=2025-12-30&group=window",
    ),
    (
        "windows compared, odd days",
        "{one}&from=2024-01-17&to=2025-12-13&group=window",
    ),
    (
        "items over two years",
        "{one}&from=2024-01-17&to=2025-12-13&group=item",
    ),
    (
        "clerks of a quarter",
        "{one}&from=2025-01-01&to=2025-03-31&group=staff",
    ),
    (
        "channels over two years",
        "from=2024-01-01&to=2025-12-30&group=channel",
    ),
    (
        "regions and months",
        "from=2024-01-01&to=2025-12-30&group=region,month",
    ),
    (
        "windows and items of a year",
        "{one}&from=2024-03-05&to=2025-03-04&group=window,item",
    ),
    (
        "clerks and items of a quarter",
        "{one}&from=2025-01-10&to=2025-04-09&group=staff,item",
    ),
    (
        "one window's items by month",
        "{one}&window=W001&from=2024-01-01&to=2025-12-30&group=item,month",
    ),
    (
        "tags of bad ratings over two years",
        "{one}&from=2024-01-17&to=2025-12-13&group=tag",
    ),
    (
        "hours of a week",
        "{one}&from=2025-03-03&to=2025-03-09&group=hour",
    ),
    (
        "two years by day in another zone",
        "{one}&tz=UTC&from=2024-01-02&to=2025-12-28&group=day",
    ),
];

struct Size {
    ratings: i64,
    halls: i64,
    windows: i64,
}

fn main() {
    let mut size = Size {
        ratings: 200_000,
        halls: 1,
        windows: 96,
    };
    let arguments: Vec<String> = std::env::args().collect();
    for pair in arguments.windows(2) {
        let [name, value] = pair else { continue };
        let place = match name.as_str() {
            "--ratings" => &mut size.ratings,
            "--halls" => &mut size.halls,
            "--windows" => &mut size.windows,
            _ => continue,
        };
        *place = value.parse().expect("a number");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(&size));
}

async fn run(size: &Size) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Database::create(dir.path()).expect("a database");
    let path = dir.path().join(FILE_NAME);
    let start = Instant::now();
    let made = fill(&path, size);
    println!(
        "{made} prompts, {} halls of {} windows, {DAYS} days; inserted in {:.0?}",
        size.halls,
        size.windows,
        start.elapsed()
    );
    let start = Instant::now();
    while store.roll_up().await.expect("rolled up") {}
    println!("rolled up in {:.0?}", start.elapsed());
    if made <= 1_000_000 {
        assert_eq!(store.tally_differences().await.expect("a recount"), 0);
        println!("a recount of all records agrees");
    }
    let db = Connection::open(&path).expect("opens");
    db.pragma_update(None, "cache_size", -32_768).expect("set");
    for table in ["record", "tally", "tag_tally", "rollup"] {
        let n: i64 = db
            .query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |r| r.get(0))
            .expect("counted");
        println!("{table:<10} {n:>10} rows");
    }
    println!(
        "\n{:<38} {:>8} {:>8} {:>10} {:>7} {:>7}",
        "milliseconds", "p50", "p95", "GROUP BY", "ratio", "groups"
    );
    let halls = store.halls().await.expect("halls");
    for (name, query) in QUERIES {
        compare(&store, &db, &halls, name, query).await;
    }
}

async fn compare(
    store: &Database,
    db: &Connection,
    halls: &[HallSummary],
    name: &str,
    query: &str,
) {
    let several = halls.len() > 1;
    let query = query
        .replace("{one}&", if several { "hall=H01&" } else { "" })
        .replace("{hall,}", if several { "hall," } else { "" });
    let now = jiff::Timestamp::from_millisecond(FIRST_DAY_MS + DAYS * DAY_MS).expect("a time");
    let request = ScoreRequest::parse(&query, halls, now).expect(&query);
    let mut times = Vec::new();
    let mut counted = None;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        counted = Some(count(store, &request).await.expect("counted"));
        times.push(start.elapsed());
    }
    let counted = counted.expect("a round");
    let start = Instant::now();
    let slowly = group_by(db, &request);
    let record = start.elapsed();
    assert_eq!(numbers(&counted), slowly, "{name}: {query}");
    times.sort();
    let at = |percent: usize| {
        let index = times.len().saturating_sub(1) * percent / 100;
        times.get(index).copied().unwrap_or_default()
    };
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{name:<38} {:>8.1} {:>8.1} {:>10.0} {:>6.0}x {:>7}",
        ms(at(50)),
        ms(at(95)),
        ms(record),
        record.as_secs_f64() / at(50).as_secs_f64(),
        counted.groups.len()
    );
}

/// Prompts, ratings and bad ratings of every group, without their keys: in order of size.
type Numbers = Vec<(i64, i64, i64)>;

fn numbers(counted: &Counted) -> Numbers {
    let mut numbers: Numbers = counted
        .groups
        .iter()
        .map(|group| {
            let n = |n: u128| i64::try_from(n).expect("small");
            let counts = &group.counts;
            (
                n(counts.prompts().unwrap_or(0)),
                n(counts.rated()),
                n(counts.bad()),
            )
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

/// The same from the records, as one would write it without any tally.
fn group_by(db: &Connection, request: &ScoreRequest) -> Numbers {
    let slots = request.range.slots();
    let offset = i64::from(request.range.from().offset().seconds());
    let local = format!("at_ms / 1000 + {offset}, 'unixepoch'");
    let mut by: Vec<String> = Vec::new();
    let mut tags = false;
    for dimension in &request.group {
        by.push(match dimension {
            Dimension::Time(Step::Hour) => format!("strftime('%Y-%m-%d %H', {local})"),
            Dimension::Time(Step::Day) => format!("date({local})"),
            Dimension::Time(Step::Week) => format!("date({local}, '-6 days', 'weekday 1')"),
            Dimension::Time(_) => format!("strftime('%Y-%m', {local})"),
            Dimension::Column(Column::Region | Column::Hall) => "hall_id".to_owned(),
            Dimension::Column(Column::Tag) => {
                tags = true;
                "SUBSTR(tags, place * 4 + 1, 3)".to_owned()
            }
            Dimension::Column(column) => sql_name(*column).to_owned(),
        });
    }
    let mut conditions = format!(
        "outcome IS NOT NULL AND at_ms >= {} AND at_ms < {}",
        slots.start * 900_000,
        slots.end * 900_000
    );
    for (column, value) in &request.filters {
        let Value::Text(id) = value else {
            panic!("no such filter here")
        };
        conditions += &format!(" AND {} = '{id}'", sql_name(*column));
    }
    if let Some(hall) = &request.hall {
        conditions += &format!(" AND hall_id = '{hall}'");
    }
    let from = if tags {
        "record JOIN (SELECT 0 AS place UNION ALL SELECT 1) ON LENGTH(tags) > place * 4"
    } else {
        "record"
    };
    let regions = request.group.contains(&Dimension::Column(Column::Region));
    let group = match by.as_slice() {
        [] => String::new(),
        by => format!("GROUP BY {}", by.join(", ")),
    };
    let sql = format!(
        "SELECT COUNT(*), SUM(outcome = 1), COALESCE(SUM(level IN (1, 2)), 0) FROM {from} \
         WHERE {conditions} {group}"
    );
    // Halls here have a region each, so that both are the same groups.
    assert!(!regions || request.halls.len() <= 50);
    let mut statement = db.prepare(&sql).expect("prepares");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let mut numbers: Numbers = rows
        .expect("runs")
        .collect::<Result<_, _>>()
        .expect("reads");
    numbers.sort_unstable();
    numbers
}

const fn sql_name(column: Column) -> &'static str {
    match column {
        Column::Window => "window_id",
        Column::Department => "department_id",
        Column::Staff => "staff_id",
        Column::Item => "item_code",
        Column::Channel => "channel",
        _ => "outcome",
    }
}

/// A small generator: the same database every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 33).expect("31 bits") % n
    }
}

/// Fills all tables; gives back how many prompts there are.
fn fill(path: &std::path::Path, size: &Size) -> i64 {
    let db = Connection::open(path).expect("opens");
    db.pragma_update(None, "journal_mode", "WAL").expect("set");
    db.pragma_update(None, "synchronous", "OFF").expect("set");
    db.pragma_update(None, "cache_size", -262_144).expect("set");
    // Window after window is not the order of reception: its index is made at the end.
    db.execute_batch("BEGIN; DROP INDEX record_by_reception")
        .expect("dropped");
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut made = 0;
    let working_days = (DAYS + 6) / 7 * 5;
    for hall in 1..=size.halls {
        let id = format!("H{hall:02}");
        tables(&db, &id, hall, size.windows);
        for window in 1..=size.windows {
            let all = size.halls * size.windows * working_days;
            let place = (hall - 1) * size.windows + window;
            for day in (0..DAYS).filter(|day| day % 7 < 5) {
                // As many as come to the whole in the end, spread without a pattern.
                let (n, rest) = (size.ratings / all, size.ratings % all);
                let n = n + i64::from(dice.below(all) < rest);
                made += of_day(&db, &mut dice, &id, place, window, day, n);
            }
        }
    }
    db.execute_batch(
        "CREATE INDEX record_by_reception ON record (hall_id, received_ms); COMMIT; \
         PRAGMA wal_checkpoint(TRUNCATE)",
    )
    .expect("committed");
    made
}

fn department(window: i64) -> i64 {
    (window - 1) / 6 + 1
}

fn tables(db: &Connection, id: &str, hall: i64, windows: i64) {
    let region = format!("{}", 440_100 + hall);
    db.execute(
        "INSERT INTO hall VALUES (?1, ?1, ?2, 'Asia/Shanghai', '', 1)",
        [id, &region],
    )
    .expect("a hall");
    for window in 1..=windows {
        let department = format!("D{:02}", department(window));
        db.execute(
            "INSERT INTO department VALUES (?1, ?2, ?2) ON CONFLICT DO NOTHING",
            params![id, department],
        )
        .expect("a department");
        db.execute(
            "INSERT INTO service_window VALUES (?1, ?2, '', ?2, ?2, ?3, '')",
            params![id, format!("W{window:03}"), department],
        )
        .expect("a window");
    }
}

type Tally = BTreeMap<(i64, String, String, i64, i64, i64), i64>;

/// One window's day: prompts in the order of their time, two clerks, the department's twelve items.
fn of_day(
    db: &Connection,
    dice: &mut Dice,
    hall: &str,
    place: i64,
    window: i64,
    day: i64,
    n: i64,
) -> i64 {
    let mut record = db
        .prepare_cached(
            "INSERT INTO record (hall_id, terminal_id, stream_id, seq, bytes, received_ms, kind, \
             ordinal, at_ms, earliest_ms, latest_ms, window_id, department_id, staff_id, item_code, \
             channel, outcome, level, tags, response_ms, chain) VALUES (?1, ?2, ?2, ?3, ?4, ?5, 2, \
             ?3, ?5, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 2500, ?14)",
        )
        .expect("prepares");
    let (window_id, department_id) = (
        format!("W{window:03}"),
        format!("D{:02}", department(window)),
    );
    let mut terminal = [0_u8; 16];
    terminal[..8].copy_from_slice(&place.to_be_bytes());
    let mut times: Vec<i64> = (0..n).map(|_| dice.below(8 * 3_600_000)).collect();
    times.sort_unstable();
    let mut tally = Tally::new();
    let mut tags = Tally::new();
    for (index, time) in (0..).zip(&times) {
        let at_ms = FIRST_DAY_MS + day * DAY_MS + 9 * 3_600_000 + time;
        let staff = format!("S{:03}", window * 2 - i64::from(*time < 4 * 3_600_000));
        let item = format!("44{:02}00{:02}", department(window), dice.below(12));
        let channel = if dice.below(20) == 0 { 3 } else { 4 };
        let (outcome, level, tag) = outcome(dice);
        let seq = day * 10_000 + index + 1;
        record
            .execute(params![
                hall,
                terminal,
                seq,
                [0_u8; 48],
                at_ms,
                window_id,
                department_id,
                staff,
                item,
                channel,
                outcome,
                level,
                tag,
                [0_u8; 32]
            ])
            .expect("a record");
        let slot = at_ms / 900_000;
        let level = level.unwrap_or(0);
        let key = (slot, staff.clone(), item.clone(), channel, outcome, level);
        *tally.entry(key).or_default() += 1;
        for tag in tag.iter().flat_map(|list| list.split(',')) {
            let tag = tag.parse().expect("a code");
            let key = (slot, staff.clone(), item.clone(), channel, tag, level);
            *tags.entry(key).or_default() += 1;
        }
    }
    let mut add = db
        .prepare_cached(
            "INSERT INTO tally (hall_id, slot, window_id, department_id, staff_id, item_code, \
             channel, outcome, level, n) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .expect("prepares");
    for ((slot, staff, item, channel, outcome, level), n) in tally {
        let key = params![
            hall,
            slot,
            window_id,
            department_id,
            staff,
            item,
            channel,
            outcome,
            level,
            n
        ];
        add.execute(key).expect("a count");
    }
    let mut add = db
        .prepare_cached(
            "INSERT INTO tag_tally (hall_id, slot, window_id, department_id, staff_id, item_code, \
             channel, tag, level, n) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .expect("prepares");
    for ((slot, staff, item, channel, tag, level), n) in tags {
        let key = params![
            hall,
            slot,
            window_id,
            department_id,
            staff,
            item,
            channel,
            tag,
            level,
            n
        ];
        add.execute(key).expect("a count");
    }
    n
}

/// Nine of ten prompts are rated, two of a hundred ratings are bad; bad ones have reasons, and one
/// in five of the others.
fn outcome(dice: &mut Dice) -> (i64, Option<i64>, Option<String>) {
    let outcome = match dice.below(100) {
        0..=89 => OutcomeKind::Rated,
        90..=93 => OutcomeKind::Declined,
        94..=97 => OutcomeKind::TimedOut,
        98 => OutcomeKind::Withdrawn,
        _ => OutcomeKind::Fault,
    };
    if outcome != OutcomeKind::Rated {
        return (outcome.number().into(), None, None);
    }
    let level = match dice.below(100) {
        0..=79 => Level::VerySatisfied,
        80..=92 => Level::Satisfied,
        93..=97 => Level::BasicallySatisfied,
        98 => Level::Dissatisfied,
        _ => Level::VeryDissatisfied,
    };
    let first = match level.number() {
        5 => 510,
        4 => 406,
        3 => 307,
        2 => 207,
        _ => 108,
    };
    let tag = first + dice.below(7);
    let tags = match (level.is_bad(), dice.below(10)) {
        (true, 0..=5) | (false, 0) => Some(tag.to_string()),
        (true, _) | (false, 1) => Some(format!("{tag},{}", tag + 1)),
        _ => None,
    };
    (outcome.number().into(), Some(level.number().into()), tags)
}
