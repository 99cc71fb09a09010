//! Enrolment: what a technician sees.

use manyi_shared::tablet::{Identity, UplinkStatus, read_profile};
use manyi_sync::enrol::EnrolError;

use crate::collector::{CODE, Collector};
use crate::relay::{Fault, Relay};
use crate::tablet::{Hall, Tablet};

#[tokio::test]
async fn a_code_is_traded_for_an_identity_and_a_profile() {
    let hall = Hall::new().await;
    let identity = hall.tablet.identity();
    assert_eq!(identity.hall.as_str(), "371581-01");
    assert_eq!(identity.window.as_str(), "A01");
    assert_eq!(identity.collector, hall.collector.centre().key.public());
    assert_eq!(
        read_profile(&hall.tablet.data, &identity).unwrap().version,
        1
    );
    assert!(
        hall.collector
            .centre()
            .terminals
            .contains_key(&identity.terminal)
    );
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_again_and_gives_the_same_identity() {
    let collector = Collector::start().await;
    let relay = Relay::start(collector.address).await;
    let tablet = Tablet::new();
    for fault in [
        Fault::CutBefore,
        Fault::CutAfterTaken,
        Fault::CutReply,
        Fault::Flipped,
    ] {
        relay.then([fault]);
        tablet.enrol(relay.address, CODE).await.unwrap_err();
        assert!(!tablet.data.identity().exists());
    }
    let identity = tablet.enrol(relay.address, CODE).await.unwrap();
    let centre = collector.centre();
    assert_eq!(
        centre.terminals.keys().collect::<Vec<_>>(),
        [&identity.terminal]
    );
}

#[tokio::test]
async fn an_enrolled_terminal_is_not_enrolled_again_by_accident() {
    let hall = Hall::new().await;
    let before = hall.tablet.identity();
    let status = UplinkStatus {
        revoked: true,
        ..UplinkStatus::default()
    };
    status.write(&hall.tablet.data.uplink_status()).unwrap();
    let error = hall
        .tablet
        .enrol(hall.relay.address, CODE)
        .await
        .unwrap_err();
    assert!(matches!(error, EnrolError::Already { .. }));
    assert!(error.to_string().contains("--again"), "{error}");
    hall.tablet
        .enrol_with(hall.relay.address, CODE, true)
        .await
        .unwrap();
    assert_eq!(hall.tablet.identity(), before);
    let said = UplinkStatus::read(&hall.tablet.data.uplink_status());
    assert!(
        !said.is_some_and(|status| status.revoked),
        "of an identity that is gone"
    );
}

#[tokio::test]
async fn enrolment_waits_for_no_running_daemon() {
    let hall = Hall::new().await;
    let daemon = hall.tablet.daemon();
    let error = hall
        .tablet
        .enrol_with(hall.relay.address, CODE, true)
        .await
        .unwrap_err();
    assert!(matches!(error, EnrolError::Lock(_)), "{error}");
    daemon.stop().await;
}

async fn refused(fault: Fault, code: &str) -> EnrolError {
    let collector = Collector::start().await;
    let relay = Relay::start(collector.address).await;
    relay.then([fault]);
    let tablet = Tablet::new();
    let error = tablet.enrol(relay.address, code).await.unwrap_err();
    assert!(Identity::read(&tablet.data.identity()).is_err());
    error
}

#[tokio::test]
async fn every_failure_says_what_it_is() {
    let portal = Fault::answer(
        "200 OK",
        "content-type: text/html\r\n",
        "<html>log in</html>",
    );
    let many = Fault::answer("429 Slow", "retry-after: 40\r\n", "");
    let broken = Fault::answer("502 Bad", "content-type: text/html\r\n", "nginx");
    let forged = Fault::answer("200 OK", "content-type: application/cose\r\n", "forged");
    for (fault, code, expected) in [
        (
            Fault::None,
            "0000-0000",
            "the code is wrong, expired or used",
        ),
        (Fault::CutBefore, CODE, "could not be reached"),
        (portal, CODE, "is not a Manyi collector"),
        (many, CODE, "try again in 40 seconds"),
        (broken, CODE, "status 502"),
        (forged, CODE, "cannot be trusted"),
    ] {
        let error = refused(fault, code).await;
        assert!(error.to_string().contains(expected), "{error}");
        assert!(
            !error.to_string().contains(code),
            "no code in messages: {error}"
        );
    }
}
