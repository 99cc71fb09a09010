//! What the technician's page tells: thin reading of files and sockets, pure judgement.
//!
//! Values are numbers, names and units; the page has the words. Nothing that cannot be read is
//! invented: it is told as `-`, or as the error, and marked.

mod machine;
mod unsent;

use std::path::PathBuf;

use jiff::Timestamp;
use manyi_shared::domain::{ClockReading, Seq, StreamId};
use manyi_shared::journal::{Reader, set_aside};
use manyi_shared::tablet::{DataDir, Identity, UplinkStatus, ask_to_note};

use crate::recorder::chain;
use crate::station::SOFTWARE;

use machine::{disk, interfaces, local_address, network};
use unsent::{Unsent, unsent_lines};

/// What is not known.
const UNKNOWN: &str = "-";

/// What a line is about, in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// The terminal's id.
    Terminal,
    /// The hall's name and id.
    Hall,
    /// The window's number, name and id.
    Window,
    /// This program.
    Software,
    /// The profile's version, and why a later one is not obeyed.
    Profile,
    /// Where the collector is, and why the last exchange failed.
    Collector,
    /// The interfaces, and the address used towards the collector.
    Network,
    /// Records that the centre has not acknowledged.
    Backlog,
    /// How old the oldest of them is.
    OldestUnsent,
    /// The time in the hall.
    Clock,
    /// Free and whole size of the card.
    Disk,
    /// The stream and its last position.
    Journal,
    /// The last self-test.
    SelfTest,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactValue {
    /// What it is about.
    pub fact: Fact,
    /// The value, without words of the interface.
    pub value: String,
    /// Whether a technician should do something about it.
    pub bad: bool,
}

/// What the conductor knows without reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Name and id of the hall.
    pub hall: (String, String),
    /// Number, name and id of the window.
    pub window: (String, String, String),
    /// IANA name of the hall's time zone.
    pub time_zone: String,
    /// The version of the obeyed profile.
    pub profile_version: u32,
    /// The clocks.
    pub clock: ClockReading,
    /// The stream that is being written, and its last sealed position.
    pub journal: Option<(StreamId, Option<Seq>)>,
    /// The last self-test.
    pub self_test: Option<SelfTest>,
}

/// The last self-test, as the page tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    /// When and what, for example `2026-03-02 08:30 · 5/5`.
    pub text: String,
    /// Whether everything worked.
    pub good: bool,
}

/// Where facts are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The data folder; the card it lies on is the card that is judged.
    pub data: DataDir,
    /// The kernel's list of network interfaces.
    pub interfaces: PathBuf,
}

impl Places {
    /// The places of a tablet with this data folder.
    #[must_use]
    pub fn of(data: DataDir) -> Self {
        Self {
            data,
            interfaces: "/sys/class/net".into(),
        }
    }
}

/// Reads all facts. May wait for a name server: not on the conductor's thread.
#[must_use]
pub fn read(known: &Known, places: &Places) -> Vec<FactValue> {
    // The page is read again while it is open; then the daemon's last acknowledgements are noted.
    drop(ask_to_note(&places.data.wake_socket()));
    let identity = Identity::read(&places.data.identity());
    let boot = known.clock.boot.to_string();
    // What the daemon said before the last power cut is no news.
    let uplink = UplinkStatus::read(&places.data.uplink_status()).filter(|u| u.boot == boot);
    let collector = identity.as_ref().ok().map(|i| i.collector_url.as_str());
    let unsent = Reader::open(&places.data.journal())
        .and_then(|journal| Unsent::count(&journal, &known.clock));
    let (network_value, network_bad) =
        network(&interfaces(&places.interfaces), local_address(collector));
    let [backlog, oldest] = unsent_lines(&unsent, uplink.as_ref());
    vec![
        match &identity {
            Ok(identity) => line(Fact::Terminal, identity.terminal.to_string()),
            Err(error) => bad(Fact::Terminal, chain(error)),
        },
        line(Fact::Hall, format!("{} ({})", known.hall.0, known.hall.1)),
        line(Fact::Window, {
            let (number, name, id) = &known.window;
            format!("{number} {name} ({id})")
        }),
        line(Fact::Software, SOFTWARE.to_owned()),
        profile(known.profile_version, uplink.as_ref()),
        collector_line(collector, uplink.as_ref(), &known.time_zone),
        judged(Fact::Network, network_value, network_bad),
        backlog,
        oldest,
        clock(&known.clock, &known.time_zone),
        disk(places.data.path()),
        journal(known.journal, &set_aside(&places.data.journal())),
        known.self_test.as_ref().map_or_else(
            || line(Fact::SelfTest, UNKNOWN.to_owned()),
            |test| judged(Fact::SelfTest, test.text.clone(), !test.good),
        ),
    ]
}

const fn judged(fact: Fact, value: String, bad: bool) -> FactValue {
    FactValue { fact, value, bad }
}

const fn line(fact: Fact, value: String) -> FactValue {
    judged(fact, value, false)
}

const fn bad(fact: Fact, value: String) -> FactValue {
    judged(fact, value, true)
}

fn profile(version: u32, uplink: Option<&UplinkStatus>) -> FactValue {
    match uplink.and_then(|uplink| uplink.profile_problem.as_deref()) {
        None => line(Fact::Profile, version.to_string()),
        Some(problem) => bad(Fact::Profile, format!("{version} · {problem}")),
    }
}

/// A daemon that has said nothing in this boot is as bad as one that reaches nobody.
fn collector_line(identity: Option<&str>, uplink: Option<&UplinkStatus>, zone: &str) -> FactValue {
    let address = identity
        .or(uplink.map(|uplink| uplink.collector.as_str()))
        .unwrap_or(UNKNOWN);
    match uplink.map(|uplink| uplink.problem.as_deref()) {
        Some(None) => line(Fact::Collector, address.to_owned()),
        Some(Some(problem)) => {
            let since = uplink.and_then(|uplink| uplink.revoked_since_ms);
            let since = since.map_or_else(String::new, |ms| format!(" · {}", moment(ms, zone)));
            bad(Fact::Collector, format!("{address} · {problem}{since}"))
        }
        None => bad(Fact::Collector, address.to_owned()),
    }
}

/// A damaged journal that was set aside is kept for a person to look at, so it is told by its name.
fn journal(known: Option<(StreamId, Option<Seq>)>, set_aside: &[PathBuf]) -> FactValue {
    let mut value = known.map_or_else(
        || UNKNOWN.to_owned(),
        |(stream, seq)| {
            let id: String = stream.to_string().chars().take(8).collect();
            let seq = seq.map_or_else(|| UNKNOWN.to_owned(), |seq| seq.get().to_string());
            format!("{id} · {seq}")
        },
    );
    for name in set_aside.iter().filter_map(|path| path.file_name()) {
        value.push_str(" · ");
        value.push_str(&name.to_string_lossy());
    }
    judged(
        Fact::Journal,
        value,
        known.is_none() || !set_aside.is_empty(),
    )
}

/// A clock that no time service has set is told as it stands, and marked.
fn clock(now: &ClockReading, zone: &str) -> FactValue {
    judged(Fact::Clock, moment(now.wall_ms, zone), !now.synchronised)
}

/// A moment in the hall's own time.
fn moment(ms: i64, zone: &str) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    at.in_tz(zone).map_or_else(
        |_| at.strftime("%Y-%m-%d %H:%M:%S Z").to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
    )
}

#[cfg(test)]
mod tests;
