//! Everything that can break on the way: it ends with everything acknowledged, exactly.

use std::time::Duration;

use axum::http::StatusCode;
use manyi_sync::daemon::{Daemon, StartError};
use manyi_sync::uplink::{Backoff, Pace};

use crate::relay::Fault;
use crate::tablet::{Hall, pace};
use crate::wait_for;

fn portal() -> Fault {
    Fault::answer(
        "200 OK",
        "content-type: text/html\r\n",
        "<html>Please log in</html>",
    )
}

fn unavailable() -> Fault {
    Fault::answer("500 Oh", "retry-after: 0\r\n", "")
}

#[rstest::rstest]
#[case::cut_before_the_request(Fault::CutBefore)]
#[case::cut_after_it_was_taken(Fault::CutAfterTaken)]
#[case::cut_in_the_reply(Fault::CutReply)]
#[case::request_arrives_twice(Fault::Doubled)]
#[case::an_old_reply_comes_back(Fault::OldReply)]
#[case::one_bit_is_flipped(Fault::Flipped)]
#[case::a_portal_answers(portal())]
#[case::a_server_error(unavailable())]
#[case::too_many(Fault::answer("429 Slow", "retry-after: 0\r\n", ""))]
#[case::too_large_says_a_proxy(Fault::answer("413 Large", "", ""))]
#[case::a_redirect(Fault::answer("302 Found", "location: http://127.0.0.1:1/\r\n", ""))]
#[case::a_proxys_404(Fault::answer("404 No", "content-type: text/html\r\n", "nothing"))]
#[case::empty_signed_reply(Fault::answer("200 OK", "content-type: application/cose\r\n", ""))]
#[tokio::test]
async fn one_fault_after_another_loses_and_doubles_nothing(#[case] fault: Fault) {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    terminal.rate(20);
    hall.relay
        .then([fault.clone(), fault.clone(), Fault::None, fault]);
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    terminal.rate(20);
    wait_for("all is calm and even", || {
        terminal.seal();
        hall.relay.is_calm()
    })
    .await;
    wait_for("the last rating is there", || hall.is_even()).await;
    daemon.stop().await;
}

#[tokio::test]
async fn watermarks_never_move_on_what_cannot_be_verified() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(5);
    let lies = || {
        [
            portal(),
            Fault::Flipped,
            Fault::CutReply,
            Fault::OldReply,
            unavailable(),
        ]
    };
    hall.relay.then((0..4).flat_map(|_| lies()));
    let daemon = hall.tablet.daemon();
    wait_for("all lies are told", || {
        let moved = hall.tablet.acknowledged() != [0];
        assert!(!moved || hall.relay.is_calm(), "acknowledged by a lie");
        hall.relay.is_calm()
    })
    .await;
    wait_for("the truth is told", || hall.is_even()).await;
    daemon.stop().await;
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(1);
    hall.relay
        .then([Fault::answer("503 Later", "retry-after: 1\r\n", "")]);
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    daemon.stop().await;
    // The first request to the relay was the enrolment.
    let pause = hall.relay.pauses()[1];
    assert!(
        pause >= Duration::from_secs(1) && pause < Duration::from_secs(3),
        "{pause:?}"
    );
}

#[tokio::test]
async fn a_narrow_way_is_taken_in_smaller_runs() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(300);
    hall.collector.centre().most_records = 40;
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_centre_restored_from_a_backup_is_filled_again() {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    terminal.rate(30);
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    for held in [12, 0] {
        hall.collector
            .centre()
            .streams
            .get_mut(&terminal.stream())
            .unwrap()
            .truncate(held);
        terminal.rate(1);
        wait_for("the centre is filled again", || hall.is_even()).await;
    }
    daemon.stop().await;
}

#[tokio::test]
async fn a_centre_that_lost_what_was_pruned_gets_no_records_at_wrong_positions() {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    terminal.rate(30);
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    daemon.stop().await;
    let mut backlog = manyi_shared::journal::Backlog::open(&hall.tablet.data.journal()).unwrap();
    backlog.prune(10).unwrap();
    hall.collector.centre().streams.clear();
    terminal.rate(1);
    hall.collector.centre().heads.clear();
    let daemon = hall.tablet.daemon();
    wait_for("a heartbeat", || {
        hall.collector
            .centre()
            .heads
            .iter()
            .any(|head| head.run.is_none())
    })
    .await;
    daemon.stop().await;
    let centre = hall.collector.centre();
    assert!(centre.held(terminal.stream()).is_empty());
    assert!(
        centre
            .heads
            .iter()
            .filter_map(|head| head.run)
            .all(|run| run.first.get() == 32)
    );
}

#[tokio::test]
async fn numbers_from_an_old_backup_are_replaced() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(3);
    hall.collector.centre().last_number = 100_000;
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_second_history_is_sent_to_its_end_and_holds_up_nothing() {
    let hall = Hall::new().await;
    let conflicted = {
        let mut terminal = hall.tablet.terminal();
        terminal.rate(3);
        terminal.stream()
    };
    hall.collector.centre().conflicts.push(conflicted);
    let mut terminal = hall.tablet.terminal();
    terminal.rate(3);
    let daemon = hall.tablet.daemon();
    // What is kept beside the other history is acknowledged like everything that is kept.
    wait_for("both streams are there", || {
        hall.tablet.acknowledged() == [4, 4]
    })
    .await;
    terminal.rate(1);
    wait_for("and the living one goes on", || {
        hall.tablet.acknowledged() == [4, 5]
    })
    .await;
    daemon.stop().await;
    let centre = hall.collector.centre();
    let tries = centre
        .heads
        .iter()
        .filter_map(|head| head.run)
        .filter(|run| run.stream == conflicted);
    assert_eq!(tries.count(), 1, "it is sent once");
}

#[tokio::test]
async fn a_refused_terminal_keeps_its_ratings_and_sends_them_when_it_is_let_in_again() {
    for status in [
        StatusCode::FORBIDDEN,
        StatusCode::UNAUTHORIZED,
        StatusCode::BAD_REQUEST,
    ] {
        let hall = Hall::new().await;
        hall.tablet.terminal().rate(3);
        hall.collector.centre().refuse = Some(status);
        let daemon = hall.tablet.daemon();
        wait_for("two refusals", || hall.collector.centre().heads.len() >= 2).await;
        assert_eq!(hall.tablet.acknowledged(), [0]);
        hall.collector.centre().refuse = None;
        wait_for("the backlog is empty", || hall.is_even()).await;
        daemon.stop().await;
    }
}

#[tokio::test]
async fn a_collector_that_is_away_is_found_again() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(3);
    let mut options = hall.tablet.options(pace());
    // Nothing listens there: every attempt is refused by the system.
    options.collector_url = Some("http://127.0.0.1:9".to_owned());
    let daemon = Daemon::start(options).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(daemon.run(async { drop(stopped.await) }));
    stop.send(()).unwrap();
    task.await.unwrap();
    assert_eq!(hall.tablet.acknowledged(), [0]);
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_left_alone_and_the_tablet_stays_visible() {
    let hall = Hall::new().await;
    let path = hall.tablet.data.journal();
    std::fs::write(&path, b"this is no journal, but somebody may want it").unwrap();
    let daemon = hall.tablet.daemon();
    wait_for("two heartbeats", || {
        hall.collector.centre().heads.len() >= 2
    })
    .await;
    daemon.stop().await;
    assert_eq!(
        std::fs::read(&path).unwrap(),
        b"this is no journal, but somebody may want it"
    );
}

#[tokio::test]
async fn a_journal_that_was_set_aside_and_begun_anew_is_noticed() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(3);
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    for name in ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"] {
        let path = hall.tablet.data.path().join(name);
        if path.exists() {
            std::fs::rename(&path, hall.tablet.data.path().join(format!("aside-{name}"))).unwrap();
        }
    }
    hall.tablet.terminal().rate(2);
    wait_for("the new journal's stream is there", || {
        hall.tablet.acknowledged() == [3]
    })
    .await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_second_daemon_does_not_start() {
    let hall = Hall::new().await;
    let daemon = hall.tablet.daemon();
    let error = Daemon::start(hall.tablet.options(pace())).unwrap_err();
    assert!(matches!(error, StartError::Lock(_)), "{error}");
    daemon.stop().await;
}

#[tokio::test]
async fn a_stop_during_a_pause_is_obeyed_at_once() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(1);
    hall.relay
        .then([Fault::answer("503 Later", "retry-after: 600\r\n", "")]);
    let backoff = Backoff::default();
    let daemon = hall.tablet.daemon_at(Pace { backoff, ..pace() });
    wait_for("the refusal", || hall.relay.is_calm()).await;
    let stopped = tokio::time::timeout(Duration::from_secs(5), daemon.stop()).await;
    assert!(stopped.is_ok());
}
