//! Words of the trends.

use super::Step;
use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(super) struct TrendWords {
    pub(super) title: &'static str,
    pub(super) counts: &'static str,
    pub(super) counts_told: &'static str,
    pub(super) rates: &'static str,
    pub(super) rates_told: &'static str,
    pub(super) table: &'static str,
    pub(super) now: &'static str,
    pub(super) before: &'static str,
    pub(super) against: &'static str,
    pub(super) ratings: &'static str,
    pub(super) satisfied: &'static str,
    pub(super) comma: &'static str,
    pub(super) colon: &'static str,
    pub(super) cut: &'static str,
    steps: [&'static str; 6],
}

const ZH: TrendWords = TrendWords {
    title: "趋势",
    counts: "评价数（按等级）",
    counts_told: "各时段评价数，按五个等级堆叠；数字见下表。",
    rates: "满意率",
    rates_told: "各时段满意率；虚线为上一同长时段。纵轴不一定从零开始；数字见下表。",
    table: "逐段数字",
    now: "本期",
    before: "上期",
    against: "与上期相比",
    ratings: "评价数",
    satisfied: "满意率",
    comma: "，",
    colon: "：",
    cut: "每段",
    steps: ["时", "日", "周", "月", "季", "年"],
};

const EN: TrendWords = TrendWords {
    title: "Trends",
    counts: "Ratings by level",
    counts_told: "Ratings in each piece of time, stacked by the five levels; the numbers are in the table below.",
    rates: "Satisfaction rate",
    rates_told: "The satisfaction rate in each piece of time; the dashed line is the period before, of the same length. The axis need not begin at zero; the numbers are in the table below.",
    table: "The numbers",
    now: "This period",
    before: "The period before",
    against: "Against the period before",
    ratings: "ratings",
    satisfied: "satisfaction",
    comma: ", ",
    colon: ": ",
    cut: "Each",
    steps: ["hour", "day", "week", "month", "quarter", "year"],
};

impl TrendWords {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }

    /// The name of a step.
    pub(super) fn step(&self, step: Step) -> &'static str {
        let place = Step::ALL.iter().position(|known| *known == step);
        place
            .and_then(|place| self.steps.get(place))
            .copied()
            .unwrap_or_default()
    }
}
