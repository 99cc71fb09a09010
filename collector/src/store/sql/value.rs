//! Values on their way into a statement and out of a row.

use std::borrow::Cow;

use crate::store::StoreError;

/// A value that is bound to a statement, or that was read from a row to be bound elsewhere.
///
/// Four types are all that both databases have in common. A truth value is 0 or 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Param<'v> {
    Null,
    Int(i64),
    Text(Cow<'v, str>),
    Blob(Cow<'v, [u8]>),
}

/// A column of a row that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'r> {
    Null,
    Int(i64),
    Text(&'r str),
    Blob(&'r [u8]),
}

/// Binds values of several types: `values![hall.as_str(), 7_i64, None::<String>]`.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::sql::Param::from($value)),*] as &[$crate::store::sql::Param<'_>]
    };
}
pub(crate) use values;

impl Param<'_> {
    /// The same value as a column holds it.
    pub(crate) fn as_value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::Text(text),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

impl From<Value<'_>> for Param<'static> {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(number) => Self::Int(number),
            Value::Text(text) => Self::Text(Cow::Owned(text.to_owned())),
            Value::Blob(bytes) => Self::Blob(Cow::Owned(bytes.to_owned())),
        }
    }
}

macro_rules! from_small_number {
    ($($number:ty),*) => { $(
        impl From<$number> for Param<'_> {
            fn from(number: $number) -> Self {
                Self::Int(i64::from(number))
            }
        }

        impl From<&$number> for Param<'_> {
            fn from(number: &$number) -> Self {
                Self::Int(i64::from(*number))
            }
        }
    )* };
}
from_small_number!(bool, u8, u16, u32, i32, i64);

macro_rules! from_large_number {
    ($($number:ty),*) => { $(
        /// What a column cannot hold becomes its largest number.
        impl From<$number> for Param<'_> {
            fn from(number: $number) -> Self {
                Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }
    )* };
}
from_large_number!(u64, usize);

impl<'v> From<&'v str> for Param<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'v> From<&'v String> for Param<'v> {
    fn from(text: &'v String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Param<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'v> From<&'v [u8]> for Param<'v> {
    fn from(bytes: &'v [u8]) -> Self {
        Self::Blob(Cow::Borrowed(bytes))
    }
}

impl<'v> From<&'v Vec<u8>> for Param<'v> {
    fn from(bytes: &'v Vec<u8>) -> Self {
        Self::Blob(Cow::Borrowed(bytes))
    }
}

impl From<Vec<u8>> for Param<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(Cow::Owned(bytes))
    }
}

impl<'v, const N: usize> From<&'v [u8; N]> for Param<'v> {
    fn from(bytes: &'v [u8; N]) -> Self {
        Self::Blob(Cow::Borrowed(bytes))
    }
}

impl<const N: usize> From<[u8; N]> for Param<'_> {
    fn from(bytes: [u8; N]) -> Self {
        Self::Blob(Cow::Owned(bytes.to_vec()))
    }
}

impl<'v, T: Into<Self>> From<Option<T>> for Param<'v> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<'v> From<&'v Option<String>> for Param<'v> {
    fn from(text: &'v Option<String>) -> Self {
        text.as_deref().into()
    }
}

impl<'v> From<&'v Option<Vec<u8>>> for Param<'v> {
    fn from(bytes: &'v Option<Vec<u8>>) -> Self {
        bytes.as_deref().into()
    }
}

impl<'v, const N: usize> From<&'v Option<[u8; N]>> for Param<'v> {
    fn from(bytes: &'v Option<[u8; N]>) -> Self {
        bytes.as_ref().into()
    }
}

impl<'v> From<&'v Param<'_>> for Param<'v> {
    fn from(value: &'v Param<'_>) -> Self {
        match value {
            Param::Null => Self::Null,
            Param::Int(number) => Self::Int(*number),
            Param::Text(text) => Self::Text(Cow::Borrowed(text)),
            Param::Blob(bytes) => Self::Blob(Cow::Borrowed(bytes)),
        }
    }
}

/// What a column can be read as.
pub(crate) trait FromColumn<'r>: Sized {
    /// What the column has to hold, for messages.
    const WANTED: &'static str;

    /// The value; none when the column holds something else.
    fn of(value: Value<'r>) -> Option<Self>;
}

macro_rules! number_from_column {
    ($($number:ty),*) => { $(
        impl FromColumn<'_> for $number {
            const WANTED: &'static str = concat!("a number that fits ", stringify!($number));

            fn of(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::Int(number) => Self::try_from(number).ok(),
                    _ => None,
                }
            }
        }
    )* };
}
number_from_column!(u8, u16, u32, u64, usize, i32, i64);

impl FromColumn<'_> for bool {
    const WANTED: &'static str = "0 or 1";

    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Int(number) => Some(number != 0),
            _ => None,
        }
    }
}

impl<'r> FromColumn<'r> for &'r str {
    const WANTED: &'static str = "a text";

    fn of(value: Value<'r>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FromColumn<'_> for String {
    const WANTED: &'static str = "a text";

    fn of(value: Value<'_>) -> Option<Self> {
        <&str>::of(value).map(ToOwned::to_owned)
    }
}

impl<'r> FromColumn<'r> for &'r [u8] {
    const WANTED: &'static str = "bytes";

    fn of(value: Value<'r>) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl FromColumn<'_> for Vec<u8> {
    const WANTED: &'static str = "bytes";

    fn of(value: Value<'_>) -> Option<Self> {
        <&[u8]>::of(value).map(ToOwned::to_owned)
    }
}

impl<const N: usize> FromColumn<'_> for [u8; N] {
    const WANTED: &'static str = "bytes of one length";

    fn of(value: Value<'_>) -> Option<Self> {
        <&[u8]>::of(value)?.try_into().ok()
    }
}

impl FromColumn<'_> for Param<'static> {
    const WANTED: &'static str = "anything";

    fn of(value: Value<'_>) -> Option<Self> {
        Some(value.into())
    }
}

impl<'r, T: FromColumn<'r>> FromColumn<'r> for Option<T> {
    const WANTED: &'static str = T::WANTED;

    fn of(value: Value<'r>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::of(value).map(Some),
        }
    }
}

/// Reads a code that our own program wrote.
pub(crate) fn code<T: std::str::FromStr>(
    text: &str,
    column: &'static str,
) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt { column })
}

/// Reads a number that our own program wrote.
pub(crate) fn number<T: TryFrom<i64>>(value: i64, column: &'static str) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Corrupt { column })
}

/// A number as a column keeps it; what it cannot hold becomes its largest.
pub(crate) fn capped(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
