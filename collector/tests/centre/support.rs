//! A centre in a temporary directory and tablets that talk to it.

#![expect(
    clippy::indexing_slicing,
    reason = "test support: a panic is a failed test"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use manyi_collector::access::Place;
use manyi_collector::app::{self, AppState};
use manyi_collector::audit::By;
use manyi_collector::clock::{Clock, SetClock};
use manyi_collector::config::Config;
use manyi_collector::hall::HallTables;
use manyi_collector::keys::SigningKeys;
use manyi_collector::store::sqlite::{FILE_NAME, SqliteStore};
use manyi_collector::store::users::NewToken;
use manyi_collector::store::{IngestStore, NewCode, OfficeStore, UserStore};
use manyi_shared::domain::{
    BootId, Call, Channel, ClockReading, HallId, Level, Outcome, Seq, ServiceEvent, StreamId,
    TagCode, TagSetId, TerminalId, WindowId,
};
use manyi_shared::wire::{
    Amendment, ChainHash, EnrolReply, EnrolRequest, EnrolmentCode, ExchangeHead, Health, Message,
    MessageKind, Misuse, OfficeSecret, OutcomeRecord, PublicKey, Record, RecordBody, RecordTime,
    Reply, Run, SecretKey, SelfTest, StreamOpened, Suite, digest,
};
use tower::ServiceExt;

#[expect(dead_code, reason = "the rest is for the tests of PostgreSQL itself")]
#[path = "../cluster/mod.rs"]
pub(crate) mod cluster;
#[path = "kept.rs"]
pub(crate) mod kept;

use kept::Kept;

/// 2026-03-24T01:00:00Z, nine o'clock in Linqing.
pub(crate) const NOW: i64 = 1_774_314_000_000;

/// The suite under test: `gm` in the test program `centre_gm`, which has the same tests.
pub(crate) fn suite() -> Suite {
    if module_path!().starts_with("centre_gm") {
        Suite::Sm2Sm3
    } else {
        Suite::Ed25519Sha256
    }
}

/// How many cases of a law are tried, of as many as with SQLite: a database of a server takes longer
/// to make, and the decisions are the same.
pub(crate) fn cases(sqlite: u32) -> u32 {
    if module_path!().starts_with("centre_pg") {
        sqlite / 6
    } else {
        sqlite
    }
}

pub(crate) fn demo_data() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/demo-data")
}

pub(crate) struct Centre {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) key: PublicKey,
    pub(crate) state: AppState,
    pub(crate) kept: Kept,
    app: Router,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The problem's name, from the end of its `type`.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let body: serde_json::Value = serde_json::from_slice(&self.body).expect("JSON");
        assert_eq!(body["status"], self.status.as_u16());
        let kind = body["type"].as_str().expect("a type");
        kind.strip_prefix("urn:manyi:problem:")
            .expect("our URN")
            .to_owned()
    }
}

impl Centre {
    /// A centre with the demo hall.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (kept, store) = Kept::new(dir.path());
        let store = Arc::new(store);
        // As `init` does it, before there is a hall: the first profile has version 1.
        let adopted = store.adopt_office_key(office_secret().public(), NOW).await;
        assert!(adopted.expect("stored"));
        let tables = HallTables::read(&demo_data()).expect("demo hall");
        store
            .import_hall(tables)
            .await
            .expect("imported")
            .expect("not refused");
        Self::over(dir, (kept, store), Arc::new(SetClock::at(NOW)))
    }

    /// The same centre after its database was replaced by a backup: the program stopped, the file
    /// was put in place, the program started.
    pub(crate) fn restored(self, backup: &Path) -> Self {
        let Self {
            dir,
            store,
            clock,
            state,
            kept,
            app,
            ..
        } = self;
        drop((store, state, app));
        for end in ["", "-wal", "-shm"] {
            let path = dir.path().join(format!("{FILE_NAME}{end}"));
            if path.exists() {
                std::fs::remove_file(path).expect("removed");
            }
        }
        std::fs::copy(backup, dir.path().join(FILE_NAME)).expect("put back");
        let store = Arc::new(SqliteStore::open(dir.path()).expect("a database"));
        Self::over(dir, (kept, store), clock)
    }

    fn over(
        dir: tempfile::TempDir,
        (kept, store): (Kept, Arc<SqliteStore>),
        clock: Arc<SetClock>,
    ) -> Self {
        let secret = collector_key(Suite::Ed25519Sha256);
        let key = secret.public();
        let keys = SigningKeys::new(secret, [collector_key(Suite::Sm2Sm3)]);
        let config = Config::load(None, |_| None, Some(dir.path())).expect("a configuration");
        let state = AppState::new(store.clone(), Arc::new(config), clock.clone(), keys);
        let app = app::router(state.clone());
        Self {
            dir,
            store,
            clock,
            key,
            state,
            kept,
            app,
        }
    }

    pub(crate) async fn request(&self, mut request: Request<Body>, peer: [u8; 4]) -> Answer {
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from((peer, 5000))));
        let response = self.app.clone().oneshot(request).await.expect("a response");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX)
            .await
            .expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        self.request(request, [127, 0, 0, 1]).await
    }

    /// A valid API token.
    pub(crate) async fn token(&self) -> String {
        let token = "manyi_test".to_owned();
        let new = NewToken {
            digest: digest(token.as_bytes()),
            name: "test".to_owned(),
            permissions: "see_scores,see_fleet,ask_citizens"
                .parse()
                .expect("permissions"),
            place: Place::Everywhere,
            expires_ms: None,
        };
        let by = By::operator("test".to_owned());
        let added = self.store.add_token(new, by, NOW).await;
        added.expect("stored").expect("a free name");
        token
    }

    /// A request of a program with a token; the answer's JSON.
    pub(crate) async fn ask(&self, request: Request<Body>) -> (StatusCode, serde_json::Value) {
        let answer = self.request(request, [10, 0, 0, 9]).await;
        let body = serde_json::from_slice(&answer.body).expect("JSON");
        (answer.status, body)
    }

    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> Answer {
        self.post_from([10, 0, 0, 1], path, body).await
    }

    pub(crate) async fn post_from(&self, peer: [u8; 4], path: &str, body: Vec<u8>) -> Answer {
        let request = Request::post(path)
            .body(Body::from(body))
            .expect("a request");
        self.request(request, peer).await
    }

    /// A fresh code for a window, good for ten minutes, for a key of the suite under test.
    pub(crate) async fn code(&self, window: &str) -> EnrolmentCode {
        self.code_in(suite(), window).await
    }

    /// A fresh code for a key of a suite.
    pub(crate) async fn code_in(&self, suite: Suite, window: &str) -> EnrolmentCode {
        let code = EnrolmentCode::generate(suite).expect("randomness");
        let fresh = NewCode {
            hall: "371581-01".parse().expect("a hall"),
            window: window.parse().expect("a window"),
            digest: code.digest(),
            expires_ms: self.clock.now_ms() + 600_000,
        };
        assert!(self.store.add_code(fresh).await.expect("stored"));
        code
    }

    /// An enrolled tablet of the suite under test, with an open stream.
    pub(crate) async fn tablet(&self, window: &str) -> Tablet {
        self.tablet_in(suite(), window).await
    }

    /// An enrolled tablet of a suite with an open stream.
    pub(crate) async fn tablet_in(&self, suite: Suite, window: &str) -> Tablet {
        let code = self.code_in(suite, window).await;
        let key = SecretKey::generate(suite).expect("randomness");
        let request = enrol_request(&code, &key);
        let answer = self.post("/device/v1/enrol", request.clone()).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
        let reply =
            EnrolReply::open(&answer.body, &suite.digest(&request)).expect("a signed reply");
        let mut tablet = Tablet::of(key, suite, reply);
        tablet.open_stream();
        tablet
    }

    /// Sends an exchange and opens the signed reply.
    pub(crate) async fn exchange(&self, tablet: &Tablet, body: Vec<u8>) -> (StatusCode, Reply) {
        let request = tablet.key.suite().digest(&body);
        let answer = self.post("/device/v1/exchange", body).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(
            answer.headers["content-type"], "application/cose; cose-type=\"cose-sign1\"",
            "{} {text}",
            answer.status
        );
        let reply = Reply::open(&answer.body, &tablet.collector, tablet.terminal, &request);
        (answer.status, reply.expect("a signed reply"))
    }

    /// One number out of the database.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.sql(sql)
    }

    pub(crate) fn sql<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        self.db().query_row(sql, [], |row| row.get(0)).expect(sql)
    }

    /// To read from only; see [`Kept::execute`] for changes.
    pub(crate) fn db(&self) -> rusqlite::Connection {
        self.kept.read()
    }
}

pub(crate) fn enrol_request(code: &EnrolmentCode, key: &SecretKey) -> Vec<u8> {
    let request = EnrolRequest {
        code: code.clone(),
        key: key.public(),
        software: "manyi-sync 0.1.0".to_owned(),
    };
    request.seal(key)
}

/// A tablet: its identity, its open stream, and what it has sealed.
pub(crate) struct Tablet {
    pub(crate) key: SecretKey,
    /// The suite of the open stream's chain.
    pub(crate) suite: Suite,
    pub(crate) collector: PublicKey,
    pub(crate) terminal: TerminalId,
    pub(crate) hall: HallId,
    pub(crate) window: WindowId,
    pub(crate) clock: ClockReading,
    pub(crate) opened: Option<ClockReading>,
    pub(crate) stream: StreamId,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) ordinal: u32,
    pub(crate) number: u64,
    pub(crate) profile_version: u32,
}

impl Tablet {
    /// A tablet that has just got its identity. It has no open stream.
    pub(crate) fn of(key: SecretKey, suite: Suite, reply: EnrolReply) -> Self {
        Self {
            key,
            suite,
            collector: reply.collector,
            terminal: reply.terminal,
            hall: reply.hall,
            window: reply.window,
            clock: ClockReading {
                wall_ms: NOW,
                uptime_ms: 60_000,
                boot: BootId::random(),
                synchronised: true,
            },
            opened: None,
            stream: StreamId::random(),
            records: Vec::new(),
            ordinal: 0,
            number: 0,
            profile_version: 1,
        }
    }

    pub(crate) fn opening(&self) -> StreamOpened {
        StreamOpened {
            suite: self.suite,
            terminal: self.terminal,
            stream: self.stream,
            previous: None,
            wall_ms: self.clock.wall_ms,
            uptime_ms: self.clock.uptime_ms,
            boot: self.clock.boot,
            software: "manyi-terminal 0.1.0".to_owned(),
            hall: self.hall.clone(),
            window: self.window.clone(),
            channel: Channel::Tablet,
        }
    }

    /// Begins a new stream, as a restarted program does.
    pub(crate) fn open_stream(&mut self) {
        self.stream = StreamId::random();
        self.records.clear();
        self.ordinal = 0;
        let opening = self.opening();
        self.open_with(opening);
    }

    /// Begins the stream with this opening.
    pub(crate) fn open_with(&mut self, opening: StreamOpened) {
        self.records.clear();
        self.opened = Some(self.clock);
        self.seal(RecordBody::StreamOpened(opening));
    }

    /// Lets time pass on the tablet.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.clock.uptime_ms += ms;
        self.clock.wall_ms = self.clock.wall_ms.saturating_add_unsigned(ms);
    }

    fn at(&self) -> RecordTime {
        let opened = self.opened.expect("a stream is open");
        RecordTime::between(&opened, &self.clock)
    }

    pub(crate) fn seal(&mut self, body: RecordBody) {
        let record = Record {
            at: self.at(),
            body,
        };
        self.records.push(record.encode().expect("encodes"));
    }

    pub(crate) fn end(&mut self, outcome: Outcome, event: ServiceEvent) {
        self.ordinal += 1;
        self.end_of(self.ordinal, outcome, event);
    }

    pub(crate) fn end_of(&mut self, ordinal: u32, outcome: Outcome, event: ServiceEvent) {
        self.seal(RecordBody::Outcome(OutcomeRecord {
            ordinal,
            outcome,
            tag_set: None,
            response_ms: Some(4200),
            event,
            call: Call::default(),
        }));
    }

    /// Like [`Self::end`], with the time to the answer.
    pub(crate) fn end_in(&mut self, response_ms: u32, outcome: Outcome, event: ServiceEvent) {
        self.ordinal += 1;
        let has_tags = matches!(&outcome, Outcome::Rated { tags, .. } if !tags.is_empty());
        self.seal(RecordBody::Outcome(OutcomeRecord {
            ordinal: self.ordinal,
            outcome,
            tag_set: has_tags.then(|| TagSetId("v2".to_owned())),
            response_ms: Some(response_ms),
            event,
            call: Call::default(),
        }));
    }

    pub(crate) fn rate(&mut self, level: Level) {
        let outcome = Outcome::Rated {
            level,
            tags: Vec::new(),
        };
        self.end(outcome, ServiceEvent::default());
    }

    pub(crate) fn amend(&mut self, target: u64, level: Level, tags: &[u16]) {
        let tags = tags
            .iter()
            .map(|&n| TagCode::new(n).expect("a tag"))
            .collect();
        self.seal(RecordBody::Amendment(Amendment {
            target: seq(target),
            level,
            tags,
            tag_set: None,
        }));
    }

    pub(crate) fn self_test(&mut self, day: u32, level: Level) {
        self.seal(RecordBody::SelfTest(SelfTest { day, level }));
    }

    pub(crate) fn misuse(&mut self, target: u64, kinds: u8, touches: u16) {
        self.seal(RecordBody::Misuse(Misuse {
            target: seq(target),
            kinds,
            touches,
            span_ms: 1500,
        }));
    }

    /// Leaves a telephone number with a rating.
    pub(crate) fn leave(&mut self, target: u64, text: &str) {
        let sealed = office_secret().public();
        let sealed = sealed.seal(text, self.stream, seq(target)).expect("seals");
        self.seal(RecordBody::Message(Message {
            target: seq(target),
            what: MessageKind::Phone,
            sealed,
        }));
    }

    /// The chain after the first `n` records.
    pub(crate) fn chain(&self, n: usize) -> ChainHash {
        let sealed = self.records.iter().take(n).map(Vec::as_slice);
        self.suite
            .genesis(self.terminal, self.stream)
            .extend_all(sealed)
    }

    pub(crate) fn head(&mut self, run: Option<Run>) -> ExchangeHead {
        self.number += 1;
        ExchangeHead {
            terminal: self.terminal,
            number: self.number,
            clock: self.clock,
            health: Health {
                software: "manyi-sync 0.1.0".to_owned(),
                backlog: self.records.len() as u64,
                oldest_unsent_ms: Some(1500),
                disk_free_bytes: Some(1 << 30),
                profile_problem: None,
                journal_problem: None,
                ..Health::default()
            },
            profile_version: self.profile_version,
            run,
            prompts: Vec::new(),
            fold: None,
            claims: Vec::new(),
            unread: false,
        }
    }

    /// An exchange with the records from position `first` (at most `count`).
    pub(crate) fn send(&mut self, first: usize, count: usize) -> Vec<u8> {
        let records: Vec<_> = self
            .records
            .iter()
            .skip(first - 1)
            .take(count)
            .cloned()
            .collect();
        let run = Run {
            stream: self.stream,
            first: seq(first as u64),
            count: records.len().try_into().expect("few"),
            base: self.chain(first - 1),
            head: self.chain(first - 1 + records.len()),
        };
        let head = self.head(Some(run));
        head.seal(&records, &self.key).expect("an exchange")
    }

    /// An exchange with everything.
    pub(crate) fn send_all(&mut self) -> Vec<u8> {
        self.send(1, self.records.len())
    }

    pub(crate) fn heartbeat(&mut self) -> Vec<u8> {
        self.head(None).seal(&[], &self.key).expect("an exchange")
    }
}

/// The centre's signing key of a suite.
pub(crate) fn collector_key(suite: Suite) -> SecretKey {
    SecretKey::of(suite, &[9; 32]).expect("a key")
}

/// The office's key that citizens' messages are sealed to.
pub(crate) fn office_secret() -> OfficeSecret {
    OfficeSecret::from_seed(&[3; 32])
}

pub(crate) fn seq(n: u64) -> Seq {
    Seq::new(n).expect("a position")
}
