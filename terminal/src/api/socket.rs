//! The prompt API over one lasting connection: `GET /v1/socket`, JSON text frames.
//!
//! **Invariants**
//! 1. Every frame that comes in is answered: by `accepted`, `state`, `health`, or by `refused` with
//!    a problem. Nothing is dropped in silence, and a frame that is refused ends nothing.
//! 2. States are told as the registry has them; a slow reader sees the newest, not each.
//! 3. At most [`SEATS`] connections, of frames of at most [`MAX_FRAME`] bytes; one that stays silent
//!    is closed.

mod frames;
mod pulse;

#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::{IntoResponse, Response};
use manyi_shared::domain::PromptId;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::frames::{In, Out, Refused};
use self::pulse::{Beat, Pulse, Rhythm};
use super::problem::{Problem, ProblemBody, ProblemType};
use super::{Api, intake};
use crate::flow::Trigger;
use crate::registry::{Changes, PromptState};

/// How many connections there may be: a window has one business system and one queue system.
pub(super) const SEATS: usize = 8;
/// The largest frame, the same as the largest body.
const MAX_FRAME: usize = super::MAX_BODY_BYTES;
/// How long one frame may take to leave; who reads nothing for so long is gone.
const SEND_TIME: Duration = Duration::from_secs(10);

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(open))
}

/// Opens the socket.
///
/// JSON text frames go both ways. In: `{"type":"prompt","key":…}` with the fields of a new prompt,
/// `{"type":"cancel","id":…}`, `{"type":"pause","paused":true}`. Out: `accepted` with `key` and
/// `id`, `refused` with `key` or `id` and a `problem`, `state` with the fields of a prompt at every
/// change, `health` with the fields of `/v1/health` at first and at every change. The terminal
/// pings every 60 seconds and closes a connection that is silent for 130; a frame has at most 8192
/// bytes.
#[utoipa::path(
    get, path = "/v1/socket", tag = "socket",
    responses(
        (status = 101, description = "The connection is a WebSocket now"),
        (status = 400, description = "Not a WebSocket handshake", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Eight connections are open", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn open(
    State(api): State<Api>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| {
        Problem::new(
            ProblemType::Malformed,
            "this path speaks WebSocket; open it with a WebSocket client",
        )
    })?;
    let seat = api.seats.clone().try_acquire_owned().map_err(|_| {
        let detail = format!("{SEATS} sockets are open already; close one first");
        Problem::new(ProblemType::TooManyRequests, detail)
    })?;
    let upgrade = upgrade
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME);
    Ok(upgrade
        .on_upgrade(async move |socket| {
            if let Err(Gone) = converse(socket, &api, Rhythm::FIELD).await {
                tracing::debug!("a socket ended without a goodbye");
            }
            drop(seat);
        })
        .into_response())
}

/// The other side does not read any more.
struct Gone;

/// Talks until the other side leaves or stays silent.
async fn converse(socket: WebSocket, api: &Api, rhythm: Rhythm) -> Result<(), Gone> {
    let mut changes = api.registry.subscribe();
    let mut line = Line {
        socket,
        api,
        // What happened before is asked for by id or by key.
        told: api.registry.since(0).revision,
    };
    line.tell_health().await?;
    let mut pulse = Pulse::new(rhythm, Instant::now());
    loop {
        let wait = match pulse.beat(Instant::now()) {
            Beat::Wait(until) => until,
            Beat::Ping => {
                line.send(Message::Ping(axum::body::Bytes::new())).await?;
                continue;
            }
            Beat::Close => {
                let reason = "nothing was heard for too long";
                return line.close(close_code::POLICY, reason).await;
            }
        };
        tokio::select! {
            heard = line.socket.recv() => match heard {
                None => return Ok(()),
                Some(Ok(message)) => {
                    pulse.heard(Instant::now());
                    line.hear(message).await?;
                }
                Some(Err(error)) => return line.unreadable(&error).await,
            },
            changed = changes.changed() => {
                changed.map_err(|_| Gone)?;
                line.tell_changes().await?;
            }
            () = tokio::time::sleep_until(wait) => {}
        }
    }
}

/// One connection.
struct Line<'a> {
    socket: WebSocket,
    api: &'a Api,
    /// The registry's revision up to which everything was told.
    told: u64,
}

impl Line<'_> {
    async fn hear(&mut self, message: Message) -> Result<(), Gone> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => {
                let detail = "frames are JSON text, not binary";
                let problem = Problem::new(ProblemType::Malformed, detail);
                return self.refuse(Refused::default(), &problem).await;
            }
            // Answered by the library; that it came is what counts.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(()),
        };
        match frames::read(text.as_str()) {
            Ok(In::Prompt { key, new }) => self.prompt(key, new).await,
            Ok(In::Cancel { id }) => match intake::withdraw(self.api, &id).await {
                Ok((id, state)) => self.tell_state_of(id, state).await,
                Err(problem) => self.refuse(Refused::id(id), &problem).await,
            },
            Ok(In::Pause { paused }) => match intake::pause(self.api, paused).await {
                Ok(()) => self.tell_pause().await,
                Err(problem) => self.refuse(Refused::default(), &problem).await,
            },
            Err((whose, problem)) => self.refuse(whose, &problem).await,
        }
    }

    async fn prompt(
        &mut self,
        key: Option<String>,
        new: Box<intake::NewPrompt>,
    ) -> Result<(), Gone> {
        let asked = intake::take(self.api, *new, key.clone(), Trigger::WebSocket).await;
        match asked {
            Ok(taken) => {
                let id = taken.id.to_string();
                self.tell(&Out::Accepted {
                    key: key.as_deref(),
                    id: &id,
                })
                .await?;
                self.tell_state_of(taken.id, taken.state).await
            }
            Err(problem) => self.refuse(Refused::key(key), &problem).await,
        }
    }

    /// Tells everything that changed, and where this prompt stands even if it did not.
    async fn tell_state_of(&mut self, id: PromptId, state: PromptState) -> Result<(), Gone> {
        let told = self.tell_changes().await?;
        if !told.prompts.iter().any(|(known, _)| *known == id) {
            self.tell(&Out::state(id, state)).await?;
        }
        Ok(())
    }

    /// Tells everything that changed, and how the terminal is even if it did not.
    async fn tell_pause(&mut self) -> Result<(), Gone> {
        if self.tell_changes().await?.health.is_none() {
            self.tell_health().await?;
        }
        Ok(())
    }

    /// Tells what changed since the last time; answers it.
    async fn tell_changes(&mut self) -> Result<Changes, Gone> {
        let changes = self.api.registry.since(self.told);
        self.told = changes.revision;
        for (id, state) in &changes.prompts {
            self.tell(&Out::state(*id, *state)).await?;
        }
        if let Some(health) = &changes.health {
            self.tell(&Out::health(health)).await?;
        }
        Ok(changes)
    }

    async fn tell_health(&mut self) -> Result<(), Gone> {
        let health = self.api.registry.health();
        self.tell(&Out::health(&health)).await
    }

    async fn refuse(&mut self, whose: Refused, problem: &Problem) -> Result<(), Gone> {
        self.tell(&Out::refused(&whose, problem)).await
    }

    /// A frame that is too large or no WebSocket at all: the stream cannot be read on from here.
    async fn unreadable(mut self, error: &axum::Error) -> Result<(), Gone> {
        tracing::debug!("a socket cannot be read: {error}");
        let detail = format!("a frame has at most {MAX_FRAME} bytes and follows RFC 6455");
        let problem = Problem::new(ProblemType::TooLarge, detail);
        self.refuse(Refused::default(), &problem).await?;
        self.close(close_code::SIZE, "unreadable frame").await
    }

    async fn tell(&mut self, out: &Out<'_>) -> Result<(), Gone> {
        let text = serde_json::to_string(out).map_err(|error| {
            tracing::error!("a frame could not be written: {error}");
            Gone
        })?;
        self.send(Message::text(text)).await
    }

    async fn close(mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        self.send(Message::Close(Some(frame))).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match tokio::time::timeout(SEND_TIME, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}
