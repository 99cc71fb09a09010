//! Counted groups as rows of a table: every number a link to what lies under it. Nothing is computed
//! here but the order of the rows.

mod words;

use std::cmp::Ordering;

use manyi_shared::domain::{Channel, Level};

use super::figures::{level_name, value};
use super::format::grouped;
use super::language::Language;
use super::scope::{Scope, ScopeNames, column_name};
use crate::api::{Counted, Group};
use crate::score::{Counts, Figure, Rounding, Scores};
use crate::store::scores::{Column, Value};
pub(super) use words::TableWords;

/// Rates of fewer ratings are marked: one bad rating moves them by more than three points.
pub(super) const SMALL: u128 = 30;

/// One row.
#[derive(Debug)]
pub(super) struct RowView {
    pub(super) label: String,
    /// The page about this row alone.
    pub(super) href: Option<String>,
    pub(super) rated: String,
    /// What the ratings are made of, one level deeper.
    pub(super) rated_href: Option<String>,
    pub(super) bad: String,
    pub(super) has_bad: bool,
    /// Where the bad ones are.
    pub(super) bad_href: Option<String>,
    pub(super) bar: Vec<BarPart>,
    /// The bar in words.
    pub(super) bar_text: String,
    pub(super) mean: String,
    pub(super) satisfaction: String,
    pub(super) bad_rate: String,
    pub(super) participation: String,
    /// Few ratings: the rates say little.
    pub(super) small: bool,
}

/// A piece of a row's bar, in thousandths of its length.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BarPart {
    pub(super) level: u8,
    pub(super) x: u128,
    pub(super) width: u128,
}

/// What rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// As the counts come: by time, or by id.
    Natural,
    Rated,
    Bad,
    Mean,
    Satisfaction,
    BadRate,
    Participation,
}

impl Sort {
    pub(super) const ALL: [Self; 7] = [
        Self::Natural,
        Self::Rated,
        Self::Bad,
        Self::Mean,
        Self::Satisfaction,
        Self::BadRate,
        Self::Participation,
    ];

    /// The name in addresses.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Natural => "",
            Self::Rated => "rated",
            Self::Bad => "bad",
            Self::Mean => "mean",
            Self::Satisfaction => "satisfaction_rate",
            Self::BadRate => "bad_rate",
            Self::Participation => "participation",
        }
    }

    /// What an address asks for; an unknown name is the natural order.
    pub(super) fn of(scope: &Scope, default: Self) -> Self {
        let Some(name) = scope.rest.get("sort") else {
            return default;
        };
        let mut all = Self::ALL.into_iter();
        all.find(|sort| sort.name() == name)
            .unwrap_or(Self::Natural)
    }

    /// The first comes first: most ratings, best figures.
    fn order(self, a: &Counts, b: &Counts) -> Ordering {
        let rounding = Rounding::default();
        let (x, y) = (Scores::of(a, rounding), Scores::of(b, rounding));
        match self {
            Self::Natural => Ordering::Equal,
            Self::Rated => b.rated().cmp(&a.rated()),
            Self::Bad => b.bad().cmp(&a.bad()),
            Self::Mean => fraction(&y.mean, &x.mean),
            Self::Satisfaction => fraction(&y.satisfaction_rate, &x.satisfaction_rate),
            // The worst first: whoever sorts by bad ratings looks for them.
            Self::BadRate => fraction(&y.bad_rate, &x.bad_rate),
            Self::Participation => fraction(&y.participation, &x.participation),
        }
    }
}

/// Compares exact fractions; what has no value is below everything.
fn fraction(a: &Figure, b: &Figure) -> Ordering {
    match (a.denominator(), b.denominator()) {
        (Some(da), Some(db)) if da > 0 && db > 0 => (a.numerator() * db).cmp(&(b.numerator() * da)),
        (da, db) => da
            .filter(|d| *d > 0)
            .is_some()
            .cmp(&db.filter(|d| *d > 0).is_some()),
    }
}

/// One head of a column, as a link that sorts by it.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) name: &'static str,
    pub(super) href: String,
    pub(super) sorted: bool,
}

/// A whole table.
#[derive(Debug)]
pub(super) struct TableView {
    pub(super) words: &'static TableWords,
    /// What the first column names.
    pub(super) what: String,
    pub(super) natural: Head,
    /// In the order of the columns: ratings, bad, mean, satisfaction, bad rate, participation.
    pub(super) heads: Vec<Head>,
    pub(super) rows: Vec<RowView>,
    /// Rows with too few ratings to be ranked, after the others.
    pub(super) unranked: Vec<RowView>,
    pub(super) total: RowView,
    /// The same groups as files: name and address of each.
    pub(super) files: Vec<(&'static str, String)>,
}

/// Where the numbers of a row lead.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    pub(super) href: Option<String>,
    pub(super) rated: Option<String>,
    pub(super) bad: Option<String>,
}

impl RowView {
    /// A row of these counts.
    pub(super) fn of(label: String, counts: &Counts, links: Links, language: Language) -> Self {
        let scores = Scores::of(counts, Rounding::default());
        let percent = |figure: &Figure| match value(figure) {
            text if figure.value().is_ok() => format!("{text}%"),
            text => text,
        };
        let named = Level::ALL.map(|level| {
            format!(
                "{} {}",
                level_name(level, language),
                grouped(counts.level(level))
            )
        });
        let (any, bad) = (counts.rated() > 0, counts.bad() > 0);
        Self {
            label,
            href: links.href,
            rated: grouped(counts.rated()),
            rated_href: links.rated.filter(|_| any),
            bad: grouped(counts.bad()),
            has_bad: bad,
            bad_href: links.bad.filter(|_| bad),
            bar: bar(counts),
            bar_text: named.join(language.words().list_comma),
            mean: value(&scores.mean),
            satisfaction: percent(&scores.satisfaction_rate),
            bad_rate: percent(&scores.bad_rate),
            participation: percent(&scores.participation),
            small: any && counts.rated() < SMALL,
        }
    }
}

/// Level by level, 非常满意 first. Boundaries are rounded down, so the pieces touch and end at the end.
fn bar(counts: &Counts) -> Vec<BarPart> {
    let rated = counts.rated();
    let mut parts = Vec::new();
    let mut before: u128 = 0;
    for level in Level::ALL {
        let until = before + counts.level(level);
        if until > before {
            let x = before * 1_000 / rated;
            parts.push(BarPart {
                level: level.number(),
                x,
                width: (until * 1_000 / rated).saturating_sub(x).max(1),
            });
        }
        before = until;
    }
    parts
}

/// The value of a group as an address writes it.
pub(super) fn written(column: Column, value: &Value) -> String {
    match (column, value) {
        (Column::Channel, Value::Number(number)) => u8::try_from(*number)
            .ok()
            .and_then(Channel::from_number)
            .map_or_else(|| number.to_string(), |channel| channel.name().to_owned()),
        (_, Value::Number(number)) => number.to_string(),
        (_, Value::Text(text)) => text.clone(),
    }
}

/// What lies under a value of a column: the next dimension to split by.
pub(super) const fn under(column: Column) -> &'static str {
    match column {
        Column::Region => "hall",
        Column::Hall => "department",
        Column::Department | Column::Channel | Column::Item => "window",
        _ => "item",
    }
}

impl TableView {
    /// The groups of one column in the order asked for; rows of fewer than `least` ratings are not
    /// ranked.
    pub(super) fn of(
        scope: &Scope,
        names: &ScopeNames,
        column: Column,
        counted: &Counted,
        sort: Sort,
        least: u128,
    ) -> Self {
        let mut groups: Vec<&Group> = counted.groups.iter().collect();
        // Equal figures: more ratings say more.
        groups.sort_by(|a, b| {
            let more = || b.counts.rated().cmp(&a.counts.rated());
            let order = sort.order(&a.counts, &b.counts);
            if sort == Sort::Natural {
                order
            } else {
                order.then_with(more)
            }
        });
        let ranks = !matches!(sort, Sort::Natural | Sort::Rated | Sort::Bad);
        let (ranked, few): (Vec<&Group>, Vec<&Group>) = groups
            .into_iter()
            .partition(|group| !ranks || group.counts.rated() >= least);
        let row = |group: &Group| {
            let id = group
                .value(column)
                .map(|v| written(column, v))
                .unwrap_or_default();
            let pairs = |path| scope.deeper(path, column, &id);
            let links = Links {
                href: Some(pairs("/office")),
                rated: Some(format!("{}&by={}", pairs("/office/compare"), under(column))),
                bad: Some(format!(
                    "{}&by={}&sort=bad",
                    pairs("/office/compare"),
                    under(column)
                )),
            };
            let label = scope.value_name(column, &id, names);
            RowView::of(label, &group.counts, links, scope.language)
        };
        let what = column_name(column, super::scope::ScopeWords::of(scope.language)).to_owned();
        Self::new(
            scope,
            (what, column.name()),
            ranked.into_iter().map(row).collect(),
            few.into_iter().map(row).collect(),
            counted,
            sort,
        )
    }

    /// A table of rows that were made already.
    pub(super) fn new(
        scope: &Scope,
        (what, group): (String, &str),
        rows: Vec<RowView>,
        unranked: Vec<RowView>,
        counted: &Counted,
        sort: Sort,
    ) -> Self {
        let words = TableWords::of(scope.language);
        let head = |(by, name): (Sort, &'static str)| Head {
            name,
            href: scope.same_page("sort", by.name()),
            sorted: by == sort,
        };
        let heads = [
            (Sort::Rated, words.rated),
            (Sort::Bad, words.bad),
            (Sort::Mean, words.mean),
            (Sort::Satisfaction, words.satisfaction),
            (Sort::BadRate, words.bad_rate),
            (Sort::Participation, words.participation),
        ];
        let links = Links {
            href: None,
            rated: None,
            bad: Some(format!("{}&sort=bad", scope.link("/office/compare"))),
        };
        Self {
            words,
            natural: head((Sort::Natural, "")),
            heads: heads.map(head).into(),
            total: RowView::of(
                words.total.to_owned(),
                &counted.total,
                links,
                scope.language,
            ),
            what,
            rows,
            unranked,
            files: scope.files(group),
        }
    }

    /// Whether there is anything in it.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.unranked.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::all_good([10, 0, 0, 0, 0], &[(5, 0, 1_000)])]
    #[case::thirds([1, 1, 1, 0, 0], &[(5, 0, 333), (4, 333, 333), (3, 666, 334)])]
    #[case::one_bad_of_many([9_999, 0, 0, 0, 1], &[(5, 0, 999), (1, 999, 1)])]
    fn a_bar_has_these_parts(#[case] levels: [u64; 5], #[case] parts: &[(u8, u128, u128)]) {
        let drawn: Vec<_> = bar(&Counts::of_levels(levels))
            .into_iter()
            .map(|part| (part.level, part.x, part.width))
            .collect();
        assert_eq!(drawn, parts);
    }

    #[test]
    fn rows_are_ordered_by_exact_fractions_and_those_without_a_value_come_last() {
        let all = Counts::of_levels([3, 0, 0, 0, 0]);
        let most = Counts::of_levels([999, 0, 0, 1, 0]);
        let none = Counts::none();
        assert_eq!(Sort::Satisfaction.order(&all, &most), Ordering::Less);
        assert_eq!(Sort::Satisfaction.order(&none, &most), Ordering::Greater);
        assert_eq!(Sort::BadRate.order(&most, &all), Ordering::Less);
        assert_eq!(Sort::Rated.order(&most, &all), Ordering::Less);
        assert_eq!(Sort::Mean.order(&none, &none), Ordering::Equal);
    }
}
