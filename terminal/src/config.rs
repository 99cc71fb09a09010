//! Configuration: defaults, then the TOML file, then `MANYI_…` variables, then the command line.
//!
//! Every key is described in `deploy/terminal.example.toml`; a key that is not known is an error.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use manyi_shared::settings::Sources;
pub use manyi_shared::settings::{LogFormat, SettingsError as ConfigError};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::api::lan::Door;

/// What the terminal is told from outside, checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of journal, identity and profile.
    pub data_dir: PathBuf,
    /// Where the prompt API listens; a loopback address.
    pub listen: SocketAddr,
    /// Where the prompt API listens in the hall's network; absent = nowhere.
    pub lan_listen: Option<SocketAddr>,
    /// The certificate chain of that door, PEM.
    pub lan_cert_file: Option<PathBuf>,
    /// The key of that certificate, PEM.
    pub lan_key_file: Option<PathBuf>,
    /// How the screen is reached.
    pub backend: Backend,
    /// The window's width in pixels; the device's screen has its own.
    pub width: u32,
    /// The window's height in pixels.
    pub height: u32,
    /// Whether the window fills the screen.
    pub fullscreen: bool,
    /// By how many degrees the device's screen is turned: 0, 90, 180 or 270.
    pub rotation: u16,
    /// The folder of the shipped fonts, when not where the package puts it.
    pub fonts_dir: Option<PathBuf>,
    /// The screen's light: `auto`, `off`, or a name under `/sys/class/backlight`.
    pub backlight: String,
    /// Button, lamp and buzzer at the pins of the board; absent = none.
    pub gpio: Option<Gpio>,
    /// How much of the card the journal may take, in MiB: 16 to 1024.
    pub journal_cap_mib: u32,
    /// Whether `n` or the space bar in the window brings the next citizen. For demos only.
    pub demo_key: bool,
    /// Which log lines are written, in the syntax of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
}

/// Button, lamp and buzzer at the pins of the board, by BCM numbers; an absent one is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpio {
    /// The prompt button.
    pub button: Option<u8>,
    /// The lamp that is lit while somebody is asked.
    pub lamp: Option<u8>,
    /// The buzzer that sounds when a question appears.
    pub buzzer: Option<u8>,
    /// Whether the button closes to ground (the pin is pulled up), not to 3.3 V.
    #[serde(default = "yes")]
    pub active_low: bool,
    /// How long a contact must rest before it counts, in milliseconds.
    #[serde(default = "debounce_ms")]
    pub debounce_ms: u16,
}

const fn yes() -> bool {
    true
}

const fn debounce_ms() -> u16 {
    50
}

impl Gpio {
    /// The highest pin of the 40-pin header.
    const MAX_PIN: u8 = 27;

    fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let pins = [
            ("gpio.button", self.button),
            ("gpio.lamp", self.lamp),
            ("gpio.buzzer", self.buzzer),
        ];
        let mut used = BTreeSet::new();
        for (key, pin) in pins {
            let Some(pin) = pin else { continue };
            if pin > Self::MAX_PIN {
                return Some((key, pin.to_string(), "a BCM number, 0 to 27"));
            }
            if !used.insert(pin) {
                return Some((key, pin.to_string(), "a pin of its own"));
            }
        }
        let debounce = self.debounce_ms;
        (!(1..=1000).contains(&debounce)).then(|| {
            let allowed = "1 to 1000 milliseconds";
            ("gpio.debounce_ms", debounce.to_string(), allowed)
        })
    }
}

/// How the screen is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A window where there is a display, otherwise the device's screen.
    Auto,
    /// A window on an X display.
    Window,
    /// The device's screen by LinuxKMS, or the framebuffer.
    Kms,
}

const DEFAULTS: &str = include_str!("config/defaults.toml");

/// Every key outside a table; each can be set by `MANYI_` and its name in capitals.
pub const KEYS: [&str; 16] = [
    "data_dir",
    "listen",
    "lan_listen",
    "lan_cert_file",
    "lan_key_file",
    "backend",
    "width",
    "height",
    "fullscreen",
    "rotation",
    "fonts_dir",
    "backlight",
    "journal_cap_mib",
    "demo_key",
    "log",
    "log_format",
];

/// Below 16 MiB there is no room for a journal between its low water and its log.
const CAP_MIB: std::ops::RangeInclusive<u32> = 16..=1024;

/// No tablet has fewer or more pixels a side; a typing error has.
const PIXELS: std::ops::RangeInclusive<u32> = 320..=7680;

impl Config {
    /// Reads the configuration. `variable` looks up an environment variable, `data_dir` is the
    /// command line's.
    ///
    /// # Errors
    /// [`ConfigError`], naming file, key and what is allowed.
    pub fn load(
        file: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
        data_dir: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let sources = Sources {
            defaults: DEFAULTS,
            keys: &KEYS,
            file,
            data_dir,
        };
        sources.read(variable)?.checked(Self::fault)
    }

    /// The door in the hall's network, if there is to be one.
    #[must_use]
    pub fn lan_door(&self) -> Option<Door> {
        let tls = self.lan_cert_file.clone().zip(self.lan_key_file.clone());
        self.lan_listen.map(|listen| Door { listen, tls })
    }

    /// The first key that a terminal cannot work with, its value, and what is allowed.
    fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let fault = if self.data_dir.as_os_str().is_empty() {
            ("data_dir", String::new(), "a folder")
        } else if !self.listen.ip().is_loopback() {
            // Anybody who reaches the API can make the window ask; it has no other protection.
            (
                "listen",
                self.listen.to_string(),
                "a loopback address such as 127.0.0.1:7310",
            )
        } else if self.lan_cert_file.is_some() != self.lan_key_file.is_some() {
            (
                "lan_cert_file",
                path_text(self.lan_cert_file.as_deref()),
                "set together with lan_key_file, or neither",
            )
        } else if self.lan_listen == Some(self.listen) {
            (
                "lan_listen",
                self.listen.to_string(),
                "another address than `listen`, such as 0.0.0.0:7312",
            )
        } else if !is_device_name(&self.backlight) {
            (
                "backlight",
                self.backlight.clone(),
                "`auto`, `off` or a name under /sys/class/backlight",
            )
        } else if let Some(fault) = self.gpio.and_then(|gpio| gpio.fault()) {
            fault
        } else if !CAP_MIB.contains(&self.journal_cap_mib) {
            (
                "journal_cap_mib",
                self.journal_cap_mib.to_string(),
                "16 to 1024 MiB",
            )
        } else if !PIXELS.contains(&self.width) {
            ("width", self.width.to_string(), "320 to 7680 pixels")
        } else if !PIXELS.contains(&self.height) {
            ("height", self.height.to_string(), "320 to 7680 pixels")
        } else if ![0, 90, 180, 270].contains(&self.rotation) {
            ("rotation", self.rotation.to_string(), "0, 90, 180 or 270")
        } else if EnvFilter::try_new(&self.log).is_err() {
            (
                "log",
                self.log.clone(),
                "a filter such as `info` or `info,manyi_terminal=debug`",
            )
        } else {
            return None;
        };
        Some(fault)
    }
}

fn path_text(path: Option<&Path>) -> String {
    path.map_or_else(|| "(nothing)".to_owned(), |path| path.display().to_string())
}

/// One folder's name, so that no value leads elsewhere.
fn is_device_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && name != "." && name != ".."
}

#[cfg(test)]
mod tests;
