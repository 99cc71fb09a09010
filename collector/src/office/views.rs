//! Saved views: a user's own names for addresses of pages. Nobody else sees them.

mod words;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::error::{PageError, draw};
use super::frame::{Frame, Section};
use super::language::Language;
use super::session::LoggedIn;
use crate::app::AppState;
use crate::problem::Problem;
use crate::store::views::{MOST_VIEWS, SavedView};
use words::ViewWords;

/// The longest name, in characters.
pub(super) const MAX_NAME: usize = 60;

/// The longest address, in bytes: far more than all filters together.
const MAX_ADDRESS: usize = 1_000;

const PATH: &str = "/office/views";

#[derive(Debug, Template)]
#[template(path = "views.html")]
struct ViewsPage {
    frame: Frame,
    own: &'static ViewWords,
    refused: Option<String>,
    views: Vec<SavedView>,
}

/// `GET /office/views`: one's own views.
pub(super) async fn page(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    list(&state, &user, language, &uri, None).await
}

async fn list(
    state: &AppState,
    user: &LoggedIn,
    language: Language,
    uri: &Uri,
    refused: Option<Refusal>,
) -> Result<Response, PageError> {
    let views = state.store.views(user.0.name.clone()).await;
    let views = views.map_err(|error| PageError::new(error.into(), language).at(uri))?;
    let own = ViewWords::of(language);
    let page = ViewsPage {
        frame: Frame::of(user, language, Section::Account, uri),
        own,
        refused: refused.map(|refusal| own.refused(refusal)),
        views,
    };
    let status = if refused.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    draw(status, &page).map_err(|error| error.speaking(language))
}

/// The form on a page that saves its address.
#[derive(Debug, Deserialize)]
pub(super) struct Save {
    name: String,
    address: String,
}

/// Why a view is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Name,
    Address,
    TooMany,
}

/// `POST /office/views`: keeps an address, and goes back to it.
pub(super) async fn save(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Form(save): Form<Save>,
) -> Result<Response, PageError> {
    let (name, address) = match checked(&save) {
        Ok(view) => view,
        Err(refusal) => return list(&state, &user, language, &uri, Some(refusal)).await,
    };
    let kept = state
        .store
        .save_view(user.0.name.clone(), name, address, state.clock.now_ms());
    match kept.await {
        Ok(Ok(())) => Ok(Redirect::to(PATH).into_response()),
        Ok(Err(_)) => list(&state, &user, language, &uri, Some(Refusal::TooMany)).await,
        Err(error) => Err(PageError::new(error.into(), language).at(&uri)),
    }
}

/// A name without surrounding spaces, and an address of the office's pages: never of another site,
/// whatever a form says.
fn checked(save: &Save) -> Result<(String, String), Refusal> {
    let name = save.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Refusal::Name);
    }
    let address = save.address.as_str();
    let parsed: Uri = address.parse().map_err(|_| Refusal::Address)?;
    let own = parsed.host().is_none()
        && (parsed.path() == "/office" || parsed.path().starts_with("/office/"));
    if !own || address.len() > MAX_ADDRESS || address.contains("//") {
        return Err(Refusal::Address);
    }
    Ok((name.to_owned(), address.to_owned()))
}

/// The form that forgets one.
#[derive(Debug, Deserialize)]
pub(super) struct Forget {
    id: i64,
}

/// `POST /office/views/forget`.
pub(super) async fn forget(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Form(forget): Form<Forget>,
) -> Result<Response, PageError> {
    let gone = state
        .store
        .forget_view(user.0.name.clone(), forget.id)
        .await;
    match gone.map_err(Problem::from) {
        Ok(true) => Ok(Redirect::to(PATH).into_response()),
        Ok(false) => Err(PageError::new(Problem::not_found(), language).at(&uri)),
        Err(problem) => Err(PageError::new(problem, language).at(&uri)),
    }
}

impl ViewWords {
    fn refused(&self, refusal: Refusal) -> String {
        match refusal {
            Refusal::Name => self.bad_name.replace("{}", &MAX_NAME.to_string()),
            Refusal::Address => self.bad_address.to_owned(),
            Refusal::TooMany => self.too_many.replace("{}", &MOST_VIEWS.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(name: &str, address: &str) -> Result<(String, String), Refusal> {
        checked(&Save {
            name: name.to_owned(),
            address: address.to_owned(),
        })
    }

    #[rstest::rstest]
    #[case("/office")]
    #[case("/office?range=last_month&hall=H1")]
    #[case("/office/compare?by=window&sort=bad")]
    fn an_address_of_the_office_is_kept(#[case] address: &str) {
        let kept = save("  上月窗口 ", address);
        assert_eq!(kept, Ok(("上月窗口".to_owned(), address.to_owned())));
    }

    #[rstest::rstest]
    #[case::other_site("https://evil.example/office")]
    #[case::other_site_without_scheme("//evil.example/office")]
    #[case::hidden_site("/office//evil.example")]
    #[case::script("javascript:alert(1)")]
    #[case::other_path("/logout")]
    #[case::nearly("/officer")]
    #[case::nothing("")]
    fn an_address_of_anything_else_is_refused(#[case] address: &str) {
        assert_eq!(save("x", address), Err(Refusal::Address));
    }

    #[rstest::rstest]
    #[case::empty("  ".to_owned())]
    #[case::long("长".repeat(61))]
    #[case::line("a\nb".to_owned())]
    fn a_name_that_says_nothing_or_too_much_is_refused(#[case] name: String) {
        assert_eq!(save(&name, "/office"), Err(Refusal::Name));
        assert!(save(&"长".repeat(60), "/office").is_ok());
    }

    #[test]
    fn an_endless_address_is_refused() {
        let address = format!("/office?item={}", "1".repeat(MAX_ADDRESS));
        assert_eq!(save("x", &address), Err(Refusal::Address));
    }
}
