//! Checks everything that is stored of a hall against what the terminals signed and what was
//! published, and tells in words what does not fit.
//!
//! Pure: the store hands in streams and records one by one, in the order of terminal, stream and
//! position, and what comes out is a list of findings. It shares no code with `ingest` that could be
//! wrong in both: what a record says is read from its bytes again.
//!
//! **Invariants**
//! 1. Memory is bounded by one stream (which positions count, which were amended), by the number of
//!    windows and days, and by [`MOST_FINDINGS`].
//! 2. A finding names the smallest place that the stored evidence shows: a position where the chain
//!    is broken, a stream where everything was made anew but the signature.

mod chain;
mod columns;
mod counts;
mod days;
mod finding;
mod stream;

pub use columns::{Columns, StoredMisuse};
pub use counts::Counted;
pub use days::StoredRoot;
pub use finding::{Difference, Finding, Place, What};
pub use stream::{
    Link, LinkedStream, SignedTip, StoredFold, StoredMessage, StoredRecord, StoredStream,
};

use manyi_shared::domain::{HallId, StreamId, TerminalId};
use manyi_shared::wire::PublicKey;

use counts::Counts;
use days::Days;
use stream::StreamCheck;

/// Findings that are told one by one; the rest is counted.
pub const MOST_FINDINGS: usize = 1000;

/// What was looked at and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Streams that were looked at.
    pub streams: u64,
    /// Records that were looked at.
    pub records: u64,
    /// Outcomes among them that count.
    pub counted: u64,
    /// Dead letters among them.
    pub dead_letters: u64,
    /// Streams whose end the terminal's own signature covers.
    pub signed_streams: u64,
    /// Published days whose root was computed again.
    pub days: u64,
    /// What does not fit, at most [`MOST_FINDINGS`].
    pub findings: Vec<Finding>,
    /// Findings that are not in the list.
    pub more_findings: u64,
    /// What people should know although it fits.
    pub notes: Vec<Finding>,
    /// Notes that are not in the list.
    pub more_notes: u64,
}

impl Report {
    fn add(&mut self, finding: Finding) {
        let (list, more) = if finding.what.is_note() {
            (&mut self.notes, &mut self.more_notes)
        } else {
            (&mut self.findings, &mut self.more_findings)
        };
        if list.len() < MOST_FINDINGS {
            list.push(finding);
        } else {
            *more += 1;
        }
    }

    /// Whether everything fits.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.findings.is_empty() && self.more_findings == 0
    }
}

/// Checks one hall.
#[derive(Debug)]
pub struct Verifier {
    hall: HallId,
    report: Report,
    counts: Counts,
    days: Days,
    stream: Option<StreamCheck>,
    /// When the first record with a chain value was received, and the last one without.
    chained_from_ms: i64,
    unchained: Option<(i64, Place)>,
}

impl Verifier {
    /// Begins. `roots` are all closed days in their order, `collector` the keys that may have signed
    /// them.
    #[must_use]
    pub fn new(hall: HallId, roots: Vec<StoredRoot>, collector: &[PublicKey]) -> Self {
        let mut report = Report::default();
        let days = Days::new(&hall, roots, collector, &mut |what| {
            report.add(Finding::of_hall(what));
        });
        Self {
            hall,
            report,
            counts: Counts::default(),
            days,
            stream: None,
            chained_from_ms: i64::MAX,
            unchained: None,
        }
    }

    /// The next stream, in the order of terminal and stream.
    pub fn stream(&mut self, stream: StoredStream) {
        self.end_stream();
        self.report.streams += 1;
        self.report.signed_streams += u64::from(matches!(stream.signed, SignedTip::Sound(_)));
        self.stream = Some(StreamCheck::new(stream));
    }

    /// A record whose stream is not in the table of streams: one that came rescued has none.
    pub fn stray(&mut self, terminal: TerminalId, stream: StreamId, record: &StoredRecord<'_>) {
        self.end_stream();
        let place = Place {
            window: record.columns.window.map(str::to_owned),
            terminal,
            stream,
            seq: Some(record.seq),
        };
        self.take(&place, record);
        if record.rescued.is_none() {
            self.report.add(Finding::at(place, What::NoStream));
        } else if let Some(what) = stream::judge_rescued(record) {
            self.report.add(Finding::at(place, what));
        }
    }

    /// The next record of the present stream, in the order of positions. The stream that it says
    /// came before, when it opens its own.
    pub fn record(&mut self, record: &StoredRecord<'_>) -> Option<Link> {
        let check = self.stream.as_mut()?;
        let place = check.place(record.seq);
        let report = &mut self.report;
        let link = check.record(record, &mut |finding| report.add(finding));
        self.take(&place, record);
        link
    }

    /// Counts a record and puts it under its day's root.
    fn take(&mut self, place: &Place, record: &StoredRecord<'_>) {
        self.report.records += 1;
        self.report.dead_letters += u64::from(record.rejected.is_some());
        self.report.counted += u64::from(record.columns.outcome.is_some());
        self.counts.record(&record.columns);
        if record.chain.is_some() {
            self.chained_from_ms = self.chained_from_ms.min(record.received_ms);
        } else if record.rescued.is_none()
            && self
                .unchained
                .as_ref()
                .is_none_or(|(last, _)| *last < record.received_ms)
        {
            self.unchained = Some((record.received_ms, place.clone()));
        }
        self.days
            .record(&self.hall, place, record.received_ms, record.bytes);
    }

    /// What the centre holds of a stream that another says came before it.
    pub fn linked(&mut self, link: &Link, found: Option<&LinkedStream>) {
        if let Some(what) = stream::judge_link(link, found) {
            self.report.add(Finding::at(link.from.clone(), what));
        }
    }

    /// After the last record.
    pub fn end_stream(&mut self) {
        if let Some(check) = self.stream.take() {
            let report = &mut self.report;
            check.end(&mut |finding| report.add(finding));
        }
    }

    /// Something that the store found by itself.
    pub fn found(&mut self, finding: Finding) {
        self.report.add(finding);
    }

    /// A row of the tally, in any order, before or after the records.
    pub fn tally(&mut self, window: &str, row: &Counted<'_>, n: i64) {
        self.counts.tally(window, row, n);
    }

    /// The windows whose counts differ from their records', after everything was handed in.
    #[must_use]
    pub fn windows_that_differ(&self) -> Vec<String> {
        self.counts.differing()
    }

    /// Ends, and tells.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.end_stream();
        let report = &mut self.report;
        if let Some((last, place)) = self.unchained
            && last > self.chained_from_ms
        {
            report.add(Finding::at(place, What::NoChainValue));
        }
        report.days = self
            .days
            .finish(&mut |what| report.add(Finding::of_hall(what)));
        self.report
    }
}
