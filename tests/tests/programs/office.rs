//! What the office does to its tablets: asks, pauses, shows pictures, watches self-tests, enrols.

use std::path::Path;
use std::time::Duration;

use manyi_e2e::programs::{checkout, run};
use manyi_e2e::wait::{pause, wait_for, wait_until};
use manyi_shared::domain::{Clock as _, ClockReading, Level, Outcome, Trigger};
use manyi_shared::journal::{Opening, Reader, Writer};
use manyi_shared::tablet::{
    DataDir, EnrolOrder, EnrolProgress, EnrolState, Identity, SystemClock, wake,
};
use manyi_shared::wire::{OutcomeRecord, RecordBody, SelfTest};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{COUNTED, Rig, UP};

/// A copy of the demo's hall with another `profile.toml`.
/// The demo's hall with a profile of the test's own.
pub(crate) fn hall(profile: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let demo = checkout().join("deploy/demo-data");
    for entry in std::fs::read_dir(demo).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "csv") {
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    std::fs::write(folder.path().join("profile.toml"), profile).unwrap();
    folder
}

fn outcomes(tablet: &Path) -> Vec<OutcomeRecord> {
    let reader = Reader::open(&DataDir::new(tablet).journal()).unwrap();
    let mut found = Vec::new();
    for stream in reader.streams().unwrap() {
        let read = reader.for_each_record(&stream, |record| {
            if let Ok(RecordBody::Outcome(outcome)) = record.decode().map(|record| record.body) {
                found.push(outcome);
            }
        });
        read.unwrap();
    }
    found
}

#[test]
fn a_question_of_the_office_appears_at_the_window_and_its_rating_says_who_asked() {
    let mut rig = Rig::start().unwrap();
    let url = format!("{}/api/v1/prompts", rig.office());
    let body = json!({
        "hall": "371581-01", "window": "A01", "case_number": "LQ-77", "valid_seconds": 120,
    });
    let asked = rig.http.post_as(&url, &body, &rig.token).unwrap();
    assert_eq!(asked.status, 202, "{}", asked.body);
    let id = asked.json().unwrap()["id"].as_str().unwrap().to_owned();
    rig.wait_for_health("asking").unwrap();
    let tablet = rig.tablet().unwrap();
    pause(Duration::from_millis(
        u64::from(tablet.profile().guard_ms) + 500,
    ));
    tablet.tap(tablet.layout().level(Level::Satisfied)).unwrap();
    let score = rig.score_of(1).unwrap();
    assert_eq!(
        (score.tally.rated(), score.mean.as_deref()),
        (1, Some("8.00"))
    );
    wait_until("the office to know that it was taken", COUNTED, || {
        let answer = rig.http.get(&format!("{url}/{id}"), Some(&rig.token));
        answer
            .and_then(|a| a.json())
            .is_ok_and(|body| body["state"] == "taken")
    })
    .unwrap();
    let sealed = outcomes(&rig.tablet_dir());
    let [outcome] = sealed.as_slice() else {
        panic!("{sealed:?}");
    };
    assert_eq!(outcome.call.trigger, Trigger::Office);
    assert_eq!(
        outcome.event.case_number.as_ref().unwrap().as_str(),
        "LQ-77"
    );
    assert!(matches!(
        outcome.outcome,
        Outcome::Rated {
            level: Level::Satisfied,
            ..
        }
    ));
}

#[test]
fn a_paused_window_says_so_on_the_tablet_and_takes_no_prompt_until_it_is_served_again() {
    let mut rig = Rig::start().unwrap();
    let window = |rig: &Rig, what: &str| {
        let mut command = rig.collector_command().unwrap();
        run(command.args(["window", what, "--window", "A01"])).unwrap();
    };
    let paused = |rig: &Rig, paused: bool| {
        let health = rig.http.get(&format!("{}/v1/health", rig.prompts()), None);
        health
            .and_then(|h| h.json())
            .is_ok_and(|health| health["paused"] == paused)
    };
    window(&rig, "pause");
    // The demo's heartbeat is five seconds.
    wait_until("the tablet to pause", COUNTED, || paused(&rig, true)).unwrap();
    let prompts = format!("{}/v1/prompts", rig.prompts());
    let refused = rig.http.post(&prompts, &json!({})).unwrap();
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.body.contains("paused"), "{}", refused.body);
    window(&rig, "resume");
    wait_until("the tablet to go on", COUNTED, || paused(&rig, false)).unwrap();
    rig.wait_for_health("ready").unwrap();
    assert_eq!(rig.http.post(&prompts, &json!({})).unwrap().status, 201);
    assert_eq!(
        outcomes(&rig.tablet_dir()).len(),
        0,
        "a refused prompt has no outcome"
    );
}

/// Seals the five levels as the terminal does in the morning. Not by the terminal itself: it needs a
/// clock that a time service has set, which few machines that run tests have.
fn seal_self_test(rig: &Rig) {
    let data = DataDir::new(rig.tablet_dir());
    let identity = Identity::read(&data.identity()).unwrap();
    let opening = Opening {
        suite: identity.collector.suite(),
        terminal: identity.terminal,
        hall: identity.hall,
        window: identity.window,
        software: "manyi-e2e".to_owned(),
    };
    let now = ClockReading {
        synchronised: true,
        ..SystemClock::new().read()
    };
    let mut writer = Writer::open(&data.journal(), &opening, now).unwrap();
    for level in Level::ALL {
        // Day 0: the hall's day is the office's to tell.
        writer
            .append(RecordBody::SelfTest(SelfTest { day: 0, level }), &now)
            .unwrap();
    }
    wake(&data.wake_socket()).unwrap_or_default();
}

#[test]
fn self_test_records_clear_the_alarm_and_change_no_score() {
    let hall = hall(
        "self_test_minutes = 1\nheartbeat_seconds = 5\n\
         hours = [{ days = \"mon-sun\", opens = \"00:00\", closes = \"24:00\" }]\n",
    );
    let mut rig = Rig::with_hall(hall.path()).unwrap();
    rig.enrol().unwrap();
    rig.start_sync().unwrap();
    let alarms = |rig: &Rig| {
        let url = format!("{}/api/v1/alarms", rig.office());
        let body = rig.http.get(&url, Some(&rig.token))?.json()?;
        Ok::<Value, anyhow::Error>(body["alarms"].clone())
    };
    assert_eq!(
        alarms(&rig).unwrap(),
        json!([]),
        "on its first day nothing is missed"
    );
    // This tablet has been here for two days.
    let office = Connection::open(rig.folder.path().join("office/collector.sqlite")).unwrap();
    office.busy_timeout(Duration::from_secs(10)).unwrap();
    let aged = office.execute(
        "UPDATE terminal SET enrolled_ms = enrolled_ms - 172800000",
        [],
    );
    assert_eq!(aged.unwrap(), 1);
    let raised = alarms(&rig).unwrap();
    assert_eq!(raised[0]["cause"], "self_test", "{raised}");
    assert_eq!(raised[0]["missing"], json!([5, 4, 3, 2, 1]), "{raised}");
    seal_self_test(&rig);
    wait_until("the alarm to be over", COUNTED, || {
        alarms(&rig).is_ok_and(|list| list == json!([]))
    })
    .unwrap();
    let score = rig.score_of(0).unwrap();
    assert_eq!((score.tally.prompts(), score.mean), (0, None));
}

#[test]
fn a_picture_reaches_the_tablet_byte_for_byte_and_one_that_cannot_be_opened_is_refused() {
    let rig = Rig::enrolled().unwrap();
    let picture = std::fs::read(checkout().join("deploy/demo-data/pictures/counter.png")).unwrap();
    let digest = manyi_shared::wire::digest(&picture);
    let asset = DataDir::new(rig.tablet_dir()).asset(&digest);
    assert_eq!(std::fs::read(asset).unwrap(), picture);

    let hall = hall("[[announcements]]\npicture = \"broken.png\"\nseconds = 9\n");
    std::fs::write(
        hall.path().join("broken.png"),
        &picture[..picture.len() / 3],
    )
    .unwrap();
    let mut import = rig.collector_command().unwrap();
    let said = run(import.args(["hall", "import"]).arg(hall.path()))
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("broken.png") && said.contains("profile.toml"),
        "{said}"
    );
}

#[test]
fn a_waiting_daemon_enrols_by_the_order_that_the_screen_wrote() {
    let mut rig = Rig::unenrolled().unwrap();
    rig.start_sync().unwrap();
    rig.launch_terminal().unwrap();
    let health = rig.wait_for_health("out_of_service").unwrap();
    assert_eq!(health["reason"], "not_enrolled", "{health}");
    let data = DataDir::new(rig.tablet_dir());
    let order = |code: &str| EnrolOrder {
        collector: rig.office(),
        code: code.to_owned(),
    };
    let said = |state: EnrolState| {
        wait_for(&format!("{state:?}"), UP, || {
            let said = EnrolProgress::read(&data.enrol_progress());
            Ok(said.filter(|said| said.state == state))
        })
        .unwrap()
    };
    said(EnrolState::Waiting);
    order("0000-0000").write(&data.enrol_order()).unwrap();
    wake(&data.wake_socket()).unwrap_or_default();
    assert!(said(EnrolState::Failed).problem.is_some());
    order(&rig.code("A01").unwrap())
        .write(&data.enrol_order())
        .unwrap();
    wake(&data.wake_socket()).unwrap_or_default();
    said(EnrolState::Done);
    assert!(!data.enrol_order().exists(), "the code is left on the card");
    let health = rig.wait_for_health("ready").unwrap();
    assert_eq!(health["window"], "A01", "{health}");
}
