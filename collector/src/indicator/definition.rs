//! One version of one indicator.

use super::quantity::Quantity;
use crate::score::{Bilingual, Rounding, Unit};

/// A quantity and how much it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// How much one counts.
    pub weight: u16,
    /// What.
    pub quantity: Quantity,
}

/// Which ends of its range a figure may reach only when that is exactly true.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Guards {
    /// Never prints as the whole unless it is.
    pub whole: bool,
    /// Never prints as zero unless it is.
    pub zero: bool,
}

/// One version of one indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// The id, the same in every version.
    pub id: String,
    /// From 1.
    pub version: u16,
    /// The first day on which it holds, as `yyyymmdd`.
    pub since: u32,
    /// What it is called.
    pub name: Bilingual,
    /// What is divided.
    pub numerator: Vec<Term>,
    /// By what.
    pub denominator: Vec<Quantity>,
    /// What its value counts.
    pub unit: Unit,
    /// How it is rounded where nothing else is asked for.
    pub rounding: Rounding,
    /// What it may print only when true.
    pub guards: Guards,
    /// What is in and what is out.
    pub scope: Bilingual,
    /// Where it comes from.
    pub source: Vec<String>,
    /// The source names the figure but prints no formula: it is this project's.
    pub inferred: bool,
}

impl Indicator {
    /// The formula in words, made from what is computed.
    #[must_use]
    pub fn formula(&self) -> Bilingual {
        let zh = |quantity: Quantity| quantity.title().zh.into_owned();
        let en = |quantity: Quantity| quantity.title().en.into_owned();
        let (zh_tail, en_tail) = match self.unit {
            Unit::Points => ("", ""),
            Unit::Percent => ("× 100%", " × 100 %"),
        };
        let zh_terms = self.terms(zh, "×");
        let numerator = match zh_terms.as_slice() {
            [one] => format!("{one} "),
            several => format!("（{}）", several.join(" + ")),
        };
        let denominator = match self.denominator.as_slice() {
            [one] => format!(" {} ", zh(*one)),
            several => format!("（{}）", join(several, zh)),
        };
        let zh_text = format!("{numerator}÷{denominator}{zh_tail}");
        let en_terms = self.terms(en, " × ");
        let numerator = match en_terms.as_slice() {
            [one] => one.clone(),
            several => format!("({})", several.join(" + ")),
        };
        let denominator = match self.denominator.as_slice() {
            [one] => en(*one),
            several => format!("({})", join(several, en)),
        };
        Bilingual {
            zh: zh_text.trim_end().to_owned().into(),
            en: format!("{numerator} ÷ {denominator}{en_tail}").into(),
        }
    }

    fn terms(&self, title: impl Fn(Quantity) -> String, times: &str) -> Vec<String> {
        let weighted = self.numerator.iter().any(|term| term.weight != 1);
        let term = |term: &Term| match weighted {
            true => format!("{}{times}{}", term.weight, title(term.quantity)),
            false => title(term.quantity),
        };
        self.numerator.iter().map(term).collect()
    }

    /// The formula for programs, in the names of the quantities.
    #[must_use]
    pub fn expression(&self) -> String {
        let term = |term: &Term| match term.weight {
            1 => term.quantity.name().to_owned(),
            weight => format!("{weight}*{}", term.quantity.name()),
        };
        let above: Vec<String> = self.numerator.iter().map(term).collect();
        let below: Vec<&str> = self.denominator.iter().map(|q| q.name()).collect();
        let factor = match self.unit {
            Unit::Points => "",
            Unit::Percent => "100 * ",
        };
        format!("{factor}({}) / ({})", above.join(" + "), below.join(" + "))
    }
}

fn join(quantities: &[Quantity], title: impl Fn(Quantity) -> String) -> String {
    let titles: Vec<String> = quantities.iter().map(|q| title(*q)).collect();
    titles.join(" + ")
}
