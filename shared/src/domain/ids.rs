//! Identifiers: random 128-bit ones that the machines make, and codes that offices assign.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! machine_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh random identifier from the operating system's generator.
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }

            /// The identifier with exactly these 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes of the identifier.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

machine_id! {
    /// One tablet's identity, given at enrolment and kept for the life of its key.
    TerminalId
}
machine_id! {
    /// The records of one program start. Random, so a re-flashed or rolled-back tablet can never
    /// reuse the identity of a record.
    StreamId
}
machine_id! {
    /// One boot of a tablet (the kernel's `boot_id`): uptimes are comparable only inside it.
    BootId
}

/// A code that is empty, too long or has characters that codes do not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{text}` must be 1 to {max} characters of A-Z a-z 0-9 - _ . /")]
pub struct InvalidCode {
    /// Which kind of code was wanted.
    pub what: &'static str,
    /// The offending text, cut to the first 80 characters.
    pub text: String,
    /// The longest allowed length.
    pub max: usize,
}

macro_rules! office_code {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The longest code of this kind, in characters (all are ASCII).
            pub const MAX: usize = $max;

            /// The code as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Takes a code as an office writes it.
            ///
            /// # Errors
            /// [`InvalidCode`] when it is empty, longer than [`Self::MAX`] or has a character
            /// outside `A-Z a-z 0-9 - _ . /`.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidCode> {
                let text = text.into();
                let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
                if text.is_empty() || text.len() > $max || !text.bytes().all(allowed) {
                    return Err(InvalidCode {
                        what: $what,
                        text: text.chars().take(80).collect(),
                        max: $max,
                    });
                }
                Ok(Self(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidCode;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidCode;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> Self {
                code.0
            }
        }
    };
}

office_code! {
    /// A service hall, unique over all halls of a centre; for example `371581-01`.
    HallId, "hall id", 24
}
office_code! {
    /// A window inside its hall; for example `A01`.
    WindowId, "window id", 16
}
office_code! {
    /// A clerk's staff number inside the hall.
    StaffId, "staff number", 24
}
office_code! {
    /// A department: the unified social credit code (GB 32100, 18 characters) or a local one.
    DepartmentId, "department id", 18
}
office_code! {
    /// A service item's implementation code 实施编码. GB/T 39046 allows 24 characters, platforms in
    /// use print 31.
    ItemCode, "item code", 31
}
office_code! {
    /// A case number 办件编号 (GB/T 39046: up to 50 characters).
    CaseNumber, "case number", 50
}

/// One showing of the question: the stream of the program start and a count from 1 inside it.
///
/// Derived, never drawn: the outcome record carries the ordinal alone, because its stream is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PromptId {
    /// The stream in which the prompt's outcome is sealed.
    pub stream: StreamId,
    /// The how-manieth prompt of that program start, from 1.
    pub ordinal: u32,
}

impl fmt::Display for PromptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.stream.0.simple(), self.ordinal)
    }
}

/// Text that is not a prompt id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a prompt id is 32 hexadecimal digits, a hyphen and a count from 1")]
pub struct InvalidPromptId;

impl FromStr for PromptId {
    type Err = InvalidPromptId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (stream, ordinal) = text.rsplit_once('-').ok_or(InvalidPromptId)?;
        let stream = Uuid::try_parse(stream).map_err(|_| InvalidPromptId)?;
        let ordinal: u32 = ordinal.parse().map_err(|_| InvalidPromptId)?;
        if ordinal == 0 {
            return Err(InvalidPromptId);
        }
        Ok(Self {
            stream: StreamId(stream),
            ordinal,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_id_reads_back_what_it_prints() {
        let id = PromptId {
            stream: StreamId::from_bytes([7; 16]),
            ordinal: 42,
        };
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[rstest::rstest]
    #[case::empty("")]
    #[case::no_ordinal("07070707070707070707070707070707")]
    #[case::ordinal_zero("07070707070707070707070707070707-0")]
    #[case::not_hex("zz070707070707070707070707070707-1")]
    fn text_that_is_no_prompt_id_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<PromptId>(), Err(InvalidPromptId));
    }

    #[rstest::rstest]
    #[case::empty("")]
    #[case::space("A 01")]
    #[case::chinese("综合01")]
    #[case::too_long("A0123456789012345")]
    fn a_window_id_refuses(#[case] text: &str) {
        let error = WindowId::new(text).expect_err("must be refused");
        assert!(error.to_string().contains("window id"), "{error}");
    }
}
