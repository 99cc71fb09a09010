//! TLS, enrolment and exchange on a tablet that does not know what time it is (ADR 0020).
//!
//! The program was released after 2020 and before 2027; where a test says no other year it is 2030.

use manyi_shared::tablet::{EnrolProblem, UplinkStatus};
use manyi_sync::link::{Link, LinkError, Request};

use crate::clock::june_ms;
use crate::tls::{Card, Office};
use crate::wait_for;

const FITS: Card = card((2029, 2031));
const NOT_BEGUN: Card = card((2031, 2032));
const ENDED: Card = card((2027, 2028));
const ENDED_BEFORE_THE_RELEASE: Card = card((2018, 2020));
const WRONG_NAME: Card = Card {
    name: "rate.example.cn",
    ..NOT_BEGUN
};
const UNKNOWN_AUTHORITY: Card = Card {
    known: false,
    ..NOT_BEGUN
};

const fn card(years: (i32, i32)) -> Card {
    Card {
        name: "localhost",
        years,
        known: true,
    }
}

/// What becomes of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing is wrong with it.
    Good,
    /// Taken, and told.
    Taken,
    Refused,
}
use Fate::{Good, Refused, Taken};

fn ping() -> Request {
    Request::new("/ping", "text/plain", Vec::new())
}

async fn fate(link: &Link) -> Fate {
    match link.post(ping()).await {
        Ok(_) if link.certificate_note().is_some() => Taken,
        Ok(_) => Good,
        Err(error) => {
            assert!(error.is_about_certificates(), "{error:?}");
            Refused
        }
    }
}

#[rstest::rstest]
#[case::synchronised_and_it_fits(true, FITS, Good, Good)]
#[case::synchronised_and_not_begun(true, NOT_BEGUN, Refused, Refused)]
#[case::synchronised_and_ended(true, ENDED, Refused, Refused)]
#[case::synchronised_and_long_ended(true, ENDED_BEFORE_THE_RELEASE, Refused, Refused)]
#[case::synchronised_and_another_name(true, Card { name: "rate.example.cn", ..FITS }, Refused, Refused)]
#[case::synchronised_and_a_stranger(true, Card { known: false, ..FITS }, Refused, Refused)]
#[case::unsure_and_it_fits(false, FITS, Good, Good)]
#[case::unsure_and_not_begun(false, NOT_BEGUN, Taken, Taken)]
#[case::unsure_and_ended(false, ENDED, Taken, Taken)]
#[case::unsure_and_ended_before_the_release(false, ENDED_BEFORE_THE_RELEASE, Taken, Refused)]
#[case::unsure_and_another_name(false, WRONG_NAME, Refused, Refused)]
#[case::unsure_and_a_stranger(false, UNKNOWN_AUTHORITY, Refused, Refused)]
#[case::unsure_fits_but_another_name(false, Card { name: "rate.example.cn", ..FITS }, Refused, Refused)]
#[case::unsure_fits_but_a_stranger(false, Card { known: false, ..FITS }, Refused, Refused)]
#[tokio::test]
async fn a_certificate_is_judged_by_what_is_known_about_the_time(
    #[case] synchronised: bool,
    #[case] card: Card,
    #[case] of_an_enrolled_terminal: Fate,
    #[case] at_enrolment: Fate,
) {
    let office = Office::new(card).await;
    if synchronised {
        office.tablet.clock.synchronise(2030);
    } else {
        office.tablet.clock.set(2030);
    }
    let pinned = Link::new(&office.url, &office.link(true)).unwrap();
    let first = Link::to_enrol(&office.url, &office.link(true)).unwrap();
    assert_eq!(
        (fate(&pinned).await, fate(&first).await),
        (of_an_enrolled_terminal, at_enrolment)
    );
}

#[tokio::test]
async fn what_was_taken_in_doubt_is_not_used_once_the_clock_is_sure() {
    let office = Office::new(NOT_BEGUN).await;
    office.tablet.clock.set(2030);
    let link = Link::new(&office.url, &office.link(true)).unwrap();
    for _ in 0..3 {
        assert_eq!(fate(&link).await, Taken);
    }
    assert_eq!(office.handshakes(), 1, "one connection");
    let note = link.certificate_note().unwrap();
    assert!(
        note.contains("is valid from Wed, 01 Jan 2031") && note.contains("it is"),
        "{note}"
    );
    office.tablet.clock.synchronise(2030);
    assert_eq!(fate(&link).await, Refused);
    office.tablet.clock.synchronise(2031);
    assert_eq!(fate(&link).await, Good);
    assert_eq!(link.certificate_note(), None);
}

fn status(office: &Office) -> UplinkStatus {
    UplinkStatus::read(&office.tablet.data.uplink_status()).unwrap_or_default()
}

/// Rates and waits until the centre has everything.
async fn carries(office: &Office) {
    let mut terminal = office.tablet.terminal();
    terminal.rate(2);
    let daemon = office.tablet.daemon_with(office.options());
    wait_for("the ratings are there", || {
        office.tablet.acknowledged().last() == Some(&3)
    })
    .await;
    daemon.stop().await;
}

#[rstest::rstest]
#[case::its_clock_starts_in_1970(1970)]
#[case::its_clock_was_set_to_2099(2099)]
#[case::its_clock_stood_still(2027)]
#[case::its_clock_ran_on(2030)]
#[tokio::test]
async fn three_years_switched_off_and_it_syncs_without_a_visit(#[case] year: i64) {
    let office = Office::new(card((2027, 2028))).await;
    office.tablet.clock.synchronise(2027);
    office.collector.centre().server_ms = june_ms(2027);
    office.enrol(true).await.unwrap();
    carries(&office).await;
    assert_eq!(status(&office).certificate, None);

    office.show(card((2030, 2031)));
    office.tablet.clock.boot(year);
    carries(&office).await;
    let status = status(&office);
    assert_eq!(status.certificate.is_some(), year != 2030, "{status:?}");
    assert_eq!(status.problem, None);
}

#[rstest::rstest]
#[case(1970)]
#[case(2099)]
#[tokio::test]
async fn a_tablet_whose_clock_was_never_set_enrols_and_works(#[case] year: i64) {
    let office = Office::new(FITS).await;
    office.collector.centre().server_ms = june_ms(2030);
    office.tablet.clock.boot(year);
    office.enrol(true).await.unwrap();
    carries(&office).await;
    // The enrolment told the time: a clock that is behind is no matter any more.
    assert_eq!(status(&office).certificate.is_some(), year == 2099);
}

#[tokio::test]
async fn the_wrong_name_is_refused_at_any_time_and_told_as_a_certificate() {
    let office = Office::new(WRONG_NAME).await;
    for year in [1970, 2030, 2031, 2099] {
        office.tablet.clock.set(year);
        let error = office.enrol(true).await.unwrap_err();
        assert_eq!(error.problem(), EnrolProblem::Certificate, "{error:?}");
    }
    assert!(office.collector.centre().terminals.is_empty());
    let link = Link::new(&office.url, &office.link(true)).unwrap();
    assert!(matches!(
        link.post(ping()).await,
        Err(LinkError::NoAnswer { .. })
    ));
}
