//! The language of a page: `?lang=`, else the cookie it left, else Chinese.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::session::cookie;
use super::words::{EN, Words, ZH};

const COOKIE_NAME: &str = "manyi_lang";

/// A language of the office pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Language {
    #[default]
    Chinese,
    English,
}

impl Language {
    /// The language a request asks for.
    pub(super) fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let asked = asked(uri).or_else(|| cookie(headers, COOKIE_NAME).and_then(Self::from_code));
        asked.unwrap_or_default()
    }

    fn from_code(code: &str) -> Option<Self> {
        match code {
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The code in `?lang=`, in the cookie and in the database.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Chinese => "zh",
            Self::English => "en",
        }
    }

    /// The pages' words.
    pub(super) const fn words(self) -> &'static Words {
        match self {
            Self::Chinese => &ZH,
            Self::English => &EN,
        }
    }

    /// The text in this language.
    pub(super) fn pick(self, text: crate::score::Bilingual) -> String {
        match self {
            Self::Chinese => text.zh.into_owned(),
            Self::English => text.en.into_owned(),
        }
    }
}

fn asked(uri: &Uri) -> Option<Language> {
    let pairs = uri.query().unwrap_or_default().split('&');
    pairs
        .filter_map(|pair| pair.strip_prefix("lang="))
        .find_map(Language::from_code)
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &parts.uri))
    }
}

/// The cookie that remembers a language, by its code.
pub(super) fn cookie_of(code: &str) -> Option<&'static str> {
    match Language::from_code(code)? {
        Language::Chinese => Some("manyi_lang=zh; Path=/; Max-Age=31536000; SameSite=Strict"),
        Language::English => Some("manyi_lang=en; Path=/; Max-Age=31536000; SameSite=Strict"),
    }
}

/// Keeps a language that was asked for by `?lang=` for the next pages.
pub(super) async fn remember(request: Request, next: Next) -> Response {
    let asked = asked(request.uri());
    let mut response = next.run(request).await;
    let Some(value) = asked.and_then(|language| cookie_of(language.code())) else {
        return response;
    };
    response
        .headers_mut()
        .append(SET_COOKIE, HeaderValue::from_static(value));
    response
}
