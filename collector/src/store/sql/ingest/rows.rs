//! The rows of a run: records, what changes about them, dead letters, second histories.

use std::collections::BTreeMap;

use manyi_shared::domain::TagCode;
use manyi_shared::wire::ChainHash;

use super::Of;
use crate::ingest::{Amended, DeadLetter, Row, Second};
use crate::store::StoreError;
use crate::store::part::part_of;
use crate::store::sql::{Insert, Param, capped, values};

const RECORD: Insert<'_> = Insert::into(
    "record",
    &[
        "hall_id",
        "terminal_id",
        "stream_id",
        "seq",
        "bytes",
        "received_ms",
        "kind",
        "ordinal",
        "at_ms",
        "earliest_ms",
        "latest_ms",
        "window_id",
        "department_id",
        "staff_id",
        "item_code",
        "case_number",
        "channel",
        "outcome",
        "level",
        "tags",
        "response_ms",
        "amended_by",
        "trigger",
        "caller_key",
        "misuse_kinds",
        "misuse_touches",
        "misuse_span_ms",
        "chain",
        "part",
    ],
);

const DEAD_LETTER: Insert<'_> = Insert {
    table: "dead_letter",
    columns: &[
        "hall_id",
        "terminal_id",
        "stream_id",
        "seq",
        "reason",
        "detail",
        "received_ms",
    ],
    conflict: "ON CONFLICT DO NOTHING",
};

const CONFLICT: Insert<'_> = Insert {
    table: "conflict",
    columns: &[
        "hall_id",
        "terminal_id",
        "stream_id",
        "seq",
        "digest",
        "bytes",
        "received_ms",
    ],
    conflict: "ON CONFLICT DO NOTHING",
};

impl Of<'_> {
    pub(super) fn rows(&self, rows: &[Row<'_>]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let part = self.part()?;
        let rows = rows.iter().map(|row| self.record(row, part));
        self.db.insert_many(&RECORD, rows).map(drop)
    }

    /// In which part of the records the stream's are. One that is new begins with what is received
    /// now.
    fn part(&self) -> Result<i64, StoreError> {
        let begun = self.db.row(
            "SELECT received_ms FROM stream WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3",
            values![self.hall, self.terminal, self.stream],
            |row| row.get(0),
        )?;
        Ok(part_of(begun.unwrap_or(self.received_ms)))
    }

    fn record<'v>(&'v self, row: &'v Row<'_>, part: i64) -> Vec<Param<'v>> {
        let outcome = row.outcome.as_ref();
        let event = outcome.map(|o| o.event);
        let tags = outcome
            .filter(|o| !o.tags.is_empty())
            .map(|o| tag_list(o.tags));
        let misuse = outcome.and_then(|o| o.misuse);
        values![
            self.hall,
            self.terminal,
            self.stream,
            capped(row.seq),
            row.bytes,
            self.received_ms,
            capped(row.kind),
            outcome.map(|o| o.ordinal),
            row.placed.map(|p| p.at_ms),
            row.placed.map(|p| p.earliest_ms),
            row.placed.map(|p| p.latest_ms),
            outcome.map(|o| o.window),
            outcome.map(|o| o.department),
            event.map(|e| e.staff.as_ref().map_or("", |s| s.as_str())),
            event.map(|e| e.item.as_ref().map_or("", |i| i.as_str())),
            event.and_then(|e| Some(e.case_number.as_ref()?.as_str())),
            outcome.map(|o| o.channel),
            outcome.map(|o| o.kind.number()),
            outcome.and_then(|o| Some(o.level?.number())),
            tags,
            outcome.and_then(|o| o.response_ms),
            outcome.and_then(|o| o.amended_by.map(capped)),
            outcome.map(|o| o.call.trigger.number()),
            outcome.and_then(|o| Some(o.call.key?.0)),
            misuse.map(|m| m.kinds),
            misuse.map(|m| m.touches),
            misuse.map(|m| m.span_ms),
            row.chain.as_bytes(),
            part
        ]
        .to_vec()
    }

    pub(super) fn in_turn(&self, rows: &[(u64, ChainHash)]) -> Result<(), StoreError> {
        let rows = rows
            .iter()
            .map(|(seq, chain)| self.at(*seq, values![chain.as_bytes()]));
        self.db
            .execute_many(
                "UPDATE record SET chain = ?5 WHERE hall_id = ?1 AND terminal_id = ?2 \
                 AND stream_id = ?3 AND seq = ?4",
                rows,
            )
            .map(drop)
    }

    pub(super) fn amend(&self, amended: &BTreeMap<u64, Amended<'_>>) -> Result<(), StoreError> {
        let rows = amended.iter().map(|(seq, now)| {
            let now = values![now.level.number(), tag_list(now.tags), capped(now.by)];
            self.at(*seq, now)
        });
        self.db
            .execute_many(
                "UPDATE record SET level = ?5, tags = ?6, amended_by = ?7 WHERE hall_id = ?1 \
                 AND terminal_id = ?2 AND stream_id = ?3 AND seq = ?4",
                rows,
            )
            .map(drop)
    }

    pub(super) fn dead_letters(&self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        let rows = letters.iter().map(|letter| {
            let told = values![letter.reason.name(), &letter.detail, self.received_ms];
            self.at(letter.seq, told)
        });
        self.db.insert_many(&DEAD_LETTER, rows).map(drop)
    }

    /// Writes something down about a dead letter; its values are bound from `?5` on.
    pub(super) fn letter(
        &self,
        seq: u64,
        told: &str,
        values: &[Param<'_>],
    ) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE dead_letter SET {told} WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND seq = ?4"
        );
        self.db.execute(&sql, &self.at(seq, values)).map(drop)
    }

    /// Each second history is kept once, however often it is told.
    pub(super) fn second_history(&self, second: &[Second<'_>]) -> Result<(), StoreError> {
        let rows = second.iter().map(|record| {
            let bytes = &*record.bytes;
            let digest = manyi_shared::wire::digest(bytes);
            self.at(record.seq, values![digest, bytes, self.received_ms])
        });
        self.db.insert_many(&CONFLICT, rows).map(drop)
    }

    /// The values that name a position of the stream, and these.
    pub(super) fn at<'v>(&'v self, seq: u64, values: &[Param<'v>]) -> Vec<Param<'v>> {
        let mut all = Vec::with_capacity(4 + values.len());
        all.extend_from_slice(values![self.hall, self.terminal, self.stream, capped(seq)]);
        all.extend_from_slice(values);
        all
    }
}

/// `510,512`
pub(super) fn tag_list(tags: &[TagCode]) -> String {
    let codes: Vec<_> = tags.iter().map(TagCode::to_string).collect();
    codes.join(",")
}
