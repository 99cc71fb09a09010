//! Which roll-ups and which quarter-hours a range is made of.

use std::ops::Range;

use super::{Calendar, Grain};

/// Where the counts of a piece of time are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Roll-ups.
    Rollup(Grain),
    /// The tally's quarter-hours.
    Slots,
}

/// Periods without a hole, read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where.
    pub source: Source,
    /// The first period: an hour, a day, a month or a slot, as in the table.
    pub first: i64,
    /// The last one.
    pub last: i64,
    /// For every bucket that a period of the run lies in, the first such period, ascending.
    pub buckets: Vec<(i64, usize)>,
    /// The slot after the last: where the next run goes on.
    end: i64,
}

impl Run {
    /// The bucket that a period of the run belongs to.
    #[must_use]
    pub fn bucket_of(&self, period: i64) -> usize {
        let after = self.buckets.partition_point(|(first, _)| *first <= period);
        let bucket = self.buckets.get(after.saturating_sub(1));
        bucket.map_or(0, |(_, bucket)| *bucket)
    }
}

/// Cuts a range into whole months, days, hours and what is left, in as few runs as can be.
///
/// `buckets` are the first slots of its pieces, ascending; none stands for one piece. Hours are used
/// with `hours` only; without a calendar, nothing is rolled up.
#[must_use]
pub fn plan(
    slots: &Range<i64>,
    buckets: &[i64],
    calendar: Option<&Calendar>,
    hours: bool,
) -> Vec<Run> {
    let mut runs = Runs(Vec::new());
    let whole = [slots.start];
    let starts = if buckets.is_empty() { &whole } else { buckets };
    let days = calendar.map_or_else(Vec::new, |calendar| calendar.days(slots));
    for (bucket, start) in starts.iter().enumerate() {
        let end = starts.get(bucket + 1).copied().unwrap_or(slots.end);
        let piece = Piece {
            start: *start,
            end,
            bucket,
        };
        match calendar {
            None => runs.slots(&piece, *start, end),
            Some(_) => runs.piece(&piece, &days, hours),
        }
    }
    runs.0
}

struct Piece {
    start: i64,
    end: i64,
    bucket: usize,
}

struct Runs(Vec<Run>);

impl Runs {
    /// `days` are those of the whole range with their first slots, and the one after it.
    fn piece(&mut self, piece: &Piece, days: &[(i64, i64)], hours: bool) {
        let first = days.partition_point(|(_, slot)| *slot < piece.start);
        let after = days.partition_point(|(_, slot)| *slot <= piece.end);
        // The day `after - 1` begins at the end or before it: days up to it are whole.
        let whole = days.get(first..after).unwrap_or_default();
        let (Some((_, from)), Some((_, to))) = (whole.first(), whole.last()) else {
            return self.fine(piece, piece.start, piece.end, hours);
        };
        self.fine(piece, piece.start, *from, hours);
        self.days(piece, whole);
        self.fine(piece, *to, piece.end, hours);
    }

    /// Whole days, up to the beginning of the last one; whole months among them as such.
    fn days(&mut self, piece: &Piece, days: &[(i64, i64)]) {
        let mut index = 0;
        while let (Some((day, from)), Some((_, next))) = (days.get(index), days.get(index + 1)) {
            let month = day / 100;
            let rest = days.get(index..).unwrap_or_default();
            let length = rest.partition_point(|(other, _)| other / 100 == month);
            match rest.get(length) {
                Some((_, to)) if day % 100 == 1 => {
                    self.add(Source::Rollup(Grain::Month), piece, month, *from..*to);
                    index += length;
                }
                _ => {
                    self.add(Source::Rollup(Grain::Day), piece, *day, *from..*next);
                    index += 1;
                }
            }
        }
    }

    /// Less than a day: hours where there are, and quarter-hours.
    fn fine(&mut self, piece: &Piece, from: i64, to: i64, hours: bool) {
        let (first, after) = (-(-from).div_euclid(4), to.div_euclid(4));
        if !hours || first >= after {
            return self.slots(piece, from, to);
        }
        self.slots(piece, from, first * 4);
        for hour in first..after {
            let slots = hour * 4..hour * 4 + 4;
            self.add(Source::Rollup(Grain::Hour), piece, hour, slots);
        }
        self.slots(piece, after * 4, to);
    }

    fn slots(&mut self, piece: &Piece, from: i64, to: i64) {
        if from < to {
            self.add(Source::Slots, piece, from, from..to);
            if let Some(run) = self.0.last_mut() {
                run.last = to - 1;
            }
        }
    }

    /// One period more: at the end of the last run, or of a run of its own.
    fn add(&mut self, source: Source, piece: &Piece, period: i64, slots: Range<i64>) {
        match self.0.last_mut() {
            Some(run) if run.source == source && run.end == slots.start => {
                run.last = period;
                run.end = slots.end;
                if run.buckets.last().is_none_or(|(_, b)| *b != piece.bucket) {
                    run.buckets.push((period, piece.bucket));
                }
            }
            _ => self.0.push(Run {
                source,
                first: period,
                last: period,
                buckets: vec![(period, piece.bucket)],
                end: slots.end,
            }),
        }
    }
}
