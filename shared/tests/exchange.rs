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
    ReplyError, ReplyStatus, Run, SecretKey, SignedExchange, digest,
};
use proptest::prelude::*;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
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
        },
        profile_version: 0,
        run,
        prompts: Vec::new(),
        fold: None,
        claims: Vec::new(),
        unread: false,
    }
}

fn run_over(records: &[Vec<u8>]) -> Run {
    let base = ChainHash::genesis(terminal(), stream());
    Run {
        stream: stream(),
        first: Seq::FIRST,
        count: u32::try_from(records.len()).unwrap(),
        base,
        head: base.extend_all(records.iter().map(Vec::as_slice)),
    }
}

fn sealed(records: &[Vec<u8>]) -> Vec<u8> {
    head(Some(run_over(records)))
        .seal(records, &key(1))
        .unwrap()
}

fn open(bytes: &[u8]) -> Result<Vec<Vec<u8>>, ExchangeError> {
    let exchange = SignedExchange::parse(bytes)?.open(&key(1).public())?;
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
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..60)
    ) {
        prop_assert_eq!(open(&sealed(&records)), Ok(records));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(open(&bytes).is_err());
    }

    #[test]
    fn an_exchange_cut_anywhere_is_refused(cut in 0_usize..10_000) {
        let whole = sealed(&three());
        let cut = cut % whole.len();
        prop_assert!(open(&whole[..cut]).is_err());
    }

    #[test]
    fn one_changed_byte_never_changes_a_record(at in 0_usize..10_000, to in any::<u8>()) {
        let mut forged = sealed(&three());
        let at = at % forged.len();
        forged[at] = to;
        if let Ok(records) = open(&forged) {
            prop_assert_eq!(records, three());
        }
    }
}

#[test]
fn a_heartbeat_carries_no_records() {
    let bytes = head(None).seal(&[], &key(1)).unwrap();
    assert_eq!(open(&bytes), Ok(Vec::new()));
}

#[test]
fn a_strangers_signature_is_refused() {
    let bytes = head(None).seal(&[], &key(2)).unwrap();
    assert_eq!(
        open(&bytes),
        Err(ExchangeError::Envelope(EnvelopeError::BadSignature))
    );
}

#[test]
fn a_run_whose_chain_does_not_reach_the_signed_head_is_refused() {
    let records = three();
    let mut run = run_over(&records);
    run.head = ChainHash::from_bytes([0; 32]);
    let bytes = head(Some(run)).seal(&records, &key(1)).unwrap();
    assert_eq!(open(&bytes), Err(ExchangeError::WrongChain));
}

#[test]
fn records_swapped_for_others_under_the_same_head_are_refused() {
    // The signed head of one exchange with the body of another.
    let (mine, other) = (sealed(&three()), sealed(&[vec![9; 50]]));
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
    assert_eq!(open(&forged), Err(ExchangeError::Digest));
}

#[test]
fn what_is_too_large_is_refused_before_it_costs_memory() {
    assert!(matches!(
        open(&vec![0; MAX_EXCHANGE_BYTES + 1]),
        Err(ExchangeError::TooLong(_))
    ));
    let many = vec![vec![0]; MAX_RECORDS + 1];
    assert!(matches!(
        head(Some(run_over(&many))).seal(&many, &key(1)),
        Err(ExchangeError::Records(_))
    ));
}

#[test]
fn a_reply_is_believed_only_for_its_request_its_terminal_and_from_its_collector() {
    let request = digest(b"request");
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
    let bytes = reply.seal(&key(7));
    let collector = key(7).public();
    assert_eq!(
        Reply::open(&bytes, &collector, terminal(), &request),
        Ok(reply)
    );
    let other_terminal = TerminalId::from_bytes([9; 16]);
    for (what, got) in [
        (
            "another request",
            Reply::open(&bytes, &collector, terminal(), &digest(b"other")),
        ),
        (
            "another terminal",
            Reply::open(&bytes, &collector, other_terminal, &request),
        ),
    ] {
        assert_eq!(got, Err(ReplyError::OtherRequest), "{what}");
    }
    assert_eq!(
        Reply::open(&bytes, &key(8).public(), terminal(), &request),
        Err(ReplyError::Envelope(EnvelopeError::BadSignature))
    );
    let captive_portal = b"<html><body>Please log in</body></html>";
    assert!(Reply::open(captive_portal, &collector, terminal(), &request).is_err());
}
