//! Golden bytes of what is said about faults: losses, rescued records, folds, claims, new keys.
//!
//! As in `wire_golden.rs`: cases are added, never edited. A change that breaks one breaks a tablet
//! in a hall.

use manyi_shared::domain::{
    BootId, ClockReading, Level, OutcomeKind, Seq, StreamId, TerminalId, Watermark,
};
use manyi_shared::wire::{
    ChainHash, Claim, ExchangeHead, Fold, FoldEntry, Health, Loss, LossCause, Record, RecordBody,
    RecordTime, Reply, ReplyStatus, Rescued, Rotation, RotationReply, Run, SecretKey,
    SignedExchange, SignedRotation, TerminalMessage, digest,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn seq(n: u64) -> Seq {
    Seq::new(n).expect("at least 1")
}

fn stream() -> StreamId {
    StreamId::from_bytes([0x22; 16])
}

fn terminal() -> TerminalId {
    TerminalId::from_bytes([0x11; 16])
}

fn key() -> SecretKey {
    SecretKey::from_seed(&[0x55; 32])
}

fn collector() -> SecretKey {
    SecretKey::from_seed(&[0x77; 32])
}

fn hash(byte: u8) -> ChainHash {
    ChainHash::from_bytes([byte; 32])
}

const AT: RecordTime = RecordTime {
    elapsed_ms: 61_000,
    wall_step_ms: 0,
    synchronised: true,
};

#[test]
fn records_about_faults_have_their_golden_bytes() {
    let loss = Loss {
        cause: LossCause::DamagedJournal,
        stream: Some(stream()),
        from: Some(seq(10)),
        until: Some(seq(12)),
        earliest_ms: Some(1_774_314_000_000),
        latest_ms: None,
        records: Some(3),
    };
    let rescued = Rescued {
        stream: stream(),
        seq: seq(13),
        bytes: vec![0xa1, 0x00, 0x02],
        hash: hash(0x33),
    };
    let golden = [
        (
            RecordBody::Loss(loss),
            "a900070119ee4803f50401055022222222222222222222222222222222060a070c081b0000019d1d5b0e800a03",
        ),
        (
            RecordBody::Rescued(rescued),
            "a700080119ee4803f5045022222222222222222222222222222222050d0643a100020758203333333333333333333333333333333333333333333333333333333333333333",
        ),
        (RecordBody::ClockSet, "a300090119ee4803f5"),
    ];
    for (body, golden) in golden {
        let record = Record { at: AT, body };
        let bytes = record.encode().unwrap();
        assert_eq!(hex(&bytes), golden);
        assert_eq!(Record::decode(&bytes).unwrap(), record);
    }
}

#[test]
fn a_loss_for_a_reason_that_is_not_known_here_is_a_loss_all_the_same() {
    let record = Record::decode(&[0xa3, 0x00, 0x07, 0x01, 0x00, 0x04, 0x18, 0x63]).unwrap();
    let RecordBody::Loss(loss) = record.body else {
        panic!("{record:?}");
    };
    assert_eq!(loss.cause, LossCause::Other);
}

fn fold() -> Fold {
    Fold {
        stream: stream(),
        first: seq(2),
        last: seq(500),
        base: hash(0x44),
        head: hash(0x45),
        entries: vec![
            FoldEntry {
                hour: 0,
                wall_step_ms: 0,
                synchronised: false,
                outcome: OutcomeKind::Rated,
                level: Some(Level::VerySatisfied),
                n: 300,
            },
            FoldEntry {
                hour: 1,
                wall_step_ms: -5000,
                synchronised: true,
                outcome: OutcomeKind::TimedOut,
                level: None,
                n: 20,
            },
        ],
    }
}

#[test]
fn a_fold_has_its_golden_bytes() {
    let bytes = fold().to_bytes();
    assert_eq!(
        hex(&bytes),
        "a60050222222222222222222222222222222220102021901f4035820444444444444444444444444444444444444444444444444444444444444444404582045454545454545454545454545454545454545454545454545454545454545450582860000f4010519012c8601391387f5030014"
    );
    assert_eq!(Fold::from_bytes(&bytes).unwrap(), fold());
}

#[test]
fn a_fold_without_entries_says_that_records_are_gone_the_opening_too() {
    let gone = Fold {
        first: seq(1),
        entries: Vec::new(),
        ..fold()
    };
    assert_eq!(Fold::from_bytes(&gone.to_bytes()).unwrap(), gone);
}

#[rstest::rstest]
#[case::the_opening_is_never_folded(Fold { first: seq(1), ..fold() })]
#[case::backwards(Fold { last: seq(1), first: seq(2), ..fold() })]
#[case::more_outcomes_than_positions(Fold { last: seq(320), ..fold() })]
#[case::nothing_counted(Fold { entries: vec![FoldEntry { n: 0, ..fold().entries[0] }], ..fold() })]
#[case::a_rating_without_a_level(Fold { entries: vec![FoldEntry { level: None, ..fold().entries[0] }], ..fold() })]
#[case::a_level_without_a_rating(Fold { entries: vec![FoldEntry { outcome: OutcomeKind::Declined, ..fold().entries[0] }], ..fold() })]
#[case::too_many_entries(Fold { last: seq(100_000), entries: vec![FoldEntry { n: 1, ..fold().entries[0] }; 1001], ..fold() })]
fn a_fold_that_makes_no_sense_is_refused(#[case] fold: Fold) {
    assert!(Fold::from_bytes(&fold.to_bytes()).is_err());
}

fn claim() -> Claim {
    Claim {
        stream: stream(),
        watermark: Watermark::new(500),
        hash: hash(0x45),
    }
}

fn head() -> ExchangeHead {
    ExchangeHead {
        terminal: terminal(),
        number: 42,
        clock: ClockReading {
            wall_ms: 1_774_314_000_000,
            uptime_ms: 3_600_000,
            boot: BootId::from_bytes([0x33; 16]),
            synchronised: true,
        },
        health: Health {
            software: "manyi-sync 0.1.0".to_owned(),
            backlog: 3,
            oldest_unsent_ms: None,
            disk_free_bytes: None,
            profile_problem: None,
            journal_problem: None,
            ..Health::default()
        },
        profile_version: 7,
        run: None,
        prompts: Vec::new(),
        fold: Some(fold()),
        claims: vec![claim()],
        unread: false,
    }
}

#[test]
fn an_exchange_with_a_fold_and_claims_has_its_golden_digest() {
    let bytes = head().seal(&[], &key()).unwrap();
    assert_eq!(
        hex(&digest(&bytes)),
        "0722962aea0cc505389104e7c448372afc296571495e668a8efa034c132fe6a6"
    );
    let opened = SignedExchange::parse(&bytes)
        .unwrap()
        .open(&key().public())
        .unwrap();
    assert_eq!(opened.head, head());
    let kept = ExchangeHead::open_signed(&opened.signed_head, &key().public());
    assert_eq!(kept.unwrap(), head());
    let stranger = SecretKey::from_seed(&[0x56; 32]).public();
    assert!(ExchangeHead::open_signed(&opened.signed_head, &stranger).is_err());
}

#[test]
fn a_record_that_is_to_be_kept_unread_is_sent_alone_and_has_its_golden_digest() {
    let records = vec![b"poison".to_vec()];
    let base = hash(0x46);
    let run = |count, records: &[Vec<u8>]| Run {
        stream: stream(),
        first: seq(9),
        count,
        base,
        head: base.extend_all(records.iter().map(Vec::as_slice)),
    };
    let alone = ExchangeHead {
        run: Some(run(1, &records)),
        fold: None,
        claims: Vec::new(),
        unread: true,
        ..head()
    };
    let bytes = alone.seal(&records, &key()).unwrap();
    assert_eq!(
        hex(&digest(&bytes)),
        "12374424c06a7d25bf5126a1027982e38fe2e5d8289deb81b2a91f919f09b2cb"
    );
    let opened = SignedExchange::parse(&bytes)
        .unwrap()
        .open(&key().public())
        .unwrap();
    assert_eq!(opened.head, alone);

    let two = vec![b"poison".to_vec(), b"and more".to_vec()];
    let together = ExchangeHead {
        run: Some(run(2, &two)),
        ..alone.clone()
    };
    let bytes = together.seal(&two, &key()).unwrap();
    assert!(
        SignedExchange::parse(&bytes)
            .unwrap()
            .open(&key().public())
            .is_err()
    );
    let with_fold = ExchangeHead {
        fold: Some(fold()),
        unread: false,
        ..alone
    };
    let bytes = with_fold.seal(&records, &key()).unwrap();
    assert!(
        SignedExchange::parse(&bytes)
            .unwrap()
            .open(&key().public())
            .is_err()
    );
}

#[test]
fn a_reply_that_asks_for_what_was_lost_has_its_golden_digest() {
    let reply = Reply {
        terminal: terminal(),
        request: [0x88; 32],
        status: ReplyStatus::Revoked,
        acknowledgement: None,
        server_ms: 1_774_314_000_000,
        next_number: 43,
        profile: None,
        prompts: Vec::new(),
        behind: vec![claim()],
        rotate_key: true,
    };
    let bytes = reply.seal(&collector());
    assert_eq!(
        hex(&digest(&bytes)),
        "606ee9bcb8f618410f04608c699c5d873cde8f7d7758d3c5ddad64c3bc060826"
    );
    let opened = Reply::open(&bytes, &collector().public(), terminal(), &[0x88; 32]);
    assert_eq!(opened.unwrap(), reply);
}

#[test]
fn a_request_for_a_new_key_has_its_golden_digest_and_needs_both_keys() {
    let new_key = SecretKey::from_seed(&[0x66; 32]);
    let rotation = Rotation::new(terminal(), &new_key);
    let bytes = rotation.seal(&key());
    assert_eq!(
        hex(&digest(&bytes)),
        "d1e15530023b9ad995df2f6367f8c2efb91ca429a9cb17f807b02311779d23b9"
    );
    let signed = SignedRotation::parse(&bytes).unwrap();
    assert_eq!(signed.claimed_terminal(), terminal());
    assert_eq!(signed.open(&key().public()).unwrap(), rotation);
    assert!(
        signed.open(&new_key.public()).is_err(),
        "signed by the key in force"
    );

    // Whoever has only the old key cannot have another one's key put in force.
    let mut stolen = Rotation::new(TerminalId::from_bytes([0x12; 16]), &new_key);
    stolen.terminal = terminal();
    let bytes = stolen.seal(&key());
    assert!(
        SignedRotation::parse(&bytes)
            .unwrap()
            .open(&key().public())
            .is_err()
    );

    let reply = RotationReply {
        terminal: terminal(),
        request: digest(&bytes),
        new_key: new_key.public(),
    };
    let bytes = reply.seal(&collector());
    assert_eq!(
        hex(&digest(&bytes)),
        "13d001f1c502f5b7e4d40d55aae24fbea9767f4c45bca5978400fa0ceedb5190"
    );
    let opened = RotationReply::open(&bytes, &collector().public(), &reply.request);
    assert_eq!(opened.unwrap(), reply);
    assert!(RotationReply::open(&bytes, &collector().public(), &[0; 32]).is_err());
    assert!(RotationReply::open(&bytes, &key().public(), &reply.request).is_err());
}
