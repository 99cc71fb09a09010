//! Programs that end without a word while citizens rate. The long runs with hundreds of kills come
//! with the fault suite; here every program dies at the worst moments once.

use manyi_e2e::citizens::check::{self, Score};
use manyi_e2e::citizens::plan::{self, Answer, Citizen, Habits};
use manyi_e2e::programs::Program;
use manyi_shared::domain::{Level, PromptId};

use crate::rig::Rig;

fn kill(program: &mut Option<Program>) {
    program.take().unwrap().kill().unwrap();
}

fn serve(rig: &Rig, seed: u64, count: u32, tapped: &mut Vec<(PromptId, Answer)>) {
    let tablet = rig.tablet().unwrap();
    for citizen in plan::draw(count, seed, tablet.profile(), Habits::default()) {
        let visit = tablet.serve(&citizen).unwrap();
        tapped.push((visit.prompt, citizen.answer));
    }
    tablet.wait_until_ready().unwrap();
}

fn all_is_counted_once(rig: &Rig, tapped: &[(PromptId, Answer)]) {
    let wanted = check::tally_of(tapped);
    let score = rig.score_of(wanted.prompts()).unwrap();
    assert_eq!(
        score,
        Score {
            mean: wanted.mean(),
            tally: wanted
        }
    );
    let sealed = check::sealed_outcomes(&rig.tablet_dir()).unwrap();
    assert_eq!(check::differences(tapped, &sealed), Vec::<String>::new());
}

#[test]
fn ratings_made_while_the_office_is_away_are_counted_once_when_it_is_back() {
    let mut rig = Rig::start().unwrap();
    let mut tapped = Vec::new();
    serve(&rig, 1, 2, &mut tapped);
    kill(&mut rig.collector);
    serve(&rig, 2, 2, &mut tapped);
    kill(&mut rig.sync);
    rig.start_collector().unwrap();
    rig.start_sync().unwrap();
    all_is_counted_once(&rig, &tapped);
    // Once more, so that whatever was half done is done again.
    kill(&mut rig.sync);
    kill(&mut rig.collector);
    rig.start_collector().unwrap();
    rig.start_sync().unwrap();
    all_is_counted_once(&rig, &tapped);
}

#[test]
fn a_rating_is_kept_when_the_terminal_dies_right_after_the_tap() {
    let mut rig = Rig::start().unwrap();
    let prompt = {
        let tablet = rig.tablet().unwrap();
        let citizen = Citizen {
            item: None,
            staff: None,
            case_number: "LQ-1".to_owned(),
            answer: Answer::LeaveIt,
            look_ms: 0,
        };
        let prompt = tablet.post(&citizen).unwrap();
        tablet
            .wait_for_state(prompt, "asking", crate::rig::COUNTED)
            .unwrap();
        manyi_e2e::wait::pause(std::time::Duration::from_millis(
            u64::from(tablet.profile().guard_ms) + 200,
        ));
        tablet
            .tap(tablet.layout().level(Level::VeryDissatisfied))
            .unwrap();
        // "Ended" is said only after the commit; the reasons page is still on the screen.
        tablet
            .wait_for_state(prompt, "ended", crate::rig::COUNTED)
            .unwrap();
        prompt
    };
    kill(&mut rig.terminal);
    let mut tapped = vec![(
        prompt,
        Answer::Rate {
            level: Level::VeryDissatisfied,
            tags: Vec::new(),
        },
    )];
    rig.start_terminal().unwrap();
    serve(&rig, 3, 1, &mut tapped);
    all_is_counted_once(&rig, &tapped);
}
