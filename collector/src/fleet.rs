//! The state of a terminal, from its last heartbeat and the time: pure.
//!
//! | state | means |
//! |---|---|
//! | [`State::Ready`] | heard of, paints, shows the question or waits for the next prompt, nothing is wrong |
//! | [`State::Paused`] | the same, and somebody has paused the window |
//! | [`State::Syncing`] | the same, and records are on their way |
//! | [`State::Degraded`] | heard of, and something is wrong; the reasons say what |
//! | [`State::Offline`] | not heard of for [`silence_ms`] |
//! | [`State::NeverSeen`] | enrolled, and has never called |
//! | [`State::Retired`] | its identity was taken back, or another tablet stands in its place |
//!
//! **Invariants**
//! 1. A terminal that keeps its usual pace is shown wrongly for at most [`WRONG_AT_MOST_MS`] after
//!    anything about it has changed: silence shows after 90 s, a screen that stands with the first
//!    heartbeat after 45 s, everything else with the next heartbeat. With a heartbeat that the
//!    office has made longer than 48 s, silence shows after two and a half of them.
//! 2. "Ready" needs a proof that the screen painted. A terminal that says nothing of its screen is
//!    degraded, however well its daemon is.
//!
//! It imports `manyi_shared` and std, never the store and never the clock.

#[cfg(test)]
mod laws;
#[cfg(test)]
mod table;

use manyi_shared::wire::{Health, Painting, ShownPage};

/// For so long a state may be wrong.
pub const WRONG_AT_MOST_MS: i64 = 120_000;

/// The heartbeat of terminals whose profile says nothing else, in milliseconds.
pub const USUAL_HEARTBEAT_MS: i64 = 30_000;

/// Three heartbeats of the usual pace: one may be lost, and its repetition takes up to 30 s.
const SILENCE_MS: i64 = 90_000;

/// A wall clock that is off by more is wrong; less may be the way of the exchange.
pub const CLOCK_OFF_MS: i64 = 60_000;

/// Time services have set a clock by then, where there are any.
const CLOCK_PATIENCE_MS: u64 = 10 * 60_000;

/// Less room is a fault: what unsent ratings, a picture of every announcement and the system's own
/// logs take in a week.
pub const DISK_LOW_BYTES: u64 = 256 * 1024 * 1024;

/// A Raspberry Pi slows down at 80 °C; most boards do a little above it.
pub const HOT_MC: i32 = 80_000;

/// A backlog that has not fallen for so long although the terminal calls does not get through.
pub const STUCK_MS: i64 = 5 * 60_000;

/// Where a terminal's identity stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// It is the window's terminal.
    #[default]
    Active,
    /// Another one was enrolled at its window.
    Replaced,
    /// The office took its identity back.
    Revoked,
}

/// What is known of a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Where its identity stands.
    pub standing: Standing,
    /// How often its profile has it call, in milliseconds; 0 for [`USUAL_HEARTBEAT_MS`].
    pub heartbeat_ms: i64,
    /// Its last exchange.
    pub seen: Option<Seen>,
    /// How many levels of today's self-test should have come and have not.
    pub tests_missing: usize,
    /// Incidents that nobody has cleared.
    pub incidents: u64,
}

/// A terminal's last exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// When it was here, in milliseconds since 1970.
    pub at_ms: i64,
    /// The machine's uptime then.
    pub uptime_ms: u64,
    /// Whether a time service had set its clock.
    pub synchronised: bool,
    /// Its wall clock minus ours.
    pub clock_off_ms: i64,
    /// Records that were not here after it.
    pub backlog: u64,
    /// When the backlog last fell or was empty, in milliseconds since 1970.
    pub progress_ms: i64,
    /// What it said.
    pub health: Health,
}

/// The state of a terminal, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Not heard of for too long.
    Offline,
    /// Heard of, and something is wrong.
    Degraded,
    /// Enrolled, and has never called.
    NeverSeen,
    /// Nothing is wrong, records are on their way.
    Syncing,
    /// Nothing is wrong, the window is paused.
    Paused,
    /// Asks or is ready to, and paints.
    Ready,
    /// Not in use any more.
    Retired,
}

/// Why a terminal is degraded, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It cannot keep or read its records.
    Journal,
    /// Its renderer does not paint.
    NotPainting,
    /// The terminal program says nothing, although the daemon calls.
    TerminalSilent,
    /// It takes no prompts; its page says why.
    OutOfService,
    /// It does not say whether its screen paints: its programs are older than that.
    ScreenUnknown,
    /// Its own self-test failed.
    SelfTestFailed,
    /// Levels of today's self-test did not come.
    SelfTestMissing,
    /// Something happened that nobody has dealt with.
    Incident,
    /// Its backlog does not fall.
    Stuck,
    /// Its card is nearly full.
    Disk,
    /// Its clock is wrong.
    ClockOff,
    /// No time service has set its clock.
    ClockNotSet,
    /// It does not obey its profile.
    Profile,
    /// It is too hot.
    Hot,
    /// Somebody has a page of the staff open.
    Staff,
}

/// A terminal's state and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The state.
    pub state: State,
    /// Why it is degraded; empty for every other state.
    pub reasons: Vec<Reason>,
}

impl State {
    /// Every state, the worst first.
    pub const ALL: [Self; 7] = [
        Self::Offline,
        Self::Degraded,
        Self::NeverSeen,
        Self::Syncing,
        Self::Paused,
        Self::Ready,
        Self::Retired,
    ];

    /// The name in JSON, addresses and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Degraded => "degraded",
            Self::NeverSeen => "never_seen",
            Self::Syncing => "syncing",
            Self::Paused => "paused",
            Self::Ready => "ready",
            Self::Retired => "retired",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl Reason {
    /// Every reason, the gravest first.
    pub const ALL: [Self; 15] = [
        Self::Journal,
        Self::NotPainting,
        Self::TerminalSilent,
        Self::OutOfService,
        Self::ScreenUnknown,
        Self::SelfTestFailed,
        Self::SelfTestMissing,
        Self::Incident,
        Self::Stuck,
        Self::Disk,
        Self::ClockOff,
        Self::ClockNotSet,
        Self::Profile,
        Self::Hot,
        Self::Staff,
    ];

    /// The name in JSON and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::NotPainting => "not_painting",
            Self::TerminalSilent => "terminal_silent",
            Self::OutOfService => "out_of_service",
            Self::ScreenUnknown => "screen_unknown",
            Self::SelfTestFailed => "self_test_failed",
            Self::SelfTestMissing => "self_test_missing",
            Self::Incident => "incident",
            Self::Stuck => "stuck",
            Self::Disk => "disk",
            Self::ClockOff => "clock_off",
            Self::ClockNotSet => "clock_not_set",
            Self::Profile => "profile",
            Self::Hot => "hot",
            Self::Staff => "staff",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// After how many milliseconds without a call a terminal of this heartbeat is offline.
#[must_use]
pub const fn silence_ms(heartbeat_ms: i64) -> i64 {
    let longer = heartbeat_ms.saturating_mul(5) / 2;
    if longer > SILENCE_MS + 30_000 {
        longer
    } else {
        SILENCE_MS
    }
}

/// The state of a terminal at a moment, in milliseconds since 1970.
#[must_use]
pub fn state(known: &Known, now_ms: i64) -> Shown {
    let plain = |state| Shown {
        state,
        reasons: Vec::new(),
    };
    if known.standing != Standing::Active {
        return plain(State::Retired);
    }
    let Some(seen) = &known.seen else {
        return plain(State::NeverSeen);
    };
    if now_ms.saturating_sub(seen.at_ms) > silence_ms(known.heartbeat_ms) {
        return plain(State::Offline);
    }
    let reasons = reasons(known, seen, now_ms);
    if !reasons.is_empty() {
        return Shown {
            state: State::Degraded,
            reasons,
        };
    }
    let page = seen.health.screen.as_ref().and_then(|s| s.shown());
    plain(match page {
        _ if seen.backlog > 0 => State::Syncing,
        Some(ShownPage::Paused) => State::Paused,
        _ => State::Ready,
    })
}

/// Everything that is wrong with a terminal that is heard of, the gravest first.
fn reasons(known: &Known, seen: &Seen, now_ms: i64) -> Vec<Reason> {
    let health = &seen.health;
    let told = [
        health.journal_problem.is_some().then_some(Reason::Journal),
        screen(seen),
        health
            .screen
            .as_ref()
            .and_then(|screen| screen.self_test)
            .filter(|test| !test.good)
            .map(|_| Reason::SelfTestFailed),
        (known.tests_missing > 0).then_some(Reason::SelfTestMissing),
        (known.incidents > 0).then_some(Reason::Incident),
        is_stuck(seen, now_ms, STUCK_MS).then_some(Reason::Stuck),
        health
            .disk_free_bytes
            .filter(|free| *free < DISK_LOW_BYTES)
            .map(|_| Reason::Disk),
        clock(seen),
        health.profile_problem.is_some().then_some(Reason::Profile),
        health
            .board
            .and_then(|board| board.temperature_mc)
            .filter(|at| *at >= HOT_MC)
            .map(|_| Reason::Hot),
        staff(seen),
    ];
    told.into_iter().flatten().collect()
}

/// Whether a backlog has not fallen for longer than this.
#[must_use]
pub const fn is_stuck(seen: &Seen, now_ms: i64, longer_than_ms: i64) -> bool {
    seen.backlog > 0 && now_ms.saturating_sub(seen.progress_ms) > longer_than_ms
}

/// What is wrong with the screen.
#[must_use]
pub fn screen(seen: &Seen) -> Option<Reason> {
    let Some(screen) = &seen.health.screen else {
        let knows = seen.health.board.is_some();
        return Some(if knows {
            Reason::TerminalSilent
        } else {
            Reason::ScreenUnknown
        });
    };
    match (screen.painting(seen.uptime_ms), screen.shown()) {
        (Painting::Silent, _) => Some(Reason::TerminalSilent),
        (Painting::Stands, _) => Some(Reason::NotPainting),
        (Painting::Paints, Some(ShownPage::OutOfService)) => Some(Reason::OutOfService),
        (Painting::Paints, None) => Some(Reason::ScreenUnknown),
        (Painting::Paints, Some(_)) => None,
    }
}

fn staff(seen: &Seen) -> Option<Reason> {
    let page = seen.health.screen.as_ref()?.shown();
    (page == Some(ShownPage::Staff)).then_some(Reason::Staff)
}

fn clock(seen: &Seen) -> Option<Reason> {
    if seen.clock_off_ms.saturating_abs() > CLOCK_OFF_MS {
        return Some(Reason::ClockOff);
    }
    let patient = seen.uptime_ms > CLOCK_PATIENCE_MS;
    (!seen.synchronised && patient).then_some(Reason::ClockNotSet)
}
