//! Tells open pages that counts have changed. It sends no numbers: the page fetches its fragment, so
//! there is one way to draw them.
//!
//! **Invariants**
//! 1. However many look at a hall, one watcher asks the database, and only while somebody looks.
//! 2. A viewer who was told of a change and fetches the fragment afterwards gets one that was counted
//!    after the change.
//! 3. A page whose session ended here is told at once; one that ended elsewhere within
//!    [`SESSION_CHECK`].

mod watcher;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::{mpsc, watch};

use super::session::{self, Origin};
use super::today::{HallQuery, chosen, visible};
use crate::access::Who;
use crate::api::auth::Caller;
use crate::app::AppState;
use crate::problem::Problem;
pub use watcher::Live;

/// How often a viewer's session is looked up. 200 viewers then cost some thirteen look-ups by key a
/// second, whatever happens at the windows.
const SESSION_CHECK: Duration = Duration::from_secs(15);

/// A comment line that keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `GET /office/live`: an event `changed` whenever today's counts of a hall have changed; `bye` when
/// the session has ended.
// needs: SeeScores at the hall
pub(super) async fn stream(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<HallQuery>,
) -> Result<Response, Problem> {
    let halls = visible(&state, &caller.access).await?;
    let hall = chosen(&halls, &query)?.ok_or_else(Problem::not_found)?;
    let version = state.live.follow(&state, hall);
    let (sender, events) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut stopping = state.stopping.subscribe();
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = tell(&state, &caller, &headers, version, &sender) => {}
        }
    });
    let events = Sse::new(Events(events));
    let events = events.keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(events.into_response())
}

/// Passes changes on until the listener is gone or may no longer listen.
async fn tell(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    mut version: watch::Receiver<u64>,
    sender: &mpsc::Sender<Event>,
) {
    let mut sessions = state.live.sessions();
    // The first viewer hears of the watcher's first count; later ones need not wait for a change.
    if *version.borrow_and_update() > 0 && sender.send(event("changed")).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            () = sender.closed() => return,
            Ok(()) = version.changed() => {
                if sender.send(event("changed")).await.is_err() {
                    return;
                }
            }
            () = session_may_have_ended(&mut sessions) => {
                if !may_listen(state, caller, headers).await {
                    // A listener that is gone needs no goodbye.
                    drop(sender.send(event("bye")).await);
                    return;
                }
            }
        }
    }
}

/// Waits until a session has ended here, or until it is time to look.
async fn session_may_have_ended(sessions: &mut watch::Receiver<u64>) {
    tokio::select! {
        Ok(()) = sessions.changed() => {}
        () = tokio::time::sleep(SESSION_CHECK) => {}
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
        Who::User(_) => session::person(headers, &Origin::default(), state)
            .await
            .map_or(true, |user| user.is_some()),
    }
}

/// The receiving end as the stream that axum wants.
#[derive(Debug)]
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
