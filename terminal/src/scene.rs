//! What one page shows, in plain values: the flow's view with the profile's names filled in. Pure.
//!
//! No words of the interface are in here; `.slint` owns those.

use jiff::Timestamp;
use manyi_shared::domain::{ClockReading, StaffId, national_tags};
use manyi_shared::wire::Profile;

use crate::flow::{PageView, Prompt, Reason, View};

/// A page, ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The showing; touches carry it back.
    pub serial: u64,
    /// Whether targets take touches.
    pub input: bool,
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
    /// The thank-you.
    Thanks {
        /// The hall's name.
        hall_name: String,
    },
    /// Not asking.
    OutOfService(OutOfServiceScene),
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
}

/// What the reasons page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReasonsScene {
    /// The chips in their order.
    pub chips: Vec<Chip>,
    /// Time left.
    pub left_seconds: i32,
}

/// One second-level option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// The national code.
    pub code: u16,
    /// The national text.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
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
}

/// Fills a view with the profile's names.
#[must_use]
pub fn compose(view: &View<'_>, profile: Option<&Profile>, now: &ClockReading) -> Scene {
    let page = match &view.page {
        PageView::OutOfService(why) => ScenePage::OutOfService(OutOfServiceScene {
            reason: Some(why.reason),
            detail: why.detail.clone(),
            contact: profile.map(|p| p.contact.clone()).unwrap_or_default(),
        }),
        PageView::NotKept(why) => ScenePage::OutOfService(OutOfServiceScene {
            reason: None,
            detail: why.detail.clone(),
            contact: profile.map(|p| p.contact.clone()).unwrap_or_default(),
        }),
        PageView::Idle => ScenePage::Idle(profile.map(|p| idle(p, now)).unwrap_or_default()),
        PageView::Ask {
            prompt,
            left_seconds,
            whole_ms,
        } => ScenePage::Ask(AskScene {
            left_fraction: fraction(*left_seconds, *whole_ms),
            left_seconds: seconds(*left_seconds),
            ..ask(prompt, profile)
        }),
        PageView::Reasons {
            level,
            chosen,
            left_seconds,
        } => ScenePage::Reasons(ReasonsScene {
            chips: national_tags()
                .of_level(*level)
                .map(|tag| Chip {
                    code: tag.code.number(),
                    text: tag.name.clone(),
                    chosen: chosen.contains(&tag.code),
                })
                .collect(),
            left_seconds: seconds(*left_seconds),
        }),
        PageView::Thanks => ScenePage::Thanks {
            hall_name: profile.map(|p| p.hall_name.clone()).unwrap_or_default(),
        },
    };
    Scene {
        serial: view.serial,
        input: view.input,
        page,
    }
}

fn idle(profile: &Profile, now: &ClockReading) -> IdleScene {
    let on_duty = profile
        .staff_on_duty
        .as_deref()
        .and_then(|id| StaffId::new(id).ok());
    IdleScene {
        hall_name: profile.hall_name.clone(),
        place: place(profile),
        staff: staff(profile, on_duty.as_ref(), None),
        clock: time_of_day(now, &profile.time_zone),
    }
}

fn ask(prompt: &Prompt, profile: Option<&Profile>) -> AskScene {
    let Some(profile) = profile else {
        return AskScene::default();
    };
    let item = prompt
        .event
        .item
        .as_ref()
        .and_then(|code| profile.item_name(code));
    let on_duty = profile
        .staff_on_duty
        .as_deref()
        .and_then(|id| StaffId::new(id).ok());
    let served = prompt.event.staff.as_ref().or(on_duty.as_ref());
    AskScene {
        item_name: prompt
            .names
            .item
            .as_deref()
            .or(item)
            .unwrap_or_default()
            .to_owned(),
        place: place(profile),
        staff: staff(profile, served, prompt.names.staff.as_deref()),
        mirrored: profile.mirrored,
        ..AskScene::default()
    }
}

fn place(profile: &Profile) -> Place {
    Place {
        number: profile.window_number.clone(),
        name: profile.window_name.clone(),
    }
}

/// A clerk by number; a name that the business system sent wins over the profile's.
fn staff(profile: &Profile, id: Option<&StaffId>, sent_name: Option<&str>) -> Staff {
    let known = id.and_then(|id| profile.staff_member(id));
    Staff {
        name: sent_name
            .or(known.map(|s| s.name.as_str()))
            .unwrap_or_default()
            .to_owned(),
        number: id.map(ToString::to_string).unwrap_or_default(),
        post: known.map(|s| s.post.clone()).unwrap_or_default(),
    }
}

/// Hours and minutes in the hall, or nothing: a wrong clock on a wall is worse than none.
fn time_of_day(now: &ClockReading, zone: &str) -> String {
    let at = now
        .synchronised
        .then(|| Timestamp::from_millisecond(now.wall_ms).ok())
        .flatten();
    at.and_then(|at| at.in_tz(zone).ok())
        .map(|at| at.strftime("%H:%M").to_string())
        .unwrap_or_default()
}

fn seconds(left: u64) -> i32 {
    i32::try_from(left).unwrap_or(i32::MAX)
}

fn fraction(left_seconds: u64, whole_ms: u64) -> f32 {
    // Profiles allow 600 s at most, so both fit without loss.
    let exact = |n: u64| u16::try_from(n).map_or(f32::MAX, f32::from);
    let whole = whole_ms.div_ceil(1000).max(1);
    (exact(left_seconds) / exact(whole)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
