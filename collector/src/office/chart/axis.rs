//! Where an axis begins, ends and has its lines. Pure, in whole numbers.

use crate::office::format::grouped;

/// The whole of a rate in hundredths of a percent.
const WHOLE: u128 = 10_000;

/// An axis with its lines, the lowest first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) bottom: u128,
    pub(super) top: u128,
    /// Value and label of each line.
    pub(super) ticks: Vec<(u128, String)>,
}

impl Axis {
    /// For counts: from 0 to at least the most, in steps of 1, 2 or 5 times a power of ten.
    pub(super) fn counts(most: u128) -> Self {
        let step = step_for(most.max(1), 4);
        let top = most.max(1).div_ceil(step) * step;
        let ticks = (0..=top / step).map(|n| (n * step, grouped(n * step)));
        Self {
            bottom: 0,
            top,
            ticks: ticks.collect(),
        }
    }

    /// For rates in hundredths of a percent: up to 100 %, from as low as the lowest needs.
    pub(super) fn rates(rates: impl Iterator<Item = u128>) -> Self {
        let lowest = rates.min().unwrap_or(0).min(WHOLE);
        let step = step_for((WHOLE - lowest).max(100), 5).max(100);
        let bottom = WHOLE - (WHOLE - lowest).div_ceil(step).max(1) * step;
        let bottom = if lowest == 0 { 0 } else { bottom };
        let ticks = (0..=(WHOLE - bottom) / step).map(|n| {
            let value = bottom + n * step;
            (value, format!("{}%", value / 100))
        });
        Self {
            bottom,
            top: WHOLE,
            ticks: ticks.collect(),
        }
    }
}

/// The smallest of 1, 2, 5, 10, 20, … of which at most `lines` reach `span`.
fn step_for(span: u128, lines: u128) -> u128 {
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            if factor * power * lines >= span {
                return factor * power;
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[rstest::rstest]
    #[case(0, &["0", "1"])]
    #[case(3, &["0", "1", "2", "3"])]
    #[case(17, &["0", "5", "10", "15", "20"])]
    #[case(1_301, &["0", "500", "1,000", "1,500"])]
    fn counts_get_these_lines(#[case] most: u128, #[case] expected: &[&str]) {
        assert_eq!(labels(&Axis::counts(most)), expected);
    }

    #[rstest::rstest]
    #[case(&[], &["0%", "20%", "40%", "60%", "80%", "100%"])]
    #[case(&[9_992, 9_950], &["99%", "100%"])]
    #[case(&[9_412], &["94%", "96%", "98%", "100%"])]
    #[case(&[0, 10_000], &["0%", "20%", "40%", "60%", "80%", "100%"])]
    #[case(&[10_000], &["99%", "100%"])]
    fn rates_get_these_lines(#[case] rates: &[u128], #[case] expected: &[&str]) {
        assert_eq!(labels(&Axis::rates(rates.iter().copied())), expected);
    }

    proptest::proptest! {
        #[test]
        fn every_value_lies_on_the_axis(values in proptest::collection::vec(0u128..=10_000, 1..20)) {
            let axis = Axis::rates(values.iter().copied());
            proptest::prop_assert!(values.iter().all(|v| (axis.bottom..=axis.top).contains(v)));
            let counts = Axis::counts(*values.iter().max().unwrap());
            proptest::prop_assert!(values.iter().all(|v| *v <= counts.top));
            proptest::prop_assert!(axis.ticks.len() <= 7 && counts.ticks.len() <= 6);
        }
    }
}
