//! From the flow's view and the profile to a scene.

use std::collections::BTreeSet;

use manyi_shared::domain::{Language, Level, StaffId, TagCode, national_tags};
use manyi_shared::wire::{AssetDigest, Profile};

use super::{
    AnnouncementScene, AskScene, Chip, IdleScene, OutOfServiceScene, PausedScene, PhoneScene,
    Place, ReasonsScene, Scene, ScenePage, Staff,
};
use crate::day::LocalTime;
use crate::flow::{PageView, Prompt, View, Why};
use crate::outputs::LightLevel;
use crate::station::Station;

/// What a scene is made of beside the flow's view.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// Who and where the terminal is, once known.
    pub station: Option<&'a Station>,
    /// The time in the hall, while it is known.
    pub local: Option<LocalTime>,
    /// Which announcement of the profile is on.
    pub announcement: Option<usize>,
    /// How bright the screen is while nobody is being asked.
    pub light: LightLevel,
    /// The address for the citizen's own phone.
    pub code: Option<&'a str>,
}

impl<'a> Context<'a> {
    fn profile(&self) -> Option<&'a Profile> {
        self.station.map(|station| &station.profile)
    }

    fn asset(&self, digest: Option<AssetDigest>) -> Option<std::path::PathBuf> {
        self.station?.assets.get(&digest?).cloned()
    }

    fn contact(&self) -> String {
        self.profile()
            .map(|p| p.contact.clone())
            .unwrap_or_default()
    }

    fn place(&self) -> Place {
        let place = |profile: &Profile| Place {
            number: profile.window_number.clone(),
            name: profile.window_name.clone(),
        };
        self.profile().map(place).unwrap_or_default()
    }

    /// A clerk by number; a name that the business system sent wins over the profile's.
    fn staff(&self, id: Option<&StaffId>, sent_name: Option<&str>) -> Staff {
        let profile = self.profile();
        let known = id.and_then(|id| profile?.staff_member(id));
        Staff {
            name: sent_name
                .or(known.map(|s| s.name.as_str()))
                .unwrap_or_default()
                .to_owned(),
            number: id.map(ToString::to_string).unwrap_or_default(),
            post: known.map(|s| s.post.clone()).unwrap_or_default(),
            stars: known.and_then(|s| s.stars).unwrap_or_default(),
            photo: self.asset(known.and_then(|s| s.photo)),
        }
    }

    fn on_duty(&self) -> Option<StaffId> {
        let id = self.profile()?.staff_on_duty.as_deref()?;
        StaffId::new(id).ok()
    }
}

/// Fills a view with the profile's names.
#[must_use]
pub fn compose(view: &View<'_>, context: &Context<'_>) -> Scene {
    let page = match view.page {
        PageView::OutOfService(why) => out_of_service(Some(why.reason), why, context),
        PageView::NotKept(why) => out_of_service(None, why, context),
        PageView::Idle { clerk_may_ask } => ScenePage::Idle(idle(context, clerk_may_ask)),
        PageView::Paused { by_clerk } => ScenePage::Paused(paused(context, by_clerk)),
        PageView::Ask {
            prompt,
            correcting,
            languages,
            left_seconds,
            whole_ms,
        } => ScenePage::Ask(AskScene {
            correcting,
            languages: languages.to_vec(),
            left_fraction: fraction(left_seconds, whole_ms),
            left_seconds: seconds(left_seconds),
            ..ask(prompt, context)
        }),
        PageView::Reasons {
            level,
            chosen,
            required,
            phone,
            left_seconds,
            ..
        } => ScenePage::Reasons(ReasonsScene {
            chips: chips(context.profile(), level, chosen, view.manner.language),
            required,
            code: context.code.map(str::to_owned),
            phone,
            left_seconds: seconds(left_seconds),
        }),
        PageView::Phone {
            digits,
            whole,
            left_seconds,
        } => ScenePage::Phone(PhoneScene {
            digits: digits.to_owned(),
            whole,
            left_seconds: seconds(left_seconds),
        }),
        PageView::Thanks { may_correct } => ScenePage::Thanks {
            hall_name: context
                .profile()
                .map(|p| p.hall_name.clone())
                .unwrap_or_default(),
            may_correct,
        },
    };
    let dark = matches!(page, ScenePage::Idle(_) | ScenePage::Paused(_));
    Scene {
        serial: view.serial,
        input: view.input,
        manner: view.manner,
        light: if dark {
            context.light
        } else {
            LightLevel::Awake
        },
        page,
    }
}

fn out_of_service(
    reason: Option<crate::flow::Reason>,
    why: &Why,
    context: &Context<'_>,
) -> ScenePage {
    ScenePage::OutOfService(OutOfServiceScene {
        reason,
        detail: why.detail.clone(),
        contact: context.contact(),
    })
}

fn idle(context: &Context<'_>, clerk_may_ask: bool) -> IdleScene {
    let Some(profile) = context.profile() else {
        return IdleScene::default();
    };
    IdleScene {
        hall_name: profile.hall_name.clone(),
        place: context.place(),
        staff: context.staff(context.on_duty().as_ref(), None),
        // A wrong clock on a wall is worse than none.
        clock: context.local.map(|at| at.clock()).unwrap_or_default(),
        announcement: context.announcement.and_then(|n| announcement(context, n)),
        clerk_may_ask,
    }
}

/// An announcement; one whose picture is missing and that says nothing is none.
fn announcement(context: &Context<'_>, index: usize) -> Option<AnnouncementScene> {
    let options = context.profile()?.options.as_ref()?;
    let announcement = options.announcements.as_ref()?.get(index)?;
    let picture = context.asset(announcement.picture);
    (picture.is_some() || !announcement.text.is_empty()).then(|| AnnouncementScene {
        number: index.saturating_add(1),
        text: announcement.text.clone(),
        picture,
    })
}

fn paused(context: &Context<'_>, by_clerk: bool) -> PausedScene {
    let options = context.profile().and_then(|p| p.options.as_ref());
    PausedScene {
        place: context.place(),
        text: options.and_then(|o| o.paused.clone()).unwrap_or_default(),
        contact: context.contact(),
        by_clerk,
    }
}

fn ask(prompt: &Prompt, context: &Context<'_>) -> AskScene {
    let Some(profile) = context.profile() else {
        return AskScene::default();
    };
    let item = prompt
        .event
        .item
        .as_ref()
        .and_then(|code| profile.item_name(code));
    let on_duty = context.on_duty();
    let served = prompt.event.staff.as_ref().or(on_duty.as_ref());
    AskScene {
        item_name: prompt
            .names
            .item
            .as_deref()
            .or(item)
            .unwrap_or_default()
            .to_owned(),
        place: context.place(),
        staff: context.staff(served, prompt.names.staff.as_deref()),
        mirrored: profile.mirrored,
        ..AskScene::default()
    }
}

/// The options of a level: the office's own, or the national set.
fn chips(
    profile: Option<&Profile>,
    level: Level,
    chosen: &BTreeSet<TagCode>,
    language: Language,
) -> Vec<Chip> {
    let own = profile.and_then(|p| p.options.as_ref()?.tags.as_ref());
    let chip = |code: TagCode, text: String| Chip {
        code: code.number(),
        text,
        chosen: chosen.contains(&code),
    };
    match own {
        Some(tags) => tags
            .iter()
            .filter(|tag| tag.level == level.number())
            .filter_map(|tag| Some(chip(TagCode::new(tag.code)?, tag.name(language).to_owned())))
            .collect(),
        None => national_tags()
            .of_level(level)
            .map(|tag| chip(tag.code, String::new()))
            .collect(),
    }
}

fn seconds(left: u64) -> i32 {
    i32::try_from(left).unwrap_or(i32::MAX)
}

fn fraction(left_seconds: u64, whole_ms: u64) -> f32 {
    // Profiles allow 600 s at most, elder mode doubles it; both fit without loss.
    let exact = |n: u64| u16::try_from(n).map_or(f32::MAX, f32::from);
    let whole = whole_ms.div_ceil(1000).max(1);
    (exact(left_seconds) / exact(whole)).clamp(0.0, 1.0)
}
