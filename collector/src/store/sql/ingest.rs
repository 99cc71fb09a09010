//! Ingest: reads what a decision needs, lets it be made, makes it durable.
//!
//! All of it runs in one writing job that shares its hall with other terminals' and has the terminal
//! for itself: what was read still holds when it is acted upon.

mod beside;
mod boots;
mod folds;
mod held;
mod incidents;
mod past;
pub(crate) mod replay;
mod rescue;
mod rows;
mod stream;
pub(crate) mod whole;

use manyi_shared::domain::TerminalId;
use manyi_shared::wire::{PublicKey, ReplyStatus};

use super::proof::days;
use super::{Db, capped, code, prompts, tally, values};
use crate::ingest::{Delivery, Incident, Plan, Receipt, Span, Verdicts, decide};
use crate::store::{KnownTerminal, StoreError, TerminalState};
use rows::tag_list;

/// What is known of a terminal.
pub(crate) fn terminal(db: &Db<'_>, id: TerminalId) -> Result<Option<KnownTerminal>, StoreError> {
    db.row(
        "SELECT hall_id, public_key, state, next_key, rotate_wanted FROM terminal \
         WHERE terminal_id = ?1",
        values![id.as_bytes()],
        |row| {
            let next_key: Option<&[u8]> = row.get(3)?;
            Ok(KnownTerminal {
                hall: code(row.get(0)?, "terminal.hall_id")?,
                key: PublicKey::from_bytes(row.get(1)?).ok_or(StoreError::Corrupt {
                    column: "terminal.public_key",
                })?,
                next_key: next_key.and_then(PublicKey::from_bytes),
                rotate_wanted: row.get(4)?,
                revoked: TerminalState::named(row.get(2)?) == TerminalState::Revoked,
            })
        },
    )
}

/// Decides on a delivery and stores what was decided.
pub(crate) fn ingest(db: &Db<'_>, mut delivery: Delivery) -> Result<Receipt, StoreError> {
    db.lock_hall_shared(delivery.hall.as_str())?;
    db.lock_terminal(delivery.hall.as_str(), delivery.head.terminal)?;
    // Nothing is received into a day whose root may be published, whatever the clock says.
    delivery.received_ms = days::after_published(db, &delivery.hall, delivery.received_ms)?;
    let delivery = &delivery;
    let held = held::load(db, delivery)?;
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
    let happened = store(db, delivery, &plan, at)?;
    let happened = plan.incidents.iter().chain(&happened);
    let terminal = (&delivery.hall, delivery.head.terminal);
    receipt.incidents = incidents::raise(db, terminal, at, delivery.received_ms, happened)?;
    if plan.touch_terminal {
        prompts::receive(db, delivery, window)?;
    }
    receipt.prompts = prompts::waiting(db, delivery, window)?;
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
    db: &Db<'_>,
    delivery: &Delivery,
    plan: &Plan<'_>,
    window: &str,
) -> Result<Vec<Incident>, StoreError> {
    if !plan.touch_terminal {
        return Ok(Vec::new());
    }
    touch_terminal(db, delivery, plan)?;
    let mut happened = Vec::new();
    if let Some(span) = Span::of(&delivery.head) {
        happened = store_span(db, delivery, plan, &span, window)?;
    }
    boots::store(db, delivery, plan)?;
    Ok(happened)
}

fn store_span(
    db: &Db<'_>,
    delivery: &Delivery,
    plan: &Plan<'_>,
    span: &Span,
    window: &str,
) -> Result<Vec<Incident>, StoreError> {
    let of = Of {
        db,
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
    tally::apply(db, of.hall, &plan.deltas)?;
    if plan.whole {
        of.settle()?;
    }
    if plan.rescues.is_empty() {
        return Ok(Vec::new());
    }
    of.rescue(delivery, plan, window)
}

/// Number and health of the terminal.
fn touch_terminal(db: &Db<'_>, delivery: &Delivery, plan: &Plan<'_>) -> Result<(), StoreError> {
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
    let rated = health.screen.as_ref().and_then(|s| s.last_rating_ms);
    db.execute(
        "UPDATE terminal SET last_number = ?1, last_seen_ms = ?2, software = ?3, \
         progress_ms = CASE WHEN CAST(?4 AS BIGINT) = 0 OR ?4 < backlog OR progress_ms IS NULL THEN ?2 \
         ELSE progress_ms END, backlog = ?4, \
         oldest_unsent_ms = ?5, disk_free_bytes = ?6, profile_version = ?7, \
         synchronised = ?8, wall_offset_ms = ?9, profile_problem = ?10, \
         journal_problem = ?11, health = ?12, uptime_ms = ?13, boot_id = ?14, \
         last_rating_ms = COALESCE(CAST(?15 AS BIGINT), last_rating_ms) \
         WHERE hall_id = ?16 AND terminal_id = ?17",
        values![
            capped(head.number),
            delivery.received_ms,
            &health.software,
            capped(health.backlog.saturating_sub(taken)),
            health.oldest_unsent_ms.map(capped),
            health.disk_free_bytes.map(capped),
            head.profile_version,
            head.clock.synchronised,
            head.clock.wall_ms.saturating_sub(delivery.received_ms),
            &health.profile_problem,
            &health.journal_problem,
            health.encode(),
            capped(head.clock.uptime_ms),
            head.clock.boot.as_bytes(),
            rated,
            delivery.hall.as_str(),
            head.terminal.as_bytes()
        ],
    )
    .map(drop)
}

/// One stream's rows.
#[derive(Clone, Copy)]
struct Of<'a> {
    db: &'a Db<'a>,
    hall: &'a str,
    terminal: &'a [u8; 16],
    stream: &'a [u8; 16],
    received_ms: i64,
}
