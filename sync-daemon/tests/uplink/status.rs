//! What the technician's page and the office are told about the daemon.

use manyi_shared::domain::Clock;
use manyi_shared::tablet::{EnrolProblem, EnrolProgress, EnrolState, SystemClock, UplinkStatus};
use manyi_sync::lock::Lock;
use manyi_sync::status::{self, Status};

use crate::relay::Fault;
use crate::tablet::{Hall, Tablet};
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
    // More than one, so that it is to be seen for longer than a busy machine takes to look.
    let fault = || Fault::answer("500 Oh", "", "");
    hall.relay.then([Fault::None, fault(), fault(), fault()]);
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

/// What a technician sees now, without what differs from run to run.
fn said(tablet: &Tablet) -> String {
    let status = status::read(&tablet.data, None, tablet.clock.read());
    let text = without_folder(tablet, &status);
    match &status.identity {
        None => text,
        Some(identity) => text
            .replace(&identity.terminal, "TERMINAL")
            .replace(&identity.collector_fingerprint, "FINGERPRINT")
            .replace(&identity.collector_url, "http://CENTRE"),
    }
}

fn without_folder(tablet: &Tablet, status: &Status) -> String {
    let folder = tablet.data.path().display().to_string();
    let code = u8::from(!status.is_fine());
    format!("{}\n\nexit code {code}", status.text()).replace(&folder, "DATA")
}

/// What a daemon wrote that had its last answer seven minutes ago.
fn uplink(hall: &Hall) -> UplinkStatus {
    let now = hall.tablet.clock.read();
    UplinkStatus {
        collector: hall.tablet.identity().collector_url,
        answered_uptime_ms: Some(now.uptime_ms.saturating_sub(7 * 60_000 + 500)),
        boot: now.boot.to_string(),
        backlog: 4,
        ..UplinkStatus::default()
    }
}

#[tokio::test]
async fn status_says_what_since_when_why_and_what_to_do() {
    let hall = Hall::new().await;
    hall.tablet.clock.synchronise_now();
    let path = hall.tablet.data.uplink_status();
    insta::assert_snapshot!("status_before_the_first_start", said(&hall.tablet));
    hall.tablet.terminal().rate(3);
    let _daemon = Lock::take(&hall.tablet.data).unwrap();
    insta::assert_snapshot!("status_before_the_first_exchange", said(&hall.tablet));

    uplink(&hall).write(&path).unwrap();
    insta::assert_snapshot!("status_when_all_is_well", said(&hall.tablet));

    let now = hall.tablet.clock.read().uptime_ms;
    let failing = UplinkStatus {
        problem: Some("no answer from http://CENTRE: connection refused".to_owned()),
        failing_since_uptime_ms: Some(now.saturating_sub(5 * 60_000 + 500)),
        oldest_unsent_ms: Some(6 * 60_000),
        ..uplink(&hall)
    };
    failing.write(&path).unwrap();
    insta::assert_snapshot!("status_when_nothing_gets_through", said(&hall.tablet));

    let revoked = UplinkStatus {
        revoked: true,
        revoked_since_ms: Some(1_795_000_000_000),
        ..failing
    };
    revoked.write(&path).unwrap();
    insta::assert_snapshot!("status_when_revoked", said(&hall.tablet));

    hall.tablet.clock.set(1970);
    let doubtful = UplinkStatus {
        certificate: Some("the collector's certificate is valid from some day".to_owned()),
        oldest_unsent_ms: Some(11 * 60_000),
        profile_problem: Some("version 9 names a picture that cannot be shown".to_owned()),
        ..uplink(&hall)
    };
    doubtful.write(&path).unwrap();
    insta::assert_snapshot!("status_with_notes", said(&hall.tablet));
}

#[tokio::test]
async fn status_of_a_terminal_without_an_identity_or_with_damaged_files() {
    let tablet = Tablet::new();
    tablet.clock.synchronise_now();
    std::fs::create_dir_all(tablet.data.path()).unwrap();
    let _daemon = Lock::take(&tablet.data).unwrap();
    insta::assert_snapshot!("status_before_enrolment", said(&tablet));
    let refused = EnrolProgress {
        state: EnrolState::Failed,
        problem: Some(EnrolProblem::CodeRefused),
        detail: "the collector refused: the code is wrong, expired or used".to_owned(),
    };
    refused.write(&tablet.data.enrol_progress()).unwrap();
    insta::assert_snapshot!("status_after_a_refused_code", said(&tablet));
    std::fs::write(tablet.data.identity(), b"rubbish").unwrap();
    std::fs::write(tablet.data.journal(), b"rubbish").unwrap();
    insta::assert_snapshot!("status_with_damaged_files", said(&tablet));
}

#[tokio::test]
async fn failing_since_is_the_first_failure_in_a_row() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(1);
    let before = hall.tablet.clock.read().uptime_ms;
    let fault = || Fault::answer("500 Oh", "", "");
    hall.relay.then([fault(), fault(), fault()]);
    let daemon = hall.tablet.daemon();
    wait_for("it fails", || hall.status().problem.is_some()).await;
    let first = hall.status().failing_since_uptime_ms.unwrap();
    wait_for("it works", || hall.status().problem.is_none()).await;
    assert_eq!(hall.status().failing_since_uptime_ms, None);
    daemon.stop().await;
    assert!((before..=hall.tablet.clock.read().uptime_ms).contains(&first));
}
