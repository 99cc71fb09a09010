//! Golden bytes of every frozen format. Plain asserts on purpose: a snapshot can be accepted by
//! habit, and a change here breaks tablets in halls. Formats only grow: add cases, never edit one.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use manyi_shared::domain::{
    BootId, Call, CaseNumber, Channel, ClockReading, FaultReason, HallId, ItemCode, Level, Outcome,
    Seq, ServiceEvent, StaffId, StreamId, TagCode, TagSetId, TerminalId, Watermark, WindowId,
    Withdrawal,
};
use manyi_shared::wire::{
    Acknowledgement, Amendment, ChainHash, EnrolReply, EnrolRequest, ExchangeHead, Health,
    OutcomeRecord, Profile, ProfileItem, ProfileStaff, Record, RecordBody, RecordTime,
    RejectReason, Rejection, Reply, ReplyStatus, Run, SecretKey, StreamOpened, StreamTip, Suite,
    digest,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn terminal() -> TerminalId {
    TerminalId::from_bytes([0x11; 16])
}

fn stream() -> StreamId {
    StreamId::from_bytes([0x22; 16])
}

fn seq(n: u64) -> Seq {
    Seq::new(n).unwrap()
}

fn tags(codes: &[u16]) -> Vec<TagCode> {
    codes.iter().map(|&n| TagCode::new(n).unwrap()).collect()
}

fn at(elapsed_ms: u64, wall_step_ms: i64, synchronised: bool) -> RecordTime {
    RecordTime {
        elapsed_ms,
        wall_step_ms,
        synchronised,
    }
}

fn opened(previous: Option<StreamTip>) -> Record {
    Record {
        at: at(0, 0, true),
        body: RecordBody::StreamOpened(StreamOpened {
            suite: Suite::Ed25519Sha256,
            terminal: terminal(),
            stream: stream(),
            previous,
            wall_ms: 1_795_000_000_000,
            uptime_ms: 12_345,
            boot: BootId::from_bytes([0x33; 16]),
            software: "manyi-terminal 0.1.0".to_owned(),
            hall: HallId::new("371581-01").unwrap(),
            window: WindowId::new("A01").unwrap(),
            channel: Channel::Tablet,
        }),
    }
}

fn outcome(at: RecordTime, outcome: Outcome) -> Record {
    Record {
        at,
        body: RecordBody::Outcome(OutcomeRecord {
            ordinal: 7,
            outcome,
            tag_set: Some(TagSetId("v2".to_owned())),
            response_ms: Some(2_345),
            event: ServiceEvent {
                staff: Some(StaffId::new("LQ0101").unwrap()),
                item: Some(ItemCode::new("1137158100431234XY000013101200").unwrap()),
                case_number: Some(CaseNumber::new("LQ202611210001").unwrap()),
            },
            call: Call::default(),
        }),
    }
}

fn every_record() -> Vec<(&'static str, Record)> {
    let previous = StreamTip {
        stream: StreamId::from_bytes([0x44; 16]),
        seq: seq(900),
        hash: ChainHash::from_bytes([0x55; 32]),
    };
    let rated = Outcome::Rated {
        level: Level::VerySatisfied,
        tags: tags(&[510, 517]),
    };
    let bare = Outcome::Rated {
        level: Level::VeryDissatisfied,
        tags: Vec::new(),
    };
    let amendment = Amendment {
        target: seq(8),
        level: Level::Dissatisfied,
        tags: tags(&[207]),
        tag_set: Some(TagSetId("v2".to_owned())),
    };
    vec![
        ("opened, first stream", opened(None)),
        ("opened, after another", opened(Some(previous))),
        ("rated with tags", outcome(at(60_000, 0, true), rated)),
        (
            "rated after a clock step",
            outcome(at(61_000, -86_400_000, false), bare),
        ),
        ("declined", outcome(at(1, 0, false), Outcome::Declined)),
        ("timed out", outcome(at(2, 0, false), Outcome::TimedOut)),
        (
            "withdrawn",
            outcome(at(3, 0, false), Outcome::Withdrawn(Withdrawal::Replaced)),
        ),
        (
            "fault",
            outcome(at(4, 0, false), Outcome::Fault(FaultReason::Interrupted)),
        ),
        (
            "amendment",
            Record {
                at: at(62_000, 0, true),
                body: RecordBody::Amendment(amendment),
            },
        ),
    ]
}

const RECORDS: [&str; 9] = [
    "ac000103f504010550111111111111111111111111111111110650222222222222222222222222222222220a1b000001a1ee565e000b1930390c50333333333333333333333333333333330d746d616e79692d7465726d696e616c20302e312e300e693337313538312d30310f634130311004",
    "af000103f504010550111111111111111111111111111111110650222222222222222222222222222222220750444444444444444444444444444444440819038409582055555555555555555555555555555555555555555555555555555555555555550a1b000001a1ee565e000b1930390c50333333333333333333333333333333330d746d616e79692d7465726d696e616c20302e312e300e693337313538312d30310f634130311004",
    "ac00020119ea6003f504070501060507821901fe19020508627632091909290a664c51303130310b781e3131333731353831303034333132333458593030303031333130313230300c6e4c51323032363131323130303031",
    "aa00020119ee48023a05265bff040705010601091909290a664c51303130310b781e3131333731353831303034333132333458593030303031333130313230300c6e4c51323032363131323130303031",
    "a80002010104070502091909290a664c51303130310b781e3131333731353831303034333132333458593030303031333130313230300c6e4c51323032363131323130303031",
    "a80002010204070503091909290a664c51303130310b781e3131333731353831303034333132333458593030303031333130313230300c6e4c51323032363131323130303031",
    "a90002010304070504091909290a664c51303130310b781e3131333731353831303034333132333458593030303031333130313230300c6e4c513230323631313231303030310d01",
    "a90002010404070505091909290a664c51303130310b781e3131333731353831303034333132333458593030303031333130313230300c6e4c513230323631313231303030310d02",
    "a700030119f23003f504080502068118cf07627632",
];

#[test]
fn every_record_has_its_golden_bytes_and_reads_back() {
    let encoded: Vec<String> = every_record()
        .iter()
        .map(|(_, record)| hex(&record.encode().unwrap()))
        .collect();
    for ((name, record), (bytes, golden)) in every_record().iter().zip(encoded.iter().zip(RECORDS))
    {
        assert_eq!(bytes, golden, "{name}");
        let read_back = Record::decode(&record.encode().unwrap()).unwrap();
        // A tag set without tags says nothing and is not written.
        if !matches!(&record.body, RecordBody::Outcome(o) if !matches!(&o.outcome, Outcome::Rated { tags, .. } if !tags.is_empty()))
        {
            assert_eq!(&read_back, record, "{name}");
        }
        assert_eq!(
            read_back.encode().unwrap(),
            record.encode().unwrap(),
            "{name}"
        );
    }
}

/// Added after the first nine: a fault that says that an answer could not be kept.
#[test]
fn a_fault_that_was_not_kept_has_its_golden_bytes() {
    let record = outcome(at(5, 0, false), Outcome::Fault(FaultReason::NotKept));
    assert_eq!(
        hex(&record.encode().unwrap()),
        "a90002010504070505091909290a664c51303130310b781e3131333731353831303034333132333458593030303031333130313230300c6e4c513230323631313231303030310d03"
    );
}

#[test]
fn the_chain_has_its_golden_hashes() {
    let genesis = ChainHash::genesis(terminal(), stream());
    assert_eq!(
        genesis.to_string(),
        "a7679f981dc6b85a7f98aa30bd3a14743e740d9b5887a7589c5158e7574777e0"
    );
    let after = genesis.extend(&opened(None).encode().unwrap());
    assert_eq!(
        after.to_string(),
        "5b4d55618eb36186889ec7fdd51e4f1fc0ea06e8748ea16f1f6e89d1fa48d5bf"
    );
}

fn key() -> SecretKey {
    SecretKey::from_seed(&[0x66; 32])
}

fn collector_key() -> SecretKey {
    SecretKey::from_seed(&[0x77; 32])
}

fn exchange() -> Vec<u8> {
    let records: Vec<Vec<u8>> = every_record()
        .into_iter()
        .skip(1)
        .map(|(_, r)| r.encode().unwrap())
        .collect();
    let base = ChainHash::genesis(terminal(), stream());
    let head = ExchangeHead {
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
            backlog: 8,
            oldest_unsent_ms: Some(62_000),
            disk_free_bytes: Some(1 << 33),
            profile_problem: None,
            journal_problem: None,
            ..Health::default()
        },
        profile_version: 3,
        run: Some(Run {
            stream: stream(),
            first: Seq::FIRST,
            count: 8,
            base,
            head: base.extend_all(records.iter().map(Vec::as_slice)),
        }),
        prompts: Vec::new(),
        fold: None,
        claims: Vec::new(),
        unread: false,
    };
    head.seal(&records, &key()).unwrap()
}

fn profile() -> Profile {
    Profile {
        version: 3,
        hall_id: "371581-01".to_owned(),
        hall_name: "临清市政务服务中心".to_owned(),
        time_zone: "Asia/Shanghai".to_owned(),
        window_id: "A01".to_owned(),
        window_number: "A01".to_owned(),
        window_name: "A01 综合受理窗口".to_owned(),
        contact: "大厅服务台".to_owned(),
        staff_on_duty: Some("LQ0101".to_owned()),
        staff: vec![ProfileStaff {
            id: "LQ0101".to_owned(),
            name: "王芳".to_owned(),
            post: "综合受理岗".to_owned(),
            stars: None,
            photo: None,
        }],
        items: vec![ProfileItem {
            code: "1137158100431234XY000013101200".to_owned(),
            name: "企业设立登记".to_owned(),
        }],
        tag_set: "v2".to_owned(),
        ask_reasons: true,
        ask_seconds: 30,
        reasons_seconds: 20,
        thanks_seconds: 5,
        guard_ms: 600,
        mirrored: false,
        keep_records: 50_000,
        options: None,
    }
}

fn reply() -> Vec<u8> {
    let reply = Reply {
        terminal: terminal(),
        request: digest(&exchange()),
        status: ReplyStatus::Taken,
        acknowledgement: Some(Acknowledgement {
            stream: stream(),
            watermark: Watermark::new(8),
            hash: ChainHash::from_bytes([0x88; 32]),
            rejected: vec![Rejection {
                seq: seq(3),
                reason: RejectReason::SecondOutcome,
            }],
            conflict_kept: None,
        }),
        server_ms: 1_795_000_062_500,
        next_number: 42,
        profile: None,
        prompts: Vec::new(),
        behind: Vec::new(),
        rotate_key: false,
    };
    reply.seal(&collector_key())
}

/// The signed messages are long; their digests pin every byte. The compressed body is left out: a
/// newer zstd may pack the same records into other bytes.
#[test]
fn every_signed_message_has_its_golden_digest() {
    let request = EnrolRequest {
        code: "7KX2-9QWM".parse().unwrap(),
        key: key().public(),
        software: "manyi-sync 0.1.0".to_owned(),
    };
    let sealed_request = request.seal(&key());
    let reply_to_enrol = EnrolReply {
        request: digest(&sealed_request),
        terminal: terminal(),
        collector: collector_key().public(),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        profile: profile().seal(&collector_key()),
        server_ms: 1_795_000_000_000,
    };
    let messages = [
        (
            "enrol request",
            sealed_request.clone(),
            "8c7957c27b33f9ffc3d2d474a8cb97145b0731e3f42eff5d875550714d2c4388",
        ),
        (
            "profile",
            profile().seal(&collector_key()),
            "b5fb503db8b4d7daf86f088ab019ba2a613b0f007cffa3b3d6064a90baf16db4",
        ),
        (
            "enrol reply",
            reply_to_enrol.seal(&collector_key()),
            "d20a6f063f5af38bc411c8432a106edcf59144469265da77e9aabe28cb4432ba",
        ),
    ];
    for (name, bytes, golden) in messages {
        assert_eq!(hex(&digest(&bytes)), golden, "{name}");
    }
    assert_eq!(EnrolRequest::open(&sealed_request).unwrap(), request);
    let sealed = reply_to_enrol.seal(&collector_key());
    assert_eq!(
        EnrolReply::open(&sealed, &digest(&sealed_request)).unwrap(),
        reply_to_enrol
    );
    let opened = Profile::open(&profile().seal(&collector_key()), &collector_key().public());
    assert_eq!(opened.unwrap(), profile());
}

/// Bytes that version 0.1.0 really sent: every later version must still read them.
#[test]
fn an_exchange_and_a_reply_of_the_first_version_are_still_read() {
    use manyi_shared::wire::SignedExchange;
    let recorded = unhex(include_str!("golden/exchange-1.hex"));
    let opened = SignedExchange::parse(&recorded)
        .unwrap()
        .open(&key().public())
        .unwrap();
    let expected: Vec<Vec<u8>> = every_record()
        .into_iter()
        .skip(1)
        .map(|(_, r)| r.encode().unwrap())
        .collect();
    let records: Vec<Vec<u8>> = opened.records.into_iter().map(|(bytes, _)| bytes).collect();
    assert_eq!(records, expected);
    assert_eq!((opened.head.number, opened.head.profile_version), (41, 3));
    let recorded_reply = unhex(include_str!("golden/reply-1.hex"));
    let reply = Reply::open(
        &recorded_reply,
        &collector_key().public(),
        terminal(),
        &opened.request,
    );
    let reply = reply.unwrap();
    assert_eq!(reply.status, ReplyStatus::Taken);
    assert_eq!(reply.acknowledgement.unwrap().watermark, Watermark::new(8));
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Prints what the constants above must hold; for adding cases, never for editing one.
#[test]
fn print_the_golden_bytes_when_asked() {
    if std::env::var_os("MANYI_PRINT_GOLDEN").is_none() {
        return;
    }
    let lines: Vec<String> = every_record()
        .iter()
        .map(|(_, r)| hex(&r.encode().unwrap()))
        .chain([hex(&exchange()), hex(&reply())])
        .collect();
    std::fs::write(
        std::env::temp_dir().join("manyi-golden.txt"),
        lines.join("\n"),
    )
    .unwrap();
}
