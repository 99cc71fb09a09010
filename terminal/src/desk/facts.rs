//! What the technician's page tells: thin reading of files and sockets, pure judgement.
//!
//! Values are numbers, names and units; the page has the words. Nothing that cannot be read is
//! invented: it is told as `-`, or as the error, and marked.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use manyi_shared::domain::{ClockReading, Seq, StreamId};
use manyi_shared::journal::{JournalError, Reader, StoredStream};
use manyi_shared::tablet::{DataDir, Identity, UplinkStatus};
use manyi_shared::wire::{Record, RecordBody, StreamOpened};
use url::Url;

use crate::flow::Millis;
use crate::recorder::chain;
use crate::station::SOFTWARE;

/// More unsent records than a busy window collects in a quarter of an hour.
const BAD_BACKLOG: u64 = 100;
/// The daemon sends at least every few minutes; a record that waits longer is stuck.
const BAD_AGE_MS: Millis = 10 * 60_000;
/// A journal of years needs less; a log that runs wild does not stop here.
const BAD_FREE_BYTES: u64 = 200_000_000;
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
        collector_line(collector, uplink.as_ref()),
        judged(Fact::Network, network_value, network_bad),
        backlog,
        oldest,
        clock(&known.clock, &known.time_zone),
        disk(places.data.path()),
        journal(known.journal),
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
fn collector_line(identity: Option<&str>, uplink: Option<&UplinkStatus>) -> FactValue {
    let address = identity
        .or(uplink.map(|uplink| uplink.collector.as_str()))
        .unwrap_or(UNKNOWN);
    match uplink.map(|uplink| uplink.problem.as_deref()) {
        Some(None) => line(Fact::Collector, address.to_owned()),
        Some(Some(problem)) => bad(Fact::Collector, format!("{address} · {problem}")),
        None => bad(Fact::Collector, address.to_owned()),
    }
}

fn journal(known: Option<(StreamId, Option<Seq>)>) -> FactValue {
    match known {
        None => bad(Fact::Journal, UNKNOWN.to_owned()),
        Some((stream, seq)) => {
            let id: String = stream.to_string().chars().take(8).collect();
            let seq = seq.map_or_else(|| UNKNOWN.to_owned(), |seq| seq.get().to_string());
            line(Fact::Journal, format!("{id} · {seq}"))
        }
    }
}

/// A clock that no time service has set is told as it stands, and marked.
fn clock(now: &ClockReading, zone: &str) -> FactValue {
    let at = Timestamp::from_millisecond(now.wall_ms).unwrap_or_default();
    let text = at.in_tz(zone).map_or_else(
        |_| at.strftime("%Y-%m-%d %H:%M:%S Z").to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
    );
    judged(Fact::Clock, text, !now.synchronised)
}

// --- what the centre does not have yet ---------------------------------------------------------

/// What the journal itself says is unsent; true also when the daemon is dead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Unsent {
    records: u64,
    /// Age of the oldest, where its stream still says when it began.
    oldest_ms: Option<Millis>,
}

impl Unsent {
    fn count(journal: &Reader, now: &ClockReading) -> Result<Self, JournalError> {
        let mut unsent = Self::default();
        for stream in journal.streams()? {
            let records = journal.unacknowledged(&stream)?;
            if records == 0 {
                continue;
            }
            if unsent.records == 0 {
                unsent.oldest_ms = oldest_age(journal, &stream, now)?;
            }
            unsent.records = unsent.records.saturating_add(records);
        }
        Ok(unsent)
    }
}

fn oldest_age(
    journal: &Reader,
    stream: &StoredStream,
    now: &ClockReading,
) -> Result<Option<Millis>, JournalError> {
    let first = journal.record(stream, Seq::FIRST)?;
    let next = Seq::new(stream.acknowledged.saturating_add(1));
    let oldest = match next {
        Some(seq) => journal.record(stream, seq)?,
        None => None,
    };
    let decoded = |stored: Option<manyi_shared::journal::StoredRecord>| {
        stored.and_then(|stored| stored.decode().ok())
    };
    let (Some(first), Some(oldest)) = (decoded(first), decoded(oldest)) else {
        return Ok(None);
    };
    Ok(match &first.body {
        RecordBody::StreamOpened(opened) => age(&oldest, opened, now),
        _ => None,
    })
}

/// By the uptime in the same boot, by the wall clock when both ends of it were set right.
fn age(record: &Record, opened: &StreamOpened, now: &ClockReading) -> Option<Millis> {
    if opened.boot == now.boot {
        return Some(now.uptime_ms.saturating_sub(record.at.uptime_ms(opened)));
    }
    if now.synchronised && record.at.synchronised {
        let ms = now.wall_ms.saturating_sub(record.at.wall_ms(opened));
        return Some(Millis::try_from(ms).unwrap_or(0));
    }
    None
}

fn unsent_lines(
    unsent: &Result<Unsent, JournalError>,
    uplink: Option<&UplinkStatus>,
) -> [FactValue; 2] {
    let unsent = match unsent {
        Ok(unsent) => *unsent,
        // The journal is made with the first stream.
        Err(JournalError::Missing { .. }) => Unsent::default(),
        Err(error) => {
            return [
                bad(Fact::Backlog, chain(error)),
                bad(Fact::OldestUnsent, UNKNOWN.to_owned()),
            ];
        }
    };
    let oldest = unsent
        .oldest_ms
        .or_else(|| uplink.and_then(|uplink| uplink.oldest_unsent_ms))
        .filter(|_| unsent.records > 0);
    [
        judged(
            Fact::Backlog,
            unsent.records.to_string(),
            unsent.records > BAD_BACKLOG,
        ),
        oldest.map_or_else(
            || line(Fact::OldestUnsent, UNKNOWN.to_owned()),
            |ms| judged(Fact::OldestUnsent, duration(ms), ms > BAD_AGE_MS),
        ),
    ]
}

/// The two largest units, in symbols.
fn duration(ms: Millis) -> String {
    let seconds = ms / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

// --- the card ------------------------------------------------------------------------------------

fn disk(folder: &Path) -> FactValue {
    match rustix::fs::statvfs(folder) {
        Ok(card) => {
            let free = card.f_bavail.saturating_mul(card.f_frsize);
            let whole = card.f_blocks.saturating_mul(card.f_frsize);
            let text = format!("{} / {}", gibibytes(free), gibibytes(whole));
            judged(Fact::Disk, text, free < BAD_FREE_BYTES)
        }
        Err(error) => bad(Fact::Disk, format!("`{}`: {error}", folder.display())),
    }
}

/// One decimal, rounded down: free space is never told larger than it is.
fn gibibytes(bytes: u64) -> String {
    let tenths = u128::from(bytes) * 10 >> 30;
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

// --- the network ---------------------------------------------------------------------------------

/// Name and state of every interface but the loopback, in the order of their names. The states are
/// the kernel's: `up`, `down`, `unknown`, `dormant`, …
fn interfaces(folder: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(String, String)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let state = std::fs::read_to_string(entry.path().join("operstate")).ok()?;
            (name != "lo").then(|| (name, state.trim().to_owned()))
        })
        .collect();
    found.sort();
    found
}

/// The address that this machine would use towards the collector, or, where its name is not known
/// here (behind a proxy), towards anywhere. A connected datagram socket asks the routing table
/// and sends nothing.
fn local_address(collector: Option<&str>) -> Option<IpAddr> {
    // 192.0.2.0/24 belongs to nobody (RFC 5737): only the default route leads there.
    let anywhere = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 443));
    let towards = collector
        .and_then(|text| Url::parse(text).ok())
        .and_then(|url| url.socket_addrs(|| None).ok())
        .and_then(|addresses| addresses.first().copied())
        .unwrap_or(anywhere);
    source_address(towards)
}

fn source_address(towards: impl ToSocketAddrs) -> Option<IpAddr> {
    let towards = towards.to_socket_addrs().ok()?.next()?;
    let from: IpAddr = match towards {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((from, 0)).ok()?;
    socket.connect(towards).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// One line of the interfaces and the address; bad when there is no way to the collector.
fn network(interfaces: &[(String, String)], local: Option<IpAddr>) -> (String, bool) {
    let mut text = String::new();
    for (name, state) in interfaces {
        // Writing to a string cannot fail.
        write!(text, "{name} {state}, ").unwrap_or_default();
    }
    let text = text.trim_end_matches(", ");
    let local_text = local.map_or_else(|| UNKNOWN.to_owned(), |ip| ip.to_string());
    let text = if text.is_empty() {
        local_text
    } else {
        format!("{text} · {local_text}")
    };
    (text, local.is_none())
}

#[cfg(test)]
mod tests;
