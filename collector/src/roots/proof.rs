//! A proof of one rating: everything that shows it under a published root, in one file that needs
//! nothing else.
//!
//! The rating's record does not name its window or the day by itself: the opening of its stream
//! does, and later records may amend it. So a proof holds the opening, the record and its
//! amendments, each with its way to the root of the day it was received on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use manyi_shared::domain::{HallId, Outcome, OutcomeKind, StreamId, TerminalId};
use manyi_shared::wire::{
    DayRoot, EnvelopeError, OutcomeRecord, PublicKey, Record, RecordBody, RecordTime,
    SignedDayRoot, StreamOpened,
};
use serde::{Deserialize, Serialize};

use super::leaf;
use super::merkle::{Hash, root_from};
use crate::store::Evidence;

/// What a proof file begins with. Frozen; a later form has another number.
const FORMAT: &str = "manyi-proof/1";

/// A proof as a file: JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// `manyi-proof/1`.
    pub format: String,
    /// The hall.
    pub hall: HallId,
    /// The terminal.
    pub terminal: TerminalId,
    /// The stream.
    pub stream: StreamId,
    /// The position of the record that is proved.
    pub seq: u64,
    /// The opening of the stream, the record, its amendments.
    pub records: Vec<ProvedRecord>,
    /// The roots that they lead to.
    pub roots: Vec<ProvedRoot>,
}

/// One record and its way to a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvedRecord {
    /// Its position.
    pub seq: u64,
    /// Its bytes, base64.
    pub record: String,
    /// The day of its root, as `yyyymmdd`.
    pub day: u32,
    /// Which leaf of the day it is, from 0.
    pub leaf: u64,
    /// What must be hashed in, from the leaf upwards; hexadecimal.
    pub path: Vec<String>,
}

/// A published root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvedRoot {
    /// The day, as `yyyymmdd`.
    pub day: u32,
    /// The root in hexadecimal, as `/public/v1/roots` shows it.
    pub root: String,
    /// The signed root (COSE), base64.
    pub signed: String,
    /// The collector's public key that signed it, base64.
    pub key: String,
    /// The same in short, to compare by eye.
    pub fingerprint: String,
}

/// Why a proof shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// It is no proof, or of a later form.
    #[error("this is no proof that this program knows: {0}")]
    Form(String),
    /// The collector's key is not the one that was expected.
    #[error("a root is signed with key {found}, and to be trusted are {wanted} only")]
    OtherKey {
        /// The fingerprint in the proof.
        found: String,
        /// What was given.
        wanted: String,
    },
    /// A root does not open with the collector's key.
    #[error("the root of day {day} is not signed by the collector: {problem}")]
    Signature {
        /// The day.
        day: u32,
        /// Why.
        problem: String,
    },
    /// The root is not among those that were given.
    #[error("the root of day {day} is {found}, and that is none of the roots that were given")]
    OtherRoot {
        /// The day.
        day: u32,
        /// The root in the proof.
        found: String,
    },
    /// A record does not lead to the root.
    #[error(
        "the record at position {seq} is not under the root of day {day}: it was changed, or comes \
         from another place or day"
    )]
    NotUnderRoot {
        /// Its position.
        seq: u64,
        /// The day.
        day: u32,
    },
    /// The records are under their roots, but say nothing about a rating.
    #[error("the records are under their roots, but do not show a rating: {0}")]
    Content(String),
}

/// What a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The proof's hall.
    pub hall: HallId,
    /// The opening of the stream.
    pub opened: StreamOpened,
    /// When the record was sealed.
    pub at: RecordTime,
    /// What it says.
    pub outcome: OutcomeRecord,
    /// The level as amended by the last of the proof's amendments, when it is a rating.
    pub level: Option<u8>,
    /// How many amendments the proof has.
    pub amendments: usize,
    /// The roots, with the record's own first.
    pub roots: Vec<DayRoot>,
    /// The keys that signed them, in the same order.
    pub keys: Vec<PublicKey>,
}

impl Proof {
    /// A proof of a record. `roots` are the signed roots that `evidence` names.
    ///
    /// # Errors
    /// When a root is no root.
    pub fn new(
        hall: HallId,
        (terminal, stream, seq): (TerminalId, StreamId, u64),
        evidence: Vec<Evidence>,
    ) -> Result<Self, ProofFault> {
        let (mut records, mut roots) = (Vec::new(), Vec::<ProvedRoot>::new());
        for one in evidence {
            let fault = |error: EnvelopeError| ProofFault::Signature {
                day: 0,
                problem: error.to_string(),
            };
            let signed = SignedDayRoot::parse(&one.signed).map_err(fault)?;
            let key = signed.claimed_key();
            let root = signed.open(&key).map_err(fault)?;
            if !roots.iter().any(|known| known.day == root.day) {
                roots.push(ProvedRoot {
                    day: root.day,
                    root: hex(&root.root),
                    signed: BASE64.encode(&one.signed),
                    key: BASE64.encode(key.as_bytes()),
                    fingerprint: key.fingerprint(),
                });
            }
            records.push(ProvedRecord {
                seq: one.seq,
                record: BASE64.encode(&one.bytes),
                day: root.day,
                leaf: one.index,
                path: one.path.iter().map(|hash| hex(hash)).collect(),
            });
        }
        Ok(Self {
            format: FORMAT.to_owned(),
            hall,
            terminal,
            stream,
            seq,
            records,
            roots,
        })
    }

    /// Checks the proof by itself. `trusted` are keys of the collector (base64, or fingerprints) as
    /// known from elsewhere, `published` are roots in hexadecimal as found elsewhere; when there are
    /// any, every root of the proof must be among them and signed with one of those.
    ///
    /// # Errors
    /// The first reason why it shows nothing.
    pub fn check(&self, trusted: &[String], published: &[String]) -> Result<Shown, ProofFault> {
        if self.format != FORMAT {
            return Err(ProofFault::Form(format!("its format is `{}`", self.format)));
        }
        let roots = self.open_roots(trusted, published)?;
        let mut decoded = Vec::new();
        for proved in &self.records {
            decoded.push((proved.seq, self.under_root(proved, &roots)?));
        }
        self.shown(decoded, roots)
    }

    fn open_roots(
        &self,
        trusted: &[String],
        published: &[String],
    ) -> Result<Vec<(DayRoot, PublicKey)>, ProofFault> {
        let mut roots = Vec::new();
        for proved in &self.roots {
            let day = proved.day;
            let key = proved.key(trusted)?;
            let signed = unbase64("signed", &proved.signed)?;
            let opened = SignedDayRoot::parse(&signed).and_then(|root| root.open(&key));
            let root = opened.map_err(|error| ProofFault::Signature {
                day,
                problem: error.to_string(),
            })?;
            let found = hex(&root.root);
            if (&root.hall, root.day, &found) != (&self.hall, day, &proved.root) {
                let problem = "it is signed for another hall, day or root".to_owned();
                return Err(ProofFault::Signature { day, problem });
            }
            let given = |text: &String| text.trim().eq_ignore_ascii_case(&found);
            if !published.is_empty() && !published.iter().any(given) {
                return Err(ProofFault::OtherRoot { day, found });
            }
            roots.push((root, key));
        }
        Ok(roots)
    }

    /// The record, once it leads to its root.
    fn under_root(
        &self,
        proved: &ProvedRecord,
        roots: &[(DayRoot, PublicKey)],
    ) -> Result<Record, ProofFault> {
        let (seq, day) = (proved.seq, proved.day);
        let fault = ProofFault::NotUnderRoot { seq, day };
        let root = roots.iter().find(|(root, _)| root.day == day);
        let (root, _) = root.ok_or_else(|| fault.clone())?;
        let bytes = unbase64("record", &proved.record)?;
        let path: Option<Vec<Hash>> = proved.path.iter().map(|text| unhex(text)).collect();
        let path = path.ok_or_else(|| ProofFault::Form("`path` is not hexadecimal".to_owned()))?;
        let leaf = leaf(&self.hall, self.terminal, self.stream, seq, &bytes);
        if root_from(leaf, proved.leaf, root.leaves, &path) != Some(root.root) {
            return Err(fault);
        }
        let content =
            |error| ProofFault::Content(format!("the one at position {seq} is none: {error}"));
        Record::decode(&bytes).map_err(content)
    }

    fn shown(
        &self,
        decoded: Vec<(u64, Record)>,
        mut roots: Vec<(DayRoot, PublicKey)>,
    ) -> Result<Shown, ProofFault> {
        let content = |problem: &str| ProofFault::Content(problem.to_owned());
        let (mut opened, mut rated, mut amended) = (None, None, Vec::new());
        for (seq, record) in decoded {
            match record.body {
                RecordBody::StreamOpened(opening) if seq == 1 => opened = Some(opening),
                RecordBody::Outcome(outcome) if seq == self.seq => {
                    rated = Some((record.at, outcome));
                }
                RecordBody::Amendment(amendment) if amendment.target.get() == self.seq => {
                    amended.push((seq, amendment.level.number()));
                }
                _ => {
                    let problem = format!("the one at position {seq} does not belong to it");
                    return Err(ProofFault::Content(problem));
                }
            }
        }
        let opened = opened
            .filter(|opened| (opened.terminal, opened.stream) == (self.terminal, self.stream));
        let opened = opened.ok_or_else(|| content("the opening of the stream is not there"))?;
        let (at, outcome) =
            rated.ok_or_else(|| content("the record itself is no outcome of a prompt"))?;
        amended.sort_unstable();
        let own = outcome.outcome.level().map(|level| level.number());
        let last = amended.last().map(|(_, level)| *level);
        let day = self.records.iter().find(|r| r.seq == self.seq);
        let day = day.map_or(0, |record| record.day);
        roots.sort_by_key(|(root, _)| root.day != day);
        let (roots, keys) = roots.into_iter().unzip();
        Ok(Shown {
            hall: self.hall.clone(),
            opened,
            at,
            level: own.map(|own| last.unwrap_or(own)),
            amendments: amended.len(),
            outcome,
            roots,
            keys,
        })
    }
}

impl ProvedRoot {
    /// The key that signed it, when it is one of those to be trusted, or none is named.
    fn key(&self, trusted: &[String]) -> Result<PublicKey, ProofFault> {
        let key = PublicKey::from_bytes(&unbase64("key", &self.key)?);
        let key = key.ok_or_else(|| ProofFault::Form("`key` is no key".to_owned()))?;
        let found = key.fingerprint();
        if found != self.fingerprint {
            let problem = "`fingerprint` is not the key's";
            return Err(ProofFault::Form(problem.to_owned()));
        }
        if trusted.is_empty() || trusted.iter().any(|t| *t == found || *t == self.key) {
            return Ok(key);
        }
        let wanted = trusted.join(", ");
        Err(ProofFault::OtherKey { found, wanted })
    }
}

impl Shown {
    /// What it shows and what it does not, in words.
    #[must_use]
    pub fn text(&self, trusted: bool, published: bool) -> String {
        let mut text = String::new();
        let mut line = |words: std::fmt::Arguments<'_>| {
            text.push_str(&words.to_string());
            text.push('\n');
        };
        let opened = &self.opened;
        line(format_args!("shown:"));
        line(format_args!("  hall     {}", self.hall));
        line(format_args!("  window   {}", opened.window));
        line(format_args!(
            "  outcome  {}, prompt {} of its stream",
            self.outcome_text(),
            self.outcome.ordinal
        ));
        let trust = if self.at.synchronised {
            "by the tablet's clock, which was synchronised"
        } else {
            "by the tablet's clock, which was NOT synchronised and may be wrong"
        };
        line(format_args!(
            "  sealed   {} {trust}",
            instant(self.at.wall_ms(opened))
        ));
        if let Some(root) = self.roots.first() {
            line(format_args!(
                "  under    root {} of {}, with {} records received from {} until {}",
                hex(&root.root),
                crate::day::name(root.day),
                root.leaves,
                instant(root.from_ms),
                instant(root.until_ms)
            ));
        }
        let mut keys: Vec<_> = self.keys.iter().map(PublicKey::fingerprint).collect();
        keys.dedup();
        let keys = keys.join(", ");
        line(format_args!("  signed   by key {keys}"));
        line(format_args!("not shown:"));
        if !trusted {
            line(format_args!(
                "  whose key that is: compare {keys} with what the office publishes, or give that \
                 with --key"
            ));
        }
        if !published {
            line(format_args!(
                "  that others were shown the same root: compare it with the published one, or give \
                 that with --root"
            ));
        }
        line(format_args!(
            "  whether it was amended again after the {} amendments in the proof, who gave it, and \
             what the tablet's program did before it sealed the record",
            self.amendments
        ));
        text
    }

    fn outcome_text(&self) -> String {
        let kind = self.outcome.outcome.kind();
        let Some(level) = self.level else {
            return kind.name().to_owned();
        };
        let name = |number: u8| {
            let level = manyi_shared::domain::Level::try_from(number);
            level.map_or("?", manyi_shared::domain::Level::name_zh)
        };
        let own = match &self.outcome.outcome {
            Outcome::Rated { level, .. } => level.number(),
            _ => level,
        };
        debug_assert_eq!(kind, OutcomeKind::Rated, "only a rating has a level");
        if own == level {
            format!("rated {} (level {level})", name(level))
        } else {
            format!(
                "rated {} (level {own}), amended to {} (level {level})",
                name(own),
                name(level)
            )
        }
    }
}

fn instant(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| at.to_string())
}

/// Hexadecimal, lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(hash)
}

fn unbase64(field: &str, text: &str) -> Result<Vec<u8>, ProofFault> {
    let decoded = BASE64.decode(text);
    decoded.map_err(|error| ProofFault::Form(format!("`{field}` is no base64: {error}")))
}
