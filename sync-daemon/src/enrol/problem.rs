//! What a technician is told about a failed enrolment, and whether trying again may help.

use std::time::Duration;

use manyi_shared::tablet::{EnrolProblem, IdentityError};

use super::EnrolError;
use crate::link::LinkError;

impl EnrolError {
    /// What a technician can do something about.
    #[must_use]
    pub fn problem(&self) -> EnrolProblem {
        match self {
            Self::Unreachable(error) | Self::Link(error) => unreachable(error),
            Self::ProxyPassword => EnrolProblem::Unreachable,
            Self::Refused { .. } | Self::OtherSuite { .. } => EnrolProblem::CodeRefused,
            Self::TooManyTries { .. } => EnrolProblem::TooManyTries,
            Self::Failed { .. } | Self::Profile(_) => EnrolProblem::OfficeError,
            Self::NotACollector { .. } | Self::Untrusted(_) => EnrolProblem::NotACollector,
            Self::File(_) | Self::Key(IdentityError::File(_)) => EnrolProblem::Storage,
            Self::ByDaemon { problem, .. } => *problem,
            Self::Already { .. } | Self::Lock(_) | Self::Key(_) | Self::NoWord => {
                EnrolProblem::Other
            }
        }
    }

    /// Whether the same address and code may succeed later without anybody changing them: the
    /// network comes late, the clock is not set yet, the office mends its server.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self.problem() {
            EnrolProblem::Unreachable
            | EnrolProblem::Certificate
            | EnrolProblem::NotACollector
            | EnrolProblem::TooManyTries
            | EnrolProblem::OfficeError
            | EnrolProblem::Storage => true,
            EnrolProblem::AddressMalformed
            | EnrolProblem::CodeMalformed
            | EnrolProblem::CodeRefused
            | EnrolProblem::Other => false,
        }
    }
}

impl EnrolError {
    /// How long the collector wants us to wait.
    pub(super) fn wish(&self) -> Option<Duration> {
        match self {
            Self::TooManyTries { seconds } => seconds.map(Duration::from_secs),
            _ => None,
        }
    }
}

fn unreachable(error: &LinkError) -> EnrolProblem {
    match error {
        _ if error.is_about_certificates() => EnrolProblem::Certificate,
        LinkError::Url { .. } => EnrolProblem::AddressMalformed,
        LinkError::Proxy { .. } => EnrolProblem::Other,
        LinkError::TooLong { .. } => EnrolProblem::NotACollector,
        _ => EnrolProblem::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use manyi_shared::tablet::FileError;
    use manyi_shared::wire::{EnvelopeError, ProfileError, Suite};

    use super::*;
    use crate::lock::LockError;

    fn file() -> FileError {
        FileError {
            doing: "write",
            path: PathBuf::from("/x"),
            source: std::io::Error::other("the card is full"),
        }
    }

    /// Any error of the HTTP client that names no certificate.
    fn client() -> reqwest::Error {
        reqwest::Proxy::all("::").unwrap_err()
    }

    fn no_answer() -> LinkError {
        LinkError::NoAnswer {
            url: "https://a".to_owned(),
            source: client(),
        }
    }

    fn ca_file() -> LinkError {
        LinkError::CaFile {
            path: PathBuf::from("/ca.pem"),
            problem: "there is no certificate in it".to_owned(),
        }
    }

    fn link(name: &str) -> LinkError {
        let url = || "https://a".to_owned();
        match name {
            "address" => crate::link::check_url("rate.example.cn").unwrap_err(),
            "ca_file" => ca_file(),
            "proxy" => LinkError::Proxy {
                proxy: url(),
                source: client(),
            },
            "client" => LinkError::Client(client()),
            "broken_off" => LinkError::BrokenOff {
                url: url(),
                source: client(),
            },
            "too_long" => LinkError::TooLong {
                url: url(),
                most: 1,
            },
            _ => no_answer(),
        }
    }

    #[rstest::rstest]
    #[case::already(EnrolError::Already { path: PathBuf::new() }, EnrolProblem::Other, false)]
    #[case::locked(EnrolError::Lock(LockError::Held { folder: PathBuf::new() }), EnrolProblem::Other, false)]
    #[case::by_daemon(
        EnrolError::ByDaemon { problem: EnrolProblem::CodeRefused, detail: String::new() },
        EnrolProblem::CodeRefused, false
    )]
    #[case::no_word(EnrolError::NoWord, EnrolProblem::Other, false)]
    #[case::no_answer(
        EnrolError::Unreachable(link("no_answer")),
        EnrolProblem::Unreachable,
        true
    )]
    #[case::broken_off(
        EnrolError::Unreachable(link("broken_off")),
        EnrolProblem::Unreachable,
        true
    )]
    #[case::too_long(
        EnrolError::Unreachable(link("too_long")),
        EnrolProblem::NotACollector,
        true
    )]
    #[case::no_address(
        EnrolError::Link(link("address")),
        EnrolProblem::AddressMalformed,
        false
    )]
    #[case::no_ca_file(EnrolError::Link(link("ca_file")), EnrolProblem::Certificate, true)]
    #[case::no_authorities(EnrolError::Link(link("client")), EnrolProblem::Certificate, true)]
    #[case::proxy_password(EnrolError::ProxyPassword, EnrolProblem::Unreachable, true)]
    #[case::proxy(EnrolError::Link(link("proxy")), EnrolProblem::Other, false)]
    #[case::refused(EnrolError::Refused { detail: String::new() }, EnrolProblem::CodeRefused, false)]
    #[case::other_suite(
        EnrolError::OtherSuite { ours: Suite::Ed25519Sha256, code: Suite::Sm2Sm3 },
        EnrolProblem::CodeRefused, false
    )]
    #[case::too_many(EnrolError::TooManyTries { seconds: None }, EnrolProblem::TooManyTries, true)]
    #[case::failed(EnrolError::Failed { status: 500, detail: String::new() }, EnrolProblem::OfficeError, true)]
    #[case::portal(
        EnrolError::NotACollector { url: String::new(), status: 200, content_type: String::new() },
        EnrolProblem::NotACollector, true
    )]
    #[case::forged(
        EnrolError::Untrusted(EnvelopeError::KeyId),
        EnrolProblem::NotACollector,
        true
    )]
    #[case::profile(
        EnrolError::Profile(ProfileError::Envelope(EnvelopeError::KeyId)),
        EnrolProblem::OfficeError,
        true
    )]
    #[case::key_unreadable(
        EnrolError::Key(IdentityError::File(file())),
        EnrolProblem::Storage,
        true
    )]
    #[case::key_damaged(
        EnrolError::Key(IdentityError::Damaged { path: PathBuf::new(), problem: String::new() }),
        EnrolProblem::Other, false
    )]
    #[case::card(EnrolError::File(file()), EnrolProblem::Storage, true)]
    fn every_failure_is_a_problem_that_a_technician_knows(
        #[case] error: EnrolError,
        #[case] problem: EnrolProblem,
        #[case] may_pass: bool,
    ) {
        assert_eq!((error.problem(), error.may_pass()), (problem, may_pass));
    }
}
