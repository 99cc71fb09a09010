//! When and for whom a file was made.

use jiff::Timestamp;

use super::Note;
use crate::app::AppState;
use crate::problem::Problem;

/// When and for whom a file was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// When, by the centre's clock.
    pub at: Timestamp,
    /// The user, or the name of the API token.
    pub by: String,
}

impl Made {
    /// Made now, for this caller.
    ///
    /// # Errors
    /// A problem when the centre's clock names no moment.
    pub fn now(state: &AppState, by: impl Into<String>) -> Result<Self, Problem> {
        let at = Timestamp::from_millisecond(state.clock.now_ms());
        Ok(Self {
            at: at.map_err(|_| Problem::internal())?,
            by: by.into(),
        })
    }

    /// The lines that say so.
    #[must_use]
    pub fn notes(&self) -> [Note; 2] {
        [
            Note::value("made", "at", format!("{:.0}", self.at)),
            Note::value("made", "by", self.by.clone()),
        ]
    }
}
