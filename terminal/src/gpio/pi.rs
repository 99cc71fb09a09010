//! The pins of a Raspberry Pi, by `rppal`. Nothing outside this file knows that library: it is
//! retired upstream (ADR 0013).

use rppal::gpio::{Error, Gpio, InputPin, OutputPin, Trigger};

use super::Board;
use crate::config;

/// Why the pins cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum PinsError {
    /// Another board.
    #[error(
        "this machine is not a Raspberry Pi that the program knows; take the [gpio] table out of \
         the configuration"
    )]
    NoPi,
    /// The user may not.
    #[error("the pins may not be opened; add the terminal's user to the group `gpio`")]
    Forbidden(#[source] Error),
    /// Anything else.
    #[error("pin {pin} cannot be used as {part}")]
    Pin {
        /// Its BCM number.
        pin: u8,
        /// What for.
        part: &'static str,
        /// What the library said.
        #[source]
        source: Error,
    },
    /// The pins as a whole.
    #[error("the pins cannot be opened")]
    Open(#[source] Error),
}

/// The pins of the configuration.
pub(super) struct Pi {
    button: Option<InputPin>,
    active_low: bool,
    lamp: Option<OutputPin>,
    buzzer: Option<OutputPin>,
}

impl Pi {
    /// Opens the pins; `edge` is called whenever the button's contact moves.
    pub(super) fn open(
        config: config::Gpio,
        edge: impl Fn() + Send + 'static,
    ) -> Result<Self, PinsError> {
        let gpio = Gpio::new().map_err(|error| match error {
            Error::UnknownModel => PinsError::NoPi,
            Error::PermissionDenied(_) => PinsError::Forbidden(error),
            // Some boards have no gpiochip at all.
            Error::Io(ref source) if source.kind() == std::io::ErrorKind::NotFound => {
                PinsError::NoPi
            }
            error => PinsError::Open(error),
        })?;
        let get = |pin: u8, part| {
            gpio.get(pin)
                .map_err(|source| PinsError::Pin { pin, part, source })
        };
        let output = |pin: Option<u8>, part| -> Result<Option<OutputPin>, PinsError> {
            pin.map(|pin| Ok(get(pin, part)?.into_output_low()))
                .transpose()
        };
        let (lamp, buzzer) = (
            output(config.lamp, "the lamp")?,
            output(config.buzzer, "the buzzer")?,
        );
        let button = match config.button {
            None => None,
            Some(pin) => {
                let part = "the button";
                let line = get(pin, part)?;
                let mut line = if config.active_low {
                    line.into_input_pullup()
                } else {
                    line.into_input_pulldown()
                };
                line.set_async_interrupt(Trigger::Both, None, move |_| edge())
                    .map_err(|source| PinsError::Pin { pin, part, source })?;
                Some(line)
            }
        };
        Ok(Self {
            button,
            active_low: config.active_low,
            lamp,
            buzzer,
        })
    }
}

impl Board for Pi {
    fn closed(&mut self) -> bool {
        let button = self.button.as_ref();
        button.is_some_and(|line| line.is_low() == self.active_low)
    }

    fn lamp(&mut self, on: bool) {
        set(self.lamp.as_mut(), on);
    }

    fn buzzer(&mut self, on: bool) {
        set(self.buzzer.as_mut(), on);
    }
}

fn set(pin: Option<&mut OutputPin>, on: bool) {
    if let Some(pin) = pin {
        pin.write(on.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a Raspberry Pi with these pins free this would open them, so it is told apart by its model.
    #[test]
    fn off_a_pi_the_log_says_what_to_do() {
        if std::path::Path::new("/proc/device-tree/model").exists() {
            return;
        }
        let config: config::Gpio = config::Gpio {
            button: Some(17),
            lamp: Some(27),
            buzzer: None,
            active_low: true,
            debounce_ms: 50,
        };
        let Err(error) = Pi::open(config, || ()) else {
            panic!("pins were opened");
        };
        let text = error.to_string();
        assert!(
            text.contains("not a Raspberry Pi") && text.contains("[gpio]"),
            "{text}"
        );
    }
}
