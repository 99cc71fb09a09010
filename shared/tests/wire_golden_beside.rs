//! Golden bytes of the formats that came after the first version. Only add; never edit.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use manyi_shared::domain::{
    Call, CallerKey, Level, Outcome, Seq, ServiceEvent, StreamId, TerminalId, Trigger,
};
use manyi_shared::wire::{
    Announcement, AssetRequest, Localised, Message, MessageKind, Misuse, OfficePrompt,
    OfficeSecret, OpeningHours, OutcomeRecord, ProfileOptions, ProfileTag, Record, RecordBody,
    RecordTime, SecretKey, SelfTest, SignedAssetRequest, SignedSupplement, Supplement,
    SupplementOption, TerminalMessage as _, Voice, VoiceClip, digest,
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

fn record(body: RecordBody) -> Record {
    Record {
        at: RecordTime {
            elapsed_ms: 60_000,
            wall_step_ms: 0,
            synchronised: true,
        },
        body,
    }
}

fn terminal() -> TerminalId {
    TerminalId::from_bytes([0x11; 16])
}

fn stream() -> StreamId {
    StreamId::from_bytes([0x22; 16])
}

fn at(seq: u64) -> Seq {
    Seq::new(seq).unwrap()
}

fn key() -> SecretKey {
    SecretKey::from_seed(&[0x66; 32])
}

#[test]
fn records_beside_the_outcomes_have_their_golden_bytes() {
    let self_test = SelfTest {
        day: 20_261_122,
        level: Level::VeryDissatisfied,
    };
    let misuse = Misuse {
        target: at(8),
        kinds: Misuse::SEVERAL_FINGERS | Misuse::BURST,
        touches: 50,
        span_ms: 9_500,
    };
    let called = OutcomeRecord {
        ordinal: 7,
        outcome: Outcome::Rated {
            level: Level::Satisfied,
            tags: Vec::new(),
        },
        tag_set: None,
        response_ms: Some(2_345),
        event: ServiceEvent::default(),
        call: Call {
            trigger: Trigger::Office,
            key: Some(CallerKey::of("Q-0412")),
        },
    };
    let golden = [
        (
            RecordBody::SelfTest(self_test),
            "a500040119ea6003f5041a013529020501",
        ),
        (
            RecordBody::Misuse(misuse),
            "a700050119ea6003f5040805090618320719251c",
        ),
        (
            RecordBody::Outcome(called),
            "a900020119ea6003f5040705010604091909290e050f48561bd961c82b94c2",
        ),
    ];
    for (body, golden) in golden {
        let record = record(body);
        let bytes = record.encode().unwrap();
        assert_eq!(hex(&bytes), golden);
        assert_eq!(Record::decode(&bytes).unwrap(), record);
    }
}

/// Encryption never makes the same bytes twice, so the golden ones are read.
#[test]
fn a_message_that_was_sealed_once_is_opened_for_ever() {
    let bytes = unhex(MESSAGE);
    let read = Record::decode(&bytes).unwrap();
    assert_eq!(read.encode().unwrap(), bytes);
    let RecordBody::Message(message) = read.body else {
        panic!("{read:?}");
    };
    assert_eq!((message.target, message.what), (at(8), MessageKind::Phone));
    let office = OfficeSecret::from_seed(&[0x99; 32]);
    let text = office.open(&message.sealed, stream(), message.target);
    assert_eq!(text.unwrap(), "13800000000");
}

const MESSAGE: &str = "a600060119ea6003f50408050106a400010148800d5826e454e35302582055e66349da6d667788ce976be0a03e4bc99cd99e6d8495ad35414aa6b481816903581bea3606064cf295adb3ffd1c41627a26ff204965bb66469c8782f8a";

#[test]
fn signed_requests_have_their_golden_digests_and_open_with_their_key_only() {
    let supplement = Supplement {
        terminal: terminal(),
        stream: stream(),
        target: at(8),
        hours: 72,
    };
    let token = supplement.seal(&key());
    assert_eq!(
        hex(&digest(&token)),
        "2afb91e54d4f6b4fc3383d242f9de5077ca0e7ba9dab6cd479412857f272995c"
    );
    let signed = SignedSupplement::parse(&token).unwrap();
    assert_eq!(signed.claimed_terminal(), terminal());
    assert_eq!(signed.open(&key().public()).unwrap(), supplement);
    let stranger = SecretKey::from_seed(&[0x67; 32]).public();
    assert!(signed.open(&stranger).is_err());

    let request = AssetRequest {
        terminal: terminal(),
        digest: [0xaa; 32],
    };
    let bytes = request.seal(&key());
    assert_eq!(
        hex(&digest(&bytes)),
        "d152c0cc69c123ce3198e6c1e740fe4c59c4a831bbd39f7cc8e7c4bf6698f3b7"
    );
    let signed = SignedAssetRequest::parse(&bytes).unwrap();
    assert_eq!(signed.open(&key().public()).unwrap(), request);
    assert!(
        SignedSupplement::parse(&bytes)
            .unwrap()
            .open(&key().public())
            .is_err()
    );
}

fn options() -> ProfileOptions {
    ProfileOptions {
        languages: Some(vec!["en".to_owned(), "ug".to_owned()]),
        default_language: Some("zh-Hans".to_owned()),
        elder: Some(false),
        reasons_required: Some(vec![2, 1]),
        supplement: Some(SupplementOption {
            url: "https://rate.example.cn/s/".to_owned(),
            hours: 72,
        }),
        office_key: Some(*OfficeSecret::from_seed(&[0x99; 32]).public().as_bytes()),
        ask_phone: Some(true),
        technician_pin: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned()),
        paused: Some("请到 13 号窗口办理".to_owned()),
        self_test_minutes: Some(15),
        hours: Some(vec![OpeningHours {
            days: 0b001_1111,
            opens: 540,
            closes: 1020,
        }]),
        announcements: Some(vec![Announcement {
            text: "国庆节放假".to_owned(),
            picture: Some([0xab; 32]),
            seconds: 10,
        }]),
        voice: Some(Voice {
            volume: 70,
            quiet_from: Some(720),
            quiet_until: Some(810),
            clips: Some(vec![VoiceClip {
                language: "en".to_owned(),
                clip: "thanks".to_owned(),
                sound: [0xac; 32],
            }]),
        }),
        clerk_may_ask: Some(true),
        tags: Some(vec![ProfileTag {
            level: 5,
            code: 510,
            names: vec![Localised {
                language: "en".to_owned(),
                text: "One window, one visit".to_owned(),
            }],
        }]),
        heartbeat_seconds: Some(5),
    }
}

fn prompt() -> OfficePrompt {
    OfficePrompt {
        id: [0xad; 16],
        valid_ms: 30_000,
        window: "A01".to_owned(),
        staff: Some("LQ0101".to_owned()),
        item: None,
        case_number: Some("LQ202611210001".to_owned()),
        item_name: None,
        staff_name: None,
    }
}

#[test]
fn options_and_prompts_of_the_office_have_their_golden_digests() {
    let encode = |value: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        value(&mut bytes);
        bytes
    };
    let bytes = encode(&|out| minicbor::encode(options(), out).unwrap());
    assert_eq!(
        hex(&digest(&bytes)),
        "d370a4e9966df2b617b6a27945854d9500cd67059959fc060353dcfd7ff47dda"
    );
    assert_eq!(
        minicbor::decode::<ProfileOptions>(&bytes).unwrap(),
        options()
    );
    let bytes = encode(&|out| minicbor::encode(prompt(), out).unwrap());
    assert_eq!(
        hex(&digest(&bytes)),
        "ec53e3980cde849214e0f92b20e2f33d03426ce1289bacf838213c7f5b6acf37"
    );
    assert_eq!(minicbor::decode::<OfficePrompt>(&bytes).unwrap(), prompt());
}

/// Prints what a new message constant may hold; for adding cases, never for editing one.
#[test]
fn print_a_sealed_message_when_asked() {
    if std::env::var_os("MANYI_PRINT_GOLDEN").is_none() {
        return;
    }
    let office = OfficeSecret::from_seed(&[0x99; 32]);
    let sealed = office
        .public()
        .seal("13800000000", stream(), at(8))
        .unwrap();
    let message = Message {
        target: at(8),
        what: MessageKind::Phone,
        sealed,
    };
    let bytes = record(RecordBody::Message(message)).encode().unwrap();
    let file = std::env::temp_dir().join("manyi-golden-message.txt");
    std::fs::write(file, hex(&bytes)).unwrap();
}
