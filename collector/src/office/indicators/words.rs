//! The words of the page of definitions.

use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(in crate::office) struct IndicatorWords {
    pub(in crate::office) title: &'static str,
    pub(in crate::office) intro: &'static str,
    pub(in crate::office) version: &'static str,
    pub(in crate::office) since: &'static str,
    pub(in crate::office) in_force: &'static str,
    pub(in crate::office) formula: &'static str,
    pub(in crate::office) scope: &'static str,
    pub(in crate::office) rounding: &'static str,
    pub(in crate::office) guards: &'static str,
    pub(in crate::office) guard_whole: &'static str,
    pub(in crate::office) guard_zero: &'static str,
    pub(in crate::office) source: &'static str,
    pub(in crate::office) inferred: &'static str,
    pub(in crate::office) in_api: &'static str,
    pub(in crate::office) composite: &'static str,
    pub(in crate::office) composite_text: &'static str,
    pub(in crate::office) weight: &'static str,
    pub(in crate::office) target: &'static str,
}

const ZH: IndicatorWords = IndicatorWords {
    title: "指标定义",
    intro: "定义一经生效不再更改；改变算法时另立新版本，并注明生效日期。数值均标明所用定义与版本。",
    version: "版本",
    since: "生效日期",
    in_force: "现行",
    formula: "公式",
    scope: "口径",
    rounding: "取舍",
    guards: "防止误导",
    guard_whole: "未达满值时，不显示为满值",
    guard_zero: "不为零时，不显示为零",
    source: "来源",
    inferred: "来源只有名称，未公布公式；公式为本系统所定。",
    in_api: "接口名称",
    composite: "综合得分",
    composite_text: "各项得分 = 分值 × 数值 ÷ 目标值（不超过分值），按所列位数取舍；总分为各项显示得分之和。",
    weight: "分值",
    target: "目标值",
};

const EN: IndicatorWords = IndicatorWords {
    title: "Definitions of indicators",
    intro: "A definition is never changed. Another way to compute is another version, with the day from which it holds; every value names the version it was computed by.",
    version: "Version",
    since: "In force from",
    in_force: "in force",
    formula: "Formula",
    scope: "Scope",
    rounding: "Rounding",
    guards: "Guards",
    guard_whole: "never printed as the whole unless it is",
    guard_zero: "never printed as zero unless it is",
    source: "Source",
    inferred: "The source prints the name and no formula; the formula is this system's.",
    in_api: "In the API",
    composite: "Composite",
    composite_text: "A part gives weight × value ÷ target, at most the weight, rounded as printed; the total is the sum of the printed parts.",
    weight: "Weight",
    target: "Target",
};

impl IndicatorWords {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }
}
