//! One figure: a fraction of two counts, how it is printed, and everything needed to check it.

use manyi_shared::domain::Level;

use super::decimal::{Decimal, Rounding};

/// What a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FigureKind {
    /// 平均分: the mean of the ratings' points.
    Mean,
    /// 差评率: the share of bad ratings.
    BadRate,
    /// 满意率, also 好评率: the share of ratings of 基本满意 or better.
    SatisfactionRate,
    /// 实际评价率: the share of answerable prompts that were rated.
    Participation,
    /// The share of one level in the ratings.
    LevelShare(Level),
    /// The share of one named count in the sum of a list, such as a channel table.
    NamedShare,
}

/// What a figure's value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Points, 0 to 10.
    Points,
    /// Hundredths, 0 to 100.
    Percent,
}

impl Unit {
    /// The unit's name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Percent => "percent",
        }
    }
}

/// Why a figure has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// There is no rating.
    NoRatings,
    /// No prompt could be answered.
    NoPrompts,
    /// Only ratings were given; how many prompts stayed without one is not known.
    PromptsUnknown,
    /// The counts of the list add up to 0.
    EmptyList,
}

/// Why a figure does not print the value that plain rounding gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Rounding gives the whole, but it is not the whole: the largest value below it is printed.
    HeldBelowWhole,
    /// Rounding gives 0, but there are bad ratings: the smallest value above it is printed.
    HeldAboveZero,
}

/// Which end of its range a figure may reach only when that is exactly true (invariant 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guard {
    pub(crate) whole: bool,
    pub(crate) zero: bool,
}

/// A fraction printed in a unit, rounded once, held below the whole and above zero where the guard
/// says so; `None` when the denominator is 0.
pub(crate) fn print_guarded(
    numerator: u128,
    denominator: u128,
    unit: Unit,
    rounding: Rounding,
    guard: Guard,
) -> Option<(Decimal, Option<Note>)> {
    // In units of the figure: points stand as they are, percent are hundredths.
    let (factor, whole) = match unit {
        Unit::Points => (1, 10),
        Unit::Percent => (100, 100),
    };
    let scaled = numerator * factor;
    let plain = rounding.print(scaled, denominator)?;
    let is_whole = scaled >= denominator * whole;
    if guard.whole && !is_whole && plain == Decimal::whole(whole, rounding.digits()) {
        let below = plain.with_units(plain.units() - 1);
        return Some((below, Some(Note::HeldBelowWhole)));
    }
    if guard.zero && numerator > 0 && plain.units() == 0 {
        return Some((plain.with_units(1), Some(Note::HeldAboveZero)));
    }
    Some((plain, None))
}

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    kind: FigureKind,
    numerator: u128,
    denominator: Option<u128>,
    rounding: Rounding,
    value: Result<Decimal, Absent>,
    note: Option<Note>,
}

impl Figure {
    /// The mean of `points` over `ratings`. With a bad rating it never prints as 10.
    pub(super) fn mean(points: u128, ratings: u128, rounding: Rounding) -> Self {
        let guard = Guard {
            whole: true,
            zero: false,
        };
        Self::build(
            FigureKind::Mean,
            points,
            Ok(ratings),
            Absent::NoRatings,
            rounding,
            guard,
        )
    }

    /// `part` of `ratings` in percent.
    pub(super) fn rating_rate(
        kind: FigureKind,
        part: u128,
        ratings: u128,
        rounding: Rounding,
    ) -> Self {
        let zero = match kind {
            FigureKind::BadRate => true,
            FigureKind::LevelShare(level) => level.is_bad(),
            _ => false,
        };
        let guard = Guard { whole: true, zero };
        Self::build(kind, part, Ok(ratings), Absent::NoRatings, rounding, guard)
    }

    /// The share of answerable prompts that were rated.
    pub(super) fn participation(rated: u128, answerable: Option<u128>, rounding: Rounding) -> Self {
        let guard = Guard {
            whole: true,
            zero: false,
        };
        let denominator = answerable.ok_or(Absent::PromptsUnknown);
        Self::build(
            FigureKind::Participation,
            rated,
            denominator,
            Absent::NoPrompts,
            rounding,
            guard,
        )
    }

    /// The share of one count in a list.
    pub(super) fn named_share(part: u128, total: u128, rounding: Rounding) -> Self {
        let guard = Guard {
            whole: true,
            zero: false,
        };
        Self::build(
            FigureKind::NamedShare,
            part,
            Ok(total),
            Absent::EmptyList,
            rounding,
            guard,
        )
    }

    fn build(
        kind: FigureKind,
        numerator: u128,
        denominator: Result<u128, Absent>,
        when_zero: Absent,
        rounding: Rounding,
        guard: Guard,
    ) -> Self {
        let printed = denominator.and_then(|d| {
            print_guarded(numerator, d, kind.unit(), rounding, guard).ok_or(when_zero)
        });
        Self {
            kind,
            numerator,
            denominator: denominator.ok(),
            rounding,
            value: printed.map(|(value, _)| value),
            note: printed.ok().and_then(|(_, note)| note),
        }
    }

    /// What the figure is.
    #[must_use]
    pub const fn kind(&self) -> FigureKind {
        self.kind
    }

    /// The exact numerator, before the conversion to percent.
    #[must_use]
    pub const fn numerator(&self) -> u128 {
        self.numerator
    }

    /// The exact denominator; `None` when it is not known.
    #[must_use]
    pub const fn denominator(&self) -> Option<u128> {
        self.denominator
    }

    /// How the value was rounded.
    #[must_use]
    pub const fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// The printed value, or why there is none.
    ///
    /// # Errors
    /// [`Absent`] when the denominator is 0 or not known.
    pub const fn value(&self) -> Result<Decimal, Absent> {
        self.value
    }

    /// Why the value is not what plain rounding gives.
    #[must_use]
    pub const fn note(&self) -> Option<Note> {
        self.note
    }
}
