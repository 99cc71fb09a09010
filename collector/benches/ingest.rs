//! Ingest against a bare insert loop of the same rows, side by side in alternating rounds.
//!
//! Full: parse, look the terminal up, verify, unpack, chain, decode, decide, store, count, commit,
//! sign the reply. Bare: the same rows through one prepared statement, in transactions of the same
//! size, on the same schema, journal mode and disk. Once with one exchange at a time, so nothing
//! hides behind a second core or a shared commit, and once as halls do it, with several terminals
//! sending at the same time. Run with
//! `cargo bench -p manyi-collector --bench ingest`; `TMPDIR` chooses the disk.

#![expect(clippy::print_stdout, reason = "a bench prints its result")]
#![expect(dead_code, reason = "test support has more than the bench needs")]

#[path = "../tests/centre/days.rs"]
mod days;
#[path = "../tests/centre/support.rs"]
mod support;

use std::time::{Duration, Instant};

use days::{Dice, Work, work_on};
use manyi_collector::ingest::Delivery;
use manyi_collector::store::IngestStore;
use manyi_collector::store::sqlite::SqliteStore;
use manyi_shared::wire::{PublicKey, Record, Reply, SecretKey, SignedExchange};
use rusqlite::types::Value;
use support::{Centre, NOW};

const ROUNDS: usize = 11;
const TERMINALS: usize = 8;
const EXCHANGES: usize = 5;
const RECORDS: usize = 500;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(compare());
}

/// Stages of the full ingest and the whole.
#[derive(Default)]
struct Full {
    parse: Duration,
    verify: Duration,
    decode: Duration,
    store: Duration,
    sign: Duration,
    total: Duration,
}

type Stage = fn(&Full) -> Duration;

async fn compare() {
    let mut ratios = Vec::new();
    let mut counted_ratios = Vec::new();
    let mut together_ratios = Vec::new();
    let mut fulls = Vec::new();
    let mut bares = Vec::new();
    let mut bytes = 0;
    for round in 0..ROUNDS {
        let centre = Centre::new().await;
        let bodies = bodies(&centre, round as u64).await;
        bytes += bodies.iter().map(|(_, body)| body.len()).sum::<usize>();
        let full = ingest(&centre, &bodies).await;
        let (rows, tally) = stored(&centre);
        assert_eq!(rows.len(), TERMINALS * (EXCHANGES * RECORDS));
        let bare = insert(&rows, &[]);
        let counted = insert(&rows, &tally);
        let crowd = Centre::new().await;
        let bodies = self::bodies(&crowd, round as u64).await;
        let together = ingest_together(&crowd, &bodies).await;
        together_ratios.push(bare.as_secs_f64() / together.as_secs_f64());
        ratios.push(bare.as_secs_f64() / full.total.as_secs_f64());
        counted_ratios.push(counted.as_secs_f64() / full.total.as_secs_f64());
        fulls.push(full);
        bares.push(bare);
    }
    let n = TERMINALS * EXCHANGES;
    println!("{n} exchanges of {RECORDS} records, {ROUNDS} rounds");
    println!(
        "{} bytes an outcome on the wire\n",
        bytes / (ROUNDS * n * RECORDS)
    );
    print("ingest / bare insert, one at a time", &mut ratios);
    print(
        "ingest / bare insert, 8 terminals at once",
        &mut together_ratios,
    );
    print(
        "ingest / bare insert with the same counts",
        &mut counted_ratios,
    );
    let rates = |name: &str, times: &mut dyn Iterator<Item = Duration>| {
        let mut each: Vec<_> = times
            .map(|t| (n * RECORDS) as f64 / t.as_secs_f64())
            .collect();
        print(name, &mut each);
    };
    rates("bare insert, rows a second", &mut bares.iter().copied());
    rates("ingest, rows a second", &mut fulls.iter().map(|f| f.total));
    print_stages(&fulls, &bares, n);
}

fn print_stages(fulls: &[Full], bares: &[Duration], n: usize) {
    println!("\nwhere an exchange's time goes, median in microseconds:");
    let stages: [(&str, Stage); 6] = [
        ("parse", |f| f.parse),
        ("verify signature, unpack, chain", |f| f.verify),
        ("decode records", |f| f.decode),
        ("decide, store, count, commit", |f| f.store),
        ("sign the reply", |f| f.sign),
        ("all", |f| f.total),
    ];
    for (name, stage) in stages {
        let mut each: Vec<_> = fulls
            .iter()
            .map(|f| stage(f).as_secs_f64() * 1e6 / n as f64)
            .collect();
        print(name, &mut each);
    }
    let mut each: Vec<_> = bares
        .iter()
        .map(|b| b.as_secs_f64() * 1e6 / n as f64)
        .collect();
    print("bare insert of the same rows", &mut each);
}

fn print(name: &str, values: &mut [f64]) {
    values.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        let index = values.len().saturating_sub(1) * percent / 100;
        values.get(index).copied().unwrap_or_default()
    };
    let digits = if at(50) < 10.0 { 2 } else { 0 };
    println!(
        "{name:<44} {:>10.digits$}  ({:.digits$} to {:.digits$})",
        at(50),
        at(0),
        at(100)
    );
}

/// Every exchange with 500 records; the first of a stream has its opening among them.
async fn bodies(centre: &Centre, round: u64) -> Vec<(PublicKey, Vec<u8>)> {
    let windows = ["A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08"];
    let mut bodies = Vec::new();
    for (n, window) in windows.into_iter().take(TERMINALS).enumerate() {
        let mut tablet = centre.tablet(window).await;
        tablet.clock.wall_ms = NOW - 90 * 86_400_000;
        tablet.open_stream();
        let mut dice = Dice::new(round * 100 + n as u64);
        work_on(
            &mut tablet,
            &Work::ordinary(),
            &mut dice,
            EXCHANGES * RECORDS - 1,
        );
        for exchange in 0..EXCHANGES {
            bodies.push((
                tablet.key.public(),
                tablet.send(1 + exchange * RECORDS, RECORDS),
            ));
        }
    }
    bodies
}

async fn ingest(centre: &Centre, bodies: &[(PublicKey, Vec<u8>)]) -> Full {
    let key = SecretKey::from_seed(&[9; 32]);
    let mut full = Full::default();
    let start = Instant::now();
    for (_, body) in bodies {
        let t0 = Instant::now();
        let parsed = SignedExchange::parse(body).expect("parses");
        let known = centre.store.terminal(parsed.claimed_terminal()).await;
        let known = known.expect("readable").expect("known");
        let t1 = Instant::now();
        let exchange = parsed.open(&known.key).expect("verifies");
        let (terminal, request) = (exchange.head.terminal, exchange.request);
        let t2 = Instant::now();
        let delivery = Delivery::new(known.hall, exchange, NOW);
        let t3 = Instant::now();
        let receipt = centre.store.ingest(delivery).await.expect("stored");
        let t4 = Instant::now();
        let reply = Reply {
            terminal,
            request,
            status: receipt.status,
            acknowledgement: receipt.acknowledgement,
            server_ms: NOW,
            next_number: receipt.next_number,
            profile: None,
            prompts: Vec::new(),
            behind: Vec::new(),
            rotate_key: false,
        };
        std::hint::black_box(reply.seal(&key));
        full.parse += t1 - t0;
        full.verify += t2 - t1;
        full.decode += t3 - t2;
        full.store += t4 - t3;
        full.sign += t4.elapsed();
    }
    full.total = start.elapsed();
    full
}

/// The same with every terminal sending at once, each its exchanges in order, as a hall's do:
/// verifying runs beside the writer, and waiting exchanges share a commit.
async fn ingest_together(centre: &Centre, bodies: &[(PublicKey, Vec<u8>)]) -> Duration {
    let mut terminals = tokio::task::JoinSet::new();
    let start = Instant::now();
    for bodies in bodies.chunks(EXCHANGES) {
        let (store, bodies) = (centre.store.clone(), bodies.to_vec());
        terminals.spawn(async move {
            for (_, body) in bodies {
                let parsed = SignedExchange::parse(&body).expect("parses");
                let known = store.terminal(parsed.claimed_terminal()).await;
                let known = known.expect("readable").expect("known");
                let exchange = parsed.open(&known.key).expect("verifies");
                let delivery = Delivery::new(known.hall, exchange, NOW);
                std::hint::black_box(store.ingest(delivery).await.expect("stored"));
            }
        });
    }
    while let Some(done) = terminals.join_next().await {
        done.expect("no panic");
    }
    start.elapsed()
}

type Rows = Vec<Vec<Value>>;

/// The rows that ingest made, and the counts of each exchange's rows.
fn stored(centre: &Centre) -> (Rows, Vec<Rows>) {
    let db = centre.db();
    let rows = all(&db, "SELECT * FROM record ORDER BY rowid");
    let counts = (0..TERMINALS * EXCHANGES).map(|n| {
        let low = n * RECORDS;
        all(
            &db,
            &format!(
                "SELECT hall_id, at_ms / 900000, window_id, department_id, staff_id, item_code, \
                 channel, outcome, COALESCE(level, 0), COUNT(*) FROM record WHERE outcome IS NOT \
                 NULL AND rowid > {low} AND rowid <= {} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9",
                low + RECORDS
            ),
        )
    });
    let counts = counts.collect();
    for row in rows.iter().take(3) {
        let Some(Value::Blob(bytes)) = row.get(4) else {
            panic!("no bytes")
        };
        Record::decode(bytes).expect("a record");
    }
    (rows, counts)
}

fn all(db: &rusqlite::Connection, sql: &str) -> Rows {
    let mut statement = db.prepare(sql).expect("prepares");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect());
    rows.expect("runs")
        .collect::<Result<_, _>>()
        .expect("reads")
}

/// The bare loop: one prepared statement, one transaction for each exchange's rows; with the
/// counts of each transaction when there are any.
fn insert(rows: &Rows, counts: &[Rows]) -> Duration {
    let dir = tempfile::tempdir().expect("a directory");
    drop(SqliteStore::create(dir.path()).expect("a database"));
    let path = dir.path().join(manyi_collector::store::sqlite::FILE_NAME);
    let db = rusqlite::Connection::open(path).expect("opens");
    db.pragma_update(None, "journal_mode", "WAL").expect("set");
    db.pragma_update(None, "synchronous", "FULL").expect("set");
    db.pragma_update(None, "cache_size", -32_768).expect("set");
    let places = |n: usize| vec!["?"; n].join(", ");
    let mut record = db
        .prepare(&format!("INSERT INTO record VALUES ({})", places(29)))
        .expect("prepares");
    let mut tally = db
        .prepare(&format!(
            "INSERT INTO tally VALUES ({}) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            places(10)
        ))
        .expect("prepares");
    let start = Instant::now();
    for (n, chunk) in rows.chunks(RECORDS).enumerate() {
        db.execute_batch("BEGIN IMMEDIATE").expect("begins");
        for row in chunk {
            record
                .execute(rusqlite::params_from_iter(row))
                .expect("inserts");
        }
        for row in counts.get(n).into_iter().flatten() {
            tally
                .execute(rusqlite::params_from_iter(row))
                .expect("counts");
        }
        db.execute_batch("COMMIT").expect("commits");
    }
    start.elapsed()
}
