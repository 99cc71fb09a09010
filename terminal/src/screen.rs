//! The Slint window: back end, fonts, hooks, first frame.
//!
//! **Invariants**
//! 1. Everything of Slint happens on the main thread, after the fonts are set up.
//! 2. A touch that the driver cancelled (a palm) never becomes a tap: Slint 1.18 delivers it as an
//!    ordinary release, so the hooks mute the glass for that one event.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use input::event::TouchEvent;
use manyi_shared::domain::Clock;
use manyi_ui::KioskWindow;
use manyi_ui::fonts::{self, FontError};
use slint::winit_030::winit::event::{ElementState, TouchPhase, WindowEvent};
use slint::winit_030::winit::keyboard::{Key, NamedKey};
use slint::winit_030::{EventResult, WinitWindowAccessor};
use slint::{BackendSelector, ComponentHandle, LogicalSize, PhysicalSize};

use crate::bridge::Mute;
use crate::config::{Backend, Config};

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// The shipped fonts cannot be used.
    #[error("the screen cannot show Chinese text")]
    Fonts(#[from] FontError),
    /// A window is wanted and there is nowhere to open it.
    #[error(
        "no display: DISPLAY is not set; set backend = \"kms\" on a device or start under Xvfb"
    )]
    NoDisplay,
    /// Neither a display nor a device's screen.
    #[error(
        "no display: DISPLAY is not set, and this machine has neither /dev/dri nor /dev/fb0; \
         connect a screen, or start under Xvfb"
    )]
    NoScreen,
    /// The back end would not start.
    #[error("no display: the {backend} back end would not start")]
    Start {
        /// Which one.
        backend: &'static str,
        /// What Slint said.
        #[source]
        source: slint::PlatformError,
    },
    /// The event loop ended by an error.
    #[error("the screen failed")]
    Run(#[source] slint::PlatformError),
}

/// Finds and checks the shipped fonts and writes the font configuration under the data folder;
/// answers its path, which belongs into `FONTCONFIG_FILE` before Slint is touched.
///
/// # Errors
/// [`ScreenError::Fonts`].
pub fn prepare_fonts(config: &Config) -> Result<PathBuf, ScreenError> {
    let folder = fonts::locate(config.fonts_dir.as_deref())?;
    let file = fonts::write_fontconfig(&folder, &config.data_dir)?;
    // fontconfig looks for a relative name under /etc/fonts, finds nothing and silently takes
    // whatever fonts the machine has.
    std::path::absolute(&file).map_err(|source| {
        let path = file;
        ScreenError::Fonts(FontError::Write { path, source })
    })
}

/// What the machine offers to show something on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offer {
    display: bool,
    device: bool,
}

impl Offer {
    fn of_this_machine() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            display: set("DISPLAY"),
            device: Path::new("/dev/dri").exists() || Path::new("/dev/fb0").exists(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Window,
    Kms,
}

fn choose(wanted: Backend, offer: Offer) -> Result<Way, ScreenError> {
    match wanted {
        Backend::Window | Backend::Auto if offer.display => Ok(Way::Window),
        Backend::Window => Err(ScreenError::NoDisplay),
        Backend::Kms => Ok(Way::Kms),
        Backend::Auto if offer.device => Ok(Way::Kms),
        Backend::Auto => Err(ScreenError::NoScreen),
    }
}

/// A window that is made but not shown yet.
pub struct Kiosk {
    /// The window.
    pub window: KioskWindow,
    way: Way,
}

impl std::fmt::Debug for Kiosk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kiosk")
            .field("way", &self.way)
            .finish_non_exhaustive()
    }
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Kms => "kms",
        }
    }
}

/// Starts the back end and makes the window.
///
/// # Errors
/// [`ScreenError`].
pub fn open(config: &Config, mute: &Mute) -> Result<Kiosk, ScreenError> {
    let way = choose(config.backend, Offer::of_this_machine())?;
    let backend = way.name();
    let name = match way {
        Way::Window => "winit",
        Way::Kms => "linuxkms",
    };
    let mute = mute.clone();
    let selector = BackendSelector::new()
        .backend_name(name.to_owned())
        .renderer_name("software".to_owned())
        .with_libinput_event_hook(move |event| {
            mute.set(matches!(event, input::Event::Touch(TouchEvent::Cancel(_))));
            false
        });
    let start = |source| ScreenError::Start { backend, source };
    selector.select().map_err(start)?;
    let window = KioskWindow::new().map_err(start)?;
    if way == Way::Window {
        size(&window, config);
    }
    window.set_hide_pointer(way == Way::Kms || config.fullscreen);
    Ok(Kiosk { window, way })
}

fn size(window: &KioskWindow, config: &Config) {
    let (width, height) = (config.width, config.height);
    if std::env::var_os("SLINT_SCALE_FACTOR").is_none() {
        // A window of the configured pixels, whatever the display claims to be.
        window.window().set_size(PhysicalSize::new(width, height));
    } else {
        let logical = |pixels: u32| u16::try_from(pixels).map_or(f32::MAX, f32::from);
        window
            .window()
            .set_size(LogicalSize::new(logical(width), logical(height)));
    }
    window.window().set_fullscreen(config.fullscreen);
}

/// What the window's hook tells the program.
pub struct Hooks {
    /// Called once, after the first frame is drawn.
    pub first_frame: Box<dyn FnOnce()>,
    /// The demo's key; none when it is off.
    pub next_citizen: Option<Box<dyn Fn()>>,
    /// Touches to drop.
    pub mute: Mute,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

/// Shows the window and runs the event loop until it is told to quit or the window is closed.
///
/// # Errors
/// [`ScreenError::Start`] when the window does not appear, [`ScreenError::Run`] when the loop fails.
pub fn run(kiosk: &Kiosk, hooks: Hooks) -> Result<(), ScreenError> {
    let Kiosk { window, way } = kiosk;
    let start = |source| ScreenError::Start {
        backend: way.name(),
        source,
    };
    let Hooks {
        first_frame,
        next_citizen,
        mute,
    } = hooks;
    // The software renderer has no notifier. The loop draws before it comes to a timer that was
    // started while it drew, and on the device before it comes to its first timer.
    let mut first_frame = Some(first_frame);
    let mut after_draw = move || {
        if let Some(tell) = first_frame.take() {
            slint::Timer::single_shot(std::time::Duration::ZERO, tell);
        }
    };
    window.show().map_err(start)?;
    match way {
        Way::Window => window.window().on_winit_window_event(move |_, event| {
            watch(event, &mute, &mut after_draw, next_citizen.as_deref())
        }),
        Way::Kms => after_draw(),
    }
    let ran = slint::run_event_loop().map_err(ScreenError::Run);
    if let Err(error) = window.hide() {
        tracing::debug!("window was gone: {error}");
    }
    ran
}

fn watch(
    event: &WindowEvent,
    mute: &Mute,
    drawn: &mut dyn FnMut(),
    next_citizen: Option<&dyn Fn()>,
) -> EventResult {
    mute.set(matches!(event, WindowEvent::Touch(touch) if touch.phase == TouchPhase::Cancelled));
    match event {
        WindowEvent::RedrawRequested => drawn(),
        WindowEvent::KeyboardInput { event, .. }
            if event.state == ElementState::Pressed && !event.repeat =>
        {
            let wanted = match &event.logical_key {
                Key::Named(NamedKey::Space) => true,
                Key::Character(text) => text.eq_ignore_ascii_case("n"),
                _ => false,
            };
            if let Some(next_citizen) = next_citizen.filter(|_| wanted) {
                next_citizen();
            }
        }
        _ => {}
    }
    EventResult::Propagate
}

/// Milliseconds since the kernel started this process; none where /proc does not say.
#[must_use]
pub fn since_process_start(clock: &Arc<dyn Clock>) -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything; the 22nd field is the start, in ticks since boot.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    let started = ticks
        .checked_mul(1000)?
        .checked_div(rustix::param::clock_ticks_per_second())?;
    Some(clock.read().uptime_ms.saturating_sub(started))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Offer = Offer {
        display: false,
        device: false,
    };
    const DESK: Offer = Offer {
        display: true,
        device: true,
    };
    const TABLET: Offer = Offer {
        display: false,
        device: true,
    };

    #[rstest::rstest]
    #[case::desk(Backend::Auto, DESK, Way::Window)]
    #[case::tablet(Backend::Auto, TABLET, Way::Kms)]
    #[case::asked_for(Backend::Kms, DESK, Way::Kms)]
    #[case::window(Backend::Window, DESK, Way::Window)]
    fn a_way_is_chosen(#[case] wanted: Backend, #[case] offer: Offer, #[case] way: Way) {
        assert_eq!(choose(wanted, offer).unwrap(), way);
    }

    #[test]
    fn the_font_configuration_is_named_from_the_root() {
        let folder = tempfile::tempdir_in(".").unwrap();
        let name = folder.path().file_name().unwrap();
        let relative = Path::new(name).join("data");
        let config = Config::load(None, |_| None, Some(&relative)).unwrap();
        let file = prepare_fonts(&config).unwrap();
        assert!(file.is_absolute() && file.is_file(), "{}", file.display());
    }

    #[rstest::rstest]
    #[case::nothing(Backend::Auto, NOTHING)]
    #[case::window_on_a_tablet(Backend::Window, TABLET)]
    fn a_missing_display_says_what_to_do(#[case] wanted: Backend, #[case] offer: Offer) {
        let text = choose(wanted, offer).unwrap_err().to_string();
        assert!(text.starts_with("no display: DISPLAY is not set"), "{text}");
        assert!(text.contains("Xvfb"), "{text}");
    }
}
