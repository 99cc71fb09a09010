//! The words of a figure: its name, formula and scope, in Chinese and English.

use std::borrow::Cow;

use super::figure::{Absent, Figure, FigureKind, Note, Unit};

/// One text in both languages of the office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bilingual {
    /// Chinese.
    pub zh: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

const fn both(zh: &'static str, en: &'static str) -> Bilingual {
    Bilingual {
        zh: Cow::Borrowed(zh),
        en: Cow::Borrowed(en),
    }
}

/// What a kind of figure means: enough for a stranger to compute it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// What it is called.
    pub title: Bilingual,
    /// How it is computed.
    pub formula: Bilingual,
    /// What is counted and what is not.
    pub scope: Bilingual,
}

impl FigureKind {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::BadRate => "bad_rate",
            Self::SatisfactionRate => "satisfaction_rate",
            Self::Participation => "participation",
            Self::LevelShare(_) => "level_share",
            Self::NamedShare => "share",
        }
    }

    /// The unit of the value.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Mean => Unit::Points,
            _ => Unit::Percent,
        }
    }

    /// The formula in the words of the JSON counts; `n5` is the count of level 5.
    #[must_use]
    pub const fn formula(self) -> &'static str {
        match self {
            Self::Mean => "(10*n5 + 8*n4 + 6*n3 + 3*n2 + 0*n1) / (n5+n4+n3+n2+n1)",
            Self::BadRate => "100 * (n2+n1) / (n5+n4+n3+n2+n1)",
            Self::SatisfactionRate => "100 * (n5+n4+n3) / (n5+n4+n3+n2+n1)",
            Self::Participation => "100 * rated / (rated + declined + timed_out)",
            Self::LevelShare(_) => "100 * n / (n5+n4+n3+n2+n1)",
            Self::NamedShare => "100 * count / sum of counts",
        }
    }

    /// What is in and what is out, in the words of the JSON counts.
    #[must_use]
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Participation => {
                "in: rated, declined, timed_out; out: withdrawn, fault, defaulted"
            }
            Self::NamedShare => "in: every row of the list",
            _ => "in: rated; out: declined, timed_out, withdrawn, fault, defaulted",
        }
    }

    /// The figure explained in both languages.
    #[must_use]
    pub const fn definition(self) -> Definition {
        Definition {
            title: self.title(),
            formula: self.formula_in_words(),
            scope: self.scope_in_words(),
        }
    }

    const fn title(self) -> Bilingual {
        match self {
            Self::Mean => both("平均分", "Mean points"),
            Self::BadRate => both("差评率", "Bad-rating rate"),
            Self::SatisfactionRate => both("满意率", "Satisfaction rate"),
            Self::Participation => both("实际评价率", "Participation"),
            Self::LevelShare(_) => both("各级占比", "Share of a level"),
            Self::NamedShare => both("占比", "Share"),
        }
    }

    const fn formula_in_words(self) -> Bilingual {
        match self {
            Self::Mean => both(
                "（10×非常满意 + 8×满意 + 6×基本满意 + 3×不满意 + 0×非常不满意）÷ 评价数",
                "(10 × very satisfied + 8 × satisfied + 6 × basically satisfied + 3 × dissatisfied + 0 × very dissatisfied) ÷ ratings",
            ),
            Self::BadRate => both(
                "（不满意 + 非常不满意）÷ 评价数 × 100%",
                "(dissatisfied + very dissatisfied) ÷ ratings × 100 %",
            ),
            Self::SatisfactionRate => both(
                "（非常满意 + 满意 + 基本满意）÷ 评价数 × 100%",
                "(very satisfied + satisfied + basically satisfied) ÷ ratings × 100 %",
            ),
            Self::Participation => both(
                "评价数 ÷（评价数 + 暂不评价 + 超时未答）× 100%",
                "ratings ÷ (ratings + declined + timed out) × 100 %",
            ),
            Self::LevelShare(_) => both(
                "该级评价数 ÷ 评价数 × 100%",
                "ratings of the level ÷ ratings × 100 %",
            ),
            Self::NamedShare => both(
                "该项数量 ÷ 各项合计 × 100%",
                "count ÷ sum of the counts × 100 %",
            ),
        }
    }

    const fn scope_in_words(self) -> Bilingual {
        match self {
            Self::Participation => both(
                "只计入群众有机会作答的邀请；被撤回的和设备故障的邀请群众无从作答，不计入；系统默认评价不计入。",
                "Prompts a citizen could answer. Withdrawn and failed prompts are out because nobody could answer them; ratings set by default are out.",
            ),
            Self::NamedShare => both("表中全部各项。", "Every row of the list."),
            _ => both(
                "只计入群众实际作出的评价；未评价的邀请（暂不评价、超时未答、已撤回、设备故障）和系统默认评价均不计入。",
                "Ratings that citizens gave. Prompts that were declined, timed out, withdrawn or failed, and ratings set by default, never enter.",
            ),
        }
    }
}

impl Absent {
    /// The reason's name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRatings => "no_ratings",
            Self::NoPrompts => "no_answerable_prompts",
            Self::PromptsUnknown => "prompts_not_given",
            Self::EmptyList => "counts_add_up_to_zero",
        }
    }

    /// The reason in words.
    #[must_use]
    pub const fn text(self) -> Bilingual {
        match self {
            Self::NoRatings => both("尚无评价", "no ratings"),
            Self::NoPrompts => both("尚无可作答的邀请", "no prompt that could be answered"),
            Self::PromptsUnknown => both(
                "未提供未评价的数量",
                "the prompts without a rating were not given",
            ),
            Self::EmptyList => both("各项合计为零", "the counts add up to zero"),
        }
    }
}

impl Figure {
    /// The note in words, when there is one.
    #[must_use]
    pub fn note_text(&self) -> Option<Bilingual> {
        let digits = self.rounding().digits();
        let (zh, en) = match self.note()? {
            Note::HeldBelowWhole => (
                format!(
                    "按 {digits} 位小数取舍将显示为满值，但并非全部如此，故显示低于满值的最大值。"
                ),
                format!(
                    "with {digits} digits this would print as the whole, which it is not: the largest value below it is printed"
                ),
            ),
            Note::HeldAboveZero => (
                format!("按 {digits} 位小数取舍将显示为 0，但存在差评，故显示大于 0 的最小值。"),
                format!(
                    "with {digits} digits this would print as 0 although there are bad ratings: the smallest value above 0 is printed"
                ),
            ),
        };
        Some(Bilingual {
            zh: zh.into(),
            en: en.into(),
        })
    }
}
