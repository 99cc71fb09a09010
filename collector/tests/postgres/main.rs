//! The collector over a real PostgreSQL server: how it connects, what it refuses, what it survives.

mod citus;
#[path = "../cluster/mod.rs"]
mod cluster;
mod schema;
mod server;
