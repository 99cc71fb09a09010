//! The kiosk at the window: asks, seals, thanks.
//!
//! | module | what it owns | imports |
//! |---|---|---|
//! | [`flow`] | which page, what a touch means, what is sealed: pure | shared |
//! | [`scene`] | the names on a page: pure | flow |
//! | [`recorder`] | the journal's writer, on its own thread | flow |
//! | [`registry`] | what the API may know | flow |
//! | [`station`] | identity and profile | flow |
//! | [`conductor`] | the thread that joins them | all above |
//! | [`desk`] | the staff's pages: enrolment, the technician's page | flow's time, journal export |
//! | [`api`] | the local prompt API | conductor's messages, registry |
//! | [`bridge`], [`screen`] | the Slint window | scene, flow's touches |
//! | [`config`], [`cli`], [`journal_cli`] | the program's outside | |

pub mod api;
pub mod bridge;
pub mod cli;
pub mod conductor;
pub mod config;
pub mod demo;
pub mod desk;
pub mod flow;
pub mod journal_cli;
pub mod program;
pub mod recorder;
pub mod registry;
pub mod scene;
pub mod screen;
pub mod station;

/// An invented hall for tests, shared with the integration tests.
#[cfg(test)]
#[path = "../tests/common/profile.rs"]
pub(crate) mod invented;
