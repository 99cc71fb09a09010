//! The audit log: who did what, when and from where, each entry chained to the one before. Pure:
//! the bytes, the chain and its check; the store keeps the entries.
//!
//! **Invariants**
//! 1. Entries count from 1 without gaps; `hash(n) = SHA-256(hash(n-1) || bytes(n))`, and the hash
//!    before the first is 32 zeros.
//! 2. The bytes of an entry are a deterministic CBOR array (RFC 8949 §4.2.1) of all its fields, so
//!    no other entry has the same.
//! 3. Nothing in an entry is a secret, and no address of a person: networks only.
//!
//! **Crash** an entry is written in the transaction of what it tells: either both are there, or
//! neither.

mod action;

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::access::{Place, Who};

pub use action::Action;

/// A link of the chain.
pub type Hash = [u8; 32];

/// What stands before the first entry.
pub const START: Head = Head {
    seq: 0,
    hash: [0; 32],
};

/// How long an entry is kept at least, in days.
///
/// # Source
/// 网络安全法 (Cybersecurity Law of the PRC) Art. 21 (3): network logs for at least six months; six
/// months have 184 days at most.
pub const KEPT_DAYS: i64 = 184;

/// Who acts, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub who: Who,
    /// The network of the address, see [`network`]; empty for commands.
    pub network: String,
}

impl By {
    /// Whoever runs a command on the machine.
    #[must_use]
    pub const fn operator(account: String) -> Self {
        Self {
            who: Who::Operator(account),
            network: String::new(),
        }
    }
}

/// The network of an address: the first 24 bits of IPv4, the first 48 of IPv6. Enough to tell the
/// office from elsewhere, too little to tell one person's device.
#[must_use]
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

/// What is to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Who, and from where.
    pub by: By,
    /// What was done.
    pub action: Action,
    /// Where in the organisation the object lies.
    pub place: Place,
    /// What it was done to, such as `user:li.wenjing`.
    pub object: String,
    /// A digest of the object before, when it changed.
    pub before: Option<Hash>,
    /// A digest of the object after, when it changed.
    pub after: Option<Hash>,
    /// In words, for people.
    pub detail: String,
}

impl Note {
    /// A note without digests.
    #[must_use]
    pub fn new(by: By, action: Action, place: Place, object: impl Into<String>) -> Self {
        Self {
            by,
            action,
            place,
            object: object.into(),
            before: None,
            after: None,
            detail: String::new(),
        }
    }

    /// With words about it, cut to 500 characters.
    #[must_use]
    pub fn detail(mut self, detail: impl AsRef<str>) -> Self {
        self.detail = detail.as_ref().chars().take(500).collect();
        self
    }

    /// With digests of what the object was and is.
    #[must_use]
    pub fn changed(mut self, before: Option<&str>, after: Option<&str>) -> Self {
        let digest = |text: &str| -> Hash { Sha256::digest(text.as_bytes()).into() };
        self.before = before.map(digest);
        self.after = after.map(digest);
        self
    }
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who: `user:…`, `token:…` or `operator:…`.
    pub who: String,
    /// From which network; empty for commands.
    pub network: String,
    /// What: the name of an [`Action`], maybe one of a newer program.
    pub action: String,
    /// Where, as [`Place`] prints it.
    pub place: String,
    /// To what.
    pub object: String,
    /// The object's digest before.
    pub before: Option<Hash>,
    /// The object's digest after.
    pub after: Option<Hash>,
    /// In words.
    pub detail: String,
}

impl Entry {
    /// The entry that follows `head`.
    #[must_use]
    pub fn after(head: &Head, note: &Note, at_ms: i64) -> Self {
        Self {
            seq: head.seq.saturating_add(1),
            at_ms,
            who: note.by.who.to_string(),
            network: note.by.network.clone(),
            action: note.action.name().to_owned(),
            place: note.place.to_string(),
            object: note.object.clone(),
            before: note.before,
            after: note.after,
            detail: note.detail.clone(),
        }
    }

    /// The bytes that the chain is over.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        let mut encoder = minicbor::Encoder::new(&mut bytes);
        let written = (|| {
            encoder.array(10)?.u64(self.seq)?.i64(self.at_ms)?;
            for text in [
                &self.who,
                &self.network,
                &self.action,
                &self.place,
                &self.object,
            ] {
                encoder.str(text)?;
            }
            for digest in [&self.before, &self.after] {
                match digest {
                    Some(digest) => encoder.bytes(digest)?,
                    None => encoder.null()?,
                };
            }
            encoder.str(&self.detail)?;
            Ok::<(), minicbor::encode::Error<std::convert::Infallible>>(())
        })();
        debug_assert!(written.is_ok(), "a vector takes every byte");
        bytes
    }
}

/// Where a chain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the last entry; 0 before the first.
    pub seq: u64,
    /// The chain there.
    pub hash: Hash,
}

impl Head {
    /// The chain after one more entry.
    #[must_use]
    pub fn then(&self, entry: &Entry) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.hash);
        hasher.update(entry.bytes());
        Self {
            seq: entry.seq,
            hash: hasher.finalize().into(),
        }
    }
}

/// The first place where a chain does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// An entry is missing.
    #[error("entry {expected} is missing: entry {found} follows")]
    Missing {
        /// The number that had to come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An entry was changed, or one before it.
    #[error("entry {seq} is not what was chained: it, or its place in the log, was changed")]
    Changed {
        /// Its number.
        seq: u64,
    },
    /// Entries at the end are missing, or were added.
    #[error("the log ends with entry {found}, but its head says {expected}")]
    Cut {
        /// What the head says.
        expected: u64,
        /// The last entry there is.
        found: u64,
    },
    /// The chain does not go through a point that was noted earlier.
    #[error("entry {seq} is another than the one that was noted: the log was made anew")]
    NotAsNoted {
        /// The number of the noted entry.
        seq: u64,
    },
}

/// Checks a chain entry by entry, in order.
#[derive(Debug, Clone)]
pub struct Check {
    head: Head,
    noted: Option<Head>,
    through_noted: bool,
}

impl Check {
    /// From the anchor on; the chain must also go through `noted`, if that is not older.
    #[must_use]
    pub fn from(anchor: Head, noted: Option<Head>) -> Self {
        let noted = noted.filter(|noted| noted.seq >= anchor.seq);
        Self {
            head: anchor,
            through_noted: noted.is_none_or(|noted| noted == anchor),
            noted,
        }
    }

    /// Takes the next entry and the hash that is kept with it.
    ///
    /// # Errors
    /// The break, if this is the first.
    pub fn next(&mut self, entry: &Entry, kept: &Hash) -> Result<(), Break> {
        let expected = self.head.seq.saturating_add(1);
        if entry.seq != expected {
            return Err(Break::Missing {
                expected,
                found: entry.seq,
            });
        }
        let head = self.head.then(entry);
        if head.hash != *kept {
            return Err(Break::Changed { seq: entry.seq });
        }
        if let Some(noted) = self.noted.filter(|noted| noted.seq == head.seq) {
            if noted != head {
                return Err(Break::NotAsNoted { seq: noted.seq });
            }
            self.through_noted = true;
        }
        self.head = head;
        Ok(())
    }

    /// Ends the check at the head that is kept. Where the chain stands then.
    ///
    /// # Errors
    /// The break at the end, if there is one.
    pub fn end(self, kept: &Head) -> Result<Head, Break> {
        if self.head.seq != kept.seq {
            return Err(Break::Cut {
                expected: kept.seq,
                found: self.head.seq,
            });
        }
        if self.head != *kept {
            return Err(Break::Changed { seq: kept.seq });
        }
        match self.noted {
            Some(noted) if !self.through_noted => Err(Break::Cut {
                expected: noted.seq,
                found: self.head.seq,
            }),
            _ => Ok(self.head),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn note(detail: &str) -> Note {
        let by = By {
            who: Who::User("office".to_owned()),
            network: "192.0.2.0/24".to_owned(),
        };
        Note::new(by, Action::AddUser, Place::Everywhere, "user:li").detail(detail)
    }

    /// A log of `n` entries with the chain after each.
    fn log(n: u64) -> Vec<(Entry, Hash)> {
        let mut head = START;
        let mut log = Vec::new();
        for at in 0..n {
            let entry = Entry::after(&head, &note(&at.to_string()), 1000 + at.cast_signed());
            head = head.then(&entry);
            log.push((entry, head.hash));
        }
        log
    }

    fn check(log: &[(Entry, Hash)], head: &Head) -> Result<Head, Break> {
        let mut check = Check::from(START, None);
        for (entry, kept) in log {
            check.next(entry, kept)?;
        }
        check.end(head)
    }

    fn head(log: &[(Entry, Hash)]) -> Head {
        let last = log.last().unwrap();
        Head {
            seq: last.0.seq,
            hash: last.1,
        }
    }

    /// Do not change: logs that are kept were chained so.
    #[test]
    fn the_bytes_of_an_entry_are_what_they_were() {
        let entry = Entry {
            seq: 1,
            at_ms: -1,
            who: "user:a".to_owned(),
            network: String::new(),
            action: "add_user".to_owned(),
            place: "everywhere".to_owned(),
            object: "user:b".to_owned(),
            before: None,
            after: Some([7; 32]),
            detail: "差".to_owned(),
        };
        let expected: Vec<u8> = [
            [0x8a, 0x01, 0x20].as_slice(),
            b"\x66user:a\x60\x68add_user\x6aeverywhere\x66user:b\xf6\x58\x20",
            &[7; 32],
            b"\x63\xe5\xb7\xae",
        ]
        .concat();
        assert_eq!(entry.bytes(), expected);
    }

    #[test]
    fn a_log_that_nobody_touched_holds_also_after_old_entries_were_dropped() {
        let log = log(5);
        let end = head(&log);
        assert_eq!(check(&log, &end), Ok(end));
        let anchor = Head {
            seq: 2,
            hash: log[1].1,
        };
        let mut rest = Check::from(
            anchor,
            Some(Head {
                seq: 4,
                hash: log[3].1,
            }),
        );
        for (entry, kept) in &log[2..] {
            rest.next(entry, kept).unwrap();
        }
        assert_eq!(rest.end(&end), Ok(end));
    }

    #[test]
    fn a_log_made_anew_does_not_go_through_what_was_noted() {
        let log = log(3);
        let noted = Head {
            seq: 2,
            hash: [9; 32],
        };
        let mut check = Check::from(START, Some(noted));
        check.next(&log[0].0, &log[0].1).unwrap();
        assert_eq!(
            check.next(&log[1].0, &log[1].1),
            Err(Break::NotAsNoted { seq: 2 })
        );
        let later = Check::from(
            START,
            Some(Head {
                seq: 9,
                hash: [9; 32],
            }),
        );
        assert_eq!(
            later.end(&START),
            Err(Break::Cut {
                expected: 9,
                found: 0
            })
        );
    }

    #[rstest::rstest]
    #[case::v4("192.0.2.77", "192.0.2.0/24")]
    #[case::v4_in_v6("::ffff:192.0.2.77", "192.0.2.0/24")]
    #[case::v6("2001:db8:1:2::3", "2001:db8:1::/48")]
    fn an_address_is_kept_as_its_network(#[case] address: &str, #[case] expected: &str) {
        assert_eq!(network(address.parse().unwrap()), expected);
    }

    proptest! {
        #[test]
        fn the_first_entry_that_was_touched_is_named(
            n in 2_u64..12,
            at in any::<prop::sample::Index>(),
            what in 0..6,
        ) {
            let mut log = log(n);
            let end = head(&log);
            let at = at.index(log.len());
            let seq = log[at].0.seq;
            let expected = match what {
                0 => { log[at].0.detail.push('x'); Break::Changed { seq } }
                1 => { log[at].0.at_ms += 1; Break::Changed { seq } }
                2 => { log[at].1[0] ^= 1; Break::Changed { seq } }
                3 => { log[at].0.after = Some([0; 32]); Break::Changed { seq } }
                4 => {
                    log.remove(at);
                    if at + 1 == usize::try_from(n).unwrap() {
                        Break::Cut { expected: n, found: n - 1 }
                    } else {
                        Break::Missing { expected: seq, found: seq + 1 }
                    }
                }
                _ => {
                    // Made anew from here on, with the old head kept.
                    let mut now = if at == 0 { START } else { Head { seq: seq - 1, hash: log[at - 1].1 } };
                    log[at].0.who.push('x');
                    for (entry, kept) in &mut log[at..] {
                        now = now.then(entry);
                        *kept = now.hash;
                    }
                    Break::Changed { seq: n }
                }
            };
            prop_assert_eq!(check(&log, &end), Err(expected));
        }
    }
}
