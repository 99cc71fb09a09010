//! The tablet's devices besides the screen, as the conductor's outputs.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use manyi_shared::domain::Clock;
use manyi_shared::tablet::DataDir;

use crate::backlight::{Backlight, LIGHTS};
use crate::conductor::Message;
use crate::config::Config;
use crate::gpio::{self, Pins};
use crate::outputs::{Clip, OutputState, Outputs, VoiceSettings};
use crate::voice::card::Card;
use crate::voice::find::{self, Folders};
use crate::voice::{Voice, make};

/// Whatever of pins, voice and light this tablet has.
#[derive(Debug)]
pub(super) struct Devices {
    pins: Option<Pins>,
    voice: Option<Voice>,
    light: RefCell<Option<Backlight>>,
}

impl Devices {
    /// Opens the devices of the configuration; what is not there is left out, with a line in the
    /// log. Presses of the button go to the conductor.
    #[must_use]
    pub(super) fn open(
        config: &Config,
        data: &DataDir,
        clock: &Arc<dyn Clock>,
        conductor: &Sender<Message>,
    ) -> Self {
        let program = std::env::current_exe().ok();
        let folders = Folders::of(data, program.as_deref());
        make::in_background(find::own(data), folders.clone());
        let voice = Voice::start(Card, folders, clock.clone())
            .inspect_err(|error| tracing::error!("nothing can be said: no thread: {error}"))
            .ok();
        let pins = config
            .gpio
            .and_then(|gpio| gpio::open(gpio, clock.clone(), conductor.clone()));
        let light = Backlight::open(&config.backlight, Path::new(LIGHTS));
        Self {
            pins,
            voice,
            light: RefCell::new(light),
        }
    }
}

impl Outputs for Devices {
    fn state(&self, state: OutputState) {
        if let Some(pins) = &self.pins {
            pins.state(state);
        }
        if let Some(light) = self.light.borrow_mut().as_mut() {
            light.set(state.light);
        }
    }

    fn speak(&self, clip: Clip, language: &str) {
        if let Some(voice) = &self.voice {
            voice.say(clip, language);
        }
    }

    fn voice(&self, settings: VoiceSettings) {
        if let Some(voice) = &self.voice {
            voice.settings(settings);
        }
    }
}
