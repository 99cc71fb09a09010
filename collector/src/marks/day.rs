//! What the rules find in one day of a hall.

use std::collections::{BTreeMap, BTreeSet};

use manyi_shared::domain::Level;

use super::chance::{at_least, chance_of, real, run_among};
use super::rules::{Burst, NoMatter, OwnShift, Rhythm, Rule, Rules, TooSoon, TopStreak};
use super::seen::{Found, Seen, Usual};

/// The ratings of one day of a hall that a rule marks, ordered by place and rule; each at most once a
/// rule.
#[must_use]
pub fn find(day: &[Seen], usual: &Usual, rules: &Rules) -> Vec<Found> {
    let mut windows: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    for seen in day {
        windows.entry(&seen.window).or_default().push(seen);
    }
    let mut found = BTreeMap::new();
    let mut keep = |marks: Vec<Found>| {
        for mark in marks {
            found.entry((mark.place, mark.rule)).or_insert(mark);
        }
    };
    for (window, mut ratings) in windows {
        // Whoever came first at the same moment is decided by the record's place.
        ratings.sort_by_key(|seen| (seen.at_ms, seen.place));
        if let Some(rule) = rules.too_soon {
            keep(too_soon(&ratings, rule));
        }
        if let Some(rule) = rules.burst {
            keep(burst(&ratings, rule));
        }
        if let Some(rule) = rules.rhythm {
            keep(rhythm(&ratings, rule));
        }
        if let Some(rule) = rules.no_matter {
            keep(no_matter(window, &ratings, usual, rule));
        }
        if let Some(rule) = rules.own_shift {
            keep(own_shift(window, &ratings, usual, rule));
        }
        if let Some(rule) = rules.top_streak {
            keep(top_streak(window, &ratings, usual, rule));
        }
    }
    found.into_values().collect()
}

fn mark(seen: &Seen, rule: Rule, reason: String) -> Found {
    Found {
        place: seen.place,
        rule,
        window: seen.window.clone(),
        at_ms: seen.at_ms,
        reason,
    }
}

fn too_soon(ratings: &[&Seen], rule: TooSoon) -> Vec<Found> {
    let soon = |seen: &&Seen| {
        let ms = seen.response_ms.filter(|ms| *ms < rule.below_ms)?;
        let reason = format!("response_ms={ms} below_ms={}", rule.below_ms);
        Some(mark(seen, Rule::TooSoon, reason))
    };
    ratings.iter().filter_map(soon).collect()
}

fn burst(ratings: &[&Seen], rule: Burst) -> Vec<Found> {
    let within_ms = i64::from(rule.seconds) * 1000;
    let mut found = Vec::new();
    for some in ratings.windows(rule.ratings.max(2)) {
        let (Some(first), Some(last)) = (some.first(), some.last()) else {
            continue;
        };
        let span = last.at_ms - first.at_ms;
        if span <= within_ms {
            let reason = format!(
                "ratings={} within_ms={span} limit_seconds={}",
                some.len(),
                rule.seconds
            );
            found.extend(
                some.iter()
                    .map(|seen| mark(seen, Rule::Burst, reason.clone())),
            );
        }
    }
    found
}

fn rhythm(ratings: &[&Seen], rule: Rhythm) -> Vec<Found> {
    let at_most = i64::from(rule.at_most_seconds) * 1000;
    let mut found = Vec::new();
    for some in ratings.windows(rule.intervals.max(2) + 1) {
        let intervals = || {
            some.iter()
                .zip(some.iter().skip(1))
                .map(|(a, b)| b.at_ms - a.at_ms)
        };
        let (Some(least), Some(most)) = (intervals().min(), intervals().max()) else {
            continue;
        };
        if most <= at_most && most - least <= i64::from(rule.spread_ms) {
            let reason = format!(
                "intervals={} from_ms={least} to_ms={most} spread_ms={}",
                some.len() - 1,
                rule.spread_ms
            );
            found.extend(
                some.iter()
                    .map(|seen| mark(seen, Rule::Rhythm, reason.clone())),
            );
        }
    }
    found
}

fn no_matter(window: &str, ratings: &[&Seen], usual: &Usual, rule: NoMatter) -> Vec<Found> {
    let share = usual.matter.get(window).copied().unwrap_or_default();
    let is_usual = share.part * 100 >= share.of * u64::from(rule.usual_percent);
    if share.of < rule.after_ratings || !is_usual {
        return Vec::new();
    }
    let alone = ratings
        .iter()
        .filter(|seen| !seen.has_matter && NoMatter::by_hand(seen.trigger));
    let marks = alone.map(|seen| {
        let asked = seen.trigger.map_or("?", |trigger| trigger.name());
        let reason = format!("trigger={asked} usual={}/{}", share.part, share.of);
        mark(seen, Rule::NoMatter, reason)
    });
    marks.collect()
}

fn own_shift(window: &str, ratings: &[&Seen], usual: &Usual, rule: OwnShift) -> Vec<Found> {
    let clerks: BTreeSet<&str> = ratings.iter().map(|seen| seen.staff.as_str()).collect();
    let mut found = Vec::new();
    for clerk in clerks.into_iter().filter(|clerk| !clerk.is_empty()) {
        let own = ratings.iter().filter(|seen| seen.staff == clerk);
        let all = own.clone().count() as u64;
        let top = own.filter(|seen| seen.level == Level::VerySatisfied);
        let n = top.clone().count() as u64;
        let others = usual.of_others(window, clerk);
        if all < rule.ratings || others.of < rule.others {
            continue;
        }
        let chance = at_least(n, all, chance_of(others));
        if chance * real(rule.one_in) < 1.0 {
            let reason = format!(
                "top={n}/{all} others={}/{} chance={chance:.1e}",
                others.part, others.of
            );
            found.extend(top.map(|seen| mark(seen, Rule::OwnShift, reason.clone())));
        }
    }
    found
}

fn top_streak(window: &str, ratings: &[&Seen], usual: &Usual, rule: TopStreak) -> Vec<Found> {
    let share = usual.at(window);
    if share.of < rule.after_ratings {
        return Vec::new();
    }
    let p = chance_of(share);
    let mut found = Vec::new();
    for run in ratings.chunk_by(|a, b| a.level == b.level) {
        let top = run
            .first()
            .is_some_and(|seen| seen.level == Level::VerySatisfied);
        let chance = run_among(run.len() as u64, ratings.len() as u64, p);
        if top && chance * real(rule.one_in) < 1.0 {
            let reason = format!(
                "run={} of={} usual={}/{} chance={chance:.1e}",
                run.len(),
                ratings.len(),
                share.part,
                share.of
            );
            found.extend(
                run.iter()
                    .map(|seen| mark(seen, Rule::TopStreak, reason.clone())),
            );
        }
    }
    found
}
