//! What surrounds the flow: light, announcements, voice, the day's self-test, the code for the
//! citizen's own phone. It follows what the flow shows and decides nothing about it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use manyi_shared::domain::{ClockReading, Language, Seq, StreamId};
use manyi_shared::wire::{Supplement, TerminalMessage as _};

use crate::day::{self, AWAKE_MS, LocalTime};
use crate::flow::{Millis, PageView, View};
use crate::outputs::{Clip, LightLevel, OutputState, VoiceSettings};
use crate::scene::{Context, Scene, compose};
use crate::script::{Script, Spoken};
use crate::station::Station;

/// The last self-test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tested {
    /// Whether all five levels are on the card.
    pub(crate) good: bool,
    /// The day of the hall, and the minute.
    pub(crate) at: Option<LocalTime>,
}

impl Tested {
    /// When and what, for the technician's page.
    pub(crate) fn text(self) -> String {
        let levels = if self.good { "5/5" } else { "!" };
        match self.at {
            None => levels.to_owned(),
            Some(at) => {
                let (year, month, day) = (at.day / 10_000, at.day / 100 % 100, at.day % 100);
                format!("{year}-{month:02}-{day:02} {} · {levels}", at.clock())
            }
        }
    }
}

/// The surroundings' state.
#[derive(Debug, Default)]
pub(super) struct Around {
    awake_until: Millis,
    /// When the round of announcements began.
    round_from: Millis,
    next_announcement: Option<Millis>,
    script: Script,
    spoke: Option<Language>,
    /// The day of the last self-test that was started.
    tested_day: Option<u32>,
    tested: Option<Tested>,
    zone: String,
    code: Option<(StreamId, Seq, Arc<str>)>,
}

impl Around {
    /// A new profile: announcements begin anew.
    pub(super) fn settle_in(&mut self, now: Millis) {
        self.round_from = now;
        self.code = None;
    }

    /// A touch or a prompt: nobody stands in the dark.
    pub(super) const fn wake(&mut self, now: Millis) {
        self.awake_until = now.saturating_add(AWAKE_MS);
    }

    /// The day that the self-test is due for; each is answered once.
    pub(super) fn self_test_due(&mut self, station: &Station, now: &ClockReading) -> Option<u32> {
        let options = station.profile.options();
        let local = LocalTime::of(now, &station.profile.time_zone);
        let day = day::self_test_due(&options, local, self.tested_day)?;
        self.tested_day = Some(day);
        Some(day)
    }

    /// The hall's day as records name it; 0 while it is not known.
    pub(super) fn day(station: &Station, now: &ClockReading) -> u32 {
        LocalTime::of(now, &station.profile.time_zone).map_or(0, |at| at.day)
    }

    pub(super) const fn tested(&self) -> Option<Tested> {
        self.tested
    }

    pub(super) fn self_tested(&mut self, good: bool, now: &ClockReading) {
        let at = LocalTime::of(now, &self.zone);
        self.tested = Some(Tested { good, at });
        if !good {
            // Tried again as soon as the journal is back.
            self.tested_day = None;
        }
    }

    /// Brings everything up to what the flow shows now.
    pub(super) fn follow(
        &mut self,
        view: &View<'_>,
        station: Option<&Station>,
        now: &ClockReading,
        stream: Option<StreamId>,
    ) {
        let uptime = now.uptime_ms;
        let idle = matches!(view.page, PageView::Idle { .. });
        self.next_announcement = None;
        if let Some(station) = station {
            if self.zone != station.profile.time_zone {
                self.zone.clone_from(&station.profile.time_zone);
            }
            if idle {
                self.next_announcement = current(station, uptime.saturating_sub(self.round_from))
                    .and_then(|(_, left)| uptime.checked_add(left));
            }
        }
        self.follow_code(view, station, stream);
        let language = view.manner.language;
        let page = spoken(&view.page, view.manner.elder);
        let again = self.spoke.is_some_and(|before| before != language)
            && matches!(page, Spoken::Question { .. });
        self.spoke = Some(language);
        self.script.turn(page, again, uptime);
    }

    /// The code of the rating whose reasons are on the screen; signed once.
    fn follow_code(
        &mut self,
        view: &View<'_>,
        station: Option<&Station>,
        stream: Option<StreamId>,
    ) {
        let PageView::Reasons { target, .. } = view.page else {
            return;
        };
        let (Some(station), Some(stream)) = (station, stream) else {
            self.code = None;
            return;
        };
        let known = matches!(&self.code, Some((s, t, _)) if (*s, *t) == (stream, target));
        if !known {
            let code = code(station, stream, target);
            self.code = code.map(|code| (stream, target, code));
        }
    }

    /// The scene of a view.
    pub(super) fn scene(
        &self,
        view: &View<'_>,
        station: Option<&Station>,
        now: &ClockReading,
    ) -> Scene {
        let local = station.and_then(|s| LocalTime::of(now, &s.profile.time_zone));
        let elapsed = now.uptime_ms.saturating_sub(self.round_from);
        let light = station.map_or(LightLevel::Awake, |station| {
            let options = station.profile.options();
            day::light(&options, local, self.awake_until, now.uptime_ms)
        });
        let context = Context {
            station,
            local,
            announcement: station.and_then(|s| current(s, elapsed)).map(|(n, _)| n),
            light,
            code: self.code.as_ref().map(|(_, _, code)| code.as_ref()),
        };
        compose(view, &context)
    }

    /// What is to be said now.
    pub(super) fn line(&mut self, view: &View<'_>, now: Millis) -> Option<(Clip, Language)> {
        let clip = self.script.line(now)?;
        Some((clip, view.manner.language))
    }

    /// When to look again.
    pub(super) fn next_look(&self) -> Option<Millis> {
        [self.next_announcement, self.script.next_look()]
            .into_iter()
            .flatten()
            .min()
    }
}

/// The announcement that is on, and for how long yet.
fn current(station: &Station, elapsed: Millis) -> Option<(usize, Millis)> {
    let list = station.profile.options.as_ref()?.announcements.as_ref()?;
    day::announcement(list, elapsed)
}

const fn spoken(page: &PageView<'_>, elder: bool) -> Spoken {
    match page {
        PageView::Ask { correcting, .. } => Spoken::Question {
            elder,
            correcting: *correcting,
        },
        PageView::Thanks { .. } => Spoken::Thanks,
        PageView::NotKept(_) => Spoken::NotKept,
        _ => Spoken::Silence,
    }
}

/// The address of the page for one rating. Without the terminal's key there is none.
fn code(station: &Station, stream: StreamId, target: Seq) -> Option<Arc<str>> {
    let supplement = station.profile.options.as_ref()?.supplement.as_ref()?;
    let token = Supplement {
        terminal: station.terminal,
        stream,
        target,
        hours: supplement.hours,
    };
    let token = token.seal(station.key.as_deref()?);
    let token = BASE64_URL_SAFE_NO_PAD.encode(token);
    Some(format!("{}{token}", supplement.url).into())
}

/// What lamp, buzzer and screen light are to show of a view.
pub(super) const fn outputs(view: &View<'_>, light: LightLevel) -> OutputState {
    let asking = matches!(view.page, PageView::Ask { .. });
    OutputState {
        asking,
        attention: asking,
        light,
    }
}

/// The voice, as the profile wants it.
pub(super) fn voice(station: &Station) -> VoiceSettings {
    let profile = &station.profile;
    let zone = jiff::tz::TimeZone::get(&profile.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let options = profile.options();
    let Some(voice) = &options.voice else {
        return VoiceSettings {
            on: false,
            zone,
            ..VoiceSettings::default()
        };
    };
    let mut assets: HashMap<(Clip, String), PathBuf> = HashMap::new();
    for own in voice.clips.iter().flatten() {
        let clip = Clip::ALL.into_iter().find(|clip| clip.name() == own.clip);
        if let (Some(clip), Some(path)) = (clip, station.assets.get(&own.sound)) {
            assets.insert((clip, own.language.clone()), path.clone());
        }
    }
    VoiceSettings {
        on: voice.volume > 0,
        volume: voice.volume,
        quiet: voice.quiet_from.zip(voice.quiet_until),
        zone,
        assets,
    }
}
