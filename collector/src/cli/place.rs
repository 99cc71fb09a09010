//! Which hall and window a command is about.

use anyhow::{Context, bail};
use manyi_shared::domain::{HallId, WindowId};

use crate::store::{HallSummary, IngestStore};

/// The hall that was named, or the only one.
///
/// # Errors
/// When there is none, no such, or more than one to choose from.
pub(super) async fn chosen(
    store: &impl IngestStore,
    named: Option<&HallId>,
) -> anyhow::Result<HallSummary> {
    let mut halls = store.halls().await?;
    if halls.is_empty() {
        bail!("there is no hall yet; load one with `manyi-collector hall import DIR`")
    }
    if let Some(id) = named {
        let found = halls.into_iter().find(|hall| hall.id == *id);
        return found.with_context(|| format!("there is no hall `{id}`"));
    }
    match (halls.pop(), halls.as_slice()) {
        (Some(only), []) => Ok(only),
        (last, others) => {
            let all = others.iter().chain(&last);
            let ids: Vec<_> = all.map(|hall| hall.id.as_str()).collect();
            bail!(
                "there is more than one hall; choose with --hall: {}",
                ids.join(", ")
            )
        }
    }
}

/// Checks that the hall has the window.
///
/// # Errors
/// When it has not.
pub(super) fn has(hall: &HallSummary, window: &WindowId) -> anyhow::Result<()> {
    if hall.windows.contains(window) {
        return Ok(());
    }
    bail!(
        "hall {} has no window `{window}`; see its windows.csv",
        hall.id
    )
}
