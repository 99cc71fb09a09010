//! The heartbeat: how a tablet is, as it says itself in the head of every exchange.
//!
//! Frozen like every format: keys are only added, and each new one is optional. Boot, uptime and
//! clock are the head's own fields and are not said again here.

use minicbor::{Decode, Encode};

use super::limits::MAX_TEXT_BYTES;

/// A heartbeat: how the tablet is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Health {
    /// Daemon name and version.
    #[n(0)]
    pub software: String,
    /// Records not yet acknowledged.
    #[n(1)]
    pub backlog: u64,
    /// Age of the oldest unacknowledged record in milliseconds of uptime, when it was sealed in
    /// this boot.
    #[n(2)]
    pub oldest_unsent_ms: Option<u64>,
    /// Free bytes on the journal's file system.
    #[n(3)]
    pub disk_free_bytes: Option<u64>,
    /// Why the last profile of the centre is not obeyed: its version and the field. None when it is.
    #[n(4)]
    pub profile_problem: Option<String>,
    /// Why the journal cannot be read or written, when it cannot.
    #[n(5)]
    pub journal_problem: Option<String>,
    /// What the terminal program last said of its screen; none until it has said something to this
    /// daemon.
    #[n(6)]
    pub screen: Option<Screen>,
    /// The machine itself; none from daemons that do not know of it yet. Whoever says it would also
    /// pass on a screen.
    #[n(7)]
    pub board: Option<Board>,
}

/// What the terminal program says of its screen. The daemon passes it on as it is.
///
/// Times are uptimes of the machine, comparable with the uptime in the exchange's head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Screen {
    /// Terminal name and version.
    #[n(0)]
    pub software: String,
    /// When it said this, in milliseconds of uptime.
    #[n(1)]
    pub uptime_ms: u64,
    /// The page that is shown; see [`ShownPage`].
    #[n(2)]
    pub page: u8,
    /// How often the event loop has come to the pulse since the program's start.
    #[n(3)]
    pub turns: u64,
    /// How many of these the renderer has painted: it had to compute a pixel that the turn changed.
    #[n(4)]
    pub frames: u64,
    /// When the last turn was, in milliseconds of uptime.
    #[n(5)]
    pub turned_uptime_ms: Option<u64>,
    /// When the last frame was painted, in milliseconds of uptime.
    #[n(6)]
    pub drawn_uptime_ms: Option<u64>,
    /// Wall time of the last rating that was put on the card since the program's start, in
    /// milliseconds since 1970. Never its level.
    #[n(7)]
    pub last_rating_ms: Option<i64>,
    /// The last self-test since the program's start.
    #[n(8)]
    pub self_test: Option<SelfTested>,
}

/// How a self-test ended, as the terminal saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SelfTested {
    /// The hall's day, `yyyymmdd`; 0 when it was not known.
    #[n(0)]
    pub day: u32,
    /// Whether all five levels are on the card.
    #[n(1)]
    pub good: bool,
}

/// The machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Board {
    /// The hottest of its thermal zones, in thousandths of a degree Celsius; none where it has none.
    #[n(0)]
    pub temperature_mc: Option<i32>,
    /// Size of the journal's file system, in bytes.
    #[n(1)]
    pub disk_total_bytes: Option<u64>,
}

/// What kind of page a terminal shows. Never more than this: which level is being looked at, and
/// what was chosen, is in no heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShownPage {
    /// Between two prompts, ready for the next.
    Idle,
    /// Somebody is at the screen: question, reasons, telephone number or thanks.
    Asking,
    /// The window pauses.
    Paused,
    /// No prompt is taken; the page says why.
    OutOfService,
    /// A page of the staff: enrolment, or the technician's.
    Staff,
}

impl ShownPage {
    const ALL: [Self; 5] = [
        Self::Idle,
        Self::Asking,
        Self::Paused,
        Self::OutOfService,
        Self::Staff,
    ];

    /// The number in heartbeats.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Idle => 1,
            Self::Asking => 2,
            Self::Paused => 3,
            Self::OutOfService => 4,
            Self::Staff => 5,
        }
    }

    /// The page of this number; none for one of a later release.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.number() == number)
    }

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Asking => "asking",
            Self::Paused => "paused",
            Self::OutOfService => "out_of_service",
            Self::Staff => "staff",
        }
    }
}

/// The terminal says how its screen is so often, and at once when another kind of page is shown.
pub const SCREEN_TOLD_EVERY_MS: u64 = 10_000;

/// A screen's last frame, or what the terminal last said, is a fault when it is older than this.
///
/// Beat and report are [`SCREEN_TOLD_EVERY_MS`] apart each, so a sound screen is at most 20 s old; the
/// rest is room for a tablet that is busy.
pub const SCREEN_STALE_MS: u64 = 45_000;

/// Whether a screen does what it is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Painting {
    /// The renderer paints.
    Paints,
    /// The terminal program speaks, its renderer does not paint.
    Stands,
    /// The terminal program has said nothing for a while: it is not running, or all of it hangs.
    Silent,
}

impl Painting {
    /// The name in files and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paints => "paints",
            Self::Stands => "stands",
            Self::Silent => "silent",
        }
    }
}

impl Screen {
    /// Whether the screen painted, seen at an uptime of the same boot.
    #[must_use]
    pub const fn painting(&self, uptime_ms: u64) -> Painting {
        if uptime_ms.saturating_sub(self.uptime_ms) > SCREEN_STALE_MS {
            return Painting::Silent;
        }
        match self.drawn_uptime_ms {
            Some(at) if uptime_ms.saturating_sub(at) <= SCREEN_STALE_MS => Painting::Paints,
            _ => Painting::Stands,
        }
    }

    /// What kind of page is shown; none for one of a later release.
    #[must_use]
    pub fn shown(&self) -> Option<ShownPage> {
        ShownPage::from_number(self.page)
    }

    /// The bytes that the terminal hands to the daemon.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        super::to_cbor(self)
    }

    /// Reads what a terminal handed over; none when it is something else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let screen: Self = minicbor::decode(bytes).ok()?;
        (screen.software.len() <= MAX_TEXT_BYTES).then_some(screen)
    }
}

impl Health {
    /// Its bytes, as in the signed head.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        super::to_cbor(self)
    }

    /// Reads the bytes of a heartbeat that was taken before; none when they are something else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }

    /// Whether a text is longer than heartbeats may have.
    pub(super) fn has_long_text(&self) -> bool {
        let screen = self.screen.as_ref().map(|screen| &screen.software);
        [&self.profile_problem, &self.journal_problem]
            .into_iter()
            .flatten()
            .chain(screen)
            .chain([&self.software])
            .any(|text| text.len() > MAX_TEXT_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::just_said(1_000_000, Some(995_000), Painting::Paints)]
    #[case::never_painted(1_000_000, None, Painting::Stands)]
    #[case::painted_long_ago(1_000_000, Some(954_999), Painting::Stands)]
    #[case::at_the_limit(1_000_000, Some(955_000), Painting::Paints)]
    #[case::said_nothing_since(954_999, Some(954_999), Painting::Silent)]
    fn a_screen_paints_when_its_last_frame_is_young(
        #[case] said: u64,
        #[case] drawn: Option<u64>,
        #[case] expected: Painting,
    ) {
        let screen = Screen {
            uptime_ms: said,
            drawn_uptime_ms: drawn,
            ..Screen::default()
        };
        assert_eq!(screen.painting(1_000_000), expected);
    }

    #[test]
    fn every_page_is_found_by_its_number_and_a_later_one_is_not() {
        for page in ShownPage::ALL {
            assert_eq!(ShownPage::from_number(page.number()), Some(page));
        }
        assert_eq!(ShownPage::from_number(6), None);
    }

    #[test]
    fn what_the_terminal_hands_over_is_read_and_anything_else_is_not() {
        let screen = Screen {
            software: "manyi-terminal 0.1.0".to_owned(),
            uptime_ms: 7,
            ..Screen::default()
        };
        assert_eq!(Screen::decode(&screen.encode()), Some(screen.clone()));
        assert_eq!(Screen::decode(b"\x01"), None);
        let long = Screen {
            software: "x".repeat(MAX_TEXT_BYTES + 1),
            ..screen
        };
        assert_eq!(Screen::decode(&long.encode()), None);
    }
}
