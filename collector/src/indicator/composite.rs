//! A weighted sum of indicators against their targets.

use super::quantity::Quantities;
use super::set::Definitions;
use crate::score::{Bilingual, Decimal, Rounding};

/// One version of one composite.
///
/// # Source
/// The form is Bazhong's: 100 points, each part with its points, 得分 = ratio × points
/// <https://cnbz.gov.cn/zwgk/ztxx/zxzt/gzdt/xgwj/13293851.html> \[P\].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composite {
    /// The id, the same in every version.
    pub id: String,
    /// From 1.
    pub version: u16,
    /// The first day on which it holds, as `yyyymmdd`.
    pub since: u32,
    /// What it is called.
    pub name: Bilingual,
    /// What is added up.
    pub parts: Vec<Part>,
    /// How each part is rounded.
    pub rounding: Rounding,
    /// Where it comes from.
    pub source: Vec<String>,
}

/// One part of a composite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The indicator's id.
    pub indicator: String,
    /// The most that the part can give.
    pub weight: Decimal,
    /// The value from which on it gives that, in the indicator's unit.
    pub target: Decimal,
}

/// What a part comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartValue {
    /// The indicator's id.
    pub indicator: String,
    /// The version in force.
    pub version: u16,
    /// The printed value that the part is computed from; none when there is none.
    pub value: Option<Decimal>,
    /// Its points, rounded as printed.
    pub points: Option<Decimal>,
}

/// What a composite comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompositeValue {
    /// Each part, in the order of the definition.
    pub parts: Vec<PartValue>,
    /// The sum of the printed parts; none while one has no value.
    pub total: Option<Decimal>,
}

impl Composite {
    /// What it comes to on a day (`yyyymmdd`), by the versions in force.
    ///
    /// A part is computed from the value as it is printed, and the sum from the parts as they are
    /// printed: a reader with the published table gets the same total.
    #[must_use]
    pub fn value(
        &self,
        definitions: &Definitions,
        day: u32,
        quantities: &Quantities,
    ) -> CompositeValue {
        let part = |part: &Part| {
            let indicator = definitions.in_force(&part.indicator, day);
            let value = indicator.and_then(|found| found.value(quantities).value.ok());
            PartValue {
                indicator: part.indicator.clone(),
                version: indicator.map_or(0, |found| found.version),
                value,
                points: value.and_then(|value| self.points(part, value)),
            }
        };
        let parts: Vec<PartValue> = self.parts.iter().map(part).collect();
        let points: Option<Vec<u128>> = parts
            .iter()
            .map(|part| Some(part.points?.units()))
            .collect();
        let total = points.map(|points| {
            Decimal::whole(0, self.rounding.digits()).with_units(points.iter().sum())
        });
        CompositeValue { parts, total }
    }

    /// Weight times value ÷ target, at most the weight.
    fn points(&self, part: &Part, value: Decimal) -> Option<Decimal> {
        let scale = |decimal: Decimal| 10_u128.pow(u32::from(decimal.digits()));
        let (value_above, value_below) = (value.units(), scale(value));
        let (target_above, target_below) = (part.target.units(), scale(part.target));
        let reached = value_above * target_below >= target_above * value_below;
        let (above, below) = if reached {
            (part.weight.units(), scale(part.weight))
        } else {
            (
                part.weight.units() * value_above * target_below,
                scale(part.weight) * value_below * target_above,
            )
        };
        self.rounding.print(above, below)
    }
}
