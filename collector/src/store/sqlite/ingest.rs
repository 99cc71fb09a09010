//! Ingest: reads what a decision needs, lets it be made, makes it durable.
//!
//! All of it runs in one job of the writer: what was read still holds when it is acted upon.

mod beside;
mod boots;
mod folds;
mod held;
mod incidents;
mod past;
pub(in crate::store) mod replay;
mod rescue;
pub(super) mod whole;

use std::collections::BTreeMap;

use manyi_shared::domain::{TagCode, TerminalId};
use manyi_shared::wire::{ChainHash, PublicKey, ReplyStatus};
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::port::{capped, code};
use crate::ingest::{
    Amended, DeadLetter, Delivery, Incident, Plan, Receipt, Row, Second, Span, StreamState,
    Verdicts, decide,
};
use crate::store::sql::proof::days;
use crate::store::sql::{Db, prompts, tally};
use crate::store::{KnownTerminal, StoreError, TerminalState};

/// What is known of a terminal.
pub(in crate::store) fn terminal(
    connection: &Connection,
    id: TerminalId,
) -> Result<Option<KnownTerminal>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT hall_id, public_key, state, next_key, rotate_wanted FROM terminal WHERE terminal_id = ?1")?;
    let found = statement
        .query_row([id.as_bytes()], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, Vec<u8>>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, Option<Vec<u8>>>(3)?,
                row.get::<_, bool>(4)?,
            ))
        })
        .optional()?;
    let Some((hall, key, state, next_key, rotate_wanted)) = found else {
        return Ok(None);
    };
    Ok(Some(KnownTerminal {
        hall: code(&hall, "terminal.hall_id")?,
        key: PublicKey::from_bytes(&key).ok_or(StoreError::Corrupt {
            column: "terminal.public_key",
        })?,
        next_key: next_key.and_then(|key| PublicKey::from_bytes(&key)),
        rotate_wanted,
        revoked: TerminalState::named(&state) == TerminalState::Revoked,
    }))
}

/// Decides on a delivery and stores what was decided.
pub(in crate::store) fn ingest(
    connection: &Connection,
    mut delivery: Delivery,
) -> Result<Receipt, StoreError> {
    // Nothing is received into a day whose root may be published, whatever the clock says.
    delivery.received_ms =
        days::after_published(&Db::new(connection), &delivery.hall, delivery.received_ms)?;
    let delivery = &delivery;
    let held = held::load(connection, delivery)?;
    let mut receipt = Receipt {
        status: ReplyStatus::Taken,
        acknowledgement: None,
        next_number: 0,
        profile_version: held.profile_version,
        window: held.terminal.window.clone(),
        prompts: Vec::new(),
        verdicts: Verdicts::default(),
        counted: false,
        behind: Vec::new(),
        incidents: Vec::new(),
        revoked: held.terminal.revoked,
    };
    if held.terminal.revoked {
        return Ok(receipt);
    }
    let plan = decide(&held, delivery);
    let window = &held.terminal.window;
    let stream = held.stream.as_ref();
    let at = plan.stream.as_ref().map(|s| s.window);
    let at = at.or_else(|| stream.map(|s| s.window.as_str()));
    let at = at.unwrap_or(window.as_str());
    let happened = store(connection, delivery, &plan, at)?;
    let happened = plan.incidents.iter().chain(&happened);
    let terminal = (&delivery.hall, delivery.head.terminal);
    receipt.incidents = incidents::raise(connection, terminal, at, delivery.received_ms, happened)?;
    if plan.touch_terminal {
        prompts::receive(&Db::new(connection), delivery, window)?;
    }
    receipt.prompts = prompts::waiting(&Db::new(connection), delivery, window)?;
    receipt.status = plan.status;
    receipt.acknowledgement = plan.acknowledgement;
    receipt.next_number = plan.next_number;
    receipt.verdicts = plan.verdicts;
    receipt.behind = plan.behind;
    receipt.counted = !plan.deltas.is_empty();
    Ok(receipt)
}

/// Makes a plan durable. Gives back what happened beside what the plan says.
fn store(
    connection: &Connection,
    delivery: &Delivery,
    plan: &Plan<'_>,
    window: &str,
) -> Result<Vec<Incident>, StoreError> {
    if !plan.touch_terminal {
        return Ok(Vec::new());
    }
    touch_terminal(connection, delivery, plan)?;
    let mut happened = Vec::new();
    if let Some(span) = Span::of(&delivery.head) {
        happened = store_span(connection, delivery, plan, &span, window)?;
    }
    boots::store(connection, delivery, plan)?;
    Ok(happened)
}

fn store_span(
    connection: &Connection,
    delivery: &Delivery,
    plan: &Plan<'_>,
    span: &Span,
    window: &str,
) -> Result<Vec<Incident>, StoreError> {
    let of = Of {
        connection,
        hall: delivery.hall.as_str(),
        terminal: delivery.head.terminal.as_bytes(),
        stream: span.stream.as_bytes(),
        received_ms: delivery.received_ms,
    };
    of.rows(&plan.rows)?;
    of.in_turn(&plan.in_turn)?;
    of.amend(&plan.amended)?;
    of.misuse(&plan.misused)?;
    of.self_tests(&plan.tested)?;
    of.messages(&plan.left)?;
    of.dead_letters(&plan.dead_letters)?;
    of.second_history(&plan.second)?;
    if let Some(fold) = &plan.fold {
        of.fold(fold, &delivery.signed_head, plan.whole)?;
    }
    if let Some(stream) = &plan.stream {
        of.stream(stream, &delivery.signed_head)?;
        // What came of it before its opening had no place in time.
        if let Some(opening) = stream.opening.filter(|_| stream.opened && !stream.new) {
            boots::refine(&of, opening.boot, &plan.evidence)?;
        }
    }
    tally::apply(&Db::new(connection), of.hall, &plan.deltas)?;
    if plan.whole {
        of.settle()?;
    }
    if plan.rescues.is_empty() {
        return Ok(Vec::new());
    }
    of.rescue(delivery, plan, window)
}

/// Number and health of the terminal.
fn touch_terminal(
    connection: &Connection,
    delivery: &Delivery,
    plan: &Plan<'_>,
) -> Result<(), StoreError> {
    let head = &delivery.head;
    let health = &head.health;
    // The terminal counted what this exchange carries as unsent; once taken it no longer is.
    let taken = match plan.status {
        ReplyStatus::Taken => Span::of(head).map_or(0, |span| span.count),
        ReplyStatus::Gap
        | ReplyStatus::StaleNumber
        | ReplyStatus::Conflict
        | ReplyStatus::Revoked => 0,
    };
    connection
        .prepare_cached(
            "UPDATE terminal SET last_number = ?1, last_seen_ms = ?2, software = ?3, backlog = ?4, \
             oldest_unsent_ms = ?5, disk_free_bytes = ?6, profile_version = ?7, \
             synchronised = ?8, wall_offset_ms = ?9, profile_problem = ?10, \
             journal_problem = ?11 WHERE hall_id = ?12 AND terminal_id = ?13",
        )?
        .execute(params![
            capped(head.number),
            delivery.received_ms,
            health.software,
            capped(health.backlog.saturating_sub(taken)),
            health.oldest_unsent_ms.map(capped),
            health.disk_free_bytes.map(capped),
            head.profile_version,
            head.clock.synchronised,
            head.clock.wall_ms.saturating_sub(delivery.received_ms),
            health.profile_problem,
            health.journal_problem,
            delivery.hall.as_str(),
            head.terminal.as_bytes()
        ])?;
    Ok(())
}

/// One stream's rows.
#[derive(Clone, Copy)]
struct Of<'a> {
    connection: &'a Connection,
    hall: &'a str,
    terminal: &'a [u8; 16],
    stream: &'a [u8; 16],
    received_ms: i64,
}

/// Binds what only this row has.
fn bind_row(insert: &mut Statement<'_>, row: &Row<'_>) -> Result<(), StoreError> {
    let outcome = row.outcome.as_ref();
    let event = outcome.map(|o| o.event);
    let tags = outcome
        .filter(|o| !o.tags.is_empty())
        .map(|o| tag_list(o.tags));
    insert.raw_bind_parameter(4, capped(row.seq))?;
    insert.raw_bind_parameter(5, row.bytes)?;
    insert.raw_bind_parameter(7, capped(row.kind))?;
    insert.raw_bind_parameter(8, outcome.map(|o| o.ordinal))?;
    insert.raw_bind_parameter(9, row.placed.map(|p| p.at_ms))?;
    insert.raw_bind_parameter(10, row.placed.map(|p| p.earliest_ms))?;
    insert.raw_bind_parameter(11, row.placed.map(|p| p.latest_ms))?;
    insert.raw_bind_parameter(
        14,
        event.map(|e| e.staff.as_ref().map_or("", |s| s.as_str())),
    )?;
    insert.raw_bind_parameter(
        15,
        event.map(|e| e.item.as_ref().map_or("", |i| i.as_str())),
    )?;
    let case = event.and_then(|e| Some(e.case_number.as_ref()?.as_str()));
    insert.raw_bind_parameter(16, case)?;
    insert.raw_bind_parameter(18, outcome.map(|o| o.kind.number()))?;
    insert.raw_bind_parameter(19, outcome.and_then(|o| Some(o.level?.number())))?;
    insert.raw_bind_parameter(20, tags)?;
    insert.raw_bind_parameter(21, outcome.and_then(|o| o.response_ms))?;
    insert.raw_bind_parameter(22, outcome.and_then(|o| o.amended_by.map(capped)))?;
    insert.raw_bind_parameter(23, outcome.map(|o| o.call.trigger.number()))?;
    insert.raw_bind_parameter(24, outcome.and_then(|o| Some(o.call.key?.0)))?;
    let misuse = outcome.and_then(|o| o.misuse);
    insert.raw_bind_parameter(25, misuse.map(|m| m.kinds))?;
    insert.raw_bind_parameter(26, misuse.map(|m| m.touches))?;
    insert.raw_bind_parameter(27, misuse.map(|m| m.span_ms))?;
    insert.raw_bind_parameter(28, row.chain.as_bytes())?;
    Ok(())
}

impl Of<'_> {
    /// What all rows share is bound once: binding a text copies it, and there are 500 rows.
    fn rows(&self, rows: &[Row<'_>]) -> Result<(), StoreError> {
        let mut insert = self.connection.prepare_cached(INSERT_RECORD)?;
        insert.raw_bind_parameter(1, self.hall)?;
        insert.raw_bind_parameter(2, self.terminal)?;
        insert.raw_bind_parameter(3, self.stream)?;
        insert.raw_bind_parameter(6, self.received_ms)?;
        let mut bound = None;
        for row in rows {
            let place = row
                .outcome
                .as_ref()
                .map(|o| (o.window, o.department, o.channel));
            if bound != place {
                insert.raw_bind_parameter(12, place.map(|p| p.0))?;
                insert.raw_bind_parameter(13, place.map(|p| p.1))?;
                insert.raw_bind_parameter(17, place.map(|p| p.2))?;
                bound = place;
            }
            bind_row(&mut insert, row)?;
            insert.raw_execute()?;
        }
        Ok(())
    }

    fn in_turn(&self, rows: &[(u64, ChainHash)]) -> Result<(), StoreError> {
        for (seq, chain) in rows {
            self.connection
                .prepare_cached(
                    "UPDATE record SET chain = ?5 WHERE hall_id = ?1 AND terminal_id = ?2 \
                     AND stream_id = ?3 AND seq = ?4",
                )?
                .execute(params![
                    self.hall,
                    self.terminal,
                    self.stream,
                    capped(*seq),
                    chain.as_bytes()
                ])?;
        }
        Ok(())
    }

    fn amend(&self, amended: &BTreeMap<u64, Amended<'_>>) -> Result<(), StoreError> {
        for (seq, now) in amended {
            self.connection
                .prepare_cached(
                    "UPDATE record SET level = ?1, tags = ?2, amended_by = ?3 WHERE hall_id = ?4 \
                     AND terminal_id = ?5 AND stream_id = ?6 AND seq = ?7",
                )?
                .execute(params![
                    now.level.number(),
                    tag_list(now.tags),
                    capped(now.by),
                    self.hall,
                    self.terminal,
                    self.stream,
                    capped(*seq)
                ])?;
        }
        Ok(())
    }

    fn dead_letters(&self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        for letter in letters {
            self.connection
                .prepare_cached(
                    "INSERT INTO dead_letter (hall_id, terminal_id, stream_id, seq, reason, \
                     detail, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    self.hall,
                    self.terminal,
                    self.stream,
                    capped(letter.seq),
                    letter.reason.name(),
                    letter.detail,
                    self.received_ms
                ])?;
        }
        Ok(())
    }

    /// Each second history is kept once, however often it is told.
    fn second_history(&self, second: &[Second<'_>]) -> Result<(), StoreError> {
        for record in second {
            let bytes = &*record.bytes;
            self.connection
                .prepare_cached(
                    "INSERT INTO conflict VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    self.hall,
                    self.terminal,
                    self.stream,
                    capped(record.seq),
                    manyi_shared::wire::digest(bytes),
                    bytes,
                    self.received_ms
                ])?;
        }
        Ok(())
    }

    /// The stream as it stands now, and the terminal's signed word for it.
    fn stream(&self, stream: &StreamState<'_>, signed_head: &[u8]) -> Result<(), StoreError> {
        if stream.new {
            self.connection
                .prepare_cached(
                    "INSERT INTO stream (hall_id, terminal_id, stream_id, watermark, hash, \
                     window_id, channel, software, received_ms, last_ordinal, suite) \
                     VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, '', ?7, 0, ?8)",
                )?
                .execute(params![
                    self.hall,
                    self.terminal,
                    self.stream,
                    stream.hash.as_bytes(),
                    stream.window,
                    stream.channel,
                    self.received_ms,
                    stream.hash.suite().number()
                ])?;
        }
        if stream.opened {
            self.opening(stream)?;
        }
        self.connection
            .prepare_cached(
                "UPDATE stream SET watermark = ?1, hash = ?2, last_ordinal = ?3, \
                 signed_head = ?4, suite = ?8 WHERE hall_id = ?5 AND terminal_id = ?6 AND stream_id = ?7",
            )?
            .execute(params![
                capped(stream.watermark),
                stream.hash.as_bytes(),
                stream.last_ordinal,
                signed_head,
                self.hall,
                self.terminal,
                self.stream,
                stream.hash.suite().number()
            ])?;
        Ok(())
    }

    /// What the opening says.
    fn opening(&self, stream: &StreamState<'_>) -> Result<(), StoreError> {
        let previous = stream.previous.as_ref();
        self.connection
            .prepare_cached(
                "UPDATE stream SET window_id = ?1, channel = ?2, opened_ms = ?3, uptime_ms = ?4, \
                 boot_id = ?5, software = ?6, previous_stream = ?7, previous_seq = ?8, \
                 previous_hash = ?9 WHERE hall_id = ?10 AND terminal_id = ?11 AND stream_id = ?12",
            )?
            .execute(params![
                stream.window,
                stream.channel,
                stream.opening.map(|o| o.wall_ms),
                stream.opening.map(|o| capped(o.uptime_ms)),
                stream.opening.map(|o| *o.boot.as_bytes()),
                stream.software,
                previous.map(|p| *p.stream.as_bytes()),
                previous.map(|p| capped(p.seq.get())),
                previous.map(|p| *p.hash.as_bytes()),
                self.hall,
                self.terminal,
                self.stream
            ])?;
        Ok(())
    }
}

const INSERT_RECORD: &str = "INSERT INTO record (hall_id, terminal_id, stream_id, seq, bytes, \
    received_ms, kind, ordinal, at_ms, earliest_ms, latest_ms, window_id, department_id, staff_id, \
    item_code, case_number, channel, outcome, level, tags, response_ms, amended_by, \
    trigger, caller_key, misuse_kinds, misuse_touches, misuse_span_ms, chain) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
    ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)";

/// `510,512`
fn tag_list(tags: &[TagCode]) -> String {
    let codes: Vec<_> = tags.iter().map(TagCode::to_string).collect();
    codes.join(",")
}
