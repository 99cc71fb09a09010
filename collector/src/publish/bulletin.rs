//! The monthly bulletin: what is in it, and how it is made from the counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use manyi_shared::domain::OutcomeKind;
use serde::{Deserialize, Serialize};

use super::quantities;
use super::rows::{
    both, channel, group, held, name_columns, names, outcome, score_cells, score_columns, total,
};
use super::safe::{self, HallItems, Named};
use crate::api::{Counted, Group, ScoreRequest, count};
use crate::app::AppState;
use crate::day;
use crate::export::{Cell, Column, Note, Row, Table, Text, Unit};
use crate::indicator::{Composite, Indicator, Quantities, Quantity};
use crate::problem::{Problem, ProblemType};
use crate::score::{Counts, Rounding, Unit as FigureUnit};
use crate::store::HallSummary;
use crate::store::scores::{Column as Split, Names, Value};

/// Everything that a publication freezes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The month, `2026-10`.
    pub month: String,
    /// The hall; none: all halls together.
    pub hall: Option<String>,
    /// What the place is called.
    pub place: Text,
    /// The zone of the month's days.
    pub time_zone: String,
    /// The first moment.
    pub from: String,
    /// The moment after the last.
    pub to: String,
    /// The bulletin's tables.
    pub tables: Vec<Table>,
    /// The tables that everybody may read.
    pub public: Vec<Table>,
    /// The smallest group in those.
    pub min_group: u32,
}

/// A bulletin as it now stands, not published.
#[derive(Debug, Clone)]
pub struct Bulletin {
    /// Its content.
    pub content: Content,
    /// Whether the month is over in its zone.
    pub complete: bool,
}

/// The first and the last day of `2026-10`.
#[must_use]
pub fn month_of(text: &str) -> Option<(Date, Date)> {
    let (year, month) = text.split_once('-').filter(|_| text.len() == 7)?;
    let first = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
    Some((first, first.last_of_month()))
}

/// `2026-10-01T00:00:00+08:00`.
fn written(at: &jiff::Zoned) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// What a bulletin is counted from.
struct Scope<'a> {
    state: &'a AppState,
    halls: &'a [HallSummary],
    now: Timestamp,
    /// The part of the query that is the same for every count.
    query: String,
    /// The ids of the halls that are counted.
    ids: BTreeSet<String>,
}

impl Scope<'_> {
    async fn count(&self, group: &str) -> Result<Counted, Problem> {
        let request = self.request(group)?;
        count(self.state.store.as_ref(), &request).await
    }

    fn request(&self, group: &str) -> Result<ScoreRequest, Problem> {
        let query = match group {
            "" => self.query.clone(),
            group => format!("{}&group={group}", self.query),
        };
        ScoreRequest::parse(&query, self.halls, self.now)
    }
}

impl Bulletin {
    /// Counts the bulletin of a month (`2026-10`) for one hall, or for all.
    ///
    /// # Errors
    /// A problem when the month cannot be read, has not begun, or the database fails.
    pub async fn count(
        state: &AppState,
        hall: Option<&HallSummary>,
        halls: &[HallSummary],
        month: &str,
    ) -> Result<Self, Problem> {
        let (first, last) = month_of(month).ok_or_else(|| {
            let shown: String = month.chars().take(20).collect();
            let detail = format!("`month` is `{shown}`, but must be a month such as 2026-10");
            Problem::new(ProblemType::Malformed, detail)
        })?;
        let now = Timestamp::from_millisecond(state.clock.now_ms());
        let now = now.map_err(|_| Problem::internal())?;
        let zone = hall
            .or_else(|| halls.first())
            .map_or("UTC", |hall| hall.time_zone.as_str());
        let place = hall.map_or(String::new(), |hall| format!("&hall={}", hall.id));
        let counted_halls = halls
            .iter()
            .filter(|h| hall.is_none_or(|one| one.id == h.id));
        let scope = Scope {
            state,
            halls,
            now,
            query: format!("from={first}&to={last}&tz={zone}{place}"),
            ids: counted_halls.map(|hall| hall.id.to_string()).collect(),
        };
        let request = scope.request("")?;
        if request.range.from().timestamp() > now {
            let detail = format!("the month {month} has not begun");
            return Err(Problem::new(ProblemType::Malformed, detail));
        }
        let complete = request.range.to().timestamp() <= now;
        let mut content = Content {
            month: month.to_owned(),
            hall: hall.map(|hall| hall.id.to_string()),
            place: hall.map_or_else(
                || both("全部大厅", "All halls"),
                |hall| Text::new(hall.name.clone(), hall.name.clone()),
            ),
            time_zone: request.range.zone_name().to_owned(),
            from: written(&request.range.from()),
            to: written(&request.range.to()),
            tables: Vec::new(),
            public: Vec::new(),
            min_group: state.config.public_min_group,
        };
        fill(&mut content, &scope, hall, last).await?;
        Ok(Self { content, complete })
    }
}

/// Counts every table.
async fn fill(
    content: &mut Content,
    scope: &Scope<'_>,
    hall: Option<&HallSummary>,
    last: Date,
) -> Result<(), Problem> {
    let rounding = Rounding::default();
    let store = scope.state.store.as_ref();
    let items = scope.count("hall,item").await?;
    let windows = scope.count("hall,window").await?;
    let item_names = store.names(Split::Item).await?;
    let window_names = store.names(Split::Window).await?;
    let sum = scope.count("").await?.total;
    let known = quantities::known(
        &sum,
        (&items, &item_names),
        (&windows, &window_names),
        &scope.ids,
    );
    let by_unit = match hall {
        Some(_) => (scope.count("hall,department").await?, Split::Department),
        None => (scope.count("hall").await?, Split::Hall),
    };
    let unit_names = store.names(by_unit.1).await?;
    content.tables = vec![
        figures(scope.state, day::number(last), &known),
        outcomes(&known),
        channels(&scope.count("channel").await?, rounding),
        units(&by_unit.0, by_unit.1, &unit_names, rounding),
        super::tags::table(&bad_tags(scope).await?),
        incidents(scope, content).await?,
        rectification(&known),
    ];
    let min_group = u128::from(content.min_group);
    let halls = safe_halls(scope, &items, &item_names);
    content.public = safe::tables(&halls, min_group, rounding);
    Ok(())
}

fn text(group: &Group, column: Split) -> String {
    match group.value(column) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

fn number(group: &Group, column: Split) -> i64 {
    match group.value(column) {
        Some(Value::Number(number)) => *number,
        _ => 0,
    }
}

/// Every indicator in force on a day, then every composite with its parts.
fn figures(state: &AppState, day: u32, known: &Quantities) -> Table {
    let mut columns: Vec<Column> = name_columns("指标", "Indicator").into();
    columns.extend([
        Column::new("value", both("数值", "Value"), Unit::Points),
        Column::new("unit", both("单位", "Unit"), Unit::Text),
        Column::new("numerator", both("分子", "Numerator"), Unit::Count),
        Column::new("denominator", both("分母", "Denominator"), Unit::Count),
        Column::new("definition", both("定义", "Definition"), Unit::Text),
        Column::new("remarks", both("附注", "Remarks"), Unit::Text),
    ]);
    let definitions = &state.definitions;
    let mut notes = Vec::new();
    let mut rows = Vec::new();
    for indicator in definitions.all_in_force(day) {
        rows.push(figure_row(indicator, known));
        notes.push(definition_note(indicator));
    }
    for composite in definitions.composites_in_force(day) {
        rows.extend(composite_rows(state, composite, day, known));
    }
    Table {
        title: both("主要指标", "Indicators"),
        columns,
        rows,
        notes,
    }
}

fn figure_row(indicator: &Indicator, known: &Quantities) -> Row {
    let value = indicator.value(known);
    let (cell, unit) = match (value.value, indicator.unit) {
        (Ok(printed), FigureUnit::Percent) => (Cell::Percent(printed), "%"),
        (Ok(printed), FigureUnit::Points) => (Cell::Decimal(printed), "points"),
        (Err(_), FigureUnit::Percent) => (Cell::Empty, "%"),
        (Err(_), FigureUnit::Points) => (Cell::Empty, "points"),
    };
    let remark = match value.value {
        Ok(_) => held(value.note),
        Err(missing) => Cell::Text(missing.name().to_owned()),
    };
    let mut cells = names(&indicator.name.clone().into()).to_vec();
    cells.extend([
        cell,
        unit.into(),
        value.numerator.into(),
        value.denominator.into(),
        Cell::Text(format!("{} v{}", indicator.id, indicator.version)),
        remark,
    ]);
    group(cells)
}

fn definition_note(indicator: &Indicator) -> Note {
    let formula = indicator.formula();
    let (mode, digits) = (
        indicator.rounding.mode().name(),
        indicator.rounding.digits(),
    );
    let text = Text::new(
        format!(
            "{}。{}（取舍：{mode}，{digits} 位小数）",
            formula.zh, indicator.scope.zh
        ),
        format!(
            "{}. {} (rounding: {mode}, {digits} digits)",
            formula.en, indicator.scope.en
        ),
    );
    let name = format!("{} v{}", indicator.id, indicator.version);
    Note::new("definition", name, text)
}

fn composite_rows(
    state: &AppState,
    composite: &Composite,
    day: u32,
    known: &Quantities,
) -> Vec<Row> {
    let value = composite.value(&state.definitions, day, known);
    let missing = || Cell::Text("a_part_has_no_value".to_owned());
    let row = |name: &Text, points: Option<crate::score::Decimal>, definition: String| {
        let mut cells = names(name).to_vec();
        cells.extend([
            points.map_or(Cell::Empty, Cell::Decimal),
            "points".into(),
            Cell::Empty,
            Cell::Empty,
            Cell::Text(definition),
            if points.is_some() {
                Cell::Empty
            } else {
                missing()
            },
        ]);
        group(cells)
    };
    let id = format!("{} v{}", composite.id, composite.version);
    let name: Text = composite.name.clone().into();
    let mut rows = vec![row(&name, value.total, id.clone())];
    for part in value.parts {
        let indicator = state.definitions.in_force(&part.indicator, day);
        let part_name = indicator.map_or_else(
            || Text::new(part.indicator.clone(), part.indicator.clone()),
            |found| found.name.clone().into(),
        );
        let name = Text::new(
            format!("{} · {}", name.zh, part_name.zh),
            format!("{} · {}", name.en, part_name.en),
        );
        rows.push(row(
            &name,
            part.points,
            format!("{id} · {} v{}", part.indicator, part.version),
        ));
    }
    rows
}

fn outcomes(known: &Quantities) -> Table {
    let mut columns: Vec<Column> = name_columns("评价邀请", "Prompts").into();
    columns.push(Column::new("count", both("数量", "Count"), Unit::Count));
    let kinds = [
        (OutcomeKind::Rated, Quantity::Rated),
        (OutcomeKind::Declined, Quantity::Declined),
        (OutcomeKind::TimedOut, Quantity::TimedOut),
        (OutcomeKind::Withdrawn, Quantity::Withdrawn),
        (OutcomeKind::Fault, Quantity::Fault),
    ];
    let row = |name: &Text, quantity| {
        let mut cells = names(name).to_vec();
        cells.push(known.get(quantity).into());
        cells
    };
    let rows = kinds.map(|(kind, quantity)| group(row(&outcome(kind), quantity)));
    let mut rows = Vec::from(rows);
    rows.push(total(row(&both("合计", "All prompts"), Quantity::Prompts)));
    rows.push(group(row(
        &both(
            "系统默认评价（不计入任何比率）",
            "Set by default (in no rate)",
        ),
        Quantity::Defaulted,
    )));
    Table {
        title: both("评价邀请", "Prompts"),
        columns,
        rows,
        notes: Vec::new(),
    }
}

fn channels(counted: &Counted, rounding: Rounding) -> Table {
    let mut columns: Vec<Column> = name_columns("渠道", "Channel").into();
    columns.extend(score_columns());
    let row = |name: &Text, counts| {
        let mut cells = names(name).to_vec();
        cells.extend(score_cells(counts, rounding));
        cells
    };
    let groups = counted.groups.iter();
    let mut rows: Vec<Row> = groups
        .map(|g| group(row(&channel(number(g, Split::Channel)), &g.counts)))
        .collect();
    rows.push(total(row(&both("合计", "All"), &counted.total)));
    Table {
        title: both("渠道与等级", "Channels and levels"),
        columns,
        rows,
        notes: Vec::new(),
    }
}

fn units(counted: &Counted, column: Split, known: &Names, rounding: Rounding) -> Table {
    let (title, head) = match column {
        Split::Hall => (both("各大厅", "Halls"), ("大厅", "Hall")),
        _ => (both("各部门", "Departments"), ("部门", "Department")),
    };
    let mut columns = vec![
        Column::new("id", both("编号", "Id"), Unit::Text),
        Column::new("name", both(head.0, head.1), Unit::Text),
    ];
    columns.extend(score_columns());
    let row = |id: &str, name: &str, counts: &Counts| {
        let mut cells = vec![Cell::from(id), Cell::from(name)];
        cells.extend(score_cells(counts, rounding));
        cells
    };
    let unit = |g: &Group| {
        let (hall, id) = (text(g, Split::Hall), text(g, column));
        let name = known.get(&(hall, id.clone())).map_or("", String::as_str);
        group(row(&id, name, &g.counts))
    };
    let mut rows: Vec<Row> = counted.groups.iter().map(unit).collect();
    rows.push(total(row("", "", &counted.total)));
    Table {
        title,
        columns,
        rows,
        notes: Vec::new(),
    }
}

/// How many bad ratings have each tag, of all halls together.
async fn bad_tags(scope: &Scope<'_>) -> Result<BTreeMap<u16, u128>, Problem> {
    let request = scope.request("")?;
    let from = request.range.from().timestamp().as_millisecond();
    let to = request.range.to().timestamp().as_millisecond();
    let mut sum = BTreeMap::new();
    for hall in scope
        .halls
        .iter()
        .filter(|hall| scope.ids.contains(hall.id.as_str()))
    {
        for (tag, n) in scope
            .state
            .store
            .bad_tags(hall.id.clone(), from..to)
            .await?
        {
            *sum.entry(tag).or_insert(0) += n;
        }
    }
    Ok(sum)
}

/// What the centre learnt in the month that may mean missing records, and nobody has cleared.
async fn incidents(scope: &Scope<'_>, content: &Content) -> Result<Table, Problem> {
    let request = scope.request("")?;
    let from = request.range.from().timestamp().as_millisecond();
    let to = request.range.to().timestamp().as_millisecond();
    let open = scope.state.store.incidents().await?;
    let here = open.iter().filter(|incident| {
        scope.ids.contains(incident.hall.as_str()) && (from..to).contains(&incident.at_ms)
    });
    let row = |incident: &crate::store::faults::OpenIncident| {
        group(vec![
            Cell::from(incident.hall.as_str()),
            Cell::from(incident.window.as_str()),
            Cell::Text(incident.kind.name().to_owned()),
            Cell::from(incident.detail.as_str()),
        ])
    };
    let rows: Vec<Row> = here.map(row).collect();
    let text = both(
        &format!(
            "{} 内获知、尚未销号的事件 {} 件；可能影响数据完整性。",
            content.month,
            rows.len()
        ),
        &format!(
            "{} incidents of {} that nobody has cleared; they may mean that records are missing.",
            rows.len(),
            content.month
        ),
    );
    Ok(Table {
        title: both("数据完整性", "Completeness"),
        columns: vec![
            Column::new("hall", both("大厅", "Hall"), Unit::Text),
            Column::new("window", both("窗口", "Window"), Unit::Text),
            Column::new("incident", both("事件", "Incident"), Unit::Text),
            Column::new("detail", both("详情", "Detail"), Unit::Text),
        ],
        rows,
        notes: vec![Note::new("scope", "incidents", text)],
    })
}

/// The place of what becomes of bad ratings. What is not counted is empty, and says so.
fn rectification(known: &Quantities) -> Table {
    let quantities = [
        Quantity::CasesValid,
        Quantity::CasesRectifiedInTime,
        Quantity::BadNamed,
        Quantity::BadCalledBack,
    ];
    let row = |quantity: Quantity| {
        let mut cells = names(&quantity.title().into()).to_vec();
        let n = known.get(quantity);
        let remark = if n.is_none() { "not_counted" } else { "" };
        cells.extend([n.into(), remark.into()]);
        group(cells)
    };
    let mut columns: Vec<Column> = name_columns("差评整改", "Rectification").into();
    columns.push(Column::new("count", both("数量", "Count"), Unit::Count));
    columns.push(Column::new("remarks", both("附注", "Remarks"), Unit::Text));
    let text = both(
        "差评整改以工单台账为准；台账启用前，此处为空，不以 0 代替。",
        "Rectification is counted by the ledger of cases; until there is one these cells are empty, not 0.",
    );
    Table {
        title: both("差评整改", "Rectification"),
        columns,
        rows: quantities.map(row).into(),
        notes: vec![Note::new("scope", "not_counted", text)],
    }
}

/// Each hall with its items, for the public tables.
fn safe_halls(scope: &Scope<'_>, items: &Counted, known: &Names) -> Vec<HallItems> {
    let halls = scope
        .halls
        .iter()
        .filter(|hall| scope.ids.contains(hall.id.as_str()));
    let one = |hall: &HallSummary| {
        let of_hall = items
            .groups
            .iter()
            .filter(|g| text(g, Split::Hall) == hall.id.as_str());
        let mut sum = Counts::none();
        let named: Vec<Named> = of_hall
            .map(|g| {
                sum.merge(&g.counts);
                let id = text(g, Split::Item);
                let found = known.get(&(hall.id.to_string(), id.clone())).cloned();
                let name = match id.as_str() {
                    "" => "（未指明事项 no item named）".to_owned(),
                    _ => found.unwrap_or(id),
                };
                Named {
                    name,
                    counts: g.counts,
                }
            })
            .collect();
        HallItems {
            hall: Named {
                name: hall.name.clone(),
                counts: sum,
            },
            items: named,
        }
    };
    halls.map(one).collect()
}

/// The month before the one of a moment, `2026-10`.
#[must_use]
pub fn month_before(now: Timestamp, zone: &str) -> Option<String> {
    let day = now.in_tz(zone).ok()?.date();
    let before = day.first_of_month().checked_sub(1.day()).ok()?;
    Some(before.strftime("%Y-%m").to_string())
}
