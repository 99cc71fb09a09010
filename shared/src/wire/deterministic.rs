//! Checks that bytes are one deterministic CBOR item (RFC 8949 §4.2.1).
//!
//! Decoders accept several spellings of the same value; a signature or a chain over bytes does
//! not. The check also bounds depth before any recursive decoder sees foreign bytes.

use super::limits::MAX_DEPTH;

/// Why bytes are not one deterministic CBOR item, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {offset}")]
pub struct NotDeterministic {
    /// Offset of the offending item from the start.
    pub offset: usize,
    /// What is wrong, in words.
    pub problem: &'static str,
}

/// Checks one whole item: shortest heads, definite lengths, map keys ascending without repeats,
/// valid text, no floats, nothing after it.
///
/// # Errors
/// The first offence and its offset.
///
/// # Source
/// RFC 8949 §4.2.1. Floats are refused because no format of ours has one (scaled integers instead).
pub fn check(bytes: &[u8]) -> Result<(), NotDeterministic> {
    let mut walker = Walker { bytes, at: 0 };
    walker.item(0)?;
    if walker.at == bytes.len() {
        Ok(())
    } else {
        Err(walker.offence("bytes after the end of the item"))
    }
}

struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walker<'a> {
    const fn offence(&self, problem: &'static str) -> NotDeterministic {
        NotDeterministic {
            offset: self.at,
            problem,
        }
    }

    fn take(&mut self, n: u64) -> Result<&'a [u8], NotDeterministic> {
        let end = usize::try_from(n).ok().and_then(|n| self.at.checked_add(n));
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.offence("cut short"))?;
        self.at += taken.len();
        Ok(taken)
    }

    /// Major type and argument of the next head, in its shortest form.
    fn head(&mut self) -> Result<(u8, u64), NotDeterministic> {
        let start = self.at;
        let first = *self
            .take(1)?
            .first()
            .ok_or_else(|| self.offence("cut short"))?;
        let (major, info) = (first >> 5, first & 0x1f);
        let argument_bytes = match info {
            0..=23 => return Ok((major, u64::from(info))),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => {
                self.at = start;
                return Err(self.offence("indefinite length or reserved head"));
            }
        };
        let argument = self
            .take(argument_bytes)?
            .iter()
            .fold(0_u64, |n, &b| (n << 8) | u64::from(b));
        let shortest = match argument_bytes {
            1 => argument >= 24,
            2 => argument > 0xff,
            4 => argument > 0xffff,
            _ => argument > 0xffff_ffff,
        };
        // Major type 7 uses the same heads for floats; `item` refuses those.
        if major != 7 && !shortest {
            self.at = start;
            return Err(self.offence("a number or length not in its shortest form"));
        }
        Ok((major, argument))
    }

    fn item(&mut self, depth: usize) -> Result<(), NotDeterministic> {
        if depth > MAX_DEPTH {
            return Err(self.offence("nested too deeply"));
        }
        let start = self.at;
        let (major, argument) = self.head()?;
        match major {
            0 | 1 => {}
            2 => drop(self.take(argument)?),
            3 => {
                let text = self.take(argument)?;
                if std::str::from_utf8(text).is_err() {
                    self.at = start;
                    return Err(self.offence("text that is not UTF-8"));
                }
            }
            4 => {
                for _ in 0..argument {
                    self.item(depth + 1)?;
                }
            }
            5 => self.map(argument, depth)?,
            6 => self.item(depth + 1)?,
            _ => {
                // false, true, null, undefined in one byte; everything else is a float or reserved.
                if !(self.at == start + 1 && (20..=23).contains(&argument)) {
                    self.at = start;
                    return Err(self.offence("a float or reserved simple value"));
                }
            }
        }
        Ok(())
    }

    fn map(&mut self, pairs: u64, depth: usize) -> Result<(), NotDeterministic> {
        let mut previous: Option<&[u8]> = None;
        for _ in 0..pairs {
            let key_at = self.at;
            self.item(depth + 1)?;
            let key = self.bytes.get(key_at..self.at).unwrap_or_default();
            if previous.is_some_and(|p| p >= key) {
                self.at = key_at;
                return Err(self.offence("map keys out of order or repeated"));
            }
            previous = Some(key);
            self.item(depth + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::small_map(&[0xa2, 0x00, 0x02, 0x01, 0x18, 0x18])]
    #[case::text(&[0x63, b'a', b'b', b'c'])]
    #[case::nested(&[0x82, 0x81, 0x80, 0xf5])]
    fn one_deterministic_item_is_taken(#[case] bytes: &[u8]) {
        assert_eq!(check(bytes), Ok(()));
    }

    #[rstest::rstest]
    #[case::empty(&[], "cut short")]
    #[case::truncated_map(&[0xa2, 0x00, 0x02, 0x01], "cut short")]
    #[case::truncated_text(&[0x63, b'a'], "cut short")]
    #[case::long_number(&[0x18, 0x05], "shortest form")]
    #[case::long_length(&[0x58, 0x01, 0x00], "shortest form")]
    #[case::unordered_keys(&[0xa2, 0x01, 0x00, 0x00, 0x00], "out of order")]
    #[case::repeated_key(&[0xa2, 0x01, 0x00, 0x01, 0x00], "out of order")]
    #[case::indefinite(&[0x9f, 0xff], "indefinite")]
    #[case::float(&[0xfa, 0x3f, 0x80, 0, 0], "float")]
    #[case::half_float(&[0xf9, 0x3c, 0x00], "float")]
    #[case::bad_text(&[0x61, 0xff], "UTF-8")]
    #[case::trailing(&[0x00, 0x00], "after the end")]
    #[case::huge_array(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "cut short")]
    #[case::deep(&[0x81; 64], "deeply")]
    fn anything_else_is_refused_with_its_place(#[case] bytes: &[u8], #[case] words: &str) {
        let error = check(bytes).expect_err("must be refused");
        assert!(error.to_string().contains(words), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _outcome_is_irrelevant = check(&bytes);
        }
    }
}
