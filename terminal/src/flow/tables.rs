//! Every stage against every event, by name.

use manyi_shared::domain::Level;
use rstest::rstest;

use super::run::{at, code, id, prompt, why};
use super::*;

#[rstest]
#[case("not enrolled", "out", &["refused"])]
#[case("opening", "idle", &["refused"])]
#[case("open failed", "out", &["refused"])]
#[case("idle", "ask", &["accepted 1", "asking 1"])]
#[case("asking", "ask", &["accepted 2", "seal 1 replaced"])]
#[case("sealing", "ask", &["accepted 2"])]
#[case("sealing timeout", "ask", &["accepted 2"])]
#[case("reasons", "ask", &["accepted 2", "asking 2"])]
#[case("reasons chosen", "reasons", &["accepted 2", "seal amendment of 2 level 2 [207, 214]"])]
#[case("amending", "reasons", &["accepted 2"])]
#[case("thanks", "ask", &["accepted 2", "asking 2"])]
#[case("phone", "ask", &["accepted 2", "asking 2"])]
#[case("correcting", "ask", &["accepted 2", "asking 2"])]
#[case("paused", "paused", &["refused"])]
#[case("revoked", "out", &["refused"])]
#[case("not kept", "not kept", &["refused"])]
fn a_prompt_comes(#[case] stage: &str, #[case] page: &str, #[case] did: &[&str]) {
    let mut run = at(stage);
    run.hear(prompt());
    assert_eq!(
        (run.page(), run.did()),
        (page, did.iter().map(ToString::to_string).collect())
    );
}

#[rstest]
#[case("opening", "out")]
#[case("idle", "out")]
#[case("paused", "out")]
#[case("asking", "ask")]
#[case("sealing", "ask")]
#[case("reasons chosen", "reasons")]
#[case("phone", "phone")]
#[case("thanks", "thanks")]
#[case("correcting", "correcting")]
#[case("not kept", "not kept")]
fn the_office_takes_the_identity_back(#[case] stage: &str, #[case] page: &str) {
    let mut run = at(stage);
    run.hear(Event::Revoked(Some(why())));
    assert_eq!((run.page(), run.did()), (page, Vec::new()));
}

#[rstest]
#[case("idle", "idle", &[])]
#[case("asking", "ask", &["seal 1 cancelled"])]
#[case("sealing", "ask", &[])]
#[case("reasons chosen", "reasons", &[])]
#[case("thanks", "thanks", &[])]
#[case("open failed", "out", &[])]
fn the_first_prompt_is_cancelled(#[case] stage: &str, #[case] page: &str, #[case] did: &[&str]) {
    let mut run = at(stage);
    run.hear(Event::Cancel(id(1)));
    assert_eq!(
        (run.page(), run.did()),
        (page, did.iter().map(ToString::to_string).collect())
    );
}

#[rstest]
#[case("not enrolled", "out", &["exit"])]
#[case("opening", "idle", &["exit"])]
#[case("open failed", "out", &["exit"])]
#[case("idle", "idle", &["exit"])]
#[case("asking", "ask", &["seal 1 shutdown"])]
#[case("sealing", "ask", &[])]
#[case("reasons", "idle", &["exit"])]
#[case("reasons chosen", "reasons", &["seal amendment of 2 level 2 [207, 214]"])]
#[case("amending", "reasons", &[])]
#[case("thanks", "idle", &["exit"])]
#[case("not kept", "not kept", &["exit"])]
fn the_program_is_stopped(#[case] stage: &str, #[case] page: &str, #[case] did: &[&str]) {
    let mut run = at(stage);
    run.hear(Event::Stop);
    assert_eq!(
        (run.page(), run.did()),
        (page, did.iter().map(ToString::to_string).collect())
    );
}

#[rstest]
#[case("idle", "idle", &[])]
#[case("sealing", "reasons", &["ended 1"])]
#[case("sealing timeout", "idle", &["ended 1"])]
#[case("amending", "thanks", &[])]
#[case("asking", "ask", &[])]
#[case("thanks", "thanks", &[])]
fn a_seal_is_answered(#[case] stage: &str, #[case] page: &str, #[case] did: &[&str]) {
    let mut run = at(stage);
    run.sealed();
    assert_eq!(
        (run.page(), run.did()),
        (page, did.iter().map(ToString::to_string).collect())
    );
}

#[rstest]
#[case("idle", "idle", &[])]
#[case("sealing", "not kept", &[])]
#[case("sealing timeout", "out", &["open"])]
#[case("amending", "not kept", &[])]
fn a_seal_fails(#[case] stage: &str, #[case] page: &str, #[case] did: &[&str]) {
    let mut run = at(stage);
    run.hear(Event::SealFailed(why()));
    assert_eq!(
        (run.page(), run.did()),
        (page, did.iter().map(ToString::to_string).collect())
    );
}

#[rstest]
#[case("not enrolled", 60_000, "out", &[])]
#[case("open failed", 4_999, "out", &[])]
#[case("open failed", 5_000, "out", &["open"])]
#[case("idle", 86_400_000, "idle", &[])]
#[case("asking", 29_699, "ask", &[])]
#[case("asking", 29_700, "ask", &["seal 1 timed out"])]
#[case("sealing", 60_000, "ask", &[])]
#[case("reasons", 20_000, "thanks", &[])]
#[case("reasons chosen", 19_999, "reasons", &[])]
#[case("reasons chosen", 20_000, "reasons", &["seal amendment of 2 level 2 [207, 214]"])]
#[case("thanks", 1_999, "thanks", &[])]
#[case("thanks", 2_000, "idle", &[])]
#[case("not kept", 7_999, "not kept", &[])]
#[case("not kept", 8_000, "out", &["open"])]
fn time_passes(#[case] stage: &str, #[case] ms: Millis, #[case] page: &str, #[case] did: &[&str]) {
    let mut run = at(stage);
    run.later(ms);
    assert_eq!(
        (run.page(), run.did()),
        (page, did.iter().map(ToString::to_string).collect())
    );
}

#[rstest]
#[case::level("asking", Target::Level(Level::VeryDissatisfied), &["seal 1 rated 1 0"])]
#[case::decline("asking", Target::Decline, &["seal 1 declined"])]
#[case::chip_on_the_ask_page("asking", Target::Tag(code(510)), &[])]
#[case::submit_on_the_ask_page("asking", Target::Submit, &[])]
#[case::level_while_idle("idle", Target::Level(Level::Satisfied), &[])]
#[case::second_finger("sealing", Target::Level(Level::VeryDissatisfied), &[])]
#[case::level_on_the_reasons_page("reasons", Target::Level(Level::Satisfied), &[])]
#[case::submit_nothing("reasons", Target::Submit, &[])]
#[case::submit("reasons chosen", Target::Submit, &["seal amendment of 2 level 2 [207, 214]"])]
#[case::skip_keeps_what_was_said("reasons chosen", Target::Skip, &["seal amendment of 2 level 2 [207, 214]"])]
#[case::second_submit("amending", Target::Submit, &[])]
#[case::level_on_thanks("thanks", Target::Level(Level::Satisfied), &[])]
fn a_target_is_touched(#[case] stage: &str, #[case] target: Target, #[case] did: &[&str]) {
    let mut run = at(stage);
    run.touch(target);
    assert_eq!(run.did(), did);
}
