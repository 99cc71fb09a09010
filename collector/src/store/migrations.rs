//! The schema's versions, the same for every database: each counts the migrations that have run.
//!
//! A migration that was released is never changed; a new one is added at the end.

/// Version 1 is the first.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/V1__first.sql"),
    include_str!("../../migrations/V2__tablet_pages.sql"),
    include_str!("../../migrations/V3__faults.sql"),
    include_str!("../../migrations/V4__proof.sql"),
    include_str!("../../migrations/V5__suites.sql"),
    include_str!("../../migrations/V6__rollups.sql"),
    include_str!("../../migrations/V7__access.sql"),
    include_str!("../../migrations/V8__fleet.sql"),
    include_str!("../../migrations/V9__office.sql"),
    include_str!("../../migrations/V10__marks.sql"),
    include_str!("../../migrations/V11__store.sql"),
];

/// The newest version that this program knows.
pub(crate) const KNOWN: i64 = MIGRATIONS.len() as i64;
