//! Alerts: which trouble of which terminal somebody should deal with, since when, and when it is over.
//!
//! An alert opens, may be acknowledged by somebody, and closes by itself when nothing has been wrong
//! for a while. [`signs`] says what a terminal's state means for each kind of trouble, [`decide`]
//! what follows from that for the alerts that stand: both are pure. The store makes the changes, with
//! one open alert of each kind and subject at the most, and writes what is to be told outside in the
//! same transaction; [`task`] carries both round.
//!
//! **Invariants**
//! 1. An alert opens only after its trouble has lasted for [`Kind::opens_after_ms`], and closes only
//!    after it has been away for [`Kind::closes_after_ms`]. What lies between the two limits of a
//!    figure does neither.
//! 2. A terminal that is silent says nothing about its disk or its clock: those alerts stay as they
//!    are until it speaks.
//! 3. Silence is trouble while the hall is open, and not at night.

#[cfg(test)]
mod laws;
pub mod mail;
pub mod message;
pub mod settings;
#[cfg(test)]
mod table;
pub mod task;
pub mod webhook;
pub mod words;

use std::collections::HashMap;

use manyi_shared::domain::{Level, TerminalId, WindowId};
use manyi_shared::wire::Painting;

use crate::fleet::{self, Known, Reason, Seen, Standing};

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An incident that nobody has cleared: a copied card, a second history, records that are lost.
    Incident,
    /// It cannot keep or read its records.
    Journal,
    /// Its identity was taken back and it calls all the same.
    RevokedCalls,
    /// It is not heard of while its hall is open.
    Silent,
    /// Its screen does not paint.
    NotPainting,
    /// It takes no prompts.
    OutOfService,
    /// Its self-test failed, or levels of it did not come.
    SelfTest,
    /// Its backlog does not fall.
    Backlog,
    /// Its card is nearly full.
    Disk,
    /// Its clock is wrong.
    Clock,
    /// It does not obey its profile.
    Profile,
    /// It is too hot.
    Hot,
}

const MINUTE: i64 = 60_000;

/// Silence of a terminal in an open hall that is an alert.
const SILENT_MS: i64 = 5 * MINUTE;

/// A backlog that does not fall for so long is an alert.
const BACKLOG_MS: i64 = 15 * MINUTE;

/// A revoked terminal asks again every five minutes. Its first call tells it; who is still calling an
/// hour later was not switched off, and who has not for an hour was.
const REVOKED_MS: i64 = 60 * MINUTE;
const REVOKED_CALLS: u64 = 3;

/// A disk alert closes when there is half as much again as would open it.
const DISK_GOOD_BYTES: u64 = fleet::DISK_LOW_BYTES / 2 * 3;

/// A clock alert closes when the clock is right to this.
const CLOCK_GOOD_MS: i64 = 20_000;

/// An alert about heat closes 5 °C below where it opens.
const COOL_MC: i32 = fleet::HOT_MC - 5_000;

impl Kind {
    /// Every kind, the gravest first.
    pub const ALL: [Self; 12] = [
        Self::Incident,
        Self::Journal,
        Self::RevokedCalls,
        Self::Silent,
        Self::NotPainting,
        Self::OutOfService,
        Self::SelfTest,
        Self::Backlog,
        Self::Disk,
        Self::Clock,
        Self::Profile,
        Self::Hot,
    ];

    /// The name in JSON, configuration and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Journal => "journal",
            Self::RevokedCalls => "revoked_calls",
            Self::Silent => "silent",
            Self::NotPainting => "not_painting",
            Self::OutOfService => "out_of_service",
            Self::SelfTest => "self_test",
            Self::Backlog => "backlog",
            Self::Disk => "disk",
            Self::Clock => "clock",
            Self::Profile => "profile",
            Self::Hot => "hot",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How long the trouble lasts before it is an alert, in milliseconds. Some figures have their
    /// patience in themselves: silence is five minutes long before it is trouble.
    #[must_use]
    pub const fn opens_after_ms(self) -> i64 {
        match self {
            Self::Incident
            | Self::Journal
            | Self::RevokedCalls
            | Self::Silent
            | Self::SelfTest
            | Self::Backlog
            | Self::Disk => 0,
            Self::NotPainting | Self::Profile => MINUTE,
            Self::OutOfService => 2 * MINUTE,
            Self::Clock | Self::Hot => 5 * MINUTE,
        }
    }

    /// How long the trouble is away before the alert closes, in milliseconds.
    #[must_use]
    pub const fn closes_after_ms(self) -> i64 {
        match self {
            Self::Incident | Self::SelfTest | Self::RevokedCalls => 0,
            Self::Profile => MINUTE,
            Self::Silent | Self::NotPainting | Self::OutOfService | Self::Backlog => 2 * MINUTE,
            Self::Journal => 5 * MINUTE,
            Self::Disk | Self::Clock | Self::Hot => 10 * MINUTE,
        }
    }
}

/// A terminal as far as alerts go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The terminal.
    pub terminal: TerminalId,
    /// Its window.
    pub window: WindowId,
    /// What is known of it.
    pub known: Known,
    /// Since when its hall is open, in milliseconds since 1970; none while it is closed. A hall
    /// without hours is open since ever.
    pub open_since_ms: Option<i64>,
    /// Levels of today's self-test that should have come and have not.
    pub missing: Vec<Level>,
    /// Its open incidents: id and kind.
    pub incidents: Vec<(String, String)>,
    /// Its last call after it was revoked, in milliseconds since 1970, and how many there were.
    pub refused: Option<(i64, u64)>,
}

/// What a terminal's state means for one kind of trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// It is there; the detail says how much.
    Bad(String),
    /// Neither there nor away.
    Unclear,
    /// It is away.
    Good,
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct About {
    /// The terminal.
    pub terminal: TerminalId,
    /// What kind of trouble.
    pub kind: Kind,
    /// Which, where a terminal may have several; else empty.
    pub subject: String,
}

/// An alert that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAlert {
    /// Its id.
    pub id: [u8; 16],
    /// What it is about.
    pub about: About,
    /// Since when nothing is wrong any more, in milliseconds since 1970.
    pub calm_ms: Option<i64>,
}

/// What becomes of the alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// One opens.
    Open {
        /// What about.
        about: About,
        /// The window.
        window: WindowId,
        /// How much.
        detail: String,
    },
    /// Nothing is wrong any more, since now; or something is again.
    Calm {
        /// The alert.
        id: [u8; 16],
        /// Since when; none: there is trouble again.
        since_ms: Option<i64>,
    },
    /// It is over.
    Close {
        /// The alert.
        id: [u8; 16],
    },
}

/// Trouble that has not lasted long enough yet, and since when; kept in memory. A collector that
/// starts waits once more.
pub type Pending = HashMap<About, i64>;

/// What a terminal's state means for every kind of trouble. What is missing here is over.
#[must_use]
pub fn signs(watched: &Watched, now_ms: i64) -> Vec<(About, Signal)> {
    let about = |kind, subject: &str| About {
        terminal: watched.terminal,
        kind,
        subject: subject.to_owned(),
    };
    let mut signs: Vec<_> = watched
        .incidents
        .iter()
        .map(|(id, kind)| (about(Kind::Incident, id), Signal::Bad(kind.clone())))
        .collect();
    if watched.known.standing != Standing::Active {
        signs.push((about(Kind::RevokedCalls, ""), revoked(watched, now_ms)));
        return signs;
    }
    let Some(seen) = &watched.known.seen else {
        return signs;
    };
    let test = self_test(watched, seen);
    signs.push((about(Kind::Silent, ""), silent(watched, seen, now_ms)));
    signs.push((about(Kind::SelfTest, ""), test));
    let quiet = fleet::silence_ms(watched.known.heartbeat_ms);
    let heard = now_ms.saturating_sub(seen.at_ms) <= quiet;
    for (kind, signal) in spoken(seen, now_ms) {
        let signal = if heard { signal } else { Signal::Unclear };
        signs.push((about(kind, ""), signal));
    }
    signs
}

/// What it says of itself.
fn spoken(seen: &Seen, now_ms: i64) -> [(Kind, Signal); 8] {
    let health = &seen.health;
    let screen = fleet::screen(seen);
    [
        (Kind::Journal, told(health.journal_problem.as_ref())),
        (Kind::NotPainting, painting(seen, screen)),
        (
            Kind::OutOfService,
            if screen == Some(Reason::OutOfService) {
                Signal::Bad(String::new())
            } else {
                Signal::Good
            },
        ),
        (Kind::Backlog, backlog(seen, now_ms)),
        (Kind::Disk, disk(health.disk_free_bytes)),
        (Kind::Clock, clock(seen)),
        (Kind::Profile, told(health.profile_problem.as_ref())),
        (
            Kind::Hot,
            hot(health.board.and_then(|board| board.temperature_mc)),
        ),
    ]
}

fn told(problem: Option<&String>) -> Signal {
    problem.map_or(Signal::Good, |problem| Signal::Bad(problem.clone()))
}

fn painting(seen: &Seen, screen: Option<Reason>) -> Signal {
    let name = |painting: Painting| Signal::Bad(painting.name().to_owned());
    match screen {
        Some(Reason::NotPainting) => name(Painting::Stands),
        Some(Reason::TerminalSilent) => name(Painting::Silent),
        // An old program proves nothing, and is no trouble that came up.
        Some(Reason::ScreenUnknown) if seen.health.screen.is_none() => Signal::Unclear,
        _ => Signal::Good,
    }
}

fn silent(watched: &Watched, seen: &Seen, now_ms: i64) -> Signal {
    let since = |at: i64| now_ms.saturating_sub(at);
    let quiet = fleet::silence_ms(watched.known.heartbeat_ms);
    if since(seen.at_ms) <= quiet {
        return Signal::Good;
    }
    match watched.open_since_ms {
        Some(open) if since(seen.at_ms.max(open)) > SILENT_MS.max(quiet) => {
            Signal::Bad(seen.at_ms.to_string())
        }
        _ => Signal::Unclear,
    }
}

fn self_test(watched: &Watched, seen: &Seen) -> Signal {
    if !watched.missing.is_empty() {
        return Signal::Bad(crate::alarm::numbers(&watched.missing));
    }
    let own = seen.health.screen.as_ref().and_then(|s| s.self_test);
    match own {
        Some(test) if !test.good => Signal::Bad(String::new()),
        _ => Signal::Good,
    }
}

fn backlog(seen: &Seen, now_ms: i64) -> Signal {
    if fleet::is_stuck(seen, now_ms, BACKLOG_MS) {
        Signal::Bad(seen.backlog.to_string())
    } else if fleet::is_stuck(seen, now_ms, fleet::STUCK_MS) {
        Signal::Unclear
    } else {
        Signal::Good
    }
}

fn disk(free: Option<u64>) -> Signal {
    match free {
        Some(free) if free < fleet::DISK_LOW_BYTES => Signal::Bad(free.to_string()),
        Some(free) if free >= DISK_GOOD_BYTES => Signal::Good,
        _ => Signal::Unclear,
    }
}

fn clock(seen: &Seen) -> Signal {
    let off = seen.clock_off_ms.saturating_abs();
    if off > fleet::CLOCK_OFF_MS {
        Signal::Bad(seen.clock_off_ms.to_string())
    } else if off <= CLOCK_GOOD_MS {
        Signal::Good
    } else {
        Signal::Unclear
    }
}

fn hot(temperature: Option<i32>) -> Signal {
    match temperature {
        Some(at) if at >= fleet::HOT_MC => Signal::Bad(at.to_string()),
        Some(at) if at > COOL_MC => Signal::Unclear,
        _ => Signal::Good,
    }
}

fn revoked(watched: &Watched, now_ms: i64) -> Signal {
    if watched.known.standing != Standing::Revoked {
        return Signal::Good;
    }
    match watched.refused {
        Some((at, _)) if now_ms.saturating_sub(at) > REVOKED_MS => Signal::Good,
        Some((_, calls)) if calls >= REVOKED_CALLS => Signal::Bad(calls.to_string()),
        Some(_) => Signal::Unclear,
        None => Signal::Good,
    }
}

/// What becomes of the alerts that stand, and which open.
#[must_use]
pub fn decide(
    standing: &[OpenAlert],
    watched: &[Watched],
    pending: &mut Pending,
    now_ms: i64,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut signs: HashMap<About, (WindowId, Signal)> = HashMap::new();
    for terminal in watched {
        for (about, signal) in self::signs(terminal, now_ms) {
            signs.insert(about, (terminal.window.clone(), signal));
        }
    }
    for alert in standing {
        let signal = signs.remove(&alert.about).map(|(_, signal)| signal);
        changes.extend(follow(alert, signal.as_ref(), now_ms));
        pending.remove(&alert.about);
    }
    pending.retain(|about, _| matches!(signs.get(about), Some((_, Signal::Bad(_)))));
    let mut opening: Vec<_> = signs
        .into_iter()
        .filter_map(|(about, (window, signal))| match signal {
            Signal::Bad(detail) => Some((about, window, detail)),
            Signal::Unclear | Signal::Good => None,
        })
        .collect();
    opening.sort();
    for (about, window, detail) in opening {
        let since = *pending.entry(about.clone()).or_insert(now_ms);
        if now_ms.saturating_sub(since) >= about.kind.opens_after_ms() {
            pending.remove(&about);
            changes.push(Change::Open {
                about,
                window,
                detail,
            });
        }
    }
    changes
}

/// What becomes of one alert.
fn follow(alert: &OpenAlert, signal: Option<&Signal>, now_ms: i64) -> Option<Change> {
    let id = alert.id;
    match (signal, alert.calm_ms) {
        (None, _) => Some(Change::Close { id }),
        (Some(Signal::Good), calm) => {
            let since = calm.unwrap_or(now_ms);
            if now_ms.saturating_sub(since) >= alert.about.kind.closes_after_ms() {
                return Some(Change::Close { id });
            }
            calm.is_none().then_some(Change::Calm {
                id,
                since_ms: Some(now_ms),
            })
        }
        (Some(_), Some(_)) => Some(Change::Calm { id, since_ms: None }),
        (Some(_), None) => None,
    }
}
