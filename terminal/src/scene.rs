//! What one page shows, in plain values: the flow's view with the profile's names filled in. Pure.
//!
//! No words of the interface are in here; `.slint` owns those.

mod compose;

use std::path::PathBuf;

use manyi_shared::domain::Language;

use crate::desk::DeskView;
use crate::flow::{Manner, PhoneView, Reason};
use crate::outputs::LightLevel;

pub use compose::{Context, compose};

/// A page, ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The showing; touches carry it back.
    pub serial: u64,
    /// Whether targets take touches.
    pub input: bool,
    /// How the citizen is spoken to.
    pub manner: Manner,
    /// How bright the screen is.
    pub light: LightLevel,
    /// The page.
    pub page: ScenePage,
}

/// The pages.
#[derive(Debug, Clone, PartialEq)]
pub enum ScenePage {
    /// Between two prompts.
    Idle(IdleScene),
    /// The question.
    Ask(AskScene),
    /// The options of the chosen level.
    Reasons(ReasonsScene),
    /// The pad for a call-back number.
    Phone(PhoneScene),
    /// The thank-you.
    Thanks {
        /// The hall's name.
        hall_name: String,
        /// The level can still be corrected.
        may_correct: bool,
    },
    /// The window is paused.
    Paused(PausedScene),
    /// Not asking.
    OutOfService(OutOfServiceScene),
    /// A page of the staff.
    Desk(DeskView),
}

/// What the idle page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdleScene {
    /// The hall's name.
    pub hall_name: String,
    /// The place.
    pub place: Place,
    /// The clerk normally on duty.
    pub staff: Staff,
    /// The time of day in the hall; empty while the clock is not known to be right.
    pub clock: String,
    /// What is announced now.
    pub announcement: Option<AnnouncementScene>,
    /// The clerk may call the question from here.
    pub clerk_may_ask: bool,
}

/// One announcement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnnouncementScene {
    /// Which one of the profile, from 1.
    pub number: usize,
    /// Its text.
    pub text: String,
    /// Its picture, if that is on the card.
    pub picture: Option<PathBuf>,
}

/// What the ask page shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AskScene {
    /// The item's name; empty when unknown.
    pub item_name: String,
    /// The place.
    pub place: Place,
    /// The clerk who served.
    pub staff: Staff,
    /// 1 at the start, 0 at the end, in steps of a second.
    pub left_fraction: f32,
    /// Time left.
    pub left_seconds: i32,
    /// Whether the order of the levels is turned round.
    pub mirrored: bool,
    /// The level is chosen anew.
    pub correcting: bool,
    /// Languages to choose from.
    pub languages: Vec<Language>,
}

/// What the reasons page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonsScene {
    /// The chips in their order.
    pub chips: Vec<Chip>,
    /// At least one is wanted.
    pub required: bool,
    /// The address behind the code for the citizen's own phone, when one is offered.
    pub code: Option<String>,
    /// The call-back number.
    pub phone: PhoneView,
    /// Time left.
    pub left_seconds: i32,
}

/// One second-level option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// The code.
    pub code: u16,
    /// The office's own words; empty for a national option, whose words the pages have.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// What the pad shows. Never printed: a log must not have what was typed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PhoneScene {
    /// As typed so far.
    pub digits: String,
    /// Whether it is long enough to be kept.
    pub whole: bool,
    /// Time left.
    pub left_seconds: i32,
}

impl std::fmt::Debug for PhoneScene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PhoneScene({} digits)", self.digits.len())
    }
}

/// What the paused page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PausedScene {
    /// The place.
    pub place: Place,
    /// The office's own words.
    pub text: String,
    /// Whom to call.
    pub contact: String,
    /// The clerk paused and may end it here.
    pub by_clerk: bool,
}

/// What the out-of-service page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfServiceScene {
    /// Why; none when a rating was given and is not kept.
    pub reason: Option<Reason>,
    /// For technicians.
    pub detail: String,
    /// Whom to call; empty while nobody said.
    pub contact: String,
}

/// The window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// As over the window.
    pub number: String,
    /// As one reads it out.
    pub name: String,
}

/// A clerk; all empty when unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staff {
    /// Name.
    pub name: String,
    /// Staff number.
    pub number: String,
    /// Post 岗位.
    pub post: String,
    /// Star grade, 1 to 5; 0 for none.
    pub stars: u8,
    /// Their photograph, if it is on the card.
    pub photo: Option<PathBuf>,
}

#[cfg(test)]
mod tests;
