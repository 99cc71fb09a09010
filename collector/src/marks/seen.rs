//! What the rules look at, and what they find.

use std::collections::BTreeMap;

use manyi_shared::domain::{Level, StreamId, TerminalId, Trigger};

use super::rules::Rule;

/// Where a rating's record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The terminal.
    pub terminal: TerminalId,
    /// The stream.
    pub stream: StreamId,
    /// The position.
    pub seq: u64,
}

/// One rating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its record.
    pub place: Place,
    /// The window.
    pub window: String,
    /// The clerk; empty when the prompt named nobody.
    pub staff: String,
    /// The prompt named an item or a case.
    pub has_matter: bool,
    /// Who asked; none when the record does not say.
    pub trigger: Option<Trigger>,
    /// The level as it now stands.
    pub level: Level,
    /// From the question to the answer, in milliseconds.
    pub response_ms: Option<u32>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// How many ratings there were, and how many of them were of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Of the kind.
    pub part: u64,
    /// All.
    pub of: u64,
}

/// What is usual at the windows of a hall, from the time before the day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usual {
    /// Ratings of the top level, by window and clerk.
    pub top: BTreeMap<(String, String), Share>,
    /// Ratings that name an item, by window.
    pub matter: BTreeMap<String, Share>,
}

impl Usual {
    /// The top level's share at a window, of all clerks.
    pub(super) fn at(&self, window: &str) -> Share {
        self.sum(window, |_| true)
    }

    /// The top level's share at a window, of all clerks but one.
    pub(super) fn of_others(&self, window: &str, staff: &str) -> Share {
        self.sum(window, |other| other != staff)
    }

    fn sum(&self, window: &str, counts: impl Fn(&str) -> bool) -> Share {
        let rows = self.top.iter();
        let rows = rows.filter(|((at, staff), _)| at == window && counts(staff));
        rows.fold(Share::default(), |sum, (_, share)| Share {
            part: sum.part + share.part,
            of: sum.of + share.of,
        })
    }
}

/// A rating that a rule marks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The rating's record.
    pub place: Place,
    /// Which rule.
    pub rule: Rule,
    /// The rating's window.
    pub window: String,
    /// When it was given, in milliseconds since 1970.
    pub at_ms: i64,
    /// The values it was found by, with their thresholds: `response_ms=420 below_ms=1000`.
    pub reason: String,
}
