//! Figures, outcomes and levels as the page shows them. Nothing is computed here.

use manyi_shared::domain::{Level, OutcomeKind};

use super::format::grouped;
use super::language::Language;
use crate::score::{Counts, Figure, Rounding, RoundingMode, Scores, Unit};

/// One figure with everything needed to check it.
#[derive(Debug)]
pub(super) struct FigureView {
    /// For ids in the page.
    pub(super) name: &'static str,
    pub(super) title: String,
    /// `—` without a value.
    pub(super) value: String,
    /// `%`, or nothing.
    pub(super) unit: &'static str,
    /// Why there is no value.
    pub(super) reason: Option<String>,
    pub(super) note: Option<String>,
    pub(super) formula: String,
    pub(super) scope: String,
    /// The exact fraction, `1,145 ÷ 2,120,294`.
    pub(super) fraction: String,
    pub(super) rounding: String,
    /// Where a click on the value goes.
    pub(super) href: Option<String>,
    /// How far the value may be off by chance.
    pub(super) interval: Option<String>,
}

impl FigureView {
    pub(super) fn of(figure: &Figure, language: Language) -> Self {
        let definition = figure.kind().definition();
        let numerator = grouped(figure.numerator());
        let denominator = figure.denominator().map_or_else(|| "?".to_owned(), grouped);
        let unit = match figure.kind().unit() {
            Unit::Points => "",
            Unit::Percent => "%",
        };
        Self {
            name: figure.kind().name(),
            title: language.pick(definition.title),
            value: value(figure),
            unit: if figure.value().is_ok() { unit } else { "" },
            reason: figure
                .value()
                .err()
                .map(|absent| language.pick(absent.text())),
            note: figure.note_text().map(|note| language.pick(note)),
            formula: language.pick(definition.formula),
            scope: language.pick(definition.scope),
            fraction: format!("{numerator} ÷ {denominator}"),
            rounding: rounding_text(figure.rounding(), language),
            href: None,
            interval: None,
        }
    }

    /// The same, leading to a page.
    pub(super) fn to(self, href: String) -> Self {
        Self {
            href: Some(href),
            ..self
        }
    }

    /// The four figures of the page's head.
    pub(super) fn head(scores: &Scores, language: Language) -> Vec<Self> {
        let figures = [
            &scores.mean,
            &scores.satisfaction_rate,
            &scores.bad_rate,
            &scores.participation,
        ];
        figures.map(|figure| Self::of(figure, language)).into()
    }
}

/// How values are rounded, in words.
pub(super) fn rounding_text(rounding: Rounding, language: Language) -> String {
    let words = language.words();
    let mode = match rounding.mode() {
        RoundingMode::HalfUp => words.half_up,
        RoundingMode::Truncate => words.truncated,
    };
    format!("{mode}{}{}", rounding.digits(), words.digits)
}

/// A figure's printed value, or a dash.
pub(super) fn value(figure: &Figure) -> String {
    figure
        .value()
        .map_or_else(|_| "—".to_owned(), |value| value.to_string())
}

/// One bar of the levels' chart.
#[derive(Debug)]
pub(super) struct LevelView {
    pub(super) number: u8,
    pub(super) name: &'static str,
    pub(super) count: String,
    /// The share as printed, with `%`, or a dash.
    pub(super) share: String,
    /// The bar's width in percent.
    pub(super) width: String,
}

impl LevelView {
    /// All levels, 非常满意 first.
    pub(super) fn all(counts: &Counts, scores: &Scores, language: Language) -> Vec<Self> {
        let view = |(level, share): &(Level, Figure)| Self {
            number: level.number(),
            name: level_name(*level, language),
            count: grouped(counts.level(*level)),
            share: share
                .value()
                .map_or_else(|_| "—".to_owned(), |value| format!("{value}%")),
            width: share
                .value()
                .map_or_else(|_| "0".to_owned(), |value| value.to_string()),
        };
        scores.level_shares.iter().map(view).collect()
    }
}

pub(super) const fn level_name(level: Level, language: Language) -> &'static str {
    match language {
        Language::Chinese => level.name_zh(),
        Language::English => match level {
            Level::VerySatisfied => "Very satisfied",
            Level::Satisfied => "Satisfied",
            Level::BasicallySatisfied => "Basically satisfied",
            Level::Dissatisfied => "Dissatisfied",
            Level::VeryDissatisfied => "Very dissatisfied",
        },
    }
}

/// One way how prompts ended.
#[derive(Debug)]
pub(super) struct OutcomeView {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) count: String,
}

impl OutcomeView {
    /// All outcomes.
    pub(super) fn all(counts: &Counts, language: Language) -> Vec<Self> {
        let words = language.words();
        let view = |kind: OutcomeKind| {
            let (name, meaning) = match kind {
                OutcomeKind::Rated => (words.rated, words.rated_meaning),
                OutcomeKind::Declined => (words.declined, words.declined_meaning),
                OutcomeKind::TimedOut => (words.timed_out, words.timed_out_meaning),
                OutcomeKind::Withdrawn => (words.withdrawn, words.withdrawn_meaning),
                OutcomeKind::Fault => (words.fault, words.fault_meaning),
            };
            Self {
                name,
                meaning,
                count: counts.outcome(kind).map_or_else(|| "—".to_owned(), grouped),
            }
        };
        OutcomeKind::ALL.map(view).into()
    }
}
