//! A table of the export model on a page: the same cells as in its files, with thousands apart.

use super::format::grouped;
use super::language::Language;
use crate::export::{Cell, RowKind, Table, Text, Unit};

/// A table to be drawn.
#[derive(Debug)]
pub(super) struct TableView {
    pub(super) title: String,
    /// Titles, each with whether its column holds numbers.
    pub(super) columns: Vec<(String, bool)>,
    pub(super) rows: Vec<RowView>,
    /// Lines under the table.
    pub(super) notes: Vec<String>,
}

/// A row to be drawn.
#[derive(Debug)]
pub(super) struct RowView {
    pub(super) total: bool,
    /// Printed cells: text, whether it is a number, the column's title for narrow screens.
    pub(super) cells: Vec<(String, bool, String)>,
}

impl TableView {
    /// In a language. Of a pair of columns `name` and `name_en` the one of the language is shown.
    pub(super) fn of(table: &Table, language: Language) -> Self {
        let named_twice = table.columns.iter().any(|column| column.name == "name_en");
        let hidden = match (named_twice, language) {
            (false, _) => "",
            (true, Language::Chinese) => "name_en",
            (true, Language::English) => "name",
        };
        let shown: Vec<(usize, String, bool)> = table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.name != hidden)
            .map(|(index, column)| {
                let title = pick(&column.title, language);
                (index, title, column.unit != Unit::Text)
            })
            .collect();
        let row = |row: &crate::export::Row| RowView {
            total: row.kind == RowKind::Total,
            cells: shown
                .iter()
                .map(|(index, title, number)| {
                    let cell = row.cells.get(*index).unwrap_or(&Cell::Empty);
                    (printed(cell, *number, language), *number, title.clone())
                })
                .collect(),
        };
        // Definitions stand on their own page.
        let notes = table.notes.iter().filter(|note| note.about != "definition");
        Self {
            title: pick(&table.title, language),
            rows: table.rows.iter().map(row).collect(),
            notes: notes.map(|note| pick(&note.text, language)).collect(),
            columns: shown
                .into_iter()
                .map(|(_, title, number)| (title, number))
                .collect(),
        }
    }
}

/// The text of a language.
pub(super) fn pick(text: &Text, language: Language) -> String {
    match language {
        Language::Chinese => text.zh.clone(),
        Language::English => text.en.clone(),
    }
}

fn printed(cell: &Cell, number: bool, language: Language) -> String {
    match cell {
        Cell::Empty if number => "—".to_owned(),
        Cell::Empty => String::new(),
        Cell::Count(n) => grouped(*n),
        Cell::Decimal(value) => value.to_string(),
        Cell::Percent(value) => format!("{value}%"),
        Cell::Text(text) => remark(text, language),
    }
}

/// The fixed words of remarks, for people.
fn remark(text: &str, language: Language) -> String {
    let known = [
        ("withheld", "人数不足，隐去", "withheld"),
        ("not_counted", "尚未统计", "not counted yet"),
        ("no_denominator", "分母为零", "no denominator"),
        ("a_part_has_no_value", "有分项无数值", "a part has no value"),
        (
            "held_below_whole",
            "取舍后不得显示为满值",
            "held below the whole",
        ),
        ("held_above_zero", "取舍后不得显示为零", "held above zero"),
        ("points", "分", "points"),
    ];
    let found = known.into_iter().find(|(word, _, _)| *word == text);
    match (found, language) {
        (Some((_, zh, _)), Language::Chinese) => zh.to_owned(),
        (Some((_, _, en)), Language::English) => en.to_owned(),
        (None, _) => text.to_owned(),
    }
}
