//! API tokens: the list, making one, revoking one.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::words::AdminWords;
use super::{SecretPage, Tabs, is_name};
use crate::access::{Access, Permission, PermissionSet, Place};
use crate::api::auth::TOKEN_PREFIX;
use crate::app::AppState;
use crate::office::error::{PageError, draw};
use crate::office::format::moment;
use crate::office::frame::{Frame, Section};
use crate::office::language::Language;
use crate::office::session::LoggedIn;
use crate::office::{malformed, secret};
use crate::problem::{Problem, ProblemType};
use crate::store::users::{ApiToken, NewToken, TokenRefused};

#[derive(Debug, Template)]
#[template(path = "admin_tokens.html")]
struct TokensPage {
    frame: Frame,
    tabs: Tabs,
    tokens: Vec<TokenView>,
    /// Permissions to choose from: name, words.
    permissions: Vec<(&'static str, &'static str)>,
}

#[derive(Debug)]
struct TokenView {
    name: String,
    permissions: String,
    place: String,
    created: String,
    expires: Option<String>,
    seen: Option<String>,
    /// `valid`, `expired` or `revoked`, and in words.
    state: (&'static str, &'static str),
}

impl TokenView {
    fn of(token: ApiToken, now_ms: i64, labels: &'static AdminWords) -> Self {
        let state = match (token.revoked_ms, token.expires_ms) {
            (Some(_), _) => ("revoked", labels.revoked),
            (None, Some(expires)) if expires <= now_ms => ("expired", labels.expired),
            _ => ("valid", labels.valid),
        };
        let permissions: Vec<&str> = token
            .permissions
            .iter()
            .map(|permission| labels.permission_name(permission))
            .collect();
        Self {
            permissions: permissions.join(" · "),
            place: labels.place_name(&token.place),
            created: moment(token.created_ms),
            expires: token.expires_ms.map(moment),
            seen: token.seen_ms.map(moment),
            state,
            name: token.name,
        }
    }
}

/// Whether the caller manages a token: its place lies where the caller does.
fn manages(access: &Access, place: &Place) -> bool {
    access.allows(Permission::ManageTokens, place)
}

// needs: ManageTokens somewhere
/// `GET /office/admin/tokens`.
pub(in crate::office) async fn list(
    State(state): State<AppState>,
    logged_in: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    let listed = async {
        let access = &logged_in.0.access;
        access.require_somewhere(Permission::ManageTokens)?;
        let labels = AdminWords::of(language);
        let mut tokens = state.store.tokens().await.map_err(Problem::from)?;
        tokens.retain(|token| manages(access, &token.place));
        let now_ms = state.clock.now_ms();
        let page = TokensPage {
            frame: Frame::of(&logged_in, language, Section::Administration, &uri),
            tabs: Tabs::of(access, labels, "tokens"),
            tokens: tokens
                .into_iter()
                .map(|token| TokenView::of(token, now_ms, labels))
                .collect(),
            permissions: offered()
                .iter()
                .map(|permission| (permission.name(), labels.permission_name(permission)))
                .collect(),
        };
        draw(StatusCode::OK, &page)
    };
    listed
        .await
        .map_err(|error: PageError| error.speaking(language))
}

/// What a token may be given: a program manages neither people nor tokens.
pub(crate) fn offered() -> PermissionSet {
    Permission::all()
        .filter(|permission| {
            !matches!(
                permission,
                Permission::ManagePeople | Permission::ManageTokens
            )
        })
        .collect()
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let mut values = fields.iter().filter(|(n, _)| n == name);
    values.next().map_or("", |(_, value)| value.trim())
}

/// What a form asks for.
fn asked(fields: &[(String, String)], access: &Access, now_ms: i64) -> Result<NewToken, Problem> {
    let name = value(fields, "name");
    if !is_name(name) {
        return Err(malformed("`name` must have 1 to 64 printable characters"));
    }
    let place: Place = value(fields, "place")
        .parse()
        .map_err(|error: crate::access::InvalidPlace| malformed(&error.to_string()))?;
    if !manages(access, &place) {
        return Err(malformed(&TokenRefused::NoSuchPlace.to_string()));
    }
    let chosen = fields.iter().filter(|(n, _)| n == "permission");
    let chosen = chosen.map(|(_, value)| {
        Permission::from_name(value).ok_or_else(|| malformed("`permission` is not a permission"))
    });
    let chosen: PermissionSet = chosen.collect::<Result<_, _>>()?;
    let permissions = chosen.both(offered());
    if permissions.is_empty() {
        return Err(malformed("a token needs a permission"));
    }
    Ok(NewToken {
        digest: [0; 32],
        name: name.to_owned(),
        permissions,
        place,
        expires_ms: expiry(value(fields, "expires"), now_ms)?,
    })
}

/// The end of the day that was chosen.
fn expiry(text: &str, now_ms: i64) -> Result<Option<i64>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let day: Option<Date> = text.parse().ok();
    let end = day
        .and_then(|day| day.tomorrow().ok())
        .and_then(|day| day.to_zoned(TimeZone::system()).ok())
        .map(|end| end.timestamp().as_millisecond());
    match end {
        Some(end) if end > now_ms => Ok(Some(end)),
        _ => Err(malformed(
            "`expires` must be a day from today on, as 2026-12-31",
        )),
    }
}

// needs: ManageTokens at the token's place
/// `POST /office/admin/tokens`: a new token, shown once.
pub(in crate::office) async fn add(
    State(state): State<AppState>,
    logged_in: LoggedIn,
    language: Language,
    uri: Uri,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let added = async {
        let access = &logged_in.0.access;
        access.require_somewhere(Permission::ManageTokens)?;
        let now_ms = state.clock.now_ms();
        let mut new = asked(&fields, access, now_ms)?;
        let token = format!("{TOKEN_PREFIX}{}", secret::token()?);
        new.digest = secret::digest(&token);
        let name = new.name.clone();
        let by = logged_in.0.by.clone();
        let kept = state.store.add_token(new, by, now_ms).await;
        kept.map_err(Problem::from)?
            .map_err(|refused| match refused {
                TokenRefused::Taken => Problem::new(ProblemType::Conflict, refused.to_string()),
                TokenRefused::NoSuchPlace => malformed(&refused.to_string()),
            })?;
        let labels = AdminWords::of(language);
        let page = SecretPage {
            frame: Frame::of(&logged_in, language, Section::Administration, &uri),
            tabs: Tabs::of(access, labels, "tokens"),
            title: format!("{}{name}", labels.token_made),
            advice: labels.token_advice,
            secret: token,
            back: "/office/admin/tokens".to_owned(),
        };
        draw(StatusCode::OK, &page)
    };
    added
        .await
        .map_err(|error: PageError| error.speaking(language))
}

// needs: ManageTokens at the token's place
/// `POST /office/admin/tokens/revoke`.
pub(in crate::office) async fn revoke(
    State(state): State<AppState>,
    LoggedIn(person): LoggedIn,
    language: Language,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let revoked = async {
        person.access.require_somewhere(Permission::ManageTokens)?;
        let name = value(&fields, "name").to_owned();
        let tokens = state.store.tokens().await.map_err(Problem::from)?;
        let mut found = tokens
            .iter()
            .filter(|token| token.name == name && token.revoked_ms.is_none());
        if !found.any(|token| manages(&person.access, &token.place)) {
            return Err(Problem::not_found().into());
        }
        let by = person.by.clone();
        let gone = state.store.revoke_token(name, by, state.clock.now_ms());
        if !gone.await.map_err(Problem::from)? {
            return Err(Problem::not_found().into());
        }
        Ok(Redirect::to("/office/admin/tokens").into_response())
    };
    revoked
        .await
        .map_err(|error: PageError| error.speaking(language))
}
