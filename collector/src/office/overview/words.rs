//! Words of the overview.

use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(super) struct OverviewWords {
    pub(super) title: &'static str,
    pub(super) course: &'static str,
    pub(super) course_told: &'static str,
    pub(super) by: &'static str,
    pub(super) more: &'static str,
    pub(super) empty: &'static str,
    pub(super) empty_advice: &'static str,
}

const ZH: OverviewWords = OverviewWords {
    title: "评价概览",
    course: "评价数走势",
    course_told: "各时段评价数，按五个等级堆叠；具体数字见“趋势”页的表格。",
    by: "按",
    more: "排序与对比",
    empty: "此范围内没有评价邀请",
    empty_advice: "请另选时间范围，或取消筛选条件。",
};

const EN: OverviewWords = OverviewWords {
    title: "Overview",
    course: "Ratings over time",
    course_told: "Ratings in each piece of time, stacked by the five levels; the numbers are in the table of the page Trends.",
    by: "By ",
    more: "Sort and compare",
    empty: "Nobody was asked in this range",
    empty_advice: "Choose another range of time, or take filters away.",
};

impl OverviewWords {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }
}
