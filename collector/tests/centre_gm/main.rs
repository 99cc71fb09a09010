//! The tests of `centre` that depend on keys and chains, once more with terminals of the suite `gm`.

#![allow(
    clippy::allow_attributes,
    dead_code,
    reason = "helpers of tests that are not repeated here"
)]

#[path = "../centre/beside.rs"]
mod beside;
#[path = "../centre/dead_letters.rs"]
mod dead_letters;
#[path = "../centre/exchange.rs"]
mod exchange;
#[path = "../centre/folds.rs"]
mod folds;
#[path = "../centre/program.rs"]
mod program;
#[path = "../centre/proofs.rs"]
mod proofs;
#[path = "../centre/rules.rs"]
mod rules;
#[path = "../centre/run.rs"]
mod run;
#[path = "../centre/supplement.rs"]
mod supplement;
#[path = "../centre/support.rs"]
mod support;
