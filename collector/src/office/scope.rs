//! What a page of figures is about: which halls, which days, which filters. All of it is in the
//! address, so whoever is sent the address sees the same.

mod period;
mod words;

use axum::http::Uri;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use manyi_shared::domain::{Channel, DepartmentId, WindowId};

use super::error::PageError;
use super::language::Language;
use super::query::Pairs;
use super::session::Person;
use crate::access::{Access, Permission, Place, Refused, Scope as Held};
use crate::api::ScoreRequest;
use crate::app::AppState;
use crate::problem::{Problem, ProblemType};
use crate::store::scores::{Column, Names};
use crate::store::{HallSummary, StoreError};
pub(super) use period::{Period, PeriodFault, Preset, Unit};
pub(super) use words::ScopeWords;

/// The filters of an address, in the order in which they are shown.
const FILTERS: [Column; 5] = [
    Column::Department,
    Column::Window,
    Column::Staff,
    Column::Item,
    Column::Channel,
];

/// How an address says "the prompt named none".
pub(super) const NONE: &str = "-";

/// Place, days and filters of a page.
#[derive(Debug)]
pub(super) struct Scope {
    /// The halls that may be seen.
    pub(super) halls: Vec<HallSummary>,
    /// The one hall that is looked at; none: several together.
    pub(super) hall: Option<HallSummary>,
    pub(super) zone: TimeZone,
    pub(super) today: Date,
    pub(super) now: Timestamp,
    pub(super) period: Period,
    pub(super) language: Language,
    /// What the address says besides the period: place and filters.
    place: Pairs,
    /// What the address says beyond the scope.
    pub(super) rest: Pairs,
    path: String,
}

/// One filter that is set.
#[derive(Debug)]
pub(super) struct Chip {
    pub(super) kind: &'static str,
    pub(super) value: String,
    /// The page without it.
    pub(super) without: String,
}

/// One choice among links.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) name: String,
    pub(super) href: String,
    pub(super) current: bool,
}

/// The scope as a page shows and changes it.
#[derive(Debug)]
pub(super) struct ScopeView {
    pub(super) words: &'static ScopeWords,
    pub(super) place: String,
    pub(super) period: String,
    pub(super) zone: String,
    pub(super) presets: Vec<Choice>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) first: String,
    pub(super) last: String,
    /// Where the form with the two dates goes, and what it sends along.
    pub(super) action: String,
    pub(super) kept: Vec<(String, String)>,
    pub(super) chips: Vec<Chip>,
    /// The address of the page, for saving it.
    pub(super) here: String,
}

/// An address that names no scope.
#[derive(Debug)]
pub(super) enum ScopeFault {
    Period(PeriodFault),
    Problem(Problem),
}

impl From<Problem> for ScopeFault {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Refused> for ScopeFault {
    fn from(refused: Refused) -> Self {
        Self::Problem(refused.into())
    }
}

impl From<StoreError> for ScopeFault {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}

impl Scope {
    /// Reads an address for a person who may see scores somewhere. With one hall, that hall is meant
    /// without being named.
    ///
    /// # Errors
    /// A page that says what is wrong with the address, or that there is nothing to see there.
    pub(super) async fn open(
        state: &AppState,
        person: &Person,
        language: Language,
        uri: &Uri,
        default: Preset,
    ) -> Result<Self, PageError> {
        let read = async {
            person.access.require_somewhere(Permission::SeeScores)?;
            let halls = state.store.halls().await?;
            let now = state.clock.now_ms();
            let now = Timestamp::from_millisecond(now).map_err(|_| Problem::internal())?;
            Self::of(halls, now, &person.access, language, uri, default)
        };
        let words = ScopeWords::of(language);
        read.await.map_err(|fault: ScopeFault| match fault {
            ScopeFault::Problem(problem) => PageError::new(problem, language).at(uri),
            ScopeFault::Period(fault) => PageError::new(fault.problem(), language)
                .at(uri)
                .saying(words.bad_range, words.advice(fault)),
        })
    }

    /// The same of halls that were read already.
    pub(super) fn of(
        halls: Vec<HallSummary>,
        now: Timestamp,
        access: &Access,
        language: Language,
        uri: &Uri,
        default: Preset,
    ) -> Result<Self, ScopeFault> {
        let pairs = Pairs::of(uri).without("lang");
        let (halls, hall, pairs) = allowed(halls, access, pairs)?;
        let name = hall
            .as_ref()
            .or(halls.first())
            .map(|hall| hall.time_zone.as_str());
        let zone = match name {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|error| {
                tracing::error!(zone = name, %error, "the hall's time zone is not known to this machine");
                Problem::internal()
            })?,
        };
        let today = now.to_zoned(zone.clone()).date();
        let period = Period::read(&pairs, today, default).map_err(ScopeFault::Period)?;
        let mut names = vec!["hall", "region", "tag", "without_marked"];
        names.extend(FILTERS.map(name_of));
        let mut rest = pairs.clone().without("range").without("from").without("to");
        for name in &names {
            rest = rest.without(name);
        }
        Ok(Self {
            hall,
            zone,
            today,
            now,
            period,
            language,
            place: pairs.only(&names),
            rest,
            path: uri.path().to_owned(),
            halls,
        })
    }

    /// The same of this hall.
    pub(super) fn of_hall(self, hall: HallSummary) -> Self {
        Self {
            place: self.place.with("hall", hall.id.as_str()),
            hall: Some(hall),
            ..self
        }
    }

    /// The question to the counts, split by these dimensions.
    pub(super) fn ask(&self, group: &str) -> Result<ScoreRequest, Problem> {
        self.ask_of(&self.period, group)
    }

    /// The same of another period.
    pub(super) fn ask_of(&self, period: &Period, group: &str) -> Result<ScoreRequest, Problem> {
        let query = self.query(period, group).query();
        ScoreRequest::parse(&query, &self.halls, self.now)
    }

    /// The question as the API takes it.
    fn query(&self, period: &Period, group: &str) -> Pairs {
        self.place
            .clone()
            .with("from", period.first.to_string())
            .with("to", period.last.to_string())
            .with("tz", self.zone.iana_name().unwrap_or("UTC"))
            .with("group", group)
    }

    /// The same answer as files: name and address of each.
    pub(super) fn files(&self, group: &str) -> Vec<(&'static str, String)> {
        let query = self.query(&self.period, group);
        let file = |(name, path)| (name, query.href(path));
        let files = [
            ("CSV", "/api/v1/scores.csv"),
            ("XLSX", "/api/v1/scores.xlsx"),
        ];
        files.map(file).into()
    }

    /// Whether the page is about all of one hall, or of all halls.
    pub(super) fn is_whole(&self) -> bool {
        self.place.clone().without("hall").into_pairs().is_empty()
    }

    /// Whether the page is about one filter's value, such as one window.
    pub(super) fn filter(&self, column: Column) -> Option<&str> {
        self.place.get(name_of(column))
    }

    /// The scope's part of an address.
    pub(super) fn pairs(&self) -> Pairs {
        self.period.put(self.place.clone())
    }

    /// Another page about the same.
    pub(super) fn link(&self, path: &str) -> String {
        self.pairs().href(path)
    }

    /// Another page about a part: of this column only this value.
    pub(super) fn deeper(&self, path: &str, column: Column, value: &str) -> String {
        let value = if value.is_empty() { NONE } else { value };
        let place = self.place.clone();
        let place = match column {
            Column::Hall => place.led_by(name_of(column), value),
            _ => place.with(name_of(column), value),
        };
        self.period.put(place).href(path)
    }

    /// Another page about other days.
    pub(super) fn other_days(&self, path: &str, period: &Period) -> String {
        period.put(self.place.clone()).href(path)
    }

    /// This page with one more or another thing said beyond the scope.
    pub(super) fn same_page(&self, name: &str, value: &str) -> String {
        let pairs = self.pairs().into_pairs().into_iter();
        let pairs = pairs.chain(self.rest.clone().into_pairs()).collect();
        Pairs::from_pairs(pairs).with(name, value).href(&self.path)
    }

    /// Everything that a page shows of its scope.
    pub(super) fn view(&self, names: &ScopeNames) -> ScopeView {
        let words = ScopeWords::of(self.language);
        let days = |period: &Period| {
            let pairs = period.put(self.place.clone()).into_pairs().into_iter();
            let pairs = pairs.chain(self.rest.clone().into_pairs()).collect();
            Pairs::from_pairs(pairs).href(&self.path)
        };
        let preset = |preset: Preset| {
            Period::named(preset, self.today).map(|period| Choice {
                name: words.preset(preset).to_owned(),
                href: days(&period),
                current: (period.first, period.last) == (self.period.first, self.period.last),
            })
        };
        let kept = self.place.clone().into_pairs().into_iter();
        ScopeView {
            words,
            place: self.place_name(words),
            period: self.period.text(self.language),
            zone: self.zone.iana_name().unwrap_or("UTC").to_owned(),
            presets: Preset::ALL.into_iter().filter_map(preset).collect(),
            before: self.period.before().map(|period| days(&period)),
            after: self
                .period
                .after()
                .filter(|period| period.first <= self.today)
                .map(|period| days(&period)),
            first: self.period.first.to_string(),
            last: self.period.last.to_string(),
            here: days(&self.period),
            action: self.path.clone(),
            kept: kept.chain(self.rest.clone().into_pairs()).collect(),
            chips: FILTERS
                .into_iter()
                .filter_map(|column| self.chip(column, names))
                .collect(),
        }
    }

    fn place_name(&self, words: &ScopeWords) -> String {
        match (&self.hall, self.place.get("region")) {
            (Some(hall), _) => hall.name.clone(),
            (None, Some(region)) => format!("{} {region}", words.region),
            (None, None) => words.all_halls.to_owned(),
        }
    }

    fn chip(&self, column: Column, names: &ScopeNames) -> Option<Chip> {
        let value = self.filter(column)?;
        let words = ScopeWords::of(self.language);
        let pairs = self.period.put(self.place.clone().without(name_of(column)));
        Some(Chip {
            kind: column_name(column, words),
            value: self.value_name(column, if value == NONE { "" } else { value }, names),
            without: pairs.href(&self.path),
        })
    }

    /// What an id is called.
    pub(super) fn value_name(&self, column: Column, id: &str, names: &ScopeNames) -> String {
        let words = ScopeWords::of(self.language);
        match (column, id) {
            (Column::Staff, "") => words.nobody.to_owned(),
            (Column::Item, "") => words.no_item.to_owned(),
            (Column::Channel, name) => {
                let mut channels = Channel::ALL.into_iter();
                let channel = channels.find(|channel| channel.name() == name);
                channel.map_or_else(
                    || name.to_owned(),
                    |c| channel_name(c, self.language).to_owned(),
                )
            }
            (Column::Hall, id) => {
                let hall = self.halls.iter().find(|hall| hall.id.as_str() == id);
                hall.map_or_else(|| id.to_owned(), |hall| hall.name.clone())
            }
            (_, id) => {
                let hall = self.hall.as_ref().map_or("", |hall| hall.id.as_str());
                let key = (hall.to_owned(), id.to_owned());
                let known = names.0.iter().filter(|(known, _)| *known == column);
                let name = known.filter_map(|(_, names)| names.get(&key)).next();
                match name {
                    // The number over the window, so that ten windows of one name are told apart.
                    Some(name) if column == Column::Window && !name.starts_with(id) => {
                        format!("{id} {name}")
                    }
                    Some(name) => name.clone(),
                    None => id.to_owned(),
                }
            }
        }
    }
}

/// Takes away what may not be seen: whole halls first; of a hall that may be seen in part only these
/// departments or windows, and only by itself, so that nothing of it is added to other halls.
fn allowed(
    halls: Vec<HallSummary>,
    access: &Access,
    pairs: Pairs,
) -> Result<(Vec<HallSummary>, Option<HallSummary>, Pairs), Problem> {
    let shown = |hall: &HallSummary| access.scope(Permission::SeeScores, &hall.id);
    let halls: Vec<HallSummary> = halls
        .into_iter()
        .filter(|hall| shown(hall) != Held::Nothing)
        .collect();
    let hall = match (pairs.get("hall"), halls.as_slice()) {
        (None, [only]) => Some(only.clone()),
        (None, several) => several
            .iter()
            .find(|hall| shown(hall) != Held::Whole)
            .cloned(),
        (Some(id), _) => {
            let hall = halls.iter().find(|hall| hall.id.as_str() == id);
            Some(hall.ok_or_else(Problem::not_found)?.clone())
        }
    };
    let Some(hall) = hall else {
        return Ok((halls, None, pairs));
    };
    if pairs.get("staff").is_some() {
        access.require(Permission::SeeClerks, &Place::Hall(hall.id.clone()))?;
    }
    let pairs = match shown(&hall) {
        Held::Parts {
            departments,
            windows,
        } => {
            let ids = |of: Vec<&str>| of.into_iter().map(str::to_owned).collect();
            let (name, ids): (_, Vec<String>) = if departments.is_empty() {
                (
                    "window",
                    ids(windows.iter().map(WindowId::as_str).collect()),
                )
            } else {
                (
                    "department",
                    ids(departments.iter().map(DepartmentId::as_str).collect()),
                )
            };
            match pairs.get(name) {
                Some(asked) if asked.split(',').all(|id| ids.iter().any(|own| own == id)) => pairs,
                Some(_) => return Err(Problem::not_found()),
                None => pairs.with(name, ids.join(",")),
            }
        }
        Held::Whole | Held::Nothing => pairs,
    };
    let pairs = pairs.led_by("hall", hall.id.as_str());
    Ok((halls, Some(hall), pairs))
}

/// The names behind the ids of some columns.
#[derive(Debug, Default)]
pub(super) struct ScopeNames(Vec<(Column, Names)>);

impl ScopeNames {
    /// The names that a scope's filters and these columns need.
    pub(super) async fn load(
        state: &AppState,
        scope: &Scope,
        columns: &[Column],
    ) -> Result<Self, Problem> {
        let mut loaded = Vec::new();
        for column in FILTERS {
            if columns.contains(&column) || scope.filter(column).is_some() {
                loaded.push((column, state.store.names(column).await?));
            }
        }
        Ok(Self(loaded))
    }
}

/// The name of a filter in addresses.
pub(super) const fn name_of(column: Column) -> &'static str {
    column.name()
}

/// What a column is called.
pub(super) const fn column_name(column: Column, words: &ScopeWords) -> &'static str {
    match column {
        Column::Region => words.region,
        Column::Hall => words.hall,
        Column::Department => words.department,
        Column::Window => words.window,
        Column::Staff => words.staff,
        Column::Item => words.item,
        Column::Channel => words.channel,
        _ => "",
    }
}

/// What a channel is called.
pub(super) const fn channel_name(channel: Channel, language: Language) -> &'static str {
    match (channel, language) {
        (Channel::Web, Language::Chinese) => "网站",
        (Channel::Web, Language::English) => "Web",
        (Channel::Mobile, Language::Chinese) => "移动端",
        (Channel::Mobile, Language::English) => "Mobile",
        (Channel::QrCode, Language::Chinese) => "二维码",
        (Channel::QrCode, Language::English) => "QR code",
        (Channel::Tablet, Language::Chinese) => "平板评价器",
        (Channel::Tablet, Language::English) => "Tablet",
        (Channel::SelfService, Language::Chinese) => "自助终端",
        (Channel::SelfService, Language::English) => "Self-service",
        (Channel::Phone, Language::Chinese) => "电话",
        (Channel::Phone, Language::English) => "Telephone",
        (Channel::Sms, Language::Chinese) => "短信",
        (Channel::Sms, Language::English) => "SMS",
    }
}

impl PeriodFault {
    /// The problem, for answers without a page of their own.
    pub(super) fn problem(self) -> Problem {
        let detail = match self {
            Self::Unreadable => "`range`, `from` or `to` cannot be read",
            Self::Backwards => "`from` must not be after `to`",
        };
        Problem::new(ProblemType::Malformed, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Grant, Role, Tree, Who};

    fn hall(id: &str) -> HallSummary {
        HallSummary {
            id: id.parse().unwrap(),
            name: format!("大厅 {id}"),
            region_code: "371581".to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            windows: Vec::new(),
        }
    }

    fn scope(grants: Vec<Grant>, query: &str) -> Result<Scope, ScopeFault> {
        let access = Access::new(Who::User("li".to_owned()), grants, Tree::default());
        let uri: Uri = format!("/office?{query}").parse().unwrap();
        let now = "2026-03-09T04:00:00Z".parse().unwrap();
        let halls = vec![hall("H1"), hall("H2"), hall("H3")];
        Scope::of(halls, now, &access, Language::Chinese, &uri, Preset::Today)
    }

    fn handler(hall: &str, department: &str) -> Grant {
        let place = Place::Department(hall.parse().unwrap(), department.parse().unwrap());
        Grant::role(Role::DepartmentHandler, place)
    }

    #[test]
    fn whoever_handles_a_department_sees_that_department_only() {
        let scope = scope(vec![handler("H1", "D1")], "").unwrap();
        assert_eq!(scope.pairs().query(), "hall=H1&department=D1&range=today");
        assert_eq!(scope.halls.len(), 1);
        assert!(!scope.is_whole());
    }

    #[rstest::rstest]
    #[case::other_department("department=D2")]
    #[case::more_than_that("department=D1,D2")]
    #[case::other_hall("hall=H2")]
    fn what_nobody_granted_is_not_found(#[case] query: &str) {
        match scope(vec![handler("H1", "D1")], query) {
            Err(ScopeFault::Problem(problem)) => assert_eq!(problem.kind(), ProblemType::NotFound),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn clerks_are_for_those_who_may_see_them() {
        match scope(vec![handler("H1", "D1")], "staff=S1") {
            Err(ScopeFault::Problem(problem)) => assert_eq!(problem.kind(), ProblemType::Forbidden),
            other => panic!("{other:?}"),
        }
        let manager = Grant::role(Role::HallManager, Place::Hall("H1".parse().unwrap()));
        assert!(scope(vec![manager], "staff=S1").is_ok());
    }

    #[test]
    fn a_hall_seen_in_part_is_never_added_to_others() {
        let office = Grant::role(Role::Office, Place::Hall("H2".parse().unwrap()));
        let scope = scope(vec![office, handler("H1", "D1")], "").unwrap();
        assert_eq!(scope.hall.as_ref().map(|hall| hall.id.as_str()), Some("H1"));
        let request = scope.ask("window").unwrap();
        assert_eq!(request.halls.len(), 1);
    }
}
