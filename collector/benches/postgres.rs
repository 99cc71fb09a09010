//! Ingest on PostgreSQL against bare inserts of the same record rows, in alternating rounds on one
//! server.
//!
//! Full: parse, look the terminal up, verify, unpack, chain, decode, decide, store, count, commit,
//! sign the reply. Bare: multi-row `INSERT … VALUES … ON CONFLICT DO NOTHING` of 500 rows, prepared
//! once, each in a transaction of its own, into the same schema. Once with one exchange at a time
//! and one connection, once with as many connections as terminals. Run with
//! `cargo bench -p manyi-collector --bench postgres`.

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
use manyi_shared::wire::{Reply, SecretKey, SignedExchange};
use postgres::types::{ToSql, Type};
use support::cluster::{TestDatabase, with_client};
use support::{Centre, NOW};

const ROUNDS: usize = 9;
const TERMINALS: usize = 8;
const EXCHANGES: usize = 5;
const RECORDS: usize = 500;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut alone = Vec::new();
    let mut together = Vec::new();
    let (mut fulls, mut bares) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (full, rows) = runtime.block_on(full(round as u64, false));
        let bare = bare(&rows, 1);
        alone.push(bare.as_secs_f64() / full.as_secs_f64());
        fulls.push(rate(full));
        bares.push(rate(bare));
        let (full, rows) = runtime.block_on(self::full(round as u64, true));
        let bare = self::bare(&rows, TERMINALS);
        together.push(bare.as_secs_f64() / full.as_secs_f64());
    }
    let n = TERMINALS * EXCHANGES;
    println!("PostgreSQL, {n} exchanges of {RECORDS} records, {ROUNDS} rounds\n");
    print("ingest / bare insert, one at a time", &mut alone);
    print("ingest / bare insert, 8 at once", &mut together);
    print("ingest, rows a second, one at a time", &mut fulls);
    print("bare insert, rows a second", &mut bares);
}

fn rate(took: Duration) -> f64 {
    (TERMINALS * EXCHANGES * RECORDS) as f64 / took.as_secs_f64()
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

/// A terminal's exchanges, in order.
type Bodies = Vec<Vec<u8>>;

async fn bodies(centre: &Centre, round: u64) -> Vec<Bodies> {
    let windows = ["A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08"];
    let mut all = Vec::new();
    for (n, window) in windows.into_iter().take(TERMINALS).enumerate() {
        let mut tablet = centre.tablet(window).await;
        tablet.clock.wall_ms = NOW - 90 * 86_400_000;
        tablet.open_stream();
        let mut dice = Dice::new(round * 100 + n as u64);
        let outcomes = EXCHANGES * RECORDS - 1;
        work_on(&mut tablet, &Work::ordinary(), &mut dice, outcomes);
        let sends = (0..EXCHANGES).map(|n| tablet.send(1 + n * RECORDS, RECORDS));
        all.push(sends.collect());
    }
    all
}

/// How long the centre takes for everything, and the rows it made.
async fn full(round: u64, together: bool) -> (Duration, Vec<Vec<Cell>>) {
    let centre = Centre::new().await;
    let bodies = bodies(&centre, round).await;
    let start = Instant::now();
    if together {
        let mut terminals = tokio::task::JoinSet::new();
        for bodies in bodies {
            terminals.spawn(take(centre.store.clone(), bodies));
        }
        while let Some(done) = terminals.join_next().await {
            done.expect("no panic");
        }
    } else {
        for bodies in bodies {
            take(centre.store.clone(), bodies).await;
        }
    }
    let took = start.elapsed();
    assert_eq!(centre.store.tally_differences().await.expect("readable"), 0);
    let rows = stored(&centre);
    assert_eq!(rows.len(), TERMINALS * EXCHANGES * RECORDS);
    (took, rows)
}

async fn take(store: std::sync::Arc<manyi_collector::store::Database>, bodies: Bodies) {
    let key = SecretKey::from_seed(&[9; 32]);
    for body in bodies {
        let parsed = SignedExchange::parse(&body).expect("parses");
        let known = store.terminal(parsed.claimed_terminal()).await;
        let known = known.expect("readable").expect("known");
        let exchange = parsed.open(&known.key).expect("verifies");
        let (terminal, request) = (exchange.head.terminal, exchange.request);
        let delivery = Delivery::new(known.hall, exchange, NOW);
        let receipt = store.ingest(delivery).await.expect("stored");
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
    }
}

type Cell = Box<dyn ToSql + Sync + Send>;

/// The rows that ingest made, terminal by terminal.
fn stored(centre: &Centre) -> Vec<Vec<Cell>> {
    let support::kept::Kept::Server(database) = &centre.kept else {
        panic!("not on a server")
    };
    database.look(|client| {
        let sql = "SELECT * FROM record ORDER BY terminal_id, stream_id, seq";
        let rows = client.query(sql, &[]).expect("reads");
        let cells = |row: &postgres::Row| (0..row.len()).map(|n| cell(row, n)).collect();
        rows.iter().map(cells).collect()
    })
}

fn cell(row: &postgres::Row, index: usize) -> Cell {
    match row
        .columns()
        .get(index)
        .map(|column| column.type_().clone())
    {
        Some(Type::INT8) => Box::new(row.get::<_, Option<i64>>(index)),
        Some(Type::TEXT) => Box::new(row.get::<_, Option<String>>(index)),
        _ => Box::new(row.get::<_, Option<Vec<u8>>>(index)),
    }
}

/// How long the bare inserts take, over so many connections.
fn bare(rows: &[Vec<Cell>], connections: usize) -> Duration {
    let database = TestDatabase::new();
    let address = database.address();
    database.look(|client| {
        // As ingest has made them before its first record.
        let sql = "CREATE TABLE record_202603 PARTITION OF record FOR VALUES FROM (202603) TO (202604); \
             CREATE TABLE record_202604 PARTITION OF record FOR VALUES FROM (202604) TO (202605); \
             CREATE TABLE record_202605 PARTITION OF record FOR VALUES FROM (202605) TO (202606)";
        client.batch_execute(sql).expect("parts");
    });
    let start = std::sync::Barrier::new(connections + 1);
    std::thread::scope(|scope| {
        let shares = rows.chunks(rows.len().div_ceil(connections));
        let inserting: Vec<_> = shares
            .map(|share| {
                scope.spawn(|| with_client(&address, |client| insert(client, share, &start)))
            })
            .collect();
        start.wait();
        let began = Instant::now();
        for share in inserting {
            share.join().expect("no panic");
        }
        began.elapsed()
    })
}

fn insert(client: &mut postgres::Client, rows: &[Vec<Cell>], start: &std::sync::Barrier) {
    client
        .batch_execute("SET synchronous_commit = on")
        .expect("set");
    let width = rows.first().map_or(0, Vec::len);
    let places: Vec<_> = (0..RECORDS)
        .map(|row| {
            let places: Vec<_> = (1..=width)
                .map(|n| format!("${}", row * width + n))
                .collect();
            format!("({})", places.join(", "))
        })
        .collect();
    let sql = format!(
        "INSERT INTO record VALUES {} ON CONFLICT DO NOTHING",
        places.join(", ")
    );
    let statement = client.prepare(&sql).expect("prepares");
    start.wait();
    for rows in rows.chunks(RECORDS) {
        let values: Vec<&(dyn ToSql + Sync)> = rows
            .iter()
            .flatten()
            .map(|cell| &**cell as &(dyn ToSql + Sync))
            .collect();
        let mut transaction = client.transaction().expect("begins");
        let inserted = transaction.execute(&statement, &values).expect("inserts");
        assert_eq!(inserted, RECORDS as u64);
        transaction.commit().expect("commits");
    }
}
