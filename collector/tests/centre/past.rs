//! Back in time: tablets whose cards were put back or copied, and a centre that was restored.

use manyi_collector::alarm::{Cause, current};
use manyi_shared::domain::{BootId, Level, Watermark};
use manyi_shared::wire::{ReplyStatus, StreamTip};

use crate::rules::{ack, in_order, send};
use crate::support::{Centre, NOW, Tablet, seq};

/// The kinds of open incidents, each with the window it names.
async fn told(centre: &Centre) -> Vec<String> {
    let alarms = current(centre.store.as_ref(), NOW).await.expect("readable");
    let incidents = alarms.iter().filter_map(|alarm| match &alarm.cause {
        Cause::Incident(incident) => Some(format!("{} {}", alarm.window, incident.kind.name())),
        _ => None,
    });
    incidents.collect()
}

fn tip(tablet: &Tablet, n: usize) -> StreamTip {
    StreamTip {
        stream: tablet.stream,
        seq: seq(n as u64),
        hash: tablet.chain(n),
    }
}

/// A new stream that goes on from there, as after a restart, with one rating; sent.
async fn restart(centre: &Centre, tablet: &mut Tablet, previous: Option<StreamTip>) {
    tablet.clock.boot = BootId::random();
    tablet.open_stream();
    let mut opening = tablet.opening();
    opening.previous = previous;
    tablet.open_with(opening);
    tablet.rate(Level::Satisfied);
    let reply = send(centre, tablet, 1, 2).await;
    assert_eq!(reply.status, ReplyStatus::Taken, "rating goes on");
}

async fn rated(centre: &Centre) -> Tablet {
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::Satisfied);
    tablet.rate(Level::Satisfied);
    send(centre, &mut tablet, 1, 3).await;
    tablet
}

#[tokio::test]
async fn a_restart_that_goes_on_from_where_it_stood_is_nothing_to_tell() {
    let centre = Centre::new().await;
    let mut tablet = rated(&centre).await;
    for _ in 0..3 {
        let here = tip(&tablet, tablet.records.len());
        restart(&centre, &mut tablet, Some(here)).await;
    }
    assert!(told(&centre).await.is_empty());
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 5);
}

#[tokio::test]
async fn a_card_that_was_put_back_is_told_and_both_histories_count() {
    let centre = Centre::new().await;
    let mut tablet = rated(&centre).await;
    let before = tip(&tablet, 2);
    restart(&centre, &mut tablet, Some(before)).await;
    assert_eq!(told(&centre).await, ["A01 rolled_back"]);
    let bounds: String = centre.sql("SELECT from_seq || '-' || until_seq FROM incident");
    assert_eq!(bounds, "3-3", "what the tablet has forgotten");
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 3);
    in_order(&centre).await;
}

#[tokio::test]
async fn a_past_that_is_not_the_one_that_was_sent_is_told() {
    let centre = Centre::new().await;
    let mut tablet = rated(&centre).await;
    let other = StreamTip {
        hash: tablet.chain(1),
        ..tip(&tablet, 3)
    };
    restart(&centre, &mut tablet, Some(other)).await;
    assert_eq!(told(&centre).await, ["A01 other_past"]);
}

#[tokio::test]
async fn two_streams_from_one_point_are_a_copied_card() {
    let centre = Centre::new().await;
    let mut tablet = rated(&centre).await;
    let here = tip(&tablet, 3);
    restart(&centre, &mut tablet, Some(here)).await;
    assert!(told(&centre).await.is_empty());
    restart(&centre, &mut tablet, Some(here)).await;
    assert_eq!(told(&centre).await, ["A01 forked"]);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 4, "both count");
    in_order(&centre).await;
}

#[tokio::test]
async fn an_empty_journal_of_a_terminal_that_has_sent_before_is_told() {
    let centre = Centre::new().await;
    let mut tablet = rated(&centre).await;
    restart(&centre, &mut tablet, None).await;
    assert_eq!(told(&centre).await, ["A01 began_anew"]);
}

#[tokio::test]
async fn numbers_that_jump_back_after_a_restart_are_told_and_a_replay_is_not() {
    let centre = Centre::new().await;
    let mut tablet = rated(&centre).await;
    let old = tablet.heartbeat();
    centre.exchange(&tablet, old.clone()).await;
    let (_, reply) = centre.exchange(&tablet, old).await;
    assert_eq!(reply.status, ReplyStatus::StaleNumber);
    assert!(told(&centre).await.is_empty(), "the network told it twice");
    tablet.number = 0;
    tablet.clock.boot = BootId::random();
    let body = tablet.heartbeat();
    let (_, reply) = centre.exchange(&tablet, body).await;
    assert_eq!(reply.status, ReplyStatus::StaleNumber);
    assert_eq!(told(&centre).await, ["A01 numbers_back"]);
    tablet.number = reply.next_number;
    tablet.rate(Level::Satisfied);
    let reply = send(&centre, &mut tablet, 4, 1).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
}

#[tokio::test]
async fn a_second_history_is_one_incident_however_long_it_goes_on() {
    let centre = Centre::new().await;
    let mut tablet = rated(&centre).await;
    tablet.records.truncate(2);
    for _ in 0..3 {
        tablet.rate(Level::VeryDissatisfied);
        let n = tablet.records.len();
        let reply = send(&centre, &mut tablet, 1, n).await;
        assert_eq!(reply.status, ReplyStatus::Conflict);
    }
    assert_eq!(told(&centre).await, ["A01 second_history"]);
}

/// What a tablet's daemon does: sends from what was acknowledged, claims it, and goes back to what
/// the centre says it holds.
pub(crate) struct Daemon {
    pub(crate) tablet: Tablet,
    pub(crate) acked: usize,
}

impl Daemon {
    pub(crate) async fn sync(&mut self, centre: &Centre) {
        while self.acked < self.tablet.records.len() {
            let body = self.tablet.send(self.acked + 1, 3);
            let (_, reply) = centre.exchange(&self.tablet, body).await;
            let held = ack(&reply).watermark.get();
            self.acked = usize::try_from(held).expect("small");
        }
    }

    /// A heartbeat with claims; whether the centre wants something again.
    pub(crate) async fn claim(&mut self, centre: &Centre) -> bool {
        let mut head = self.tablet.head(None);
        head.claims = vec![manyi_shared::wire::Claim {
            stream: self.tablet.stream,
            watermark: Watermark::new(self.acked as u64),
            hash: self.tablet.chain(self.acked),
        }];
        let body = head.seal(&[], &self.tablet.key).expect("an exchange");
        let (_, reply) = centre.exchange(&self.tablet, body).await;
        for behind in &reply.behind {
            let held = usize::try_from(behind.watermark.get()).expect("small");
            assert_eq!(behind.hash, self.tablet.chain(held));
            self.acked = held;
        }
        !reply.behind.is_empty()
    }
}

/// Everything that is stored and counted, but when it came.
pub(crate) fn all(centre: &Centre) -> Vec<String> {
    let db = centre.db();
    let mut statement = db
        .prepare(
            "SELECT hex(stream_id) || seq || hex(bytes) || at_ms || COALESCE(level, '-') \
             FROM record UNION ALL SELECT window_id || slot || outcome || level || n FROM tally \
             ORDER BY 1",
        )
        .expect("prepares");
    let rows = statement.query_map([], |row| row.get(0)).expect("runs");
    rows.collect::<Result<_, _>>().expect("reads")
}

#[tokio::test]
async fn a_centre_restored_from_a_backup_is_filled_again_by_its_terminals() {
    let centre = Centre::new().await;
    let mut fleet = Vec::new();
    for window in ["A01", "A02", "B01"] {
        let mut tablet = centre.tablet(window).await;
        tablet.rate(Level::Satisfied);
        fleet.push(Daemon { tablet, acked: 0 });
    }
    fleet[0].sync(&centre).await;
    let backup = centre.dir.path().join("backup.sqlite");
    let into = format!("VACUUM INTO '{}'", backup.display());
    centre.db().execute_batch(&into).expect("a backup");
    for daemon in &mut fleet {
        for level in [Level::VerySatisfied, Level::Dissatisfied, Level::Satisfied] {
            daemon.tablet.rate(level);
        }
        daemon.tablet.amend(2, Level::BasicallySatisfied, &[]);
        daemon.sync(&centre).await;
    }
    let before = all(&centre);
    let centre = centre.restored(&backup);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 1);
    // The fleet goes on; nobody at a tablet notices.
    for daemon in &mut fleet {
        assert!(daemon.claim(&centre).await);
        daemon.sync(&centre).await;
        assert!(!daemon.claim(&centre).await);
    }
    assert_eq!(all(&centre), before);
    assert!(told(&centre).await.is_empty());
    in_order(&centre).await;
}
