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
    with_code: bool,
}

// `Theme.space-l`, `Theme.space-m`, `Theme.space-s` and `Theme.space-xs` of ui/theme.slint, in design
// pixels.
const SPACE_L: f64 = 40.0;
const SPACE_M: f64 = 24.0;
const SPACE_S: f64 = 16.0;
const SPACE_XS: f64 = 8.0;
// The row of buttons along the lower edge of both pages (`controls-y`, `control`).
const CONTROL: f64 = 72.0;
const DECLINE_WIDTH: f64 = 260.0;
const BUTTON_WIDTH: f64 = 220.0;
// ui/pages/ask.slint: the bar, and what stands between it and the targets (`head-height`).
const BAR: f64 = 104.0;
const HEAD: f64 = 194.0;
/// ui/pages/reasons.slint: title and hint with the gaps around them (`chips-y`).
const ABOVE_CHIPS: f64 = 158.0;
/// The chips stand in two columns.
const CHIP_COLUMNS: usize = 2;
/// `CodePanel` and the gap beside it, where the profile shows a code.
const CODE: f64 = 292.0 + SPACE_S;

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
            with_code: false,
        })
    }

    /// The same window where the reasons page also shows a code to scan.
    #[must_use]
    pub fn with_code(self) -> Self {
        Self {
            with_code: true,
            ..self
        }
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
        let (edge, gap) = (SPACE_L * self.unit, SPACE_S * self.unit);
        let width = (self.width - 2.0 * edge - 4.0 * gap) / 5.0;
        let x = edge + width / 2.0 + f64::from(from_left) * (width + gap);
        Point {
            x,
            y: self.levels_y(),
        }
    }

    /// The middle of the row of five.
    fn levels_y(&self) -> f64 {
        let top = (BAR + SPACE_XS + HEAD + SPACE_S) * self.unit;
        f64::midpoint(top, self.above_controls())
    }

    /// The lower edge of what stands above the row of buttons.
    fn above_controls(&self) -> f64 {
        self.height - (SPACE_M + CONTROL + SPACE_M) * self.unit
    }

    /// 暂不评价 on the ask page.
    #[must_use]
    pub fn decline(&self) -> Point {
        self.control(SPACE_L + DECLINE_WIDTH / 2.0)
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
        let (top, bottom) = (ABOVE_CHIPS * self.unit, self.above_controls());
        let code = if self.with_code { CODE } else { 0.0 } * self.unit;
        let width = (self.width - 2.0 * edge - code - gap) / 2.0;
        let height = (bottom - top - whole(rows - 1) * gap) / whole(rows);
        Some(Point {
            x: edge + width / 2.0 + whole(index % CHIP_COLUMNS) * (width + gap),
            y: top + height / 2.0 + whole(index / CHIP_COLUMNS) * (height + gap),
        })
    }

    /// 提交 on the reasons page.
    #[must_use]
    pub fn submit(&self) -> Point {
        self.control(SPACE_L + BUTTON_WIDTH / 2.0)
    }

    /// 跳过 on the reasons page.
    #[must_use]
    pub fn skip(&self) -> Point {
        self.control(SPACE_L + BUTTON_WIDTH + SPACE_M + BUTTON_WIDTH / 2.0)
    }

    /// A point that is no target on either page: the margin beside the row of targets.
    #[must_use]
    pub fn nowhere(&self) -> Point {
        Point {
            x: SPACE_S * self.unit,
            y: self.levels_y(),
        }
    }

    /// A button whose middle is so many design pixels from the right edge.
    fn control(&self, from_right: f64) -> Point {
        Point {
            x: self.width - from_right * self.unit,
            y: self.height - (SPACE_M + CONTROL / 2.0) * self.unit,
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

    /// The pages' own test measures the same points (`ui/tests/pages/geometry.rs`).
    #[test]
    fn the_points_are_the_ones_that_the_pages_were_measured_to_have() {
        let layout = Layout::of(1280, 800, false).expect("landscape");
        let chip = |code: u16| {
            let tag = national_tags()
                .tags
                .iter()
                .find(|tag| tag.code.number() == code);
            layout
                .chip(tag.expect("a national tag").code)
                .expect("a chip")
        };
        for (point, (x, y)) in [
            (layout.level(Level::VerySatisfied), (153.6, 501.0)),
            (layout.level(Level::VeryDissatisfied), (1126.4, 501.0)),
            (layout.decline(), (1110.0, 740.0)),
            (layout.submit(), (1130.0, 740.0)),
            (layout.skip(), (886.0, 740.0)),
            (chip(207), (336.0, 217.25)),
            (chip(214), (944.0, 620.75)),
        ] {
            assert!(
                (point.x - x).abs() < 0.01 && (point.y - y).abs() < 0.01,
                "{point:?}"
            );
        }
    }
}
