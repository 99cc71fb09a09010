//! Time-based one-time passwords (RFC 6238) as authenticator apps make them: HMAC-SHA-1, six digits,
//! steps of 30 seconds. Pure.

use ring::hmac;
use subtle::ConstantTimeEq;

/// Seconds of a step (RFC 6238 §5.2 recommends 30).
const STEP_MS: i64 = 30_000;

/// Digits of a code.
const DIGITS: u32 = 6;

/// Steps that a device's clock may be off, either way (RFC 6238 §5.2: at most one is recommended).
const SKEW: i64 = 1;

/// The step of a moment.
pub(in crate::office) const fn step(now_ms: i64) -> i64 {
    now_ms.div_euclid(STEP_MS)
}

/// The code of a step (RFC 4226 §5.3).
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
    let chosen = tag.get(offset..offset + 4);
    let mut bytes: [u8; 4] = chosen
        .and_then(|bytes| bytes.try_into().ok())
        .unwrap_or_default();
    bytes[0] &= 0x7f;
    let number = u32::from_be_bytes(bytes) % 10_u32.pow(DIGITS);
    format!("{number:06}")
}

/// The code that an app shows at a moment.
#[cfg(test)]
pub(in crate::office) fn shown(secret: &[u8], now_ms: i64) -> String {
    code(secret, step(now_ms))
}

/// The step whose code the text is, after `last` and at most one step from now.
pub(in crate::office) fn matching(
    secret: &[u8],
    text: &str,
    now_ms: i64,
    last: i64,
) -> Option<i64> {
    let typed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let now = step(now_ms);
    let steps = (now - SKEW..=now + SKEW).filter(|step| *step > last);
    // Every step is compared, whatever the first said: time tells nothing.
    steps.fold(None, |found, step| {
        let same = code(secret, step).as_bytes().ct_eq(typed.as_bytes());
        if bool::from(same) { Some(step) } else { found }
    })
}

/// The secret as people type it into an app (RFC 4648 base32, without padding).
pub(in crate::office) fn base32(secret: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for chunk in secret.chunks(5) {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().skip(3).zip(chunk) {
            *to = *from;
        }
        let number = u64::from_be_bytes(bytes);
        let characters = (chunk.len() * 8).div_ceil(5);
        for at in 0..characters {
            let five = usize::try_from(number >> (35 - 5 * at) & 31).unwrap_or_default();
            text.extend(ALPHABET.get(five).copied().map(char::from));
        }
    }
    text
}

/// The address that an app reads from the code on the screen.
///
/// # Source
/// <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>
pub(in crate::office) fn uri(secret: &[u8], user: &str) -> String {
    let user: String = user.bytes().map(escaped).collect();
    format!(
        "otpauth://totp/Manyi:{user}?secret={}&issuer=Manyi&algorithm=SHA1&digits={DIGITS}&period={}",
        base32(secret),
        STEP_MS / 1000
    )
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC_SECRET: &[u8; 20] = b"12345678901234567890";

    /// RFC 6238, appendix B, the SHA-1 rows; six digits are the last six of its eight.
    #[rstest::rstest]
    #[case(59, "287082")]
    #[case(1_111_111_109, "081804")]
    #[case(1_111_111_111, "050471")]
    #[case(1_234_567_890, "005924")]
    #[case(2_000_000_000, "279037")]
    #[case(20_000_000_000, "353130")]
    fn the_codes_are_those_of_the_standard(#[case] seconds: i64, #[case] expected: &str) {
        let now_ms = seconds * 1000;
        assert_eq!(code(RFC_SECRET, step(now_ms)), expected);
        assert_eq!(
            matching(RFC_SECRET, expected, now_ms, 0),
            Some(step(now_ms))
        );
    }

    #[test]
    fn a_code_is_taken_one_step_early_or_late_and_never_again() {
        let now_ms = 1_111_111_109_000;
        let now = step(now_ms);
        for (shift, expected) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let typed = code(RFC_SECRET, now + shift);
            let found = matching(RFC_SECRET, &typed, now_ms, 0);
            assert_eq!(found, expected.then_some(now + shift), "{shift}");
        }
        let typed = code(RFC_SECRET, now);
        assert_eq!(matching(RFC_SECRET, &typed, now_ms, now), None, "used");
        let earlier = code(RFC_SECRET, now - 1);
        assert_eq!(matching(RFC_SECRET, &earlier, now_ms, now), None, "before");
    }

    #[rstest::rstest]
    #[case::empty("")]
    #[case::wrong("000000")]
    #[case::short("08180")]
    #[case::long("0818040")]
    #[case::letters("o81804")]
    fn other_text_is_no_code(#[case] typed: &str) {
        assert_eq!(matching(RFC_SECRET, typed, 1_111_111_109_000, 0), None);
    }

    #[test]
    fn people_may_type_a_space_in_the_middle() {
        assert!(matching(RFC_SECRET, "081 804", 1_111_111_109_000, 0).is_some());
    }

    /// RFC 4648, section 10, without padding.
    #[rstest::rstest]
    #[case("", "")]
    #[case("f", "MY")]
    #[case("fo", "MZXQ")]
    #[case("foo", "MZXW6")]
    #[case("foob", "MZXW6YQ")]
    #[case("fooba", "MZXW6YTB")]
    #[case("foobar", "MZXW6YTBOI")]
    fn base32_is_that_of_the_standard(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(base32(text.as_bytes()), expected);
    }

    #[test]
    fn an_app_can_read_the_address() {
        assert_eq!(
            uri(RFC_SECRET, "li 文"),
            "otpauth://totp/Manyi:li%20%E6%96%87?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Manyi&algorithm=SHA1&digits=6&period=30"
        );
    }
}
