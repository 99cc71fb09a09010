//! The query of `/api/v1/scores`, read and checked.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use manyi_shared::domain::{Channel, HallId};
use serde::Deserialize;
use utoipa::IntoParams;

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
    /// A column of the tally.
    Column(Column),
    /// Days or hours.
    Time(Step),
}

impl Dimension {
    const ALL: [(&'static str, Self); 10] = [
        ("hall", Self::Column(Column::Hall)),
        ("window", Self::Column(Column::Window)),
        ("staff", Self::Column(Column::Staff)),
        ("item", Self::Column(Column::Item)),
        ("department", Self::Column(Column::Department)),
        ("level", Self::Column(Column::Level)),
        ("channel", Self::Column(Column::Channel)),
        ("outcome", Self::Column(Column::Outcome)),
        ("hour", Self::Time(Step::Hour)),
        ("day", Self::Time(Step::Day)),
    ];

    /// The name in queries and keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|(_, d)| *d == self)
            .map_or("", |(name, _)| name)
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(n, _)| *n == name)
            .map(|(_, d)| d)
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
    /// Up to three of `hall`, `window`, `staff`, `item`, `department`, `level`, `channel`,
    /// `outcome`, `hour`, `day`, with commas. Groups without any count are left out.
    #[param(example = "window,level")]
    group: Option<String>,
    /// `half_up` (default) or `truncate`.
    #[param(example = "half_up")]
    rounding: Option<String>,
    /// Digits after the point, 0 to 9. Default: 2.
    #[param(example = 2)]
    digits: Option<String>,
    /// Only this hall. Default: all; with one hall, that one.
    hall: Option<String>,
    /// Only this window; needs `hall` when there are several halls.
    window: Option<String>,
    /// Only this department; needs `hall` when there are several halls.
    department: Option<String>,
    /// Only this clerk; needs `hall` when there are several halls.
    staff: Option<String>,
    /// Only this service item; needs `hall` when there are several halls.
    item: Option<String>,
    /// Only this channel: `web`, `mobile`, `qr_code`, `tablet`, `self_service`, `phone` or `sms`.
    channel: Option<String>,
}

/// A checked request for scores.
#[derive(Debug, Clone)]
pub struct ScoreRequest {
    /// The one hall, if only one is asked for.
    pub hall: Option<HallId>,
    /// When.
    pub range: Range,
    /// Only rows with these values, the hall's not included.
    pub filters: Vec<(Column, Value)>,
    /// How the counts are split.
    pub group: Vec<Dimension>,
    /// How values are rounded.
    pub rounding: Rounding,
}

impl ScoreRequest {
    /// Today in a hall, grouped by window: what the office page shows.
    ///
    /// # Errors
    /// A problem when the hall's time zone is not known to this machine.
    pub fn today_by_window(hall: &HallSummary, now: Timestamp) -> Result<Self, Problem> {
        Ok(Self {
            hall: Some(hall.id.clone()),
            range: Range::today(now, zone(&hall.time_zone)?)?,
            filters: Vec::new(),
            group: vec![Dimension::Column(Column::Window)],
            rounding: Rounding::default(),
        })
    }
}

impl ScoreParams {
    /// Checks every parameter against the halls there are.
    pub(super) fn check(
        self,
        halls: &[HallSummary],
        now: Timestamp,
    ) -> Result<ScoreRequest, Problem> {
        let hall = self.hall(halls)?;
        let group = self.group()?;
        let filters = self.filters()?;
        if hall.is_none() && !group.contains(&Dimension::Column(Column::Hall)) {
            one_hall_needed(&group, &filters)?;
        }
        let zone = self.zone(hall, halls)?;
        Ok(ScoreRequest {
            hall: hall.map(|hall| hall.id.clone()),
            range: Range::parse(self.from.as_deref(), self.to.as_deref(), now, zone)?,
            filters,
            group,
            rounding: self.rounding()?,
        })
    }

    fn hall<'a>(&self, halls: &'a [HallSummary]) -> Result<Option<&'a HallSummary>, Problem> {
        match (&self.hall, halls) {
            (None, [only]) => Ok(Some(only)),
            (None, _) => Ok(None),
            (Some(id), _) => {
                let known = || {
                    halls
                        .iter()
                        .map(|hall| hall.id.as_str())
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                let hall = halls.iter().find(|hall| hall.id.as_str() == id);
                hall.map(Some)
                    .ok_or_else(|| wrong("hall", id, &format!("one of: {}", known())))
            }
        }
    }

    fn zone(&self, hall: Option<&HallSummary>, halls: &[HallSummary]) -> Result<TimeZone, Problem> {
        if let Some(name) = &self.tz {
            let allowed = "an IANA time zone such as Asia/Shanghai";
            return TimeZone::get(name).map_err(|_| wrong("tz", name, allowed));
        }
        let first = hall.or_else(|| halls.first());
        let same =
            first.filter(|f| hall.is_some() || halls.iter().all(|h| h.time_zone == f.time_zone));
        match (same, halls) {
            (Some(hall), _) => zone(&hall.time_zone),
            (None, []) => Ok(TimeZone::UTC),
            (None, _) => Err(malformed(
                "`tz` is missing: the halls are in several time zones",
            )),
        }
    }

    fn group(&self) -> Result<Vec<Dimension>, Problem> {
        let mut group = Vec::new();
        for name in self.group.iter().flat_map(|group| group.split(',')) {
            let known = || Dimension::ALL.map(|(name, _)| name).join(", ");
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
        if group
            .iter()
            .filter(|d| matches!(d, Dimension::Time(_)))
            .count()
            > 1
        {
            return Err(malformed(
                "`group` names both `hour` and `day`; an hour's key already names its day",
            ));
        }
        Ok(group)
    }

    fn filters(&self) -> Result<Vec<(Column, Value)>, Problem> {
        let ids = [
            ("window", Column::Window, &self.window),
            ("department", Column::Department, &self.department),
            ("staff", Column::Staff, &self.staff),
            ("item", Column::Item, &self.item),
        ];
        let mut filters = Vec::new();
        for (name, column, id) in ids {
            match id.as_deref() {
                Some("") => {
                    return Err(malformed(format!(
                        "`{name}` is empty; leave it out for all"
                    )));
                }
                Some(id) => filters.push((column, Value::Text(id.to_owned()))),
                None => {}
            }
        }
        if let Some(name) = &self.channel {
            let known = || Channel::ALL.map(Channel::name).join(", ");
            let channel = Channel::ALL
                .into_iter()
                .find(|channel| channel.name() == name);
            let channel =
                channel.ok_or_else(|| wrong("channel", name, &format!("one of: {}", known())))?;
            filters.push((Column::Channel, Value::Number(channel.number().into())));
        }
        Ok(filters)
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

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemType::Malformed, detail)
}

fn wrong(name: &str, value: &str, allowed: &str) -> Problem {
    let shown: String = value.chars().take(40).collect();
    malformed(format!("`{name}` is `{shown}`, but must be {allowed}"))
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        malformed(fault.0)
    }
}
