//! What opens an alert, what keeps it open, and what closes it.

use manyi_shared::wire::{Board, Health, Screen, ShownPage};
use rstest::rstest;

use super::*;

const NOW: i64 = 1_795_000_000_000;

fn sound() -> Watched {
    let screen = Screen {
        uptime_ms: 3_599_000,
        page: ShownPage::Idle.number(),
        drawn_uptime_ms: Some(3_595_000),
        ..Screen::default()
    };
    let seen = Seen {
        at_ms: NOW - 10_000,
        uptime_ms: 3_600_000,
        synchronised: true,
        progress_ms: NOW - 10_000,
        health: Health {
            disk_free_bytes: Some(8 << 30),
            screen: Some(screen),
            board: Some(Board::default()),
            ..Health::default()
        },
        ..Seen::default()
    };
    Watched {
        terminal: TerminalId::from_bytes([7; 16]),
        window: "A01".parse().unwrap(),
        known: Known {
            seen: Some(seen),
            ..Known::default()
        },
        open_since_ms: Some(i64::MIN),
        missing: Vec::new(),
        incidents: Vec::new(),
        refused: None,
    }
}

fn with(change: impl FnOnce(&mut Watched, &mut Seen)) -> Watched {
    let mut watched = sound();
    let mut seen = watched.known.seen.take().unwrap();
    change(&mut watched, &mut seen);
    watched.known.seen = Some(seen);
    watched
}

fn signal(watched: &Watched, kind: Kind) -> Option<Signal> {
    let mut found = signs(watched, NOW).into_iter();
    let found = found.find(|(about, _)| about.kind == kind);
    found.map(|(_, signal)| signal)
}

fn bad(detail: &str) -> Signal {
    Signal::Bad(detail.to_owned())
}

const MIB: u64 = 1024 * 1024;

#[rstest]
#[case::heard(with(|_, _| {}), Kind::Silent, Signal::Good)]
#[case::four_minutes(with(|_, s| s.at_ms = NOW - 4 * MINUTE), Kind::Silent, Signal::Unclear)]
#[case::six_minutes(with(|_, s| s.at_ms = NOW - 6 * MINUTE), Kind::Silent, bad("1794999640000"))]
#[case::six_minutes_at_night(with(|w, s| {
    w.open_since_ms = None;
    s.at_ms = NOW - 6 * MINUTE;
}), Kind::Silent, Signal::Unclear)]
#[case::the_hall_has_just_opened(with(|w, s| {
    w.open_since_ms = Some(NOW - 3 * MINUTE);
    s.at_ms = NOW - 600 * MINUTE;
}), Kind::Silent, Signal::Unclear)]
#[case::stands(with(|_, s| s.health.screen.as_mut().unwrap().drawn_uptime_ms = None), Kind::NotPainting, bad("stands"))]
#[case::gone(with(|_, s| s.health.screen = None), Kind::NotPainting, bad("silent"))]
#[case::an_old_program(with(|_, s| {
    s.health.screen = None;
    s.health.board = None;
}), Kind::NotPainting, Signal::Unclear)]
#[case::room(with(|_, s| s.health.disk_free_bytes = Some(384 * MIB)), Kind::Disk, Signal::Good)]
#[case::less_room(with(|_, s| s.health.disk_free_bytes = Some(300 * MIB)), Kind::Disk, Signal::Unclear)]
#[case::no_room(with(|_, s| s.health.disk_free_bytes = Some(255 * MIB)), Kind::Disk, bad("267386880"))]
#[case::clock_right(with(|_, s| s.clock_off_ms = -20_000), Kind::Clock, Signal::Good)]
#[case::clock_a_little_off(with(|_, s| s.clock_off_ms = 60_000), Kind::Clock, Signal::Unclear)]
#[case::clock_off(with(|_, s| s.clock_off_ms = -3_600_000), Kind::Clock, bad("-3600000"))]
#[case::warm(with(|_, s| s.health.board.as_mut().unwrap().temperature_mc = Some(75_000)), Kind::Hot, Signal::Good)]
#[case::warmer(with(|_, s| s.health.board.as_mut().unwrap().temperature_mc = Some(79_999)), Kind::Hot, Signal::Unclear)]
#[case::hot(with(|_, s| s.health.board.as_mut().unwrap().temperature_mc = Some(80_000)), Kind::Hot, bad("80000"))]
#[case::drains(with(|_, s| s.backlog = 9), Kind::Backlog, Signal::Good)]
#[case::hardly_drains(with(|_, s| {
    s.backlog = 9;
    s.progress_ms = NOW - 6 * MINUTE;
}), Kind::Backlog, Signal::Unclear)]
#[case::stuck(with(|_, s| {
    s.backlog = 9;
    s.progress_ms = NOW - 16 * MINUTE;
}), Kind::Backlog, bad("9"))]
#[case::test_missing(with(|w, _| w.missing = vec![Level::Dissatisfied]), Kind::SelfTest, bad("2"))]
#[case::journal(with(|_, s| s.health.journal_problem = Some("full".into())), Kind::Journal, bad("full"))]
fn a_state_gives_its_signal(
    #[case] watched: Watched,
    #[case] kind: Kind,
    #[case] expected: Signal,
) {
    assert_eq!(signal(&watched, kind), Some(expected));
}

#[test]
fn a_silent_terminal_says_nothing_about_its_disk() {
    let watched = with(|_, seen| {
        seen.at_ms = NOW - 10 * MINUTE;
        seen.health.disk_free_bytes = Some(0);
    });
    assert_eq!(signal(&watched, Kind::Disk), Some(Signal::Unclear));
}

#[rstest]
#[case::never_called(None, Signal::Good)]
#[case::asked_once_and_was_told(Some((NOW - MINUTE, 1)), Signal::Unclear)]
#[case::goes_on(Some((NOW - MINUTE, 3)), bad("3"))]
#[case::was_switched_off(Some((NOW - 61 * MINUTE, 99)), Signal::Good)]
fn a_revoked_terminal_that_goes_on_calling_is_told(
    #[case] refused: Option<(i64, u64)>,
    #[case] expected: Signal,
) {
    let mut watched = with(|w, _| w.known.standing = Standing::Revoked);
    watched.refused = refused;
    assert_eq!(signal(&watched, Kind::RevokedCalls), Some(expected));
    assert_eq!(signal(&watched, Kind::Silent), None, "nobody waits for it");
}

#[test]
fn an_alert_whose_terminal_or_incident_is_gone_closes_at_once() {
    let mut watched = sound();
    watched.incidents = vec![("ab12".to_owned(), "gone".to_owned())];
    let mut pending = Pending::new();
    let open = decide(&[], &[watched.clone()], &mut pending, NOW);
    let [Change::Open { about, detail, .. }] = open.as_slice() else {
        panic!("{open:?}");
    };
    assert_eq!((about.subject.as_str(), detail.as_str()), ("ab12", "gone"));
    let alert = OpenAlert {
        id: [1; 16],
        about: about.clone(),
        calm_ms: None,
    };
    let again = decide(std::slice::from_ref(&alert), &[watched], &mut pending, NOW);
    assert_eq!(again, [], "it is open already");
    let cleared = decide(std::slice::from_ref(&alert), &[sound()], &mut pending, NOW);
    assert_eq!(cleared, [Change::Close { id: [1; 16] }]);
    let no_terminal = decide(&[alert], &[], &mut pending, NOW);
    assert_eq!(no_terminal, [Change::Close { id: [1; 16] }]);
}

#[test]
fn every_kind_is_found_by_its_name() {
    for kind in Kind::ALL {
        assert_eq!(Kind::named(kind.name()), Some(kind));
    }
}
