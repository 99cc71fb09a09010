//! The tests of `centre` once more, with the store on a PostgreSQL server. Left out are those that are
//! about the SQLite file itself: commands on a directory, a file put back, forged rows.

#![allow(
    clippy::allow_attributes,
    dead_code,
    reason = "helpers of tests that are not repeated here"
)]

#[path = "../centre/alarms.rs"]
mod alarms;
#[path = "../centre/assets.rs"]
mod assets;
#[path = "../centre/beside.rs"]
mod beside;
mod copy;
mod crowd;
#[path = "../centre/days.rs"]
mod days;
#[path = "../centre/dead_letters.rs"]
mod dead_letters;
#[path = "../centre/enrol.rs"]
mod enrol;
#[path = "../centre/exchange.rs"]
mod exchange;
#[path = "../centre/folds.rs"]
mod folds;
#[path = "../centre/hall.rs"]
mod hall;
#[path = "../centre/identity.rs"]
mod identity;
#[path = "../centre/laws.rs"]
mod laws;
#[path = "../centre/laws_faults.rs"]
mod laws_faults;
#[path = "../centre/laws_time.rs"]
mod laws_time;
#[path = "../centre/options.rs"]
mod options;
#[path = "../centre/poison.rs"]
mod poison;
#[path = "../centre/run.rs"]
mod program;
#[path = "../centre/prompts.rs"]
mod prompts;
#[path = "../centre/proofs.rs"]
mod proofs;
#[path = "../centre/rescued.rs"]
mod rescued;
#[path = "../centre/rules.rs"]
mod rules;
#[path = "../centre/suites.rs"]
mod suites;
#[path = "../centre/supplement.rs"]
mod supplement;
#[path = "../centre/support.rs"]
mod support;
#[path = "../centre/told.rs"]
mod told;
#[path = "../centre/versions.rs"]
mod versions;
#[path = "../centre/wire.rs"]
mod wire;
