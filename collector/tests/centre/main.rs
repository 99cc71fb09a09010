//! The centre as terminals and technicians meet it: real requests, real SQLite.

mod beside;
mod days;
mod dead_letters;
mod enrol;
mod exchange;
mod hall;
mod laws;
mod options;
mod program;
mod rules;
mod support;
mod wire;
