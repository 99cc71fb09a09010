//! Tells open pages that counts have changed. It sends no numbers: the page fetches its fragment, so
//! there is one way to draw them.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use tokio::sync::mpsc;

use super::session;
use super::today::{HallQuery, counted};
use crate::access::Who;
use crate::api::Counted;
use crate::api::auth::Caller;
use crate::app::AppState;

/// How often counts are compared even when this collector took nothing in: another one on the same
/// database may have.
const RECHECK: Duration = Duration::from_secs(2);

/// The least time between two events: a burst of ratings draws the page twice a second, not a
/// hundred times.
const PAUSE: Duration = Duration::from_millis(500);

/// A comment line that keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `GET /office/live`: an event `changed` whenever today's counts have changed; `bye` when the
/// session has ended.
pub(super) async fn stream(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<HallQuery>,
) -> impl IntoResponse {
    let (sender, events) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut stopping = state.stopping.subscribe();
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = watch(&state, &caller, &headers, &query, &sender) => {}
        }
    });
    Sse::new(Events(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Watches until the listener is gone or may no longer listen.
async fn watch(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    query: &HallQuery,
    sender: &mpsc::Sender<Event>,
) {
    let mut changed = state.changed.subscribe();
    let mut sent: Option<Counted> = None;
    loop {
        if !may_listen(state, caller, headers).await {
            // A listener that is gone needs no goodbye.
            drop(sender.send(event("bye")).await);
            return;
        }
        // A database that is busy for a moment is asked again at the next turn; the cause is logged.
        if let Ok(now) = counted(state, &caller.access, query).await
            && now != sent
        {
            if sender.send(event("changed")).await.is_err() {
                return;
            }
            sent = now;
        }
        tokio::time::sleep(PAUSE).await;
        tokio::select! {
            () = tokio::time::sleep(RECHECK) => {}
            () = sender.closed() => return,
            Ok(()) = changed.changed() => {}
        }
    }
}

/// An event of this name. Browsers drop events without data, so the data is the name again.
fn event(name: &str) -> Event {
    Event::default().event(name).data(name)
}

/// Whether the session still stands; a token is asked for once, as for any request.
async fn may_listen(state: &AppState, caller: &Caller, headers: &HeaderMap) -> bool {
    match caller.access.who() {
        Who::Token(_) | Who::Operator(_) => true,
        Who::User(_) => session::user(headers, state)
            .await
            .map_or(true, |user| user.is_some()),
    }
}

/// The receiving end as the stream that axum wants.
struct Events(mpsc::Receiver<Event>);

impl futures_core::Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
