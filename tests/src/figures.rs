//! Measured figures, told the same way by every bench: how many, the median, and how they spread.

use std::fmt;
use std::time::Duration;

/// Figures of one kind in ascending order. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures(Vec<f64>);

impl Figures {
    /// The figures; none when there are none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then_some(Self(values))
    }

    /// The same of times, in milliseconds.
    #[must_use]
    pub fn of_times(times: impl IntoIterator<Item = Duration>) -> Option<Self> {
        Self::of(times.into_iter().map(|time| time.as_secs_f64() * 1000.0))
    }

    /// The smallest figure that at least `percent` of a hundred do not exceed.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent.min(100)).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    /// The one in the middle.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.percentile(50)
    }
}

/// Count, median, the middle half and the range.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, low, median, high, p99, most] =
            [0, 25, 50, 75, 99, 100].map(|percent| self.percentile(percent));
        write!(
            f,
            "p50 {median:8.2}  p99 {p99:8.2}  half within {low:.2} to {high:.2}, all within \
             {least:.2} to {most:.2}, n = {}",
            self.0.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_figures_that_were_measured() {
        let hundred = Figures::of((1..=100).rev().map(f64::from)).expect("a hundred");
        let wanted = [(0, 1.0), (1, 1.0), (50, 50.0), (99, 99.0), (100, 100.0)];
        for (percent, value) in wanted {
            assert!(
                (hundred.percentile(percent) - value).abs() < 1e-9,
                "{percent}"
            );
        }
        let one = Figures::of([7.0]).expect("one");
        assert!((one.percentile(99) - 7.0).abs() < 1e-9);
        assert_eq!(Figures::of([]), None);
    }
}
