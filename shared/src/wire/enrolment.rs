//! Enrolment: a one-time code for an identity. The tablet makes its key; the secret half never
//! leaves it.

use std::fmt;
use std::str::FromStr;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::domain::{HallId, TerminalId, WindowId};

use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::keys::{PublicKey, SecretKey};
use super::limits::MAX_TEXT_BYTES;
use super::suite::Suite;

const VERSION: u8 = 1;

/// Crockford's base 32: no I, L, O, U, so a code survives being read aloud and typed.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a code for the suite `gm` begins with. Frozen.
const GM: u8 = b'G';

/// A one-time enrolment code: 8 characters, 40 bits, printed as `XXXX-XXXX`; with a `G-` in front,
/// `G-XXXX-XXXX`, when the tablet is to make its key in the suite `gm`.
///
/// The code says the suite because the tablet must know it before it has asked anybody, and because
/// the office's word is better than that of whoever answers first on the network.
///
/// 40 bits, ten minutes and ten tries a minute leave a guesser one chance in ten billion.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentCode {
    suite: Suite,
    symbols: [u8; 8],
}

/// Text that is no enrolment code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an enrolment code has 8 letters and digits, such as 7KX2-9QWM, or 9 that begin with G, such \
     as G-7KX2-9QWM"
)]
pub struct InvalidEnrolmentCode;

impl EnrolmentCode {
    /// A fresh random code for a key of this suite.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate(suite: Suite) -> Result<Self, getrandom::Error> {
        loop {
            let mut random = [0_u8; 8];
            getrandom::fill(&mut random)?;
            // 256 is a multiple of 32: every character is equally likely.
            let symbols = random.map(|byte| symbol(byte % 32));
            // Nobody is to wonder whether a code that begins with G lacks a character.
            if suite == Suite::Sm2Sm3 || !symbols.starts_with(&[GM]) {
                return Ok(Self { suite, symbols });
            }
        }
    }

    /// The suite that the tablet makes its key in.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// SHA-256 of the code with its prefix: what the centre stores instead of it. The same
    /// characters without the prefix are another code.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        super::digest(&[self.prefix(), &self.symbols].concat())
    }

    const fn prefix(&self) -> &'static [u8] {
        match self.suite {
            Suite::Ed25519Sha256 => &[],
            Suite::Sm2Sm3 => &[GM],
        }
    }
}

fn symbol(value: u8) -> u8 {
    ALPHABET.get(usize::from(value)).copied().unwrap_or(b'0')
}

impl fmt::Display for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.prefix() {
            write!(f, "{}-", char::from(byte))?;
        }
        for (i, &byte) in self.symbols.iter().enumerate() {
            if i == 4 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(byte))?;
        }
        Ok(())
    }
}

impl fmt::Debug for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentCode(…)")
    }
}

impl FromStr for EnrolmentCode {
    type Err = InvalidEnrolmentCode;

    /// Takes a code as people type it: any case, with or without hyphens and spaces, O for 0 and
    /// I or L for 1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let typed: Vec<u8> = text
            .bytes()
            .filter(|b| !matches!(b, b'-' | b' '))
            .map(|b| match b.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            })
            .collect();
        let (suite, symbols) = match typed.as_slice() {
            [GM, symbols @ ..] if typed.len() == 9 => (Suite::Sm2Sm3, symbols),
            symbols => (Suite::Ed25519Sha256, symbols),
        };
        let symbols: [u8; 8] = symbols.try_into().map_err(|_| InvalidEnrolmentCode)?;
        if symbols.iter().all(|b| ALPHABET.contains(b)) {
            Ok(Self { suite, symbols })
        } else {
            Err(InvalidEnrolmentCode)
        }
    }
}

/// A new terminal's request, signed with its own new key as proof that it has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolRequest {
    /// The one-time code.
    pub code: EnrolmentCode,
    /// The tablet's new public key.
    pub key: PublicKey,
    /// Program name and version, at most 200 bytes.
    pub software: String,
}

/// The identity a terminal gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolReply {
    /// The suite's digest of the request it answers.
    pub request: [u8; 32],
    /// The terminal's id from now on.
    pub terminal: TerminalId,
    /// The collector's key: every later reply must be signed with it.
    pub collector: PublicKey,
    /// The hall the terminal stands in.
    pub hall: HallId,
    /// The window the terminal stands at.
    pub window: WindowId,
    /// The terminal's first profile, signed.
    pub profile: Vec<u8>,
    /// The centre's clock, in milliseconds since 1970.
    pub server_ms: i64,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawRequest {
    #[n(0)]
    version: u8,
    #[n(1)]
    code: String,
    #[n(2)]
    software: String,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawReply {
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    request: [u8; 32],
    #[cbor(n(2), with = "minicbor::bytes")]
    terminal: [u8; 16],
    #[n(3)]
    hall: String,
    #[n(4)]
    window: String,
    #[n(5)]
    profile: ByteVec,
    #[n(6)]
    server_ms: i64,
}

impl EnrolRequest {
    /// Signs the request with the tablet's new key.
    #[must_use]
    pub fn seal(&self, key: &SecretKey) -> Vec<u8> {
        let raw = RawRequest {
            version: VERSION,
            code: self.code.to_string(),
            software: self.software.clone(),
        };
        Envelope::seal(
            Purpose::EnrolRequest,
            self.key.as_bytes(),
            super::to_cbor(&raw),
            key,
        )
    }

    /// Reads a request and checks that its sender has the secret half of the key it brings.
    ///
    /// # Errors
    /// See [`EnvelopeError`].
    pub fn open(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope = Envelope::parse(bytes)?;
        let key = envelope.key()?;
        let raw: RawRequest = content(envelope.open(Purpose::EnrolRequest, &key)?)?;
        check_version(raw.version)?;
        let code: EnrolmentCode = raw.code.parse().map_err(fault)?;
        if code.suite() != key.suite() {
            return Err(fault(format_args!(
                "the code is for a key of suite {}, and this one is of {}",
                code.suite(),
                key.suite()
            )));
        }
        if raw.software.len() > MAX_TEXT_BYTES {
            let problem = format!("software text is longer than {MAX_TEXT_BYTES} bytes");
            return Err(EnvelopeError::Content(problem));
        }
        Ok(Self {
            code,
            key,
            software: raw.software,
        })
    }
}

impl EnrolReply {
    /// Signs the reply with the collector's key.
    #[must_use]
    pub fn seal(&self, key: &SecretKey) -> Vec<u8> {
        let raw = RawReply {
            version: VERSION,
            request: self.request,
            terminal: *self.terminal.as_bytes(),
            hall: self.hall.to_string(),
            window: self.window.to_string(),
            profile: self.profile.clone().into(),
            server_ms: self.server_ms,
        };
        Envelope::seal(
            Purpose::EnrolReply,
            self.collector.as_bytes(),
            super::to_cbor(&raw),
            key,
        )
    }

    /// Reads the reply to the request with digest `request`. This is the one moment a terminal
    /// learns whom to trust: whoever knew the code and answers first is the collector.
    ///
    /// # Errors
    /// See [`EnvelopeError`].
    pub fn open(bytes: &[u8], request: &[u8; 32]) -> Result<Self, EnvelopeError> {
        let envelope = Envelope::parse(bytes)?;
        let collector = envelope.key()?;
        let raw: RawReply = content(envelope.open(Purpose::EnrolReply, &collector)?)?;
        check_version(raw.version)?;
        if &raw.request != request {
            return Err(EnvelopeError::Content(
                "reply answers another request".to_owned(),
            ));
        }
        Ok(Self {
            request: raw.request,
            terminal: TerminalId::from_bytes(raw.terminal),
            collector,
            hall: HallId::new(raw.hall).map_err(fault)?,
            window: WindowId::new(raw.window).map_err(fault)?,
            profile: raw.profile.into(),
            server_ms: raw.server_ms,
        })
    }
}

fn fault(error: impl fmt::Display) -> EnvelopeError {
    EnvelopeError::Content(error.to_string())
}

fn check_version(version: u8) -> Result<(), EnvelopeError> {
    if version == VERSION {
        Ok(())
    } else {
        Err(fault(format_args!(
            "enrolment format {version} is not known here"
        )))
    }
}

fn content<'b, T: Decode<'b, ()>>(payload: &'b [u8]) -> Result<T, EnvelopeError> {
    super::deterministic::check(payload).map_err(fault)?;
    minicbor::decode(payload).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::as_printed("7KX2-9QWM")]
    #[case::lower_case("7kx2-9qwm")]
    #[case::no_hyphen("7KX29QWM")]
    #[case::spaces("7KX2 9QWM ")]
    fn a_code_is_taken_as_people_type_it(#[case] text: &str) {
        assert_eq!(
            text.parse::<EnrolmentCode>().expect("a code").to_string(),
            "7KX2-9QWM"
        );
    }

    #[rstest::rstest]
    #[case::short("7KX2-9QW")]
    #[case::nine_without_a_g("7KX2-9QWMM")]
    #[case::ten("G-7KX2-9QWMM")]
    #[case::foreign_behind_a_g("G-7KX2-9QW!")]
    #[case::foreign("7KX2-9QW!")]
    #[case::u_is_not_used("7KX2-9QWU")]
    #[case::empty("")]
    fn anything_else_is_no_code(#[case] text: &str) {
        assert_eq!(text.parse::<EnrolmentCode>(), Err(InvalidEnrolmentCode));
    }

    #[rstest::rstest]
    #[case::as_printed("G-7KX2-9QWM")]
    #[case::lower_case("g7kx29qwm")]
    fn nine_characters_that_begin_with_g_are_a_code_for_gm(#[case] text: &str) {
        let code: EnrolmentCode = text.parse().expect("a code");
        assert_eq!(code.suite(), Suite::Sm2Sm3);
        assert_eq!(code.to_string(), "G-7KX2-9QWM");
        let same: EnrolmentCode = "7KX2-9QWM".parse().expect("a code");
        assert_eq!(same.suite(), Suite::Ed25519Sha256);
        assert_ne!(code.digest(), same.digest());
    }

    /// Eight characters that happen to begin with G are a code of the first suite.
    #[test]
    fn eight_characters_are_a_code_for_ed25519_whatever_they_begin_with() {
        let code: EnrolmentCode = "GKX2-9QWM".parse().expect("a code");
        assert_eq!(code.suite(), Suite::Ed25519Sha256);
        assert_eq!(code.to_string(), "GKX2-9QWM");
    }

    #[test]
    fn a_fresh_code_reads_back_with_its_suite() {
        for suite in Suite::ALL {
            let code = EnrolmentCode::generate(suite).expect("randomness");
            assert_eq!(code.suite(), suite);
            assert_eq!(code.to_string().parse(), Ok(code));
        }
    }

    #[test]
    fn a_request_whose_key_is_not_of_its_codes_suite_is_refused() {
        for (suite, code) in [
            (Suite::Ed25519Sha256, "G-7KX2-9QWM"),
            (Suite::Sm2Sm3, "7KX2-9QWM"),
        ] {
            let key = SecretKey::of(suite, &[1; 32]).expect("a key");
            let request = EnrolRequest {
                code: code.parse().expect("a code"),
                key: key.public(),
                software: String::new(),
            };
            assert!(matches!(
                EnrolRequest::open(&request.seal(&key)),
                Err(EnvelopeError::Content(_))
            ));
        }
    }

    #[test]
    fn a_code_is_never_shown_by_debug_output() {
        let code: EnrolmentCode = "7KX2-9QWM".parse().expect("a code");
        assert!(!format!("{code:?}").contains("7KX2"));
    }
}
