//! Why there is no answer, and what that means.

use std::path::PathBuf;

use manyi_shared::domain::Retry;

/// Why there is no answer, or no way to one.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The address is not one of a collector.
    #[error("collector address `{url}` is not usable: {problem}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The file with the certificate authority cannot be used.
    #[error("could not use the certificates in `{path}`: {problem}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The proxy's address is not usable.
    #[error("proxy address `{proxy}` is not usable")]
    Proxy {
        /// The address.
        proxy: String,
        /// What is wrong with it.
        #[source]
        source: reqwest::Error,
    },
    /// There is no authority that a certificate could be checked by.
    #[error("could not set up TLS: {problem}; install ca-certificates or set ca_file")]
    NoAuthorities {
        /// What is missing.
        problem: String,
    },
    /// HTTP cannot be set up on this machine.
    #[error("could not set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// Nobody answered.
    #[error("no answer from {url}")]
    NoAnswer {
        /// Whom we asked.
        url: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// The answer broke off.
    #[error("the answer from {url} broke off")]
    BrokenOff {
        /// Whom we asked.
        url: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is longer than any that was asked for.
    #[error("the answer from {url} is longer than {most} bytes")]
    TooLong {
        /// Whom we asked.
        url: String,
        /// The limit.
        most: usize,
    },
}

impl LinkError {
    /// What to do next. None of these says anything about the records.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::NoAnswer { .. } | Self::BrokenOff { .. } | Self::TooLong { .. } => {
                Retry::Backoff { at_least: None }
            }
            Self::Url { .. }
            | Self::CaFile { .. }
            | Self::Proxy { .. }
            | Self::NoAuthorities { .. }
            | Self::Client(_) => Retry::AfterOperator,
        }
    }

    /// Whether it is a certificate that stands in the way: the server's is not trusted, or there
    /// is no authority to trust.
    #[must_use]
    pub fn is_about_certificates(&self) -> bool {
        match self {
            Self::CaFile { .. } | Self::NoAuthorities { .. } | Self::Client(_) => true,
            _ => matches!(
                self.cause(),
                Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
            ),
        }
    }

    /// The error of this kind that there is no answer for.
    pub(crate) fn cause<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::NoAnswer { source, .. } => among_causes(source),
            _ => None,
        }
    }

    /// What a proxy said in place of connecting us. The HTTP client's error for it is private, its
    /// words are not.
    pub(crate) fn tunnel(&self) -> Option<String> {
        let Self::NoAnswer { source, .. } = self else {
            return None;
        };
        let causes =
            std::iter::successors(Some(source as &(dyn std::error::Error + 'static)), |e| {
                e.source()
            });
        causes.map(ToString::to_string).find_map(|text| {
            let said = text.strip_prefix("tunnel error: ")?;
            Some(said.to_owned())
        })
    }

    /// Whether a proxy in between refuses us because it does not know who we are.
    #[must_use]
    pub fn wants_proxy_password(&self) -> bool {
        self.tunnel()
            .is_some_and(|said| said.contains("authorization"))
    }

    /// Whether there is no answer because it took too long.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::NoAnswer { source, .. } if source.is_timeout())
    }
}

/// Looks for an error among the causes. An [`std::io::Error`] hides the error that it was made
/// from: its `source` is already that one's cause.
fn among_causes<'a, E: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a E> {
    let inner = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    error
        .downcast_ref()
        .or_else(|| inner.and_then(|inner| among_causes(inner)))
        .or_else(|| error.source().and_then(among_causes))
}
