//! Who may send an exchange now. A fleet that comes home must not take more memory than there is, nor
//! wait in a line that nobody gets to the end of.
//!
//! An exchange passes three gates: the head (is there room and a short line?), the body (which must
//! arrive in time and is counted byte by byte as it does), and a slot, which it holds from
//! verification to commit. Whoever is turned away is told when to come back: each gets a time of
//! their own, at the pace at which exchanges are being worked off, so that they do not meet again.
//!
//! **Invariants**
//! 1. No more exchanges are being worked on than there are slots, and no more bytes of bodies are in
//!    memory than configured, whatever senders do.
//! 2. A body on its way holds no slot; it holds the bytes that have arrived, for a bounded time.
//! 3. The line is as long as what is worked off in [`LONGEST_LINE`], measured, not guessed.
//!
//! **Crash**: nothing is kept. A sender who was told to come back comes back.

mod pace;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use manyi_shared::wire::limits::MAX_EXCHANGE_BYTES;
use metrics::{counter, gauge, histogram};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::config::Config;
use crate::metrics::{
    EXCHANGE_BODY_BYTES, EXCHANGE_CAPACITY, EXCHANGE_WAIT_SECONDS, EXCHANGES, EXCHANGES_WAITING,
    TURNED_AWAY,
};
use crate::problem::{Problem, ProblemType};
use pace::Pace;

/// The longest line, in time: a sender gives up after 30 s, and one that waits keeps a connection.
const LONGEST_LINE: Duration = Duration::from_secs(2);

/// A body up to this size is read away when its sender is turned away at the head: closing the
/// connection while it is still arriving would make the sender's system throw our answer away.
const READ_AWAY: u64 = 64 * 1024;

/// For so long.
const READ_AWAY_FOR: Duration = Duration::from_secs(2);

/// The gates.
#[derive(Debug)]
pub(super) struct Admission {
    slots: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    memory_bytes: usize,
    body_time: Duration,
    start: Instant,
    pace: Mutex<Pace>,
}

/// Why a sender is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Away {
    /// The line is too long.
    Line,
    /// There is no room for the body.
    Memory,
    /// The body did not arrive in time.
    Slow,
    /// The body is longer than any exchange.
    TooLarge,
    /// The body broke off.
    Broken,
}

impl Away {
    const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Memory => "memory",
            Self::Slow => "slow",
            Self::TooLarge => "too-large",
            Self::Broken => "broken",
        }
    }
}

/// A body that has arrived, and the memory it was given.
struct Arrived {
    bytes: Bytes,
    _memory: Vec<OwnedSemaphorePermit>,
}

impl Admission {
    pub(super) fn new(config: &Config) -> Self {
        let slots = config.exchange_slots.max(1);
        let memory_bytes = (config.exchange_memory_mib.max(1) as usize).saturating_mul(1024 * 1024);
        let memory_bytes = memory_bytes.min(Semaphore::MAX_PERMITS);
        Self {
            slots: Arc::new(Semaphore::new(slots as usize)),
            memory: Arc::new(Semaphore::new(memory_bytes)),
            memory_bytes,
            body_time: Duration::from_secs(config.exchange_body_seconds.into()),
            start: Instant::now(),
            pace: Mutex::new(Pace::default()),
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // Its numbers are estimates; a panic elsewhere leaves none that could do harm.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The first gate, before anything of the body is read.
    fn check_head(&self, length: Option<u64>) -> Result<(), Away> {
        let length = length.unwrap_or(0);
        if length > MAX_EXCHANGE_BYTES as u64 {
            return Err(Away::TooLarge);
        }
        if length > self.memory.available_permits() as u64 {
            return Err(Away::Memory);
        }
        if self.pace().line() > LONGEST_LINE {
            return Err(Away::Line);
        }
        Ok(())
    }

    /// The second gate: the body, within its time and the memory there is.
    async fn read(&self, body: Body) -> Result<Arrived, Away> {
        let until = Instant::now() + self.body_time;
        let mut body = body;
        let (mut bytes, mut memory) = (Vec::new(), Vec::new());
        loop {
            let frame = timeout_at(until, body.frame()).await;
            let frame = match frame.map_err(|_| Away::Slow)? {
                None => break,
                Some(frame) => frame.map_err(|_| Away::Broken)?,
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if bytes.len() + data.len() > MAX_EXCHANGE_BYTES {
                return Err(Away::TooLarge);
            }
            let wanted = u32::try_from(data.len()).map_err(|_| Away::TooLarge)?;
            let room = Arc::clone(&self.memory).try_acquire_many_owned(wanted);
            memory.push(room.map_err(|_| Away::Memory)?);
            bytes.extend_from_slice(&data);
            self.tell_memory();
        }
        Ok(Arrived {
            bytes: bytes.into(),
            _memory: memory,
        })
    }

    /// The third gate: a slot.
    async fn slot(self: &Arc<Self>) -> Result<Slot, Away> {
        {
            let mut pace = self.pace();
            if pace.line() > LONGEST_LINE {
                return Err(Away::Line);
            }
            pace.joins();
        }
        let mut waiting = Waiting(Some(Arc::clone(self)));
        let began = Instant::now();
        // The semaphore is never closed.
        let permit = Arc::clone(&self.slots).acquire_owned().await;
        let permit = permit.map_err(|_| Away::Line)?;
        waiting.leave(self.slots.available_permits() == 0);
        histogram!(EXCHANGE_WAIT_SECONDS).record(began.elapsed());
        Ok(Slot {
            admission: Arc::clone(self),
            _permit: permit,
        })
    }

    fn refuse(&self, away: Away) -> Response {
        counter!(TURNED_AWAY, "reason" => away.name()).increment(1);
        let problem = match away {
            Away::Line | Away::Memory => {
                // Without randomness everybody's fraction of a second is rounded alike.
                let random = getrandom::u64().unwrap_or(u64::MAX / 2);
                let seconds = self.pace().come_back(self.now(), random);
                let detail = "many terminals are sending at once; come back when Retry-After says";
                Problem::new(ProblemType::Unavailable, detail).retry_after(seconds)
            }
            Away::Slow => {
                let seconds = self.body_time.as_secs();
                let detail = format!("the body did not arrive within {seconds} s");
                Problem::new(ProblemType::TooSlow, detail)
            }
            Away::TooLarge => {
                let detail = format!("the body is longer than {MAX_EXCHANGE_BYTES} bytes");
                Problem::new(ProblemType::TooLarge, detail)
            }
            Away::Broken => Problem::new(ProblemType::Malformed, "the body did not arrive whole"),
        };
        counter!(EXCHANGES, "result" => problem.kind().name()).increment(1);
        problem.into_response()
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge; 2^52 bytes are enough")]
    fn tell_memory(&self) {
        let held = self.memory_bytes - self.memory.available_permits();
        gauge!(EXCHANGE_BODY_BYTES).set(held as f64);
    }
}

/// In line for a slot; leaves it when the sender goes away, too.
struct Waiting(Option<Arc<Admission>>);

impl Waiting {
    fn leave(&mut self, all_taken: bool) {
        if let Some(admission) = self.0.take() {
            let mut pace = admission.pace();
            pace.leaves(admission.now(), all_taken);
            gauge!(EXCHANGES_WAITING).set(f64::from(pace.waiting()));
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.leave(false);
    }
}

/// A slot; given back when it is dropped.
struct Slot {
    admission: Arc<Admission>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut pace = self.admission.pace();
        pace.served(self.admission.now());
        gauge!(EXCHANGE_CAPACITY).set(pace.rate());
    }
}

/// Lets an exchange through the gates, or says when to come back.
pub(super) async fn admit(
    State(admission): State<Arc<Admission>>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    let length = head.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    if let Err(away) = admission.check_head(length) {
        if length.is_some_and(|length| length <= READ_AWAY) {
            read_away(body).await;
        }
        return admission.refuse(away);
    }
    let arrived = match admission.read(body).await {
        Ok(arrived) => arrived,
        Err(away) => return admission.refuse(away),
    };
    let slot = match admission.slot().await {
        Ok(slot) => slot,
        Err(away) => return admission.refuse(away),
    };
    let response = next
        .run(Request::from_parts(head, Body::from(arrived.bytes.clone())))
        .await;
    drop(slot);
    drop(arrived);
    admission.tell_memory();
    response
}

/// Takes the rest of a body and keeps nothing of it.
async fn read_away(mut body: Body) {
    let until = Instant::now() + READ_AWAY_FOR;
    while let Ok(Some(Ok(_))) = timeout_at(until, body.frame()).await {}
}

#[cfg(test)]
mod tests;
