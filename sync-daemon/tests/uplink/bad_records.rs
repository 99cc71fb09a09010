//! Bad records, a centre that went back, and an office that took the identity back; with a collector
//! that knows what to say about it, and with one of the first releases.

use axum::http::StatusCode;
use manyi_shared::journal::Backlog;
use manyi_shared::tablet::UplinkStatus;

use crate::tablet::Hall;
use crate::wait_for;

fn since(hall: &Hall) -> Option<i64> {
    UplinkStatus::read(&hall.tablet.data.uplink_status())?.revoked_since_ms
}

fn revoked(hall: &Hall) -> bool {
    UplinkStatus::read(&hall.tablet.data.uplink_status()).is_some_and(|status| status.revoked)
}

#[rstest::rstest]
#[case::it_refuses_them(StatusCode::UNPROCESSABLE_ENTITY)]
#[case::they_break_it(StatusCode::INTERNAL_SERVER_ERROR)]
#[tokio::test]
async fn bad_records_are_kept_unread_and_hold_up_nothing(#[case] answer: StatusCode) {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    terminal.rate(60);
    let sealed = hall.tablet.sealed()[0].1.clone();
    let bad = vec![sealed[17].clone(), sealed[42].clone()];
    {
        let newer = &mut hall.collector.centre().newer;
        newer.is_newer = true;
        newer.bad.clone_from(&bad);
        newer.answer = Some(answer);
    }
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    terminal.rate(1);
    wait_for("the stream goes on", || hall.is_even()).await;
    daemon.stop().await;
    assert_eq!(hall.collector.centre().newer.unread, bad);
}

#[tokio::test]
async fn an_older_collector_that_cannot_cope_with_a_record_is_not_asked_in_circles() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(20);
    let bad = hall.tablet.sealed()[0].1[5].clone();
    {
        let newer = &mut hall.collector.centre().newer;
        newer.bad = vec![bad];
        newer.answer = Some(StatusCode::BAD_REQUEST);
    }
    // A second stream, which is well.
    hall.tablet.terminal().rate(20);
    let mut pace = crate::tablet::pace();
    pace.aside = std::time::Duration::from_secs(3600);
    let daemon = hall.tablet.daemon_at(pace);
    wait_for(
        "what is good before it and the other stream are there",
        || hall.tablet.acknowledged() == [5, 21],
    )
    .await;
    daemon.stop().await;
    let centre = hall.collector.centre();
    let carried = centre.heads.iter().filter(|head| head.run.is_some());
    // The run, five cuts, the record alone and unread; and the other stream.
    assert!(carried.count() <= 9);
}

#[tokio::test]
async fn a_restored_centre_gets_what_is_there_and_is_told_what_is_not() {
    let hall = Hall::new().await;
    hall.collector.centre().newer.is_newer = true;
    hall.tablet.terminal().rate(30);
    let terminal = hall.tablet.terminal();
    let daemon = hall.tablet.daemon();
    wait_for("the backlog is empty", || hall.is_even()).await;
    daemon.stop().await;
    let before = hall.tablet.sealed();
    // Ten acknowledged records stay, nine of them in the first stream.
    let mut backlog = Backlog::open(&hall.tablet.data.journal()).unwrap();
    backlog.prune(10).unwrap();
    drop(backlog);
    hall.collector.centre().streams.clear();
    // Nothing new is sealed: only the claims can show it.
    let daemon = hall.tablet.daemon();
    let first = before[0].0;
    wait_for("the centre has what is left", || {
        let centre = hall.collector.centre();
        centre.held(first).len() == 9 && centre.held(terminal.stream()).len() == 1
    })
    .await;
    wait_for("and the journal knows it", || {
        hall.tablet.acknowledged() == [31, 1]
    })
    .await;
    daemon.stop().await;
    let centre = hall.collector.centre();
    assert_eq!(centre.newer.gone[&first].0, 22);
    assert_eq!(centre.held(first), &before[0].1[22..]);
}

#[tokio::test]
async fn a_signed_revocation_is_written_down_until_the_office_takes_it_back() {
    let hall = Hall::new().await;
    hall.collector.centre().newer.revoked = true;
    hall.tablet.terminal().rate(3);
    let daemon = hall.tablet.daemon();
    wait_for("it is written down", || revoked(&hall)).await;
    let since = since(&hall);
    assert!(since.is_some(), "and since when");
    daemon.stop().await;
    let daemon = hall.tablet.daemon();
    assert!(
        revoked(&hall),
        "also by the next start, before it has asked"
    );
    wait_for("it was told again", || {
        hall.collector.centre().newer.refused > 2
    })
    .await;
    assert_eq!(
        self::since(&hall),
        since,
        "told again, it is as old as before"
    );
    hall.collector.centre().newer.revoked = false;
    wait_for("everything is there", || hall.is_even() && !revoked(&hall)).await;
    assert_eq!(self::since(&hall), None);
    daemon.stop().await;
}
