//! Cutting the power of the journal, thousands of times a second.
//!
//! A power cut leaves on the card what was synced, and of the rest anything: each unsynced write may
//! be there, or not, or in part. This module records what SQLite asks of the disk while the real
//! journal works, builds what a cut at any moment may leave, and opens that with the real journal.
//!
//! - [`vfs`]: hears every write, sync, creation and deletion of SQLite. The only unsafe code here.
//! - [`tape`]: keeps what was heard, as a list of [`tape::Event`].
//! - [`disk`]: what is synced and what is not, after any prefix of the tape.
//! - [`cut`]: which of the unsynced writes survive: every way, by number.
//! - [`ledger`]: what citizens were thanked for, and what the centre has.
//! - [`story`]: a seeded life of a terminal and its daemon, written into the ledger.
//! - [`judge`]: opens what a cut left and compares it with the ledger.
//! - [`campaign`]: many stories, many cuts, one verdict.
//! - [`lie`]: a disk that pretends to sync, and damages what it holds.
//! - [`salvage`]: starts a terminal on such a disk, and checks what it saved and admits.
//! - [`liars`]: many such disks, one verdict.
//! - [`again`]: another cut while the journal is being salvaged.
//!
//! What it cannot show: decision 0018.

pub mod again;
pub mod campaign;
pub mod cut;
pub mod disk;
pub mod judge;
pub mod ledger;
pub mod liars;
pub mod lie;
pub mod salvage;
pub mod story;
pub mod tape;
pub mod vfs;
