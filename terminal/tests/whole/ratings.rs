//! Ratings, endings and profiles.

use manyi_shared::domain::{Channel, Level, Outcome, Withdrawal};
use manyi_shared::journal::Reader;
use manyi_shared::tablet::{DataDir, UplinkStatus, WakeListener};
use manyi_shared::wire::RecordBody;
use manyi_terminal::flow::{Reason, Target};
use manyi_terminal::scene::ScenePage;

use crate::terminal::{
    Terminal, code, enrolled, kinds, name, outcomes, ready, records, wait_ready,
};
use crate::{office, profile};

#[test]
fn a_tap_is_in_the_journal_before_the_thanks_are_on_the_screen() {
    let folder = enrolled();
    let daemon = WakeListener::bind(&DataDir::new(folder.path()).wake_socket())
        .unwrap()
        .into_inner();
    let mut terminal = ready(&folder);
    let id = terminal.prompt(r#"{"staff":"LQ0101","item":"X-1","case_number":"C-1"}"#);
    terminal.touch("ask", Target::Level(Level::Dissatisfied));
    // Two fingers: the second one finds nothing.
    terminal.touch_again(Target::Level(Level::VerySatisfied));
    terminal.touch("reasons", Target::Tag(code(214)));
    terminal.touch_again(Target::Submit);
    terminal.wait_page("thanks");
    let records = terminal.records();
    let [RecordBody::Outcome(rated), RecordBody::Amendment(amended)] = records.as_slice() else {
        panic!("{records:?}");
    };
    assert_eq!(
        rated.outcome,
        Outcome::Rated {
            level: Level::Dissatisfied,
            tags: vec![]
        }
    );
    assert_eq!(rated.event.case_number.as_ref().unwrap().as_str(), "C-1");
    assert!(rated.response_ms.is_some_and(|ms| ms >= 300));
    assert_eq!(
        (amended.target.get(), amended.level),
        (2, Level::Dissatisfied)
    );
    assert_eq!(amended.tags, [code(214)]);
    assert_eq!(terminal.state(&id), "ended");
    // One for the stream, one for the rating, one for the amendment.
    for _ in 0..3 {
        daemon.recv(&mut [0; 8]).unwrap();
    }
    terminal.jump(2_000);
    terminal.wait_page("idle");
    assert_eq!(terminal.stop(), 0);
}

#[test]
fn what_the_business_system_sees_does_not_differ_by_level() {
    let folder = enrolled();
    let mut terminal = ready(&folder);
    let mut seen = Vec::new();
    for level in Level::ALL {
        let id = terminal.prompt("{}");
        terminal.touch("ask", Target::Level(level));
        let scene = terminal.wait_page("reasons");
        let (status, mut body) = terminal.call("GET", &format!("/v1/prompts/{id}"), "");
        body["id"] = "-".into();
        seen.push((status, body, terminal.health(), scene.input));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
    terminal.stop();
}

#[test]
fn every_way_a_prompt_can_end_is_sealed() {
    let folder = enrolled();
    let mut terminal = ready(&folder);
    let declined = terminal.prompt("{}");
    terminal.touch("ask", Target::Decline);
    terminal.wait_page("idle");
    terminal.prompt("{}");
    terminal.wait_page("ask");
    let replacing = terminal.prompt("{}");
    terminal.wait("the second question", |scene| {
        name(scene) == "ask" && scene.input
    });
    assert_eq!(
        terminal
            .call("DELETE", &format!("/v1/prompts/{replacing}"), "")
            .0,
        204
    );
    terminal.wait_page("idle");
    terminal.prompt("{}");
    terminal.wait_page("ask");
    terminal.jump(30_000);
    terminal.wait_page("idle");
    let open = terminal.prompt("{}");
    terminal.wait_page("ask");
    assert_eq!(
        (terminal.state(&declined), terminal.state(&open)),
        ("ended".into(), "asking".into())
    );
    let data = terminal.data.clone();
    assert_eq!(terminal.stop(), 0);
    let records = records(&data).concat();
    assert_eq!(
        kinds(&records),
        [
            &Outcome::Declined,
            &Outcome::Withdrawn(Withdrawal::Replaced),
            &Outcome::Withdrawn(Withdrawal::Cancelled),
            &Outcome::TimedOut,
            &Outcome::Withdrawn(Withdrawal::Shutdown),
        ]
    );
    let ordinals: Vec<u32> = outcomes(&records)
        .iter()
        .map(|record| record.ordinal)
        .collect();
    assert_eq!(ordinals, [1, 2, 3, 4, 5]);
}

#[test]
fn a_terminal_that_is_enrolled_while_it_runs_starts_asking() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(folder.path());
    // The enrolment page.
    terminal.wait_page("desk");
    assert_eq!(terminal.health()["reason"], "not_enrolled");
    assert_eq!(terminal.call("POST", "/v1/prompts", "{}").0, 503);
    office::enrol(&terminal.data, &profile::profile());
    terminal.jump(1_000);
    terminal.wait_page("idle");
    wait_ready(&terminal);
    terminal.stop();
}

#[test]
fn a_revoked_terminal_finishes_with_its_citizen_and_goes_out_of_service() {
    let folder = enrolled();
    let mut terminal = ready(&folder);
    let id = terminal.prompt("{}");
    terminal.wait("the question", |scene| name(scene) == "ask" && scene.input);
    let status = UplinkStatus {
        collector: "http://127.0.0.1:8080".to_owned(),
        revoked: true,
        revoked_since_ms: Some(1_795_000_000_000),
        ..UplinkStatus::default()
    };
    status.write(&terminal.data.uplink_status()).unwrap();
    terminal.jump(2_000);
    assert_eq!(terminal.state(&id), "asking");
    terminal.touch_again(Target::Level(Level::Satisfied));
    terminal.touch("reasons", Target::Skip);
    terminal.wait_page("thanks");
    terminal.jump(2_000);
    let scene = terminal.wait_page("out");
    let ScenePage::OutOfService(out) = &scene.page else {
        unreachable!()
    };
    assert_eq!(out.reason, Some(Reason::Revoked));
    assert!(
        out.detail.contains("2026-11-18 11:06 UTC"),
        "{}",
        out.detail
    );
    assert_eq!(terminal.health()["reason"], "revoked");
    assert_eq!(terminal.call("POST", "/v1/prompts", "{}").0, 503);
    assert_eq!(outcomes(&terminal.records()).len(), 1);
    // The office thought again, or the tablet was enrolled anew.
    UplinkStatus::default()
        .write(&terminal.data.uplink_status())
        .unwrap();
    terminal.jump(2_000);
    terminal.wait_page("idle");
    wait_ready(&terminal);
    terminal.stop();
}

#[test]
fn a_profile_of_another_office_is_not_obeyed() {
    let folder = enrolled();
    std::fs::write(DataDir::new(folder.path()).profile(), b"not a profile").unwrap();
    let mut terminal = Terminal::start(folder.path());
    let scene = terminal.wait_page("out");
    let ScenePage::OutOfService(out) = &scene.page else {
        unreachable!()
    };
    assert!(out.detail.contains("profile.cose"), "{}", out.detail);
    terminal.stop();
}

#[test]
fn a_new_profile_is_obeyed_when_idle_and_another_window_opens_another_stream() {
    let folder = enrolled();
    let mut terminal = ready(&folder);
    let stream = terminal.health()["stream"].clone();
    let mut profile = profile::profile();
    profile.version = 2;
    profile.staff_on_duty = None;
    office::enrol(&terminal.data, &profile);
    terminal.jump(2_000);
    terminal.wait(
        "the new profile",
        |scene| matches!(&scene.page, ScenePage::Idle(idle) if idle.staff.number.is_empty()),
    );
    assert_eq!(terminal.health()["stream"], stream);
    profile.version = 3;
    profile.window_id = "A02".to_owned();
    profile.window_number = "A02".to_owned();
    office::enrol(&terminal.data, &profile);
    terminal.jump(2_000);
    terminal.wait(
        "the new window",
        |scene| matches!(&scene.page, ScenePage::Idle(idle) if idle.place.number == "A02"),
    );
    wait_ready(&terminal);
    let health = terminal.health();
    assert_ne!(health["stream"], stream);
    assert_eq!(health["window"], "A02");
    assert_eq!(
        terminal
            .call("POST", "/v1/prompts", r#"{"window":"A01"}"#)
            .0,
        422
    );
    assert_eq!(records(&terminal.data).len(), 2);
    terminal.stop();
}

#[test]
fn a_stream_says_who_where_and_with_what() {
    let folder = enrolled();
    let terminal = ready(&folder);
    let reader = Reader::open(&terminal.data.journal()).unwrap();
    let stream = reader.streams().unwrap().remove(0);
    let mut first = None;
    reader
        .for_each_record(&stream, |record| {
            first = first.take().or(record.decode().ok())
        })
        .unwrap();
    let Some(RecordBody::StreamOpened(opened)) = first.map(|record| record.body) else {
        panic!("no opening");
    };
    assert_eq!(
        (opened.hall.as_str(), opened.window.as_str()),
        ("371581-01", "A01")
    );
    assert_eq!(opened.channel, Channel::Tablet);
    assert!(
        opened.software.starts_with("manyi-terminal "),
        "{}",
        opened.software
    );
    terminal.stop();
}
