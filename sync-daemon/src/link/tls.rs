//! Whom a TLS connection may lead to, also while this tablet does not know what time it is (ADR
//! 0020).
//!
//! **Invariants**
//! 1. Name, authority and signatures are checked always, and by rustls alone.
//! 2. While the clock is synchronised the validity periods are, too.
//! 3. While it is not, a certificate whose period does not fit is taken if there is one moment at
//!    which its whole chain was or will be valid; and before anything is pinned, only if that
//!    moment is not before this program's release.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::LinkError;
use super::time::{Likely, Time, Wall, date, released};

/// A chain has a handful of certificates, and each moves the moment once at most.
const MOST_STEPS: usize = 16;

/// What is known about the other end beside its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The collector's key is pinned: TLS only keeps others from reading.
    Pinned,
    /// Nothing: this connection decides whom the tablet will trust.
    First,
}

/// How connections are made while the clock is synchronised, and while it is not.
#[derive(Debug)]
pub(super) struct Configs {
    pub(super) sure: ClientConfig,
    pub(super) unsure: ClientConfig,
    /// What was taken in spite of its dates.
    pub(super) taken: Taken,
}

/// The certificate that was taken in spite of its dates, in words; none when the last one fitted.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken(Arc<Mutex<Option<String>>>);

impl Taken {
    pub(super) fn get(&self) -> Option<String> {
        let note = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        note.clone()
    }

    /// Notes it, and logs what was not known before.
    pub(super) fn set(&self, note: Option<String>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == note {
            return;
        }
        match &note {
            Some(note) => tracing::warn!("{note}"),
            None => tracing::info!("the dates of the collector's certificate are checked again"),
        }
        *known = note;
    }
}

/// Certificates of authorities in a PEM text.
///
/// # Errors
/// What is wrong with it.
pub(super) fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    Ok(found)
}

/// Prepares TLS with the system's authorities and these.
///
/// # Errors
/// [`LinkError::NoAuthorities`] when there is none at all.
pub(super) fn configs(
    extra: Vec<CertificateDer<'static>>,
    time: &Time,
    trust: Trust,
) -> Result<Configs, LinkError> {
    let fault = |problem: String| LinkError::NoAuthorities { problem };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    for certificate in extra {
        roots
            .add(certificate)
            .map_err(|error| fault(error.to_string()))?;
    }
    let system = rustls_native_certs::load_native_certs();
    let (_, unusable) = roots.add_parsable_certificates(system.certs);
    if unusable > 0 || !system.errors.is_empty() {
        let errors = system.errors.len();
        tracing::debug!(
            unusable,
            errors,
            "some authorities of the system are left out"
        );
    }
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| fault(error.to_string()))?;
    let taken = Taken::default();
    let unsure = Arc::new(Unsure {
        inner: Arc::clone(&inner),
        trust,
        taken: taken.clone(),
    });
    Ok(Configs {
        sure: config(&provider, Arc::new(Wall(time.clone())), inner)?,
        unsure: config(&provider, Arc::new(Likely(time.clone())), unsure)?,
        taken,
    })
}

fn config(
    provider: &Arc<CryptoProvider>,
    time: Arc<dyn TimeProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, LinkError> {
    let builder = ClientConfig::builder_with_details(Arc::clone(provider), time)
        .with_safe_default_protocol_versions()
        .map_err(|error| LinkError::NoAuthorities {
            problem: error.to_string(),
        })?;
    let mut config = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Checks certificates while the clock is not synchronised.
#[derive(Debug)]
struct Unsure {
    inner: Arc<WebPkiServerVerifier>,
    trust: Trust,
    taken: Taken,
}

/// How a certificate's period does not fit a moment, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
enum Misfit {
    Ended(u64),
    NotBegun(u64),
}

impl Misfit {
    /// None when it is something else that is wrong.
    const fn of(error: &Error) -> Option<Self> {
        match error {
            Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
                Some(Self::Ended(not_after.as_secs()))
            }
            Error::InvalidCertificate(CertificateError::NotValidYetContext {
                not_before, ..
            }) => Some(Self::NotBegun(not_before.as_secs())),
            _ => None,
        }
    }
}

impl Unsure {
    /// The moment nearest to `now` at which everything fits. The error is the first one, or the
    /// one that has nothing to do with dates.
    fn moment(
        &self,
        now: u64,
        fits: impl Fn(u64) -> Result<(), Error>,
    ) -> Result<(u64, Option<Misfit>), Error> {
        let Err(first) = fits(now) else {
            return Ok((now, None));
        };
        let (mut earliest, mut latest) = match self.trust {
            Trust::Pinned => (0, u64::MAX),
            Trust::First => (released().as_secs(), u64::MAX),
        };
        let why = Misfit::of(&first);
        let mut misfit = why;
        for _ in 0..MOST_STEPS {
            let at = match misfit {
                Some(Misfit::Ended(not_after)) => {
                    latest = latest.min(not_after);
                    latest
                }
                Some(Misfit::NotBegun(not_before)) => {
                    earliest = earliest.max(not_before);
                    earliest
                }
                None => break,
            };
            if earliest > latest {
                break;
            }
            match fits(at) {
                Ok(()) => return Ok((at, why)),
                Err(error) => match Misfit::of(&error) {
                    None => return Err(error),
                    other => misfit = other,
                },
            }
        }
        Err(first)
    }
}

/// What people are told about it.
fn note(now: u64, misfit: Misfit) -> String {
    let period = match misfit {
        Misfit::Ended(not_after) => format!("was valid until {}", date(not_after)),
        Misfit::NotBegun(not_before) => format!("is valid from {}", date(not_before)),
    };
    format!(
        "the collector's certificate {period}, and by this tablet's clock, which no time server has \
         set, it is {}; taken, because its name and its authority are right",
        date(now)
    )
}

impl ServerCertVerifier for Unsure {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let now = now.as_secs();
        let (_, misfit) = self.moment(now, |at| {
            let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at));
            self.inner
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at)
                .map(drop)
        })?;
        self.taken.set(misfit.map(|misfit| note(now, misfit)));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn unsure(trust: Trust) -> Unsure {
        let authority = rcgen::CertifiedIssuer::self_signed(
            {
                let mut wanted = rcgen::CertificateParams::new(Vec::new()).unwrap();
                wanted.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
                wanted
            },
            rcgen::KeyPair::generate().unwrap(),
        )
        .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Unsure {
            inner: WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap(),
            trust,
            taken: Taken::default(),
        }
    }

    /// Judges like webpki: one certificate after the other, each with its period, and then the
    /// name.
    fn chain(periods: &[(u64, u64)], name_fits: bool) -> impl Fn(u64) -> Result<(), Error> {
        let moment = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        move |at| {
            for &(not_before, not_after) in periods {
                let time = moment(at);
                if at < not_before {
                    let not_before = moment(not_before);
                    return Err(CertificateError::NotValidYetContext { time, not_before }.into());
                }
                if at > not_after {
                    let not_after = moment(not_after);
                    return Err(CertificateError::ExpiredContext { time, not_after }.into());
                }
            }
            if name_fits {
                return Ok(());
            }
            Err(CertificateError::NotValidForName.into())
        }
    }

    #[rstest::rstest]
    #[case::now_fits(50, &[(10, 60), (0, 90)], Some(50))]
    #[case::the_nearest_moment_before(99, &[(10, 60), (0, 90)], Some(60))]
    #[case::the_nearest_moment_after(5, &[(10, 60), (0, 90)], Some(10))]
    #[case::one_ended_and_its_issuer_before_it(99, &[(10, 60), (0, 40)], Some(40))]
    #[case::one_begins_and_its_issuer_after_it(5, &[(10, 60), (20, 90)], Some(20))]
    #[case::they_meet_in_one_second(5, &[(10, 60), (60, 90)], Some(60))]
    #[case::they_never_meet(5, &[(10, 60), (61, 90)], None)]
    #[case::nor_backwards(99, &[(61, 90), (10, 60)], None)]
    fn a_chain_is_taken_when_there_is_a_moment_at_which_all_of_it_holds(
        #[case] now: u64,
        #[case] periods: &[(u64, u64)],
        #[case] expected: Option<u64>,
    ) {
        let unsure = unsure(Trust::Pinned);
        let found = unsure.moment(now, chain(periods, true)).ok();
        assert_eq!(found.map(|(at, _)| at), expected);
        let error = unsure.moment(now, chain(periods, false)).unwrap_err();
        assert!(matches!(error, Error::InvalidCertificate(_)), "{error}");
    }

    #[test]
    fn before_anything_is_pinned_the_moment_is_not_before_the_release() {
        let released = released().as_secs();
        let unsure = unsure(Trust::First);
        let ended = |not_after| unsure.moment(released + 9, chain(&[(0, not_after)], true));
        assert!(ended(released).is_ok());
        assert!(ended(released - 1).is_err());
    }

    #[test]
    fn a_chain_of_errors_has_an_end() {
        let asked = std::cell::Cell::new(0);
        let unsure = unsure(Trust::Pinned);
        let endless = |at: u64| {
            asked.set(asked.get() + 1);
            let not_before = UnixTime::since_unix_epoch(Duration::from_secs(at + 1));
            let time = UnixTime::since_unix_epoch(Duration::from_secs(at));
            Err(CertificateError::NotValidYetContext { time, not_before }.into())
        };
        unsure.moment(0, endless).unwrap_err();
        assert_eq!(asked.get(), MOST_STEPS + 1);
    }
}
