//! One record with which every exchange fails, in the middle of a backlog.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use manyi_e2e::citizens::note;
use manyi_e2e::dice::Dice;
use manyi_e2e::faults::tls::Authority;
use manyi_e2e::faults::{Front, Message, Proxy, Weather};
use manyi_e2e::ledger::{self, Ledger};
use manyi_e2e::office::{Office, window};
use manyi_shared::journal::Reader;
use manyi_shared::tablet::read_key;
use manyi_shared::wire::SignedExchange;
use manyi_sync::uplink::Pace;
use rusqlite::Connection;

use crate::tablet::{Tablet, pace};

/// Records in the backlog: what fits into one exchange.
const RECORDS: u64 = 400;

/// One request, as the proxy saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    records: usize,
    bad: bool,
    unread: bool,
}

fn problem(status: u16) -> Message {
    let body =
        format!(r#"{{"type":"urn:manyi:problem:malformed","title":"no","status":{status}}}"#);
    Message::answer(
        status,
        &[("content-type", "application/problem+json")],
        body.as_bytes(),
    )
}

#[rstest::rstest]
#[case::refused_as_malformed(422)]
#[case::the_server_falls_over_it(500)]
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_every_exchange_fails_with_is_soon_alone_and_kept_at_the_centre(
    #[case] status: u16,
) {
    let mut office = Office::new(1).unwrap();
    office.start().unwrap();
    let authority = Authority::new().unwrap();
    let ca_file = office.folder().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).unwrap();
    let front = Front::Tls(authority.certificates("localhost").unwrap());
    let proxy = Proxy::start(office.address(), front, Weather::calm());
    let proxy = proxy.await.unwrap();
    // No heartbeats in between: every request counts.
    let quiet = Pace {
        heartbeat: Duration::from_secs(600),
        ..pace(1)
    };
    let tablet = Tablet::new(&office.folder().join("tablet"), &ca_file, quiet);
    let code = office.code(&window(0)).unwrap();
    tablet.enrol(&proxy.url(), code).await;
    tablet.seal(RECORDS, Dice::new(7), || {});
    let (place, bad) = victim(&tablet);

    let seen = Arc::new(Mutex::new(Vec::new()));
    let key = read_key(&tablet.data.key()).unwrap().public();
    let (log, poison) = (Arc::clone(&seen), bad.clone());
    proxy.refuse(Some(Arc::new(move |request: &Message| {
        let exchange = SignedExchange::parse(&request.body).ok()?.open(&key).ok()?;
        let seen = Seen {
            records: exchange.records.len(),
            bad: exchange.records.iter().any(|(bytes, _)| *bytes == poison),
            unread: exchange.head.unread,
        };
        log.lock().unwrap().push(seen);
        (seen.bad && !seen.unread).then(|| problem(status))
    })));
    let daemon = tablet.daemon();
    let begin = Instant::now();
    while tablet.unacknowledged() > 0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "{seen:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.stop().await;
    drop(proxy);
    office.stop().unwrap();

    let seen = seen.lock().unwrap().clone();
    // From the first failure to the request that leaves the record at the centre, all included.
    let first = seen.iter().position(|seen| seen.bad).unwrap();
    let last = seen.iter().position(|seen| seen.unread).unwrap();
    let records = seen.get(first).unwrap().records;
    // The largest whole number in 2 + 2 * log2(n).
    let most = 2 + (records * records).ilog2() as usize;
    let needed = last - first + 1;
    note(format_args!(
        "status {status}: {needed} requests, at most {most} for {records} records"
    ));
    assert!(needed <= most, "{seen:?}");
    assert_eq!(seen.iter().filter(|seen| seen.unread).count(), 1);

    let database = office.data_dir().join("collector.sqlite");
    let mut sealed = Ledger::default();
    sealed.add_journal(&tablet.data.journal()).unwrap();
    let held = Ledger::of_centre(&database).unwrap();
    assert_eq!(sealed.differences(&held, 20), Vec::<String>::new());
    assert_eq!(
        held.chains().unwrap(),
        ledger::watermarks(&database).unwrap()
    );
    let letters: Vec<(u64, String)> = Connection::open(&database)
        .unwrap()
        .prepare("SELECT seq, reason FROM dead_letter")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(letters, [(place, "refused".to_owned())]);
}

/// A rating well inside the backlog: its position and its bytes.
fn victim(tablet: &Tablet) -> (u64, Vec<u8>) {
    let reader = Reader::open(&tablet.data.journal()).unwrap();
    let stream = reader.streams().unwrap().into_iter().next().unwrap();
    let mut found = None;
    reader
        .for_each_record(&stream, |record| {
            // Outcomes only: an amendment would lose its meaning with what it amends.
            let outcome = matches!(
                record.decode().unwrap().body,
                manyi_shared::wire::RecordBody::Outcome(_)
            );
            if record.seq.get() > 250 && outcome && found.is_none() {
                found = Some((record.seq.get(), record.bytes));
            }
        })
        .unwrap();
    found.unwrap()
}
