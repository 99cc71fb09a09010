//! Further targets in a window of 1280x800 with pages that run from the left: what tests touch and
//! the citizens of the demo do not.
//!
//! Each follows the arithmetic of one file of `ui/pages`, like [`crate::layout`].

use manyi_shared::domain::Language;

use crate::layout::Point;

const WIDTH: f64 = 1280.0;
const HEIGHT: f64 = 800.0;
// ui/theme.slint
const SPACE_L: f64 = 40.0;
const SPACE_M: f64 = 24.0;
const SPACE_S: f64 = 16.0;

/// The page's side where its lines begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// From the left, as Chinese does.
    FromLeft,
    /// From the right, as Arabic does.
    FromRight,
}

impl Reading {
    /// How pages in a language are read.
    #[must_use]
    pub const fn of(language: Language) -> Self {
        match language {
            Language::Ar | Language::Ug => Self::FromRight,
            _ => Self::FromLeft,
        }
    }

    fn place(self, x: f64, y: f64) -> Point {
        let x = match self {
            Self::FromLeft => x,
            Self::FromRight => WIDTH - x,
        };
        Point { x, y }
    }
}

// ui/pages/ask.slint: the controls along the lower edge, in their order from the right.
const CONTROL: f64 = 72.0;
const CONTROLS_Y: f64 = HEIGHT - SPACE_M - CONTROL / 2.0;
const DECLINE: f64 = 260.0;
const ELDER: f64 = 220.0;
const LANGUAGE: f64 = 290.0;

/// 语言 Language on the ask page.
#[must_use]
pub fn languages(reading: Reading) -> Point {
    let from_right = SPACE_L + DECLINE + SPACE_M + ELDER + SPACE_M + LANGUAGE / 2.0;
    reading.place(WIDTH - from_right, CONTROLS_Y)
}

/// A language in the choice that [`languages`] opens, where all of them are offered.
#[must_use]
pub fn language(wanted: Language, reading: Reading) -> Point {
    const BAR: f64 = 104.0;
    const TITLE: f64 = 110.0;
    const COLUMNS: f64 = 4.0;
    const ROWS: f64 = 2.0;
    let index = Language::ALL.iter().position(|one| *one == wanted);
    let index = index.map_or(0.0, small);
    let (column, row) = (index % COLUMNS, (index / COLUMNS).floor());
    let top = BAR + TITLE;
    let width = (WIDTH - 2.0 * SPACE_L - (COLUMNS - 1.0) * SPACE_S) / COLUMNS;
    let bottom = HEIGHT - SPACE_M - CONTROL - SPACE_M;
    let height = (bottom - top - (ROWS - 1.0) * SPACE_S) / ROWS;
    reading.place(
        SPACE_L + width / 2.0 + column * (width + SPACE_S),
        top + height / 2.0 + row * (height + SPACE_S),
    )
}

/// 留下联系电话 on the reasons page, where skipping is allowed.
#[must_use]
pub fn open_phone() -> Point {
    const BUTTON: f64 = 220.0;
    const PHONE: f64 = 300.0;
    let from_right = SPACE_L + 2.0 * (BUTTON + SPACE_M) + PHONE / 2.0;
    Reading::FromLeft.place(WIDTH - from_right, CONTROLS_Y)
}

// ui/pages/phone.slint: the pad on the right, the buttons below.
const INNER: f64 = WIDTH - 2.0 * SPACE_L;
const ROW: f64 = 80.0;

/// A digit of the pad for a call-back number.
#[must_use]
pub fn digit(digit: u8) -> Point {
    // As on a telephone: 1 2 3 above, the nought in the middle of the fourth row.
    let (column, row) = match digit {
        1..=9 => (f64::from((digit - 1) % 3), f64::from((digit - 1) / 3)),
        _ => (1.0, 3.0),
    };
    let (width, height) = (0.48 * INNER, HEIGHT - 2.0 * SPACE_L - ROW - SPACE_M);
    let key_width = (width - 2.0 * SPACE_S) / 3.0;
    let key_height = (height - 3.0 * SPACE_S) / 4.0;
    Reading::FromLeft.place(
        WIDTH - SPACE_L - width + key_width / 2.0 + column * (key_width + SPACE_S),
        SPACE_L + key_height / 2.0 + row * (key_height + SPACE_S),
    )
}

/// 保存 beside the pad.
#[must_use]
pub fn keep_phone() -> Point {
    let width = (INNER - SPACE_M) * 0.26;
    Reading::FromLeft.place(WIDTH - SPACE_L - width / 2.0, HEIGHT - SPACE_L - ROW / 2.0)
}

/// 点错了？更正 under the thanks.
#[must_use]
pub fn correct() -> Point {
    const BUTTON: f64 = 76.0;
    Reading::FromLeft.place(WIDTH / 2.0, HEIGHT - SPACE_L - BUTTON / 2.0)
}

/// A small count as a length.
fn small(count: usize) -> f64 {
    u32::try_from(count).map_or(0.0, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_inside_the_window_and_no_two_are_the_same() {
        let mut places = vec![open_phone(), keep_phone(), correct()];
        places.extend((0..=9).map(digit));
        for reading in [Reading::FromLeft, Reading::FromRight] {
            places.push(languages(reading));
            places.extend(Language::ALL.map(|one| language(one, reading)));
        }
        for place in &places {
            let inside = (0.0..WIDTH).contains(&place.x) && (0.0..HEIGHT).contains(&place.y);
            assert!(inside, "{place:?}");
        }
        let digits: Vec<Point> = (0..=9).map(digit).collect();
        for (n, one) in digits.iter().enumerate() {
            assert!(
                !digits.iter().skip(n + 1).any(|other| other == one),
                "{one:?}"
            );
        }
    }
}
