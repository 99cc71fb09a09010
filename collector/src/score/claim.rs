//! Whether a published mean follows from the published counts.

use super::counts::Counts;
use super::decimal::{Decimal, MAX_DIGITS, Rounding, RoundingMode};
use super::scores::total_points;
use super::text::Bilingual;

/// A published mean beside what the counts give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The mean as published.
    pub claimed: Decimal,
    /// The mean at as many digits as the claim has, rounded half up; `None` without a rating.
    pub half_up: Option<Decimal>,
    /// The same, truncated.
    pub truncated: Option<Decimal>,
    /// The mean at [`MAX_DIGITS`] digits, truncated.
    pub computed: Option<Decimal>,
}

/// Compares a published mean with the mean of `counts` by the points 10, 8, 6, 3, 0.
#[must_use]
pub fn check_claimed_mean(claimed: Decimal, counts: &Counts) -> Claim {
    let at =
        |mode, digits| Rounding::new(mode, digits)?.print(total_points(counts), counts.rated());
    Claim {
        claimed,
        half_up: at(RoundingMode::HalfUp, claimed.digits()),
        truncated: at(RoundingMode::Truncate, claimed.digits()),
        computed: at(RoundingMode::Truncate, MAX_DIGITS),
    }
}

impl Claim {
    /// The rounding modes that turn the exact mean into the claim, none when it cannot be reproduced.
    #[must_use]
    pub fn modes(&self) -> Vec<RoundingMode> {
        let printed_by = |mode: &RoundingMode| match mode {
            RoundingMode::HalfUp => self.half_up == Some(self.claimed),
            RoundingMode::Truncate => self.truncated == Some(self.claimed),
        };
        RoundingMode::ALL.into_iter().filter(printed_by).collect()
    }

    /// Whether the claim is the exact mean, rounded half up or truncated.
    #[must_use]
    pub fn reproducible(&self) -> bool {
        !self.modes().is_empty()
    }

    /// The verdict in words.
    #[must_use]
    pub fn explanation(&self) -> Bilingual {
        let (Some(half_up), Some(truncated), Some(computed)) =
            (self.half_up, self.truncated, self.computed)
        else {
            return Bilingual {
                zh: "没有评价，无法得出平均分。".into(),
                en: "there is no rating, so there is no mean.".into(),
            };
        };
        let (claimed, digits) = (self.claimed, self.claimed.digits());
        let values_zh = format!(
            "各级评价数按 10、8、6、3、0 分计算得 {computed}；保留 {digits} 位小数，四舍五入为 {half_up}，截位为 {truncated}"
        );
        let values_en = format!(
            "by the points 10, 8, 6, 3, 0 the counts give {computed}; printed like the claim (digits after the point: {digits}) that is {half_up} rounded half up and {truncated} truncated"
        );
        let (zh, en) = match self.modes().as_slice() {
            [] => (
                format!("{values_zh}，均不等于 {claimed}：公布值另有范围或计分办法。"),
                format!(
                    "{values_en}, neither is {claimed}: the published mean has another scope or other points."
                ),
            ),
            [RoundingMode::HalfUp] => (
                format!("{values_zh}，{claimed} 为四舍五入所得。"),
                format!("{values_en}; {claimed} is rounded half up."),
            ),
            [RoundingMode::Truncate] => (
                format!("{values_zh}，{claimed} 为截位所得。"),
                format!("{values_en}; {claimed} is truncated."),
            ),
            _ => (
                format!("{values_zh}，两种取舍均为 {claimed}。"),
                format!("{values_en}; {claimed} is both."),
            ),
        };
        Bilingual {
            zh: zh.into(),
            en: en.into(),
        }
    }
}
