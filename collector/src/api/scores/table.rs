//! The answer as a table: the same cells as in the JSON, in the same order.

use serde_json::Value as Json;

use super::{GroupBody, ScoresBody};
use crate::api::body::{CountsBody, FigureBody, FiguresBody, PerLevel};
use crate::export::{Cell, Column, Made, Note, Row, RowKind, Table, Text, Unit};

/// Dimensions whose key is all there is: it has no name beside it.
const WITHOUT_NAME: [&str; 8] = [
    "hour", "day", "week", "month", "quarter", "year", "channel", "outcome",
];

impl ScoresBody {
    /// `scores_2026-01-05_2026-02-01.csv`: the first day and the day that ends the range.
    pub(super) fn file_name(&self, ending: &str) -> String {
        let day = |instant: &str| instant.chars().take(10).collect::<String>();
        let (from, to) = (day(&self.range.from), day(&self.range.to));
        format!("scores_{from}_{to}.{ending}")
    }
}

/// The table of an answer.
pub(super) fn table(body: ScoresBody, made: &Made) -> Table {
    let figures = body.groups.iter().all(|group| group.figures.is_some());
    let mut columns = key_columns(&body);
    let keys: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    columns.extend(count_columns());
    columns.extend(figure_columns(&body.total.figures));
    columns.push(Column::new("remarks", both("附注", "Remarks"), Unit::Text));
    let mut rows: Vec<Row> = body.groups.iter().map(|group| row(group, &keys)).collect();
    let mut total = vec![Cell::Empty; keys.len()];
    total.extend(counts(&body.total.counts));
    total.extend(values(Some(&body.total.figures)));
    rows.push(Row {
        kind: RowKind::Total,
        cells: total,
    });
    Table {
        title: both("评价统计", "Scores"),
        columns,
        rows,
        notes: notes(body, figures, made),
    }
}

fn row(group: &GroupBody, keys: &[String]) -> Row {
    let key = |name: &String| match group.key.get(name) {
        Some(Json::String(text)) => Cell::Text(text.clone()),
        Some(Json::Number(number)) => Cell::Text(number.to_string()),
        _ => Cell::Empty,
    };
    let mut cells: Vec<Cell> = keys.iter().map(key).collect();
    cells.extend(counts(&group.counts));
    cells.extend(values(group.figures.as_ref()));
    Row {
        kind: RowKind::Group,
        cells,
    }
}

fn key_columns(body: &ScoresBody) -> Vec<Column> {
    let mut columns = Vec::new();
    for name in &body.group {
        let title = dimension_title(name);
        columns.push(Column::new(*name, title.clone(), Unit::Text));
        if !WITHOUT_NAME.contains(name) {
            let title = Text::new(format!("{}名称", title.zh), format!("{} name", title.en));
            columns.push(Column::new(format!("{name}_name"), title, Unit::Text));
        }
    }
    columns
}

fn dimension_title(name: &str) -> Text {
    let titles = [
        ("region", "区划", "Region"),
        ("hall", "大厅", "Hall"),
        ("window", "窗口", "Window"),
        ("staff", "人员", "Clerk"),
        ("item", "事项", "Item"),
        ("department", "部门", "Department"),
        ("level", "等级", "Level"),
        ("channel", "渠道", "Channel"),
        ("outcome", "结果", "Outcome"),
        ("tag", "评价内容", "Tag"),
        ("hour", "小时", "Hour"),
        ("day", "日", "Day"),
        ("week", "周", "Week"),
        ("month", "月", "Month"),
        ("quarter", "季度", "Quarter"),
        ("year", "年", "Year"),
    ];
    let found = titles.into_iter().find(|(n, _, _)| *n == name);
    found.map_or_else(|| both(name, name), |(_, zh, en)| both(zh, en))
}

fn count_columns() -> impl Iterator<Item = Column> {
    let titles = [
        ("prompts", "邀请", "Prompts"),
        ("rated", "评价数", "Rated"),
        ("declined", "暂不评价", "Declined"),
        ("timed_out", "超时未答", "Timed out"),
        ("withdrawn", "已撤回", "Withdrawn"),
        ("fault", "设备故障", "Fault"),
        ("level_5", "非常满意", "Very satisfied"),
        ("level_4", "满意", "Satisfied"),
        ("level_3", "基本满意", "Basically satisfied"),
        ("level_2", "不满意", "Dissatisfied"),
        ("level_1", "非常不满意", "Very dissatisfied"),
        ("bad", "差评", "Bad"),
        ("defaulted", "系统默认评价", "Set by default"),
    ];
    let column = |(name, zh, en)| Column::new(name, both(zh, en), Unit::Count);
    titles.into_iter().map(column)
}

fn counts(counts: &CountsBody) -> [Cell; 13] {
    let PerLevel {
        five,
        four,
        three,
        two,
        one,
    } = counts.levels;
    [
        counts.prompts.into(),
        Cell::Count(counts.rated),
        counts.declined.into(),
        counts.timed_out.into(),
        counts.withdrawn.into(),
        counts.fault.into(),
        Cell::Count(five),
        Cell::Count(four),
        Cell::Count(three),
        Cell::Count(two),
        Cell::Count(one),
        Cell::Count(counts.bad),
        Cell::Count(counts.defaulted),
    ]
}

/// Every figure with its name in the table: a level's share has the level in it.
fn named(figures: &FiguresBody) -> [(String, &FigureBody); 9] {
    let shares = &figures.level_shares;
    let share = |level: u8, figure| (format!("level_share_{level}"), figure);
    let plain = |figure: &'_ FigureBody| figure.name.to_owned();
    [
        (plain(&figures.mean), &figures.mean),
        (
            plain(&figures.satisfaction_rate),
            &figures.satisfaction_rate,
        ),
        (plain(&figures.bad_rate), &figures.bad_rate),
        (plain(&figures.participation), &figures.participation),
        share(5, &shares.five),
        share(4, &shares.four),
        share(3, &shares.three),
        share(2, &shares.two),
        share(1, &shares.one),
    ]
}

fn figure_columns(figures: &FiguresBody) -> impl Iterator<Item = Column> {
    let titles = [
        ("平均分", "Mean points"),
        ("满意率", "Satisfaction rate"),
        ("差评率", "Bad-rating rate"),
        ("实际评价率", "Participation"),
        ("非常满意占比", "Share very satisfied"),
        ("满意占比", "Share satisfied"),
        ("基本满意占比", "Share basically satisfied"),
        ("不满意占比", "Share dissatisfied"),
        ("非常不满意占比", "Share very dissatisfied"),
    ];
    let unit = |figure: &FigureBody| match figure.unit {
        "points" => Unit::Points,
        _ => Unit::Percent,
    };
    let columns: Vec<Column> = named(figures)
        .into_iter()
        .zip(titles)
        .map(|((name, figure), (zh, en))| Column::new(name, both(zh, en), unit(figure)))
        .collect();
    columns.into_iter()
}

/// The cells of the figures, and of the remarks: why a value is missing or is not plain rounding.
fn values(figures: Option<&FiguresBody>) -> Vec<Cell> {
    let Some(figures) = figures else {
        let mut cells = vec![Cell::Empty; 9];
        cells.push(Cell::Text("part_of_ratings".to_owned()));
        return cells;
    };
    let mut cells = Vec::with_capacity(10);
    let mut remarks = Vec::new();
    for (name, figure) in named(figures) {
        let value = figure.value.as_deref().and_then(|text| text.parse().ok());
        cells.push(value.map_or(Cell::Empty, Cell::Decimal));
        if let Some(reason) = &figure.reason {
            remarks.push(format!("{name}:{}", reason.code));
        }
        if figure.note.is_some() {
            remarks.push(format!("{name}:held"));
        }
    }
    cells.push(Cell::from(remarks.join(" ").as_str()));
    cells
}

fn notes(body: ScoresBody, figures: bool, made: &Made) -> Vec<Note> {
    let mut notes = vec![
        Note::value("range", "from", body.range.from),
        Note::value("range", "to", body.range.to),
        Note::value("time_zone", "", body.time_zone),
        Note::value("scope", "hall", body.scope.hall.as_deref().unwrap_or("*")),
    ];
    let filters = body.scope.filters.into_iter();
    notes.extend(filters.map(|(name, value)| Note::value("scope", name, value)));
    let marked = if body.scope.without_marked {
        "excluded"
    } else {
        "included"
    };
    notes.push(Note::value("scope", "marked_ratings", marked));
    let rounding = &body.total.figures.mean.rounding;
    notes.push(Note::value("rounding", "mode", rounding.mode));
    notes.push(Note::value(
        "rounding",
        "digits",
        rounding.digits.to_string(),
    ));
    notes.extend(remark_notes(figures));
    for definition in body.definitions {
        let (title, formula, scope) = (definition.title, definition.formula, definition.scope);
        let text = Text::new(
            format!("{}：{}。{}", title.zh, formula.zh, scope.zh),
            format!("{}: {}. {}", title.en, formula.en, scope.en),
        );
        notes.push(Note::new("definition", definition.name, text));
    }
    notes.extend(made.notes());
    notes
}

fn remark_notes(figures: bool) -> Vec<Note> {
    let mut notes = vec![
        Note::new(
            "remarks",
            "held",
            both(
                "按所列位数取舍会显示为满值或 0，但实际并非如此，故显示最接近的真实值。",
                "Rounding would print the whole, or zero, which is not true: the nearest value that is true is printed.",
            ),
        ),
        Note::new(
            "remarks",
            "no_ratings, no_answerable_prompts",
            both(
                "没有分母，故没有数值；空白不是 0。",
                "There is no denominator, so there is no value; an empty cell is not 0.",
            ),
        ),
    ];
    if !figures {
        notes.push(Note::new(
            "remarks",
            "part_of_ratings",
            both(
                "按等级或结果分组时，各组只是评价的一部分，不计算比率。",
                "Grouped by level or outcome a group is a part of the ratings only: a rate over it means nothing.",
            ),
        ));
    }
    notes
}

fn both(zh: &str, en: &str) -> Text {
    Text::new(zh, en)
}
