//! What each kind of answer leads to.

use std::time::Duration;

use manyi_shared::domain::{Retry, StreamId, Watermark};
use manyi_shared::wire::limits::SEND_RECORDS;
use manyi_shared::wire::{Claim, Reply, Run};

use super::hunt::{Failure, Hunt, Step};
use super::verdict::{Mark, Verdict, last, verdict};
use super::{CALM, Cargo, Effect, MOST_UNREAD, Outcome, Report, Sent, Suspects, Uplink};

const BACKOFF: Retry = Retry::Backoff { at_least: None };

impl Uplink {
    /// An exchange ended.
    pub fn exchanged(
        &mut self,
        sent: &Sent,
        outcome: &Outcome,
        now: Duration,
        random: u64,
    ) -> Vec<Effect> {
        match (outcome, &sent.run) {
            (Outcome::Replied(reply), _) => self.replied(sent, reply, now, random),
            (Outcome::TooLarge, _) => self.too_large(sent, now, random),
            (Outcome::Refused, None) => self.unwanted(now, random),
            (Outcome::Refused, Some(run)) => {
                let reports = self.records_failed(*run, sent.cargo, Failure::Refused, now);
                self.go_on(reports, Retry::Now, now, random)
            }
            (Outcome::Broken { at_least }, None) => {
                // It is the server, then. Whatever was suspected is sent as before.
                self.hunt.take_if(|hunt| hunt.is_the_server());
                let at_least = *at_least;
                self.after(Retry::Backoff { at_least }, now, random);
                Vec::new()
            }
            (Outcome::Broken { at_least }, Some(run)) => {
                let at_least = *at_least;
                let reports = self.records_failed(*run, sent.cargo, Failure::Broken, now);
                self.go_on(reports, Retry::Backoff { at_least }, now, random)
            }
            (Outcome::Failed(retry), _) => self.failed(sent, *retry, now, random),
        }
    }

    fn replied(&mut self, sent: &Sent, reply: &Reply, now: Duration, random: u64) -> Vec<Effect> {
        let mut effects: Vec<Effect> = Vec::new();
        effects.extend(reply.profile.iter().cloned().map(Effect::KeepProfile));
        let verdict = verdict(sent, reply);
        if sent.own && !matches!(verdict, Verdict::Renumber(_)) {
            let revoked = verdict == Verdict::Revoked;
            effects.push(Effect::Standing { revoked });
            if reply.rotate_key && !revoked && !std::mem::replace(&mut self.rotating, true) {
                effects.push(Effect::RotateKey);
            }
        }
        let looked = matches!(verdict, Verdict::Heard | Verdict::Advanced(_));
        match (verdict, sent.run) {
            (Verdict::Heard, _) => effects.extend(self.answered_empty(now)),
            (Verdict::Advanced(mark), _) => {
                effects.extend(Report::dead_letters(reply).map(Effect::Report));
                effects.push(Effect::Acknowledge(mark));
                self.advanced(mark, sent.cargo, now);
            }
            (Verdict::Rewind(mark), Some(run)) => {
                effects.push(Effect::Rewind(mark));
                self.regain(run.stream, Watermark::new(run.first.get() - 1));
                self.round.sign(now);
                self.after(Retry::Now, now, random);
            }
            (Verdict::Renumber(number), _) => {
                effects.push(Effect::Renumber(number));
                self.round.sign(now);
                self.after(Retry::Now, now, random);
            }
            (Verdict::Revoked, Some(run)) if !sent.own => {
                effects.push(self.refused_stream(Suspects::of(&run), now));
                self.after(Retry::Never, now, random);
            }
            (Verdict::Revoked, _) => {
                self.after(Retry::AfterOperator, now, random);
                effects.push(Effect::Report(Report::Revoked));
            }
            (Verdict::Conflict { kept }, Some(run)) => {
                effects.extend(self.conflict(run, kept, now));
            }
            (Verdict::Senseless(why), _) => {
                effects.push(Effect::Report(Report::Senseless(why)));
                effects.extend(self.senseless(sent, now));
                self.after(BACKOFF, now, random);
            }
            (Verdict::Rewind(_) | Verdict::Conflict { .. }, None) => {
                self.after(BACKOFF, now, random);
            }
        }
        if looked && let Some(claims) = &sent.claims {
            self.round.answered(claims, now);
            effects.extend(self.behind(claims, sent.run, reply, now, random));
        }
        effects
    }

    /// An empty exchange was taken: the server is well.
    fn answered_empty(&mut self, now: Duration) -> Option<Effect> {
        self.heard(now);
        self.hurries = 0;
        self.found_nothing(now);
        let suspected = self.hunt.as_ref().is_some_and(Hunt::wants_probe);
        if std::mem::take(&mut self.probe) || suspected {
            self.next_look = now;
        }
        let hunt = self.hunt.as_mut()?;
        let step = hunt.well();
        let at = hunt.suspects();
        self.is_hopeless(step).then(|| self.refused_stream(at, now))
    }

    /// A run or a fold failed as a whole. Says what is given up, if anything.
    fn records_failed(
        &mut self,
        run: Run,
        cargo: Cargo,
        failure: Failure,
        now: Duration,
    ) -> Option<Effect> {
        let before = self.hunt.take().filter(|hunt| hunt.covers(&run, cargo));
        let mut hunt = before.unwrap_or_else(|| Hunt::new(&run, cargo));
        let step = hunt.failed(&run, cargo, failure);
        let at = hunt.suspects();
        self.hunt = Some(hunt);
        self.is_hopeless(step).then(|| self.refused_stream(at, now))
    }

    /// The next attempt comes as `retry` says, or at once with the other streams when this one was
    /// given up.
    fn go_on(
        &mut self,
        given_up: Option<Effect>,
        retry: Retry,
        now: Duration,
        random: u64,
    ) -> Vec<Effect> {
        let retry = given_up.as_ref().map_or(retry, |_| Retry::Never);
        self.after(retry, now, random);
        given_up.into_iter().collect()
    }

    /// Whether the hunt cannot go on: not even an unread record is taken, or so many records in a
    /// row were given up that it cannot be the records.
    fn is_hopeless(&mut self, step: Step) -> bool {
        let unread = self.hunt.as_ref().and_then(Hunt::unread);
        let too_many = unread.is_some() && self.given_up >= MOST_UNREAD;
        if too_many {
            self.given_up = 0;
        }
        step == Step::Lost || too_many
    }

    /// Sets a stream aside because its records are refused, and has an empty exchange tell whether
    /// everything is.
    fn refused_stream(&mut self, at: Suspects, now: Duration) -> Effect {
        self.set_aside(at.stream, Some(now.saturating_add(self.pace.aside)));
        self.probe = true;
        Effect::Report(Report::SetAside(at))
    }

    fn too_large(&mut self, sent: &Sent, now: Duration, random: u64) -> Vec<Effect> {
        let records = sent.run.filter(|_| sent.cargo != Cargo::Fold);
        let count = records.map_or(0, |run| run.count as usize);
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
        match (retry, sent.run) {
            // Records of the tablet's earlier identity, which the centre no longer takes, must not
            // hold up the present one.
            (Retry::AfterOperator, Some(run)) if !sent.own => {
                self.after(Retry::Never, now, random);
                vec![self.refused_stream(Suspects::of(&run), now)]
            }
            (Retry::Never, Some(run)) => {
                self.after(Retry::Never, now, random);
                vec![self.refused_stream(Suspects::of(&run), now)]
            }
            (Retry::AfterOperator, _) | (Retry::Never, None) => self.unwanted(now, random),
            (Retry::Now | Retry::Backoff { .. }, _) => {
                self.after(retry, now, random);
                Vec::new()
            }
        }
    }

    /// Whatever is sent is refused: somebody must act.
    fn unwanted(&mut self, now: Duration, random: u64) -> Vec<Effect> {
        self.after(Retry::AfterOperator, now, random);
        vec![Effect::Report(Report::OperatorNeeded)]
    }

    /// The centre holds another history of the stream. When it keeps ours beside it, ours goes on:
    /// what is kept is acknowledged, under our own chain.
    fn conflict(&mut self, run: Run, kept: Option<Watermark>, now: Duration) -> Vec<Effect> {
        self.heard(now);
        self.next_look = now;
        let mut effects = Vec::new();
        if !self.conflicts.contains(&run.stream) {
            self.conflicts.push(run.stream);
            effects.push(Effect::Report(Report::Conflict { run, kept }));
        }
        let end = Watermark::from(last(&run));
        if kept.is_some_and(|kept| kept >= end) {
            let mark = Mark {
                stream: run.stream,
                watermark: end,
                hash: run.head,
                or_else: None,
            };
            self.hunted(mark);
            effects.push(Effect::Acknowledge(mark));
        } else {
            self.set_aside(run.stream, None);
        }
        effects
    }

    /// A signed reply makes no sense. A fold that an older collector does not know must not hold up
    /// the other streams.
    fn senseless(&mut self, sent: &Sent, now: Duration) -> Option<Effect> {
        let run = sent.run.filter(|_| sent.cargo == Cargo::Fold)?;
        Some(self.refused_stream(Suspects::of(&run), now))
    }

    /// The centre answered in a way that counts as a heartbeat.
    const fn heard(&mut self, now: Duration) {
        self.failures = 0;
        self.next_heartbeat = now.saturating_add(self.heartbeat);
    }

    fn advanced(&mut self, mark: Mark, cargo: Cargo, now: Duration) {
        self.heard(now);
        self.next_look = now;
        self.calm = self.calm.saturating_add(1);
        if self.calm.is_multiple_of(CALM) {
            self.size = self.size.saturating_mul(2).min(SEND_RECORDS);
        }
        self.given_up = match cargo {
            Cargo::Unread => self.given_up + 1,
            Cargo::Records | Cargo::Fold => 0,
        };
        self.hunted(mark);
        let held = |(stream, held): &(StreamId, Watermark)| {
            *stream == mark.stream && mark.watermark <= *held
        };
        if !self.regaining.iter().any(held) {
            self.hurries = 0;
            self.regaining.retain(|(stream, _)| *stream != mark.stream);
        }
    }

    /// What is held need not be hunted any more.
    fn hunted(&mut self, mark: Mark) {
        self.hunt
            .take_if(|hunt| hunt.stream() == mark.stream && hunt.taken(mark.watermark));
    }

    /// What is sent of this stream up to here was held before: it is no progress.
    fn regain(&mut self, stream: StreamId, held: Watermark) {
        let before = self
            .regaining
            .iter()
            .position(|(other, _)| *other == stream);
        let before = before.map(|at| self.regaining.swap_remove(at).1);
        let held = before.map_or(held, |before| before.max(held));
        self.regaining.push((stream, held));
    }

    /// Claims of which the centre holds less: it gets the rest again.
    fn behind(
        &mut self,
        claims: &[Claim],
        run: Option<Run>,
        reply: &Reply,
        now: Duration,
        random: u64,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        for held in &reply.behind {
            let claimed = claims.iter().find(|claim| claim.stream == held.stream);
            // What became of the run says more about its own stream.
            if run.is_some_and(|run| run.stream == held.stream) {
                continue;
            }
            match claimed {
                Some(claimed) if held.watermark < claimed.watermark => {
                    effects.push(Effect::Refill(Mark {
                        stream: held.stream,
                        watermark: held.watermark,
                        hash: held.hash,
                        or_else: None,
                    }));
                    self.regain(held.stream, claimed.watermark);
                }
                _ => effects.push(Effect::Report(Report::Senseless(
                    "less is held of what was not claimed",
                ))),
            }
        }
        if effects
            .iter()
            .any(|effect| matches!(effect, Effect::Refill(_)))
        {
            self.round.sign(now);
            self.after(Retry::Now, now, random);
        }
        effects
    }
}
