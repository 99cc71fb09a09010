//! What several kinds have in common: times, flags, tags, and the words for a wrong value.

use crate::domain::{InvalidCode, Level, TagCode, TagSetId};

use super::{RecordError, RecordTime};

pub(super) fn value(
    field: &'static str,
    problem: &(impl std::fmt::Display + ?Sized),
) -> RecordError {
    RecordError::Value {
        field,
        problem: problem.to_string(),
    }
}

pub(super) fn code<T>(
    field: &'static str,
    new: impl FnOnce(String) -> Result<T, InvalidCode>,
    text: Option<String>,
) -> Result<Option<T>, RecordError> {
    text.map(new)
        .transpose()
        .map_err(|error| value(field, &error))
}

/// Absent means "no": the flag costs two bytes only when it says something.
pub(super) fn flag(set: bool) -> Option<bool> {
    set.then_some(true)
}

pub(super) fn step(ms: i64) -> Option<i64> {
    (ms != 0).then_some(ms)
}

pub(super) fn time(
    elapsed_ms: u64,
    wall_step_ms: Option<i64>,
    synchronised: Option<bool>,
) -> RecordTime {
    RecordTime {
        elapsed_ms,
        wall_step_ms: wall_step_ms.unwrap_or_default(),
        synchronised: synchronised.unwrap_or_default(),
    }
}

pub(super) fn tag_numbers(tags: &[TagCode]) -> Option<Vec<u16>> {
    (!tags.is_empty()).then(|| tags.iter().map(|tag| tag.number()).collect())
}

pub(super) fn tag_codes(
    level: Level,
    numbers: Option<Vec<u16>>,
) -> Result<Vec<TagCode>, RecordError> {
    let codes = numbers.unwrap_or_default().into_iter().map(|number| {
        TagCode::new(number).ok_or_else(|| value("tags", &format!("{number} is no tag code")))
    });
    let codes: Vec<_> = codes.collect::<Result<_, _>>()?;
    super::super::check_tags(level, &codes)?;
    Ok(codes)
}

pub(super) fn tag_set(id: Option<String>) -> Result<Option<TagSetId>, RecordError> {
    id.map(|id| super::super::check_text("tag_set", &id).map(|()| TagSetId(id)))
        .transpose()
}
