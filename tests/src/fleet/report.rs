//! What was measured, and whether it is good.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::{Ended, Plan};
use crate::figures::Figures;

/// A request may be sent this much before the time that was wished for: the answer was already on
/// its way when the tablet's clock was read.
const SLACK: Duration = Duration::from_millis(1);

/// Peak over steady drain rate that is allowed.
const MOST_RATIO: f64 = 2.0;

/// The collector's memory that is allowed, in KiB: its 64 MiB of bodies, its caches, and 20 KiB for
/// each of 5,000 open connections.
const MOST_KIB: u64 = 256 * 1024;

/// Requests and drained backlogs, second by second from the return to the last drained tablet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// Requests of any kind, taken or not, in each second.
    pub requests: Vec<u32>,
    /// Of these, the ones that were turned away or got no answer.
    pub turned_away: Vec<u32>,
    /// Exchanges with records that were taken, in each second.
    pub drained: Vec<u32>,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was simulated.
    pub plan: Plan,
    /// What happened when.
    pub timeline: Timeline,
    /// Tablets whose whole backlog was acknowledged.
    pub drained_terminals: usize,
    /// When the last of them was, in seconds.
    pub drained_after: f64,
    /// Records that were acknowledged.
    pub records: u64,
    /// The most requests in one second.
    pub peak: u32,
    /// Exchanges with records that were taken, a second, from a tenth to nine tenths of them.
    pub drain_rate: f64,
    /// Requests that were turned away with a wish to come back later.
    pub turned_away: usize,
    /// Requests without any answer.
    pub unanswered: usize,
    /// Requests that came earlier than the collector had wished.
    pub too_early: usize,
    /// The most requests that one tablet needed to be drained.
    pub most_attempts: usize,
    /// The collector's memory (PSS) before the return, in KiB.
    pub kib_before: u64,
    /// The most while the fleet came home, in KiB.
    pub kib_most: u64,
    /// Streams that the collector's database does not hold exactly as they were sealed.
    pub streams_wrong: usize,
    /// Whether peak and rate are held to the goal; a small fleet's seconds are too empty for it.
    pub judged_by_rate: bool,
}

impl Timeline {
    fn of(ended: &[Ended], until: Duration) -> Self {
        let seconds = usize::try_from(until.as_secs()).unwrap_or(0) + 1;
        let mut timeline = Self {
            requests: vec![0; seconds],
            turned_away: vec![0; seconds],
            drained: vec![0; seconds],
        };
        for attempt in ended.iter().flat_map(|ended| &ended.attempts) {
            let at = |time: Duration| usize::try_from(time.as_secs()).unwrap_or(usize::MAX);
            let count = |row: &mut Vec<u32>, time: Duration| {
                if let Some(n) = row.get_mut(at(time)) {
                    *n += 1;
                }
            };
            count(&mut timeline.requests, attempt.sent);
            if attempt.status == 0 || attempt.status >= 500 {
                count(&mut timeline.turned_away, attempt.sent);
            }
            if attempt.records > 0 {
                count(&mut timeline.drained, attempt.answered);
            }
        }
        timeline
    }
}

/// Exchanges a second from the first tenth of them to the last.
fn drain_rate(ended: &[Ended]) -> f64 {
    let all = ended.iter().flat_map(|ended| &ended.attempts);
    let drained = all.filter(|attempt| attempt.records > 0);
    let times = Figures::of(drained.map(|attempt| attempt.answered.as_secs_f64()));
    let count = ended
        .iter()
        .flat_map(|ended| &ended.attempts)
        .filter(|attempt| attempt.records > 0)
        .count();
    let Some(times) = times else { return 0.0 };
    let span = times.percentile(90) - times.percentile(10);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let middle = count as f64 * 0.8;
    if span > 0.0 { middle / span } else { middle }
}

/// Requests that were sent before the time that the answer before had asked for.
fn too_early(ended: &Ended) -> usize {
    let pairs = ended.attempts.windows(2);
    pairs
        .filter(|pair| {
            let [before, after] = pair else { return false };
            let wish = before.retry_after.unwrap_or_default();
            after.sent + SLACK < before.answered + wish
        })
        .count()
}

impl Report {
    /// Sums up what the tablets tell; memory and database are added by the caller.
    #[must_use]
    pub fn of(plan: Plan, ended: &[Ended]) -> Self {
        let last = ended.iter().filter_map(|ended| ended.drained).max();
        let last = last.unwrap_or_default();
        let timeline = Timeline::of(ended, last);
        let attempts = || ended.iter().flat_map(|ended| &ended.attempts);
        let until_drained = |ended: &Ended| {
            let until = ended.drained.unwrap_or(Duration::MAX);
            let needed = ended.attempts.iter();
            needed.filter(|attempt| attempt.answered <= until).count()
        };
        Self {
            peak: timeline.requests.iter().copied().max().unwrap_or(0),
            timeline,
            drained_terminals: ended.iter().filter(|e| e.drained.is_some()).count(),
            drained_after: last.as_secs_f64(),
            records: attempts().map(|attempt| attempt.records as u64).sum(),
            drain_rate: drain_rate(ended),
            turned_away: attempts().filter(|a| a.retry_after.is_some()).count(),
            unanswered: attempts().filter(|a| a.status == 0).count(),
            too_early: ended.iter().map(too_early).sum(),
            most_attempts: ended.iter().map(until_drained).max().unwrap_or(0),
            kib_before: 0,
            kib_most: 0,
            streams_wrong: 0,
            judged_by_rate: plan.terminals >= 2000 && plan.speed == 1,
            plan,
        }
    }

    /// Peak over steady drain rate.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        f64::from(self.peak) / self.drain_rate
    }

    /// What is not as it should be, in words.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let left = self.plan.terminals - self.drained_terminals;
        if left > 0 {
            faults.push(format!("{left} tablets were not drained"));
        }
        if self.streams_wrong > 0 {
            faults.push(format!(
                "{} streams are not at the centre as they were sealed",
                self.streams_wrong
            ));
        }
        if self.too_early > 0 {
            faults.push(format!(
                "{} requests came before the time that was wished for",
                self.too_early
            ));
        }
        if self.judged_by_rate && self.ratio() > MOST_RATIO {
            faults.push(format!(
                "the peak is {:.2} times the drain rate, at most {MOST_RATIO}",
                self.ratio()
            ));
        }
        if self.kib_most > MOST_KIB {
            faults.push(format!(
                "the collector took {} KiB, at most {MOST_KIB}",
                self.kib_most
            ));
        }
        faults
    }
}

/// One line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.faults();
        let verdict = if faults.is_empty() {
            "PASSED".to_owned()
        } else {
            format!("FAILED ({})", faults.join("; "))
        };
        write!(
            f,
            "fleet: {} of {} terminals and {} records home after {:.1} s; peak {} requests/s, {:.2} \
             times the drain rate of {:.0}/s; {} turned away, {} unanswered, {} too early; at most \
             {} requests for one terminal; collector {} MiB, {} before; seed {}: {verdict}",
            self.drained_terminals,
            self.plan.terminals,
            self.records,
            self.drained_after,
            self.peak,
            self.ratio(),
            self.drain_rate,
            self.turned_away,
            self.unanswered,
            self.too_early,
            self.most_attempts,
            self.kib_most / 1024,
            self.kib_before / 1024,
            self.plan.seed,
        )
    }
}

#[cfg(test)]
mod tests {
    use manyi_shared::domain::{StreamId, TerminalId};
    use manyi_shared::wire::ChainHash;

    use super::super::{Attempt, Return};
    use super::*;

    fn attempt(sent_ms: u64, status: u16, retry_after: Option<u64>) -> Attempt {
        Attempt {
            sent: Duration::from_millis(sent_ms),
            answered: Duration::from_millis(sent_ms + 10),
            status,
            retry_after: retry_after.map(Duration::from_secs),
            records: usize::from(status == 200),
            carried: true,
        }
    }

    fn ended(attempts: Vec<Attempt>) -> Ended {
        let last = attempts.last().filter(|last| last.status == 200);
        Ended {
            terminal: TerminalId::from_bytes([1; 16]),
            stream: StreamId::from_bytes([1; 16]),
            sealed: (1, ChainHash::from_bytes([0; 32])),
            drained: last.map(|last| last.answered),
            attempts,
        }
    }

    fn report(ended: &[Ended]) -> Report {
        let plan = Plan {
            terminals: ended.len(),
            ratings: 0,
            away: Duration::ZERO,
            comes_back: Return::Power,
            speed: 1,
            seed: 0,
            limit: Duration::ZERO,
        };
        Report {
            judged_by_rate: true,
            ..Report::of(plan, ended)
        }
    }

    #[test]
    fn an_even_fleet_passes() {
        let fleet: Vec<_> = (0..3000)
            .map(|n| ended(vec![attempt(n * 10, 200, None)]))
            .collect();
        let report = report(&fleet);
        assert_eq!(report.faults(), Vec::<String>::new());
        assert_eq!(report.peak, 100);
        assert!((report.drain_rate - 100.0).abs() < 1.0, "{report}");
    }

    #[test]
    fn refused_requests_count_and_a_peak_of_them_fails() {
        let fleet: Vec<_> = (0..3000)
            .map(|n| {
                ended(vec![
                    attempt(0, 503, Some(1)),
                    attempt(1500 + n * 10, 200, None),
                ])
            })
            .collect();
        let report = report(&fleet);
        assert_eq!((report.peak, report.turned_away), (3000, 3000));
        assert!(
            report.faults().iter().any(|f| f.contains("peak")),
            "{report}"
        );
    }

    #[test]
    fn who_comes_before_the_wished_time_and_who_is_not_drained_is_told() {
        let early = vec![attempt(0, 503, Some(2)), attempt(1900, 200, None)];
        let punctual = vec![attempt(0, 503, Some(2)), attempt(2010, 200, None)];
        let starved = vec![attempt(0, 503, Some(2))];
        let report = report(&[ended(early), ended(punctual), ended(starved)]);
        assert_eq!(report.too_early, 1);
        let faults = report.faults();
        assert!(
            faults.iter().any(|f| f.contains("1 requests came before")),
            "{faults:?}"
        );
        assert!(
            faults.iter().any(|f| f.contains("1 tablets were not")),
            "{faults:?}"
        );
    }
}
