//! Publishing: who froze which numbers when.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Asked, chosen, now};
use crate::access::Permission;
use crate::api::visible_halls;
use crate::app::AppState;
use crate::office::error::PageError;
use crate::office::language::Language;
use crate::office::session::LoggedIn;
use crate::problem::{Problem, ProblemType};
use crate::publish::Bulletin;
use crate::store::publications::NewPublication;

/// Characters of a reason.
const MAX_WHY: usize = 500;

/// The form.
#[derive(Debug, Deserialize)]
pub(super) struct Act {
    month: String,
    #[serde(default)]
    hall: String,
    #[serde(default)]
    why: String,
}

/// `POST /office/bulletin/publish`: freezes the bulletin as it now stands.
// needs: Publish at the hall, or everywhere for all halls
pub(super) async fn publish(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    Form(act): Form<Act>,
) -> Result<Response, PageError> {
    let to = freeze(&state, &user, act).await;
    let to = to.map_err(|problem| PageError::from(problem).speaking(language))?;
    Ok(Redirect::to(&to).into_response())
}

async fn freeze(state: &AppState, user: &LoggedIn, act: Act) -> Result<String, Problem> {
    let malformed = |detail: &str| Problem::new(ProblemType::Malformed, detail);
    let asked = Asked {
        month: Some(act.month),
        hall: Some(act.hall),
        version: None,
    };
    let access = &user.0.access;
    let halls = visible_halls(state, access, Permission::SeeScores).await?;
    let chosen = chosen(&asked, &halls, access, now(state)?)?;
    access.require(Permission::Publish, &chosen.place())?;
    let why = act.why.trim().to_owned();
    if why.chars().count() > MAX_WHY {
        return Err(malformed("the reason is longer than 500 characters"));
    }
    let month = chosen.month_number();
    let before = state.store.publication(chosen.key(), month, None).await?;
    if before.is_some() && why.is_empty() {
        return Err(malformed(
            "the month is published already; say why it is corrected",
        ));
    }
    let bulletin = Bulletin::count(state, chosen.hall, &halls, &chosen.month).await?;
    if !bulletin.complete {
        return Err(malformed("the month is not over yet"));
    }
    let content = serde_json::to_string(&bulletin.content).map_err(|error| {
        tracing::error!(%error, "could not write a bulletin down");
        Problem::internal()
    })?;
    let digest = Sha256::digest(&content).into();
    let published = NewPublication {
        hall: chosen.key(),
        month,
        content,
        digest,
        now_ms: state.clock.now_ms(),
        by: user.0.name.clone(),
        why,
    };
    let version = state.store.publish(published).await?;
    tracing::info!(
        hall = chosen.key(),
        month,
        version,
        by = user.0.name,
        digest = crate::roots::proof::hex(&digest),
        "published a bulletin"
    );
    Ok(format!(
        "/office/bulletin?month={}&hall={}&version={version}",
        chosen.month,
        chosen.key()
    ))
}
