//! `manyi-terminal journal`: looking at the journal, one JSON object a line.
//!
//! Reads only, beside a running terminal or without one. Export shows levels: whoever can read the
//! file can read them anyway.

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use manyi_shared::domain::{Level, Outcome, PromptId, Seq, StreamId};
use manyi_shared::journal::{JournalError, Reader, StoredRecord, StoredStream, Verdict};
use manyi_shared::wire::{OutcomeRecord, Record, RecordBody, StreamOpened};
use serde_json::{Map, Value, json};

/// What to do with the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Subcommand)]
pub enum Look {
    /// One line a stream: id, terminal, number of records, how far the centre has acknowledged.
    List,
    /// Recompute every chain; one line a stream with its verdict. Exit code 1 when one is not good.
    Verify,
    /// One line a record, oldest first.
    Export,
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Nobody takes the lines.
    #[error("could not write the output")]
    Output(#[from] std::io::Error),
}

/// Looks; answers whether everything is good.
///
/// # Errors
/// [`LookError`]; lines written before it stand.
pub fn run(look: Look, journal: &Path, out: &mut dyn Write) -> Result<bool, LookError> {
    let reader = Reader::open(journal)?;
    let mut good = true;
    for stream in reader.streams()? {
        match look {
            Look::List => list(&reader, &stream, out)?,
            Look::Verify => good &= verify(&reader, &stream, out)?,
            Look::Export => export(&reader, &stream, out)?,
        }
    }
    out.flush()?;
    Ok(good)
}

fn list(reader: &Reader, stream: &StoredStream, out: &mut dyn Write) -> Result<(), LookError> {
    let mut records = 0_u64;
    reader.for_each_record(stream, |_| records += 1)?;
    let line = json!({
        "stream": stream.id.to_string(),
        "terminal": stream.terminal.to_string(),
        "records": records,
        "acknowledged": stream.acknowledged,
    });
    Ok(writeln!(out, "{line}")?)
}

fn verify(reader: &Reader, stream: &StoredStream, out: &mut dyn Write) -> Result<bool, LookError> {
    let report = reader.verify(stream)?;
    let (verdict, seq) = match report.verdict {
        Verdict::Whole => ("whole", None),
        Verdict::PrunedBefore(seq) => ("pruned_before", Some(seq)),
        Verdict::Missing(seq) => ("missing", Some(seq)),
        Verdict::Broken(seq) => ("broken", Some(seq)),
        Verdict::Undecodable(seq) => ("undecodable", Some(seq)),
    };
    let good = report.verdict.is_good();
    let line = json!({
        "stream": stream.id.to_string(),
        "records": report.records,
        "good": good,
        "verdict": verdict,
        "seq": seq.map(|seq| seq.get()),
    });
    writeln!(out, "{line}")?;
    Ok(good)
}

fn export(reader: &Reader, stream: &StoredStream, out: &mut dyn Write) -> Result<(), LookError> {
    let mut opened: Option<StreamOpened> = None;
    let mut written = Ok(());
    reader.for_each_record(stream, |stored| {
        let decoded = stored.decode();
        if let Ok(Record {
            body: RecordBody::StreamOpened(first),
            ..
        }) = &decoded
        {
            opened = Some(first.clone());
        }
        if written.is_ok() {
            let fields = fields(stream.id, &stored, decoded.as_ref().ok(), opened.as_ref());
            written = writeln!(out, "{}", Value::Object(fields));
        }
    })?;
    Ok(written?)
}

fn fields(
    stream: StreamId,
    stored: &StoredRecord,
    record: Option<&Record>,
    opened: Option<&StreamOpened>,
) -> Map<String, Value> {
    let mut line = object(json!({
        "stream": stream.to_string(),
        "seq": stored.seq.get(),
        "hash": stored.hash.to_string(),
        "bytes": BASE64_STANDARD.encode(&stored.bytes),
        "kind": "undecodable",
    }));
    let Some(record) = record else {
        return line;
    };
    // Without the stream's first record only the time since then is known.
    let wall = opened.map(|opened| record.at.wall_ms(opened));
    let at = wall.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    line.extend(object(json!({
        "at": at.map(|at| format!("{at:.3}")),
        "elapsed_ms": record.at.elapsed_ms,
        "synchronised": record.at.synchronised,
    })));
    line.extend(object(match &record.body {
        RecordBody::StreamOpened(opened) => opening(opened),
        RecordBody::Outcome(record) => outcome(stream, record),
        RecordBody::Amendment(amendment) => json!({
            "kind": "amendment",
            "target": amendment.target.get(),
            "level": amendment.level.number(),
            "tags": amendment.tags,
            "tag_set": amendment.tag_set,
        }),
        RecordBody::SelfTest(test) => json!({
            "kind": "self_test",
            "day": test.day,
            "level": test.level.number(),
        }),
        RecordBody::Misuse(misuse) => json!({
            "kind": "misuse",
            "target": misuse.target.get(),
            "kinds": misuse.kinds,
            "touches": misuse.touches,
            "span_ms": misuse.span_ms,
        }),
        // What it says, only the office can read.
        RecordBody::Message(message) => json!({
            "kind": "message",
            "target": message.target.get(),
            "what": message.what.name(),
        }),
        RecordBody::Loss(loss) => json!({
            "kind": "loss",
            "cause": loss.cause.name(),
            "stream": loss.stream.map(|stream| stream.to_string()),
            "from": loss.from.map(Seq::get),
            "until": loss.until.map(Seq::get),
            "earliest_ms": loss.earliest_ms,
            "latest_ms": loss.latest_ms,
            "records": loss.records,
        }),
        RecordBody::Rescued(rescued) => json!({
            "kind": "rescued",
            "stream": rescued.stream.to_string(),
            "seq": rescued.seq.get(),
        }),
        RecordBody::ClockSet => json!({ "kind": "clock_set" }),
        RecordBody::Unknown { kind } => json!({ "kind": "unknown", "kind_number": kind }),
    }));
    line
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn opening(opened: &StreamOpened) -> Value {
    json!({
        "kind": "stream_opened",
        "terminal": opened.terminal.to_string(),
        "hall": opened.hall.to_string(),
        "window": opened.window.to_string(),
        "channel": opened.channel.name(),
        "software": opened.software,
        "boot": opened.boot.to_string(),
        "uptime_ms": opened.uptime_ms,
        "previous": opened.previous.map(|tip| json!({
            "stream": tip.stream.to_string(),
            "seq": tip.seq.get(),
            "hash": tip.hash.to_string(),
        })),
    })
}

fn outcome(stream: StreamId, record: &OutcomeRecord) -> Value {
    let tags = match &record.outcome {
        Outcome::Rated { tags, .. } => tags.as_slice(),
        _ => &[],
    };
    let ordinal = record.ordinal;
    json!({
        "kind": "outcome",
        "prompt": PromptId { stream, ordinal }.to_string(),
        "outcome": record.outcome.kind().name(),
        "reason": reason(&record.outcome),
        "level": record.outcome.level().map(Level::number),
        "tags": tags,
        "tag_set": record.tag_set,
        "response_ms": record.response_ms,
        "staff": record.event.staff,
        "item": record.event.item,
        "case_number": record.event.case_number,
    })
}

fn reason(outcome: &Outcome) -> Option<&'static str> {
    use manyi_shared::domain::{FaultReason, Withdrawal};
    match outcome {
        Outcome::Withdrawn(Withdrawal::Replaced) => Some("replaced"),
        Outcome::Withdrawn(Withdrawal::Cancelled) => Some("cancelled"),
        Outcome::Withdrawn(Withdrawal::Shutdown) => Some("shutdown"),
        Outcome::Fault(FaultReason::Screen) => Some("screen"),
        Outcome::Fault(FaultReason::Interrupted) => Some("interrupted"),
        Outcome::Fault(FaultReason::NotKept) => Some("not_kept"),
        Outcome::Rated { .. } | Outcome::Declined | Outcome::TimedOut => None,
    }
}

#[cfg(test)]
mod tests;
