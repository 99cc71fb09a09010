//! The centre as terminals and technicians meet it: real requests, real SQLite.

mod alarms;
mod assets;
mod beside;
mod commands;
mod days;
mod dead_letters;
mod enrol;
mod exchange;
mod folds;
mod forgery;
mod hall;
mod identity;
mod laws;
mod options;
mod past;
mod poison;
mod program;
mod prompts;
mod proofs;
mod rescued;
mod rules;
mod suites;
mod supplement;
mod support;
mod told;
mod wire;
