//! What the tablet says: one thread that owns the sound card while it speaks.
//!
//! | module | what |
//! |---|---|
//! | [`wave`] | reading clips |
//! | [`find`] | which file a clip is |
//! | [`card`] | the sound card |
//! | [`make`] | clips by espeak-ng, where nobody recorded any |
//!
//! **Invariants**
//! 1. The sound card is open only while something is heard, and at most one clip is in memory.
//! 2. A new clip takes the place of the one that is being said.
//! 3. A tablet without a sound card, or without clips, works as well; the log says so once.

pub mod card;
pub mod find;
pub mod make;
pub mod wave;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use manyi_shared::domain::{Clock, ClockReading};

use self::card::{CardError, Wait};
use self::find::Folders;
use self::wave::Wave;
use crate::flow::Millis;
use crate::outputs::{Clip, VoiceSettings};
use crate::recorder::chain;

/// Where sound comes out. A port, so that tests hear what was said.
pub trait Speaker {
    /// Plays a clip to its end, or until `wait` says that it was interrupted.
    ///
    /// # Errors
    /// [`CardError`] when there is no sound card or it went away.
    fn play(&mut self, wave: &Wave, wait: &mut Wait<'_>) -> Result<(), CardError>;
}

/// How long after a failure the sound card is not tried again.
const DEAF_MS: Millis = 60_000;

/// Before this the wall clock was not set: 2025-01-01. Such a clock does not know when it is night.
const UNSET_BEFORE_MS: i64 = 1_735_689_600_000;

/// What the thread is told.
#[derive(Debug)]
enum Order {
    Settings(VoiceSettings),
    Say { clip: Clip, language: String },
}

/// The voice. Dropping it ends its thread after what is being said was cut off.
#[derive(Debug)]
pub struct Voice {
    ear: Sender<Order>,
}

impl Voice {
    /// Starts the thread; it is silent until [`Self::settings`].
    ///
    /// # Errors
    /// What the system says when it has no thread.
    pub fn start(
        speaker: impl Speaker + Send + 'static,
        folders: Folders,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let (ear, inbox) = channel();
        let mut mouth = Mouth {
            speaker,
            folders,
            clock,
            settings: VoiceSettings::default(),
            deaf_until: 0,
            inbox: Inbox {
                orders: inbox,
                held: VecDeque::new(),
                ended: false,
            },
        };
        // Detached: it holds nothing that has to be closed.
        std::thread::Builder::new()
            .name("voice".to_owned())
            .spawn(move || mouth.obey())?;
        Ok(Self { ear })
    }

    /// How it is to be from now on.
    pub fn settings(&self, settings: VoiceSettings) {
        self.tell(Order::Settings(settings));
    }

    /// Says a clip, if it may be heard now and there is a file of it.
    pub fn say(&self, clip: Clip, language: &str) {
        let language = language.to_owned();
        self.tell(Order::Say { clip, language });
    }

    fn tell(&self, order: Order) {
        if self.ear.send(order).is_err() {
            tracing::error!("the voice thread is gone");
        }
    }
}

struct Mouth<S> {
    speaker: S,
    folders: Folders,
    clock: Arc<dyn Clock>,
    settings: VoiceSettings,
    deaf_until: Millis,
    inbox: Inbox,
}

impl<S: Speaker> Mouth<S> {
    fn obey(&mut self) {
        while let Some(order) = self.inbox.next() {
            match order {
                Order::Settings(settings) => self.settings = settings,
                // Only the newest of those that came meanwhile.
                Order::Say { .. } if self.inbox.interrupted(Duration::ZERO) => {}
                Order::Say { clip, language } => self.say(clip, &language),
            }
        }
    }

    fn say(&mut self, clip: Clip, language: &str) {
        let now = self.clock.read();
        if !self.settings.on || quiet_now(&self.settings, &now) {
            return;
        }
        if now.uptime_ms < self.deaf_until {
            tracing::debug!("the sound card is not tried again yet");
            return;
        }
        let Some(mut wave) = self.load(clip, language) else {
            tracing::debug!(clip = clip.name(), language, "there is no such clip");
            return;
        };
        wave.soften(self.settings.volume);
        let inbox = &mut self.inbox;
        let played = self
            .speaker
            .play(&wave, &mut |time| inbox.interrupted(time));
        match played {
            Ok(()) => self.deaf_until = 0,
            Err(error) => {
                // Told once, until it works again.
                if self.deaf_until == 0 {
                    tracing::warn!("nothing can be said: {}", chain(&error));
                }
                self.deaf_until = now.uptime_ms.saturating_add(DEAF_MS);
            }
        }
    }

    /// The first file of a clip that is one.
    fn load(&self, clip: Clip, language: &str) -> Option<Wave> {
        let asset = self.settings.assets.get(&(clip, language.to_owned()));
        let files = asset.cloned().into_iter();
        files
            .chain(self.folders.files(clip, language))
            .filter(|file| file.is_file())
            .find_map(|file| {
                Wave::read(&file)
                    .inspect_err(|error| tracing::warn!("{}", chain(error)))
                    .ok()
            })
    }
}

/// Whether these settings say nothing at this time.
fn quiet_now(settings: &VoiceSettings, now: &ClockReading) -> bool {
    let minute = minute_of_day(now, &settings.zone);
    let without_night = || VoiceSettings {
        quiet: None,
        ..settings.clone()
    };
    match minute {
        Some(minute) => !settings.audible(minute),
        None => !without_night().audible(0),
    }
}

/// The minute of the local day, unless the clock was never set.
fn minute_of_day(now: &ClockReading, zone: &TimeZone) -> Option<u16> {
    let at = Timestamp::from_millisecond(now.wall_ms).ok();
    let at = at.filter(|_| now.wall_ms >= UNSET_BEFORE_MS)?;
    let local = at.to_zoned(zone.clone());
    u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).ok()
}

/// Orders, with those that came while something was being said.
struct Inbox {
    orders: Receiver<Order>,
    held: VecDeque<Order>,
    ended: bool,
}

impl Inbox {
    fn next(&mut self) -> Option<Order> {
        match self.held.pop_front() {
            Some(order) => Some(order),
            None if self.ended => None,
            None => self.orders.recv().ok(),
        }
    }

    /// Waits for at most this long; whether what is being said is to stop.
    fn interrupted(&mut self, time: Duration) -> bool {
        match self.orders.recv_timeout(time) {
            Ok(order) => self.held.push_back(order),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.ended = true,
        }
        self.held.extend(self.orders.try_iter());
        let newer = |order: &Order| match order {
            Order::Say { .. } => true,
            // Switched off while speaking.
            Order::Settings(settings) => !settings.on,
        };
        self.ended || self.held.iter().any(newer)
    }
}

#[cfg(test)]
mod tests;
