//! What programs paint, as the X server sees it: every rectangle when it is painted, and pixels.
//!
//! By way of the DAMAGE extension: nothing in the program under test knows of it. A rectangle is
//! told when the server has drawn it, so its time includes the drawing.

use std::time::Instant;

use anyhow::{Context as _, bail};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, Window};
use x11rb::rust_connection::RustConnection;

/// The screen of an X server, watched.
#[derive(Debug)]
pub struct Canvas {
    server: RustConnection,
    root: Window,
    width: u16,
    height: u16,
}

/// Something that was painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Painted {
    /// When it was seen.
    pub at: Instant,
    /// Its width in pixels.
    pub width: u16,
    /// Its height in pixels.
    pub height: u16,
}

impl Canvas {
    /// Watches everything that is painted on a display from now on.
    ///
    /// # Errors
    /// When there is no such display, or it has no DAMAGE extension.
    pub fn watch(display: &str) -> anyhow::Result<Self> {
        let (server, screen) = RustConnection::connect(Some(display))
            .with_context(|| format!("could not connect to X display {display}"))?;
        let screen = server.setup().roots.get(screen);
        let screen = screen.context("the display has no screen")?;
        let (root, width, height) = (screen.root, screen.width_in_pixels, screen.height_in_pixels);
        server
            .damage_query_version(1, 1)?
            .reply()
            .context("the X server has no DAMAGE extension")?;
        let damage = server.generate_id()?;
        // Of the root window: that is, with all windows in it, also those that come later.
        server
            .damage_create(damage, root, ReportLevel::RAW_RECTANGLES)?
            .check()?;
        Ok(Self {
            server,
            root,
            width,
            height,
        })
    }

    /// The next rectangle that was painted, if one was; does not wait.
    ///
    /// # Errors
    /// When the X server is gone.
    pub fn painted(&self) -> anyhow::Result<Option<Painted>> {
        while let Some(event) = self.server.poll_for_event()? {
            if let Event::DamageNotify(notify) = event {
                return Ok(Some(Painted {
                    at: Instant::now(),
                    width: notify.area.width,
                    height: notify.area.height,
                }));
            }
        }
        Ok(None)
    }

    /// Whether a rectangle is so large that it must be another page, and not a part of one.
    #[must_use]
    pub fn is_page(&self, painted: Painted) -> bool {
        let area = |width: u16, height: u16| u32::from(width) * u32::from(height);
        2 * area(painted.width, painted.height) > area(self.width, self.height)
    }

    /// Whether the screen shows words or pictures: on some of the rows that are looked at there are
    /// more colours than an empty page, a border or a boundary between two windows has.
    ///
    /// # Errors
    /// When the X server does not answer.
    pub fn shows_something(&self) -> anyhow::Result<bool> {
        const ROWS: u16 = 16;
        const COLOURS: usize = 12;
        for row in 1..ROWS {
            let y = i16::try_from(self.height / ROWS * row)?;
            let image = self
                .server
                .get_image(
                    ImageFormat::Z_PIXMAP,
                    self.root,
                    0,
                    y,
                    self.width,
                    1,
                    u32::MAX,
                )?
                .reply()?;
            if image.data.len() != usize::from(self.width) * 4 {
                bail!("the screen has not four bytes a pixel");
            }
            let pixels = image
                .data
                .chunks_exact(4)
                .filter_map(|p| p.first_chunk::<3>());
            let colours: std::collections::BTreeSet<&[u8; 3]> = pixels.collect();
            if colours.len() >= COLOURS {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
