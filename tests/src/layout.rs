//! Where the targets are on the glass.
//!
//! Slint's layout cannot be asked from outside, so this follows the same rules as `ui/pages`: every
//! length is a number of design pixels times the unit that `ui/kiosk.slint` derives from the
//! window's size. Points are centres of targets, so small changes of the pages do not matter; a
//! large one shows as taps that do nothing, which the citizens report.

use anyhow::bail;
use manyi_shared::domain::{Level, TagCode, national_tags};

/// A point in a window, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// The targets of the landscape pages at one window size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    width: f64,
    height: f64,
    unit: f64,
    mirrored: bool,
}

// `Theme.space-l`, `Theme.space-m` and `Theme.space-s` of ui/theme.slint, in design pixels.
const SPACE_L: f64 = 40.0;
const SPACE_M: f64 = 24.0;
const SPACE_S: f64 = 16.0;
// Size of `ActionButton`, the same for all captions of up to four characters.
const BUTTON_WIDTH: f64 = 220.0;
const BUTTON_HEIGHT: f64 = 72.0;
/// The middle of the row of five, as a part of the window's height. The row reaches from about
/// 0.33 to 0.83, whether or not an item's name stands above it.
const LEVELS_Y: f64 = 0.58;
/// What stands above the chips: padding, two lines of text, and the gaps.
const ABOVE_CHIPS: f64 = 173.0;
/// The chips stand in two columns.
const CHIP_COLUMNS: usize = 2;

impl Layout {
    /// The targets in a window of this size.
    ///
    /// # Errors
    /// When the window is taller than wide: the citizens do not know the portrait pages.
    pub fn of(width: u16, height: u16, mirrored: bool) -> anyhow::Result<Self> {
        if height > width {
            bail!("a window of {width}x{height} is in portrait; citizens know landscape only");
        }
        let (width, height) = (f64::from(width), f64::from(height));
        Ok(Self {
            width,
            height,
            unit: (width / 1280.0).min(height / 800.0),
            mirrored,
        })
    }

    /// The target of a level on the ask page.
    #[must_use]
    pub fn level(&self, level: Level) -> Point {
        // 非常满意 stands on the left unless the profile mirrors the row.
        let from_left = if self.mirrored {
            level.number() - 1
        } else {
            5 - level.number()
        };
        let (edge, gap) = (SPACE_L * self.unit, SPACE_M * self.unit);
        let width = (self.width - 2.0 * edge - 4.0 * gap) / 5.0;
        let x = edge + width / 2.0 + f64::from(from_left) * (width + gap);
        Point {
            x,
            y: LEVELS_Y * self.height,
        }
    }

    /// 暂不评价 on the ask page.
    #[must_use]
    pub fn decline(&self) -> Point {
        self.button_from_right(0)
    }

    /// A chip on the reasons page of its level; none when the level has no such option.
    #[must_use]
    pub fn chip(&self, code: TagCode) -> Option<Point> {
        let tags: Vec<TagCode> = national_tags()
            .of_level(code.level())
            .map(|tag| tag.code)
            .collect();
        let index = tags.iter().position(|tag| *tag == code)?;
        let rows = tags.len().div_ceil(CHIP_COLUMNS);
        let (edge, gap) = (SPACE_L * self.unit, SPACE_S * self.unit);
        let (top, bottom) = (
            ABOVE_CHIPS * self.unit,
            self.height - (SPACE_L + BUTTON_HEIGHT + SPACE_M) * self.unit,
        );
        let width = (self.width - 2.0 * edge - gap) / 2.0;
        let height = (bottom - top - whole(rows - 1) * gap) / whole(rows);
        Some(Point {
            x: edge + width / 2.0 + whole(index % CHIP_COLUMNS) * (width + gap),
            y: top + height / 2.0 + whole(index / CHIP_COLUMNS) * (height + gap),
        })
    }

    /// 提交 on the reasons page.
    #[must_use]
    pub fn submit(&self) -> Point {
        self.button_from_right(0)
    }

    /// 跳过 on the reasons page.
    #[must_use]
    pub fn skip(&self) -> Point {
        self.button_from_right(1)
    }

    /// A point that is no target on either page: the margin beside the row of targets.
    #[must_use]
    pub fn nowhere(&self) -> Point {
        Point {
            x: SPACE_S * self.unit,
            y: LEVELS_Y * self.height,
        }
    }

    fn button_from_right(&self, index: usize) -> Point {
        let step = BUTTON_WIDTH + SPACE_M;
        Point {
            x: self.width - (SPACE_L + BUTTON_WIDTH / 2.0 + whole(index) * step) * self.unit,
            y: self.height - (SPACE_L + BUTTON_HEIGHT / 2.0) * self.unit,
        }
    }
}

/// A small count as a length.
fn whole(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_levels_stand_from_left_to_right_and_mirrored_from_right_to_left() {
        let plain = Layout::of(1280, 800, false).expect("landscape");
        let mirrored = Layout::of(1280, 800, true).expect("landscape");
        let xs = |layout: &Layout| Level::ALL.map(|level| layout.level(level).x);
        let (left_to_right, mut mirrored) = (xs(&plain), xs(&mirrored));
        assert!(left_to_right.is_sorted(), "{left_to_right:?}");
        mirrored.reverse();
        for (a, b) in left_to_right.iter().zip(mirrored) {
            assert!((a - b).abs() < 0.01, "{a} and {b}");
        }
    }

    #[test]
    fn every_target_is_inside_the_window_at_every_landscape_size() {
        for (width, height) in [(1280, 800), (1024, 600), (1920, 1080)] {
            let layout = Layout::of(width, height, false).expect("landscape");
            let mut points = Level::ALL.map(|level| layout.level(level)).to_vec();
            points.extend([
                layout.decline(),
                layout.submit(),
                layout.skip(),
                layout.nowhere(),
            ]);
            points.extend(
                national_tags()
                    .tags
                    .iter()
                    .filter_map(|tag| layout.chip(tag.code)),
            );
            assert_eq!(points.len(), 5 + 4 + 40);
            for point in points {
                let inside = (0.0..f64::from(width)).contains(&point.x)
                    && (0.0..f64::from(height)).contains(&point.y);
                assert!(inside, "{point:?} on {width}x{height}");
            }
        }
    }

    #[test]
    fn a_portrait_window_is_refused() {
        assert!(Layout::of(800, 1280, false).is_err());
    }
}
