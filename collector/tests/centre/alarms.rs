//! Alarms from real records: what the office is told when a morning's self-test is not whole.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use manyi_collector::alarm::current;
use manyi_collector::hall::HallTables;
use manyi_collector::store::IngestStore;
use manyi_shared::domain::Level;

use crate::hall::files;
use crate::rules::send;
use crate::support::{Centre, NOW, Tablet};

/// `NOW` is nine o'clock on Tuesday, 2026-03-24.
const DAY: u32 = 20_260_324;
const MINUTE: i64 = 60_000;

/// A centre whose hall opens at nine and tests fifteen minutes before, and a tablet of yesterday.
async fn opening_at_nine() -> (Centre, Tablet) {
    let centre = Centre::new().await;
    let dir = files();
    let text = "self_test_minutes = 15\n[[hours]]\ndays = \"mon-fri\"\nopens = \"09:00\"\n\
         closes = \"17:00\"\n";
    std::fs::write(dir.path().join("profile.toml"), text).expect("written");
    let tables = HallTables::read(dir.path()).expect("whole");
    let imported = centre.store.import_hall(tables).await.expect("stored");
    imported.expect("not refused");
    centre.clock.set(NOW - 1440 * MINUTE);
    let tablet = centre.tablet("A01").await;
    (centre, tablet)
}

async fn texts(centre: &Centre, now_ms: i64) -> Vec<String> {
    let alarms = current(centre.store.as_ref(), now_ms).await;
    let alarms = alarms.expect("readable");
    let text = |a: &manyi_collector::alarm::Alarm| format!("{} {}", a.window, a.cause.text());
    alarms.iter().map(text).collect()
}

#[tokio::test]
async fn a_level_that_does_not_come_through_is_an_alarm_from_opening_until_it_does() {
    let (centre, mut tablet) = opening_at_nine().await;
    centre.clock.set(NOW - 15 * MINUTE);
    for level in [5, 4, 3] {
        tablet.self_test(DAY, Level::try_from(level).expect("a level"));
    }
    send(&centre, &mut tablet, 1, 4).await;
    assert!(texts(&centre, NOW - 1).await.is_empty(), "not open yet");
    assert_eq!(texts(&centre, NOW).await, ["A01 missing 2, 1"]);
    // Ratings of the missing levels are no test.
    tablet.rate(Level::Dissatisfied);
    send(&centre, &mut tablet, 5, 1).await;
    assert_eq!(texts(&centre, NOW).await, ["A01 missing 2, 1"]);
    tablet.self_test(DAY, Level::Dissatisfied);
    tablet.self_test(DAY, Level::VeryDissatisfied);
    send(&centre, &mut tablet, 6, 2).await;
    assert!(texts(&centre, NOW).await.is_empty());
    let tomorrow = NOW + 1440 * MINUTE;
    assert_eq!(
        texts(&centre, tomorrow).await,
        ["A01 no self-test came today"]
    );
}

#[tokio::test]
async fn a_terminal_that_was_taken_out_of_service_is_missed_by_nobody() {
    let (centre, tablet) = opening_at_nine().await;
    assert_eq!(texts(&centre, NOW).await, ["A01 no self-test came today"]);
    assert!(centre.store.revoke(tablet.terminal).await.expect("stored"));
    assert!(texts(&centre, NOW).await.is_empty());
}

#[tokio::test]
async fn what_the_daemon_says_of_profile_and_journal_is_an_alarm_until_it_says_otherwise() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let mut head = tablet.head(None);
    head.health.profile_problem = Some("version 7: options.hours[0]".to_owned());
    head.health.journal_problem = Some("the card is read-only".to_owned());
    let body = head.seal(&[], &tablet.key).expect("an exchange");
    centre.exchange(&tablet, body).await;
    assert_eq!(
        texts(&centre, NOW).await,
        [
            "A01 cannot keep its records: the card is read-only",
            "A01 does not obey its profile: version 7: options.hours[0]",
        ]
    );
    let body = tablet.heartbeat();
    centre.exchange(&tablet, body).await;
    assert!(texts(&centre, NOW).await.is_empty());
}

#[tokio::test]
async fn the_api_and_the_metrics_tell_what_is_missing() {
    let (centre, mut tablet) = opening_at_nine().await;
    for level in [5, 4, 3, 1] {
        tablet.self_test(DAY, Level::try_from(level).expect("a level"));
    }
    send(&centre, &mut tablet, 1, 5).await;
    centre.clock.set(NOW);
    let path = "/api/v1/alarms";
    let closed = centre.get(path).await;
    assert_eq!(closed.status, StatusCode::UNAUTHORIZED);
    let token = centre.token().await;
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    let (status, body) = centre
        .ask(request.body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(status, StatusCode::OK);
    let alarm = &body["alarms"][0];
    assert_eq!(alarm["window"], "A01");
    assert_eq!(alarm["cause"], "self_test");
    assert_eq!(alarm["missing"], serde_json::json!([2]));
    assert_eq!(alarm["terminal"], tablet.terminal.to_string());
    let metrics = String::from_utf8(centre.get("/metrics").await.body).expect("text");
    assert!(
        metrics.contains("manyi_alarms{cause=\"self_test\"} 1"),
        "{metrics}"
    );
}
