//! `GET /api/v1/fleet` and `GET /api/v1/fleet/{terminal}`.

use axum::Json;
use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use crate::access::Permission;
use crate::app::AppState;
use crate::fleet::{Seen, Shown, State as FleetState};
use crate::office::fleet::{FleetQuery, one, visible};
use crate::problem::{Problem, ProblemBody};
use crate::store::fleet::{FleetTerminal, PastState};

/// States of a terminal that an answer has.
const HISTORY: u32 = 100;

/// Every terminal that the caller may see.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FleetBody {
    /// The worst first.
    terminals: Vec<TerminalBody>,
}

/// A terminal and its state.
#[derive(Debug, Serialize, ToSchema)]
struct TerminalBody {
    /// The terminal's id.
    terminal: String,
    #[schema(example = "371581-01")]
    hall: String,
    #[schema(example = "A01")]
    window: String,
    /// The number over the window.
    window_number: String,
    /// `ready`, `paused`, `syncing`, `degraded`, `offline`, `never_seen` or `retired`. Follows from the
    /// last heartbeat and is wrong for at most two minutes.
    #[schema(example = "degraded")]
    state: &'static str,
    /// Why it is degraded, the gravest first.
    #[schema(example = json!(["not_painting"]))]
    reasons: Vec<&'static str>,
    /// Where its identity stands: `active`, `replaced` or `revoked`.
    identity: &'static str,
    #[serde(flatten)]
    heartbeat: Option<HeartbeatBody>,
    /// The profile it obeys; 0 for none.
    profile_version: u32,
    /// The profile it should obey.
    wanted_profile_version: u32,
    /// The latest rating that it has spoken of; never its level.
    last_rating_at: Option<String>,
    /// Incidents that nobody has cleared.
    open_incidents: usize,
}

/// What its last heartbeat said.
#[derive(Debug, Serialize, ToSchema)]
struct HeartbeatBody {
    /// When it was here.
    last_seen_at: Option<String>,
    /// Records that are not here.
    backlog: u64,
    /// Age of the oldest of them then, in milliseconds; null when it is not known.
    oldest_unsent_ms: Option<u64>,
    /// Its wall clock minus the centre's, in milliseconds.
    clock_offset_ms: i64,
    /// Whether a time service has set its clock.
    clock_synchronised: bool,
    uptime_ms: u64,
    boot: Option<String>,
    /// The daemon.
    software: String,
    disk_free_bytes: Option<u64>,
    disk_total_bytes: Option<u64>,
    /// Thousandths of a degree Celsius.
    temperature_mc: Option<i32>,
    profile_problem: Option<String>,
    journal_problem: Option<String>,
    /// What the terminal program said of its screen; null when it said nothing.
    screen: Option<ScreenBody>,
}

/// What the terminal program said of its screen.
#[derive(Debug, Serialize, ToSchema)]
struct ScreenBody {
    /// The terminal program.
    software: String,
    /// `idle`, `asking`, `paused`, `out_of_service` or `staff`.
    page: Option<&'static str>,
    /// `paints`, `stands` or `silent`.
    painting: &'static str,
    /// Turns of the event loop that were painted.
    frames: u64,
    /// Turns of the event loop.
    turns: u64,
    /// When the last frame was painted.
    last_frame_at: Option<String>,
    /// Whether its last self-test put all five levels on the card; null when there was none.
    self_test_good: Option<bool>,
}

/// One terminal with what it was.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OneBody {
    #[serde(flatten)]
    terminal: TerminalBody,
    /// Its states, the newest first.
    states: Vec<PastBody>,
}

/// A state that a terminal had.
#[derive(Debug, Serialize, ToSchema)]
struct PastBody {
    since: Option<String>,
    state: String,
    reasons: Vec<String>,
}

impl PastBody {
    fn of(past: PastState) -> Self {
        Self {
            since: instant(past.since_ms),
            state: past.state,
            reasons: past.reasons.split_whitespace().map(str::to_owned).collect(),
        }
    }
}

fn instant(ms: i64) -> Option<String> {
    let at = Timestamp::from_millisecond(ms).ok()?;
    Some(format!("{at:.0}"))
}

impl TerminalBody {
    fn of(terminal: &FleetTerminal, shown: &Shown) -> Self {
        let boot = terminal
            .boot
            .map(|id| uuid::Uuid::from_bytes(id).to_string());
        Self {
            terminal: terminal.watched.terminal.to_string(),
            hall: terminal.watched.hall.to_string(),
            window: terminal.watched.window.to_string(),
            window_number: terminal.window_number.clone(),
            state: shown.state.name(),
            reasons: shown.reasons.iter().map(|reason| reason.name()).collect(),
            identity: terminal.state.name(),
            heartbeat: terminal
                .seen
                .as_ref()
                .map(|seen| HeartbeatBody::of(seen, boot)),
            profile_version: terminal.profile_version,
            wanted_profile_version: terminal.wanted_version,
            last_rating_at: terminal.last_rating_ms.and_then(instant),
            open_incidents: terminal.incidents.len(),
        }
    }
}

impl HeartbeatBody {
    fn of(seen: &Seen, boot: Option<String>) -> Self {
        let health = &seen.health;
        Self {
            last_seen_at: instant(seen.at_ms),
            backlog: seen.backlog,
            oldest_unsent_ms: health.oldest_unsent_ms,
            clock_offset_ms: seen.clock_off_ms,
            clock_synchronised: seen.synchronised,
            uptime_ms: seen.uptime_ms,
            boot,
            software: health.software.clone(),
            disk_free_bytes: health.disk_free_bytes,
            disk_total_bytes: health.board.and_then(|board| board.disk_total_bytes),
            temperature_mc: health.board.and_then(|board| board.temperature_mc),
            profile_problem: health.profile_problem.clone(),
            journal_problem: health.journal_problem.clone(),
            screen: ScreenBody::of(seen),
        }
    }
}

impl ScreenBody {
    fn of(seen: &Seen) -> Option<Self> {
        let screen = seen.health.screen.as_ref()?;
        let drawn = screen.drawn_uptime_ms.map(|at| {
            let age = seen.uptime_ms.saturating_sub(at);
            seen.at_ms.saturating_sub_unsigned(age)
        });
        Some(Self {
            software: screen.software.clone(),
            page: screen.shown().map(|page| page.name()),
            painting: screen.painting(seen.uptime_ms).name(),
            frames: screen.frames,
            turns: screen.turns,
            last_frame_at: drawn.and_then(instant),
            self_test_good: screen.self_test.map(|test| test.good),
        })
    }
}

/// The fleet
///
/// Every terminal that the caller may see, the worst first. Needs an office session or
/// `Authorization: Bearer` with an API token.
#[utoipa::path(
    get,
    path = "/api/v1/fleet",
    tag = "fleet",
    params(
        ("hall" = Option<String>, Query, description = "Of this hall only"),
        ("state" = Option<String>, Query, description = "In this state only"),
    ),
    responses(
        (status = 200, body = FleetBody),
        (status = 401, description = "Neither session nor valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The caller may not see the fleet", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such hall", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
// needs: SeeFleet at the window of each terminal
pub(super) async fn fleet(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<FleetQuery>,
) -> Result<Json<FleetBody>, Problem> {
    let wanted = match query.state.as_deref().filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(FleetState::named(name).ok_or_else(Problem::not_found)?),
    };
    let seen = visible(&state, &caller.access, &query).await?;
    let terminals = seen
        .iter()
        .filter(|(_, shown)| wanted.is_none_or(|wanted| shown.state == wanted))
        .map(|(terminal, shown)| TerminalBody::of(terminal, shown))
        .collect();
    Ok(Json(FleetBody { terminals }))
}

/// One terminal
///
/// With the states that it had. Needs an office session or `Authorization: Bearer` with an API token.
#[utoipa::path(
    get,
    path = "/api/v1/fleet/{terminal}",
    tag = "fleet",
    params(("terminal" = String, Path, description = "The terminal's id")),
    responses(
        (status = 200, body = OneBody),
        (status = 401, description = "Neither session nor valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such terminal", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
// needs: SeeFleet at the terminal's window
pub(super) async fn terminal(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<OneBody>, Problem> {
    let terminal = one(&state, &caller.access, Permission::SeeFleet, &id).await?;
    let shown = terminal.shown(state.clock.now_ms());
    let id = terminal.watched.terminal;
    let past = state.store.past_states(id, HISTORY).await?;
    Ok(Json(OneBody {
        terminal: TerminalBody::of(&terminal, &shown),
        states: past.into_iter().map(PastBody::of).collect(),
    }))
}
