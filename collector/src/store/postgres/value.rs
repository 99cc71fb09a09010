//! Values on their way to PostgreSQL and back.
//!
//! The schema has three types of columns there: `int8`, `text`, `bytea`. Queries also come to others,
//! of what they compute: narrower numbers, truth values, sums.

use std::borrow::Cow;
use std::error::Error;

use bytes::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::store::StoreError;
use crate::store::sql::{Columns, Param, Value};

type Refused = Box<dyn Error + Sync + Send>;

/// The type that a value is sent as; for no value PostgreSQL finds it by itself.
pub(super) const fn type_of(value: &Param<'_>) -> Type {
    match value {
        Param::Null => Type::UNKNOWN,
        Param::Int(_) => Type::INT8,
        Param::Text(_) => Type::TEXT,
        Param::Blob(_) => Type::BYTEA,
    }
}

/// Whether a statement's parameter of this type takes the value.
pub(super) fn fits(value: &Param<'_>, kind: &Type) -> bool {
    match value {
        Param::Null => true,
        Param::Int(number) => match *kind {
            Type::INT8 => true,
            Type::INT4 => i32::try_from(*number).is_ok(),
            _ => false,
        },
        Param::Text(_) => *kind == Type::TEXT,
        Param::Blob(_) => *kind == Type::BYTEA,
    }
}

/// PostgreSQL keeps no U+0000 in a text. Where one stands in what a terminal told, its picture
/// stands instead; the record's own bytes keep it.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{2400}"))
    } else {
        Cow::Borrowed(text)
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Refused> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) if *kind == Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => storable(text).to_sql(kind, out),
            Self::Blob(bytes) => (&**bytes).to_sql(kind, out),
        }
    }

    /// [`fits`] has been asked.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A whole number of any of PostgreSQL's types for one.
struct Whole(i64);

impl<'a> FromSql<'a> for Whole {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Refused> {
        Ok(Self(match *kind {
            Type::INT2 => i16::from_sql(kind, raw)?.into(),
            Type::INT4 => i32::from_sql(kind, raw)?.into(),
            Type::BOOL => bool::from_sql(kind, raw)?.into(),
            Type::NUMERIC => numeric(raw).ok_or("not a whole number of 64 bits")?,
            _ => i64::from_sql(kind, raw)?,
        }))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(
            *kind,
            Type::INT2 | Type::INT4 | Type::INT8 | Type::BOOL | Type::NUMERIC
        )
    }
}

/// A sum of `int8` is a `numeric`: groups of four digits, the first worth 10000^weight.
///
/// # Source
/// `numeric_send` in PostgreSQL's `src/backend/utils/adt/numeric.c`.
fn numeric(raw: &[u8]) -> Option<i64> {
    let mut words = raw
        .chunks_exact(2)
        .map(|two| two.try_into().map(i16::from_be_bytes).unwrap_or_default());
    let (groups, weight, sign, _scale) =
        (words.next()?, words.next()?, words.next()?, words.next()?);
    let mut number: i64 = 0;
    for place in 0..=weight.max(-1) {
        let group = if place < groups { words.next()? } else { 0 };
        number = number.checked_mul(10_000)?.checked_add(group.into())?;
    }
    // A group is left: a fraction.
    if words.next().is_some_and(|group| group != 0) {
        return None;
    }
    match sign {
        0 => Some(number),
        0x4000 => Some(-number),
        _ => None,
    }
}

impl Columns for postgres::Row {
    fn value(&self, index: usize) -> Result<Value<'_>, StoreError> {
        let column = self
            .columns()
            .get(index)
            .ok_or_else(|| wrong(self, index))?;
        let value = match *column.type_() {
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::BPCHAR | Type::UNKNOWN => self
                .try_get::<_, Option<&str>>(index)
                .map(|text| text.map(Value::Text)),
            Type::BYTEA => self
                .try_get::<_, Option<&[u8]>>(index)
                .map(|bytes| bytes.map(Value::Blob)),
            Type::VOID => Ok(None),
            _ => self
                .try_get::<_, Option<Whole>>(index)
                .map(|number| number.map(|Whole(number)| Value::Int(number))),
        };
        let value = value.map_err(|_| wrong(self, index))?;
        Ok(value.unwrap_or(Value::Null))
    }

    fn index_of(&self, name: &str) -> Option<usize> {
        self.columns()
            .iter()
            .position(|column| column.name() == name)
    }

    fn name_of(&self, index: usize) -> Option<&str> {
        self.columns().get(index).map(|column| column.name())
    }

    fn count(&self) -> usize {
        self.len()
    }
}

fn wrong(row: &postgres::Row, index: usize) -> StoreError {
    StoreError::Column {
        column: row.name_of(index).unwrap_or("?").to_owned(),
        wanted: "a whole number, a text or bytes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(weight: i16, sign: i16, groups: &[i16]) -> Vec<u8> {
        let count = i16::try_from(groups.len()).expect("few");
        let head = [count, weight, sign, 0];
        let words = head.iter().chain(groups);
        words.flat_map(|word| word.to_be_bytes()).collect()
    }

    #[rstest::rstest]
    #[case::nothing(encoded(0, 0, &[]), Some(0))]
    #[case::small(encoded(0, 0, &[42]), Some(42))]
    #[case::zeros_at_the_end_are_not_sent(encoded(2, 0, &[7]), Some(700_000_000))]
    #[case::negative(encoded(1, 0x4000, &[12, 3456]), Some(-123_456))]
    #[case::fraction(encoded(0, 0, &[1, 5000]), None)]
    #[case::below_one(encoded(-1, 0, &[5000]), None)]
    #[case::beyond_64_bits(encoded(5, 0, &[1]), None)]
    #[case::cut_off(vec![0, 1], None)]
    fn a_sum_is_read_when_it_is_a_whole_number(#[case] raw: Vec<u8>, #[case] wanted: Option<i64>) {
        assert_eq!(numeric(&raw), wanted);
    }

    #[test]
    fn a_text_without_u0000_goes_over_as_it_is() {
        assert_eq!(storable("满意"), "满意");
        assert_eq!(storable("a\0b"), "a\u{2400}b");
    }
}
