//! Words of the tables of figures.

use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(in crate::office) struct TableWords {
    pub(in crate::office) rated: &'static str,
    pub(in crate::office) bad: &'static str,
    pub(in crate::office) mean: &'static str,
    pub(in crate::office) satisfaction: &'static str,
    pub(in crate::office) bad_rate: &'static str,
    pub(in crate::office) participation: &'static str,
    pub(in crate::office) spread: &'static str,
    pub(in crate::office) total: &'static str,
    pub(in crate::office) few: &'static str,
    pub(in crate::office) few_advice: &'static str,
    pub(in crate::office) unranked: &'static str,
    pub(in crate::office) sort_by: &'static str,
    pub(in crate::office) files: &'static str,
    pub(in crate::office) empty: &'static str,
    pub(in crate::office) empty_advice: &'static str,
}

const ZH: TableWords = TableWords {
    rated: "评价数",
    bad: "差评",
    mean: "平均分",
    satisfaction: "满意率",
    bad_rate: "差评率",
    participation: "实际评价率",
    spread: "五级分布",
    total: "合计",
    few: "样本少",
    few_advice: "评价少于 30 条，比率波动大，仅供参考。",
    unranked: "评价过少，不参与排名",
    sort_by: "按此列排序",
    files: "下载此表",
    empty: "此范围内没有评价",
    empty_advice: "请放宽时间范围，或取消筛选条件。",
};

const EN: TableWords = TableWords {
    rated: "Ratings",
    bad: "Bad",
    mean: "Mean",
    satisfaction: "Satisfaction",
    bad_rate: "Bad rate",
    participation: "Participation",
    spread: "Five levels",
    total: "Total",
    few: "few ratings",
    few_advice: "Fewer than 30 ratings: the rates move a lot and say little.",
    unranked: "Too few ratings to be ranked",
    sort_by: "Sort by this column",
    files: "Download this table",
    empty: "No ratings in this range",
    empty_advice: "Choose a longer range of time, or take filters away.",
};

impl TableWords {
    /// The words of a language.
    pub(in crate::office) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }
}
