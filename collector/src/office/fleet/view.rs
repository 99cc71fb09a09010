//! Terminals as the pages show them. Pure.

use jiff::tz::TimeZone;
use manyi_shared::wire::ShownPage;

use super::words::FleetWords;
use crate::alert::words::local;
use crate::fleet::{Reason, Seen, Shown, State};
use crate::office::format::ago;
use crate::office::language::Language;
use crate::store::TerminalState;
use crate::store::fleet::FleetTerminal;

/// A row of the list.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) hall: String,
    pub(super) number: String,
    pub(super) name: String,
    pub(super) state: &'static str,
    /// For the badge: `good`, `bad`, `notice`, `accent` or `plain`.
    pub(super) kind: &'static str,
    pub(super) reasons: Vec<&'static str>,
    pub(super) unsent: u64,
    pub(super) oldest: String,
    pub(super) heard: String,
    pub(super) last_rating: String,
    pub(super) clock: String,
    pub(super) disk: String,
    pub(super) temperature: String,
    pub(super) versions: String,
}

/// One line of a terminal's page.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// What a view depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) language: Language,
    pub(super) now_ms: i64,
}

pub(super) const fn kind(state: State) -> &'static str {
    match state {
        State::Ready => "good",
        State::Offline | State::Degraded => "bad",
        State::Syncing => "accent",
        State::NeverSeen => "notice",
        State::Paused | State::Retired => "plain",
    }
}

impl Scene {
    fn words(self) -> &'static FleetWords {
        FleetWords::of(self.language)
    }

    fn ago(self, ms: i64) -> String {
        ago(self.now_ms.saturating_sub(ms), self.language)
    }

    /// A row of the list.
    pub(super) fn row(self, terminal: &FleetTerminal, shown: &Shown) -> Row {
        let words = self.words();
        let seen = terminal.seen.as_ref();
        let reason = |reason: &Reason| words.reason(*reason);
        Row {
            id: terminal.watched.terminal.to_string(),
            hall: terminal.hall_name.clone(),
            number: terminal.window_number.clone(),
            name: terminal
                .window_name
                .strip_prefix(&terminal.window_number)
                .unwrap_or(&terminal.window_name)
                .trim()
                .to_owned(),
            state: words.state(shown.state),
            kind: kind(shown.state),
            reasons: shown.reasons.iter().map(reason).collect(),
            unsent: seen.map_or(0, |seen| seen.backlog),
            oldest: seen.map_or_else(String::new, |seen| self.oldest(seen)),
            heard: seen.map_or_else(dash, |seen| self.ago(seen.at_ms)),
            last_rating: terminal.last_rating_ms.map_or_else(dash, |at| self.ago(at)),
            clock: seen.map_or_else(dash, |seen| self.clock(seen)),
            disk: seen.map_or_else(dash, disk),
            temperature: seen.map_or_else(dash, temperature),
            versions: seen.map_or_else(dash, versions),
        }
    }

    fn oldest(self, seen: &Seen) -> String {
        let age = seen.health.oldest_unsent_ms.filter(|_| seen.backlog > 0);
        age.map_or_else(String::new, |age| {
            let age = i64::try_from(age).unwrap_or(i64::MAX);
            self.ago(seen.at_ms.saturating_sub(age))
        })
    }

    fn clock(self, seen: &Seen) -> String {
        let words = self.words();
        let set = if seen.synchronised {
            words.synchronised
        } else {
            words.not_synchronised
        };
        let (seconds, rest) = (seen.clock_off_ms / 1000, seen.clock_off_ms % 1000 / 100);
        let sign = if seen.clock_off_ms < 0 { "−" } else { "+" };
        let (seconds, rest) = (seconds.unsigned_abs(), rest.unsigned_abs());
        format!("{set} {sign}{seconds}.{rest} s")
    }

    /// Everything that is known of a terminal.
    pub(super) fn facts(self, terminal: &FleetTerminal) -> Vec<Fact> {
        let words = self.words();
        let zone = TimeZone::get(&terminal.watched.time_zone).unwrap_or(TimeZone::UTC);
        let fact = |name, value| Fact { name, value };
        let mut facts = vec![
            fact(words.terminal, terminal.watched.terminal.to_string()),
            fact(words.hall, terminal.hall_name.clone()),
            fact(
                words.window,
                format!("{} {}", terminal.window_number, terminal.window_name),
            ),
            fact(words.enrolled, local(terminal.watched.enrolled_ms, &zone)),
            fact(words.key, terminal.fingerprint.clone()),
            fact(
                words.profile,
                format!("{} / {}", terminal.profile_version, terminal.wanted_version),
            ),
        ];
        if let Some(seen) = &terminal.seen {
            facts.extend(self.heard(terminal, seen, &zone));
        }
        facts.retain(|fact| !fact.value.is_empty());
        facts
    }

    fn heard(self, terminal: &FleetTerminal, seen: &Seen, zone: &TimeZone) -> Vec<Fact> {
        let words = self.words();
        let fact = |name, value| Fact { name, value };
        let health = &seen.health;
        let at = |ms: i64| format!("{} ({})", local(ms, zone), self.ago(ms));
        let mut facts = vec![
            fact(words.heard, at(seen.at_ms)),
            fact(words.unsent, seen.backlog.to_string()),
            fact(words.oldest, self.oldest(seen)),
            fact(
                words.last_rating,
                terminal.last_rating_ms.map_or_else(dash, at),
            ),
            fact(words.clock, self.clock(seen)),
            fact(words.disk, disk(seen)),
            fact(words.temperature, temperature(seen)),
            fact(words.versions, versions(seen)),
            fact(words.uptime, span(seen.uptime_ms)),
            fact(words.boot, terminal.boot.map_or_else(dash, hex)),
            fact(
                words.profile_problem,
                health.profile_problem.clone().unwrap_or_default(),
            ),
            fact(
                words.journal_problem,
                health.journal_problem.clone().unwrap_or_default(),
            ),
        ];
        let Some(screen) = &health.screen else {
            return facts;
        };
        let page = screen.shown().map_or("?", |page| page_name(words, page));
        facts.push(fact(words.page, page.to_owned()));
        let frames = format!("{} / {}", screen.frames, screen.turns);
        facts.push(fact(words.frames, frames));
        if let Some(drawn) = screen.drawn_uptime_ms {
            let age = seen.uptime_ms.saturating_sub(drawn);
            let moment = seen.at_ms.saturating_sub_unsigned(age);
            facts.push(fact(words.last_frame, at(moment)));
        }
        if let Some(test) = screen.self_test {
            let result = if test.good { words.good } else { words.failed };
            let day = test.day.to_string();
            facts.push(fact(words.self_test, format!("{day} {result}")));
        }
        facts
    }
}

fn page_name(words: &FleetWords, page: ShownPage) -> &'static str {
    let [idle, asking, paused, out, staff] = words.pages;
    match page {
        ShownPage::Idle => idle,
        ShownPage::Asking => asking,
        ShownPage::Paused => paused,
        ShownPage::OutOfService => out,
        ShownPage::Staff => staff,
    }
}

fn dash() -> String {
    "—".to_owned()
}

fn disk(seen: &Seen) -> String {
    let size = |bytes: u64| match bytes / (1024 * 1024) {
        mib @ 0..10_240 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib / 1024),
    };
    let total = seen.health.board.and_then(|board| board.disk_total_bytes);
    match (seen.health.disk_free_bytes, total) {
        (Some(free), Some(total)) => format!("{} / {}", size(free), size(total)),
        (Some(free), None) => size(free),
        (None, _) => dash(),
    }
}

fn temperature(seen: &Seen) -> String {
    let at = seen.health.board.and_then(|board| board.temperature_mc);
    at.map_or_else(dash, |mc| format!("{} °C", (mc + 500) / 1000))
}

fn versions(seen: &Seen) -> String {
    let screen = seen.health.screen.as_ref();
    let terminal = screen.map_or("", |screen| screen.software.as_str());
    let both = format!("{} {terminal}", seen.health.software);
    both.trim().to_owned()
}

fn hex(bytes: [u8; 16]) -> String {
    uuid::Uuid::from_bytes(bytes).to_string()
}

/// `3 d 4 h`, `4 h 12 min`.
fn span(ms: u64) -> String {
    let minutes = ms / 60_000;
    let (days, hours) = (minutes / 1440, minutes / 60 % 24);
    if days > 0 {
        format!("{days} d {hours} h")
    } else {
        format!("{hours} h {} min", minutes % 60)
    }
}

/// Sorted by trouble: the worst state first, of these the gravest reason, then hall and window.
pub(super) fn by_trouble(list: &mut [(FleetTerminal, Shown)]) {
    list.sort_by(|(a, a_shown), (b, b_shown)| {
        let key = |terminal: &FleetTerminal, shown: &Shown| {
            let retired = terminal.state != TerminalState::Active;
            (retired, shown.state, shown.reasons.first().copied())
        };
        let place = |terminal: &FleetTerminal| {
            (
                terminal.watched.hall.clone(),
                terminal.watched.window.clone(),
            )
        };
        key(a, a_shown)
            .cmp(&key(b, b_shown))
            .then_with(|| place(a).cmp(&place(b)))
    });
}
