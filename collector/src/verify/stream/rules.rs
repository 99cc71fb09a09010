//! Which records count, which are dead letters, and what later records make of earlier ones.

use manyi_shared::domain::Level;
use manyi_shared::wire::{
    Amendment, Message, OutcomeRecord, Record, RecordBody, RecordTime, RejectReason, StreamOpened,
};

use super::{StoredRecord, StreamCheck};
use crate::ingest::FLOOR_MS;
use crate::verify::columns::{self, Differences, Standing, StoredMisuse, hex, tag_list};
use crate::verify::finding::{Difference, What};

/// A synchronised clock places a record to a second.
const SYNCHRONISED_MS: i64 = 1000;

/// The kind of records that carry rescued ones.
const CARRIER: u64 = 8;

/// What must be stored of a record.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// Why it must be a dead letter.
    dead: Option<&'static str>,
    /// The outcome that must count.
    outcome: Option<OutcomeRecord>,
    /// The message that must be stored.
    message: Option<Message>,
    /// The level of the self-test that may be stored for it.
    self_test: Option<Level>,
}

impl Expected {
    pub(super) fn dead(reason: &'static str) -> Self {
        Self {
            dead: Some(reason),
            ..Self::default()
        }
    }
}

/// What later records make of a rating.
#[derive(Debug, Clone, Default)]
pub(super) struct Later {
    amended: Option<(u8, Option<String>, u64)>,
    misuse: Option<StoredMisuse>,
}

impl Later {
    pub(super) fn applied(&self, mut standing: Standing) -> Standing {
        if let Some((level, tags, by)) = &self.amended {
            standing.level = Some(*level);
            standing.tags.clone_from(tags);
            standing.amended_by = Some(*by);
        }
        standing.misuse = self.misuse.or(standing.misuse);
        standing
    }

    /// The rating is stored as its own record says: nothing of this was applied.
    pub(super) fn unseen(&self) -> Vec<Difference> {
        let mut differences = Differences::default();
        if let Some((level, _, by)) = &self.amended {
            differences.of("amended_by", None, Some(*by));
            differences.of("level", None, Some(*level));
        }
        differences.of("misuse_touches", None, self.misuse.map(|m| m.touches));
        differences.take().unwrap_or_default()
    }
}

/// The kind's number as it lies in the bytes of a record: the first value of its map.
pub(super) fn kind_in(bytes: &[u8]) -> u64 {
    let mut decoder = minicbor::Decoder::new(bytes);
    let first = decoder
        .map()
        .and_then(|_| decoder.u64())
        .and_then(|_| decoder.u64());
    first.unwrap_or(0)
}

/// Whether the stored moment is one that the record allows.
pub(super) fn time(
    differences: &mut Differences,
    record: &StoredRecord<'_>,
    at: RecordTime,
    opening: Option<&StreamOpened>,
) {
    let columns = &record.columns;
    let (Some(stored), Some(earliest), Some(latest)) =
        (columns.at_ms, columns.earliest_ms, columns.latest_ms)
    else {
        return;
    };
    if !(earliest..=latest).contains(&stored) {
        differences.of(
            "at_ms",
            Some(stored),
            Some(stored.clamp(earliest, latest.max(earliest))),
        );
    }
    let Some(opening) = opening.filter(|_| at.synchronised) else {
        return;
    };
    let wall_ms = at.wall_ms(opening);
    if wall_ms < FLOOR_MS {
        return;
    }
    let told = wall_ms.min(record.received_ms);
    if stored.abs_diff(told) > SYNCHRONISED_MS.unsigned_abs() {
        differences.of("at_ms", Some(stored), Some(told));
    }
}

impl StreamCheck {
    /// What must be stored of a record, by the records before it.
    pub(super) fn expect(
        &mut self,
        record: &StoredRecord<'_>,
        body: Option<&RecordBody>,
    ) -> Expected {
        if record.replayed {
            self.late.insert(record.seq);
        }
        let Some(body) = body else {
            return Expected::dead(RejectReason::Malformed.name());
        };
        if record.seq == 1 {
            self.opening = self.opened(body);
            return if self.opening.is_some() {
                Expected::default()
            } else {
                Expected::dead(RejectReason::Opening.name())
            };
        }
        match body {
            RecordBody::StreamOpened(_) => Expected::dead(RejectReason::Opening.name()),
            RecordBody::Outcome(outcome) => self.expect_outcome(record.seq, outcome),
            RecordBody::Amendment(amendment) => self.expect_amendment(record.seq, amendment),
            RecordBody::Misuse(misuse) => {
                let target = misuse.target.get();
                if !self.counted.contains_key(&target) {
                    return Expected::dead(RejectReason::NoTarget.name());
                }
                self.later.entry(target).or_default().misuse = Some((*misuse).into());
                Expected::default()
            }
            RecordBody::Message(message) => {
                if self.counted.get(&message.target.get()) != Some(&true) {
                    return Expected::dead(RejectReason::NoTarget.name());
                }
                Expected {
                    message: Some(message.clone()),
                    ..Expected::default()
                }
            }
            RecordBody::SelfTest(test) => Expected {
                self_test: Some(test.level),
                ..Expected::default()
            },
            RecordBody::Loss(_)
            | RecordBody::Rescued(_)
            | RecordBody::ClockSet
            | RecordBody::Unknown { .. } => Expected::default(),
        }
    }

    fn expect_outcome(&mut self, seq: u64, outcome: &OutcomeRecord) -> Expected {
        if outcome.ordinal <= self.last_ordinal {
            return Expected::dead(RejectReason::SecondOutcome.name());
        }
        self.last_ordinal = outcome.ordinal;
        self.counted.insert(seq, outcome.outcome.level().is_some());
        Expected {
            outcome: Some(outcome.clone()),
            ..Expected::default()
        }
    }

    fn expect_amendment(&mut self, seq: u64, amendment: &Amendment) -> Expected {
        let target = amendment.target.get();
        if self.counted.get(&target) != Some(&true) {
            return Expected::dead(RejectReason::NoTarget.name());
        }
        let now = (amendment.level.number(), tag_list(&amendment.tags), seq);
        self.later.entry(target).or_default().amended = Some(now);
        Expected::default()
    }

    /// Compares what must be stored with what is.
    pub(super) fn judge(
        &mut self,
        record: &StoredRecord<'_>,
        expected: &Expected,
        differences: &mut Differences,
        tell: &mut dyn FnMut(What),
    ) {
        self.judge_dead_letter(record, expected, tell);
        let columns = &record.columns;
        match &expected.outcome {
            Some(_) if columns.outcome.is_none() => {
                let because = record.rejected.map_or_else(
                    || "its bytes are a sound outcome".to_owned(),
                    |reason| format!("it is a dead letter ({reason}), and its bytes are sound"),
                );
                tell(What::Counting {
                    counts: false,
                    because,
                });
                self.counted.remove(&record.seq);
            }
            Some(outcome) => {
                columns::outcome(differences, columns, outcome);
                let window = self.stream.window.as_str();
                differences.of("window_id", columns.window, Some(window));
                differences.of("channel", columns.channel, Some(self.stream.channel));
                let (stored, told) = (Standing::stored(columns), Standing::told(outcome));
                if stored != told {
                    self.stored.insert(record.seq, (stored, told));
                }
            }
            None if columns.outcome.is_some() => tell(What::Counting {
                counts: true,
                because: expected.dead.map_or_else(
                    || "its bytes are no outcome".to_owned(),
                    |reason| format!("it must be a dead letter ({reason})"),
                ),
            }),
            None => columns::nothing(differences, columns),
        }
        self.judge_beside(record, expected, tell);
        if record.seq == 1 {
            self.judge_opening(record, differences);
        }
    }

    fn judge_dead_letter(
        &self,
        record: &StoredRecord<'_>,
        expected: &Expected,
        tell: &mut dyn FnMut(What),
    ) {
        // Whether hall and window were known when the stream was opened is not in the bytes.
        let unknown_window = record.seq == 1
            && self.opening.is_some()
            && record.rejected == Some(RejectReason::UnknownWindow.name());
        let suppressed = expected.outcome.is_some() && record.columns.outcome.is_none();
        // What pointed at a dead letter had no target then, whatever became of it later.
        let at_the_time = record.rejected == Some(RejectReason::NoTarget.name())
            && self.points_at_late(record.bytes);
        // What a carrier brings may be no record, or have its place in the same stream.
        let carrier = kind_in(record.bytes) == CARRIER
            && record.rejected == Some(RejectReason::Malformed.name());
        if record.rejected == expected.dead
            || record.replayed
            || carrier
            || unknown_window
            || suppressed
            || at_the_time
        {
            return;
        }
        tell(What::Beside(match (record.rejected, expected.dead) {
            (None, Some(reason)) => format!("the dead letter ({reason}) of the record is gone"),
            (Some(reason), None) => format!("a dead letter ({reason}) was put to a sound record"),
            (stored, told) => format!(
                "the dead letter's reason is {}, and must be {}",
                stored.unwrap_or("none"),
                told.unwrap_or("none")
            ),
        }));
    }

    fn points_at_late(&self, bytes: &[u8]) -> bool {
        let target = Record::decode(bytes).ok().and_then(|record| {
            Some(match record.body {
                RecordBody::Amendment(amendment) => amendment.target,
                RecordBody::Misuse(misuse) => misuse.target,
                RecordBody::Message(message) => message.target,
                _ => return None,
            })
        });
        target.is_some_and(|target| self.late.contains(&target.get()))
    }

    fn judge_beside(
        &mut self,
        record: &StoredRecord<'_>,
        expected: &Expected,
        tell: &mut dyn FnMut(What),
    ) {
        let problem = match (&expected.message, &record.message) {
            (None, None) => None,
            (None, Some(_)) => Some("a message is stored that the record does not hold"),
            (Some(_), None) => Some("the message of the record is gone"),
            (Some(told), Some(stored)) => {
                let sealed = minicbor::to_vec(&told.sealed).unwrap_or_default();
                let same = stored.target == told.target.get()
                    && stored.what == told.what.number()
                    && stored.sealed == sealed;
                (!same).then_some("the stored message is not the one that the record holds")
            }
        };
        if let Some(problem) = problem {
            tell(What::Beside(problem.to_owned()));
        }
        let stored = self.stream.self_tests.remove(&record.seq);
        let told = expected.self_test.map(|level| level.number());
        if stored.is_some() && stored != told {
            let problem = "the stored self-test is not the one that the record tells";
            tell(What::Beside(problem.to_owned()));
        }
    }

    fn judge_opening(&self, record: &StoredRecord<'_>, differences: &mut Differences) {
        let stored = self.stream.opening;
        let told = self.opening.as_ref();
        differences.of(
            "stream.opened_ms",
            stored.map(|o| o.wall_ms),
            told.map(|o| o.wall_ms),
        );
        differences.of(
            "stream.uptime_ms",
            stored.map(|o| o.uptime_ms),
            told.map(|o| o.uptime_ms),
        );
        differences.of(
            "stream.boot_id",
            stored.map(|o| hex(o.boot.as_bytes())),
            told.map(|o| hex(o.boot.as_bytes())),
        );
        let Some(told) = told else {
            return;
        };
        let suite = self.stream.hash.suite().name();
        differences.of("stream.suite", Some(suite), Some(told.suite.name()));
        let channel = told.channel.number();
        differences.of("stream.channel", Some(self.stream.channel), Some(channel));
        if record.rejected.is_none() && told.hall.as_str() == self.stream.hall {
            let window = self.stream.window.as_str();
            differences.of("stream.window_id", Some(window), Some(told.window.as_str()));
        }
    }
}
