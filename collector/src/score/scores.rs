//! All figures of one set of counts.

use manyi_shared::domain::Level;

use super::counts::Counts;
use super::decimal::Rounding;
use super::figure::{Figure, FigureKind};

/// The points of a level: 10, 8, 6, 3, 0.
///
/// # Source
/// Wuzhou <http://www.creditwuzhou.gov.cn/xyzx/gzdt/5142.htm> \[P\]; Shanwei
/// <http://www.swcszx.com/article-9721-1.html> \[N\].
pub(super) const fn points(level: Level) -> u128 {
    match level {
        Level::VerySatisfied => 10,
        Level::Satisfied => 8,
        Level::BasicallySatisfied => 6,
        Level::Dissatisfied => 3,
        Level::VeryDissatisfied => 0,
    }
}

/// The sum of all ratings' points.
pub(super) fn total_points(counts: &Counts) -> u128 {
    Level::ALL
        .into_iter()
        .map(|l| points(l) * counts.level(l))
        .sum()
}

/// Every figure of one set of counts, rounded the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scores {
    /// 平均分.
    ///
    /// # Source
    /// As the points: Wuzhou <http://www.creditwuzhou.gov.cn/xyzx/gzdt/5142.htm> \[P\].
    pub mean: Figure,
    /// 差评率 = 差评数 ÷ 评价数 × 100 %.
    ///
    /// # Source
    /// Shenzhen, formula printed: <http://c.m.163.com/news/a/JBSJEL5205129QAF.html> \[N\].
    pub bad_rate: Figure,
    /// 满意率: 基本满意 or better; with [`Self::bad_rate`] it makes the whole.
    ///
    /// # Source
    /// Shanghai, 99.85 % beside 0.15 %:
    /// <http://saq.org.cn/yqzq2020/detail.html?id=0bc5c212a5f14b96bff89a76623e6e0e> \[N\].
    pub satisfaction_rate: Figure,
    /// 实际评价率: rated of the prompts that could be answered, see [`Counts::answerable`].
    ///
    /// # Source
    /// The name is Fujian's (Putian \[P\]); no publisher prints the formula, so it is ours \[I\].
    pub participation: Figure,
    /// The share of each level, in the order of [`Level::ALL`].
    pub level_shares: [(Level, Figure); 5],
}

impl Scores {
    /// Computes every figure.
    #[must_use]
    pub fn of(counts: &Counts, rounding: Rounding) -> Self {
        let rated = counts.rated();
        let rate = |kind, part| Figure::rating_rate(kind, part, rated, rounding);
        Self {
            mean: Figure::mean(total_points(counts), rated, rounding),
            bad_rate: rate(FigureKind::BadRate, counts.bad()),
            satisfaction_rate: rate(FigureKind::SatisfactionRate, rated - counts.bad()),
            participation: Figure::participation(rated, counts.answerable(), rounding),
            level_shares: Level::ALL.map(|level| {
                (
                    level,
                    rate(FigureKind::LevelShare(level), counts.level(level)),
                )
            }),
        }
    }
}
