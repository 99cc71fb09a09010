//! The office's pages: login and today's counts, live.
//!
//! **Invariants**
//! 1. Every number on a page comes from [`crate::api::count`] and [`crate::score`], as in the API.
//! 2. Whoever still has the one-time password can do nothing but change it.
//! 3. A form post from another origin changes nothing.
//! 4. No password, session or token is logged or put into an address.

mod account;
pub(crate) mod admin;
mod alarms;
mod assets;
mod breakdown;
mod bulletin;
mod chart;
mod definitions;
mod error;
mod figures;
pub(crate) mod fleet;
mod format;
mod frame;
mod guard;
mod incident_words;
mod indicators;
mod language;
mod live;
mod login;
mod marks;
pub mod oidc;
mod overview;
mod password;
mod public;
mod query;
mod scope;
mod second_factor;
pub mod secret;
pub mod session;
mod supplement;
mod table;
mod tables;
mod today;
mod trends;
pub mod users;
mod views;
mod words;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::app::AppState;
use crate::config::Config;
use crate::problem::{Problem, ProblemType};

pub(crate) use error::failed;
pub use error::not_found;
pub use live::Live;

/// The office's routes.
pub fn router(config: &Config) -> Router<AppState> {
    let login = Router::new()
        .route("/login", post(login::log_in))
        .route("/login/code", post(login::give_code))
        .route("/login/oidc", get(oidc::start))
        .route("/login/oidc/callback", get(oidc::back));
    let pages = Router::new()
        .route("/", get(|| async { Redirect::to("/office") }))
        .route("/login", get(login::page))
        .route("/login/code", get(login::code_page))
        .merge(guard::limit_logins(login, config))
        .merge(administration())
        .merge(account())
        .route("/logout", post(login::log_out))
        .route("/office", get(overview::page))
        .route("/office/trends", get(trends::page))
        .route("/office/compare", get(breakdown::compare))
        .route("/office/items", get(breakdown::items))
        .route("/office/clerks", get(breakdown::clerks))
        .route("/office/today", get(today::fragment))
        .route("/office/definitions", get(definitions::page))
        .route("/office/windows", get(today::wall::page))
        .route("/office/windows/now", get(today::wall::fragment))
        .route("/office/views", get(views::page).post(views::save))
        .route("/office/views/forget", post(views::forget))
        .route("/office/indicators", get(indicators::page))
        .merge(bulletin::router())
        .merge(marks::router())
        .route("/office/live", get(live::stream))
        .merge(fleet::router())
        .layer(axum::middleware::from_fn(guard::same_origin))
        .layer(axum::middleware::from_fn(language::remember));
    pages
        .merge(supplement::router(config))
        .merge(public::router(config))
        .merge(assets::router())
        .layer(axum::middleware::map_response(guard::security_headers))
}

/// The pages of 管理.
fn administration() -> Router<AppState> {
    Router::new()
        .route("/office/admin", get(admin::first))
        .route(
            "/office/admin/people",
            get(admin::people::list).post(admin::people::add),
        )
        .route(
            "/office/admin/people/{name}",
            get(admin::people::page).post(admin::people::act),
        )
        .route(
            "/office/admin/tokens",
            get(admin::tokens::list).post(admin::tokens::add),
        )
        .route("/office/admin/tokens/revoke", post(admin::tokens::revoke))
        .route("/office/admin/audit", get(admin::audit::page))
        .route("/office/admin/audit.csv", get(admin::audit::csv))
}

/// The pages of 我的账号.
fn account() -> Router<AppState> {
    Router::new()
        .route("/account", get(account::page))
        .route("/account/link", post(oidc::link))
        .route("/account/language", post(account::choose_language))
        .route("/account/sessions/end", post(account::end_sessions))
        .route(
            "/account/password",
            get(password::page).post(password::change),
        )
        .route("/account/second-factor", post(second_factor::page::begin))
        .route(
            "/account/second-factor/confirm",
            post(second_factor::page::confirm),
        )
        .route(
            "/account/second-factor/remove",
            post(second_factor::page::remove),
        )
}

/// A form that says something that cannot be.
fn malformed(detail: &str) -> Problem {
    Problem::new(ProblemType::Malformed, detail)
}
