//! The cryptographic suites: which signature and which hash a key, a message or a chain uses.
//!
//! **Invariants**
//! 1. A key belongs to one suite for good; its length says which.
//! 2. What a key signs, and the digests inside it, are of the key's suite.
//! 3. A chain belongs to the suite that its stream's opening names, whoever sends it later.
//! 4. Names of files (assets) are SHA-256 in every suite: they are content addresses, not signatures.
//!
//! Messages for the office are sealed with HPKE over X25519 in every suite.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sm3::{Digest as _, Sm3};

/// A signature scheme with its hash function. The numbers are frozen.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "&'static str")]
#[repr(u8)]
pub enum Suite {
    /// Ed25519 (RFC 8032) and SHA-256.
    #[default]
    Ed25519Sha256 = 1,
    /// SM2 (GB/T 32918) and SM3 (GB/T 32905): the Chinese national algorithms, 国密.
    Sm2Sm3 = 2,
}

/// A name that is no suite's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no suite; the suites are `ed25519` and `gm`")]
pub struct UnknownSuite(pub String);

impl Suite {
    /// Every suite.
    pub const ALL: [Self; 2] = [Self::Ed25519Sha256, Self::Sm2Sm3];

    /// The suite's number in records and files.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The suite with this number; none when it is of a newer program.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.number() == number)
    }

    /// The suite's name in configurations and on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519Sha256 => "ed25519",
            Self::Sm2Sm3 => "gm",
        }
    }

    /// The suite's hash of `bytes`: SHA-256 or SM3.
    #[must_use]
    pub fn digest(self, bytes: &[u8]) -> [u8; 32] {
        self.digest_of(&[bytes])
    }

    /// The suite's hash of these bytes, one after the other.
    pub(super) fn digest_of(self, parts: &[&[u8]]) -> [u8; 32] {
        match self {
            Self::Ed25519Sha256 => {
                let mut hash = Sha256::new();
                parts.iter().for_each(|part| hash.update(part));
                hash.finalize().into()
            }
            Self::Sm2Sm3 => {
                let mut hash = Sm3::new();
                parts.iter().for_each(|part| hash.update(part));
                hash.finalize().into()
            }
        }
    }

    /// The number in a field that is left out for the first suite, so that its bytes stay what they
    /// were before there was a second.
    pub(super) fn field(self) -> Option<u8> {
        (self != Self::default()).then(|| self.number())
    }

    /// Reads such a field.
    pub(super) fn from_field(field: Option<u8>) -> Result<Self, String> {
        field.map_or(Ok(Self::default()), |number| {
            Self::from_number(number).ok_or_else(|| format!("suite {number} is not known here"))
        })
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Suite> for &'static str {
    fn from(suite: Suite) -> Self {
        suite.name()
    }
}

impl TryFrom<String> for Suite {
    type Error = UnknownSuite;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl FromStr for Suite {
    type Err = UnknownSuite;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|suite| suite.name() == name)
            .ok_or_else(|| UnknownSuite(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// GB/T 32905-2016, appendix A; and FIPS 180-4 for SHA-256.
    #[rstest::rstest]
    #[case::sm3_short(
        Suite::Sm2Sm3,
        "abc",
        1,
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )]
    #[case::sm3_one_block(
        Suite::Sm2Sm3,
        "abcd",
        16,
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    )]
    #[case::sha256(
        Suite::Ed25519Sha256,
        "abc",
        1,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )]
    fn the_standards_examples_have_their_digests(
        #[case] suite: Suite,
        #[case] text: &str,
        #[case] times: usize,
        #[case] digest: &str,
    ) {
        assert_eq!(hex(&suite.digest(text.repeat(times).as_bytes())), digest);
        let parts: Vec<&[u8]> = (0..times).map(|_| text.as_bytes()).collect();
        assert_eq!(hex(&suite.digest_of(&parts)), digest);
    }

    #[test]
    fn a_suite_reads_back_by_name_and_number_and_nothing_else_is_one() {
        for suite in Suite::ALL {
            assert_eq!(suite.name().parse(), Ok(suite));
            assert_eq!(Suite::from_number(suite.number()), Some(suite));
            assert_eq!(Suite::from_field(suite.field()), Ok(suite));
        }
        assert_eq!(Suite::from_number(0), None);
        assert_eq!(Suite::from_number(3), None);
        assert!("sm2".parse::<Suite>().is_err());
    }

    #[test]
    fn the_first_suite_is_left_out_of_fields_so_that_old_bytes_stay() {
        assert_eq!(Suite::Ed25519Sha256.field(), None);
        assert_eq!(Suite::Sm2Sm3.field(), Some(2));
        assert!(Suite::from_field(Some(3)).is_err());
    }
}
