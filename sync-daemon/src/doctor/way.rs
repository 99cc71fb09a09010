//! The way to the collector, step by step: proxy, name, connection, TLS, and what answers.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use manyi_shared::domain::Clock;
use reqwest::Url;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::{Check, proxy, words};
use crate::link::{Link, LinkError, LinkOptions, Looked};

/// The longest wait for a name and for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest wait for the collector's answer.
const ANSWER: Duration = Duration::from_secs(15);

/// What the collector says when it is well.
const HEALTH: &str = "/healthz";

/// What was found on the way.
pub(super) struct Way {
    pub(super) checks: Vec<Check>,
    /// How much later this tablet's clock is than the centre's, in milliseconds.
    pub(super) offset_ms: Option<i64>,
}

/// Goes the way to the collector at `url`, whose key may be pinned.
pub(super) async fn examine(url: Option<&str>, options: &LinkOptions, pinned: bool) -> Way {
    let options = LinkOptions {
        connect_timeout: PATIENCE,
        timeout: ANSWER,
        ..options.clone()
    };
    let prepared = url.map(|url| {
        let link = if pinned {
            Link::new(url, &options)
        } else {
            Link::to_enrol(url, &options)
        };
        link.map_err(|error| (url.to_owned(), error))
    });
    let link = match prepared {
        None => return nowhere(&[], "there is no address"),
        Some(Ok(link)) => link,
        Some(Err((_, error))) => return unusable(&error),
    };
    let mut checks = Vec::new();
    let (through, hop) = proxy::examine(link.base(), &options.proxy);
    checks.push(through);
    let whose = if hop.is_some() {
        "the proxy"
    } else {
        "the collector"
    };
    let hop = hop.unwrap_or_else(|| link.base().clone());
    let (name, addresses) = resolve(&hop).await;
    checks.push(name);
    if addresses.is_empty() {
        return nowhere(&checks, "the name is not known");
    }
    let connection = connect(whose, &addresses).await;
    let connected = connection.next.is_none();
    checks.push(connection);
    if !connected {
        return nowhere(&checks, "there is no connection");
    }
    let before = options.time.read().wall_ms;
    let looked = link.look(HEALTH).await;
    let after = options.time.read().wall_ms;
    let (tls, collector) = judge(&link, &looked);
    checks.extend([tls, collector]);
    let date = looked.ok().and_then(|looked| looked.date);
    Way {
        checks,
        offset_ms: date.map(|date| offset(before, after, date)),
    }
}

/// The rest of the way was not gone.
fn nowhere(gone: &[Check], why: &str) -> Way {
    let all = ["proxy", "name", "connection", "tls", "collector"];
    let mut checks = gone.to_vec();
    let rest = all.into_iter().skip(checks.len());
    checks.extend(rest.map(|check| Check::not_tried(check, why)));
    Way {
        checks,
        offset_ms: None,
    }
}

/// Address, proxy or certificates are such that no way begins.
fn unusable(error: &LinkError) -> Way {
    let (check, next) = match error {
        LinkError::Proxy { .. } => (
            "proxy",
            "set `proxy` to an address such as http://proxy.hall.example.cn:3128",
        ),
        LinkError::CaFile { .. } => (
            "tls",
            "set `ca_file` to a readable PEM file with the office's authority",
        ),
        LinkError::NoAuthorities { .. } | LinkError::Client(_) => (
            "tls",
            "install the package ca-certificates, or set `ca_file`",
        ),
        _ => (
            "name",
            "set `collector_url`, or enrol again with the right address",
        ),
    };
    let mut way = nowhere(&[], "the way cannot be prepared");
    for entry in &mut way.checks {
        if entry.check == check {
            *entry = Check::bad(check, crate::chain(error), next);
        }
    }
    way
}

async fn resolve(url: &Url) -> (Check, Vec<SocketAddr>) {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(80);
    let looked = timeout(PATIENCE, lookup_host((bare, port))).await;
    let problem = match looked {
        Ok(Ok(found)) => {
            let found: Vec<SocketAddr> = found.collect();
            let texts: Vec<String> = found.iter().map(|found| found.ip().to_string()).collect();
            let said = if bare.parse::<std::net::IpAddr>().is_ok() {
                format!("{bare} needs no name server")
            } else {
                format!("{host} is {}", texts.join(", "))
            };
            if !found.is_empty() {
                return (Check::ok("name", said), found);
            }
            "it has no address".to_owned()
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the name server does not answer within 5 s".to_owned(),
    };
    let check = Check::bad(
        "name",
        format!("{host} cannot be resolved: {problem}"),
        "check the name for typing errors, then the name server (`cat /etc/resolv.conf`, \
         `getent hosts NAME`)",
    );
    (check, Vec::new())
}

async fn connect(whose: &str, addresses: &[SocketAddr]) -> Check {
    let mut last = None;
    for address in addresses {
        let whom = format!("{whose} at {address}");
        let connected = timeout(PATIENCE, TcpStream::connect(address)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(_) => return Check::ok("connection", format!("{whom} takes connections")),
            Err(error) => last = Some(words::connection(&whom, &error)),
        }
    }
    last.unwrap_or_else(|| Check::not_tried("connection", "there is no address"))
}

/// How TLS and the collector are, by what came of the look.
fn judge(link: &Link, looked: &Result<Looked, LinkError>) -> (Check, Check) {
    let waiting = |why: &str| Check::not_tried("collector", why);
    match looked {
        Ok(looked) => (secrecy(link), what_answers(looked)),
        Err(error) => {
            let host = link.base().host_str().unwrap_or_default();
            if let Some(tls) = error.cause::<rustls::Error>() {
                (words::tls(host, tls), waiting("TLS does not come about"))
            } else if let Some(tunnel) = error.tunnel() {
                (
                    Check::not_tried("tls", "the proxy does not let us through"),
                    closed_tunnel(error, &tunnel),
                )
            } else if error.is_timeout() {
                (
                    Check::not_tried("tls", "nothing was answered"),
                    Check::bad(
                        "collector",
                        "takes the connection, but does not answer within 15 s",
                        "ask the office whether the collector is well; a slow line or a filter in \
                         between may also swallow the answer",
                    ),
                )
            } else {
                (
                    Check::not_tried("tls", "the connection was broken off"),
                    Check::bad(
                        "collector",
                        crate::chain(error),
                        "something in between closes the connection (a firewall, a proxy), or this \
                         is no web server: ask whoever runs the network",
                    ),
                )
            }
        }
    }
}

fn closed_tunnel(error: &LinkError, said: &str) -> Check {
    if error.wants_proxy_password() {
        return wants_password();
    }
    Check::bad(
        "collector",
        format!("the proxy does not connect us to the collector ({said})"),
        "have the collector's name and port let through by the proxy",
    )
}

fn wants_password() -> Check {
    Check::bad(
        "collector",
        "the proxy wants a user name and a password",
        "put them into the proxy's address: proxy = \"http://USER:PASSWORD@HOST:PORT\"",
    )
}

fn secrecy(link: &Link) -> Check {
    if let Some(note) = link.certificate_note() {
        return Check::warn(
            "tls",
            note,
            "nothing is lost by it; name a time server that this tablet reaches \
             (/etc/systemd/timesyncd.conf)",
        );
    }
    if link.is_readable_on_the_way() {
        return Check::warn(
            "tls",
            "none: the address begins with http://, so others on the way can read along",
            "ratings are signed all the same; let the office offer https:// before codes are typed",
        );
    }
    match link.base().scheme() {
        "https" => Check::ok("tls", "the certificate is trusted and names the collector"),
        _ => Check::ok("tls", "not needed on this machine"),
    }
}

fn what_answers(looked: &Looked) -> Check {
    let Looked {
        answer, location, ..
    } = looked;
    let status = answer.status;
    let kind = if answer.content_type.is_empty() {
        "nothing"
    } else {
        &answer.content_type
    };
    match status {
        200 if answer.content_type == "text/plain" && answer.body.trim_ascii() == b"ok" => {
            Check::ok("collector", "answers and is well")
        }
        300..=399 => Check::bad(
            "collector",
            format!(
                "something in between sends us to {}",
                location.as_deref().unwrap_or("another address")
            ),
            "a login page of the network: have this tablet let through without login",
        ),
        407 => wants_password(),
        401 | 403 | 404 => Check::warn(
            "collector",
            format!(
                "status {status} ({kind}) for {HEALTH}: another service, or only /device/ is let through"
            ),
            "ask the office whether this is the collector's address and what it lets through",
        ),
        500..=599 => Check::bad(
            "collector",
            format!("status {status} ({kind}): the collector or what stands before it has a fault"),
            "tell the office; ratings wait on this tablet meanwhile",
        ),
        _ => Check::bad(
            "collector",
            format!("what answers is no collector: status {status}, {kind}"),
            "check the address; a login page or filter of the network may be in between",
        ),
    }
}

fn offset(before_ms: i64, after_ms: i64, date: SystemTime) -> i64 {
    let since = date.duration_since(SystemTime::UNIX_EPOCH);
    let theirs = since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    });
    // The header has whole seconds: half a one is the best guess.
    let ours = before_ms.midpoint(after_ms);
    ours.saturating_sub(theirs.saturating_add(500))
}
