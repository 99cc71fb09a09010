//! Golden bytes of the second suite, SM2 with SM3. Like those of the first: add, never edit.
//!
//! Signatures are deterministic, so whole messages have golden digests. The digests here are
//! SHA-256 of the bytes on the wire.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use manyi_shared::domain::{
    BootId, Channel, ClockReading, HallId, Level, Outcome, OutcomeKind, Seq, ServiceEvent,
    StreamId, TerminalId, Watermark, WindowId,
};
use manyi_shared::wire::{
    Acknowledgement, AssetRequest, ChainHash, Claim, EnrolReply, EnrolRequest, ExchangeHead, Fold,
    FoldEntry, Health, OutcomeRecord, Record, RecordBody, RecordTime, Reply, ReplyStatus, Run,
    SecretKey, SignedExchange, StreamOpened, Suite, TerminalMessage as _, digest,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn terminal() -> TerminalId {
    TerminalId::from_bytes([0x11; 16])
}

fn stream() -> StreamId {
    StreamId::from_bytes([0x22; 16])
}

fn key() -> SecretKey {
    SecretKey::of(Suite::Sm2Sm3, &[0x66; 32]).unwrap()
}

fn collector() -> SecretKey {
    SecretKey::of(Suite::Sm2Sm3, &[0x77; 32]).unwrap()
}

fn records() -> Vec<Record> {
    let opened = StreamOpened {
        suite: Suite::Sm2Sm3,
        terminal: terminal(),
        stream: stream(),
        previous: None,
        wall_ms: 1_795_000_000_000,
        uptime_ms: 12_345,
        boot: BootId::from_bytes([0x33; 16]),
        software: "manyi-terminal 0.1.0".to_owned(),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        channel: Channel::Tablet,
    };
    let rated = OutcomeRecord {
        ordinal: 1,
        outcome: Outcome::Rated {
            level: Level::VerySatisfied,
            tags: Vec::new(),
        },
        tag_set: None,
        response_ms: Some(2_345),
        event: ServiceEvent::default(),
        call: manyi_shared::domain::Call::default(),
    };
    let bodies = [RecordBody::StreamOpened(opened), RecordBody::Outcome(rated)];
    bodies
        .into_iter()
        .map(|body| Record {
            at: RecordTime::default(),
            body,
        })
        .collect()
}

fn sealed_records() -> Vec<Vec<u8>> {
    records().iter().map(|r| r.encode().unwrap()).collect()
}

fn genesis() -> ChainHash {
    Suite::Sm2Sm3.genesis(terminal(), stream())
}

fn head() -> ExchangeHead {
    ExchangeHead {
        terminal: terminal(),
        number: 41,
        clock: ClockReading {
            wall_ms: 1_795_000_062_000,
            uptime_ms: 74_345,
            boot: BootId::from_bytes([0x33; 16]),
            synchronised: true,
        },
        health: Health {
            software: "manyi-sync 0.1.0".to_owned(),
            backlog: 2,
            oldest_unsent_ms: Some(62_000),
            disk_free_bytes: Some(1 << 33),
            profile_problem: None,
            journal_problem: None,
            ..Health::default()
        },
        profile_version: 3,
        run: None,
        prompts: Vec::new(),
        fold: None,
        claims: Vec::new(),
        unread: false,
    }
}

fn exchange() -> Vec<u8> {
    let records = sealed_records();
    let head = ExchangeHead {
        run: Some(Run {
            stream: stream(),
            first: Seq::FIRST,
            count: 2,
            base: genesis(),
            head: genesis().extend_all(records.iter().map(Vec::as_slice)),
        }),
        claims: vec![claim()],
        ..head()
    };
    head.seal(&records, &key()).unwrap()
}

fn claim() -> Claim {
    Claim {
        stream: StreamId::from_bytes([0x44; 16]),
        watermark: Watermark::new(7),
        hash: ChainHash::of(Suite::Sm2Sm3, [0x55; 32]),
    }
}

fn fold() -> Fold {
    Fold {
        stream: stream(),
        first: Seq::new(2).unwrap(),
        last: Seq::new(3).unwrap(),
        base: ChainHash::of(Suite::Sm2Sm3, [0x55; 32]),
        head: ChainHash::of(Suite::Sm2Sm3, [0x56; 32]),
        entries: vec![FoldEntry {
            hour: 1,
            wall_step_ms: 0,
            synchronised: true,
            outcome: OutcomeKind::Rated,
            level: Some(Level::Satisfied),
            n: 2,
        }],
    }
}

fn reply() -> Vec<u8> {
    let reply = Reply {
        terminal: terminal(),
        request: Suite::Sm2Sm3.digest(&exchange()),
        status: ReplyStatus::Taken,
        acknowledgement: Some(Acknowledgement {
            stream: stream(),
            watermark: Watermark::new(2),
            hash: ChainHash::of(Suite::Sm2Sm3, [0x88; 32]),
            rejected: Vec::new(),
            conflict_kept: None,
        }),
        server_ms: 1_795_000_062_500,
        next_number: 42,
        profile: None,
        prompts: Vec::new(),
        behind: vec![claim()],
        rotate_key: false,
    };
    reply.seal(&collector())
}

fn enrol_request() -> EnrolRequest {
    EnrolRequest {
        code: "G-7KX2-9QWM".parse().unwrap(),
        key: key().public(),
        software: "manyi-sync 0.1.0".to_owned(),
    }
}

fn enrol_reply() -> EnrolReply {
    EnrolReply {
        request: Suite::Sm2Sm3.digest(&enrol_request().seal(&key())),
        terminal: terminal(),
        collector: collector().public(),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        profile: vec![1, 2, 3],
        server_ms: 1_795_000_000_000,
    }
}

#[test]
fn keys_have_their_golden_bytes_and_fingerprints() {
    assert_eq!(hex(&key().to_bytes()), format!("02{}", "66".repeat(32)));
    assert_eq!(hex(key().public().as_bytes()), PUBLIC);
    assert_eq!(key().public().fingerprint(), FINGERPRINT);
}

#[test]
fn an_opening_names_the_suite_and_the_chain_has_its_golden_hashes() {
    let opening = sealed_records().remove(0);
    assert_eq!(hex(&opening), OPENING);
    assert_eq!(Record::decode(&opening).unwrap(), records()[0]);
    assert_eq!(genesis().to_string(), GENESIS);
    assert_eq!(genesis().extend(&opening).to_string(), AFTER_OPENING);
}

#[test]
fn every_signed_message_has_its_golden_digest_and_opens() {
    let asset = AssetRequest {
        terminal: terminal(),
        digest: digest(b"a picture"),
    };
    let request = enrol_request().seal(&key());
    let answer = enrol_reply().seal(&collector());
    for (name, bytes, golden) in [
        ("enrol request", &request, ENROL_REQUEST),
        ("enrol reply", &answer, ENROL_REPLY),
        ("asset request", &asset.seal(&key()), ASSET_REQUEST),
        ("fold", &fold().to_bytes(), FOLD),
    ] {
        assert_eq!(hex(&digest(bytes)), golden, "{name}");
    }
    assert_eq!(EnrolRequest::open(&request).unwrap(), enrol_request());
    let request = Suite::Sm2Sm3.digest(&request);
    assert_eq!(EnrolReply::open(&answer, &request).unwrap(), enrol_reply());
    let read = Fold::from_bytes(&fold().to_bytes()).unwrap();
    assert_eq!(read.base.suite(), Suite::Sm2Sm3);
    assert_eq!(read, fold());
}

/// Bytes that the first version with this suite really sent.
#[test]
fn an_exchange_and_a_reply_of_the_first_version_with_gm_are_still_read() {
    let recorded = unhex(include_str!("golden/exchange-gm-1.hex"));
    let parsed = SignedExchange::parse(&recorded).unwrap();
    let opened = parsed.open(&key().public()).unwrap();
    let read: Vec<Vec<u8>> = opened.records.into_iter().map(|(bytes, _)| bytes).collect();
    assert_eq!(read, sealed_records());
    let run = opened.head.run.unwrap();
    assert_eq!((run.base.suite(), run.base), (Suite::Sm2Sm3, genesis()));
    assert_eq!(opened.head.claims, [claim()]);
    assert_eq!(opened.head.claims[0].hash.suite(), Suite::Sm2Sm3);
    let recorded_reply = unhex(include_str!("golden/reply-gm-1.hex"));
    let reply = Reply::open(
        &recorded_reply,
        &collector().public(),
        terminal(),
        &opened.request,
    );
    let reply = reply.unwrap();
    assert_eq!(reply.acknowledgement.unwrap().watermark, Watermark::new(2));
    assert_eq!(reply.behind, [claim()]);
    assert_eq!(reply.behind[0].hash.suite(), Suite::Sm2Sm3);
}

/// Prints what the constants above must hold; for adding cases, never for editing one.
#[test]
fn print_the_golden_bytes_when_asked() {
    if std::env::var_os("MANYI_PRINT_GOLDEN").is_none() {
        return;
    }
    let opening = sealed_records().remove(0);
    let asset = AssetRequest {
        terminal: terminal(),
        digest: digest(b"a picture"),
    };
    let lines = [
        hex(key().public().as_bytes()),
        key().public().fingerprint(),
        hex(&opening),
        genesis().to_string(),
        genesis().extend(&opening).to_string(),
        hex(&digest(&enrol_request().seal(&key()))),
        hex(&digest(&enrol_reply().seal(&collector()))),
        hex(&digest(&asset.seal(&key()))),
        hex(&digest(&fold().to_bytes())),
        hex(&exchange()),
        hex(&reply()),
    ];
    let path = std::env::temp_dir().join("manyi-golden-gm.txt");
    std::fs::write(path, lines.join("\n")).unwrap();
}

const PUBLIC: &str = "0275cf3f4ff9bbc469411998f9cbb5c94a1e867a3039362b4e4dbe1cc32749d6ea";
const FINGERPRINT: &str = "7ca0-8645-920b-1c0b";
const OPENING: &str = "ab000104020550111111111111111111111111111111110650222222222222222222222222222222220a1b000001a1ee565e000b1930390c50333333333333333333333333333333330d746d616e79692d7465726d696e616c20302e312e300e693337313538312d30310f634130311004";
const GENESIS: &str = "2754b6244c1ee0dbf5a2114d031f472f000ea7ca7b82bcb59e08952dc6a0d6cd";
const AFTER_OPENING: &str = "ae8fe2112f90f890901e60b7a6a672bbecd1173374b712b0b9520b60e8bb4ab0";
const ENROL_REQUEST: &str = "012f9038012674195ab0da7db62903f0afe0024902a00ae41f63c77217aadb16";
const ENROL_REPLY: &str = "9b7ce9649a7c877e4b590cf613391ba05bbaf000e7af860453cfb0eee1d33f5b";
const ASSET_REQUEST: &str = "1ab42d1ff820bc779f39cb09491e4e501dac48436d17bde6dac7934381787bb8";
const FOLD: &str = "f24091ef1c1a65e017405f9dbd8bdf032c1651745f83c3fd92208c0978372106";
