//! The query of figures, read and checked: `/api/v1/scores`, what stands beside it, pages and
//! exports all ask through [`ScoreRequest::parse`].

use jiff::Timestamp;
use jiff::tz::TimeZone;
use manyi_shared::domain::HallId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::filters;
use super::query::ScoreQuery;
use super::range::{Fault, Range, Step};
use crate::problem::{Problem, ProblemType};
use crate::score::{MAX_DIGITS, Rounding, RoundingMode};
use crate::store::HallSummary;
use crate::store::scores::{Column, Value};

/// How many dimensions may be crossed.
const MAX_CROSSED: usize = 3;

/// What counts can be grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// A column of the tally, or one that follows from it.
    Column(Column),
    /// Pieces of time.
    Time(Step),
}

impl Dimension {
    /// Every dimension, in the order in which they are told.
    pub const ALL: [Self; 15] = [
        Self::Column(Column::Region),
        Self::Column(Column::Hall),
        Self::Column(Column::Window),
        Self::Column(Column::Staff),
        Self::Column(Column::Item),
        Self::Column(Column::Department),
        Self::Column(Column::Level),
        Self::Column(Column::Channel),
        Self::Column(Column::Outcome),
        Self::Time(Step::Hour),
        Self::Time(Step::Day),
        Self::Time(Step::Week),
        Self::Time(Step::Month),
        Self::Time(Step::Quarter),
        Self::Time(Step::Year),
    ];

    /// The name in queries and keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Column(column) => column.name(),
            Self::Time(step) => step.name(),
        }
    }

    /// The dimension with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.name() == name)
    }
}

/// The query as written. Parameters that are not listed are refused.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ScoreParams {
    /// Start: a date (`2026-01-05`, its midnight in `tz`) or an RFC 3339 instant on a quarter of an
    /// hour. Default: today.
    #[param(example = "2026-01-05")]
    from: Option<String>,
    /// End: a date (inclusive) or an RFC 3339 instant (exclusive). Default: today, inclusive.
    #[param(example = "2026-01-31")]
    to: Option<String>,
    /// IANA time zone of dates, days and hours. Default: the hall's.
    #[param(example = "Asia/Shanghai")]
    tz: Option<String>,
    /// Up to three of `region`, `hall`, `window`, `staff`, `item`, `department`, `level`, `channel`,
    /// `outcome` and one of `hour`, `day`, `week` (ISO, from Monday), `month`, `quarter`, `year`,
    /// with commas. Groups without any count are left out.
    #[param(example = "window,level")]
    group: Option<String>,
    /// `half_up` (default) or `truncate`.
    #[param(example = "half_up")]
    rounding: Option<String>,
    /// Digits after the point, 0 to 9. Default: 2.
    #[param(example = 2)]
    digits: Option<String>,
    /// Only halls in these administrative regions: codes of 2, 4, 6 or 9 digits with commas; zeros at
    /// the end count as not there, so `371500` is all of 3715.
    #[param(example = "3715")]
    region: Option<String>,
    /// Only these halls, with commas. Default: all; with one hall, that one.
    hall: Option<String>,
    /// Only these windows, with commas; needs one `hall` when there are several.
    #[param(example = "A01,A02")]
    window: Option<String>,
    /// Only these departments, with commas; needs one `hall` when there are several.
    department: Option<String>,
    /// Only these clerks, with commas; `-` for prompts that named none. Needs one `hall` when there
    /// are several.
    staff: Option<String>,
    /// Only these service items, with commas; `-` for prompts that named none. Needs one `hall` when
    /// there are several.
    item: Option<String>,
    /// Only these channels, with commas: `web`, `mobile`, `qr_code`, `tablet`, `self_service`, `phone`
    /// or `sms`.
    channel: Option<String>,
    /// `true`: without ratings that carry a mark which is open or confirmed. Not by region or tag.
    without_marked: Option<String>,
}

/// A checked request for scores.
#[derive(Debug, Clone)]
pub struct ScoreRequest {
    /// The one hall, if only one is asked for.
    pub hall: Option<HallId>,
    /// Every hall that is counted, by id.
    pub halls: Vec<HallPlace>,
    /// When.
    pub range: Range,
    /// Only rows with these values, the hall's not included; of several values of a column, any.
    pub filters: Vec<(Column, Value)>,
    /// How the counts are split.
    pub group: Vec<Dimension>,
    /// How values are rounded.
    pub rounding: Rounding,
    /// Without ratings that carry a mark which is open or confirmed.
    pub without_marked: bool,
    pub(super) asked: ScoreQuery,
}

/// Where a hall is, in space and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HallPlace {
    /// The hall.
    pub id: HallId,
    /// Its administrative region.
    pub region_code: String,
    /// IANA name of its time zone.
    pub time_zone: String,
}

impl From<&HallSummary> for HallPlace {
    fn from(hall: &HallSummary) -> Self {
        Self {
            id: hall.id.clone(),
            region_code: hall.region_code.clone(),
            time_zone: hall.time_zone.clone(),
        }
    }
}

impl ScoreRequest {
    /// Reads a query string. Only `halls` can be asked for: whoever may see some halls only gives
    /// these.
    ///
    /// # Errors
    /// A problem that names the parameter, its value and what is allowed.
    pub fn parse(query: &str, halls: &[HallSummary], now: Timestamp) -> Result<Self, Problem> {
        let params: ScoreParams = serde_urlencoded::from_str(query.trim_start_matches('?'))
            .map_err(|error| malformed(format!("the query cannot be read: {error}")))?;
        let mut request = params.check(halls, now)?;
        request.asked = ScoreQuery::read(query);
        Ok(request)
    }

    /// Today in a hall, grouped by window: what the office page shows.
    ///
    /// # Errors
    /// A problem when the hall's time zone is not known to this machine.
    pub fn today_by_window(hall: &HallSummary, now: Timestamp) -> Result<Self, Problem> {
        let asked = ScoreQuery::default()
            .set("hall", hall.id.as_str())
            .set("group", Column::Window.name());
        Ok(Self {
            hall: Some(hall.id.clone()),
            halls: vec![hall.into()],
            range: Range::today(now, zone(&hall.time_zone)?)?,
            filters: Vec::new(),
            group: vec![Dimension::Column(Column::Window)],
            rounding: Rounding::default(),
            without_marked: false,
            asked,
        })
    }

    /// The query that asks for the same, in its one way of writing: for links that can be shared.
    /// Without `from` it asks for today, whenever it is read.
    #[must_use]
    pub const fn query(&self) -> &ScoreQuery {
        &self.asked
    }

    /// The query with one filter more: of this column only this value.
    #[must_use]
    pub fn with(&self, column: Column, value: &Value) -> ScoreQuery {
        let query = self.asked.clone();
        query.set(column.name(), &filters::written(column, value))
    }
}

impl ScoreParams {
    /// Checks every parameter against the halls there are.
    pub(super) fn check(
        self,
        halls: &[HallSummary],
        now: Timestamp,
    ) -> Result<ScoreRequest, Problem> {
        let counted = filters::halls(self.region.as_deref(), self.hall.as_deref(), halls)?;
        let hall = match counted.as_slice() {
            [only] => Some(only.id.clone()),
            _ => None,
        };
        let group = self.group()?;
        let filters = self.filters()?;
        if hall.is_none() && !group.contains(&Dimension::Column(Column::Hall)) {
            one_hall_needed(&group, &filters)?;
        }
        let zone = self.zone(&counted)?;
        Ok(ScoreRequest {
            hall,
            halls: counted.into_iter().map(HallPlace::from).collect(),
            range: Range::parse(self.from.as_deref(), self.to.as_deref(), now, zone)?,
            filters,
            group,
            rounding: self.rounding()?,
            without_marked: self.without_marked()?,
            asked: ScoreQuery::default(),
        })
    }

    fn zone(&self, halls: &[&HallSummary]) -> Result<TimeZone, Problem> {
        if let Some(name) = &self.tz {
            let allowed = "an IANA time zone such as Asia/Shanghai";
            return TimeZone::get(name).map_err(|_| wrong("tz", name, allowed));
        }
        match halls {
            [] => Ok(TimeZone::UTC),
            [first, rest @ ..] if rest.iter().all(|h| h.time_zone == first.time_zone) => {
                zone(&first.time_zone)
            }
            _ => Err(malformed(
                "`tz` is missing: the halls are in several time zones",
            )),
        }
    }

    fn group(&self) -> Result<Vec<Dimension>, Problem> {
        let mut group = Vec::new();
        for name in self.group.iter().flat_map(|group| group.split(',')) {
            let known = || Dimension::ALL.map(Dimension::name).join(", ");
            let dimension = Dimension::from_name(name).ok_or_else(|| {
                wrong(
                    "group",
                    name,
                    &format!("up to {MAX_CROSSED} of: {}", known()),
                )
            })?;
            if group.contains(&dimension) {
                return Err(malformed(format!("`group` names `{name}` twice")));
            }
            group.push(dimension);
        }
        if group.len() > MAX_CROSSED {
            return Err(malformed(format!(
                "`group` names {} dimensions; up to {MAX_CROSSED} are crossed",
                group.len()
            )));
        }
        let mut steps = group.iter().filter(|d| matches!(d, Dimension::Time(_)));
        if let (Some(one), Some(other)) = (steps.next(), steps.next()) {
            return Err(malformed(format!(
                "`group` names both `{}` and `{}`; the key of the shorter already names its day",
                one.name(),
                other.name()
            )));
        }
        Ok(group)
    }

    fn filters(&self) -> Result<Vec<(Column, Value)>, Problem> {
        let lists = [
            (Column::Window, &self.window),
            (Column::Department, &self.department),
            (Column::Staff, &self.staff),
            (Column::Item, &self.item),
            (Column::Channel, &self.channel),
        ];
        let mut read = Vec::new();
        for (column, list) in lists {
            if let Some(list) = list {
                read.extend(filters::values(column, list)?);
            }
        }
        Ok(read)
    }

    fn without_marked(&self) -> Result<bool, Problem> {
        match self.without_marked.as_deref() {
            None | Some("" | "false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(wrong("without_marked", other, "true or false")),
        }
    }

    fn rounding(&self) -> Result<Rounding, Problem> {
        let default = Rounding::default();
        let mode = match self.rounding.as_deref() {
            None => default.mode(),
            Some(name) => {
                let known = RoundingMode::ALL.map(RoundingMode::name).join(" or ");
                RoundingMode::from_name(name).ok_or_else(|| wrong("rounding", name, &known))?
            }
        };
        let digits = self.digits.as_deref();
        let rounding = digits.map_or(Some(default.digits()), |text| text.parse().ok());
        let rounding = rounding.and_then(|digits| Rounding::new(mode, digits));
        rounding.ok_or_else(|| {
            wrong(
                "digits",
                digits.unwrap_or_default(),
                &format!("0 to {MAX_DIGITS}"),
            )
        })
    }
}

/// Ids are unique inside their hall only: two halls' window A01 must not be added up.
fn one_hall_needed(group: &[Dimension], filters: &[(Column, Value)]) -> Result<(), Problem> {
    let local = [
        Column::Window,
        Column::Department,
        Column::Staff,
        Column::Item,
    ];
    let is_local = |column: Column| local.contains(&column);
    let grouped = group
        .iter()
        .any(|d| matches!(d, Dimension::Column(column) if is_local(*column)));
    if grouped || filters.iter().any(|(column, _)| is_local(*column)) {
        return Err(malformed(
            "`hall` is missing: windows, departments, clerks and items are told apart inside one hall; name \
             one, or add `hall` to `group`",
        ));
    }
    Ok(())
}

fn zone(name: &str) -> Result<TimeZone, Problem> {
    TimeZone::get(name).map_err(|error| {
        tracing::error!(zone = name, %error, "the hall's time zone is not known to this machine");
        Problem::internal()
    })
}

pub(super) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemType::Malformed, detail)
}

pub(super) fn wrong(name: &str, value: &str, allowed: &str) -> Problem {
    let shown: String = value.chars().take(40).collect();
    malformed(format!("`{name}` is `{shown}`, but must be {allowed}"))
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        malformed(fault.0)
    }
}
