//! `GET /api/v1/alarms`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use crate::access::{Permission, Place};
use crate::alarm::{Alarm, Cause, current};
use crate::app::AppState;
use crate::problem::{Problem, ProblemBody};
use crate::store::faults::OpenIncident;

/// What the office should look at now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlarmsBody {
    /// By hall and window.
    alarms: Vec<AlarmBody>,
}

/// One thing that is wrong with one terminal.
#[derive(Debug, Serialize, ToSchema)]
struct AlarmBody {
    #[schema(example = "371581-01")]
    hall: String,
    #[schema(example = "A01")]
    window: String,
    /// The terminal's id.
    terminal: String,
    /// `self_test`, `profile`, `journal`, or the kind of an incident.
    #[schema(example = "self_test")]
    cause: &'static str,
    /// With `self_test`: the levels that have not arrived today, all five when none has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([2, 1]))]
    missing: Vec<u8>,
    /// With an incident: its id, by which `manyi-collector alarms --clear` knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "9f86d081884c7d65")]
    incident: Option<String>,
    /// With an incident: when the centre learnt of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-03-24T01:00:00Z")]
    at: Option<String>,
    /// What is wrong, in English.
    #[schema(example = "missing 2, 1")]
    text: String,
}

impl From<Alarm> for AlarmBody {
    fn from(alarm: Alarm) -> Self {
        let missing = match &alarm.cause {
            Cause::SelfTest(levels) => levels.iter().map(|level| level.number()).collect(),
            Cause::Profile(_) | Cause::Journal(_) | Cause::Incident(_) => Vec::new(),
        };
        let incident = match &alarm.cause {
            Cause::Incident(incident) => Some(incident),
            _ => None,
        };
        let at = incident.and_then(|i| jiff::Timestamp::from_millisecond(i.at_ms).ok());
        Self {
            hall: alarm.hall.to_string(),
            window: alarm.window.to_string(),
            terminal: alarm.terminal.to_string(),
            cause: alarm.cause.name(),
            missing,
            incident: incident.map(OpenIncident::id_text),
            at: at.map(|at| format!("{at:.0}")),
            text: alarm.cause.text(),
        }
    }
}

/// What the office should look at now
///
/// Terminals whose daily self-test did not come through by opening time, that do not obey their
/// profile, or that cannot keep their records; and incidents, which stand until somebody clears
/// them: records that may be missing, tablets that went back in time. Needs an office session or `Authorization: Bearer`
/// with an API token.
#[utoipa::path(
    get,
    path = "/api/v1/alarms",
    tag = "alarms",
    responses(
        (status = 200, body = AlarmsBody),
        (status = 401, description = "Neither session nor valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The one-time password must be changed first", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn alarms(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<AlarmsBody>, Problem> {
    caller.access.require_somewhere(Permission::SeeFleet)?;
    let mut alarms = current(state.store.as_ref(), state.clock.now_ms()).await?;
    alarms.retain(|alarm| {
        let window = Place::Window(alarm.hall.clone(), alarm.window.clone());
        caller.access.allows(Permission::SeeFleet, &window)
    });
    Ok(Json(AlarmsBody {
        alarms: alarms.into_iter().map(AlarmBody::from).collect(),
    }))
}
