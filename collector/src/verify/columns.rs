//! What the columns of a record must say.

use std::fmt::Display;

use manyi_shared::domain::{Outcome, TagCode};
use manyi_shared::wire::{Misuse, OutcomeRecord};

use super::finding::Difference;

/// The columns beside a record's bytes, as stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Columns<'a> {
    /// The kind's number.
    pub kind: u64,
    /// Which prompt of the stream.
    pub ordinal: Option<u32>,
    /// Best estimate of the moment.
    pub at_ms: Option<i64>,
    /// It was not before.
    pub earliest_ms: Option<i64>,
    /// It was not after.
    pub latest_ms: Option<i64>,
    /// Where it counts.
    pub window: Option<&'a str>,
    /// The window's department then.
    pub department: Option<&'a str>,
    /// The clerk; empty for none.
    pub staff: Option<&'a str>,
    /// The item; empty for none.
    pub item: Option<&'a str>,
    /// The case number.
    pub case_number: Option<&'a str>,
    /// The channel.
    pub channel: Option<u8>,
    /// The outcome; none when the record does not count.
    pub outcome: Option<u8>,
    /// The level as it now stands.
    pub level: Option<u8>,
    /// The tags as they now stand, `510,512`.
    pub tags: Option<&'a str>,
    /// Time to the answer.
    pub response_ms: Option<u32>,
    /// Position of the last amendment applied.
    pub amended_by: Option<u64>,
    /// Who asked.
    pub trigger: Option<u8>,
    /// What stands for the caller's own key.
    pub caller_key: Option<&'a [u8]>,
    /// What the fingers did.
    pub misuse: Option<StoredMisuse>,
}

/// The columns of misuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredMisuse {
    /// Bits of [`Misuse::kinds`].
    pub kinds: u8,
    /// Touches that did not count.
    pub touches: u16,
    /// From the first to the last.
    pub span_ms: u32,
}

impl From<Misuse> for StoredMisuse {
    fn from(misuse: Misuse) -> Self {
        Self {
            kinds: misuse.kinds,
            touches: misuse.touches,
            span_ms: misuse.span_ms,
        }
    }
}

/// Collects what differs.
#[derive(Debug, Default)]
pub(super) struct Differences(Vec<Difference>);

impl Differences {
    /// Compares one column.
    pub(super) fn of<T: PartialEq + Display>(
        &mut self,
        column: &'static str,
        stored: Option<T>,
        told: Option<T>,
    ) {
        if stored != told {
            let text =
                |value: Option<T>| value.map_or_else(|| "empty".to_owned(), |v| v.to_string());
            self.0.push(Difference {
                column,
                stored: text(stored),
                told: text(told),
            });
        }
    }

    pub(super) fn take(self) -> Option<Vec<Difference>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

/// Compares what never changes after a record was taken in.
pub(super) fn outcome(
    differences: &mut Differences,
    columns: &Columns<'_>,
    record: &OutcomeRecord,
) {
    let kind = record.outcome.kind().number();
    differences.of("outcome", columns.outcome, Some(kind));
    differences.of("ordinal", columns.ordinal, Some(record.ordinal));
    differences.of("response_ms", columns.response_ms, record.response_ms);
    let event = &record.event;
    let staff = event.staff.as_ref().map_or("", |s| s.as_str());
    differences.of("staff_id", columns.staff, Some(staff));
    let item = event.item.as_ref().map_or("", |i| i.as_str());
    differences.of("item_code", columns.item, Some(item));
    let case = event.case_number.as_ref().map(|c| c.as_str());
    differences.of("case_number", columns.case_number, case);
    // The first schema did not keep who asked.
    if columns.trigger.is_some() {
        let trigger = record.call.trigger.number();
        differences.of("trigger", columns.trigger, Some(trigger));
    }
    let key = record.call.key.map(|key| hex(&key.0));
    differences.of("caller_key", columns.caller_key.map(hex), key);
}

/// Compares the columns of a record that counts nowhere: they are empty.
pub(super) fn nothing(differences: &mut Differences, columns: &Columns<'_>) {
    differences.of("ordinal", columns.ordinal, None);
    differences.of("level", columns.level, None);
    differences.of("tags", columns.tags, None);
    differences.of("response_ms", columns.response_ms, None);
    differences.of("window_id", columns.window, None);
    differences.of("staff_id", columns.staff, None);
    differences.of("item_code", columns.item, None);
    differences.of("case_number", columns.case_number, None);
    differences.of("amended_by", columns.amended_by, None);
}

/// A rating as it stands: what amendments change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) level: Option<u8>,
    pub(super) tags: Option<String>,
    pub(super) amended_by: Option<u64>,
    pub(super) misuse: Option<StoredMisuse>,
}

impl Standing {
    /// As stored.
    pub(super) fn stored(columns: &Columns<'_>) -> Self {
        Self {
            level: columns.level,
            tags: columns.tags.filter(|t| !t.is_empty()).map(str::to_owned),
            amended_by: columns.amended_by,
            misuse: columns.misuse,
        }
    }

    /// As the record by itself says.
    pub(super) fn told(record: &OutcomeRecord) -> Self {
        let tags = match &record.outcome {
            Outcome::Rated { tags, .. } => tag_list(tags),
            _ => None,
        };
        Self {
            level: record.outcome.level().map(|level| level.number()),
            tags,
            amended_by: None,
            misuse: None,
        }
    }

    /// What differs between the stored and the told.
    pub(super) fn compare(&self, told: &Self) -> Option<Vec<Difference>> {
        let mut differences = Differences::default();
        differences.of("level", self.level, told.level);
        differences.of("tags", self.tags.as_deref(), told.tags.as_deref());
        differences.of("amended_by", self.amended_by, told.amended_by);
        let [stored, said] = [self.misuse, told.misuse];
        differences.of(
            "misuse_kinds",
            stored.map(|m| m.kinds),
            said.map(|m| m.kinds),
        );
        differences.of(
            "misuse_touches",
            stored.map(|m| m.touches),
            said.map(|m| m.touches),
        );
        differences.of(
            "misuse_span_ms",
            stored.map(|m| m.span_ms),
            said.map(|m| m.span_ms),
        );
        differences.take()
    }
}

/// `510,512`; none for no tags.
pub(super) fn tag_list(tags: &[TagCode]) -> Option<String> {
    let codes: Vec<_> = tags.iter().map(TagCode::to_string).collect();
    (!codes.is_empty()).then(|| codes.join(","))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
