//! Whatever is done to an exchange or to a reply on its way, it is noticed, and the refusal says
//! which part was touched.
//!
//! Mutations are drawn by a seed; the other half of them, of what is stored, is in
//! `collector/tests/centre/forgery.rs`.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::collections::BTreeMap;

use manyi_shared::domain::{BootId, ClockReading, Seq, StreamId, TerminalId, Watermark};
use manyi_shared::wire::{
    Acknowledgement, ChainHash, EnvelopeError, ExchangeError, ExchangeHead, Health, RejectReason,
    Rejection, Reply, ReplyError, ReplyStatus, Run, SecretKey, SignedExchange, digest,
};
use minicbor::bytes::ByteVec;

/// Of exchanges and of replies, each.
const MUTATIONS: u64 = 3000;

/// `SplitMix64`: the same mutations every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn terminal() -> TerminalId {
    TerminalId::from_bytes([1; 16])
}

fn stream() -> StreamId {
    StreamId::from_bytes([2; 16])
}

fn records() -> Vec<Vec<u8>> {
    (1_u8..=12).map(|n| vec![n; usize::from(n) * 3]).collect()
}

/// An exchange over records, with the chain that the honest ones have.
fn exchange(number: u64, records: &[Vec<u8>], signer: &SecretKey) -> Vec<u8> {
    let base = ChainHash::genesis(terminal(), stream());
    let run = Run {
        stream: stream(),
        first: Seq::FIRST,
        count: u32::try_from(records.len()).unwrap(),
        base,
        head: base.extend_all(self::records().iter().map(Vec::as_slice)),
    };
    let head = ExchangeHead {
        terminal: terminal(),
        number,
        clock: ClockReading {
            wall_ms: 1,
            uptime_ms: 2,
            boot: BootId::from_bytes([3; 16]),
            synchronised: true,
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
        run: Some(run),
        prompts: Vec::new(),
        fold: None,
        claims: Vec::new(),
        unread: false,
    };
    head.seal(records, signer).unwrap()
}

/// The signed head and the packed records.
fn parts(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut decoder = minicbor::Decoder::new(bytes);
    assert_eq!(decoder.array().unwrap(), Some(2));
    let head = decoder.bytes().unwrap().to_vec();
    (head, decoder.bytes().unwrap().to_vec())
}

fn joined(head: &[u8], packed: &[u8]) -> Vec<u8> {
    let parts = [ByteVec::from(head.to_vec()), ByteVec::from(packed.to_vec())];
    minicbor::to_vec(parts).unwrap()
}

fn packed(records: &[Vec<u8>]) -> Vec<u8> {
    let records: Vec<ByteVec> = records.iter().cloned().map(ByteVec::from).collect();
    zstd::bulk::compress(&minicbor::to_vec(&records).unwrap(), 9).unwrap()
}

/// Which part a refusal blames.
fn blamed(error: &ExchangeError) -> &'static str {
    match error {
        ExchangeError::Envelope(EnvelopeError::BadSignature) => "signature",
        ExchangeError::Envelope(_) => "head",
        ExchangeError::Digest => "records under the signature",
        ExchangeError::Records(_) => "records",
        ExchangeError::WrongChain => "chain",
        ExchangeError::TooLong(_) | ExchangeError::Malformed(_) => "frame",
        ExchangeError::OtherTerminal => "terminal",
    }
}

fn flip(bytes: &mut [u8], dice: &mut Dice) {
    let bit = dice.below(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// What a run of records is made into; always something else.
fn forged_run(dice: &mut Dice) -> (&'static str, Vec<Vec<u8>>) {
    let mut run = records();
    let (at, other) = (dice.below(run.len()), dice.below(run.len() - 1));
    let other = if other >= at { other + 1 } else { other };
    let what = match dice.below(6) {
        0 => {
            flip(&mut run[at], dice);
            "flip"
        }
        1 => {
            run.remove(at);
            "drop"
        }
        2 => {
            run.swap(at, other);
            "reorder"
        }
        3 => {
            run.insert(at, vec![99, 1]);
            "insert"
        }
        4 => {
            run.truncate(at);
            "truncate"
        }
        _ => {
            let again = run[at].clone();
            run.insert(other, again);
            "duplicate"
        }
    };
    (what, run)
}

/// One forged exchange, and the parts that may be blamed for it.
fn forge_exchange(dice: &mut Dice) -> (String, Vec<u8>, Vec<&'static str>) {
    let honest = exchange(1, &records(), &key(1));
    let (head, body) = parts(&honest);
    match dice.below(7) {
        0 => {
            // Somewhere in the signed head: signature, protected header, payload.
            let mut head = head;
            flip(&mut head, dice);
            let blamed = vec!["signature", "head"];
            ("flip in the head".to_owned(), joined(&head, &body), blamed)
        }
        1 => {
            let mut body = body;
            flip(&mut body, dice);
            let blamed = vec!["records under the signature"];
            (
                "flip in the records".to_owned(),
                joined(&head, &body),
                blamed,
            )
        }
        2 => {
            let cut = dice.below(honest.len());
            let blamed = vec!["frame"];
            ("truncate".to_owned(), honest[..cut].to_vec(), blamed)
        }
        3 => {
            // Other records under the terminal's own signature.
            let (what, run) = forged_run(dice);
            let blamed = vec!["records under the signature"];
            (
                format!("{what} a record"),
                joined(&head, &packed(&run)),
                blamed,
            )
        }
        4 => {
            // Signed anew, with a key that is not the terminal's.
            let (what, run) = forged_run(dice);
            let body = exchange(1, &run, &key(66));
            (format!("{what} and re-sign"), body, vec!["signature"])
        }
        5 => {
            // By the terminal itself: records that do not lead to what it says of its chain.
            let (what, run) = forged_run(dice);
            let body = exchange(1, &run, &key(1));
            (format!("{what}, signed"), body, vec!["chain", "records"])
        }
        _ => {
            // The head of one exchange on the records of another.
            let other = exchange(2, &records()[..5], &key(1));
            let mixed = joined(&head, &parts(&other).1);
            ("mix".to_owned(), mixed, vec!["records under the signature"])
        }
    }
}

#[test]
fn every_forged_exchange_is_refused_for_the_part_that_was_touched() {
    let mut kinds = BTreeMap::<String, u32>::new();
    for seed in 0..MUTATIONS {
        let (what, bytes, may_blame) = forge_exchange(&mut Dice(seed));
        let opened = SignedExchange::parse(&bytes).and_then(|e| e.open(&key(1).public()));
        let error = match opened {
            Err(error) => error,
            // The one part that nobody signs, an unprotected header, is read by nobody either.
            Ok(opened) => {
                let same: Vec<_> = opened.records.into_iter().map(|(bytes, _)| bytes).collect();
                assert_eq!(
                    (what.as_str(), same),
                    ("flip in the head", records()),
                    "seed {seed}"
                );
                continue;
            }
        };
        assert!(
            may_blame.contains(&blamed(&error)),
            "seed {seed}: {what} was blamed on {}: {error}",
            blamed(&error)
        );
        *kinds.entry(what).or_default() += 1;
    }
    assert_eq!(kinds.len(), 4 + 3 * 6, "{kinds:?}");
}

fn reply(request: [u8; 32]) -> Reply {
    Reply {
        terminal: terminal(),
        request,
        status: ReplyStatus::Taken,
        acknowledgement: Some(Acknowledgement {
            stream: stream(),
            watermark: Watermark::new(12),
            hash: ChainHash::from_bytes([4; 32]),
            rejected: vec![Rejection {
                seq: Seq::new(3).unwrap(),
                reason: RejectReason::Malformed,
            }],
            conflict_kept: None,
        }),
        server_ms: 1,
        next_number: 2,
        profile: None,
        prompts: Vec::new(),
        behind: Vec::new(),
        rotate_key: false,
    }
}

/// One forged reply and why it must be refused.
fn forge_reply(dice: &mut Dice) -> (&'static str, Vec<u8>, &'static str) {
    let request = digest(b"request");
    let honest = reply(request).seal(&key(7));
    match dice.below(6) {
        0 => {
            let mut bytes = honest;
            flip(&mut bytes, dice);
            ("flip", bytes, "envelope")
        }
        1 => {
            let cut = dice.below(honest.len());
            ("truncate", honest[..cut].to_vec(), "envelope")
        }
        2 => {
            // More acknowledged than is held, by somebody else.
            let mut forged = reply(request);
            if let Some(ack) = &mut forged.acknowledgement {
                ack.watermark = Watermark::new(13 + dice.below(1000) as u64);
                ack.rejected.clear();
            }
            (
                "acknowledge more and re-sign",
                forged.seal(&key(66)),
                "envelope",
            )
        }
        3 => {
            let mut forged = reply(request);
            forged.status = ReplyStatus::Revoked;
            (
                "silence a tablet and re-sign",
                forged.seal(&key(66)),
                "envelope",
            )
        }
        4 => {
            let other = digest(&dice.below(1 << 30).to_be_bytes());
            ("an old reply", reply(other).seal(&key(7)), "request")
        }
        _ => {
            let mut forged = reply(request);
            forged.terminal = TerminalId::from_bytes([9; 16]);
            ("another terminal's reply", forged.seal(&key(7)), "request")
        }
    }
}

#[test]
fn every_forged_acknowledgement_is_refused_for_the_part_that_was_touched() {
    let (request, collector) = (digest(b"request"), key(7).public());
    let mut kinds = BTreeMap::<&str, u32>::new();
    for seed in 0..MUTATIONS {
        let (what, bytes, part) = forge_reply(&mut Dice(seed));
        let opened = Reply::open(&bytes, &collector, terminal(), &request);
        let blamed = match &opened {
            Ok(same) => {
                assert_eq!((what, same), ("flip", &reply(request)), "seed {seed}");
                continue;
            }
            Err(ReplyError::Envelope(_)) => "envelope",
            Err(ReplyError::OtherRequest) => "request",
            Err(ReplyError::TooLong(_)) => "length",
        };
        assert_eq!(blamed, part, "seed {seed}: {what}: {opened:?}");
        *kinds.entry(what).or_default() += 1;
    }
    assert_eq!(kinds.len(), 6, "{kinds:?}");
}
