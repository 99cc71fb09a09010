//! What the technician's page and the office are told about the daemon.

use manyi_shared::domain::Clock;
use manyi_shared::tablet::{SystemClock, UplinkStatus};

use crate::relay::Fault;
use crate::tablet::Hall;
use crate::wait_for;

impl Hall {
    fn status(&self) -> UplinkStatus {
        UplinkStatus::read(&self.tablet.data.uplink_status()).unwrap_or_default()
    }
}

#[tokio::test]
async fn every_attempt_is_written_down_for_the_technician() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(4);
    let refusal = "content-type: application/problem+json\r\n";
    let body = r#"{"title":"No","detail":"this terminal was revoked"}"#;
    hall.relay.then([Fault::answer("403 No", refusal, body)]);
    let daemon = hall.tablet.daemon();
    wait_for("the refusal", || {
        let problem = hall.status().problem.unwrap_or_default();
        problem.contains("403") && problem.contains("this terminal was revoked")
    })
    .await;
    let status = hall.status();
    assert_eq!((status.backlog, status.answered_uptime_ms), (5, None));
    assert!(status.oldest_unsent_ms.is_some_and(|ms| ms < 60_000));
    wait_for("all is well", || hall.status().problem.is_none()).await;
    wait_for("the backlog is empty", || {
        hall.is_even() && hall.status().backlog == 0
    })
    .await;
    daemon.stop().await;
    let status = hall.status();
    let now = SystemClock::new().read();
    assert_eq!(status.collector, format!("http://{}", hall.relay.address));
    assert_eq!(status.boot, now.boot.to_string());
    assert_eq!(
        (status.oldest_unsent_ms, status.profile_problem),
        (None, None)
    );
    assert!(
        status
            .answered_uptime_ms
            .is_some_and(|ms| ms <= now.uptime_ms)
    );
}

#[tokio::test]
async fn a_long_backlog_is_counted_down() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(1200);
    let third = Fault::answer("500 Oh", "", "");
    hall.relay.then([Fault::None, third]);
    let daemon = hall.tablet.daemon();
    wait_for("the second run fails", || hall.status().problem.is_some()).await;
    assert_eq!(hall.status().backlog, 701);
    wait_for("the backlog is empty", || hall.is_even()).await;
    daemon.stop().await;
}

#[tokio::test]
async fn the_office_is_told_when_the_journal_cannot_be_read_and_when_it_can_again() {
    let hall = Hall::new().await;
    let path = hall.tablet.data.journal();
    std::fs::write(&path, b"this is no journal, but somebody may want it").unwrap();
    let problem = || {
        let centre = hall.collector.centre();
        let head = centre.heads.last();
        head.and_then(|head| head.health.journal_problem.clone())
    };
    let daemon = hall.tablet.daemon();
    wait_for("it is told", || {
        problem().is_some_and(|said| said.len() <= 200 && said.contains("cannot be used"))
    })
    .await;
    daemon.stop().await;
    std::fs::remove_file(&path).unwrap();
    hall.tablet.terminal().rate(1);
    let daemon = hall.tablet.daemon();
    wait_for("it is well", || hall.is_even() && problem().is_none()).await;
    daemon.stop().await;
}
