//! From a heartbeat on the wire to a state at the office.

use manyi_collector::fleet::{Reason, State};
use manyi_collector::store::fleet::{FleetStore, WhichTerminals};
use manyi_collector::watch::days_around;
use manyi_shared::domain::Level;
use manyi_shared::wire::{Board, Health, Screen, ShownPage};

use crate::support::{Centre, NOW, Tablet};

/// A heartbeat of a tablet whose screen paints.
pub(crate) fn beat(tablet: &mut Tablet, change: impl FnOnce(&mut Health)) -> Vec<u8> {
    let uptime_ms = tablet.clock.uptime_ms;
    let mut head = tablet.head(None);
    head.health.backlog = 0;
    head.health.screen = Some(Screen {
        software: "manyi-terminal 0.1.0".to_owned(),
        uptime_ms,
        page: ShownPage::Idle.number(),
        turns: 6,
        frames: 6,
        turned_uptime_ms: Some(uptime_ms),
        drawn_uptime_ms: Some(uptime_ms),
        last_rating_ms: Some(NOW - 60_000),
        self_test: None,
    });
    head.health.board = Some(Board {
        temperature_mc: Some(48_000),
        disk_total_bytes: Some(32 << 30),
    });
    change(&mut head.health);
    head.seal(&[], &tablet.key).expect("an exchange")
}

/// State and reasons of the one terminal.
pub(crate) async fn shown(centre: &Centre) -> (State, Vec<Reason>) {
    use manyi_collector::clock::Clock as _;
    let now_ms = centre.clock.now_ms();
    let which = WhichTerminals::default();
    let fleet = centre.store.fleet(which, days_around(now_ms)).await;
    let shown = fleet.unwrap().pop().expect("a terminal").shown(now_ms);
    (shown.state, shown.reasons)
}

fn day_before_opening() -> Vec<Level> {
    Level::ALL.to_vec()
}

#[tokio::test]
async fn a_terminal_goes_from_never_seen_over_ready_to_offline() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    assert_eq!(shown(&centre).await, (State::NeverSeen, Vec::new()));
    for level in day_before_opening() {
        tablet.self_test(20_260_324, level);
    }
    let all = tablet.send_all();
    centre.exchange(&tablet, all).await;
    let body = beat(&mut tablet, |_| {});
    centre.exchange(&tablet, body).await;
    assert_eq!(shown(&centre).await, (State::Ready, Vec::new()));
    centre.clock.set(NOW + 90_001);
    assert_eq!(shown(&centre).await, (State::Offline, Vec::new()));
}

#[tokio::test]
async fn a_tablet_that_says_nothing_of_its_screen_is_never_ready() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    for level in day_before_opening() {
        tablet.self_test(20_260_324, level);
    }
    let all = tablet.send_all();
    centre.exchange(&tablet, all).await;
    let old = tablet.heartbeat();
    centre.exchange(&tablet, old).await;
    let (state, reasons) = shown(&centre).await;
    assert_eq!(
        (state, reasons),
        (State::Degraded, vec![Reason::ScreenUnknown])
    );
    let stands = beat(&mut tablet, |health| {
        if let Some(screen) = &mut health.screen {
            screen.drawn_uptime_ms = None;
        }
    });
    centre.exchange(&tablet, stands).await;
    let (_, reasons) = shown(&centre).await;
    assert_eq!(reasons, [Reason::NotPainting]);
}

#[tokio::test]
async fn a_backlog_that_falls_is_syncing_and_one_that_does_not_is_stuck() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    for level in day_before_opening() {
        tablet.self_test(20_260_324, level);
    }
    let all = tablet.send_all();
    centre.exchange(&tablet, all).await;
    let mut now = NOW;
    let mut say = async |backlog: u64| {
        centre.clock.set(now);
        tablet.clock.wall_ms = now;
        let body = beat(&mut tablet, |health| health.backlog = backlog);
        centre.exchange(&tablet, body).await;
        now += 60_000;
        shown(&centre).await
    };
    for backlog in [900, 800, 700, 600, 500, 400, 300] {
        assert_eq!(
            say(backlog).await,
            (State::Syncing, Vec::new()),
            "{backlog}"
        );
    }
    for _ in 0..5 {
        assert_eq!(say(300).await.0, State::Syncing);
    }
    assert_eq!(say(300).await, (State::Degraded, vec![Reason::Stuck]));
    assert_eq!(say(299).await, (State::Syncing, Vec::new()));
}
