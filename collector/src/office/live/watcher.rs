//! One watcher for each hall that somebody looks at, and the fragment that its viewers share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use manyi_shared::domain::HallId;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::{Counted, ScoreRequest, count};
use crate::app::AppState;
use crate::office::language::Language;
use crate::problem::Problem;
use crate::store::HallSummary;

/// How often counts are compared even when this collector took nothing in: another one on the same
/// database may have.
const RECHECK: Duration = Duration::from_secs(2);

/// The least time between two changes: a burst of ratings draws the page twice a second, not a
/// hundred times.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a drawn fragment serves while nothing has changed. It holds times such as "12 s ago".
const FRESH: Duration = Duration::from_secs(2);

/// The halls that are looked at.
#[derive(Debug, Default)]
pub struct Live {
    /// Counts up with every change of the hall's counts; 0 until the first count.
    halls: Mutex<BTreeMap<HallId, watch::Sender<u64>>>,
    fragments: Mutex<BTreeMap<(HallId, Part), Place>>,
    /// Counts up when a session has ended in this collector.
    sessions: watch::Sender<u64>,
}

/// Which fragment of a hall, in which language.
type Part = (&'static str, Language);

/// Where a fragment is kept; whoever draws it holds the lock, and the others wait for that one.
type Place = Arc<tokio::sync::Mutex<Option<Drawn>>>;

/// A fragment as it was drawn.
#[derive(Debug)]
struct Drawn {
    version: u64,
    at: Instant,
    html: Arc<str>,
}

impl Live {
    /// Told whenever today's counts of the hall have changed. The watcher runs while somebody holds
    /// what this returns.
    pub(super) fn follow(&self, state: &AppState, hall: &HallSummary) -> watch::Receiver<u64> {
        let mut halls = locked(&self.halls);
        if let Some(sender) = halls.get(&hall.id) {
            return sender.subscribe();
        }
        let sender = watch::Sender::new(0);
        let receiver = sender.subscribe();
        halls.insert(hall.id.clone(), sender.clone());
        tokio::spawn(watch(state.clone(), hall.clone(), sender));
        receiver
    }

    /// How many halls are watched.
    #[must_use]
    pub fn watched(&self) -> usize {
        locked(&self.halls).len()
    }

    /// Says that a session has ended, so that its open pages end with it.
    pub(in crate::office) fn session_ended(&self) {
        self.sessions.send_modify(|count| *count += 1);
    }

    /// Told whenever a session has ended in this collector.
    pub(super) fn sessions(&self) -> watch::Receiver<u64> {
        self.sessions.subscribe()
    }

    /// The hall's fragment: while the hall is watched, one drawing serves all who ask for it at the
    /// same time and shortly after.
    pub(in crate::office) async fn fragment<E, F>(
        &self,
        hall: &HallId,
        part: Part,
        draw: F,
    ) -> Result<Arc<str>, E>
    where
        F: AsyncFnOnce() -> Result<String, E>,
    {
        let version = locked(&self.halls).get(hall).map(|sender| *sender.borrow());
        let Some(version) = version else {
            return Ok(draw().await?.into());
        };
        let key = (hall.clone(), part);
        let place = Arc::clone(locked(&self.fragments).entry(key).or_default());
        let mut drawn = place.lock().await;
        if let Some(drawn) = drawn.as_ref()
            && drawn.version >= version
            && drawn.at.elapsed() < FRESH
        {
            return Ok(Arc::clone(&drawn.html));
        }
        // Read before the counts are: what changes from now on has a higher version.
        let version = locked(&self.halls)
            .get(hall)
            .map_or(version, |sender| *sender.borrow());
        let html: Arc<str> = draw().await?.into();
        *drawn = Some(Drawn {
            version,
            at: Instant::now(),
            html: Arc::clone(&html),
        });
        Ok(html)
    }

    /// Forgets a hall that nobody follows any more; `false` when somebody does after all.
    fn forget(&self, hall: &HallId) -> bool {
        let mut halls = locked(&self.halls);
        if halls
            .get(hall)
            .is_some_and(|sender| sender.receiver_count() > 0)
        {
            return false;
        }
        halls.remove(hall);
        let mut fragments = locked(&self.fragments);
        fragments.retain(|(of, _), _| of != hall);
        true
    }
}

/// Nothing that holds these locks can fail half-way.
fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Compares a hall's counts until nobody looks, or the collector stops.
async fn watch(state: AppState, hall: HallSummary, sender: watch::Sender<u64>) {
    let mut changed = state.changed.subscribe();
    let mut stopping = state.stopping.subscribe();
    let mut last: Option<Counted> = None;
    loop {
        // A database that is busy for a moment is asked again at the next turn; the cause is logged.
        if let Ok(now) = counted(&state, &hall).await
            && last.as_ref() != Some(&now)
        {
            last = Some(now);
            sender.send_modify(|version| *version += 1);
        }
        tokio::time::sleep(PAUSE).await;
        tokio::select! {
            () = tokio::time::sleep(RECHECK) => {}
            () = sender.closed() => {
                if state.live.forget(&hall.id) {
                    return;
                }
            }
            _ = stopping.wait_for(|stopping| *stopping) => return,
            Ok(()) = changed.changed() => {}
        }
    }
}

/// Today's counts by window, the same way the API counts them.
async fn counted(state: &AppState, hall: &HallSummary) -> Result<Counted, Problem> {
    let now = jiff::Timestamp::from_millisecond(state.clock.now_ms());
    let now = now.map_err(|_| Problem::internal())?;
    let request = ScoreRequest::today_by_window(hall, now)?;
    count(state.store.as_ref(), &request).await
}
