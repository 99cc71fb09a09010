//! Reads everything of a hall, in order, into [`Verifier`].
//!
//! One row of each table is in memory at a time; what belongs to a terminal or a stream is read when
//! its turn comes.

mod cursor;
mod rest;

use std::collections::BTreeMap;

use manyi_shared::domain::{HallId, Seq, StreamId, TerminalId};
use manyi_shared::wire::{ExchangeHead, PublicKey, StreamTip};
use rusqlite::{Connection, params};

use crate::store::StoreError;
use crate::store::sql::Db;
use crate::store::sql::proof::days;
use crate::verify::{Link, LinkedStream, Report, SignedTip, StoredStream, Verifier};
use cursor::{Key, Streams, record_of};

/// Checks everything that is stored of a hall.
pub(in crate::store) fn verify(
    db: &Db<'_>,
    hall: &HallId,
    collector: &[PublicKey],
) -> Result<Report, StoreError> {
    let connection = db.sqlite()?;
    let roots = days::rows(db, hall, "ORDER BY day")?;
    let mut verifier = Verifier::new(hall.clone(), roots, collector);
    let hall_of = Of { connection, hall };
    rest::tally(connection, hall, &mut verifier)?;
    hall_of.records(&mut verifier)?;
    rest::strays(connection, hall, &mut verifier)?;
    rest::conflicts(connection, hall, &mut verifier)?;
    rest::differing_counts(connection, hall, &mut verifier)?;
    Ok(verifier.finish())
}

/// One hall.
struct Of<'a> {
    connection: &'a Connection,
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
        let mut streams = self.connection.prepare(cursor::STREAMS)?;
        let mut streams = Streams::new(streams.query([self.hall.as_str()])?)?;
        let mut records = self.connection.prepare(cursor::RECORDS)?;
        let mut rows = records.query([self.hall.as_str()])?;
        let mut facts = TerminalFacts::default();
        let mut present: Option<Key> = None;
        while let Some(row) = rows.next()? {
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
                continue;
            }
            if let Some(link) = verifier.record(&record) {
                let found = self.linked(&link)?;
                verifier.linked(&link, found.as_ref());
            }
        }
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
        let mut statement = self.connection.prepare_cached(
            "SELECT public_key FROM terminal WHERE hall_id = ?1 AND terminal_id = ?2 \
             UNION ALL SELECT next_key FROM terminal WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND next_key IS NOT NULL \
             UNION ALL SELECT public_key FROM former_key WHERE hall_id = ?1 AND terminal_id = ?2",
        )?;
        let rows = statement.query_map(params![self.hall.as_str(), terminal], |row| {
            Ok(PublicKey::from_bytes(&row.get::<_, Vec<u8>>(0)?))
        })?;
        let keys: Vec<_> = rows.collect::<Result<_, _>>()?;
        Ok(keys.into_iter().flatten().collect())
    }

    fn self_tests(
        &self,
        terminal: &[u8; 16],
    ) -> Result<BTreeMap<[u8; 16], BTreeMap<u64, u8>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT stream_id, seq, level FROM self_test WHERE hall_id = ?1 AND terminal_id = ?2",
        )?;
        let mut rows = statement.query(params![self.hall.as_str(), terminal])?;
        let mut tests: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(1)?.unsigned_abs();
            let of_stream = tests.entry(row.get(0)?).or_default();
            of_stream.insert(seq, row.get(2)?);
        }
        Ok(tests)
    }

    /// What the centre holds of the stream that a link names: of any terminal, because a tablet that
    /// was enrolled again goes on after its own streams.
    fn linked(&self, link: &Link) -> Result<Option<LinkedStream>, StoreError> {
        let StreamTip { stream, seq, .. } = link.previous;
        let own = "hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3";
        for place in [own, "stream_id = ?3 AND ?1 <> '' AND ?2 IS NOT NULL"] {
            let sql = format!(
                "SELECT hall_id, terminal_id, watermark, hash FROM stream WHERE {place} LIMIT 1"
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            let terminal = link.from.terminal.as_bytes();
            let mut rows =
                statement.query(params![self.hall.as_str(), terminal, stream.as_bytes()])?;
            let Some(row) = rows.next()? else {
                continue;
            };
            let watermark = row.get::<_, i64>(2)?.unsigned_abs();
            let hash = if watermark == seq.get() {
                Some(row.get(3)?)
            } else {
                self.chain_at((row.get(0)?, row.get(1)?), stream, seq)?
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
        (hall, terminal): (String, [u8; 16]),
        stream: StreamId,
        seq: Seq,
    ) -> Result<Option<[u8; 32]>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT chain FROM record WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 \
             AND seq = ?4",
        )?;
        let key = params![
            hall,
            terminal,
            stream.as_bytes(),
            crate::store::sqlite::port::capped(seq.get())
        ];
        let mut rows = statement.query(key)?;
        Ok(match rows.next()? {
            Some(row) => row.get(0)?,
            None => None,
        })
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
