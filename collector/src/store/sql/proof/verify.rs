//! Reads everything of a hall, in order, into [`Verifier`].
//!
//! One row of each table is in memory at a time; what belongs to a terminal or a stream is read when
//! its turn comes.

mod cursor;
mod rest;

use std::collections::BTreeMap;

use manyi_shared::domain::{HallId, Seq, StreamId, TerminalId};
use manyi_shared::wire::{ExchangeHead, PublicKey, StreamTip};

use crate::store::StoreError;
use crate::store::sql::proof::days;
use crate::store::sql::{Db, capped, values};
use crate::verify::{Link, LinkedStream, Report, SignedTip, StoredStream, Verifier};
use cursor::{Key, Streams, record_of};

/// Checks everything that is stored of a hall.
pub(crate) fn verify(
    db: &Db<'_>,
    hall: &HallId,
    collector: &[PublicKey],
) -> Result<Report, StoreError> {
    let roots = days::rows(db, hall, "ORDER BY day")?;
    let mut verifier = Verifier::new(hall.clone(), roots, collector);
    let hall_of = Of { db, hall };
    rest::tally(db, hall, &mut verifier)?;
    hall_of.records(&mut verifier)?;
    rest::strays(db, hall, &mut verifier)?;
    rest::conflicts(db, hall, &mut verifier)?;
    rest::differing_counts(db, hall, &mut verifier)?;
    Ok(verifier.finish())
}

/// One hall.
struct Of<'a> {
    db: &'a Db<'a>,
    hall: &'a HallId,
}

/// What is known of the terminal whose streams are being read.
#[derive(Default)]
struct TerminalFacts {
    id: Option<[u8; 16]>,
    keys: Vec<PublicKey>,
    /// Self-tests by stream and position.
    self_tests: BTreeMap<[u8; 16], BTreeMap<u64, u8>>,
}

impl Of<'_> {
    /// Streams and records side by side, both by terminal and stream.
    fn records(&self, verifier: &mut Verifier) -> Result<(), StoreError> {
        let mut streams = Streams::new(self.db, self.hall)?;
        let mut facts = TerminalFacts::default();
        let mut present: Option<Key> = None;
        let records = cursor::records(self.db);
        self.db.each(&records, values![self.hall.as_str()], |row| {
            let key: Key = (row.get(0)?, row.get(1)?);
            if present != Some(key) {
                while let Some((stream, head)) = streams.up_to(key)? {
                    let begun = (stream.terminal, stream.stream);
                    self.begin(verifier, &mut facts, stream, head.as_deref())?;
                    present = Some((*begun.0.as_bytes(), *begun.1.as_bytes()));
                }
            }
            let (terminal, stream) = (TerminalId::from_bytes(key.0), StreamId::from_bytes(key.1));
            let record = record_of(row)?;
            if present != Some(key) {
                verifier.stray(terminal, stream, &record);
                return Ok(());
            }
            if let Some(link) = verifier.record(&record) {
                let found = self.linked(&link)?;
                verifier.linked(&link, found.as_ref());
            }
            Ok(())
        })?;
        while let Some((stream, head)) = streams.next()? {
            self.begin(verifier, &mut facts, stream, head.as_deref())?;
        }
        verifier.end_stream();
        Ok(())
    }

    fn begin(
        &self,
        verifier: &mut Verifier,
        facts: &mut TerminalFacts,
        mut stream: StoredStream,
        head: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let terminal = *stream.terminal.as_bytes();
        if facts.id != Some(terminal) {
            *facts = TerminalFacts {
                id: Some(terminal),
                keys: self.keys(&terminal)?,
                self_tests: self.self_tests(&terminal)?,
            };
        }
        stream.signed = head.map_or(SignedTip::None, |head| {
            signed_tip(head, &facts.keys, stream.stream)
        });
        let tests = facts.self_tests.remove(stream.stream.as_bytes());
        stream.self_tests = tests.unwrap_or_default();
        stream.folds = self.folds(&stream, &facts.keys)?;
        verifier.stream(stream);
        Ok(())
    }

    /// The keys that the terminal has and had.
    fn keys(&self, terminal: &[u8; 16]) -> Result<Vec<PublicKey>, StoreError> {
        let keys = self.db.rows(
            "SELECT public_key FROM terminal WHERE hall_id = ?1 AND terminal_id = ?2 \
             UNION ALL SELECT next_key FROM terminal WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND next_key IS NOT NULL \
             UNION ALL SELECT public_key FROM former_key WHERE hall_id = ?1 AND terminal_id = ?2",
            values![self.hall.as_str(), terminal],
            |row| Ok(PublicKey::from_bytes(row.get(0)?)),
        )?;
        Ok(keys.into_iter().flatten().collect())
    }

    fn self_tests(
        &self,
        terminal: &[u8; 16],
    ) -> Result<BTreeMap<[u8; 16], BTreeMap<u64, u8>>, StoreError> {
        let mut tests: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        self.db.each(
            "SELECT stream_id, seq, level FROM self_test WHERE hall_id = ?1 AND terminal_id = ?2",
            values![self.hall.as_str(), terminal],
            |row| {
                let of_stream = tests.entry(row.get(0)?).or_default();
                of_stream.insert(row.get::<i64>(1)?.unsigned_abs(), row.get(2)?);
                Ok(())
            },
        )?;
        Ok(tests)
    }

    /// What the centre holds of the stream that a link names: of any terminal, because a tablet that
    /// was enrolled again goes on after its own streams.
    fn linked(&self, link: &Link) -> Result<Option<LinkedStream>, StoreError> {
        let StreamTip { stream, seq, .. } = link.previous;
        let terminal = link.from.terminal;
        let own = values![stream.as_bytes(), self.hall.as_str(), terminal.as_bytes()];
        let places = [
            ("stream_id = ?1 AND hall_id = ?2 AND terminal_id = ?3", own),
            ("stream_id = ?1", values![stream.as_bytes()]),
        ];
        for (place, key) in places {
            let sql = format!(
                "SELECT hall_id, terminal_id, watermark, hash FROM stream WHERE {place} LIMIT 1"
            );
            let found = self.db.row(&sql, key, |row| {
                let at: (String, [u8; 16]) = (row.get(0)?, row.get(1)?);
                Ok((at, row.get::<i64>(2)?.unsigned_abs(), row.get(3)?))
            })?;
            let Some((at, watermark, hash)) = found else {
                continue;
            };
            let hash = if watermark == seq.get() {
                Some(hash)
            } else {
                self.chain_at(&at, stream, seq)?
            };
            return Ok(Some(LinkedStream {
                watermark,
                hash: hash.map(manyi_shared::wire::ChainHash::from_bytes),
            }));
        }
        Ok(None)
    }

    fn chain_at(
        &self,
        (hall, terminal): &(String, [u8; 16]),
        stream: StreamId,
        seq: Seq,
    ) -> Result<Option<[u8; 32]>, StoreError> {
        let chain = self.db.row(
            "SELECT chain FROM record WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 \
             AND seq = ?4",
            values![hall, terminal, stream.as_bytes(), capped(seq.get())],
            |row| row.get::<Option<[u8; 32]>>(0),
        )?;
        Ok(chain.flatten())
    }
}

/// What a kept signed head says about the stream.
fn signed_tip(head: &[u8], keys: &[PublicKey], stream: StreamId) -> SignedTip {
    let mut problem = "the terminal is not known".to_owned();
    for key in keys {
        match ExchangeHead::open_signed(head, key) {
            Ok(head) => return tip_of(&head, stream),
            Err(error) => problem = error.to_string(),
        }
    }
    SignedTip::Foreign(problem)
}

fn tip_of(head: &ExchangeHead, stream: StreamId) -> SignedTip {
    let run = head.run.filter(|run| run.stream == stream).map(|run| {
        let last = run.first.plus(u64::from(run.count).saturating_sub(1));
        (last, run.head)
    });
    let fold = head.fold.as_ref().filter(|fold| fold.stream == stream);
    let end = run.or_else(|| fold.map(|fold| (fold.last, fold.head)));
    match end {
        Some((seq, hash)) => SignedTip::Sound(StreamTip { stream, seq, hash }),
        None => SignedTip::Wrong("it is about another stream".to_owned()),
    }
}
