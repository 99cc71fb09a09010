//! Charts as SVG. Pure: points go in, text comes out.
//!
//! **Invariants**
//! 1. A chart shows nothing that the table below it does not say in numbers.
//! 2. No colour and no style is in it: classes name roles, and the style sheet gives them the colours
//!    of light, dark, print and the user's own. Levels differ by pattern, too.
//! 3. Levels stand in their fixed order, 非常满意 at the bottom.

mod axis;

use manyi_shared::domain::Level;
use svg::Document;
use svg::node::element::{
    Anchor, Circle, Definitions, Description, Group, Line, Path, Pattern, Polyline, Rectangle,
    Text, Title,
};

use super::figures::level_name;
use super::language::Language;
use axis::Axis;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 34.0;
/// More labels than this run into each other.
const MOST_LABELS: usize = 14;

/// One place on the x axis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Point {
    /// Short, under the axis.
    pub(super) label: String,
    /// In full, with its numbers: what a pointer or a screen reader is told.
    pub(super) told: String,
    /// Where a click goes.
    pub(super) href: Option<String>,
    /// Counts by level, 非常满意 first.
    pub(super) levels: [u128; 5],
    /// A rate in hundredths of a percent; none where there is nothing to rate.
    pub(super) rate: Option<u128>,
}

/// What a chart is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// Unique in the page.
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    /// What is to be seen, in a sentence.
    pub(super) description: &'a str,
}

/// Counts by level as stacked columns.
pub(super) fn columns(told: Told<'_>, points: &[Point], language: Language) -> String {
    let most = points.iter().map(|point| point.levels.iter().sum()).max();
    let axis = Axis::counts(most.unwrap_or(0));
    let scale = Scale::of(points.len(), axis.top);
    let mut chart = frame(told, &scale, &axis, points)
        .add(patterns(told.id))
        .add(legend(told.id, language));
    for (index, point) in points.iter().enumerate() {
        chart = chart.add(column(told.id, &scale, index, point));
    }
    chart.to_string()
}

/// A rate as a line, and the period before as a dashed one.
pub(super) fn line(
    told: Told<'_>,
    points: &[Point],
    before: &[Option<u128>],
    names: [&str; 2],
) -> String {
    let all = points.iter().map(|point| &point.rate).chain(before);
    let axis = Axis::rates(all.filter_map(|rate| *rate));
    let scale = Scale::of(points.len(), axis.top).from(axis.bottom);
    let mut chart = frame(told, &scale, &axis, points);
    if before.iter().any(Option::is_some) {
        chart = chart
            .add(runs(&scale, before, "series-before"))
            .add(line_legend(names));
    }
    let rates: Vec<Option<u128>> = points.iter().map(|point| point.rate).collect();
    chart = chart.add(runs(&scale, &rates, "series"));
    for (index, point) in points.iter().enumerate() {
        let Some(rate) = point.rate else { continue };
        let dot = Circle::new()
            .set("class", "dot")
            .set("cx", px(scale.middle(index)))
            .set("cy", px(scale.y(rate)))
            .set("r", 4)
            .add(Title::new(point.told.clone()));
        chart = chart.add(linked(point, Group::new().add(dot)));
    }
    chart.to_string()
}

/// From counts to places in the drawing.
struct Scale {
    band: f64,
    bottom: u128,
    top: u128,
}

impl Scale {
    fn of(points: usize, top: u128) -> Self {
        Self {
            band: (WIDTH - LEFT - RIGHT) / float(points.max(1) as u128),
            bottom: 0,
            top,
        }
    }

    const fn from(self, bottom: u128) -> Self {
        Self { bottom, ..self }
    }

    fn left(&self, index: usize) -> f64 {
        self.band.mul_add(float(index as u128), LEFT)
    }

    fn middle(&self, index: usize) -> f64 {
        self.left(index) + self.band / 2.0
    }

    fn y(&self, value: u128) -> f64 {
        let span = float(self.top.saturating_sub(self.bottom).max(1));
        let share = float(value.saturating_sub(self.bottom)) / span;
        let height = HEIGHT - TOP - BOTTOM;
        (1.0 - share.min(1.0)).mul_add(height, TOP)
    }
}

/// Counts beyond 2^53 lose their last digits here; a pixel is far coarser.
fn float(number: u128) -> f64 {
    number as f64
}

/// A tenth of a pixel is exact enough, and keeps the text short.
fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// Title, description, grid and labels.
fn frame(told: Told<'_>, scale: &Scale, axis: &Axis, points: &[Point]) -> Document {
    let (title_id, description_id) = (format!("{}-t", told.id), format!("{}-d", told.id));
    let mut chart = Document::new()
        .set("class", "chart")
        .set("role", "group")
        .set("aria-labelledby", format!("{title_id} {description_id}"))
        .set("viewBox", format!("0 0 {WIDTH} {HEIGHT}"))
        .set("focusable", "false")
        .add(Title::new(told.title).set("id", title_id))
        .add(
            Description::new()
                .set("id", description_id)
                .add(svg::node::Text::new(told.description)),
        );
    for (value, label) in &axis.ticks {
        let y = px(scale.y(*value));
        let grid = Line::new()
            .set("class", "grid")
            .set("x1", LEFT)
            .set("x2", WIDTH - RIGHT)
            .set("y1", y.clone())
            .set("y2", y.clone());
        let text = Text::new(label.as_str())
            .set("class", "tick")
            .set("x", LEFT - 8.0)
            .set("y", y)
            .set("dy", "0.32em")
            .set("text-anchor", "end");
        chart = chart.add(grid).add(text);
    }
    let each = points.len().div_ceil(MOST_LABELS).max(1);
    for (index, point) in points.iter().enumerate().step_by(each) {
        let label = Text::new(point.label.as_str())
            .set("class", "tick")
            .set("x", px(scale.middle(index)))
            .set("y", HEIGHT - 12.0)
            .set("text-anchor", "middle");
        chart = chart.add(label);
    }
    chart
}

/// One stacked column with its numbers as its title.
fn column(id: &str, scale: &Scale, index: usize, point: &Point) -> Group {
    let width = (scale.band * 0.72).min(48.0);
    let x = scale.middle(index) - width / 2.0;
    let mut group = Group::new().add(Title::new(point.told.clone()));
    let mut below: u128 = 0;
    for (level, count) in Level::ALL.into_iter().zip(point.levels) {
        if count == 0 {
            continue;
        }
        let (low, high) = (scale.y(below), scale.y(below + count));
        below += count;
        for part in segment(id, level, x, high, width, low - high) {
            group = group.add(part);
        }
    }
    linked(point, group)
}

/// A filled rectangle, and over it the level's pattern.
fn segment(id: &str, level: Level, x: f64, y: f64, width: f64, height: f64) -> Vec<Rectangle> {
    let rectangle = || {
        Rectangle::new()
            .set("x", px(x))
            .set("y", px(y))
            .set("width", px(width))
            // What was counted is seen, however few.
            .set("height", px(height.max(1.0)))
    };
    let filled = rectangle().set("class", format!("level-{}", level.number()));
    let mut parts = vec![filled];
    if level != Level::VerySatisfied {
        let pattern = format!("url(#{id}-p{})", level.number());
        parts.push(rectangle().set("fill", pattern));
    }
    parts
}

fn linked(point: &Point, group: Group) -> Group {
    match &point.href {
        None => group,
        // Every link is in the table below, too; here it is for pointers only.
        Some(href) => Group::new().add(
            Anchor::new()
                .set("href", href.as_str())
                .set("tabindex", -1)
                .set("aria-hidden", "true")
                .add(group),
        ),
    }
}

/// Dots, lines across, slanted lines and crossed lines for the levels 4 to 1; 5 is plain.
fn patterns(id: &str) -> Definitions {
    let strokes = [
        (4, "M2 2h1v1h-1z"),
        (3, "M0 3h6"),
        (2, "M-1 7 7 -1M-1 1 1 -1M5 7 7 5"),
        (1, "M0 0 6 6M6 0 0 6"),
    ];
    strokes
        .into_iter()
        .fold(Definitions::new(), |all, (level, d)| {
            let pattern = Pattern::new()
                .set("id", format!("{id}-p{level}"))
                .set("width", 6)
                .set("height", 6)
                .set("patternUnits", "userSpaceOnUse")
                .add(Path::new().set("class", "weave").set("d", d));
            all.add(pattern)
        })
}

/// The levels' names with their colour and pattern, over the columns.
fn legend(id: &str, language: Language) -> Group {
    let mut x = LEFT;
    let mut group = Group::new().set("aria-hidden", "true");
    for level in Level::ALL {
        let name = level_name(level, language);
        for part in segment(id, level, x, 10.0, 14.0, 14.0) {
            group = group.add(part);
        }
        group = group.add(label(x + 20.0, name));
        x += 32.0 + text_width(name);
    }
    group
}

fn line_legend(names: [&str; 2]) -> Group {
    let mut x = LEFT;
    let mut group = Group::new().set("aria-hidden", "true");
    for (name, class) in names.into_iter().zip(["series", "series-before"]) {
        let sample = Line::new()
            .set("class", class)
            .set("x1", px(x))
            .set("x2", px(x + 28.0))
            .set("y1", 17)
            .set("y2", 17);
        group = group.add(sample).add(label(x + 36.0, name));
        x += 56.0 + text_width(name);
    }
    group
}

fn label(x: f64, text: &str) -> Text {
    Text::new(text)
        .set("class", "tick")
        .set("x", px(x))
        .set("y", 17)
        .set("dy", "0.32em")
}

/// About how wide a text is: Chinese characters are square, Latin letters about half of that.
fn text_width(text: &str) -> f64 {
    let width = |c: char| if c.is_ascii() { 7.0 } else { 14.0 };
    text.chars().map(width).sum()
}

/// Lines through the points that follow each other; a lone point is a short dash.
fn runs(scale: &Scale, rates: &[Option<u128>], class: &str) -> Group {
    let mut group = Group::new();
    let mut run: Vec<String> = Vec::new();
    let place = |(index, rate): (usize, &Option<u128>)| {
        rate.map(|rate| format!("{},{}", px(scale.middle(index)), px(scale.y(rate))))
    };
    for place in rates.iter().enumerate().map(place).chain([None]) {
        match place {
            Some(place) => run.push(place),
            None if run.is_empty() => {}
            None => {
                let line = Polyline::new()
                    .set("class", class)
                    .set("points", run.join(" "));
                group = group.add(line);
                run.clear();
            }
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Vec<Point> {
        let point = |label: &str, levels, rate| Point {
            label: label.to_owned(),
            told: format!("{label} <told>"),
            href: Some(format!("/office?from={label}&to={label}")),
            levels,
            rate,
        };
        vec![
            point("3/9", [40, 5, 3, 2, 1], Some(9_412)),
            point("3/10", [0; 5], None),
            point("3/11", [100, 0, 0, 0, 0], Some(10_000)),
        ]
    }

    const TOLD: Told<'_> = Told {
        id: "levels",
        title: "评价数",
        description: "每日 & 五级",
    };

    #[test]
    fn columns_are_drawn_with_classes_patterns_and_words() {
        insta::assert_snapshot!(columns(TOLD, &points(), Language::Chinese));
    }

    #[test]
    fn a_line_breaks_where_there_is_nothing_to_rate() {
        let drawn = line(
            TOLD,
            &points(),
            &[Some(9_000), Some(9_100), None],
            ["本期", "上期"],
        );
        assert_eq!(
            drawn.matches("class=\"series\" points").count(),
            2,
            "{drawn}"
        );
        assert_eq!(
            drawn.matches("class=\"series-before\" points").count(),
            1,
            "{drawn}"
        );
        insta::assert_snapshot!(drawn);
    }

    #[test]
    fn a_chart_carries_neither_style_nor_colour_nor_markup_of_its_words() {
        let drawn = columns(TOLD, &points(), Language::English)
            + &line(TOLD, &points(), &[], ["now", "before"]);
        for forbidden in ["style=", "#0", "rgb(", "<told>", "fill=\"red"] {
            assert!(!drawn.contains(forbidden), "{forbidden} in {drawn}");
        }
        assert!(drawn.contains("&lt;told&gt;") && drawn.contains("每日 &amp; 五级"));
    }
}
