//! A collector in memory: verifies, keeps and signs as the real one does, over real HTTP.

mod newer;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use manyi_shared::domain::{HallId, Placement, Seq, StreamId, TerminalId, Watermark, WindowId};
use manyi_shared::wire::{
    Acknowledgement, AssetDigest, ChainHash, EnrolReply, EnrolRequest, ExchangeHead, OfficePrompt,
    Profile, PromptReceipt, PublicKey, Reply, ReplyStatus, RotationReply, SecretKey,
    SignedAssetRequest, SignedExchange, SignedRotation, digest,
};

pub(crate) use newer::Newer;

pub(crate) const CODE: &str = "7KX2-9QWM";

/// The collector's state; tests look into it and break it.
#[derive(Debug)]
pub(crate) struct Centre {
    pub(crate) key: SecretKey,
    pub(crate) terminals: HashMap<TerminalId, PublicKey>,
    pub(crate) streams: HashMap<StreamId, Vec<Vec<u8>>>,
    pub(crate) heads: Vec<ExchangeHead>,
    pub(crate) last_number: u64,
    /// Its clock.
    pub(crate) server_ms: i64,
    /// Says in every reply that it wants a new key, until one comes.
    pub(crate) want_new_key: bool,
    /// New keys that have not signed an exchange yet.
    pub(crate) next_keys: HashMap<TerminalId, PublicKey>,
    /// Requests for a new key that were taken.
    pub(crate) rotations: usize,
    /// Takes no new key now.
    pub(crate) refuse_rotation: bool,
    /// Gives a key that asks again another identity.
    pub(crate) forgets_keys: bool,
    pub(crate) profile: Profile,
    /// Sends this in place of its profile.
    pub(crate) other_profile: Option<Vec<u8>>,
    /// Answers streams in this list with a conflict.
    pub(crate) conflicts: Vec<StreamId>,
    /// Refuses exchanges of more records with 413.
    pub(crate) most_records: usize,
    /// Refuses every exchange with this status, as a problem body.
    pub(crate) refuse: Option<StatusCode>,
    /// What a newer collector does and an older one does not.
    pub(crate) newer: Newer,
    /// Files of profiles, by digest; a file may be another than its digest says.
    pub(crate) assets: HashMap<AssetDigest, Vec<u8>>,
    /// Refuses every file with this status, as a problem body.
    pub(crate) refuse_assets: Option<StatusCode>,
    /// Files that were asked for.
    pub(crate) asked_for: Vec<AssetDigest>,
    /// Prompts that are carried until their receipt has come.
    pub(crate) prompts: Vec<OfficePrompt>,
    /// Every receipt that came, repeated ones too.
    pub(crate) receipts: Vec<PromptReceipt>,
}

pub(crate) type Shared = Arc<Mutex<Centre>>;

/// A running collector.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    centre: Shared,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let centre = Arc::new(Mutex::new(Centre {
            key: SecretKey::from_seed(&[9; 32]),
            terminals: HashMap::new(),
            streams: HashMap::new(),
            heads: Vec::new(),
            last_number: 0,
            server_ms: 0,
            want_new_key: false,
            next_keys: HashMap::new(),
            rotations: 0,
            refuse_rotation: false,
            forgets_keys: false,
            profile: profile(1),
            other_profile: None,
            conflicts: Vec::new(),
            most_records: usize::MAX,
            refuse: None,
            newer: Newer::default(),
            assets: HashMap::new(),
            refuse_assets: None,
            asked_for: Vec::new(),
            prompts: Vec::new(),
            receipts: Vec::new(),
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let collector = Self { address, centre };
        let router = collector.router();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        collector
    }

    /// The collector's handlers, for serving them in another way.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/device/v1/exchange", post(exchange))
            .route("/device/v1/enrol", post(enrol))
            .route("/device/v1/asset", post(asset))
            .route("/device/v1/rotate", post(rotate))
            .route("/healthz", get(async || "ok\n"))
            .with_state(Arc::clone(&self.centre))
    }

    pub(crate) fn centre(&self) -> MutexGuard<'_, Centre> {
        self.centre.lock().unwrap()
    }
}

pub(crate) fn profile(version: u32) -> Profile {
    Profile {
        version,
        hall_id: "371581-01".to_owned(),
        hall_name: "临清市政务服务中心".to_owned(),
        time_zone: "Asia/Shanghai".to_owned(),
        window_id: "A01".to_owned(),
        window_number: "1".to_owned(),
        window_name: "综合窗口".to_owned(),
        contact: "0635-1234567".to_owned(),
        staff_on_duty: None,
        staff: Vec::new(),
        items: Vec::new(),
        tag_set: "national".to_owned(),
        ask_reasons: true,
        ask_seconds: 30,
        reasons_seconds: 20,
        thanks_seconds: 3,
        guard_ms: 300,
        mirrored: false,
        keep_records: 100_000,
        options: None,
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let body = format!(r#"{{"type":"urn:manyi:problem:test","title":"No","detail":"{detail}"}}"#);
    (
        status,
        [
            (CONTENT_TYPE, "application/problem+json"),
            (RETRY_AFTER, "1"),
        ],
        body,
    )
        .into_response()
}

/// One connection an exchange: the relay breaks connections, and means exchanges.
fn signed(status: StatusCode, bytes: Vec<u8>) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/cose"), (CONNECTION, "close")],
        bytes,
    )
        .into_response()
}

async fn enrol(State(centre): State<Shared>, body: Bytes) -> Response {
    let mut centre = centre.lock().unwrap();
    let Ok(request) = EnrolRequest::open(&body) else {
        return problem(StatusCode::BAD_REQUEST, "no request");
    };
    if request.code.to_string() != CODE {
        return problem(StatusCode::FORBIDDEN, "the code is wrong, expired or used");
    }
    let known = centre
        .terminals
        .iter()
        .find(|(_, key)| **key == request.key && !centre.forgets_keys)
        .map(|(id, _)| *id);
    let terminal = known.unwrap_or_else(TerminalId::random);
    centre.terminals.insert(terminal, request.key);
    let reply = EnrolReply {
        request: digest(&body),
        terminal,
        collector: centre.key.public(),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        profile: centre.profile.seal(&centre.key),
        server_ms: centre.server_ms,
    };
    signed(StatusCode::OK, reply.seal(&centre.key))
}

/// Keeps the old key until the new one signs an exchange.
async fn rotate(State(centre): State<Shared>, body: Bytes) -> Response {
    let mut centre = centre.lock().unwrap();
    let parsed = SignedRotation::parse(&body).expect("a request");
    let terminal = parsed.claimed_terminal();
    let key = centre.terminals[&terminal];
    let Ok(rotation) = parsed.open(&key) else {
        return problem(StatusCode::UNAUTHORIZED, "signed with another key");
    };
    if centre.refuse_rotation {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "not now");
    }
    if rotation.new_key != key {
        centre.next_keys.insert(terminal, rotation.new_key);
    }
    centre.want_new_key = false;
    centre.rotations += 1;
    let reply = RotationReply {
        terminal,
        request: key.suite().digest(&body),
        new_key: rotation.new_key,
    };
    signed(StatusCode::OK, reply.seal(&centre.key))
}

async fn asset(State(centre): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers[CONTENT_TYPE], "application/cose");
    let mut centre = centre.lock().unwrap();
    let parsed = SignedAssetRequest::parse(&body).expect("a request");
    let key = centre.terminals[&parsed.claimed_terminal()];
    let digest = parsed.open(&key).expect("a signed request").digest;
    centre.asked_for.push(digest);
    if let Some(status) = centre.refuse_assets {
        return problem(status, "refused");
    }
    match centre.assets.get(&digest) {
        Some(bytes) => (
            [
                (CONTENT_TYPE, "application/octet-stream"),
                (CONNECTION, "close"),
            ],
            bytes.clone(),
        )
            .into_response(),
        None => problem(StatusCode::NOT_FOUND, "no such file"),
    }
}

async fn exchange(State(centre): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers[CONTENT_TYPE], "application/vnd.manyi.exchange+cbor");
    let mut centre = centre.lock().unwrap();
    let parsed = SignedExchange::parse(&body).expect("an exchange");
    let Some(key) = centre.terminals.get(&parsed.claimed_terminal()).copied() else {
        return problem(
            StatusCode::UNAUTHORIZED,
            "no terminal with this id is enrolled here",
        );
    };
    let terminal = parsed.claimed_terminal();
    let exchange = match (parsed.open(&key), centre.next_keys.get(&terminal).copied()) {
        (Ok(exchange), _) => exchange,
        (Err(_), Some(next)) => {
            let parsed = SignedExchange::parse(&body).expect("an exchange");
            let exchange = parsed
                .open(&next)
                .expect("an exchange signed with either key");
            centre.terminals.insert(terminal, next);
            centre.next_keys.remove(&terminal);
            exchange
        }
        (Err(_), None) => return problem(StatusCode::UNAUTHORIZED, "signed with another key"),
    };
    centre.heads.push(exchange.head.clone());
    if let Some(status) = centre.refuse {
        return problem(status, "refused");
    }
    if exchange.records.len() > centre.most_records {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "too large");
    }
    if let Some(status) = centre.newer.chokes(&exchange) {
        return problem(status, "cannot cope with one of the records");
    }
    let records: Vec<_> = exchange
        .records
        .into_iter()
        .map(|(record, _)| record)
        .collect();
    let reply = centre.answer(&exchange.head, &records, exchange.request);
    let status = match reply.status {
        ReplyStatus::Gap | ReplyStatus::StaleNumber => StatusCode::CONFLICT,
        ReplyStatus::Taken | ReplyStatus::Conflict => StatusCode::OK,
        ReplyStatus::Revoked => StatusCode::FORBIDDEN,
    };
    signed(status, reply.seal(&centre.key))
}

impl Centre {
    fn answer(&mut self, head: &ExchangeHead, records: &[Vec<u8>], request: [u8; 32]) -> Reply {
        let stale = head.number <= self.last_number;
        let mut reply = Reply {
            terminal: head.terminal,
            request,
            status: if stale {
                ReplyStatus::StaleNumber
            } else {
                ReplyStatus::Taken
            },
            acknowledgement: None,
            server_ms: self.server_ms,
            next_number: self.last_number + 1,
            profile: None,
            prompts: Vec::new(),
            behind: Vec::new(),
            rotate_key: self.want_new_key,
        };
        if stale {
            return reply;
        }
        if self.newer.revoked {
            self.newer.refused += 1;
            reply.status = ReplyStatus::Revoked;
            return reply;
        }
        self.last_number = head.number;
        reply.next_number = head.number + 1;
        self.receipts.extend(&head.prompts);
        let answered = |prompt: &OfficePrompt| head.prompts.iter().any(|r| r.id == prompt.id);
        self.prompts.retain(|prompt| !answered(prompt));
        reply.prompts.clone_from(&self.prompts);
        if head.profile_version != self.profile.version {
            let other = self.other_profile.clone();
            reply.profile = Some(other.unwrap_or_else(|| self.profile.seal(&self.key)));
        }
        if let Some(run) = head.run {
            let (status, kept) = self.keep(run.stream, run.first, records);
            reply.status = status;
            reply.acknowledgement = Some(self.acknowledge(head.terminal, run.stream, kept));
        }
        self.answer_newer(head, &mut reply);
        reply
    }

    fn keep(
        &mut self,
        stream: StreamId,
        first: Seq,
        records: &[Vec<u8>],
    ) -> (ReplyStatus, Option<Watermark>) {
        if self.conflicts.contains(&stream) {
            return (
                ReplyStatus::Conflict,
                Some(Watermark::new(records.len() as u64)),
            );
        }
        if let Some(gone) = self.newer.gone.get(&stream) {
            // What comes after a fold without counts; nothing here looks into the positions before.
            let after = Seq::new(first.get() - gone.0).unwrap();
            let held = self.streams.entry(stream).or_default();
            if Watermark::new(held.len() as u64).next() == after {
                held.extend_from_slice(records);
            }
            return (ReplyStatus::Taken, None);
        }
        let held = self.streams.entry(stream).or_default();
        match Watermark::new(held.len() as u64).place(first, records.len() as u64) {
            Placement::Gap { .. } => return (ReplyStatus::Gap, None),
            Placement::Known => {}
            Placement::Extends { duplicates } => {
                held.extend_from_slice(&records[usize::try_from(duplicates).unwrap()..]);
            }
        }
        let from = usize::try_from(first.get() - 1).unwrap();
        assert_eq!(
            held[from..from + records.len()],
            *records,
            "duplicates are the same bytes"
        );
        (ReplyStatus::Taken, None)
    }

    fn acknowledge(
        &self,
        terminal: TerminalId,
        stream: StreamId,
        conflict_kept: Option<Watermark>,
    ) -> Acknowledgement {
        let held = self
            .streams
            .get(&stream)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let genesis = (0, ChainHash::genesis(terminal, stream));
        let (gone, hash) = self.newer.gone.get(&stream).copied().unwrap_or(genesis);
        Acknowledgement {
            stream,
            watermark: Watermark::new(gone + held.len() as u64),
            hash: hash.extend_all(held.iter().map(Vec::as_slice)),
            rejected: Vec::new(),
            conflict_kept,
        }
    }

    pub(crate) fn held(&self, stream: StreamId) -> &[Vec<u8>] {
        self.streams
            .get(&stream)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}
