//! What became of the taps: sealed by the tablet, counted by the office.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use manyi_shared::domain::{Level, Outcome, PromptId, Seq, TagCode};
use manyi_shared::journal::Reader;
use manyi_shared::tablet::DataDir;
use manyi_shared::wire::RecordBody;
use serde_json::Value;

use super::plan::Answer;
use super::tally::Tally;
use crate::http::Http;
use crate::wait::wait_for;

/// The office's answer to "how are the scores".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// The counts.
    pub tally: Tally,
    /// The mean as printed; `None` when there is no rating.
    pub mean: Option<String>,
}

/// Reads the score of everything until now over HTTP.
///
/// # Errors
/// When the office does not answer, or not in the API's shape.
pub fn office_score(http: &Http, office: &str, token: &str) -> anyhow::Result<Score> {
    // Not just today: a run around midnight must find all its ratings.
    let url = format!(
        "{}/api/v1/scores?from=2020-01-01",
        office.trim_end_matches('/')
    );
    let answer = http
        .get(&url, Some(token))?
        .json()
        .with_context(|| format!("GET {url}"))?;
    let part = |pointer: &str| {
        answer
            .pointer(pointer)
            .with_context(|| format!("the office's answer has no {pointer}"))
    };
    let mean = part("/total/figures/mean/value")?;
    Ok(Score {
        tally: Tally::of_counts(part("/total/counts")?)?,
        mean: mean.as_str().map(str::to_owned),
    })
}

/// Waits until the office has counted at least so many prompts, then hands over what it says.
///
/// When time is up the last answer is handed over all the same, for the comparison to show.
///
/// # Errors
/// When the office does not answer at all.
pub fn settled_score(
    http: &Http,
    office: &str,
    token: &str,
    prompts: u64,
    limit: Duration,
) -> anyhow::Result<Score> {
    let enough = wait_for("the office to count every prompt", limit, || {
        let score = office_score(http, office, token)?;
        Ok((score.tally.prompts() >= prompts).then_some(score))
    });
    enough.or_else(|_| office_score(http, office, token))
}

/// How every prompt in a tablet's journal ended, as it now stands: amendments are worked in.
///
/// # Errors
/// When the journal cannot be read, its chain does not hold, or an amendment amends nothing.
pub fn sealed_outcomes(data: &Path) -> anyhow::Result<HashMap<PromptId, Outcome>> {
    let reader = Reader::open(&DataDir::new(data).journal())?;
    let mut outcomes = HashMap::new();
    for stream in reader.streams()? {
        let report = reader.verify(&stream)?;
        if !report.verdict.is_good() {
            bail!("the journal does not hold: {report:?}");
        }
        let mut by_seq: HashMap<Seq, PromptId> = HashMap::new();
        let mut fault = None;
        reader.for_each_record(&stream, |record| {
            let result = match record.decode().map(|decoded| decoded.body) {
                Ok(RecordBody::Outcome(outcome)) => {
                    let id = PromptId {
                        stream: stream.id,
                        ordinal: outcome.ordinal,
                    };
                    by_seq.insert(record.seq, id);
                    outcomes.insert(id, outcome.outcome);
                    Ok(())
                }
                Ok(RecordBody::Amendment(amendment)) => {
                    let target = by_seq.get(&amendment.target);
                    let rating = Outcome::Rated {
                        level: amendment.level,
                        tags: amendment.tags,
                    };
                    let replaced = target.and_then(|id| outcomes.insert(*id, rating));
                    replaced.map(drop).context("an amendment amends nothing")
                }
                Ok(
                    RecordBody::StreamOpened(_)
                    | RecordBody::SelfTest(_)
                    | RecordBody::Misuse(_)
                    | RecordBody::Message(_)
                    | RecordBody::Loss(_)
                    | RecordBody::Rescued(_)
                    | RecordBody::ClockSet
                    | RecordBody::Unknown { .. },
                ) => Ok(()),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = result {
                fault.get_or_insert(error);
            }
        })?;
        if let Some(fault) = fault {
            return Err(fault);
        }
    }
    Ok(outcomes)
}

/// The outcome that an answer must have in the journal.
#[must_use]
pub fn expected(answer: &Answer) -> Outcome {
    match answer {
        Answer::Rate { level, tags } => Outcome::Rated {
            level: *level,
            tags: sorted(tags),
        },
        Answer::Decline => Outcome::Declined,
        Answer::LeaveIt => Outcome::TimedOut,
    }
}

/// What differs between taps and journal, one line for each prompt.
#[must_use]
pub fn differences(
    tapped: &[(PromptId, Answer)],
    sealed: &HashMap<PromptId, Outcome>,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, answer) in tapped {
        let wanted = expected(answer);
        match sealed.get(id) {
            None => lines.push(format!(
                "prompt {id}: tapped {}, not in the journal",
                words(&wanted)
            )),
            Some(found) if normal(found) != wanted => {
                lines.push(format!(
                    "prompt {id}: tapped {}, sealed {}",
                    words(&wanted),
                    words(found)
                ));
            }
            Some(_) => {}
        }
    }
    lines
}

/// The counts of these taps.
#[must_use]
pub fn tally_of(tapped: &[(PromptId, Answer)]) -> Tally {
    let mut tally = Tally::default();
    for (_, answer) in tapped {
        tally.add(&expected(answer));
    }
    tally
}

/// The counts of what the journal has of these prompts.
#[must_use]
pub fn tally_of_sealed(
    tapped: &[(PromptId, Answer)],
    sealed: &HashMap<PromptId, Outcome>,
) -> Tally {
    let mut tally = Tally::default();
    for outcome in tapped.iter().filter_map(|(id, _)| sealed.get(id)) {
        tally.add(outcome);
    }
    tally
}

/// An outcome in a few words.
#[must_use]
pub fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Rated { level, tags } if tags.is_empty() => level.name_zh().to_owned(),
        Outcome::Rated { level, tags } => {
            let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
            format!("{} ({})", level.name_zh(), tags.join(", "))
        }
        Outcome::Declined => "暂不评价".to_owned(),
        Outcome::TimedOut => "nothing".to_owned(),
        Outcome::Withdrawn(_) => "withdrawn".to_owned(),
        Outcome::Fault(_) => "fault".to_owned(),
    }
}

fn normal(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Rated { level, tags } => Outcome::Rated {
            level: *level,
            tags: sorted(tags),
        },
        other => other.clone(),
    }
}

fn sorted(tags: &[TagCode]) -> Vec<TagCode> {
    let mut tags = tags.to_vec();
    tags.sort_unstable();
    tags
}

/// Taps, journal and office side by side, one line for each way a prompt can end.
#[must_use]
pub fn table(tapped: &Tally, sealed: &Tally, counted: &Score) -> Vec<String> {
    let mut lines = vec![format!(
        "{:>10} {:>10} {:>10}   ",
        "tapped", "sealed", "counted"
    )];
    let mut row = |name: &str, values: [String; 3]| {
        let mark = if values.iter().all(|value| Some(value) == values.first()) {
            ""
        } else {
            "   <- differs"
        };
        let [a, b, c] = values;
        lines.push(format!("{a:>10} {b:>10} {c:>10}   {name}{mark}"));
    };
    let levels = tapped
        .levels
        .iter()
        .zip(sealed.levels)
        .zip(counted.tally.levels);
    for (level, ((a, b), c)) in Level::ALL.iter().zip(levels) {
        row(
            &format!("{} {}", level.number(), level.name_zh()),
            [a, &b, &c].map(ToString::to_string),
        );
    }
    let of = |pick: fn(&Tally) -> u64| {
        [tapped, sealed, &counted.tally].map(|tally| pick(tally).to_string())
    };
    row("declined 暂不评价", of(|t| t.declined));
    row("timed out", of(|t| t.timed_out));
    row("withdrawn or fault", of(|t| t.other));
    row("prompts", of(Tally::prompts));
    let mean = |mean: Option<String>| mean.unwrap_or_else(|| "-".to_owned());
    row(
        "mean 平均分",
        [
            mean(tapped.mean()),
            mean(sealed.mean()),
            mean(counted.mean.clone()),
        ],
    );
    lines
}

/// The same as one JSON object.
#[must_use]
pub fn summary(tapped: &Tally, sealed: &Tally, counted: &Score, equal: bool) -> Value {
    let side = |tally: &Tally, mean: Option<String>| {
        serde_json::json!({
            "levels": Level::ALL.iter().zip(tally.levels)
                .map(|(level, count)| (level.number().to_string(), Value::from(count)))
                .collect::<serde_json::Map<_, _>>(),
            "declined": tally.declined, "timed_out": tally.timed_out, "other": tally.other,
            "prompts": tally.prompts(), "mean": mean,
        })
    };
    serde_json::json!({
        "tapped": side(tapped, tapped.mean()),
        "sealed": side(sealed, sealed.mean()),
        "counted": side(&counted.tally, counted.mean.clone()),
        "equal": equal,
    })
}
