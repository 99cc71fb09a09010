//! What network errors mean, and what to do about them.

use std::io::ErrorKind;

use rustls::{CertificateError, Error};

use super::Check;
use crate::link::time::date;

/// Why nothing could be connected to. `whom` is the collector or the proxy, with its address.
pub(super) fn connection(whom: &str, error: &std::io::Error) -> Check {
    let (found, next) = match error.kind() {
        ErrorKind::ConnectionRefused => (
            "refuses the connection".to_owned(),
            "the machine is there, but nothing listens on that port: check the port, and whether \
             the service runs",
        ),
        ErrorKind::TimedOut => (
            "does not answer within 5 s".to_owned(),
            "a firewall may drop it, or the address is another machine's: check the address, \
             `ip route`, the firewall",
        ),
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => (
            format!("cannot be reached: {error}"),
            "this tablet has no way there: check cable or wireless, `ip addr` and `ip route`",
        ),
        _ => (
            format!("cannot be connected to: {error}"),
            "check cable or wireless, `ip addr` and `ip route`",
        ),
    };
    Check::bad("connection", format!("{whom} {found}"), next)
}

/// Why TLS does not come about.
pub(super) fn tls(host: &str, error: &Error) -> Check {
    let (found, next) = match error {
        Error::InvalidCertificate(certificate) => certificate_words(host, certificate),
        Error::InvalidMessage(_) => (
            format!("what answers for {host} speaks no TLS"),
            "if the collector is an http:// one, say so in its address; otherwise a proxy or login \
             page is in between",
        ),
        Error::AlertReceived(alert) => (
            format!("the server broke the handshake off ({alert:?})"),
            "the server wants another TLS or does not know this name: ask whoever runs it",
        ),
        Error::PeerIncompatible(_) => (
            "the server speaks no TLS 1.2 or 1.3".to_owned(),
            "have the office renew its server",
        ),
        other => (
            format!("the handshake fails: {other}"),
            "ask whoever runs the server",
        ),
    };
    Check::bad("tls", found, next)
}

fn certificate_words(host: &str, error: &CertificateError) -> (String, &'static str) {
    const CLOCK_OR_OFFICE: &str = "if this tablet's clock is right, the office must renew the certificate; else set the clock";
    match error {
        CertificateError::ExpiredContext { time, not_after } => (
            format!(
                "the certificate was valid until {}; by this tablet it is {}",
                date(not_after.as_secs()),
                date(time.as_secs())
            ),
            CLOCK_OR_OFFICE,
        ),
        CertificateError::NotValidYetContext { time, not_before } => (
            format!(
                "the certificate is valid from {}; by this tablet it is {}",
                date(not_before.as_secs()),
                date(time.as_secs())
            ),
            CLOCK_OR_OFFICE,
        ),
        CertificateError::NotValidForNameContext { presented, .. } => (
            format!(
                "the certificate is for {}, not for {host}",
                names(presented)
            ),
            "use a name of the certificate as the collector's address, or have the office put this \
             name into it",
        ),
        CertificateError::UnknownIssuer => (
            "the certificate is signed by an authority that this tablet does not know".to_owned(),
            "set `ca_file` to the office's authority (PEM); if a firewall opens TLS on the way, ask \
             for an exception",
        ),
        CertificateError::BadSignature => (
            "the certificate is signed by another authority of a name that this tablet knows"
                .to_owned(),
            "the office may have made its authority anew: set `ca_file` to the new one (PEM)",
        ),
        other => (
            format!("the certificate cannot be used: {other}"),
            "ask whoever runs the server",
        ),
    }
}

/// The names in a certificate; rustls hands them over as `DnsName("rate.example.cn")`.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "no name".to_owned();
    }
    let bare = |name: &String| {
        let inner = name
            .split_once('(')
            .and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(name).trim_matches('"').to_owned()
    };
    let names: Vec<String> = presented.iter().map(bare).collect();
    names.join(", ")
}
