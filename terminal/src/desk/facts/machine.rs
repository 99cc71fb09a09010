//! The card and the network.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use url::Url;

use super::{Fact, FactValue, UNKNOWN, bad, judged};

/// A journal of years needs less; a log that runs wild does not stop here.
const BAD_FREE_BYTES: u64 = 200_000_000;

pub(super) fn disk(folder: &Path) -> FactValue {
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
pub(super) fn gibibytes(bytes: u64) -> String {
    let tenths = (u128::from(bytes) * 10) >> 30;
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

/// Name and state of every interface but the loopback, in the order of their names. The states are
/// the kernel's: `up`, `down`, `unknown`, `dormant`, …
pub(super) fn interfaces(folder: &Path) -> Vec<(String, String)> {
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
pub(super) fn local_address(collector: Option<&str>) -> Option<IpAddr> {
    // 192.0.2.0/24 belongs to nobody (RFC 5737): only the default route leads there.
    let anywhere = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 443));
    let towards = collector
        .and_then(|text| Url::parse(text).ok())
        .and_then(|url| url.socket_addrs(|| None).ok())
        .and_then(|addresses| addresses.first().copied())
        .unwrap_or(anywhere);
    source_address(towards)
}

fn source_address(towards: SocketAddr) -> Option<IpAddr> {
    let from: IpAddr = match towards {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((from, 0)).ok()?;
    socket.connect(towards).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// One line of the interfaces and the address; bad when there is no way to the collector.
pub(super) fn network(interfaces: &[(String, String)], local: Option<IpAddr>) -> (String, bool) {
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
