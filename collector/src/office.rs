//! The office's pages: login and today's counts, live.
//!
//! **Invariants**
//! 1. Every number on a page comes from [`crate::api::count`] and [`crate::score`], as in the API.
//! 2. Whoever still has the one-time password can do nothing but change it.
//! 3. A form post from another origin changes nothing.
//! 4. No password, session or token is logged or put into an address.

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
mod overview;
mod password;
mod public;
mod query;
mod scope;
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

pub use error::not_found;
pub use live::Live;

/// The office's routes.
pub fn router(config: &Config) -> Router<AppState> {
    let login = Router::new().route("/login", post(login::log_in));
    let pages = Router::new()
        .route("/", get(|| async { Redirect::to("/office") }))
        .route("/login", get(login::page))
        .merge(guard::limit_logins(login, config))
        .route("/logout", post(login::log_out))
        .route(
            "/account/password",
            get(password::page).post(password::change),
        )
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
