//! Setting up the second factor, and taking it away.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;

use super::totp;
use crate::app::AppState;
use crate::office::account::AccountWords;
use crate::office::error::{PageError, draw};
use crate::office::frame::{Frame, Section};
use crate::office::language::Language;
use crate::office::password::{is_own, refused_change};
use crate::office::secret::recovery_digest;
use crate::office::session::{LoggedIn, Person};
use crate::problem::Problem;
use crate::store::users::UserChange;

#[derive(Debug, Template)]
#[template(path = "second_factor.html")]
struct FactorPage {
    frame: Frame,
    labels: &'static AccountWords,
    svg: String,
    key: String,
    refused: Option<&'static str>,
}

#[derive(Debug, Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage {
    frame: Frame,
    labels: &'static AccountWords,
    codes: Vec<String>,
}

/// What an account page is drawn with.
struct Scene {
    frame: Frame,
    labels: &'static AccountWords,
}

impl Scene {
    fn of(logged_in: &LoggedIn, language: Language, uri: &Uri) -> Self {
        Self {
            frame: Frame::of(logged_in, language, Section::Account, uri),
            labels: AccountWords::of(language),
        }
    }
}

/// The forms.
#[derive(Deserialize)]
pub(in crate::office) struct Begin {
    password: String,
}

#[derive(Deserialize)]
pub(in crate::office) struct Confirm {
    code: String,
}

/// `POST /account/second-factor`: makes a secret and shows it. The one in use stays until the new
/// one is confirmed.
pub(in crate::office) async fn begin(
    State(state): State<AppState>,
    logged_in: LoggedIn,
    language: Language,
    uri: Uri,
    Form(form): Form<Begin>,
) -> Result<Response, PageError> {
    let scene = Scene::of(&logged_in, language, &uri);
    let begun = async {
        let person = logged_in.0;
        if !is_own(&state, &person, form.password).await? {
            let labels = scene.labels;
            let problem = super::super::malformed(labels.password_wrong);
            return Err(PageError::from(problem));
        }
        let secret = super::new_secret()?;
        let sealed = super::seal(&state.keys, &person.name, &secret)?;
        change(&state, &person, UserChange::OfferFactor { sealed }).await?;
        show(scene, &secret, &person.name, None)
    };
    begun
        .await
        .map_err(|error: PageError| error.speaking(language))
}

fn show(
    scene: Scene,
    secret: &[u8],
    user: &str,
    refused: Option<&'static str>,
) -> Result<Response, PageError> {
    let code = QrCode::new(totp::uri(secret, user)).map_err(|error| {
        tracing::error!(%error, "could not make the code of a second factor");
        Problem::internal()
    })?;
    let svg = code
        .render::<svg::Color<'_>>()
        .min_dimensions(220, 220)
        .build();
    // A page has an element, not a document.
    let svg = svg
        .find("<svg")
        .and_then(|at| svg.get(at..))
        .unwrap_or_default();
    let key: Vec<char> = totp::base32(secret).chars().collect();
    let groups: Vec<String> = key.chunks(4).map(|group| group.iter().collect()).collect();
    let page = FactorPage {
        frame: scene.frame,
        labels: scene.labels,
        svg: svg.to_owned(),
        key: groups.join(" "),
        refused,
    };
    let status = if refused.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    draw(status, &page)
}

/// `POST /account/second-factor/confirm`: a code shows that the app has the secret. Recovery codes
/// are shown, once.
pub(in crate::office) async fn confirm(
    State(state): State<AppState>,
    logged_in: LoggedIn,
    language: Language,
    uri: Uri,
    Form(form): Form<Confirm>,
) -> Result<Response, PageError> {
    let scene = Scene::of(&logged_in, language, &uri);
    let confirmed = async {
        let person = logged_in.0;
        let pending = person.user.pending_factor.as_ref();
        let secret = pending.and_then(|sealed| super::open(&state.keys, &person.name, sealed));
        let Some(secret) = secret else {
            return Ok(Redirect::to("/account").into_response());
        };
        let now_ms = state.clock.now_ms();
        let Some(step) = totp::matching(&secret, &form.code, now_ms, 0) else {
            let wrong = scene.labels.code_wrong;
            return show(scene, &secret, &person.name, Some(wrong));
        };
        let codes = super::new_recovery_codes()?;
        let digests = codes.iter().map(|code| recovery_digest(code)).collect();
        let wanted = UserChange::ConfirmFactor {
            step,
            codes: digests,
        };
        change(&state, &person, wanted).await?;
        let page = CodesPage {
            frame: scene.frame,
            labels: scene.labels,
            codes,
        };
        draw(StatusCode::OK, &page)
    };
    confirmed
        .await
        .map_err(|error: PageError| error.speaking(language))
}

/// `POST /account/second-factor/remove`.
pub(in crate::office) async fn remove(
    State(state): State<AppState>,
    LoggedIn(person): LoggedIn,
    language: Language,
    Form(form): Form<Begin>,
) -> Result<Response, PageError> {
    let removed = async {
        if !is_own(&state, &person, form.password).await? {
            let problem = super::super::malformed(AccountWords::of(language).password_wrong);
            return Err(PageError::from(problem));
        }
        change(&state, &person, UserChange::RemoveFactor).await?;
        Ok(Redirect::to("/account").into_response())
    };
    removed.await.map_err(|error| error.speaking(language))
}

async fn change(state: &AppState, person: &Person, wanted: UserChange) -> Result<(), Problem> {
    let (name, by) = (person.name.clone(), person.by.clone());
    let changed = state
        .store
        .change_user(name, wanted, by, state.clock.now_ms());
    changed.await?.map_err(refused_change)
}
