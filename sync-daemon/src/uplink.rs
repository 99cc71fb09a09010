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
//! 4. A pause is never cut short, neither by a wake nor by the timer.
//! 5. Attempts without a pause between them are bounded (`HURRIES` in a row) until the centre
//!    holds something that it did not hold before.

mod effect;
mod pause;
mod verdict;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod table;
#[cfg(test)]
mod world;

use std::time::Duration;

use manyi_shared::domain::{Retry, Seq, StreamId, Watermark};
use manyi_shared::wire::limits::SEND_RECORDS;
use manyi_shared::wire::{Reply, Run};

pub use effect::{Effect, NotNoted, Report};
pub use pause::{Backoff, LONGEST_WISH};
use pause::{share, stretched};
pub use verdict::Mark;
use verdict::{Verdict, last, verdict};

/// Attempts in a row that may follow each other at once: 500 records halve to one in eight steps.
const HURRIES: u32 = 8;

/// Exchanges in a row that must succeed before the size doubles again after a 413. Growing after
/// each would have every second exchange refused by a way that is narrow for good.
const CALM: u32 = 8;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// At most so many records.
    pub max_records: usize,
    /// None of these streams.
    pub skip: Vec<StreamId>,
    /// Send an exchange even when there is no record.
    pub heartbeat: bool,
}

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The run; none in a heartbeat.
    pub run: Option<Run>,
    /// Whether it was sent as the terminal that this tablet now is, not as an earlier one.
    pub own: bool,
}

/// What became of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The collector's answer, verified.
    Replied(Reply),
    /// It was too large for somebody on the way (413).
    TooLarge,
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
    regaining: Option<(StreamId, Watermark)>,
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
            regaining: None,
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
        Next::Look(Order {
            max_records: self.size,
            skip: skip.map(|(stream, _)| *stream).collect(),
            heartbeat: now >= self.next_heartbeat,
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

    /// An exchange ended.
    pub fn exchanged(
        &mut self,
        sent: &Sent,
        outcome: &Outcome,
        now: Duration,
        random: u64,
    ) -> Vec<Effect> {
        match outcome {
            Outcome::Replied(reply) => self.replied(sent, reply, now, random),
            Outcome::TooLarge => self.too_large(sent, now, random),
            Outcome::Failed(retry) => self.failed(sent, *retry, now, random),
        }
    }

    /// What [`Effect::Acknowledge`] or [`Effect::Rewind`] asked for could not be done.
    pub fn not_noted(&mut self, stream: StreamId, why: NotNoted, now: Duration, random: u64) {
        match why {
            NotNoted::OtherHistory => self.set_aside(stream, None),
            NotNoted::Missing => self.set_aside(stream, Some(now.saturating_add(self.pace.aside))),
            NotNoted::Journal => self.after(Retry::Backoff { at_least: None }, now, random),
        }
    }

    fn replied(&mut self, sent: &Sent, reply: &Reply, now: Duration, random: u64) -> Vec<Effect> {
        let mut effects: Vec<Effect> = reply
            .profile
            .iter()
            .cloned()
            .map(Effect::KeepProfile)
            .collect();
        let run = sent.run.as_ref();
        match (verdict(run, reply), run) {
            (Verdict::Heard, _) => {
                self.heard(now);
                self.hurries = 0;
                self.found_nothing(now);
            }
            (Verdict::Advanced(mark), _) => {
                effects.extend(Report::dead_letters(reply).map(Effect::Report));
                effects.push(Effect::Acknowledge(mark));
                self.advanced(mark, now);
            }
            (Verdict::Rewind(mark), Some(run)) => {
                effects.push(Effect::Rewind(mark));
                let held = Watermark::new(run.first.get().saturating_sub(1));
                self.regaining = Some((run.stream, held));
                self.after(Retry::Now, now, random);
            }
            (Verdict::Renumber(number), _) => {
                effects.push(Effect::Renumber(number));
                self.after(Retry::Now, now, random);
            }
            (Verdict::Conflict { kept }, Some(&run)) => {
                effects.push(Effect::Report(Report::Conflict { run, kept }));
                self.heard(now);
                self.set_aside(run.stream, None);
                self.after(Retry::Never, now, random);
            }
            (Verdict::Senseless(why), _) => {
                effects.push(Effect::Report(Report::Senseless(why)));
                self.after(Retry::Backoff { at_least: None }, now, random);
            }
            (Verdict::Rewind(_) | Verdict::Conflict { .. }, None) => {
                self.after(Retry::Backoff { at_least: None }, now, random);
            }
        }
        effects
    }

    fn too_large(&mut self, sent: &Sent, now: Duration, random: u64) -> Vec<Effect> {
        let count = sent.run.map_or(0, |run| run.count as usize);
        if count > 1 {
            self.size = count / 2;
            self.calm = 0;
            self.after(Retry::Now, now, random);
            return Vec::new();
        }
        let at = sent.run.map(|run| (run.stream, run.first));
        self.after(Retry::AfterOperator, now, random);
        vec![Effect::Report(Report::OneRecordTooLarge { at })]
    }

    fn failed(&mut self, sent: &Sent, retry: Retry, now: Duration, random: u64) -> Vec<Effect> {
        let report = match (retry, sent.run) {
            // Records of the tablet's earlier identity, which the centre no longer takes, must not
            // hold up the present one.
            (Retry::AfterOperator, Some(run)) if !sent.own => Some((Retry::Never, run)),
            (Retry::Never, Some(run)) => Some((Retry::Never, run)),
            (Retry::AfterOperator, _) | (Retry::Never, None) => {
                self.after(Retry::AfterOperator, now, random);
                return vec![Effect::Report(Report::OperatorNeeded)];
            }
            (Retry::Now | Retry::Backoff { .. }, _) => None,
        };
        let Some((retry, run)) = report else {
            self.after(retry, now, random);
            return Vec::new();
        };
        self.set_aside(run.stream, Some(now.saturating_add(self.pace.aside)));
        self.after(retry, now, random);
        vec![Effect::Report(Report::SetAside { run })]
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

    /// The centre answered in a way that counts as a heartbeat.
    const fn heard(&mut self, now: Duration) {
        self.failures = 0;
        self.next_heartbeat = now.saturating_add(self.heartbeat);
    }

    fn advanced(&mut self, mark: Mark, now: Duration) {
        self.heard(now);
        self.next_look = now;
        self.calm = self.calm.saturating_add(1);
        if self.calm.is_multiple_of(CALM) {
            self.size = self.size.saturating_mul(2).min(SEND_RECORDS);
        }
        match self.regaining {
            Some((stream, held)) if stream == mark.stream && mark.watermark <= held => {}
            _ => {
                self.hurries = 0;
                self.regaining = None;
            }
        }
    }

    fn set_aside(&mut self, stream: StreamId, until: Option<Duration>) {
        self.aside.retain(|(other, _)| *other != stream);
        self.aside.push((stream, until));
    }
}

/// The position of the last record of a run.
#[must_use]
pub fn last_of(run: &Run) -> Seq {
    last(run)
}
