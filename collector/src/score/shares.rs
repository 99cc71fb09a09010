//! The shares of a list of named counts, such as ratings by channel.

use super::decimal::{Decimal, Rounding};
use super::figure::Figure;

/// One named count and its share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedShare {
    /// The name as given.
    pub name: String,
    /// Its share of the list's sum; the numerator is the count.
    pub share: Figure,
}

/// A list of named counts with their shares, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    /// The sum of the counts.
    pub total: u128,
    /// Every count's share.
    pub rows: Vec<NamedShare>,
    /// The sum of the shares as printed; often not 100, because each is rounded by itself. `None`
    /// when the counts add up to 0.
    pub printed_sum: Option<Decimal>,
}

impl Shares {
    /// Computes the share of each count.
    #[must_use]
    pub fn of(counts: &[(String, u64)], rounding: Rounding) -> Self {
        let total = counts.iter().map(|(_, n)| u128::from(*n)).sum();
        let rows: Vec<NamedShare> = counts
            .iter()
            .map(|(name, n)| NamedShare {
                name: name.clone(),
                share: Figure::named_share(u128::from(*n), total, rounding),
            })
            .collect();
        let printed: Result<Vec<Decimal>, _> = rows.iter().map(|row| row.share.value()).collect();
        let printed_sum = printed.ok().filter(|p| !p.is_empty()).map(|printed| {
            let units = printed.iter().map(|value| value.units()).sum();
            Decimal::whole(0, rounding.digits()).with_units(units)
        });
        Self {
            total,
            rows,
            printed_sum,
        }
    }
}
