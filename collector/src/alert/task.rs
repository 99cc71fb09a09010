//! The round: looks at every terminal, writes down what has changed, tells who is to be told.
//!
//! Every collector goes its rounds. That nothing is opened or told twice is the store's doing, so it
//! does not matter how many they are, or when one dies.
//!
//! **Crash** between the decision and its commit: the next round decides it anew. After a message was
//! taken and before that was written: it is sent again when the claim ends, under the same id; a receiver
//! knows it by that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use manyi_shared::domain::HallId;

use super::settings::{AlertSettings, Target};
use super::webhook::{self, Undelivered};
use super::{Change, OpenAlert, Pending, decide, mail};
use crate::app::AppState;
use crate::clock::Clock;
use crate::store::alerts::{AlertChange, Claimed, Ended, Opening, Told, WhichAlerts};
use crate::store::fleet::{FleetTerminal, NotedState, WhichTerminals};
use crate::store::{Store, StoreError};
use crate::watch::days_around;

/// Between two rounds. With the 90 s of silence and a heartbeat, what a terminal is shown as is
/// right within two minutes.
const EVERY: Duration = Duration::from_secs(15);

/// A claim outlasts every try.
const CLAIM_MS: i64 = 60_000;

/// A message that could not be told for a day is not news.
const GIVE_UP_MS: i64 = 24 * 3_600_000;

/// The first pause after a failure; it doubles up to half an hour.
const PAUSE_MS: i64 = 30_000;
const LONGEST_PAUSE_MS: i64 = 30 * 60_000;

/// Messages of one round: an outage of everything is told in a few.
const MOST_MESSAGES: usize = 100;

/// Watches the fleet until it is aborted.
pub async fn watching(state: AppState) {
    let settings = state.config.alerts.clone();
    let mut watcher = Watcher::new(state.store.clone(), state.clock.clone(), settings);
    loop {
        watcher.round().await;
        tokio::time::sleep(EVERY).await;
    }
}

/// What goes from round to round.
pub struct Watcher {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: AlertSettings,
    client: Option<reqwest::Client>,
    pending: Pending,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher")
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

/// One hall in a round.
struct Hall {
    id: HallId,
    zone: TimeZone,
    watched: Vec<super::Watched>,
    standing: Vec<OpenAlert>,
}

impl Watcher {
    /// A watcher that has seen nothing yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, settings: AlertSettings) -> Self {
        Self {
            store,
            clock,
            settings,
            client: None,
            pending: Pending::new(),
        }
    }

    /// One round: look, write down, tell. What fails is logged and done by the next.
    pub async fn round(&mut self) {
        if let Err(error) = self.look().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the fleet cannot be looked at now"
            );
        }
        if let Err(error) = self.tell().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "nobody can be told of alerts now"
            );
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let now_ms = self.clock.now_ms();
        let fleet = self
            .store
            .fleet(WhichTerminals::default(), days_around(now_ms))
            .await?;
        self.note(&fleet, now_ms).await?;
        let standing = self.store.alerts(WhichAlerts::default()).await?;
        let mut halls: BTreeMap<HallId, Hall> = BTreeMap::new();
        let hall = |id: &HallId, zone: &str| Hall {
            id: id.clone(),
            zone: TimeZone::get(zone).unwrap_or(TimeZone::UTC),
            watched: Vec::new(),
            standing: Vec::new(),
        };
        for terminal in &fleet {
            let (id, zone) = (&terminal.watched.hall, &terminal.watched.time_zone);
            let entry = halls.entry(id.clone()).or_insert_with(|| hall(id, zone));
            entry.watched.push(terminal.watched(now_ms));
        }
        for alert in standing {
            let (id, zone) = (&alert.hall, &alert.time_zone);
            let entry = halls.entry(id.clone()).or_insert_with(|| hall(id, zone));
            entry.standing.push(alert.alert);
        }
        // One memory for all halls: a terminal's trouble is its own wherever it stands.
        let mut pending = std::mem::take(&mut self.pending);
        let mut kept = Pending::new();
        for hall in halls.into_values() {
            let mut own: Pending = pending
                .extract_if(|about, _| {
                    let here = |w: &super::Watched| w.terminal == about.terminal;
                    hall.watched.iter().any(here)
                })
                .collect();
            let changes = decide(&hall.standing, &hall.watched, &mut own, now_ms);
            kept.extend(own);
            if !changes.is_empty() {
                let change = self.change(&hall, changes, now_ms);
                let opened = self.store.change_alerts(change, now_ms).await?;
                if opened > 0 {
                    tracing::warn!(hall = %hall.id, opened, "alerts");
                }
            }
        }
        self.pending = kept;
        Ok(())
    }

    /// Writes down the states that have changed.
    async fn note(&self, fleet: &[FleetTerminal], now_ms: i64) -> Result<(), StoreError> {
        let noted = fleet.iter().filter_map(|terminal| {
            let shown = terminal.shown(now_ms);
            let reasons: Vec<_> = shown.reasons.iter().map(|r| r.name()).collect();
            let noted = NotedState {
                hall: terminal.watched.hall.clone(),
                terminal: terminal.watched.terminal,
                state: shown.state.name().to_owned(),
                reasons: reasons.join(" "),
            };
            (noted.written() != terminal.shown_state).then_some(noted)
        });
        let noted: Vec<_> = noted.collect();
        if !noted.is_empty() {
            self.store.note_states(noted, now_ms).await?;
        }
        Ok(())
    }

    /// Changes as the store wants them, with who is to be told when.
    fn change(&self, hall: &Hall, changes: Vec<Change>, now_ms: i64) -> AlertChange {
        let due = |urgent| self.settings.due_ms(urgent, now_ms, &hall.zone);
        let targets = self.settings.targets_of(hall.id.as_str());
        let mut change = AlertChange {
            hall: hall.id.clone(),
            open: Vec::new(),
            calm: Vec::new(),
            close: Vec::new(),
            targets: targets
                .map(|target| Told {
                    target: target.key(),
                    urgent_due_ms: due(true),
                    due_ms: due(false),
                })
                .collect(),
        };
        for one in changes {
            match one {
                Change::Open {
                    about,
                    window,
                    detail,
                } => change.open.push(Opening {
                    urgent: self.settings.is_urgent(about.kind),
                    about,
                    window,
                    detail,
                }),
                Change::Calm { id, since_ms } => change.calm.push((id, since_ms)),
                Change::Close { id } => change.close.push(id),
            }
        }
        change
    }

    /// Sends what is due.
    async fn tell(&mut self) -> Result<(), StoreError> {
        let targets: Vec<_> = self.settings.targets().map(|t| t.key()).collect();
        for _ in 0..MOST_MESSAGES {
            let now_ms = self.clock.now_ms();
            let until = now_ms.saturating_add(CLAIM_MS);
            let claimed = self
                .store
                .claim_message(targets.clone(), now_ms, until)
                .await?;
            let Some(claimed) = claimed else {
                return Ok(());
            };
            if claimed.message.alerts.is_empty() {
                let ended = Ended::Closed(now_ms);
                self.store.end_message(&claimed, ended).await?;
                continue;
            }
            match self.send(&claimed, now_ms).await {
                Ok(()) => {
                    let ended = Ended::Sent(self.clock.now_ms());
                    self.store.end_message(&claimed, ended).await?;
                }
                Err(error) => self.failed(&claimed, &error, now_ms).await?,
            }
        }
        Ok(())
    }

    async fn send(&mut self, claimed: &Claimed, now_ms: i64) -> Result<(), Undelivered> {
        let settings = self.settings.clone();
        let target = settings.targets().find(|t| t.key() == claimed.target);
        match target {
            Some(Target::Webhook(to)) => {
                let client = match &self.client {
                    Some(client) => client.clone(),
                    None => self.client.insert(webhook::client()?).clone(),
                };
                let (id, body) = (claimed.message.id, claimed.message.json(now_ms));
                webhook::send(&client, to, id, body, now_ms).await
            }
            Some(Target::Mail(to)) => match &settings.smtp {
                Some(smtp) => mail::send(smtp, to, &claimed.message, now_ms).await,
                None => Err(Undelivered::SetUp("there is no mail relay".to_owned())),
            },
            // Only messages for targets of this configuration are claimed.
            None => Err(Undelivered::SetUp("there is no such target".to_owned())),
        }
    }

    async fn failed(
        &self,
        claimed: &Claimed,
        error: &Undelivered,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let problem = error.chain();
        tracing::warn!(
            target = claimed.target,
            tries = claimed.tries,
            problem,
            "an alert could not be told"
        );
        if now_ms.saturating_sub(claimed.created_ms) > GIVE_UP_MS {
            let ended = Ended::GivenUp(now_ms);
            return self.store.end_message(claimed, ended).await;
        }
        let due_ms = now_ms.saturating_add(pause_ms(claimed.tries, error.at_least()));
        self.store.put_off_message(claimed, due_ms, problem).await
    }
}

/// How long to wait after so many tries.
fn pause_ms(tries: u32, at_least: Option<Duration>) -> i64 {
    let doublings = tries.saturating_sub(1).min(16);
    let pause = PAUSE_MS
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE_MS);
    let wish = at_least.map_or(0, |wish| {
        i64::try_from(wish.as_millis()).unwrap_or(i64::MAX)
    });
    pause.max(wish)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::first(1, None, 30_000)]
    #[case::doubles(3, None, 120_000)]
    #[case::up_to_half_an_hour(40, None, 1_800_000)]
    #[case::the_receivers_wish(1, Some(3600), 3_600_000)]
    #[case::a_short_wish_changes_nothing(3, Some(1), 120_000)]
    fn a_pause_grows(#[case] tries: u32, #[case] wish: Option<u64>, #[case] expected: i64) {
        assert_eq!(pause_ms(tries, wish.map(Duration::from_secs)), expected);
    }
}
