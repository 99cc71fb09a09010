//! What works when nothing breaks.

use std::time::Duration;

use manyi_sync::uplink::Pace;

use crate::collector::{CODE, profile};
use crate::tablet::{Hall, pace};
use crate::wait_for;

#[tokio::test]
async fn what_is_sealed_arrives_exactly_once() {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    terminal.rate(3);
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    terminal.rate(1200);
    wait_for("the second backlog is empty", || hall.is_even()).await;
    daemon.stop().await;
    let centre = hall.collector.centre();
    let most = centre
        .heads
        .iter()
        .filter_map(|head| head.run)
        .map(|run| run.count)
        .max();
    assert_eq!(most, Some(500));
}

#[tokio::test]
async fn a_wake_sends_a_rating_long_before_the_timer() {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    let slow = Pace {
        poll: Duration::from_secs(600),
        heartbeat: Duration::from_secs(600),
        ..pace()
    };
    let daemon = hall.tablet.daemon_at(slow);
    terminal.rate(1);
    wait_for("the rating is there", || hall.is_even()).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_lone_rating_whose_wake_was_lost_leaves_with_the_timer() {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    let no_heartbeat = Pace {
        heartbeat: Duration::from_secs(600),
        ..pace()
    };
    let daemon = hall.tablet.daemon_at(no_heartbeat);
    for _ in 0..5 {
        wait_for("what was sealed before is there", || hall.is_even()).await;
        terminal.seal();
    }
    wait_for("the rating is there", || hall.is_even()).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_daemon_that_starts_before_the_terminal_gives_signs_of_life_and_finds_the_journal() {
    let hall = Hall::new().await;
    let daemon = hall.tablet.daemon();
    wait_for("two heartbeats", || {
        hall.collector.centre().heads.len() >= 2
    })
    .await;
    let mut terminal = hall.tablet.terminal();
    terminal.rate(2);
    wait_for("the ratings are there", || hall.is_even()).await;
    daemon.stop().await;
    let centre = hall.collector.centre();
    assert!(
        centre
            .heads
            .windows(2)
            .all(|pair| pair[0].number < pair[1].number)
    );
}

#[tokio::test]
async fn a_restarted_terminal_opens_a_stream_that_arrives_too() {
    let hall = Hall::new().await;
    let daemon = hall.tablet.daemon();
    for ratings in [5, 3] {
        hall.tablet.terminal().rate(ratings);
    }
    wait_for("both streams are there", || hall.is_even()).await;
    daemon.stop().await;
    assert_eq!(hall.tablet.acknowledged(), [6, 4]);
}

#[tokio::test]
async fn a_restarted_daemon_never_uses_a_number_twice() {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    for _ in 0..3 {
        terminal.rate(1);
        let daemon = hall.tablet.daemon();
        wait_for("the rating is there", || hall.is_even()).await;
        daemon.stop().await;
    }
    let numbers: Vec<_> = hall
        .collector
        .centre()
        .heads
        .iter()
        .map(|head| head.number)
        .collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[tokio::test]
async fn a_heartbeat_tells_how_the_tablet_is() {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    terminal.rate(4);
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
    let (first, last) = (centre.heads.first().unwrap(), centre.heads.last().unwrap());
    assert_eq!((first.health.backlog, last.health.backlog), (5, 0));
    assert!(first.health.oldest_unsent_ms.is_some_and(|ms| ms < 60_000));
    assert!(first.health.disk_free_bytes.is_some_and(|bytes| bytes > 0));
    assert!(first.health.software.starts_with("manyi-sync "));
    assert_eq!(first.profile_version, 1);
}

#[tokio::test]
async fn a_new_profile_reaches_the_card_and_a_forged_one_does_not() {
    let hall = Hall::new().await;
    drop(hall.tablet.terminal());
    let identity = hall.tablet.identity();
    let version = || {
        manyi_shared::tablet::read_profile(&hall.tablet.data, &identity)
            .unwrap()
            .version
    };
    let daemon = hall.tablet.daemon();
    hall.collector.centre().profile = profile(2);
    wait_for("the new profile is on the card", || version() == 2).await;
    let forged = profile(3).seal(&manyi_shared::wire::SecretKey::from_seed(&[66; 32]));
    {
        let mut centre = hall.collector.centre();
        centre.profile = profile(3);
        centre.other_profile = Some(forged);
        centre.heads.clear();
    }
    wait_for("two exchanges", || hall.collector.centre().heads.len() > 2).await;
    assert_eq!(version(), 2);
    hall.collector.centre().other_profile = None;
    wait_for("the true profile is on the card", || version() == 3).await;
    daemon.stop().await;
}

#[tokio::test]
async fn acknowledged_records_are_pruned_to_what_the_profile_keeps() {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    terminal.rate(40);
    hall.collector.centre().profile = manyi_shared::wire::Profile {
        keep_records: 10,
        ..profile(2)
    };
    let daemon = hall.tablet.daemon();
    wait_for("the journal is short", || {
        hall.tablet.sealed()[0].1.len() == 10
    })
    .await;
    daemon.stop().await;
    assert_eq!(hall.collector.centre().held(terminal.stream()).len(), 41);
}

#[tokio::test]
async fn records_of_an_earlier_identity_are_sent_under_it() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(2);
    let before = hall.tablet.identity().terminal;
    // The office gives the same key another identity when it is enrolled anew.
    let now = manyi_shared::domain::TerminalId::random();
    {
        let mut centre = hall.collector.centre();
        let key = centre.terminals[&before];
        centre.terminals.insert(now, key);
    }
    let mut identity = hall.tablet.identity();
    identity.terminal = now;
    identity.write(&hall.tablet.data.identity()).unwrap();
    hall.tablet.terminal().rate(2);
    let daemon = hall.tablet.daemon();
    wait_for("both streams are there", || hall.is_even()).await;
    daemon.stop().await;
    let centre = hall.collector.centre();
    let senders: Vec<_> = centre.heads.iter().map(|head| head.terminal).collect();
    assert!(
        senders.contains(&before) && senders.contains(&now),
        "{senders:?}"
    );
}

#[tokio::test]
async fn an_earlier_identity_that_the_centre_forgot_does_not_hold_up_the_present_one() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(2);
    let identity = hall.tablet.identity();
    hall.collector.centre().terminals.clear();
    hall.tablet
        .enrol_with(hall.relay.address, CODE, true)
        .await
        .unwrap();
    assert_ne!(hall.tablet.identity().terminal, identity.terminal);
    hall.tablet.terminal().rate(2);
    let never = Duration::from_secs(600);
    let daemon = hall.tablet.daemon_at(Pace {
        operator: never,
        ..pace()
    });
    wait_for("the present stream is there", || {
        hall.tablet.acknowledged() == [0, 3]
    })
    .await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_stream_that_the_card_has_changed_does_not_hold_up_the_others() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(3);
    let mut present = hall.tablet.terminal();
    present.rate(1);
    let journal = rusqlite::Connection::open(hall.tablet.data.journal()).unwrap();
    let change = "UPDATE record SET bytes = CAST(bytes || x'00' AS BLOB) \
                  WHERE stream_no = 1 AND seq = 2";
    assert_eq!(journal.execute(change, []).unwrap(), 1);
    let daemon = hall.tablet.daemon();
    wait_for("what is whole is there", || {
        hall.tablet.acknowledged() == [1, 2]
    })
    .await;
    present.rate(1);
    wait_for("and a lone rating, at once", || {
        hall.tablet.acknowledged() == [1, 3]
    })
    .await;
    let told = || {
        let centre = hall.collector.centre();
        let last = centre.heads.last().unwrap();
        last.health.journal_problem.is_some()
    };
    wait_for("the office hears of it", told).await;
    daemon.stop().await;
}
