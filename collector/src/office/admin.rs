//! 管理: people and what they may do, API tokens, the audit log.
//!
//! **Invariants**
//! 1. Whoever manages people at a place sees and changes only users all of whose roles lie there,
//!    and gives roles only there. Others look as if there were none.
//! 2. A one-time password or a token is in the answer to the request that made it, and nowhere else.

pub(super) mod audit;
pub(super) mod people;
pub(crate) mod tokens;
pub(super) mod words;

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};

use super::error::PageError;
use super::frame::Frame;
use super::language::Language;
use super::session::LoggedIn;
use crate::access::{Access, Permission, Refused};
use words::AdminWords;

/// The pages of the administration that somebody may open.
#[derive(Debug)]
pub(super) struct Tabs {
    pub(super) labels: &'static AdminWords,
    pub(super) people: bool,
    pub(super) tokens: bool,
    pub(super) audit: bool,
    /// Which one this is.
    pub(super) here: &'static str,
}

impl Tabs {
    fn of(access: &Access, labels: &'static AdminWords, here: &'static str) -> Self {
        Self {
            labels,
            people: access.somewhere(Permission::ManagePeople),
            tokens: access.somewhere(Permission::ManageTokens),
            audit: access.somewhere(Permission::SeeAudit),
            here,
        }
    }
}

/// `GET /office/admin`: the first page that one may open.
pub(super) async fn first(LoggedIn(person): LoggedIn, language: Language) -> Response {
    let tabs = Tabs::of(&person.access, AdminWords::of(language), "");
    let first = [
        (tabs.people, "/office/admin/people"),
        (tabs.tokens, "/office/admin/tokens"),
        (tabs.audit, "/office/admin/audit"),
    ];
    match first.into_iter().find(|(may, _)| *may) {
        Some((_, path)) => Redirect::to(path).into_response(),
        None => {
            let refused = Refused::NotAllowed(Permission::ManagePeople);
            PageError::new(refused.into(), language).into_response()
        }
    }
}

/// Something that is shown once.
#[derive(Debug, Template)]
#[template(path = "admin_secret.html")]
struct SecretPage {
    frame: Frame,
    tabs: Tabs,
    title: String,
    advice: &'static str,
    secret: String,
    back: String,
}

/// Whether a name can be used: 1 to 64 characters of which no one is a control character, with
/// nothing at the ends that nobody sees.
pub(crate) fn is_name(text: &str) -> bool {
    let count = text.chars().count();
    (1..=super::login::MAX_NAME).contains(&count)
        && text.trim() == text
        && !text.chars().any(char::is_control)
}

/// Whether it can be a login name: letters of any script, digits, and `.`, `_`, `-`, `@`.
pub(crate) fn is_login_name(text: &str) -> bool {
    is_name(text)
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::latin("li.wenjing", true)]
    #[case::chinese("李文静", true)]
    #[case::mail("li@example.cn", true)]
    #[case::empty("", false)]
    #[case::space("li wenjing", false)]
    #[case::markup("<b>", false)]
    #[case::slash("li/wang", false)]
    #[case::newline("li\n", false)]
    fn a_login_name_is(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_login_name(text), expected);
    }

    #[test]
    fn a_name_has_64_characters_at_most() {
        assert!(is_name(&"文".repeat(64)));
        assert!(!is_name(&"文".repeat(65)));
    }
}
