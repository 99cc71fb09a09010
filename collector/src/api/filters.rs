//! The filters of a query: lists of values, and the halls of a region. Pure.

use manyi_shared::domain::Channel;

use super::params::{malformed, wrong};
use crate::problem::Problem;
use crate::store::HallSummary;
use crate::store::scores::{Column, Value};

/// How a query writes "the prompt named none".
const NONE: &str = "-";

/// The values of a filter that is written with commas.
pub(super) fn values(column: Column, list: &str) -> Result<Vec<(Column, Value)>, Problem> {
    let mut read = Vec::new();
    for text in list.split(',') {
        let value = match column {
            _ if text.is_empty() => return Err(empty(column.name())),
            Column::Channel => Value::Number(channel(text)?.number().into()),
            Column::Staff | Column::Item if text == NONE => Value::Text(String::new()),
            _ => Value::Text(text.to_owned()),
        };
        if !read.contains(&(column, value.clone())) {
            read.push((column, value));
        }
    }
    Ok(read)
}

/// A value as a query writes it.
pub(super) fn written(column: Column, value: &Value) -> String {
    match (column, value) {
        (Column::Channel, Value::Number(number)) => {
            let channel = u8::try_from(*number).ok().and_then(Channel::from_number);
            channel.map_or_else(|| number.to_string(), |c| c.name().to_owned())
        }
        (_, Value::Number(number)) => number.to_string(),
        (_, Value::Text(text)) if text.is_empty() => NONE.to_owned(),
        (_, Value::Text(text)) => text.clone(),
    }
}

fn channel(name: &str) -> Result<Channel, Problem> {
    let known = || Channel::ALL.map(Channel::name).join(", ");
    let channel = Channel::ALL.into_iter().find(|c| c.name() == name);
    channel.ok_or_else(|| wrong("channel", name, &format!("one of: {}", known())))
}

fn empty(name: &str) -> Problem {
    malformed(format!("`{name}` is empty; leave it out for all"))
}

/// The halls that are asked for, in the order of those there are.
pub(super) fn halls<'h>(
    regions: Option<&str>,
    ids: Option<&str>,
    all: &'h [HallSummary],
) -> Result<Vec<&'h HallSummary>, Problem> {
    let mut halls: Vec<&HallSummary> = all.iter().collect();
    if let Some(ids) = ids {
        let ids: Vec<&str> = ids.split(',').collect();
        for id in &ids {
            if !all.iter().any(|hall| hall.id.as_str() == *id) {
                let known: Vec<&str> = all.iter().map(|hall| hall.id.as_str()).collect();
                let allowed = format!("one of: {}", known.join(", "));
                return Err(wrong("hall", id, &allowed));
            }
        }
        halls.retain(|hall| ids.contains(&hall.id.as_str()));
    }
    if let Some(regions) = regions {
        let regions: Vec<&str> = regions.split(',').map(prefix).collect::<Result<_, _>>()?;
        halls.retain(|hall| regions.iter().any(|r| hall.region_code.starts_with(r)));
        if halls.is_empty() {
            return Err(malformed(format!(
                "`region` is `{}`, but no hall that is asked for lies there",
                regions.join(",")
            )));
        }
    }
    Ok(halls)
}

/// The part of a region's code that all places in it share: `371500` is 3715, `370000` is 37.
///
/// # Source
/// GB/T 2260 (six digits: province, city, county) and GB/T 10114 (three more below the county).
fn prefix(code: &str) -> Result<&str, Problem> {
    let allowed = "an administrative code of 2, 4, 6 or 9 digits such as 3715";
    let digits = code.bytes().all(|b| b.is_ascii_digit());
    if !digits || !matches!(code.len(), 2 | 4 | 6 | 9 | 12) {
        return Err(wrong("region", code, allowed));
    }
    let mut prefix = code;
    for (length, zeros) in [(12, "000"), (9, "000"), (6, "00"), (4, "00")] {
        if prefix.len() == length {
            prefix = prefix.strip_suffix(zeros).unwrap_or(prefix);
        }
    }
    Ok(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("37", "37")]
    #[case("370000", "37")]
    #[case("371500", "3715")]
    #[case("371581", "371581")]
    #[case("371581000", "371581")]
    #[case("371581100", "371581100")]
    #[case("371581001000", "371581001")]
    fn zeros_at_the_end_of_a_region_say_nothing(#[case] code: &str, #[case] shared: &str) {
        assert_eq!(prefix(code).unwrap(), shared);
    }

    #[rstest::rstest]
    #[case("")]
    #[case("3")]
    #[case("371")]
    #[case("37a5")]
    fn a_region_of_another_form_is_refused(#[case] code: &str) {
        assert!(prefix(code).is_err(), "{code}");
    }
}
