//! The exchange and its reply under every kind of bad input.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use manyi_shared::domain::{BootId, ClockReading, Seq, StreamId, TerminalId, Watermark};
use manyi_shared::wire::limits::{MAX_EXCHANGE_BYTES, MAX_RECORDS};
use manyi_shared::wire::{
    Acknowledgement, ChainHash, EnvelopeError, ExchangeError, ExchangeHead, Health, Reply,
    ReplyError, ReplyStatus, Run, SecretKey, SignedExchange, Suite,
};
use proptest::prelude::*;

fn key(suite: Suite, seed: u8) -> SecretKey {
    SecretKey::of(suite, &[seed; 32]).unwrap()
}

fn any_suite() -> impl Strategy<Value = Suite> {
    prop::sample::select(&Suite::ALL)
}

fn terminal() -> TerminalId {
    TerminalId::from_bytes([1; 16])
}

fn stream() -> StreamId {
    StreamId::from_bytes([2; 16])
}

fn head(run: Option<Run>) -> ExchangeHead {
    ExchangeHead {
        terminal: terminal(),
        number: 1,
        clock: ClockReading {
            wall_ms: 0,
            uptime_ms: 0,
            boot: BootId::from_bytes([3; 16]),
            synchronised: false,
        },
        health: Health {
            software: "test".to_owned(),
            backlog: 0,
            oldest_unsent_ms: None,
            disk_free_bytes: None,
            profile_problem: None,
            journal_problem: None,
            ..Health::default()
        },
        profile_version: 0,
        run,
        prompts: Vec::new(),
        fold: None,
        claims: Vec::new(),
        unread: false,
    }
}

fn run_over(suite: Suite, records: &[Vec<u8>]) -> Run {
    let base = suite.genesis(terminal(), stream());
    Run {
        stream: stream(),
        first: Seq::FIRST,
        count: u32::try_from(records.len()).unwrap(),
        base,
        head: base.extend_all(records.iter().map(Vec::as_slice)),
    }
}

fn sealed(suite: Suite, records: &[Vec<u8>]) -> Vec<u8> {
    head(Some(run_over(suite, records)))
        .seal(records, &key(suite, 1))
        .unwrap()
}

fn open(suite: Suite, bytes: &[u8]) -> Result<Vec<Vec<u8>>, ExchangeError> {
    let exchange = SignedExchange::parse(bytes)?.open(&key(suite, 1).public())?;
    Ok(exchange
        .records
        .into_iter()
        .map(|(record, _)| record)
        .collect())
}

fn three() -> Vec<Vec<u8>> {
    vec![vec![0xa0], vec![1, 2, 3], vec![]]
}

proptest! {
    /// Records are opaque to the exchange: whatever bytes were sealed arrive.
    #[test]
    fn any_records_arrive_byte_for_byte(
        suite in any_suite(),
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..60)
    ) {
        prop_assert_eq!(open(suite, &sealed(suite, &records)), Ok(records));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for suite in Suite::ALL {
            prop_assert!(open(suite, &bytes).is_err());
        }
    }

    #[test]
    fn an_exchange_cut_anywhere_is_refused(suite in any_suite(), cut in 0_usize..10_000) {
        let whole = sealed(suite, &three());
        let cut = cut % whole.len();
        prop_assert!(open(suite, &whole[..cut]).is_err());
    }

    #[test]
    fn one_changed_byte_never_changes_a_record(
        suite in any_suite(), at in 0_usize..10_000, to in any::<u8>()
    ) {
        let mut forged = sealed(suite, &three());
        let at = at % forged.len();
        forged[at] = to;
        if let Ok(records) = open(suite, &forged) {
            prop_assert_eq!(records, three());
        }
    }
}

#[rstest::rstest]
#[case(Suite::Ed25519Sha256)]
#[case(Suite::Sm2Sm3)]
fn a_heartbeat_carries_no_records(#[case] suite: Suite) {
    let bytes = head(None).seal(&[], &key(suite, 1)).unwrap();
    assert_eq!(open(suite, &bytes), Ok(Vec::new()));
}

#[rstest::rstest]
#[case(Suite::Ed25519Sha256)]
#[case(Suite::Sm2Sm3)]
fn a_strangers_signature_is_refused(#[case] suite: Suite) {
    let bytes = head(None).seal(&[], &key(suite, 2)).unwrap();
    assert_eq!(
        open(suite, &bytes),
        Err(ExchangeError::Envelope(EnvelopeError::BadSignature))
    );
}

#[rstest::rstest]
#[case(Suite::Ed25519Sha256)]
#[case(Suite::Sm2Sm3)]
fn a_run_whose_chain_does_not_reach_the_signed_head_is_refused(#[case] suite: Suite) {
    let records = three();
    let mut run = run_over(suite, &records);
    run.head = ChainHash::from_bytes([0; 32]);
    let bytes = head(Some(run)).seal(&records, &key(suite, 1)).unwrap();
    assert_eq!(open(suite, &bytes), Err(ExchangeError::WrongChain));
}

#[rstest::rstest]
#[case(Suite::Ed25519Sha256)]
#[case(Suite::Sm2Sm3)]
fn records_swapped_for_others_under_the_same_head_are_refused(#[case] suite: Suite) {
    // The signed head of one exchange with the body of another.
    let (mine, other) = (sealed(suite, &three()), sealed(suite, &[vec![9; 50]]));
    let parts = |bytes: &[u8]| -> (Vec<u8>, Vec<u8>) {
        let mut decoder = minicbor::Decoder::new(bytes);
        assert_eq!(decoder.array().unwrap(), Some(2));
        (
            decoder.bytes().unwrap().to_vec(),
            decoder.bytes().unwrap().to_vec(),
        )
    };
    let mut forged = Vec::new();
    minicbor::Encoder::new(&mut forged)
        .array(2)
        .and_then(|e| e.bytes(&parts(&mine).0))
        .and_then(|e| e.bytes(&parts(&other).1))
        .unwrap();
    assert_eq!(open(suite, &forged), Err(ExchangeError::Digest));
}

#[rstest::rstest]
#[case(Suite::Ed25519Sha256)]
#[case(Suite::Sm2Sm3)]
fn what_is_too_large_is_refused_before_it_costs_memory(#[case] suite: Suite) {
    assert!(matches!(
        open(suite, &vec![0; MAX_EXCHANGE_BYTES + 1]),
        Err(ExchangeError::TooLong(_))
    ));
    let many = vec![vec![0]; MAX_RECORDS + 1];
    assert!(matches!(
        head(Some(run_over(suite, &many))).seal(&many, &key(suite, 1)),
        Err(ExchangeError::Records(_))
    ));
}

#[rstest::rstest]
#[case(Suite::Ed25519Sha256)]
#[case(Suite::Sm2Sm3)]
fn a_reply_is_believed_only_for_its_request_its_terminal_and_from_its_collector(
    #[case] suite: Suite,
) {
    let request = suite.digest(b"request");
    let reply = Reply {
        terminal: terminal(),
        request,
        status: ReplyStatus::Gap,
        acknowledgement: Some(Acknowledgement {
            stream: stream(),
            watermark: Watermark::new(5),
            hash: ChainHash::from_bytes([4; 32]),
            rejected: Vec::new(),
            conflict_kept: None,
        }),
        server_ms: 1,
        next_number: 2,
        profile: Some(vec![1, 2, 3]),
        prompts: Vec::new(),
        behind: Vec::new(),
        rotate_key: false,
    };
    let bytes = reply.seal(&key(suite, 7));
    let collector = key(suite, 7).public();
    assert_eq!(
        Reply::open(&bytes, &collector, terminal(), &request),
        Ok(reply)
    );
    let other_terminal = TerminalId::from_bytes([9; 16]);
    for (what, got) in [
        (
            "another request",
            Reply::open(&bytes, &collector, terminal(), &suite.digest(b"other")),
        ),
        (
            "another terminal",
            Reply::open(&bytes, &collector, other_terminal, &request),
        ),
    ] {
        assert_eq!(got, Err(ReplyError::OtherRequest), "{what}");
    }
    assert_eq!(
        Reply::open(&bytes, &key(suite, 8).public(), terminal(), &request),
        Err(ReplyError::Envelope(EnvelopeError::BadSignature))
    );
    let captive_portal = b"<html><body>Please log in</body></html>";
    assert!(Reply::open(captive_portal, &collector, terminal(), &request).is_err());
}

/// Whoever signs, the chain is the stream's: a terminal with a key of one suite sends on what it
/// sealed in another.
#[test]
fn a_run_goes_on_in_its_streams_suite_whatever_the_key_is_of() {
    for (of_stream, of_key) in [
        (Suite::Ed25519Sha256, Suite::Sm2Sm3),
        (Suite::Sm2Sm3, Suite::Ed25519Sha256),
    ] {
        let records = three();
        let run = run_over(of_stream, &records);
        let bytes = head(Some(run)).seal(&records, &key(of_key, 1)).unwrap();
        let parsed = SignedExchange::parse(&bytes).unwrap();
        let exchange = parsed.open(&key(of_key, 1).public()).unwrap();
        let opened = exchange.head.run.unwrap();
        assert_eq!(opened, run);
        assert_eq!(opened.base.suite(), of_stream);
        assert_eq!(exchange.records.last().unwrap().1, run.head);
        assert_eq!(exchange.request, of_key.digest(&bytes));
    }
}

/// The same run, said to be of the other suite.
#[test]
fn a_run_that_names_another_suite_than_its_chain_has_is_refused() {
    let records = three();
    for suite in Suite::ALL {
        for other in Suite::ALL.into_iter().filter(|other| *other != suite) {
            let mut run = run_over(suite, &records);
            run.base = run.base.in_suite(other);
            let bytes = head(Some(run)).seal(&records, &key(suite, 1)).unwrap();
            assert_eq!(open(suite, &bytes), Err(ExchangeError::WrongChain));
        }
    }
}

#[test]
fn an_exchange_of_one_suite_is_a_strangers_to_a_key_of_another() {
    for (suite, other) in [
        (Suite::Ed25519Sha256, Suite::Sm2Sm3),
        (Suite::Sm2Sm3, Suite::Ed25519Sha256),
    ] {
        assert_eq!(
            open(other, &sealed(suite, &three())),
            Err(ExchangeError::Envelope(EnvelopeError::BadSignature))
        );
    }
}
