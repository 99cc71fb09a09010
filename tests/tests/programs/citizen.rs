//! What a citizen does besides one tap: a number for a call back, another level.

use std::time::Duration;

use manyi_e2e::citizens::plan::{Answer, Citizen};
use manyi_e2e::citizens::tablet::Tablet;
use manyi_e2e::layout::Point;
use manyi_e2e::programs::run;
use manyi_e2e::wait::{pause, wait_for};
use manyi_e2e::{citizens::check, places};
use manyi_shared::domain::{Level, Outcome, PromptId};
use serde_json::Value;

use crate::rig::{COUNTED, Rig};

/// A finger that lets every page appear and its guard time pass.
struct Finger<'a>(Tablet<'a>);

impl Finger<'_> {
    fn tap(&self, at: Point) {
        pause(Duration::from_millis(
            u64::from(self.0.profile().guard_ms) + 500,
        ));
        self.0.tap(at).unwrap();
    }

    /// Asks and taps a level; the reasons follow.
    fn rate(&self, case_number: &str, level: Level) -> PromptId {
        let citizen = Citizen {
            item: None,
            staff: None,
            case_number: case_number.to_owned(),
            answer: Answer::LeaveIt,
            look_ms: 0,
        };
        let prompt = self.0.post(&citizen).unwrap();
        self.0.wait_for_state(prompt, "asking", COUNTED).unwrap();
        self.tap(self.0.layout().level(level));
        self.0.wait_for_state(prompt, "ended", COUNTED).unwrap();
        prompt
    }
}

#[test]
fn a_number_that_was_typed_on_the_glass_is_read_by_the_office_alone() {
    const NUMBER: &str = "13805417290";
    let rig = Rig::start().unwrap();
    let finger = Finger(rig.tablet().unwrap());
    finger.rate("LQ-1", Level::VeryDissatisfied);
    finger.tap(places::open_phone());
    finger.tap(places::digit(1));
    for digit in NUMBER.bytes().skip(1) {
        finger.0.tap(places::digit(digit - b'0')).unwrap();
        pause(Duration::from_millis(60));
    }
    finger.tap(places::keep_phone());
    finger.tap(finger.0.layout().skip());
    finger.0.wait_until_ready().unwrap();

    let message = wait_for("the number at the office", COUNTED, || {
        let mut command = rig.collector_command()?;
        let printed = run(command.args(["messages", "--json"]))?;
        printed
            .lines()
            .next()
            .map(serde_json::from_str::<Value>)
            .transpose()
            .map_err(Into::into)
    })
    .unwrap();
    assert_eq!(message["text"], NUMBER, "{message}");
    assert_eq!(message["what"], "phone", "{message}");
    assert_eq!(
        (&message["level"], &message["window"]),
        (&1.into(), &"A01".into())
    );
    assert_eq!(message["case_number"], "LQ-1", "{message}");

    // Journal and its log, the daemon's files, the logs of all programs, the office's database.
    let mut looked_into = 0;
    let mut folders = vec![rig.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                looked_into += 1;
                let plain = bytes
                    .windows(NUMBER.len())
                    .any(|part| part == NUMBER.as_bytes());
                assert!(!plain, "the number stands in {}", path.display());
            }
        }
    }
    assert!(looked_into > 10, "only {looked_into} files");
}

#[test]
fn a_corrected_level_is_the_one_that_counts_and_both_are_kept() {
    let rig = Rig::start().unwrap();
    let finger = Finger(rig.tablet().unwrap());
    let prompt = finger.rate("LQ-1", Level::VeryDissatisfied);
    finger.tap(finger.0.layout().skip());
    finger.tap(places::correct());
    finger.tap(finger.0.layout().level(Level::VerySatisfied));
    finger.tap(finger.0.layout().skip());
    finger.0.wait_until_ready().unwrap();
    let corrected = Outcome::Rated {
        level: Level::VerySatisfied,
        tags: Vec::new(),
    };
    let sealed = check::sealed_outcomes(&rig.tablet_dir()).unwrap();
    assert_eq!(sealed.get(&prompt), Some(&corrected));
    // The first level may have been counted before; it is not any more.
    let score = wait_for("the corrected score", COUNTED, || {
        let score = rig.score_of(1)?;
        Ok((score.mean.as_deref() == Some("10.00")).then_some(score))
    })
    .unwrap();
    assert_eq!((score.tally.prompts(), score.tally.rated()), (1, 1));
    let mut look = crate::rig::bare("manyi-terminal").unwrap();
    look.args(["journal", "export", "--data-dir"])
        .arg(rig.tablet_dir());
    let exported = run(&mut look).unwrap();
    for kind in ["\"rated\"", "amend"] {
        assert_eq!(
            exported.lines().filter(|line| line.contains(kind)).count(),
            1,
            "{kind}: {exported}"
        );
    }
}
