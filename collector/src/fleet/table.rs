//! One line for every state and every reason.

use manyi_shared::wire::{Board, Health, Screen, SelfTested, ShownPage};
use rstest::rstest;

use super::*;

const NOW: i64 = 1_795_000_000_000;

fn painting(page: ShownPage) -> Screen {
    Screen {
        software: "manyi-terminal 0.1.0".to_owned(),
        uptime_ms: 3_599_000,
        page: page.number(),
        turns: 360,
        frames: 360,
        turned_uptime_ms: Some(3_595_000),
        drawn_uptime_ms: Some(3_595_010),
        last_rating_ms: None,
        self_test: None,
    }
}

/// A terminal that is as it should be.
fn sound() -> Known {
    Known {
        heartbeat_ms: USUAL_HEARTBEAT_MS,
        seen: Some(Seen {
            at_ms: NOW - 10_000,
            uptime_ms: 3_600_000,
            synchronised: true,
            clock_off_ms: 40,
            backlog: 0,
            progress_ms: NOW - 10_000,
            health: Health {
                software: "manyi-sync 0.1.0".to_owned(),
                disk_free_bytes: Some(8 << 30),
                screen: Some(painting(ShownPage::Idle)),
                board: Some(Board {
                    temperature_mc: Some(51_000),
                    disk_total_bytes: Some(32 << 30),
                }),
                ..Health::default()
            },
        }),
        ..Known::default()
    }
}

fn with(change: impl FnOnce(&mut Known, &mut Seen)) -> Known {
    let mut known = sound();
    let mut seen = known.seen.take().expect("a sound one was seen");
    change(&mut known, &mut seen);
    known.seen = Some(seen);
    known
}

fn screen(change: impl FnOnce(&mut Screen)) -> Known {
    with(|_, seen| {
        if let Some(screen) = &mut seen.health.screen {
            change(screen);
        }
    })
}

#[rstest]
#[case::ready(sound(), State::Ready)]
#[case::asking_is_ready(screen(|s| s.page = ShownPage::Asking.number()), State::Ready)]
#[case::paused(screen(|s| s.page = ShownPage::Paused.number()), State::Paused)]
#[case::syncing(with(|_, s| s.backlog = 400), State::Syncing)]
#[case::never_seen(Known { seen: None, ..sound() }, State::NeverSeen)]
#[case::silent_for_90_s(with(|_, s| s.at_ms = NOW - 90_000), State::Ready)]
#[case::and_a_moment_more(with(|_, s| s.at_ms = NOW - 90_001), State::Offline)]
#[case::offline_before_everything_else(with(|_, s| {
    s.at_ms = NOW - 91_000;
    s.health.screen = None;
}), State::Offline)]
#[case::a_slow_heartbeat_is_waited_for(with(|k, s| {
    k.heartbeat_ms = 600_000;
    s.at_ms = NOW - 1_500_000;
}), State::Ready)]
#[case::but_not_for_ever(with(|k, s| {
    k.heartbeat_ms = 600_000;
    s.at_ms = NOW - 1_500_001;
}), State::Offline)]
#[case::revoked(Known { standing: Standing::Revoked, ..sound() }, State::Retired)]
#[case::replaced(Known { standing: Standing::Replaced, ..sound() }, State::Retired)]
#[case::a_clock_of_ours_that_went_back(with(|_, s| s.at_ms = NOW + 60_000), State::Ready)]
fn a_terminal_has_its_state(#[case] known: Known, #[case] expected: State) {
    let shown = state(&known, NOW);
    assert_eq!((shown.state, shown.reasons), (expected, Vec::new()));
}

#[rstest]
#[case::journal(with(|_, s| s.health.journal_problem = Some("full".into())), Reason::Journal)]
#[case::stands(screen(|s| s.drawn_uptime_ms = Some(3_554_999)), Reason::NotPainting)]
#[case::never_painted(screen(|s| s.drawn_uptime_ms = None), Reason::NotPainting)]
#[case::terminal_gone(screen(|s| s.uptime_ms = 3_554_999), Reason::TerminalSilent)]
#[case::terminal_never_spoke(with(|_, s| s.health.screen = None), Reason::TerminalSilent)]
#[case::older_programs(with(|_, s| {
    s.health.screen = None;
    s.health.board = None;
}), Reason::ScreenUnknown)]
#[case::a_page_of_a_later_release(screen(|s| s.page = 77), Reason::ScreenUnknown)]
#[case::out_of_service(screen(|s| s.page = ShownPage::OutOfService.number()), Reason::OutOfService)]
#[case::self_test_failed(screen(|s| s.self_test = Some(SelfTested { day: 0, good: false })), Reason::SelfTestFailed)]
#[case::self_test_missing(with(|k, _| k.tests_missing = 2), Reason::SelfTestMissing)]
#[case::incident(with(|k, _| k.incidents = 1), Reason::Incident)]
#[case::stuck(with(|_, s| {
    s.backlog = 1;
    s.progress_ms = NOW - STUCK_MS - 1;
}), Reason::Stuck)]
#[case::disk(with(|_, s| s.health.disk_free_bytes = Some(DISK_LOW_BYTES - 1)), Reason::Disk)]
#[case::clock_behind(with(|_, s| s.clock_off_ms = -60_001), Reason::ClockOff)]
#[case::clock_of_1970(with(|_, s| s.clock_off_ms = i64::MIN), Reason::ClockOff)]
#[case::clock_not_set(with(|_, s| s.synchronised = false), Reason::ClockNotSet)]
#[case::profile(with(|_, s| s.health.profile_problem = Some("version 7".into())), Reason::Profile)]
#[case::hot(with(|_, s| s.health.board = Some(Board { temperature_mc: Some(HOT_MC), disk_total_bytes: None })), Reason::Hot)]
#[case::staff(screen(|s| s.page = ShownPage::Staff.number()), Reason::Staff)]
fn what_is_wrong_is_the_reason(#[case] known: Known, #[case] expected: Reason) {
    let shown = state(&known, NOW);
    assert_eq!(
        (shown.state, shown.reasons),
        (State::Degraded, vec![expected])
    );
}

#[test]
fn the_gravest_reason_comes_first() {
    let known = with(|known, seen| {
        known.incidents = 1;
        seen.health.profile_problem = Some("version 7".to_owned());
        seen.health.journal_problem = Some("full".to_owned());
        seen.clock_off_ms = 3_600_000;
    });
    let reasons = state(&known, NOW).reasons;
    assert_eq!(
        reasons,
        [
            Reason::Journal,
            Reason::Incident,
            Reason::ClockOff,
            Reason::Profile
        ]
    );
    assert!(reasons.is_sorted());
}

#[test]
fn a_clock_that_nobody_has_set_yet_is_given_ten_minutes() {
    let known = with(|_, seen| {
        seen.synchronised = false;
        seen.uptime_ms = 600_000;
        if let Some(screen) = &mut seen.health.screen {
            screen.uptime_ms = 599_000;
            screen.drawn_uptime_ms = Some(595_000);
        }
    });
    assert_eq!(state(&known, NOW).state, State::Ready);
}

#[test]
fn states_and_reasons_are_found_by_their_names() {
    for state in State::ALL {
        assert_eq!(State::named(state.name()), Some(state));
    }
    for reason in Reason::ALL {
        assert_eq!(Reason::named(reason.name()), Some(reason));
    }
}
