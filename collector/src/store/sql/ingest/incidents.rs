//! Incidents: told once, kept until somebody clears them, and after that.

use manyi_shared::domain::{HallId, TerminalId};

use crate::ingest::Incident;
use crate::store::StoreError;
use crate::store::sql::{Db, capped, values};

/// Stores what happened; gives back what is new.
pub(super) fn raise<'i>(
    db: &Db<'_>,
    (hall, terminal): (&HallId, TerminalId),
    window: &str,
    now_ms: i64,
    incidents: impl Iterator<Item = &'i Incident>,
) -> Result<Vec<Incident>, StoreError> {
    let mut raised = Vec::new();
    for incident in incidents {
        let new = db.execute(
            "INSERT INTO incident (hall_id, incident_id, kind, window_id, terminal_id, stream_id, \
             from_seq, until_seq, earliest_ms, latest_ms, records, detail, at_ms) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
             ON CONFLICT DO NOTHING",
            values![
                hall.as_str(),
                incident.id(terminal),
                incident.kind.name(),
                window,
                terminal.as_bytes(),
                incident.stream.as_ref().map(|stream| stream.as_bytes()),
                incident.from.map(capped),
                incident.until.map(capped),
                incident.earliest_ms,
                incident.latest_ms,
                incident.records.map(capped),
                incident.text(),
                now_ms
            ],
        )?;
        if new > 0 {
            raised.push(incident.clone());
        }
    }
    Ok(raised)
}
