//! The collector over a real PostgreSQL server: how it connects, what it refuses, what it survives.

#[expect(dead_code, reason = "the rest is for the tests of the whole collector")]
#[path = "../cluster/mod.rs"]
mod cluster;
mod schema;
