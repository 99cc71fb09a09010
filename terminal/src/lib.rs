//! The kiosk at the window: asks, seals, thanks.
//!
//! | module | what it owns | imports |
//! |---|---|---|
//! | [`flow`] | which page, what a touch means, what is sealed: pure | shared |
//! | [`scene`] | the names on a page: pure | flow |
//! | [`recorder`] | the journal's writer, on its own thread | flow |
//! | [`registry`] | what the API may know | flow |
//! | [`keys`] | which idempotency keys brought a prompt: pure | flow |
//! | [`outputs`] | what lamp, buzzer, voice and light are told | |
//! | [`station`] | identity and profile | flow |
//! | [`conductor`] | the thread that joins them | all above |
//! | [`desk`] | the staff's pages: enrolment, the technician's page | flow's time, journal export |
//! | [`gpio`], [`voice`], [`backlight`] | the devices that obey | outputs |
//! | [`api`] | the prompt API, local and in the hall's network | conductor's messages, registry |
//! | [`bridge`], [`screen`] | the Slint window | scene, flow's touches |
//! | [`pulse`] | the proof that the screen paints | |
//! | [`config`], [`cli`], [`journal_cli`] | the program's outside | |

pub mod api;
pub mod backlight;
pub mod bridge;
pub mod cli;
pub mod conductor;
pub mod config;
pub mod day;
pub mod demo;
pub mod desk;
pub mod flow;
pub mod gpio;
pub mod journal_cli;
pub mod keys;
pub mod outputs;
pub mod program;
pub mod pulse;
pub mod recorder;
pub mod registry;
pub mod scene;
pub mod screen;
pub mod script;
pub mod station;
pub mod voice;

/// An invented hall for tests, shared with the integration tests.
#[cfg(test)]
#[path = "../tests/common/profile.rs"]
pub(crate) mod invented;
