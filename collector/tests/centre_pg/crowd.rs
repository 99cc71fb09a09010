//! Several collectors on one database, while programs and the server are killed: what was
//! acknowledged is there, everything is there once, and it is counted as it stands.

#![expect(
    clippy::indexing_slicing,
    reason = "test support: a panic is a failed test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use manyi_collector::clock::{Clock, SystemClock};
use manyi_collector::hall::HallTables;
use manyi_collector::store::{Database, IngestStore, NewCode, ProofStore};
use manyi_shared::domain::Level;
use manyi_shared::wire::{EnrolReply, EnrolmentCode, Reply, SecretKey};

use crate::days::Dice;
use crate::program::{program, succeeds};
use crate::support::cluster::{Server, settings, with_client};
use crate::support::{Tablet, demo_data, enrol_request, suite};

const COLLECTORS: usize = 3;
const WINDOWS: [&str; 6] = ["A01", "A02", "B01", "B02", "C01", "D01"];
/// What is killed, one after the other: a collector, or at every fourth time the server.
const DEATHS: usize = 12;
/// Acknowledged exchanges between two deaths.
const BETWEEN: usize = 15;
/// Answers that are slower than this are as good as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// A collector's process.
struct Collector {
    child: Child,
    address: SocketAddr,
}

impl Collector {
    fn start(dir: &std::path::Path) -> Self {
        let mut child = program(dir, &["serve"])
            .env("MANYI_LISTEN", "127.0.0.1:0")
            .env("MANYI_LOG_FORMAT", "json")
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let mut log = BufReader::new(child.stderr.take().expect("a log"));
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).expect("a line") > 0, "it ended");
            let said: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            if let Some(address) = said["address"].as_str() {
                break address.parse().expect("an address");
            }
        };
        // What it says further is read, so that it never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, address }
    }
}

impl Drop for Collector {
    /// SIGKILL.
    fn drop(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }
}

/// What all tablets share.
struct Crowd {
    collectors: Mutex<Vec<SocketAddr>>,
    enough: AtomicBool,
    lost: AtomicU64,
    progress: Mutex<mpsc::Sender<()>>,
}

/// A tablet that goes on, and all it has ever sealed.
struct Member {
    tablet: Tablet,
    acked: u64,
    dice: Dice,
    sealed: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    counts: BTreeMap<i64, i64>,
}

fn post(address: SocketAddr, path: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.ok_or(std::io::ErrorKind::UnexpectedEof)?;
    Ok(answer.split_off(end + 4))
}

impl Member {
    fn enrol(store: &Database, address: SocketAddr, window: &str, runtime: &Runtime) -> Self {
        let code = EnrolmentCode::generate(suite()).expect("randomness");
        let fresh = NewCode {
            hall: "371581-01".parse().expect("a hall"),
            window: window.parse().expect("a window"),
            digest: code.digest(),
            expires_ms: SystemClock.now_ms() + 600_000,
        };
        assert!(runtime.block_on(store.add_code(fresh)).expect("stored"));
        let key = SecretKey::generate(suite()).expect("randomness");
        let request = enrol_request(&code, &key);
        let answer = post(address, "/device/v1/enrol", &request).expect("an answer");
        let reply = EnrolReply::open(&answer, &suite().digest(&request)).expect("a signed reply");
        let mut tablet = Tablet::of(key, suite(), reply);
        tablet.clock.wall_ms = SystemClock.now_ms();
        tablet.open_stream();
        Self {
            tablet,
            acked: 0,
            dice: Dice::new(window.bytes().map(u64::from).sum()),
            sealed: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Rates and sends until it is enough, then until everything is acknowledged.
    fn live(mut self, crowd: &Crowd) -> Self {
        let (_never, pause) = mpsc::channel::<()>();
        let mut turn = self.dice.roll();
        loop {
            let enough = crowd.enough.load(Ordering::Acquire);
            if !enough {
                self.rate();
            }
            turn += 1;
            if self.exchange(crowd, turn) {
                let all = self.acked == self.tablet.records.len() as u64;
                if all && enough {
                    self.close();
                    return self;
                }
                if all && self.dice.below(8) == 0 {
                    self.close();
                    self.tablet.open_stream();
                    self.acked = 0;
                }
            } else {
                crowd.lost.fetch_add(1, Ordering::Relaxed);
                // Nothing is ever sent there: a pause that ends by itself.
                assert!(pause.recv_timeout(Duration::from_millis(30)).is_err());
            }
        }
    }

    fn rate(&mut self) {
        for _ in 0..=self.dice.below(20) {
            self.tablet.pass(1000 + self.dice.below(60_000));
            let number = 1 + u8::try_from(self.dice.below(5)).expect("small");
            let level = Level::try_from(number).expect("a level");
            self.tablet.rate(level);
            let mut stands = number;
            if self.dice.below(6) == 0 {
                stands = 1 + number % 5;
                let target = self.tablet.records.len() as u64;
                let level = Level::try_from(stands).expect("a level");
                self.tablet.amend(target, level, &[]);
            }
            *self.counts.entry(i64::from(stands)).or_default() += 1;
        }
    }

    /// Whether a signed answer came.
    fn exchange(&mut self, crowd: &Crowd, turn: u64) -> bool {
        let address = {
            let collectors = crowd.collectors.lock().expect("no panic");
            let turn = usize::try_from(turn).expect("64 bits");
            collectors[turn % collectors.len()]
        };
        let first = usize::try_from(self.acked).expect("64 bits") + 1;
        let body = self.tablet.send(first, 60);
        let request = self.tablet.key.suite().digest(&body);
        let Ok(answer) = post(address, "/device/v1/exchange", &body) else {
            return false;
        };
        let (collector, terminal) = (&self.tablet.collector, self.tablet.terminal);
        let Ok(reply) = Reply::open(&answer, collector, terminal, &request) else {
            return false;
        };
        self.tablet.number = self.tablet.number.max(reply.next_number.saturating_sub(1));
        if let Some(ack) = reply.acknowledgement {
            let watermark = ack.watermark.get();
            assert!(watermark >= self.acked, "what was acknowledged is gone");
            let held = usize::try_from(watermark).expect("64 bits");
            assert_eq!(ack.hash, self.tablet.chain(held));
            assert_eq!(ack.rejected, []);
            self.acked = watermark;
            // Nobody listens any more at the end.
            let _listening = crowd.progress.lock().expect("no panic").send(());
        }
        true
    }

    fn close(&mut self) {
        let stream = self.tablet.stream.as_bytes().to_vec();
        self.sealed.push((stream, self.tablet.records.clone()));
    }
}

type Runtime = tokio::runtime::Runtime;

/// Kills one after the other while the crowd gets on.
fn die(
    server: &Server,
    dir: &std::path::Path,
    crowd: &Crowd,
    mut collectors: Vec<Collector>,
    progress: &mpsc::Receiver<()>,
) -> Vec<Collector> {
    for death in 0..DEATHS {
        for _ in 0..BETWEEN {
            progress
                .recv_timeout(PATIENCE * 4)
                .expect("the crowd gets on");
        }
        if death % 4 == 3 {
            server.crash();
            server.start_again();
            continue;
        }
        let which = death % COLLECTORS;
        drop(collectors.swap_remove(which));
        collectors.push(Collector::start(dir));
        let addresses = collectors.iter().map(|collector| collector.address);
        *crowd.collectors.lock().expect("no panic") = addresses.collect();
    }
    crowd.enough.store(true, Ordering::Release);
    collectors
}

#[test]
fn three_collectors_on_one_database_keep_everything_once_whatever_is_killed() {
    let server = Server::start();
    let address = server.database("manyi");
    let dir = tempfile::tempdir().expect("a directory");
    let config = format!("database = \"{address}\"\n");
    std::fs::write(dir.path().join("collector.toml"), config).expect("written");
    succeeds(dir.path(), &["init"]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let store = Database::open_postgres(&settings(&address)).expect("a database");
    let tables = HallTables::read(&demo_data()).expect("demo hall");
    let imported = runtime.block_on(store.import_hall(tables)).expect("stored");
    imported.expect("not refused");

    let collectors: Vec<_> = (0..COLLECTORS)
        .map(|_| Collector::start(dir.path()))
        .collect();
    let members =
        WINDOWS.map(|window| Member::enrol(&store, collectors[0].address, window, &runtime));
    let key = members[0].tablet.collector;
    let (sender, progress) = mpsc::channel();
    let crowd = Arc::new(Crowd {
        collectors: Mutex::new(collectors.iter().map(|c| c.address).collect()),
        enough: AtomicBool::new(false),
        lost: AtomicU64::new(0),
        progress: Mutex::new(sender),
    });
    let living = members.map(|member| {
        let crowd = Arc::clone(&crowd);
        std::thread::spawn(move || member.live(&crowd))
    });
    let collectors = die(&server, dir.path(), &crowd, collectors, &progress);
    let members = living.map(|member| member.join().expect("no panic"));
    drop(collectors);
    assert!(
        crowd.lost.load(Ordering::Relaxed) > 0,
        "the deaths were felt"
    );
    runtime.block_on(in_order(&store, key));
    whole(&address, &members);
}

async fn in_order(store: &Database, key: manyi_shared::wire::PublicKey) {
    assert_eq!(store.tally_differences().await.expect("readable"), 0);
    assert_eq!(store.beside_differences().await.expect("readable"), 0);
    assert_eq!(store.whole_differences().await.expect("readable"), 0);
    let hall = "371581-01".parse().expect("a hall");
    let report = store.verify(hall, vec![key]).await.expect("readable");
    assert_eq!(report.findings, []);
}

/// Every record that was sealed is there, once and byte for byte, and nothing else; the counts are
/// those that the tablets know.
fn whole(address: &str, members: &[Member]) {
    let mut sealed = BTreeSet::new();
    let mut counts = BTreeMap::new();
    for member in members {
        for (stream, records) in &member.sealed {
            for (seq, bytes) in (1_i64..).zip(records) {
                sealed.insert((stream.clone(), seq, bytes.clone()));
            }
        }
        for (level, n) in &member.counts {
            *counts.entry(*level).or_default() += n;
        }
    }
    let (stored, tally, parts): (Vec<_>, BTreeMap<i64, i64>, i64) =
        with_client(address, |client| {
            let records = client.query("SELECT stream_id, seq, bytes FROM record", &[]);
            let records = records.expect("reads").into_iter();
            let sum =
                "SELECT level, CAST(SUM(n) AS BIGINT) FROM tally WHERE outcome = 1 GROUP BY 1";
            let sum = client.query(sum, &[]).expect("reads").into_iter();
            let other = client.query_one("SELECT COUNT(*) FROM record_other", &[]);
            (
                records.map(|r| (r.get(0), r.get(1), r.get(2))).collect(),
                sum.map(|row| (row.get(0), row.get(1))).collect(),
                other.expect("reads").get(0),
            )
        });
    assert_eq!(stored.len(), sealed.len(), "every record once");
    assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), sealed);
    assert_eq!(tally, counts);
    assert_eq!(parts, 0, "all records are in their month's part");
}
