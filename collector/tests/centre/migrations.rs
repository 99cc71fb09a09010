//! Databases of every earlier version, with something in every table they had, under today's program.

use std::collections::BTreeMap;
use std::path::PathBuf;

use manyi_collector::score::Counts;
use manyi_collector::store::ScoreStore;
use manyi_collector::store::scores::{Column, Tally, TallyQuery};
use manyi_collector::store::sqlite::{FILE_NAME, SqliteStore};
use rusqlite::Connection;
use rusqlite::types::Value;

/// The migrations by version, from the first.
fn migrations() -> Vec<String> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let files = std::fs::read_dir(dir).expect("there");
    let mut by_version: BTreeMap<u32, PathBuf> = BTreeMap::new();
    for file in files {
        let path = file.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        let version = name.trim_start_matches('V').split("__").next();
        let version = version.expect("a version").parse().expect("a number");
        by_version.insert(version, path.clone());
    }
    let texts = by_version.values().map(std::fs::read_to_string);
    texts.collect::<Result<_, _>>().expect("readable")
}

/// A row that must still be there: table, columns, values.
type Kept = (String, Vec<String>, Vec<Value>);

/// The window's counts before any version had more than the tally: every later version must come to
/// the same.
const RATINGS: &str = "
    INSERT INTO hall VALUES ('H1', '大厅', '371581', 'Asia/Shanghai', '服务台', 7);
    INSERT INTO department VALUES ('H1', 'D1', '行政审批服务局');
    INSERT INTO service_window VALUES ('H1', 'A01', '综合受理区', 'A01', '窗口', 'D1', 'S1');
    INSERT INTO record (hall_id, terminal_id, stream_id, seq, bytes, received_ms, kind, ordinal, at_ms,
        earliest_ms, latest_ms, window_id, department_id, staff_id, item_code, channel, outcome, level)
    VALUES ('H1', x'01', x'02', 2, x'03', 1, 2, 1, 1800000000000, 1800000000000, 1800000000000,
            'A01', 'D1', 'S1', 'I1', 4, 1, 5),
           ('H1', x'01', x'02', 3, x'03', 1, 2, 2, 1800000000000, 1800000000000, 1800000000000,
            'A01', 'D1', 'S1', 'I1', 4, 1, 2),
           ('H1', x'01', x'02', 4, x'03', 1, 2, 3, 1800086400000, 1800086400000, 1800086400000,
            'A01', 'D1', '', '', 4, 3, NULL);
    INSERT INTO tally (hall_id, slot, window_id, department_id, staff_id, item_code, channel, outcome,
        level, n)
    VALUES ('H1', 2000000, 'A01', 'D1', 'S1', 'I1', 4, 1, 5, 1),
           ('H1', 2000000, 'A01', 'D1', 'S1', 'I1', 4, 1, 2, 1),
           ('H1', 2000096, 'A01', 'D1', '', '', 4, 3, 0, 1);";

fn tables(db: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
               ORDER BY name";
    let mut statement = db.prepare(sql).expect("prepares");
    let names = statement.query_map([], |row| row.get(0)).expect("runs");
    names.collect::<Result<_, _>>().expect("reads")
}

/// A row of another hall in a table, with something in every column.
fn fill(db: &Connection, table: &str) -> Kept {
    let sql = format!("SELECT name, type FROM pragma_table_info('{table}') ORDER BY cid");
    let mut statement = db.prepare(&sql).expect("prepares");
    let columns: Vec<(String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("runs")
        .collect::<Result<_, _>>()
        .expect("reads");
    let value = |(n, (name, kind)): (usize, &(String, String))| match (name.as_str(), &**kind) {
        ("hall_id", _) => Value::Text("H9".to_owned()),
        // What nothing was counted for counts nothing.
        ("n", _) => Value::Integer(0),
        ("outcome" | "level", _) if table == "record" => Value::Null,
        (_, "TEXT") => Value::Text(format!("{name} of {table}")),
        (_, "BLOB") => Value::Blob(vec![7, u8::try_from(n).expect("few")]),
        _ => Value::Integer(100 + i64::try_from(n).expect("few")),
    };
    let values: Vec<_> = columns.iter().enumerate().map(value).collect();
    let names: Vec<_> = columns.into_iter().map(|(name, _)| name).collect();
    let places = vec!["?"; names.len()].join(", ");
    let sql = format!(
        "INSERT INTO {table} ({}) VALUES ({places})",
        names.join(", ")
    );
    db.execute(&sql, rusqlite::params_from_iter(&values))
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    (table.to_owned(), names, values)
}

fn is_there(db: &Connection, (table, columns, values): &Kept) -> bool {
    let conditions = columns.iter().map(|column| format!("{column} IS ?"));
    let conditions = conditions.collect::<Vec<_>>().join(" AND ");
    let sql = format!("SELECT COUNT(*) FROM {table} WHERE {conditions}");
    let n: i64 = db
        .query_row(&sql, rusqlite::params_from_iter(values), |row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    n == 1
}

/// The hall's counts by window and outcome, as every score reads them.
async fn counts(store: &SqliteStore) -> BTreeMap<String, Counts> {
    let query = TallyQuery {
        slots: 1_999_000..2_001_000,
        filters: Vec::new(),
        split: vec![Column::Hall, Column::Window],
        buckets: Vec::new(),
        max_groups: 100,
    };
    let Tally::Groups(groups) = store.tally(query).await.expect("readable") else {
        panic!("two groups at most")
    };
    let named = groups.into_iter();
    named
        .map(|(key, counts)| (format!("{key:?}"), counts))
        .collect()
}

#[tokio::test]
async fn a_database_of_any_earlier_version_loses_nothing_and_scores_the_same() {
    let migrations = migrations();
    let mut scores = None;
    for version in 1..=migrations.len() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(FILE_NAME);
        let db = Connection::open(&path).expect("opens");
        let mut kept: Vec<Kept> = Vec::new();
        for (index, sql) in migrations.iter().take(version).enumerate() {
            let before = tables(&db);
            db.execute_batch(sql).expect("runs");
            if index == 0 {
                db.execute_batch(RATINGS).expect("some ratings");
            }
            // The tally has its rows, and a count that no record comes to would be a fault.
            let new = tables(&db)
                .into_iter()
                .filter(|t| !before.contains(t) && t != "tally");
            kept.extend(new.map(|table| fill(&db, &table)));
        }
        assert!(kept.len() > 10, "{kept:?}");
        db.pragma_update(None, "user_version", version)
            .expect("set");
        drop(db);

        let store = SqliteStore::open(dir.path()).expect("brought up to date");
        let db = Connection::open(&path).expect("opens");
        for row in &kept {
            assert!(
                is_there(&db, row),
                "from version {version}: {row:?} is gone"
            );
        }
        assert_eq!(store.tally_differences().await.expect("readable"), 0);
        let now = counts(&store).await;
        let told = now.values().map(|c| (c.rated(), c.bad(), c.prompts()));
        assert_eq!(told.collect::<Vec<_>>(), [(2, 1, Some(3))]);
        let first = scores.get_or_insert_with(|| now.clone());
        assert_eq!(*first, now, "from version {version}");
    }
}
