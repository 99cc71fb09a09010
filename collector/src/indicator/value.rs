//! What an indicator comes to.

use super::definition::Indicator;
use super::quantity::{Quantities, Quantity};
use crate::score::{Bilingual, Decimal, Guard, Note, Rounding, print_guarded};

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// This quantity is not known.
    Unknown(Quantity),
    /// The denominator is 0.
    NoDenominator,
}

impl Missing {
    /// The reason's name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown(_) => "not_counted",
            Self::NoDenominator => "no_denominator",
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn text(self) -> Bilingual {
        match self {
            Self::Unknown(quantity) => {
                let title = quantity.title();
                Bilingual {
                    zh: format!("尚未统计“{}”", title.zh).into(),
                    en: format!("“{}” is not counted yet", title.en).into(),
                }
            }
            Self::NoDenominator => Bilingual {
                zh: "分母为零".into(),
                en: "the denominator is zero".into(),
            },
        }
    }
}

/// An indicator's value over some quantities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// Exact, before the conversion to percent; none when a quantity is not known.
    pub numerator: Option<u128>,
    /// Exact.
    pub denominator: Option<u128>,
    /// As printed, or why there is none.
    pub value: Result<Decimal, Missing>,
    /// Why it is not what plain rounding gives.
    pub note: Option<Note>,
    /// How it was rounded.
    pub rounding: Rounding,
}

impl Indicator {
    /// What it comes to, rounded as the definition says.
    #[must_use]
    pub fn value(&self, quantities: &Quantities) -> Value {
        self.rounded(quantities, self.rounding)
    }

    /// What it comes to, rounded as asked.
    #[must_use]
    pub fn rounded(&self, quantities: &Quantities, rounding: Rounding) -> Value {
        let numerator = self.numerator.iter().try_fold(0, |sum, term| {
            let n = quantities.get(term.quantity).ok_or(term.quantity)?;
            Ok::<u128, Quantity>(sum + u128::from(term.weight) * n)
        });
        let denominator = self.denominator.iter().try_fold(0, |sum, quantity| {
            let n = quantities.get(*quantity).ok_or(*quantity)?;
            Ok::<u128, Quantity>(sum + n)
        });
        let guard = Guard {
            whole: self.guards.whole,
            zero: self.guards.zero,
        };
        let printed = match (numerator, denominator) {
            (Ok(above), Ok(below)) => print_guarded(above, below, self.unit, rounding, guard)
                .ok_or(Missing::NoDenominator),
            (Err(quantity), _) | (_, Err(quantity)) => Err(Missing::Unknown(quantity)),
        };
        Value {
            numerator: numerator.ok(),
            denominator: denominator.ok(),
            value: printed.map(|(value, _)| value),
            note: printed.ok().and_then(|(_, note)| note),
            rounding,
        }
    }
}
