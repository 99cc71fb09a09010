//! A stream as a whole: read again, and its columns and counts set to what it comes to.

mod load;

use std::collections::BTreeMap;

use manyi_shared::wire::{Fold, Message, Record, RecordBody, RejectReason};

use super::{Of, tag_list};
use crate::ingest::TallyKey;
use crate::ingest::whole::{Standing, Whole, come_to};
use crate::store::StoreError;
use crate::store::sql::{Db, capped, tally, values};

/// A stream as it is stored.
pub(crate) struct Stored {
    watermark: u64,
    window: String,
    channel: u8,
    department: String,
    rows: BTreeMap<u64, StoredRow>,
    /// Rows that say something.
    records: BTreeMap<u64, Record>,
    letters: BTreeMap<u64, RejectReason>,
    folds: Vec<Fold>,
    counts: Vec<StoredCount>,
}

/// The columns of a row that follow from the whole stream.
#[derive(Debug)]
struct StoredRow {
    at_ms: Option<i64>,
    counts: bool,
    level: Option<u8>,
    tags: Option<String>,
    amended_by: Option<u64>,
    misuse: Option<(u8, u16, u32)>,
    /// Window, department, clerk, item, channel.
    place: Option<(String, String, String, String, u8)>,
    outcome: Option<u8>,
}

/// An entry of a fold as it counts.
struct StoredCount {
    fold: usize,
    first: i64,
    entry: usize,
    slot: i64,
    window: String,
    department: String,
    channel: u8,
    outcome: u8,
    level: u8,
    n: u32,
}

impl Of<'_> {
    /// Sets outcomes, amendments, messages, dead letters and counts of the stream to what all its
    /// rows and folds come to.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        let Some(stored) = Stored::load(self)? else {
            return Ok(());
        };
        let whole = come_to(&stored.records, &stored.folds);
        let mut deltas = BTreeMap::new();
        self.settle_outcomes(&stored, &whole, &mut deltas)?;
        self.settle_folds(&stored, &whole, &mut deltas)?;
        self.settle_letters(&stored, &whole)?;
        self.settle_messages(&stored, &whole)?;
        let outcomes = whole
            .counted
            .iter()
            .map(|(seq, s)| (*seq, s.record.ordinal));
        let folded = whole.folded.iter().filter_map(|seq| {
            let body = &stored.records.get(seq)?.body;
            let RecordBody::Outcome(outcome) = body else {
                return None;
            };
            Some((*seq, outcome.ordinal))
        });
        let told = outcomes.chain(folded);
        let held = told.filter(|(seq, _)| *seq <= stored.watermark);
        let last = held.map(|(_, ordinal)| ordinal).max().unwrap_or(0);
        self.db.execute(
            "UPDATE stream SET last_ordinal = ?4 \
                 WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3",
            values![self.hall, self.terminal, self.stream, last],
        )?;
        deltas.retain(|_, n| *n != 0);
        tally::apply(self.db, self.hall, &deltas)
    }

    fn settle_outcomes<'s>(
        &self,
        stored: &'s Stored,
        whole: &Whole<'s>,
        deltas: &mut BTreeMap<TallyKey<'s>, i64>,
    ) -> Result<(), StoreError> {
        for (seq, row) in &stored.rows {
            let standing = whole.counted.get(seq);
            if row.counts
                && let Some(key) = row.key()
            {
                *deltas.entry(key).or_default() -= 1;
            }
            if let Some(standing) = standing {
                *deltas.entry(stored.key(row, standing)).or_default() += 1;
            }
            match standing {
                Some(standing) if row.stands_as(standing) => {}
                Some(standing) => self.stand(*seq, stored, row, standing)?,
                None if row.counts => self.fall(*seq)?,
                None => {}
            }
        }
        Ok(())
    }

    /// The row counts, so.
    fn stand(
        &self,
        seq: u64,
        stored: &Stored,
        row: &StoredRow,
        standing: &Standing<'_>,
    ) -> Result<(), StoreError> {
        let key = stored.key(row, standing);
        let (record, misuse) = (standing.record, standing.misuse);
        let tags = (!standing.tags.is_empty() || standing.amended_by.is_some())
            .then(|| tag_list(standing.tags));
        self.db.execute(
            "UPDATE record SET outcome = ?5, level = ?6, tags = ?7, amended_by = ?8, \
                 window_id = ?9, department_id = ?10, staff_id = ?11, item_code = ?12, \
                 channel = ?13, case_number = ?14, ordinal = ?15, response_ms = ?16, \
                 trigger = ?17, caller_key = ?18, misuse_kinds = ?19, misuse_touches = ?20, \
                 misuse_span_ms = ?21 \
                 WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND seq = ?4",
            values![
                self.hall,
                self.terminal,
                self.stream,
                capped(seq),
                key.outcome,
                standing.level.map(|level| level.number()),
                tags,
                standing.amended_by.map(capped),
                key.window,
                key.department,
                key.staff,
                key.item,
                key.channel,
                record.event.case_number.as_ref().map(|c| c.as_str()),
                record.ordinal,
                record.response_ms,
                record.call.trigger.number(),
                record.call.key.as_ref().map(|key| &key.0),
                misuse.map(|m| m.kinds),
                misuse.map(|m| m.touches),
                misuse.map(|m| m.span_ms)
            ],
        )?;
        Ok(())
    }

    /// The row no longer counts.
    fn fall(&self, seq: u64) -> Result<(), StoreError> {
        self.db.execute("UPDATE record SET outcome = NULL, level = NULL, tags = NULL, amended_by = NULL, \
                 window_id = NULL, department_id = NULL, staff_id = NULL, item_code = NULL, \
                 channel = NULL, case_number = NULL, ordinal = NULL, response_ms = NULL, \
                 trigger = NULL, caller_key = NULL, misuse_kinds = NULL, misuse_touches = NULL, \
                 misuse_span_ms = NULL WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND seq = ?4", values![self.hall, self.terminal, self.stream, capped(seq)])?;
        Ok(())
    }

    fn settle_folds<'s>(
        &self,
        stored: &'s Stored,
        whole: &Whole<'_>,
        deltas: &mut BTreeMap<TallyKey<'s>, i64>,
    ) -> Result<(), StoreError> {
        let mut changed = Vec::new();
        for count in &stored.counts {
            let remaining = whole.remaining.get(count.fold);
            let n = remaining.and_then(|fold| fold.get(count.entry));
            let n = n.copied().unwrap_or(0);
            if n == count.n {
                continue;
            }
            *deltas.entry(count.key()).or_default() += i64::from(n) - i64::from(count.n);
            changed.push(
                values![
                    self.hall,
                    self.terminal,
                    self.stream,
                    count.first,
                    capped(count.entry as u64),
                    n
                ]
                .to_vec(),
            );
        }
        self.db
            .execute_many(
                "UPDATE fold_count SET n = ?6 WHERE hall_id = ?1 AND terminal_id = ?2 \
                 AND stream_id = ?3 AND first = ?4 AND entry = ?5",
                changed,
            )
            .map(drop)
    }

    fn settle_letters(&self, stored: &Stored, whole: &Whole<'_>) -> Result<(), StoreError> {
        for (seq, (reason, detail)) in &whole.rejected {
            if stored.letters.contains_key(seq) {
                continue;
            }
            self.db.execute(
                "INSERT INTO dead_letter (hall_id, terminal_id, stream_id, seq, reason, \
                     detail, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                     ON CONFLICT (hall_id, terminal_id, \
                     stream_id, seq) DO UPDATE SET state = 'kept', reason = excluded.reason, \
                     detail = excluded.detail",
                values![
                    self.hall,
                    self.terminal,
                    self.stream,
                    capped(*seq),
                    reason.name(),
                    detail,
                    self.received_ms
                ],
            )?;
        }
        for (seq, reason) in &stored.letters {
            if FOLLOWS.contains(reason) && !whole.rejected.contains_key(seq) {
                self.letter_taken(*seq)?;
            }
        }
        Ok(())
    }

    /// What was kept as a dead letter has found its place.
    pub(super) fn letter_taken(&self, seq: u64) -> Result<(), StoreError> {
        self.letter(seq, "state = 'taken'", &[])
    }

    fn settle_messages(&self, stored: &Stored, whole: &Whole<'_>) -> Result<(), StoreError> {
        let held = self.db.rows(
            "SELECT seq FROM message WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3",
            values![self.hall, self.terminal, self.stream],
            |row| Ok(row.get::<i64>(0)?.unsigned_abs()),
        )?;
        let held: std::collections::BTreeSet<u64> = held.into_iter().collect();
        let new = whole.left.iter().filter(|(seq, _)| !held.contains(seq));
        let left: Vec<_> = new
            .map(|(seq, message)| stored.left(*seq, message, self.received_ms))
            .collect();
        self.messages(&left)?;
        for seq in held.iter().filter(|seq| !whole.left.contains_key(seq)) {
            self.db.execute(
                "DELETE FROM message WHERE hall_id = ?1 AND terminal_id = ?2 \
                     AND stream_id = ?3 AND seq = ?4",
                values![self.hall, self.terminal, self.stream, capped(*seq)],
            )?;
        }
        Ok(())
    }
}

impl StoredRow {
    fn key(&self) -> Option<TallyKey<'_>> {
        let (window, department, staff, item, channel) = self.place.as_ref()?;
        Some(TallyKey {
            slot: crate::ingest::slot_of(self.at_ms?),
            window,
            department,
            staff,
            item,
            channel: *channel,
            outcome: self.outcome?,
            level: self.level.unwrap_or(0),
        })
    }

    fn stands_as(&self, standing: &Standing<'_>) -> bool {
        let misuse = standing.misuse.map(|m| (m.kinds, m.touches, m.span_ms));
        self.counts
            && self.level == standing.level.map(|level| level.number())
            && self.tags.as_deref().unwrap_or_default() == tag_list(standing.tags)
            && self.amended_by == standing.amended_by
            && self.misuse == misuse
    }
}

impl StoredCount {
    fn key(&self) -> TallyKey<'_> {
        TallyKey {
            slot: self.slot,
            window: &self.window,
            department: &self.department,
            staff: "",
            item: "",
            channel: self.channel,
            outcome: self.outcome,
            level: self.level,
        }
    }
}

impl Stored {
    /// What counts, where it has counted before, else where the stream counts now.
    fn key<'s>(&'s self, row: &'s StoredRow, standing: &Standing<'s>) -> TallyKey<'s> {
        let event = &standing.record.event;
        let (window, department, channel) = row.place.as_ref().map_or_else(
            || (&*self.window, &*self.department, self.channel),
            |(window, department, _, _, channel)| (&**window, &**department, *channel),
        );
        TallyKey {
            slot: crate::ingest::slot_of(row.at_ms.unwrap_or_default()),
            window,
            department,
            staff: event.staff.as_ref().map_or("", |s| s.as_str()),
            item: event.item.as_ref().map_or("", |i| i.as_str()),
            channel,
            outcome: standing.record.outcome.kind().number(),
            level: standing.level.map_or(0, |level| level.number()),
        }
    }

    fn left<'s>(
        &'s self,
        seq: u64,
        message: &'s Message,
        received_ms: i64,
    ) -> crate::ingest::Left<'s> {
        let at_ms = self.rows.get(&seq).and_then(|row| row.at_ms);
        crate::ingest::Left {
            seq,
            at_ms: at_ms.unwrap_or(received_ms),
            message,
            window: &self.window,
        }
    }
}

/// Reasons that follow from the whole stream.
const FOLLOWS: [RejectReason; 3] = [
    RejectReason::SecondOutcome,
    RejectReason::NoTarget,
    RejectReason::Other,
];

/// How many rows and folds stand otherwise than all of their stream comes to; 0 when all is well.
pub(crate) fn differences(db: &Db<'_>) -> Result<u64, StoreError> {
    let mut n = 0;
    db.each(
        "SELECT hall_id, terminal_id, stream_id, received_ms FROM stream ORDER BY 1, 2, 3",
        &[],
        |row| {
            let (terminal, stream): ([u8; 16], [u8; 16]) = (row.get(1)?, row.get(2)?);
            let of = Of {
                db,
                hall: row.get(0)?,
                terminal: &terminal,
                stream: &stream,
                received_ms: row.get(3)?,
            };
            if let Some(stored) = Stored::load(&of)? {
                n += stored.differences();
            }
            Ok(())
        },
    )?;
    Ok(n)
}

impl Stored {
    fn differences(&self) -> u64 {
        let whole = come_to(&self.records, &self.folds);
        let rows = self.rows.iter().filter(|(seq, row)| {
            let standing = whole.counted.get(seq);
            !standing.map_or(!row.counts, |standing| row.stands_as(standing))
        });
        let counts = self.counts.iter().filter(|count| {
            let fold = whole.remaining.get(count.fold);
            fold.and_then(|fold| fold.get(count.entry)) != Some(&count.n)
        });
        let kept = self.letters.iter();
        let kept = kept
            .filter(|(seq, reason)| FOLLOWS.contains(reason) != whole.rejected.contains_key(seq));
        let untold = whole.rejected.keys();
        let untold = untold.filter(|seq| !self.letters.contains_key(seq));
        let entries: usize = self.folds.iter().map(|fold| fold.entries.len()).sum();
        let missing = entries.abs_diff(self.counts.len());
        (rows.count() + counts.count() + kept.count() + untold.count() + missing) as u64
    }
}
