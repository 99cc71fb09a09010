//! Scores as JSON: the one form that the API and the command line print.

use manyi_shared::domain::{Level, OutcomeKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::score::{Absent, Bilingual, Claim, Counts, Figure, FigureKind, Scores, Shares};

/// One text in Chinese and English.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl From<Bilingual> for Text {
    fn from(text: Bilingual) -> Self {
        Self {
            zh: text.zh.into_owned(),
            en: text.en.into_owned(),
        }
    }
}

/// One value for each level, 非常满意 first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PerLevel<T> {
    /// 非常满意
    #[serde(rename = "5")]
    pub five: T,
    /// 满意
    #[serde(rename = "4")]
    pub four: T,
    /// 基本满意
    #[serde(rename = "3")]
    pub three: T,
    /// 不满意
    #[serde(rename = "2")]
    pub two: T,
    /// 非常不满意
    #[serde(rename = "1")]
    pub one: T,
}

impl<T> PerLevel<T> {
    fn of(values: [T; 5]) -> Self {
        let [five, four, three, two, one] = values;
        Self {
            five,
            four,
            three,
            two,
            one,
        }
    }
}

/// Prompts by outcome and ratings by level. `null`: not known.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CountsBody {
    /// All prompts.
    #[schema(value_type = Option<u64>)]
    pub prompts: Option<u128>,
    /// Prompts that ended with a rating.
    #[schema(value_type = u64)]
    pub rated: u128,
    /// 暂不评价.
    #[schema(value_type = Option<u64>)]
    pub declined: Option<u128>,
    /// No answer in time.
    #[schema(value_type = Option<u64>)]
    pub timed_out: Option<u128>,
    /// Taken back before an answer.
    #[schema(value_type = Option<u64>)]
    pub withdrawn: Option<u128>,
    /// The terminal failed.
    #[schema(value_type = Option<u64>)]
    pub fault: Option<u128>,
    /// Ratings by level.
    #[schema(value_type = PerLevel<u64>)]
    pub levels: PerLevel<u128>,
    /// Bad ratings 差评: levels 2 and 1.
    #[schema(value_type = u64)]
    pub bad: u128,
    /// Ratings set by default 系统默认评价; in no figure.
    #[schema(value_type = u64)]
    pub defaulted: u128,
}

impl From<&Counts> for CountsBody {
    fn from(counts: &Counts) -> Self {
        Self {
            prompts: counts.prompts(),
            rated: counts.rated(),
            declined: counts.outcome(OutcomeKind::Declined),
            timed_out: counts.outcome(OutcomeKind::TimedOut),
            withdrawn: counts.outcome(OutcomeKind::Withdrawn),
            fault: counts.outcome(OutcomeKind::Fault),
            levels: PerLevel::of(Level::ALL.map(|level| counts.level(level))),
            bad: counts.bad(),
            defaulted: counts.defaulted(),
        }
    }
}

/// How a value was rounded.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RoundingBody {
    /// `half_up` or `truncate`.
    #[schema(example = "half_up")]
    pub mode: &'static str,
    /// Digits after the point, 0 to 9.
    pub digits: u8,
}

/// Why a figure has no value.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReasonBody {
    /// A fixed word for programs.
    #[schema(example = "no_ratings")]
    pub code: &'static str,
    /// The reason for people.
    #[serde(flatten)]
    pub text: Text,
}

impl From<Absent> for ReasonBody {
    fn from(absent: Absent) -> Self {
        Self {
            code: absent.name(),
            text: absent.text().into(),
        }
    }
}

/// One figure. `numerator` and `denominator` are exact; `value` is rounded once, from them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FigureBody {
    /// Key into `definitions`.
    #[schema(example = "satisfaction_rate")]
    pub name: &'static str,
    /// `points` (0 to 10) or `percent` (0 to 100).
    #[schema(example = "percent")]
    pub unit: &'static str,
    /// The printed value as a decimal string, `null` when the denominator is 0 or not known.
    #[schema(example = "99.95")]
    pub value: Option<String>,
    /// Exact, before the conversion to percent.
    #[schema(value_type = u64)]
    pub numerator: u128,
    /// Exact; `null` when not known.
    #[schema(value_type = Option<u64>)]
    pub denominator: Option<u128>,
    /// The formula over the counts; `n5` is the count of level 5.
    #[schema(example = "100 * (n5+n4+n3) / (n5+n4+n3+n2+n1)")]
    pub formula: &'static str,
    /// What is in and what is out.
    #[schema(example = "in: rated; out: declined, timed_out, withdrawn, fault, defaulted")]
    pub scope: &'static str,
    /// How `value` was rounded.
    pub rounding: RoundingBody,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonBody>,
    /// Why the value is not what plain rounding gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
}

impl From<&Figure> for FigureBody {
    fn from(figure: &Figure) -> Self {
        let kind = figure.kind();
        Self {
            name: kind.name(),
            unit: kind.unit().name(),
            value: figure.value().ok().map(|value| value.to_string()),
            numerator: figure.numerator(),
            denominator: figure.denominator(),
            formula: kind.formula(),
            scope: kind.scope(),
            rounding: RoundingBody {
                mode: figure.rounding().mode().name(),
                digits: figure.rounding().digits(),
            },
            reason: figure.value().err().map(Into::into),
            note: figure.note_text().map(Into::into),
        }
    }
}

/// All figures of one set of counts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FiguresBody {
    /// 平均分
    pub mean: FigureBody,
    /// 差评率
    pub bad_rate: FigureBody,
    /// 满意率
    pub satisfaction_rate: FigureBody,
    /// 实际评价率
    pub participation: FigureBody,
    /// The share of each level in the ratings.
    pub level_shares: PerLevel<FigureBody>,
}

impl From<&Scores> for FiguresBody {
    fn from(scores: &Scores) -> Self {
        Self {
            mean: (&scores.mean).into(),
            bad_rate: (&scores.bad_rate).into(),
            satisfaction_rate: (&scores.satisfaction_rate).into(),
            participation: (&scores.participation).into(),
            level_shares: PerLevel::of(scores.level_shares.map(|(_, share)| (&share).into())),
        }
    }
}

/// What a figure of this name means.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DefinitionBody {
    /// As in `name` of a figure.
    pub name: &'static str,
    /// What it is called.
    pub title: Text,
    /// How it is computed.
    pub formula: Text,
    /// What is in and what is out.
    pub scope: Text,
}

/// The meaning of every figure that [`FiguresBody`] holds.
#[must_use]
pub fn definitions() -> Vec<DefinitionBody> {
    let kinds = [
        FigureKind::Mean,
        FigureKind::BadRate,
        FigureKind::SatisfactionRate,
        FigureKind::Participation,
        FigureKind::LevelShare(Level::VerySatisfied),
    ];
    kinds.map(definition).to_vec()
}

/// The meaning of one figure.
#[must_use]
pub fn definition(kind: FigureKind) -> DefinitionBody {
    let definition = kind.definition();
    DefinitionBody {
        name: kind.name(),
        title: definition.title.into(),
        formula: definition.formula.into(),
        scope: definition.scope.into(),
    }
}

/// A published mean, checked.
#[derive(Debug, Clone, Serialize)]
pub struct ClaimBody {
    /// The mean as published.
    pub mean: String,
    /// Whether it is the exact mean, rounded half up or truncated.
    pub reproducible: bool,
    /// The roundings that give it.
    pub by: Vec<&'static str>,
    /// The exact mean at 9 digits, truncated.
    pub computed: Option<String>,
    /// The verdict in words.
    pub explanation: Text,
}

impl From<&Claim> for ClaimBody {
    fn from(claim: &Claim) -> Self {
        Self {
            mean: claim.claimed.to_string(),
            reproducible: claim.reproducible(),
            by: claim
                .modes()
                .into_iter()
                .map(crate::score::RoundingMode::name)
                .collect(),
            computed: claim.computed.map(|mean| mean.to_string()),
            explanation: claim.explanation().into(),
        }
    }
}

/// A list of named counts with their shares.
#[derive(Debug, Clone, Serialize)]
pub struct SharesBody {
    /// The sum of the counts.
    pub total: u128,
    /// The sum of the shares as printed: often not 100, because each is rounded by itself.
    pub printed_sum: Option<String>,
    /// Every row, in the order of the list.
    pub rows: Vec<ShareBody>,
    /// What a share is.
    pub definitions: [DefinitionBody; 1],
}

/// One named count.
#[derive(Debug, Clone, Serialize)]
pub struct ShareBody {
    /// The name as given.
    pub name: String,
    /// The count.
    pub count: u128,
    /// Its share of the sum.
    pub share: FigureBody,
}

impl From<&Shares> for SharesBody {
    fn from(shares: &Shares) -> Self {
        let row = |row: &crate::score::NamedShare| ShareBody {
            name: row.name.clone(),
            count: row.share.numerator(),
            share: (&row.share).into(),
        };
        Self {
            total: shares.total,
            printed_sum: shares.printed_sum.map(|sum| sum.to_string()),
            rows: shares.rows.iter().map(row).collect(),
            definitions: [definition(FigureKind::NamedShare)],
        }
    }
}
