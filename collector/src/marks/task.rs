//! Looks at new records soon after they came, and at any range when asked.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use manyi_shared::domain::{HallId, Level};

use super::seen::Share;
use super::{Rules, Usual, find};
use crate::app::AppState;
use crate::store::marks::{Kept, NewMarks};
use crate::store::scores::{Column, SLOT_SECONDS, Tally, TallyQuery, Value};
use crate::store::{HallSummary, Store, StoreError};

/// How often a running collector looks for new records.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What is usual at a window is told by so many days before the day that is looked at.
const USUAL_DAYS: i64 = 90;

const SLOT_MS: i64 = SLOT_SECONDS * 1000;

/// Windows and clerks of a hall; far more than any has.
const MAX_GROUPS: usize = 100_000;

/// Marks what comes while the collector serves. Never returns; may be dropped anywhere: what was
/// looked at and not noted is looked at again, and gives the same marks.
pub async fn marking(state: AppState, rules: Rules) {
    loop {
        let store = state.store.as_ref();
        if let Err(error) = look_at_all(store, &rules, state.clock.now_ms()).await {
            tracing::error!(
                error = &error as &dyn Error,
                "could not look for odd ratings"
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn look_at_all(store: &dyn Store, rules: &Rules, now_ms: i64) -> Result<(), StoreError> {
    for hall in store.halls().await? {
        let kept = look(store, &hall, rules, now_ms).await?;
        if kept != Kept::default() {
            let (opened, lapsed) = (kept.opened, kept.lapsed);
            tracing::info!(hall = %hall.id, opened, lapsed, "looked for odd ratings");
        }
    }
    Ok(())
}

/// Looks at every day of a hall that got records since the last look.
///
/// # Errors
/// [`StoreError`]; days that were done before it stay done.
pub async fn look(
    store: &dyn Store,
    hall: &HallSummary,
    rules: &Rules,
    now_ms: i64,
) -> Result<Kept, StoreError> {
    let Some(new) = store.unmarked(hall.id.clone(), now_ms).await? else {
        return Ok(Kept::default());
    };
    let kept = mark_range(store, hall, rules, new.range, now_ms).await?;
    let moved = NewMarks {
        hall: hall.id.clone(),
        range: 0..0,
        found: Vec::new(),
        version: rules.version,
        watermark: Some(new.watermark),
        now_ms,
    };
    store.keep_marks(moved).await?;
    Ok(kept)
}

/// Looks at every day of a hall that a range of milliseconds since 1970 touches.
///
/// # Errors
/// [`StoreError`]; days that were done before it stay done.
pub async fn mark_range(
    store: &dyn Store,
    hall: &HallSummary,
    rules: &Rules,
    range: Range<i64>,
    now_ms: i64,
) -> Result<Kept, StoreError> {
    let mut sum = Kept::default();
    if range.is_empty() {
        return Ok(sum);
    }
    let zone = TimeZone::get(&hall.time_zone).unwrap_or(TimeZone::UTC);
    let date = |ms: i64| Timestamp::from_millisecond(ms).map(|at| at.to_zoned(zone.clone()).date());
    let (Ok(mut day), Ok(last)) = (date(range.start), date(range.end - 1)) else {
        return Ok(sum);
    };
    while day <= last {
        let Some(span) = span_of(day, &zone) else {
            break;
        };
        let seen = store.seen(hall.id.clone(), span.clone()).await?;
        // A day without ratings may still have marks of ratings that were placed elsewhere since.
        let usual = match seen.is_empty() {
            true => Usual::default(),
            false => usual(store, &hall.id, span.start).await?,
        };
        let kept = store
            .keep_marks(NewMarks {
                hall: hall.id.clone(),
                range: span,
                found: find(&seen, &usual, rules),
                version: rules.version,
                watermark: None,
                now_ms,
            })
            .await?;
        sum.opened += kept.opened;
        sum.lapsed += kept.lapsed;
        let Ok(next) = day.tomorrow() else {
            break;
        };
        day = next;
    }
    Ok(sum)
}

/// The milliseconds of a day in a zone.
fn span_of(day: Date, zone: &TimeZone) -> Option<Range<i64>> {
    let start = |day: Date| {
        let at = day.to_zoned(zone.clone()).and_then(|at| at.start_of_day());
        at.ok().map(|at| at.timestamp().as_millisecond())
    };
    Some(start(day)?..start(day.tomorrow().ok()?)?)
}

/// What is usual in a hall before a moment, from the same counts as every score.
async fn usual(store: &dyn Store, hall: &HallId, until_ms: i64) -> Result<Usual, StoreError> {
    let until = until_ms.div_euclid(SLOT_MS);
    let query = |split: &[Column], item: Option<&str>| {
        let hall = (Column::Hall, Value::Text(hall.to_string()));
        let item = item.map(|item| (Column::Item, Value::Text(item.to_owned())));
        TallyQuery {
            slots: until - USUAL_DAYS * 86_400 / SLOT_SECONDS..until,
            filters: std::iter::once(hall).chain(item).collect(),
            split: split.to_vec(),
            buckets: Vec::new(),
            max_groups: MAX_GROUPS,
        }
    };
    let text = |values: &[Value], at: usize| match values.get(at) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let mut usual = Usual::default();
    let count = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
    if let Tally::Groups(groups) = store
        .tally(query(&[Column::Window, Column::Staff], None))
        .await?
    {
        for ((_, values), counts) in &groups {
            let share = Share {
                part: count(counts.level(Level::VerySatisfied)),
                of: count(counts.rated()),
            };
            let key = (text(values, 0), text(values, 1));
            let matter = usual.matter.entry(key.0.clone()).or_default();
            matter.of += share.of;
            matter.part += share.of;
            usual.top.insert(key, share);
        }
    }
    let without: BTreeMap<String, u64> =
        match store.tally(query(&[Column::Window], Some(""))).await? {
            Tally::Groups(groups) => groups
                .iter()
                .map(|((_, values), counts)| (text(values, 0), count(counts.rated())))
                .collect(),
            Tally::TooMany => BTreeMap::new(),
        };
    for (window, n) in without {
        if let Some(matter) = usual.matter.get_mut(&window) {
            matter.part = matter.part.saturating_sub(n);
        }
    }
    Ok(usual)
}
