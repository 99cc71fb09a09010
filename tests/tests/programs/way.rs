//! The whole way of a rating.

use manyi_e2e::citizens::check::{self, Score};
use manyi_e2e::citizens::plan::{self, Answer, Citizen, Habits};
use manyi_e2e::citizens::tally::Tally;
use manyi_e2e::wait::wait_until;
use manyi_shared::domain::{Level, Outcome, Withdrawal};
use serde_json::json;

use crate::rig::{COUNTED, Rig};

fn counted(tally: Tally) -> Score {
    Score {
        mean: tally.mean(),
        tally,
    }
}

fn citizen(case_number: &str, answer: Answer) -> Citizen {
    Citizen {
        item: None,
        staff: None,
        case_number: case_number.to_owned(),
        answer,
        look_ms: 50,
    }
}

fn rate(level: Level) -> Answer {
    Answer::Rate {
        level,
        tags: Vec::new(),
    }
}

#[test]
fn what_citizens_tap_in_a_real_window_is_what_is_sealed_and_what_the_office_counts() {
    let rig = Rig::start().unwrap();
    let tablet = rig.tablet().unwrap();
    let citizens = plan::draw(6, 20_261_121, tablet.profile(), Habits::default());
    let mut tapped = Vec::new();
    for citizen in citizens {
        let visit = tablet.serve(&citizen).unwrap();
        tapped.push((visit.prompt, citizen.answer));
    }
    let wanted = check::tally_of(&tapped);
    assert_eq!(rig.score_of(wanted.prompts()).unwrap(), counted(wanted));
    // Reasons are sealed when the thanks are shown.
    tablet.wait_until_ready().unwrap();
    let sealed = check::sealed_outcomes(&rig.tablet_dir()).unwrap();
    assert_eq!(check::differences(&tapped, &sealed), Vec::<String>::new());
}

#[test]
fn a_new_prompt_withdraws_an_unanswered_one_and_the_business_system_learns_no_level() {
    let rig = Rig::start().unwrap();
    let tablet = rig.tablet().unwrap();
    let first = tablet.post(&citizen("LQ-1", Answer::LeaveIt)).unwrap();
    let best = tablet
        .serve(&citizen("LQ-2", rate(Level::VerySatisfied)))
        .unwrap()
        .prompt;
    tablet.wait_until_ready().unwrap();
    let worst = tablet
        .serve(&citizen("LQ-3", rate(Level::VeryDissatisfied)))
        .unwrap()
        .prompt;
    let answer = |id: &dyn std::fmt::Display| {
        let url = format!("{}/v1/prompts/{id}", rig.prompts());
        rig.http
            .get(&url, None)
            .unwrap()
            .body
            .replace(&id.to_string(), "ID")
    };
    assert_eq!(
        answer(&best),
        answer(&worst),
        "the answer must not differ by level"
    );
    assert_eq!(
        answer(&first),
        answer(&worst),
        "nor by whether there was a rating"
    );
    let sealed = check::sealed_outcomes(&rig.tablet_dir()).unwrap();
    assert_eq!(
        sealed.get(&first),
        Some(&Outcome::Withdrawn(Withdrawal::Replaced))
    );
}

#[test]
fn a_lone_rating_reaches_the_office_without_another_one_to_push_it() {
    let mut rig = Rig::enrolled().unwrap();
    rig.start_terminal().unwrap();
    {
        // No daemon yet: the wake-up for this rating goes nowhere.
        let tablet = rig.tablet().unwrap();
        tablet
            .serve(&citizen("LQ-1", rate(Level::Dissatisfied)))
            .unwrap();
    }
    rig.start_sync().unwrap();
    let score = rig.score_of(1).unwrap();
    assert_eq!(
        (score.tally.rated(), score.mean.as_deref()),
        (1, Some("3.00"))
    );
    let bad = rig.http.get(
        &format!("{}/api/v1/scores?group=window", rig.office()),
        Some(&rig.token),
    );
    let bad = bad.unwrap().json().unwrap();
    assert_eq!(bad["groups"][0]["key"]["window"], "A01", "{bad}");
}

#[test]
fn a_cancelled_prompt_ends_and_is_counted_as_withdrawn() {
    let rig = Rig::start().unwrap();
    let tablet = rig.tablet().unwrap();
    let prompt = tablet.post(&citizen("LQ-1", Answer::LeaveIt)).unwrap();
    tablet.wait_for_state(prompt, "asking", COUNTED).unwrap();
    let url = format!("{}/v1/prompts/{prompt}", rig.prompts());
    assert!((200..300).contains(&rig.http.delete(&url).unwrap().status));
    tablet.wait_for_state(prompt, "ended", COUNTED).unwrap();
    let sealed = check::sealed_outcomes(&rig.tablet_dir()).unwrap();
    assert_eq!(
        sealed.get(&prompt),
        Some(&Outcome::Withdrawn(Withdrawal::Cancelled))
    );
    let score = rig.score_of(1).unwrap();
    assert_eq!((score.tally.prompts(), score.tally.rated()), (1, 0));
}

#[test]
fn a_held_finger_and_a_finger_that_slides_off_are_no_rating() {
    let rig = Rig::start().unwrap();
    let tablet = rig.tablet().unwrap();
    let prompt = tablet.post(&citizen("LQ-1", Answer::LeaveIt)).unwrap();
    tablet.wait_for_state(prompt, "asking", COUNTED).unwrap();
    manyi_e2e::wait::pause(std::time::Duration::from_millis(
        u64::from(tablet.profile().guard_ms) + 200,
    ));
    let (finger, area, layout) = (tablet.pointer(), tablet.area(), tablet.layout());
    finger
        .move_to(area, layout.level(Level::VeryDissatisfied))
        .unwrap();
    finger.press().unwrap();
    finger
        .move_to(area, layout.level(Level::VerySatisfied))
        .unwrap();
    finger.release().unwrap();
    tablet.tap(layout.nowhere()).unwrap();
    // A tap that is a tap shows that the others were seen and taken for nothing.
    tablet.tap(layout.level(Level::Satisfied)).unwrap();
    tablet.wait_for_state(prompt, "ended", COUNTED).unwrap();
    let sealed = check::sealed_outcomes(&rig.tablet_dir()).unwrap();
    assert_eq!(
        sealed.get(&prompt),
        Some(&Outcome::Rated {
            level: Level::Satisfied,
            tags: Vec::new()
        })
    );
}

#[test]
fn a_prompt_for_another_window_or_with_unknown_words_is_refused_in_words() {
    let rig = Rig::start().unwrap();
    let url = format!("{}/v1/prompts", rig.prompts());
    for (body, words) in [
        (json!({ "window": "B07" }), "B07"),
        (json!({ "level": 5 }), "level"),
        (json!({ "case_number": "no spaces here" }), "case number"),
    ] {
        let answer = rig.http.post(&url, &body).unwrap();
        assert!(
            (400..500).contains(&answer.status),
            "{body}: {}",
            answer.body
        );
        assert!(answer.body.contains(words), "{body}: {}", answer.body);
    }
    let health = rig
        .http
        .get(&format!("{}/v1/health", rig.prompts()), None)
        .unwrap();
    assert_eq!(health.json().unwrap()["status"], "ready");
}

#[test]
fn the_journal_can_be_looked_at_while_the_terminal_runs() {
    let rig = Rig::start().unwrap();
    let tablet = rig.tablet().unwrap();
    tablet
        .serve(&citizen("LQ-1", rate(Level::BasicallySatisfied)))
        .unwrap();
    tablet.wait_until_ready().unwrap();
    let look = |what: &str| {
        let mut command = crate::rig::bare("manyi-terminal").unwrap();
        command
            .args(["journal", what, "--data-dir"])
            .arg(rig.tablet_dir());
        manyi_e2e::programs::run(&mut command).unwrap()
    };
    for what in ["list", "verify", "export"] {
        for line in look(what).lines() {
            assert!(
                serde_json::from_str::<serde_json::Value>(line).is_ok(),
                "{what}: {line}"
            );
        }
    }
    let exported = look("export");
    let ratings = exported
        .lines()
        .filter(|line| line.contains("\"rated\""))
        .count();
    assert_eq!(ratings, 1, "{exported}");
    let gone = || {
        let mut status = rig.sync_command().unwrap();
        // It ends with 1 when something else is wrong here, such as a clock that nobody has set.
        let said = status.args(["status", "--json"]).output().unwrap();
        let status: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        status["uplink"]["backlog"] == 0
    };
    wait_until("the daemon to have sent everything", COUNTED, gone).unwrap();
}
