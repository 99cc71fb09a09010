//! Incidents: what happened once and a person should know. Not a state that passes by itself, like
//! an alarm about a heartbeat, but a fact that stands until somebody says that it was dealt with.

use manyi_shared::domain::{BootId, Seq, StreamId, TerminalId};
use manyi_shared::wire::{Loss, LossCause};

/// The id of an incident: made of what it is about, so telling it twice is telling it once.
pub type IncidentId = [u8; 8];

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The tablet says that records of a damaged journal could not be read.
    DamagedJournal,
    /// The tablet says that its journal did not take a record. The citizen was not thanked.
    NotKept,
    /// The tablet says that nothing of a journal could be read.
    UnreadableJournal,
    /// The tablet says that its journal was found as it had been before.
    OlderJournal,
    /// The tablet says that records may be missing, for a reason known to newer programs only.
    OtherLoss,
    /// Records were acknowledged once, are lost at the centre, and no longer on the tablet.
    Gone,
    /// The tablet's card was full: records are known as hourly counts only.
    Folded,
    /// A record with which every exchange failed is kept unread.
    Unread,
    /// Other records at positions that were told before.
    SecondHistory,
    /// A new stream goes on from a state before what the tablet had sent.
    RolledBack,
    /// A new stream goes on from a past that is not the one the tablet had sent.
    OtherPast,
    /// Two streams go on from the same point.
    Forked,
    /// The tablet began with an empty journal.
    BeganAnew,
    /// The tablet numbers its exchanges as it had done before.
    NumbersBack,
    /// A record saved from a damaged journal is not the one that is here.
    RescuedOther,
    /// A terminal that was replaced has opened a stream since.
    ReplacedInUse,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 16] = [
        Self::DamagedJournal,
        Self::NotKept,
        Self::UnreadableJournal,
        Self::OlderJournal,
        Self::OtherLoss,
        Self::Gone,
        Self::Folded,
        Self::Unread,
        Self::SecondHistory,
        Self::RolledBack,
        Self::OtherPast,
        Self::Forked,
        Self::BeganAnew,
        Self::NumbersBack,
        Self::RescuedOther,
        Self::ReplacedInUse,
    ];

    /// The name in JSON, in metrics and in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DamagedJournal => "damaged_journal",
            Self::NotKept => "not_kept",
            Self::UnreadableJournal => "unreadable_journal",
            Self::OlderJournal => "older_journal",
            Self::OtherLoss => "other_loss",
            Self::Gone => "gone",
            Self::Folded => "folded",
            Self::Unread => "unread",
            Self::SecondHistory => "second_history",
            Self::RolledBack => "rolled_back",
            Self::OtherPast => "other_past",
            Self::Forked => "forked",
            Self::BeganAnew => "began_anew",
            Self::NumbersBack => "numbers_back",
            Self::RescuedOther => "rescued_other",
            Self::ReplacedInUse => "replaced_in_use",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What happened and what it means, in English.
    const fn words(self) -> &'static str {
        match self {
            Self::DamagedJournal => {
                "the tablet's journal was damaged; it was set aside, what could be read was saved, \
                 and these records may be missing"
            }
            Self::NotKept => {
                "the tablet's journal did not take a record; the citizen was told and not thanked"
            }
            Self::UnreadableJournal => {
                "nothing of the tablet's journal could be read; it was set aside, and what it had \
                 not sent may be missing"
            }
            Self::OlderJournal => {
                "the tablet's card gave back an earlier state of its journal; from here on records \
                 may be missing that it had sealed"
            }
            Self::OtherLoss => {
                "the tablet says that records may be missing, for a reason that only newer \
                 programs know"
            }
            Self::Gone => {
                "records were acknowledged once, the centre came back from a backup without them, \
                 and the tablet no longer has them"
            }
            Self::Folded => {
                "the tablet's card was full before it could send; the counts came through hour by \
                 hour, clerk, item and reasons of these ratings are lost"
            }
            Self::Unread => {
                "every exchange with this record failed; it is kept unread as a dead letter, see \
                 `manyi-collector dead-letters`"
            }
            Self::SecondHistory => {
                "the tablet tells other records than it told before: its card was put back to an \
                 earlier state, or copied; both histories are kept, the first one counts"
            }
            Self::RolledBack => {
                "the tablet goes on from before records that it had sent: its card was put back to \
                 an earlier state, copied, or repaired; the centre keeps and counts what it holds"
            }
            Self::OtherPast => {
                "the tablet goes on from another past than the one it had sent: its card was \
                 exchanged or copied; both histories are kept"
            }
            Self::Forked => {
                "two histories of the tablet go on from the same point: its card was copied, or \
                 put back to an earlier state; both are kept and counted"
            }
            Self::BeganAnew => {
                "the tablet began with an empty journal: the card was exchanged or wiped; what it \
                 had not sent may be missing"
            }
            Self::NumbersBack => {
                "after a restart the tablet numbers its exchanges as it had done before: its card \
                 was put back to an earlier state, or two tablets have the same identity"
            }
            Self::RescuedOther => {
                "a record saved from a damaged journal is not the one that came before for the \
                 same position; both are kept, the first one counts"
            }
            Self::ReplacedInUse => {
                "the tablet was replaced by another at its window and is in use all the same; what \
                 it sends is kept and counted; switch it off, or take its identity back with \
                 `manyi-collector terminal revoke`"
            }
        }
    }
}

/// What happened once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// What kind of thing.
    pub kind: Kind,
    /// The stream it is about, when it is about one.
    pub stream: Option<StreamId>,
    /// The first position it is about; none for unknown.
    pub from: Option<u64>,
    /// The last position; none for unknown or an open end.
    pub until: Option<u64>,
    /// Nothing of it was sealed before this.
    pub earliest_ms: Option<i64>,
    /// Nothing of it was sealed after this.
    pub latest_ms: Option<i64>,
    /// At most so many records.
    pub records: Option<u64>,
    /// What makes it another incident than the next of its kind and stream.
    key: Vec<u8>,
}

impl Incident {
    /// Something that happens to a stream once.
    #[must_use]
    pub fn of_stream(kind: Kind, stream: StreamId) -> Self {
        Self {
            kind,
            stream: Some(stream),
            from: None,
            until: None,
            earliest_ms: None,
            latest_ms: None,
            records: None,
            key: Vec::new(),
        }
    }

    /// Something that happened at these positions.
    #[must_use]
    pub fn at(kind: Kind, stream: StreamId, from: u64, until: u64) -> Self {
        let mut key = from.to_be_bytes().to_vec();
        key.extend(until.to_be_bytes());
        Self {
            key,
            ..Self::of_stream(kind, stream).reaching(from, Some(until))
        }
    }

    /// Something about a boot.
    #[must_use]
    pub fn of_boot(kind: Kind, boot: BootId) -> Self {
        let nothing = Self::of_stream(kind, StreamId::from_bytes([0; 16]));
        Self {
            stream: None,
            key: boot.as_bytes().to_vec(),
            ..nothing
        }
    }

    /// What a record of a loss says; `carrier` is where it stands itself.
    #[must_use]
    pub fn loss(loss: &Loss, carrier: (StreamId, u64)) -> Self {
        let kind = match loss.cause {
            LossCause::DamagedJournal => Kind::DamagedJournal,
            LossCause::NotKept => Kind::NotKept,
            LossCause::UnreadableJournal => Kind::UnreadableJournal,
            LossCause::OlderJournal => Kind::OlderJournal,
            LossCause::Other => Kind::OtherLoss,
        };
        let mut key = carrier.0.as_bytes().to_vec();
        key.extend(carrier.1.to_be_bytes());
        Self {
            kind,
            stream: loss.stream,
            from: loss.from.map(Seq::get),
            until: loss.until.map(Seq::get),
            earliest_ms: loss.earliest_ms,
            latest_ms: loss.latest_ms,
            records: loss.records,
            key,
        }
    }

    /// Told by this stream: another one that tells the like is another incident.
    #[must_use]
    pub fn told_by(mut self, stream: StreamId) -> Self {
        self.key.extend(stream.as_bytes());
        self
    }

    /// With the positions it reaches over.
    #[must_use]
    pub const fn reaching(mut self, from: u64, until: Option<u64>) -> Self {
        self.from = Some(from);
        self.until = until;
        self
    }

    /// With the times between which it happened.
    #[must_use]
    pub const fn between(mut self, earliest_ms: i64, latest_ms: i64) -> Self {
        self.earliest_ms = Some(earliest_ms);
        self.latest_ms = Some(latest_ms);
        self
    }

    /// With how many records it is about at most.
    #[must_use]
    pub const fn about(mut self, records: u64) -> Self {
        self.records = Some(records);
        self
    }

    /// Its id, for the terminal it happened to.
    #[must_use]
    pub fn id(&self, terminal: TerminalId) -> IncidentId {
        let mut about = self.kind.name().as_bytes().to_vec();
        about.push(0);
        about.extend(terminal.as_bytes());
        about.extend(self.stream.map_or([0; 16], |stream| *stream.as_bytes()));
        about.extend(&self.key);
        let digest = manyi_shared::wire::digest(&about);
        digest.first_chunk().copied().unwrap_or_default()
    }

    /// All of it in words.
    #[must_use]
    pub fn text(&self) -> String {
        let mut bounds = Vec::new();
        if let Some(stream) = self.stream {
            bounds.push(format!("stream {stream}"));
        }
        match (self.from, self.until) {
            (Some(from), Some(until)) if from == until => bounds.push(format!("position {from}")),
            (Some(from), Some(until)) => bounds.push(format!("positions {from} to {until}")),
            (Some(from), None) => bounds.push(format!("from position {from} on")),
            (None, Some(until)) => bounds.push(format!("up to position {until}")),
            (None, None) => {}
        }
        if let Some(records) = self.records {
            bounds.push(match records {
                1 => "at most 1 record".to_owned(),
                n => format!("at most {n} records"),
            });
        }
        if bounds.is_empty() {
            return self.kind.words().to_owned();
        }
        format!("{} ({})", self.kind.words(), bounds.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(Kind::named("self_test"), None);
    }

    #[test]
    fn what_happens_to_another_terminal_stream_or_position_is_another_incident() {
        let (one, two) = (StreamId::from_bytes([1; 16]), StreamId::from_bytes([2; 16]));
        let (here, there) = (
            TerminalId::from_bytes([1; 16]),
            TerminalId::from_bytes([2; 16]),
        );
        let ids = [
            Incident::at(Kind::Gone, one, 1, 4).id(here),
            Incident::at(Kind::Gone, one, 1, 4).id(there),
            Incident::at(Kind::Gone, two, 1, 4).id(here),
            Incident::at(Kind::Gone, one, 1, 5).id(here),
            Incident::at(Kind::Folded, one, 1, 4).id(here),
            Incident::of_stream(Kind::Gone, one).id(here),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
        let again = Incident::of_stream(Kind::SecondHistory, one);
        let further = again.clone().reaching(7, Some(9));
        assert_eq!(again.id(here), further.id(here), "it goes on, it is one");
    }

    #[test]
    fn the_words_name_what_is_known_and_nothing_else() {
        let stream = StreamId::from_bytes([1; 16]);
        let text = Incident::at(Kind::Gone, stream, 3, 3).about(1).text();
        assert!(
            text.ends_with(
                "(stream 01010101-0101-0101-0101-010101010101, position 3, at most 1 record)"
            ),
            "{text}"
        );
        let text = Incident::of_boot(Kind::NumbersBack, BootId::from_bytes([1; 16])).text();
        assert!(text.ends_with("same identity"), "{text}");
    }
}
