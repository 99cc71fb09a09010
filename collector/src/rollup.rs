//! Roll-ups: what the tally adds up to over hours, days and months, and which of them answer a range.
//!
//! Pure: [`deltas()`] says how roll-ups change when counts change, [`plan()`] says from which of them, and
//! from which quarter-hours, a range of time is added up. Both look at the calendar of the hall
//! through [`Calendar`] alone.
//!
//! **Invariants**
//! 1. A roll-up is a function of the tally: changing it by [`deltas()`] of what changes the tally, or
//!    making it anew from the whole tally, gives the same rows.
//! 2. The pieces of a [`plan()`] cover every quarter-hour of the range once, and no other, in any time
//!    zone. So a score is the same whether it comes from roll-ups or from quarter-hours.
//! 3. Hours are those of UTC, days and months those of the hall. Where the asked zone cuts through
//!    them, the next smaller piece is taken.

mod calendar;
mod deltas;
mod plan;
pub mod task;

#[cfg(test)]
mod laws;

pub use calendar::Calendar;
pub use deltas::{Parts, RollupKey, deltas, parts_of};
pub use plan::{Run, Source, plan};

use crate::store::scores::Column;

/// Which dimensions a roll-up keeps. Department and channel are kept in all but [`Cube::Total`],
/// which keeps the channel only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cube {
    /// None.
    Total,
    /// The department.
    Department,
    /// The window.
    Window,
    /// The clerk.
    Staff,
    /// The item.
    Item,
    /// Window and item.
    WindowItem,
    /// Window and clerk.
    WindowStaff,
    /// Clerk and item.
    StaffItem,
    /// The tag.
    Tag,
    /// Tag and window.
    TagWindow,
    /// Tag and clerk.
    TagStaff,
    /// Tag and item.
    TagItem,
}

/// The length of a roll-up's periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// Hours of UTC, counted from 1970.
    Hour,
    /// Days of the hall, `yyyymmdd`.
    Day,
    /// Months of the hall, `yyyymm`.
    Month,
}

impl Cube {
    /// Every cube, the smallest first: the first that keeps what is asked for is the right one.
    pub const ALL: [Self; 12] = [
        Self::Total,
        Self::Department,
        Self::Window,
        Self::Staff,
        Self::Item,
        Self::WindowItem,
        Self::WindowStaff,
        Self::StaffItem,
        Self::Tag,
        Self::TagWindow,
        Self::TagStaff,
        Self::TagItem,
    ];

    /// The number in the table.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Total => 0,
            Self::Department => 1,
            Self::Window => 2,
            Self::Staff => 3,
            Self::Item => 4,
            Self::WindowItem => 5,
            Self::WindowStaff => 6,
            Self::StaffItem => 7,
            Self::Tag => 8,
            Self::TagWindow => 9,
            Self::TagStaff => 10,
            Self::TagItem => 11,
        }
    }

    /// What the columns `a` and `b` hold.
    #[must_use]
    pub const fn ids(self) -> [Option<Column>; 2] {
        match self {
            Self::Total | Self::Department | Self::Tag => [None, None],
            Self::Window | Self::TagWindow => [Some(Column::Window), None],
            Self::Staff | Self::TagStaff => [Some(Column::Staff), None],
            Self::Item | Self::TagItem => [Some(Column::Item), None],
            Self::WindowItem => [Some(Column::Window), Some(Column::Item)],
            Self::WindowStaff => [Some(Column::Window), Some(Column::Staff)],
            Self::StaffItem => [Some(Column::Staff), Some(Column::Item)],
        }
    }

    /// Whether it is by tag.
    #[must_use]
    pub const fn by_tag(self) -> bool {
        matches!(
            self,
            Self::Tag | Self::TagWindow | Self::TagStaff | Self::TagItem
        )
    }

    /// Whether it keeps hours, too. The others are asked for by the hour too seldom to pay for it at
    /// every rating.
    #[must_use]
    pub const fn by_hour(self) -> bool {
        matches!(self, Self::Total | Self::Window)
    }

    /// Whether it keeps what a column says.
    #[must_use]
    pub fn keeps(self, column: Column) -> bool {
        match column {
            Column::Region | Column::Hall | Column::Channel | Column::Outcome | Column::Level => {
                true
            }
            Column::Department => self != Self::Total,
            Column::Tag => self.by_tag(),
            Column::Window | Column::Staff | Column::Item => self.ids().contains(&Some(column)),
        }
    }

    /// The smallest cube that keeps all of these; none when they were crossed too often.
    #[must_use]
    pub fn of(columns: &[Column]) -> Option<Self> {
        let tagged = columns.contains(&Column::Tag);
        Self::ALL
            .into_iter()
            .filter(|cube| cube.by_tag() == tagged)
            .find(|cube| columns.iter().all(|column| cube.keeps(*column)))
    }
}

impl Grain {
    /// The number in the table.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Hour => 1,
            Self::Day => 2,
            Self::Month => 3,
        }
    }
}
