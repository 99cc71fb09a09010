//! `manyi-sync enrol` while the daemon waits for an identity: the daemon holds the data folder, so
//! the command hands it address and code and waits for what it says.

use std::time::Duration;

use manyi_shared::tablet::{
    DataDir, EnrolOrder, EnrolProblem, EnrolProgress, EnrolState, FileError, Identity, wake,
};

use super::{EnrolError, Enrolment};
use crate::lock::LockError;

/// Between two looks at what the daemon says.
const LOOK: Duration = Duration::from_millis(100);

/// The daemon looks at least once a minute, and its longest try takes half of one.
const PATIENCE: Duration = Duration::from_secs(120);

/// Enrols the terminal, by the daemon when one waits for an identity here.
///
/// # Errors
/// [`EnrolError`]; no identity was written, so the same command can be run again.
pub async fn enrol_or_hand_over(enrolment: Enrolment) -> Result<Identity, EnrolError> {
    let order = EnrolOrder {
        collector: enrolment.collector_url.clone(),
        code: enrolment.code.to_string(),
    };
    let data = enrolment.data.clone();
    let held = match super::enrol(enrolment).await {
        Err(EnrolError::Lock(held @ LockError::Held { .. })) => held,
        ended => return ended,
    };
    if data.identity().exists() {
        return Err(held.into());
    }
    hand_over(&data, &order).await
}

async fn hand_over(data: &DataDir, order: &EnrolOrder) -> Result<Identity, EnrolError> {
    let path = data.enrol_progress();
    // What the daemon said before must not be taken for its answer to this.
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(FileError {
                doing: "remove",
                path,
                source,
            }
            .into());
        }
        _ => {}
    }
    order.write(&data.enrol_order())?;
    // Without the wake the daemon's timer finds the order.
    drop(wake(&data.wake_socket()));
    let answer = async {
        loop {
            let said = EnrolProgress::read(&path).filter(|_| !data.enrol_order().exists());
            match said.map(|said| (said.state, said)) {
                Some((EnrolState::Done, _)) => return Ok(Identity::read(&data.identity())?),
                Some((EnrolState::Failed, said)) => return Err(failed(said)),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    };
    let answered = tokio::time::timeout(PATIENCE, answer).await;
    answered.unwrap_or_else(|_| {
        // Not left lying: it is a secret.
        drop(EnrolOrder::take(&data.enrol_order()));
        Err(EnrolError::NoWord)
    })
}

fn failed(said: EnrolProgress) -> EnrolError {
    EnrolError::ByDaemon {
        problem: said.problem.unwrap_or(EnrolProblem::Other),
        detail: said.detail,
    }
}
