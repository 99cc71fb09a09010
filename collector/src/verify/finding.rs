//! What does not fit, and how it is told.

use std::fmt;

use manyi_shared::domain::{StreamId, TerminalId};

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The window that the stream counts at.
    pub window: Option<String>,
    /// The terminal.
    pub terminal: TerminalId,
    /// The stream.
    pub stream: StreamId,
    /// The position; none when the stream as a whole is meant.
    pub seq: Option<u64>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where; none when the hall as a whole is meant.
    pub place: Option<Place>,
    /// What.
    pub what: What,
}

impl Finding {
    /// A finding at a place.
    #[must_use]
    pub const fn at(place: Place, what: What) -> Self {
        Self {
            place: Some(place),
            what,
        }
    }

    /// A finding about the hall.
    #[must_use]
    pub const fn of_hall(what: What) -> Self {
        Self { place: None, what }
    }
}

/// A column that does not say what the bytes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The column.
    pub column: &'static str,
    /// What is stored there.
    pub stored: String,
    /// What the records say.
    pub told: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The record's bytes are not those that the chain was made over.
    Changed,
    /// Records from the place on are not there any more, or another one stands in their place.
    Missing {
        /// How many.
        count: u64,
    },
    /// The record was put between others.
    Inserted,
    /// The record stands where another one belongs.
    Reordered {
        /// The other position.
        with: u64,
    },
    /// The chain value beside a record was changed; the record itself is as it was signed.
    ChainValue,
    /// There is no chain value beside the record, and there were such values when it came.
    NoChainValue,
    /// The stream ends below what the terminal signed.
    CutShort {
        /// The last position held.
        held: u64,
        /// The last position signed.
        signed: u64,
    },
    /// The stream goes on above what the terminal signed.
    BeyondSignature {
        /// The last position signed.
        signed: u64,
    },
    /// The chain over all records is not the one that the terminal signed, and every stored value
    /// agrees with it: records were changed and the chain was made anew.
    MadeAnew,
    /// The signature is not by a key of this terminal, or its bytes were changed.
    ForeignSignature(String),
    /// The signed head is genuine, but of another stream or of none.
    WrongSignature(String),
    /// The stream moved last before signatures were kept.
    NoSignature,
    /// No signature is kept, and there were signatures when the stream moved last.
    SignatureGone,
    /// Watermark or hash of the stream are not what its records lead to.
    Tip(Vec<Difference>),
    /// Counts stand for positions otherwise than the terminal signed it.
    Fold(String),
    /// Records without a stream that they belong to.
    NoStream,
    /// Columns of the record do not say what its bytes say.
    Columns(Vec<Difference>),
    /// The record counts and must not, or must count and does not.
    Counting {
        /// Whether it counts as stored.
        counts: bool,
        /// Why that is wrong.
        because: String,
    },
    /// A dead letter, message or self-test that no record stands for, or one that is not there.
    Beside(String),
    /// The stream that the terminal says came before is not as it says.
    Link(String),
    /// A second history is kept that is not sound.
    Conflict(String),
    /// The terminal told a second history of this position; both are kept.
    SecondHistory,
    /// Counts of a window are not those of its records.
    Counts {
        /// The window.
        window: String,
        /// What differs, in words.
        detail: String,
    },
    /// A published day is not what is stored of it.
    Day {
        /// The day, as `yyyymmdd`.
        day: u32,
        /// What differs, in words.
        problem: String,
    },
}

impl What {
    /// The name in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing { .. } => "missing",
            Self::Inserted => "inserted",
            Self::Reordered { .. } => "reordered",
            Self::ChainValue => "chain_value",
            Self::NoChainValue => "no_chain_value",
            Self::CutShort { .. } => "cut_short",
            Self::BeyondSignature { .. } => "beyond_signature",
            Self::MadeAnew => "made_anew",
            Self::ForeignSignature(_) => "foreign_signature",
            Self::WrongSignature(_) => "wrong_signature",
            Self::NoSignature => "no_signature",
            Self::SignatureGone => "signature_gone",
            Self::Tip(_) => "tip",
            Self::Fold(_) => "fold",
            Self::NoStream => "no_stream",
            Self::Columns(_) => "columns",
            Self::Counting { .. } => "counting",
            Self::Beside(_) => "beside",
            Self::Link(_) => "link",
            Self::Conflict(_) => "conflict",
            Self::SecondHistory => "second_history",
            Self::Counts { .. } => "counts",
            Self::Day { .. } => "day",
        }
    }

    /// Whether it fits and people should know all the same.
    #[must_use]
    pub const fn is_note(&self) -> bool {
        matches!(self, Self::NoSignature | Self::SecondHistory)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str(
                "the record was changed, here or (with its chain value) just before: its bytes are \
                 not those that the terminal chained",
            ),
            Self::Missing { count: 1 } => f.write_str("a record is missing from here"),
            Self::Missing { count } => write!(f, "{count} records are missing from here on"),
            Self::Inserted => f.write_str("the record was inserted: the chain goes on without it"),
            Self::Reordered { with } => {
                write!(f, "the records were reordered: this one and {with} changed places")
            }
            Self::ChainValue => f.write_str(
                "the chain value beside the record was changed; the record is as it was signed",
            ),
            Self::NoChainValue => {
                f.write_str("the chain value beside the record was taken away")
            }
            Self::CutShort { held, signed } => write!(
                f,
                "the chain is cut short: it ends at {held}, and the terminal signed it up to {signed}"
            ),
            Self::BeyondSignature { signed } => write!(
                f,
                "there are records above {signed}, where the terminal's signature ends"
            ),
            Self::MadeAnew => f.write_str(
                "records were changed and the chain was made anew over them: it is not the one that \
                 the terminal signed",
            ),
            Self::ForeignSignature(problem) => {
                write!(f, "the signature is not by a key of this terminal: {problem}")
            }
            Self::WrongSignature(problem) => write!(f, "the signed head does not fit: {problem}"),
            Self::NoSignature => f.write_str(
                "no signature of the terminal is kept: the stream moved last before they were; its \
                 chain is checked against the stored end only",
            ),
            Self::SignatureGone => {
                f.write_str("the terminal's signature over the stream was taken away")
            }
            Self::Tip(differences) => told(f, "the stream's end does not fit", differences),
            Self::NoStream => f.write_str("the record's stream is gone from the table of streams"),
            Self::Columns(differences) => told(f, "columns were changed", differences),
            Self::Counting { counts: true, because } => {
                write!(f, "the record counts and must not: {because}")
            }
            Self::Counting { because, .. } => {
                write!(f, "the record does not count and must: {because}")
            }
            Self::Beside(problem)
            | Self::Fold(problem)
            | Self::Link(problem)
            | Self::Conflict(problem) => f.write_str(problem),
            Self::SecondHistory => f.write_str(
                "the terminal told a second history of this position; both are kept, the first counts",
            ),
            Self::Counts { window, detail } => {
                write!(f, "counts of window {window} are not those of its records: {detail}")
            }
            Self::Day { day, problem } => {
                write!(f, "day {}: {problem}", crate::day::name(*day))
            }
        }
    }
}

fn told(f: &mut fmt::Formatter<'_>, lead: &str, differences: &[Difference]) -> fmt::Result {
    f.write_str(lead)?;
    for (n, difference) in differences.iter().enumerate() {
        let Difference {
            column,
            stored,
            told,
        } = difference;
        let comma = if n == 0 { ":" } else { ";" };
        write!(f, "{comma} {column} is {stored}, the records say {told}")?;
    }
    Ok(())
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(window) = &self.window {
            write!(f, "window {window}, ")?;
        }
        write!(f, "terminal {}, stream {}", self.terminal, self.stream)?;
        match self.seq {
            Some(seq) => write!(f, ", position {seq}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.what),
            None => self.what.fmt(f),
        }
    }
}
