//! How roll-ups change when counts change.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Calendar, Cube, Grain};
use crate::ingest::{TagKey, TallyKey};

/// Levels 5 to 1, then declined, timed out, withdrawn, fault.
pub type Parts = [i64; 9];

/// A row of a roll-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RollupKey<'d> {
    /// Which dimensions it keeps.
    pub cube: Cube,
    /// How long its period is.
    pub grain: Grain,
    /// The period.
    pub period: i64,
    /// The tag; 0 for none.
    pub tag: u16,
    /// The cube's first id.
    pub a: &'d str,
    /// Its second.
    pub b: &'d str,
    /// The department.
    pub department: &'d str,
    /// The channel.
    pub channel: u8,
}

/// Where a count of this outcome and level stands in [`Parts`]; none for a contradiction.
#[must_use]
pub const fn parts_of(outcome: u8, level: u8) -> Option<usize> {
    Some(match (outcome, level) {
        (1, 5) => 0,
        (1, 4) => 1,
        (1, 3) => 2,
        (1, 2) => 3,
        (1, 1) => 4,
        (2, 0) => 5,
        (3, 0) => 6,
        (4, 0) => 7,
        (5, 0) => 8,
        _ => return None,
    })
}

/// All that counts of one place and day have in common; from it every cube of the day follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cell<'d> {
    day: i64,
    tag: u16,
    window: &'d str,
    department: &'d str,
    staff: &'d str,
    item: &'d str,
    channel: u8,
}

/// The cubes of counts and of tags.
const COUNTS: [Cube; 8] = [
    Cube::Total,
    Cube::Department,
    Cube::Window,
    Cube::Staff,
    Cube::Item,
    Cube::WindowItem,
    Cube::WindowStaff,
    Cube::StaffItem,
];
const TAGS: [Cube; 4] = [Cube::Tag, Cube::TagWindow, Cube::TagStaff, Cube::TagItem];

/// What changes of counts and tags come to in all roll-ups of a hall, without zeros.
///
/// A count outside of the calendar's years, or whose outcome and level contradict each other, is in
/// no roll-up; neither can be stored by ingest.
#[must_use]
pub fn deltas<'d>(
    counts: impl IntoIterator<Item = (TallyKey<'d>, i64)>,
    tags: impl IntoIterator<Item = (TagKey<'d>, i64)>,
    calendar: &Calendar,
) -> BTreeMap<RollupKey<'d>, Parts> {
    let mut made = Made {
        days: Days {
            calendar,
            last: None,
        },
        cells: BTreeMap::new(),
        rows: BTreeMap::new(),
    };
    for (key, n) in counts {
        made.count(&key, 0, n);
    }
    for (TagKey { tag, key }, n) in tags {
        made.count(&key, tag, n);
    }
    made.finish()
}

struct Made<'c, 'd> {
    days: Days<'c>,
    cells: BTreeMap<Cell<'d>, Parts>,
    rows: BTreeMap<RollupKey<'d>, Parts>,
}

impl<'d> Made<'_, 'd> {
    fn count(&mut self, key: &TallyKey<'d>, tag: u16, n: i64) {
        let (Some(day), Some(part)) = (self.days.of(key.slot), parts_of(key.outcome, key.level))
        else {
            return;
        };
        let cell = Cell {
            day,
            tag,
            window: key.window,
            department: key.department,
            staff: key.staff,
            item: key.item,
            channel: key.channel,
        };
        let mut parts = Parts::default();
        if let Some(part) = parts.get_mut(part) {
            *part = n;
        }
        add(self.cells.entry(cell).or_default(), &parts);
        if tag == 0 {
            let hour = key.slot.div_euclid(4);
            for cube in COUNTS.into_iter().filter(|cube| cube.by_hour()) {
                let row = row(cube, Grain::Hour, hour, &cell);
                add(self.rows.entry(row).or_default(), &parts);
            }
        }
    }

    fn finish(self) -> BTreeMap<RollupKey<'d>, Parts> {
        let Self {
            cells, mut rows, ..
        } = self;
        for (cell, parts) in &cells {
            let cubes: &[Cube] = if cell.tag == 0 { &COUNTS } else { &TAGS };
            for cube in cubes {
                for (grain, period) in [(Grain::Day, cell.day), (Grain::Month, cell.day / 100)] {
                    add(
                        rows.entry(row(*cube, grain, period, cell)).or_default(),
                        parts,
                    );
                }
            }
        }
        rows.retain(|_, parts| *parts != Parts::default());
        rows
    }
}

fn row<'d>(cube: Cube, grain: Grain, period: i64, cell: &Cell<'d>) -> RollupKey<'d> {
    use crate::store::scores::Column;
    let id = |column: Option<Column>| match column {
        Some(Column::Window) => cell.window,
        Some(Column::Staff) => cell.staff,
        Some(Column::Item) => cell.item,
        _ => "",
    };
    let [a, b] = cube.ids();
    RollupKey {
        cube,
        grain,
        period,
        tag: cell.tag,
        a: id(a),
        b: id(b),
        department: if cube == Cube::Total {
            ""
        } else {
            cell.department
        },
        channel: cell.channel,
    }
}

fn add(sum: &mut Parts, parts: &Parts) {
    for (sum, part) in sum.iter_mut().zip(parts) {
        *sum += part;
    }
}

/// Looks days up; counts that come together are of the same day, as a rule.
struct Days<'c> {
    calendar: &'c Calendar,
    last: Option<(i64, Range<i64>)>,
}

impl Days<'_> {
    fn of(&mut self, slot: i64) -> Option<i64> {
        let known = self.last.as_ref().filter(|(_, day)| day.contains(&slot));
        if let Some((day, _)) = known {
            return Some(*day);
        }
        self.last = self.calendar.day_of(slot);
        Some(self.last.as_ref()?.0)
    }
}
