//! Rows and columns that several tables share.

use manyi_shared::domain::{Channel, Level, OutcomeKind};

use crate::export::{Cell, Column, Row, RowKind, Text, Unit};
use crate::score::{Counts, Figure, Note, Rounding, Scores, Unit as FigureUnit};

pub(super) fn both(zh: &str, en: &str) -> Text {
    Text::new(zh, en)
}

/// The name of a channel.
pub(super) fn channel(number: i64) -> Text {
    let channel = u8::try_from(number).ok().and_then(Channel::from_number);
    match channel {
        Some(Channel::Web) => both("PC 端", "Web"),
        Some(Channel::Mobile) => both("移动端", "Mobile"),
        Some(Channel::QrCode) => both("二维码", "QR code"),
        Some(Channel::Tablet) => both("大厅平板", "Tablet"),
        Some(Channel::SelfService) => both("自助终端", "Self-service"),
        Some(Channel::Phone) => both("电话", "Telephone"),
        Some(Channel::Sms) => both("短信", "SMS"),
        None => Text::new(number.to_string(), number.to_string()),
    }
}

/// How a prompt ended.
pub(super) fn outcome(kind: OutcomeKind) -> Text {
    match kind {
        OutcomeKind::Rated => both("已评价", "Rated"),
        OutcomeKind::Declined => both("暂不评价", "Declined"),
        OutcomeKind::TimedOut => both("超时未答", "Timed out"),
        OutcomeKind::Withdrawn => both("已撤回", "Withdrawn"),
        OutcomeKind::Fault => both("设备故障", "Terminal failed"),
    }
}

/// The columns of a table of groups after the group's own.
pub(super) fn score_columns() -> Vec<Column> {
    let mut columns = vec![Column::new("rated", both("评价数", "Ratings"), Unit::Count)];
    let levels = [
        (5, "非常满意", "Very satisfied"),
        (4, "满意", "Satisfied"),
        (3, "基本满意", "Basically satisfied"),
        (2, "不满意", "Dissatisfied"),
        (1, "非常不满意", "Very dissatisfied"),
    ];
    for (level, zh, en) in levels {
        let name = format!("level_{level}");
        columns.push(Column::new(name, both(zh, en), Unit::Count));
    }
    columns.extend([
        Column::new("bad", both("差评", "Bad"), Unit::Count),
        Column::new("defaulted", both("默认评价", "Set by default"), Unit::Count),
        Column::new("mean", both("平均分", "Mean points"), Unit::Points),
        Column::new(
            "satisfaction_rate",
            both("满意率", "Satisfaction"),
            Unit::Percent,
        ),
        Column::new("bad_rate", both("差评率", "Bad-rating rate"), Unit::Percent),
    ]);
    columns
}

/// How many columns [`score_columns`] has.
pub(super) const SCORE_COLUMNS: usize = 11;

/// The cells of those columns.
pub(super) fn score_cells(counts: &Counts, rounding: Rounding) -> Vec<Cell> {
    let scores = Scores::of(counts, rounding);
    let mut cells = vec![Cell::Count(counts.rated())];
    cells.extend(Level::ALL.map(|level| Cell::Count(counts.level(level))));
    cells.extend([Cell::Count(counts.bad()), Cell::Count(counts.defaulted())]);
    let figures = [scores.mean, scores.satisfaction_rate, scores.bad_rate];
    cells.extend(figures.map(|figure| value(&figure)));
    cells
}

/// A figure's printed value.
pub(super) fn value(figure: &Figure) -> Cell {
    match (figure.value(), figure.kind().unit()) {
        (Ok(value), FigureUnit::Percent) => Cell::Percent(value),
        (Ok(value), FigureUnit::Points) => Cell::Decimal(value),
        (Err(_), _) => Cell::Empty,
    }
}

/// Why a value is not what plain rounding gives.
pub(super) fn held(note: Option<Note>) -> Cell {
    match note {
        Some(Note::HeldBelowWhole) => Cell::Text("held_below_whole".to_owned()),
        Some(Note::HeldAboveZero) => Cell::Text("held_above_zero".to_owned()),
        None => Cell::Empty,
    }
}

pub(super) fn group(cells: Vec<Cell>) -> Row {
    Row {
        kind: RowKind::Group,
        cells,
    }
}

pub(super) fn total(cells: Vec<Cell>) -> Row {
    Row {
        kind: RowKind::Total,
        cells,
    }
}

/// A text in both languages in two cells of two columns: files have no language of their own.
pub(super) fn names(text: &Text) -> [Cell; 2] {
    [Cell::from(text.zh.as_str()), Cell::from(text.en.as_str())]
}

/// The two columns of [`names`].
pub(super) fn name_columns(zh: &str, en: &str) -> [Column; 2] {
    [
        Column::new("name", both(zh, en), Unit::Text),
        Column::new("name_en", both("英文名称", "In English"), Unit::Text),
    ]
}
