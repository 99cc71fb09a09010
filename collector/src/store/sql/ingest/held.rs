//! What a decision needs to know.

use std::collections::{BTreeMap, BTreeSet};

use manyi_shared::domain::{BootId, Level, OutcomeKind, Seq, StreamId};
use manyi_shared::wire::{ChainHash, RejectReason, Rejection, Suite};

use super::{boots, past};
use crate::ingest::{
    Delivery, Held, HeldFold, HeldRating, HeldStream, HeldTerminal, Opening, Span, slot_of,
};
use crate::store::sql::{Db, Param, Row, capped, code, number, values};
use crate::store::{StoreError, TerminalState};

/// Reads everything that the decision about a delivery needs.
pub(super) fn load(db: &Db<'_>, delivery: &Delivery) -> Result<Held, StoreError> {
    let (terminal, profile_version) = terminal(db, delivery)?;
    let mut held = Held {
        terminal,
        profile_version,
        departments: BTreeMap::new(),
        stream: None,
        overlap: BTreeMap::new(),
        folds: BTreeMap::new(),
        ahead: false,
        overlap_rejected: Vec::new(),
        targets: BTreeMap::new(),
        outcomes: BTreeSet::new(),
        conflict_through: 0,
        tips: BTreeMap::new(),
        sibling: None,
        before_ms: None,
        boots: BTreeMap::new(),
    };
    if let Some(span) = Span::of(&delivery.head) {
        let of = Of {
            db,
            delivery,
            stream: span.stream,
        };
        of.span(&span, &mut held)?;
    }
    past::load(db, delivery, &mut held)?;
    boots::load(db, delivery, &mut held)?;
    Ok(held)
}

fn terminal(db: &Db<'_>, delivery: &Delivery) -> Result<(HeldTerminal, u32), StoreError> {
    db.one(
        "SELECT t.window_id, t.last_number, t.state, h.profile_version, t.replaced_ms \
         FROM terminal t JOIN hall h ON h.hall_id = t.hall_id \
         WHERE t.hall_id = ?1 AND t.terminal_id = ?2",
        values![delivery.hall.as_str(), delivery.head.terminal.as_bytes()],
        |row| {
            let terminal = HeldTerminal {
                window: code(row.get(0)?, "terminal.window_id")?,
                last_number: number(row.get(1)?, "terminal.last_number")?,
                revoked: TerminalState::named(row.get(2)?) == TerminalState::Revoked,
                replaced_ms: row.get(4)?,
            };
            Ok((terminal, number(row.get(3)?, "hall.profile_version")?))
        },
    )
}

/// The surroundings of one stream.
struct Of<'a> {
    db: &'a Db<'a>,
    delivery: &'a Delivery,
    stream: StreamId,
}

impl Of<'_> {
    fn span(&self, span: &Span, held: &mut Held) -> Result<(), StoreError> {
        held.stream = self.stream()?;
        let watermark = held.stream.as_ref().map_or(0, |s| s.watermark);
        let (first, last) = (span.first.get(), span.last());
        held.ahead = self.ahead(watermark)?;
        if first <= watermark || held.ahead {
            held.overlap = self.bytes(first, last)?;
            held.overlap_rejected = self.rejected(first, last.min(watermark))?;
            held.folds = self.folds(first, last)?;
        } else if first > watermark + 1 {
            held.conflict_through = self.conflict_through()?;
        }
        let gone = self.delivery.head.fold.as_ref();
        if gone.is_some_and(|fold| fold.entries.is_empty()) {
            held.before_ms = self.before_ms(watermark)?;
        }
        for target in self.delivery.targets() {
            if target.get() <= watermark && held.outcomes.insert(target.get()) {
                match self.outcome(target)? {
                    Some(Some(rating)) => drop(held.targets.insert(target.get(), rating)),
                    Some(None) => {}
                    None => drop(held.outcomes.remove(&target.get())),
                }
            }
        }
        let mut windows = vec![held.terminal.window.as_str()];
        windows.extend(held.stream.as_ref().map(|s| s.window.as_str()));
        windows.extend(self.delivery.windows_named().map(|w| w.as_str()));
        let mut departments = BTreeMap::new();
        for window in windows {
            if !departments.contains_key(window)
                && let Some(department) = self.department(window)?
            {
                departments.insert(window.to_owned(), department);
            }
        }
        held.departments = departments;
        Ok(())
    }

    /// Whether records above the watermark are here.
    fn ahead(&self, watermark: u64) -> Result<bool, StoreError> {
        self.db.exists(
            "SELECT 1 FROM record WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND seq > ?4 LIMIT 1",
            &self.key(&[watermark]),
        )
    }

    /// The folds that reach into these positions, or end just before them.
    fn folds(&self, first: u64, last: u64) -> Result<BTreeMap<u64, HeldFold>, StoreError> {
        let mut folds = BTreeMap::new();
        self.db.each(
            "SELECT first, last, base, head FROM fold WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND first <= ?5 AND last >= ?4",
            &self.key(&[first.saturating_sub(1), last]),
            |row| {
                let fold = HeldFold {
                    last: row.get::<i64>(1)?.unsigned_abs(),
                    base: ChainHash::from_bytes(row.get(2)?),
                    head: ChainHash::from_bytes(row.get(3)?),
                };
                folds.insert(row.get::<i64>(0)?.unsigned_abs(), fold);
                Ok(())
            },
        )?;
        Ok(folds)
    }

    /// When the last record up to the watermark was sealed at the earliest.
    fn before_ms(&self, watermark: u64) -> Result<Option<i64>, StoreError> {
        self.db.row(
            "SELECT earliest_ms FROM record WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND seq <= ?4 AND earliest_ms IS NOT NULL \
             ORDER BY seq DESC LIMIT 1",
            &self.key(&[watermark]),
            |row| row.get(0),
        )
    }

    /// The values that name the stream, and these positions.
    fn key(&self, positions: &[u64]) -> Vec<Param<'_>> {
        let Delivery { hall, head, .. } = self.delivery;
        let stream = values![
            hall.as_str(),
            head.terminal.as_bytes(),
            self.stream.as_bytes()
        ];
        let positions = positions.iter().map(|seq| capped(*seq).into());
        stream.iter().cloned().chain(positions).collect()
    }

    fn stream(&self) -> Result<Option<HeldStream>, StoreError> {
        self.db.row(
            "SELECT watermark, hash, window_id, channel, opened_ms, uptime_ms, boot_id, \
             last_ordinal, suite FROM stream WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3",
            &self.key(&[]),
            |row| {
                Ok(HeldStream {
                    watermark: row.get::<i64>(0)?.unsigned_abs(),
                    hash: ChainHash::of(suite(row, 8)?, row.get(1)?),
                    window: row.get(2)?,
                    channel: row.get(3)?,
                    opening: opening(row, 4)?,
                    last_ordinal: row.get(7)?,
                })
            },
        )
    }

    fn bytes(&self, first: u64, last: u64) -> Result<BTreeMap<u64, Vec<u8>>, StoreError> {
        let mut bytes = BTreeMap::new();
        self.db.each(
            "SELECT seq, bytes FROM record WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND seq BETWEEN ?4 AND ?5 ORDER BY seq",
            &self.key(&[first, last]),
            |row| {
                bytes.insert(row.get::<i64>(0)?.unsigned_abs(), row.get(1)?);
                Ok(())
            },
        )?;
        Ok(bytes)
    }

    fn rejected(&self, first: u64, last: u64) -> Result<Vec<Rejection>, StoreError> {
        self.db.rows(
            "SELECT seq, reason FROM dead_letter WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND state = 'kept' AND seq BETWEEN ?4 AND ?5 ORDER BY seq",
            &self.key(&[first, last]),
            |row| {
                Ok(Rejection {
                    seq: Seq::new(row.get::<i64>(0)?.unsigned_abs()).ok_or(
                        StoreError::Corrupt {
                            column: "dead_letter.seq",
                        },
                    )?,
                    reason: reason_named(row.get(1)?),
                })
            },
        )
    }

    fn conflict_through(&self) -> Result<u64, StoreError> {
        let highest: i64 = self.db.one(
            "SELECT COALESCE(MAX(seq), 0) FROM conflict WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3",
            &self.key(&[]),
            |row| row.get(0),
        )?;
        Ok(highest.unsigned_abs())
    }

    /// Whether something counts at this position, and the rating when it is one.
    fn outcome(&self, target: Seq) -> Result<Option<Option<HeldRating>>, StoreError> {
        self.db.row(
            "SELECT at_ms, window_id, department_id, staff_id, item_code, channel, level, \
             outcome FROM record WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 \
             AND seq = ?4 AND outcome IS NOT NULL",
            &self.key(&[target.get()]),
            |row| {
                if row.get::<u8>(7)? != OutcomeKind::Rated.number() {
                    return Ok(None);
                }
                let level = row.get::<Option<u8>>(6)?;
                let level = level.and_then(|level| Level::try_from(level).ok());
                Ok(Some(HeldRating {
                    slot: slot_of(row.get(0)?),
                    window: row.get(1)?,
                    department: row.get(2)?,
                    staff: row.get(3)?,
                    item: row.get(4)?,
                    channel: row.get(5)?,
                    level: level.ok_or(StoreError::Corrupt {
                        column: "record.level",
                    })?,
                }))
            },
        )
    }

    fn department(&self, window: &str) -> Result<Option<String>, StoreError> {
        self.db.row(
            "SELECT department_id FROM service_window WHERE hall_id = ?1 AND window_id = ?2",
            values![self.delivery.hall.as_str(), window],
            |row| row.get(0),
        )
    }
}

/// Wall clock, uptime and boot in three columns; none for an opening that was rejected.
pub(super) fn opening(row: &Row<'_>, column: usize) -> Result<Option<Opening>, StoreError> {
    let opened: (Option<i64>, Option<i64>, Option<[u8; 16]>) =
        (row.get(column)?, row.get(column + 1)?, row.get(column + 2)?);
    Ok(match opened {
        (Some(wall_ms), Some(uptime_ms), Some(boot)) => Some(Opening {
            wall_ms,
            uptime_ms: uptime_ms.unsigned_abs(),
            boot: BootId::from_bytes(boot),
        }),
        _ => None,
    })
}

/// The suite whose number a column holds.
pub(super) fn suite(row: &Row<'_>, column: usize) -> Result<Suite, StoreError> {
    Suite::from_number(row.get(column)?).ok_or(StoreError::Corrupt {
        column: "stream.suite",
    })
}

pub(super) fn reason_named(name: &str) -> RejectReason {
    [
        RejectReason::Malformed,
        RejectReason::Opening,
        RejectReason::UnknownWindow,
        RejectReason::SecondOutcome,
        RejectReason::NoTarget,
        RejectReason::Refused,
    ]
    .into_iter()
    .find(|reason| reason.name() == name)
    .unwrap_or(RejectReason::Other)
}
