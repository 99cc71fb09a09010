//! Live pages with many viewers, and ingest while the office browses, over real HTTP.
//!
//! 1. 200 viewers hold `/office/live` open and fetch the fragment whenever they are told to, as the
//!    page's script does. One rating after another is sent as a signed exchange; measured is the time
//!    from sending it until each viewer holds a fragment that counts it.
//! 2. Exchanges of 500 records from 8 terminals, alone and while 20 users open page after page with
//!    a second between two; the ratio of both rates, in alternating rounds on fresh databases.
//!
//! Run with `cargo bench -p manyi-collector --bench live`; `TMPDIR` chooses the disk.

#![expect(clippy::print_stdout, reason = "a bench prints its result")]
#![expect(dead_code, reason = "test support has more than the bench needs")]

#[path = "../tests/centre/days.rs"]
mod days;
#[path = "live/http.rs"]
mod http;
#[path = "../tests/centre/support.rs"]
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use days::{Dice, Work, work_on};
use http::Client;
use manyi_collector::app;
use manyi_collector::store::UserStore;
use manyi_collector::store::users::OfficeUser;
use manyi_shared::domain::Level;
use manyi_shared::wire::digest;
use support::{Centre, NOW};

const VIEWERS: usize = 200;
const RATINGS: u64 = 40;
const BROWSERS: usize = 20;
const ROUNDS: usize = 5;
const TERMINALS: usize = 8;
const EXCHANGES: usize = 25;
const RECORDS: usize = 500;
/// Between two pages of one user: a brisk reader.
const THINK: Duration = Duration::from_secs(1);
const COOKIE: &str = "manyi_session=bench";

/// What a user who looks around opens.
const PAGES: [&str; 5] = [
    "/office",
    "/office?range=month",
    "/office/trends?range=last_month",
    "/office/compare?range=quarter&by=window",
    "/office/items?range=month",
];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        view().await;
        browse().await;
    });
}

/// A centre with somebody logged in, served on a port of its own.
async fn serve() -> (Centre, SocketAddr) {
    let centre = Centre::new().await;
    let user = OfficeUser {
        name: "office".to_owned(),
        password_hash: String::new(),
        must_change: false,
    };
    assert!(
        centre
            .store
            .add_first_user(user, NOW)
            .await
            .expect("stored")
    );
    let token = digest(b"bench");
    let until = NOW + 86_400_000;
    let session = centre
        .store
        .add_session(token, "office".to_owned(), until, NOW);
    session.await.expect("stored");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = app::router(centre.state.clone());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    (centre, address)
}

/// How many ratings a fragment counts.
fn counted(fragment: &str) -> u64 {
    let total = fragment.split("<tfoot>").nth(1).unwrap_or_default();
    let number = total.split("class=\"number\">").nth(1).unwrap_or_default();
    let number = number.split('<').next().unwrap_or_default();
    number.replace(',', "").parse().unwrap_or(0)
}

async fn view() {
    let (centre, address) = serve().await;
    let mut tablet = centre.tablet("A01").await;
    let body = tablet.send_all();
    centre.exchange(&tablet, body).await;
    let counts: Vec<Arc<AtomicU64>> = (0..VIEWERS).map(|_| Arc::default()).collect();
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel::<(u64, Instant)>();
    for count in &counts {
        let (count, sender) = (Arc::clone(count), sender.clone());
        tokio::spawn(async move {
            let mut events = Client::to(address).await;
            events.ask("/office/live", COOKIE).await;
            let mut pages = Client::to(address).await;
            while events.event().await == Some("changed".to_owned()) {
                let fragment = pages.get("/office/today", COOKIE).await;
                let now = counted(&fragment);
                let before = count.swap(now, Ordering::Relaxed);
                for rating in before + 1..=now {
                    drop(sender.send((rating, Instant::now())));
                }
            }
        });
    }
    let mut all = Vec::new();
    let mut lasts = Vec::new();
    let mut device = Client::to(address).await;
    for rating in 1..=RATINGS {
        tablet.rate(Level::ALL[usize::try_from(rating).expect("few") % 5]);
        let first = tablet.records.len();
        let body = tablet.send(first, 1);
        let start = Instant::now();
        device.post("/device/v1/exchange", &body).await;
        let mut last = Duration::ZERO;
        for _ in 0..VIEWERS {
            let (of, at) = told.recv().await.expect("viewers");
            assert_eq!(of, rating);
            last = at - start;
            all.push(last.as_secs_f64() * 1e3);
        }
        lasts.push(last.as_secs_f64() * 1e3);
    }
    println!(
        "{VIEWERS} viewers, {RATINGS} ratings, {} halls watched",
        centre.state.live.watched()
    );
    print("from sending a rating to a viewer's fragment, ms", &mut all);
    print("from sending a rating to the last viewer's, ms", &mut lasts);
}

async fn browse() {
    let (mut alone, mut beside, mut ratios, mut pages) = (vec![], vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        let quiet = ingest(round, 0, &mut pages).await;
        let busy = ingest(round, BROWSERS, &mut pages).await;
        ratios.push(busy / quiet);
        alone.push(quiet);
        beside.push(busy);
    }
    println!(
        "\ningest of {TERMINALS} terminals, {EXCHANGES} exchanges of {RECORDS} records each, {ROUNDS} rounds"
    );
    print("alone, records a second", &mut alone);
    print("while 20 users browse, records a second", &mut beside);
    print("ratio", &mut ratios);
    print("a page meanwhile, ms", &mut pages);
}

/// Records a second while so many users browse; adds what their pages took.
async fn ingest(round: usize, users: usize, pages: &mut Vec<f64>) -> f64 {
    let (centre, address) = serve().await;
    let mut bodies = Vec::new();
    for n in 0..TERMINALS {
        let mut tablet = centre.tablet(&format!("A0{}", n + 1)).await;
        tablet.clock.wall_ms = NOW - 90 * 86_400_000;
        tablet.open_stream();
        let mut dice = Dice::new((round * 100 + n) as u64);
        work_on(
            &mut tablet,
            &Work::ordinary(),
            &mut dice,
            EXCHANGES * RECORDS - 1,
        );
        let of = |exchange| tablet.send(1 + exchange * RECORDS, RECORDS);
        bodies.push((0..EXCHANGES).map(of).collect::<Vec<_>>());
    }
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = tokio::task::JoinSet::new();
    for user in 0..users {
        let done = Arc::clone(&done);
        readers.spawn(async move {
            let mut client = Client::to(address).await;
            let mut took = Vec::new();
            // Not all at the same moment.
            tokio::time::sleep(THINK * u32::try_from(user).expect("few") / 20).await;
            for page in PAGES.iter().cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let start = Instant::now();
                client.get(page, COOKIE).await;
                took.push(start.elapsed().as_secs_f64() * 1e3);
                tokio::time::sleep(THINK).await;
            }
            took
        });
    }
    let start = Instant::now();
    let mut terminals = tokio::task::JoinSet::new();
    for bodies in bodies {
        terminals.spawn(async move {
            let mut client = Client::to(address).await;
            for body in bodies {
                client.post("/device/v1/exchange", &body).await;
            }
        });
    }
    while let Some(sent) = terminals.join_next().await {
        sent.expect("no panic");
    }
    let took = start.elapsed();
    done.store(true, Ordering::Relaxed);
    while let Some(read) = readers.join_next().await {
        pages.extend(read.expect("no panic"));
    }
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
        "{name:<52} median {:.digits$}  p95 {:.digits$}  range {:.digits$} to {:.digits$}  n = {}",
        at(50),
        at(95),
        at(0),
        at(100),
        values.len()
    );
}
