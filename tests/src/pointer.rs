//! A finger on the glass: pointer events that the X server itself makes.
//!
//! The program under test cannot tell them from a mouse's or a touch panel's: they come through the
//! XTEST extension, not from calls into the program.

use anyhow::{Context as _, bail};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, MOTION_NOTIFY_EVENT, MapState,
    Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::layout::Point;

/// How long a finger rests on the glass in a tap, in milliseconds.
const TAP_MS: u32 = 60;

/// A connection to an X server that moves its pointer.
#[derive(Debug)]
pub struct Pointer {
    server: RustConnection,
    root: Window,
}

/// A window's place on the screen, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: i16,
    /// Upper edge.
    pub y: i16,
    /// Width.
    pub width: u16,
    /// Height.
    pub height: u16,
}

impl Pointer {
    /// Connects to a display such as `:99`; `None` takes `DISPLAY`.
    ///
    /// # Errors
    /// When there is no such server or it has no XTEST extension.
    pub fn connect(display: Option<&str>) -> anyhow::Result<Self> {
        let (server, screen) = RustConnection::connect(display).with_context(|| {
            format!(
                "could not connect to X display {}",
                display.unwrap_or("of DISPLAY")
            )
        })?;
        let root = server
            .setup()
            .roots
            .get(screen)
            .context("the display has no screen")?
            .root;
        server
            .xtest_get_version(2, 2)?
            .reply()
            .context("the X server has no XTEST extension")?;
        Ok(Self { server, root })
    }

    /// The place of the largest window that can be seen. Without a window manager that is the
    /// program's own.
    ///
    /// # Errors
    /// When the X server does not answer.
    pub fn window(&self) -> anyhow::Result<Option<Area>> {
        let mut largest: Option<Area> = None;
        for window in self.server.query_tree(self.root)?.reply()?.children {
            // A window may be gone by the time it is asked about.
            if let Ok(Some(area)) = self.visible_area(window) {
                let size = |a: Area| u32::from(a.width) * u32::from(a.height);
                if largest.is_none_or(|other| size(area) > size(other)) {
                    largest = Some(area);
                }
            }
        }
        Ok(largest)
    }

    fn visible_area(&self, window: Window) -> anyhow::Result<Option<Area>> {
        if self
            .server
            .get_window_attributes(window)?
            .reply()?
            .map_state
            != MapState::VIEWABLE
        {
            return Ok(None);
        }
        let size = self.server.get_geometry(window)?.reply()?;
        let place = self
            .server
            .translate_coordinates(window, self.root, 0, 0)?
            .reply()?;
        Ok(Some(Area {
            x: place.dst_x,
            y: place.dst_y,
            width: size.width,
            height: size.height,
        }))
    }

    /// Touches the glass at a point of a window and lifts the finger again.
    ///
    /// # Errors
    /// When the point is not on the screen or the X server does not answer.
    pub fn tap(&self, area: Area, at: Point) -> anyhow::Result<()> {
        self.move_to(area, at)?;
        self.button(BUTTON_PRESS_EVENT, 0)?;
        self.button(BUTTON_RELEASE_EVENT, TAP_MS)?;
        self.settle()
    }

    /// Moves the pointer, pressed or not.
    ///
    /// # Errors
    /// When the point is not on the screen or the X server does not answer.
    pub fn move_to(&self, area: Area, at: Point) -> anyhow::Result<()> {
        let (x, y) = (
            on_axis(area.x, area.width, at.x)?,
            on_axis(area.y, area.height, at.y)?,
        );
        self.server
            .xtest_fake_input(MOTION_NOTIFY_EVENT, 0, 0, self.root, x, y, 0)?
            .check()?;
        Ok(())
    }

    /// Puts the finger down where the pointer is.
    ///
    /// # Errors
    /// When the X server does not answer.
    pub fn press(&self) -> anyhow::Result<()> {
        self.button(BUTTON_PRESS_EVENT, 0)?;
        self.settle()
    }

    /// Lifts the finger.
    ///
    /// # Errors
    /// When the X server does not answer.
    pub fn release(&self) -> anyhow::Result<()> {
        self.button(BUTTON_RELEASE_EVENT, 0)?;
        self.settle()
    }

    /// The server waits `delay_ms` before the event; no sleep here.
    fn button(&self, event: u8, delay_ms: u32) -> anyhow::Result<()> {
        self.server
            .xtest_fake_input(event, 1, delay_ms, self.root, 0, 0, 0)?
            .check()?;
        Ok(())
    }

    /// Returns when the server has handled everything sent so far.
    fn settle(&self) -> anyhow::Result<()> {
        self.server.get_input_focus()?.reply()?;
        Ok(())
    }
}

/// A coordinate of a window as a coordinate of the screen.
fn on_axis(origin: i16, length: u16, offset: f64) -> anyhow::Result<i16> {
    if !(0.0..f64::from(length)).contains(&offset) {
        bail!("{offset} is not inside the window's {length} pixels");
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked: at most a window's length"
    )]
    let offset = offset as i16;
    origin
        .checked_add(offset)
        .context("the point is not on the screen")
}
