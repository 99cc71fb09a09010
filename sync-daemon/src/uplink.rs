//! The uplink's decisions: when to send, how much, and what to do after each kind of answer.
//!
//! Pure: no I/O and no clock. The loop asks [`Uplink::next`], does what it says, and reports what
//! became of it; times are counted from the program's start, randomness is handed in.
//!
//! **Invariants**
//! 1. Only a verified reply leads to [`Effect::Acknowledge`] or [`Effect::Rewind`].
//! 2. Nothing is dropped: a stream that cannot be sent is set aside, its records stay where they
//!    are, and the other streams go on.
//! 3. A lone record leaves with the next look at the backlog: looks are never further apart than
//!    the poll pace, unless a pause is under way.
//! 4. A pause is never cut short, neither by a wake nor by the timer; only by the end of what it waits
//!    for ([`Uplink::known_again`]).
//! 5. Attempts without a pause between them are bounded (`HURRIES` in a row) until the centre
//!    holds something that it did not hold before.
//! 6. A record is sent unread only when it failed alone: refused, or while the server was seen to
//!    be well (see `hunt`).

mod answers;
mod effect;
mod hunt;
mod pause;
mod round;
mod verdict;

#[cfg(test)]
mod fleet;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod table;
#[cfg(test)]
mod world;

use std::time::Duration;

use manyi_shared::domain::{Retry, Seq, StreamId, Watermark};
use manyi_shared::wire::limits::SEND_RECORDS;
use manyi_shared::wire::{Claim, Reply, Run};

pub use effect::{Effect, NotNoted, Report, Suspects};
use hunt::Hunt;
pub use pause::{Backoff, LONGEST_WISH};
use pause::{share, stretched};
use round::Round;
pub use round::Turn;
pub use verdict::Mark;
use verdict::last;

/// Attempts in a row that may follow each other at once: 500 records halve to one in eight steps.
const HURRIES: u32 = 8;

/// Exchanges in a row that must succeed before the size doubles again after a 413. Growing after
/// each would have every second exchange refused by a way that is narrow for good.
const CALM: u32 = 8;

/// Records in a row that are given up without one in between that was taken. When it is more, it is
/// not the records that are bad.
const MOST_UNREAD: u32 = 32;

/// How often to look, to report and to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two looks at the backlog when no wake came.
    pub poll: Duration,
    /// Between two exchanges when there is nothing to send.
    pub heartbeat: Duration,
    /// After a failure that passes by itself.
    pub backoff: Backoff,
    /// After a refusal that somebody must lift.
    pub operator: Duration,
    /// How long a refused stream is set aside. Bounded, because the refusal is not signed: a proxy
    /// in between may have made it.
    pub aside: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            heartbeat: Duration::from_secs(30),
            backoff: Backoff::default(),
            operator: Duration::from_secs(300),
            aside: Duration::from_secs(3600),
        }
    }
}

/// What the loop does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Wait until this time after the program's start, or until woken.
    Wait(Duration),
    /// Look at the backlog and send what is there.
    Look(Order),
}

/// How to look at the backlog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// At most so many records.
    pub max_records: usize,
    /// None of these streams.
    pub skip: Vec<StreamId>,
    /// Send an exchange even when there is no record.
    pub heartbeat: bool,
    /// Do not look at all: an empty exchange tells how the centre is.
    pub bare: bool,
    /// The record here is sent to be kept unread, if it is what the look finds.
    pub unread: Option<(StreamId, Seq)>,
    /// Say what the centre acknowledged before, beginning here. Only as the present terminal.
    pub claims: Option<Turn>,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The run, or the positions of a fold; none in an exchange without either.
    pub run: Option<Run>,
    /// What stood for those positions.
    pub cargo: Cargo,
    /// Whether it was sent as the terminal that this tablet now is, not as an earlier one.
    pub own: bool,
    /// What it claimed; none when it was not to claim anything.
    pub claims: Option<Vec<Claim>>,
}

/// How the positions of an exchange were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cargo {
    /// The records themselves.
    #[default]
    Records,
    /// One record, to be kept unread.
    Unread,
    /// A fold in place of the records.
    Fold,
}

/// What became of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The collector's answer, verified.
    Replied(Box<Reply>),
    /// It was too large for somebody on the way (413).
    TooLarge,
    /// The collector says that it will never take this as it is (400, 422 in its own form).
    Refused,
    /// The server failed (500, 502): it may be ill, or the records may be what makes it fail.
    Broken {
        /// How long the server wants us to wait.
        at_least: Option<Duration>,
    },
    /// There was no answer to trust.
    Failed(Retry),
}

/// The state of the uplink.
#[derive(Debug, Clone)]
pub struct Uplink {
    pace: Pace,
    heartbeat: Duration,
    size: usize,
    calm: u32,
    aside: Vec<(StreamId, Option<Duration>)>,
    hurries: u32,
    failures: u32,
    regaining: Vec<(StreamId, Watermark)>,
    hunt: Option<Hunt>,
    /// Records given up in a row.
    given_up: u32,
    /// A stream was set aside for a refusal: an empty exchange tells whether all are refused.
    probe: bool,
    round: Round,
    /// Streams whose conflict was told.
    conflicts: Vec<StreamId>,
    rotating: bool,
    not_before: Duration,
    next_look: Duration,
    next_heartbeat: Duration,
}

impl Uplink {
    /// The uplink at the program's start. The first look comes at a random time within the poll
    /// pace: tablets of a hall get their power back in the same second.
    #[must_use]
    pub fn new(pace: Pace, random: u64) -> Self {
        let first = share(pace.poll, random);
        Self {
            heartbeat: pace.heartbeat,
            pace,
            size: SEND_RECORDS,
            calm: 0,
            aside: Vec::new(),
            hurries: 0,
            failures: 0,
            regaining: Vec::new(),
            hunt: None,
            given_up: 0,
            probe: false,
            round: Round::new(),
            conflicts: Vec::new(),
            rotating: false,
            not_before: Duration::ZERO,
            next_look: first,
            next_heartbeat: first,
        }
    }

    /// The uplink of a tablet that has just got its power back, most likely with all the others of
    /// its hall and town: the first exchange comes at a random time within the heartbeat's pace, and
    /// records sealed meanwhile wait for it. So a fleet that is switched on in one second asks as
    /// often as on any other day, from its first second on.
    #[must_use]
    pub fn after_power_cut(pace: Pace, random: u64) -> Self {
        let first = share(pace.heartbeat, random);
        Self {
            not_before: first,
            next_look: first,
            next_heartbeat: first,
            ..Self::new(pace, random)
        }
    }

    /// What to do at `now`.
    #[must_use]
    pub fn next(&self, now: Duration) -> Next {
        let due = self.next_look.min(self.next_heartbeat).max(self.not_before);
        if now < due {
            return Next::Wait(due);
        }
        let is_aside = |until: Option<Duration>| until.is_none_or(|until| now < until);
        let skip = self.aside.iter().filter(|(_, until)| is_aside(*until));
        let hunt = self.hunt.as_ref();
        let bare = self.probe || hunt.is_some_and(Hunt::wants_probe);
        Next::Look(Order {
            max_records: hunt.map_or(self.size, |hunt| hunt.size().min(self.size)),
            skip: skip.map(|(stream, _)| *stream).collect(),
            heartbeat: bare || now >= self.next_heartbeat,
            bare,
            unread: hunt.and_then(Hunt::unread),
            claims: self.round.due(now),
        })
    }

    /// A record was sealed.
    pub fn woken(&mut self, now: Duration) {
        self.next_look = self.next_look.min(now);
    }

    /// There is something to tell the centre besides records: the next exchange is sent even when
    /// there is no record, as soon as no pause is under way.
    pub fn has_news(&mut self, now: Duration) {
        self.next_heartbeat = self.next_heartbeat.min(now);
    }

    /// How often the office wants a sign of life; none says the configured pace. A shorter one
    /// counts from now, the next sign of life is never put off.
    pub fn beat(&mut self, every: Option<Duration>, now: Duration) {
        self.heartbeat = every.unwrap_or(self.pace.heartbeat);
        self.next_heartbeat = self.next_heartbeat.min(now.saturating_add(self.heartbeat));
    }

    /// The look found nothing to send, and no heartbeat was due.
    pub fn found_nothing(&mut self, now: Duration) {
        self.next_look = now.saturating_add(self.pace.poll);
    }

    /// What [`Effect::RotateKey`] asked for has ended, well or not: it may be asked for again.
    pub const fn rotated(&mut self) {
        self.rotating = false;
    }

    /// The centre knows this terminal's key again, by its signed word: nobody has to act any more.
    pub fn known_again(&mut self, now: Duration) {
        self.not_before = self.not_before.min(now);
        self.next_look = self.next_look.min(now);
    }

    /// What [`Effect::Acknowledge`] or [`Effect::Rewind`] asked for could not be done.
    pub fn not_noted(&mut self, stream: StreamId, why: NotNoted, now: Duration, random: u64) {
        match why {
            NotNoted::OtherHistory => self.set_aside(stream, None),
            NotNoted::Missing => self.set_aside(stream, Some(now.saturating_add(self.pace.aside))),
            NotNoted::Journal => self.after(Retry::Backoff { at_least: None }, now, random),
        }
    }

    /// The one place that says when the next attempt is made.
    fn after(&mut self, retry: Retry, now: Duration, random: u64) {
        match retry {
            Retry::Now if self.hurries < HURRIES => {
                self.hurries += 1;
                self.next_look = now;
            }
            Retry::Now => {
                self.hurries = 0;
                self.after(Retry::Backoff { at_least: None }, now, random);
            }
            Retry::Backoff { at_least } => {
                let pause = self.pace.backoff.pause(self.failures, at_least, random);
                self.failures = self.failures.saturating_add(1);
                self.not_before = now.saturating_add(pause);
                self.next_look = self.not_before;
            }
            Retry::AfterOperator => {
                self.not_before = now.saturating_add(stretched(self.pace.operator, random));
                self.next_look = self.not_before;
            }
            // The stream is set aside by now; the others go on.
            Retry::Never => self.next_look = now,
        }
    }

    fn set_aside(&mut self, stream: StreamId, until: Option<Duration>) {
        self.aside.retain(|(other, _)| *other != stream);
        self.aside.push((stream, until));
        if self
            .hunt
            .as_ref()
            .is_some_and(|hunt| hunt.stream() == stream)
        {
            self.hunt = None;
        }
    }
}

/// The position of the last record of a run.
#[must_use]
pub fn last_of(run: &Run) -> Seq {
    last(run)
}
