//! The technician's PIN: what is typed of it, whether it is right, and how often it may be tried.
//!
//! **Invariants**
//! 1. No digit is in any debug output or view; a [`Pin`] leaves only towards [`Pin::is_right`].
//! 2. Between two lock-outs at most [`TRIES`] PINs are checked, over all openings of the page.
//!
//! The count is kept in memory: a power cut resets it, and a boot takes longer than the first
//! lock-out.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordVerifier};

use crate::flow::Millis;

/// Digits a PIN has at least.
pub const SHORTEST: usize = 6;
/// Digits a PIN has at most.
pub const LONGEST: usize = 12;
/// Wrong PINs before a lock-out.
pub const TRIES: u8 = 3;
/// The first lock-out; each later one is twice as long.
pub const FIRST_LOCK_MS: Millis = 30_000;
/// No lock-out is longer: a technician who has found the right paper must get in on the same visit.
pub const LONGEST_LOCK_MS: Millis = 15 * 60_000;

/// One digit, as typed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digit(char);

impl Digit {
    /// The digit that a key carries; other texts are none.
    #[must_use]
    pub fn of(key: &str) -> Option<Self> {
        let mut characters = key.chars();
        match (characters.next(), characters.next()) {
            (Some(digit), None) if digit.is_ascii_digit() => Some(Self(digit)),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Digit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digit(…)")
    }
}

/// What is typed of a PIN.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pin(String);

impl Pin {
    /// How many digits are typed.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is typed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is long enough to be one.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.len() >= SHORTEST
    }

    /// Takes one more digit; one too many is nothing.
    pub fn push(&mut self, digit: Digit) {
        if self.len() < LONGEST {
            self.0.push(digit.0);
        }
    }

    /// Takes the last digit back.
    pub fn erase(&mut self) {
        self.0.pop();
    }

    /// Whether this is the PIN that was hashed (Argon2id, a PHC string). A hash that cannot be used
    /// makes every PIN wrong and is logged. Slow by design: not on the conductor's thread.
    #[must_use]
    pub fn is_right(&self, hash: &str) -> bool {
        use argon2::password_hash::Error;
        let parsed = match PasswordHash::new(hash) {
            Ok(parsed) => parsed,
            Err(error) => {
                tracing::error!("the profile's technician PIN cannot be used: {error}");
                return false;
            }
        };
        match Argon2::default().verify_password(self.0.as_bytes(), &parsed) {
            Ok(()) => true,
            Err(Error::PasswordInvalid) => false,
            Err(error) => {
                tracing::error!("the profile's technician PIN cannot be used: {error}");
                false
            }
        }
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// How often the PIN was tried, and until when it may not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tries {
    spent: u8,
    lock_outs: u32,
    locked_until: Option<Millis>,
}

impl Tries {
    /// How long no PIN is taken; 0 when one may be tried.
    #[must_use]
    pub fn locked_ms(&self, now: Millis) -> Millis {
        self.locked_until
            .map_or(0, |until| until.saturating_sub(now))
    }

    /// Whether one may be tried.
    #[must_use]
    pub fn may_try(&self, now: Millis) -> bool {
        self.locked_ms(now) == 0 && self.spent < TRIES
    }

    /// Counts a try when it is begun: walking away from the answer does not give it back.
    pub const fn spend(&mut self) {
        self.spent = self.spent.saturating_add(1);
    }

    /// A try was wrong; the last of them locks.
    pub fn wrong(&mut self, now: Millis) {
        if self.spent >= TRIES {
            let doubled = FIRST_LOCK_MS.saturating_mul(1 << self.lock_outs.min(16));
            self.locked_until = Some(now.saturating_add(doubled.min(LONGEST_LOCK_MS)));
            self.lock_outs = self.lock_outs.saturating_add(1);
            self.spent = 0;
        }
    }

    /// A try was right: everything is forgotten.
    pub fn right(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher;
    use argon2::password_hash::phc::PasswordHash;

    use super::*;

    fn pin(digits: &str) -> Pin {
        let mut pin = Pin::default();
        for digit in digits.chars() {
            pin.push(Digit::of(&digit.to_string()).unwrap());
        }
        pin
    }

    fn hash(digits: &str) -> String {
        let hash: PasswordHash = Argon2::default().hash_password(digits.as_bytes()).unwrap();
        hash.to_string()
    }

    #[test]
    fn only_the_pin_that_was_hashed_is_right() {
        let hash = hash("271828");
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(pin("271828").is_right(&hash));
        assert!(!pin("271829").is_right(&hash));
        assert!(!pin("2718281").is_right(&hash));
    }

    #[rstest::rstest]
    #[case::empty("")]
    #[case::plain("271828")]
    #[case::no_digest("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ")]
    #[case::no_memory("$argon2id$v=19$m=0,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g")]
    #[case::other_algorithm(
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E"
    )]
    fn a_hash_that_cannot_be_used_makes_every_pin_wrong(#[case] hash: &str) {
        assert!(!pin("271828").is_right(hash));
    }

    #[rstest::rstest]
    #[case("0", true)]
    #[case("9", true)]
    #[case("", false)]
    #[case("a", false)]
    #[case("12", false)]
    #[case("٣", false)]
    #[case("３", false)]
    fn only_the_ten_digits_are_digits(#[case] key: &str, #[case] taken: bool) {
        assert_eq!(Digit::of(key).is_some(), taken);
    }

    #[test]
    fn a_pin_has_6_to_12_digits() {
        assert!(!pin("27182").is_whole());
        assert!(pin("271828").is_whole());
        assert_eq!(pin("2718281828459").len(), LONGEST);
    }

    #[test]
    fn every_third_wrong_pin_locks_twice_as_long_up_to_a_quarter_of_an_hour() {
        let mut tries = Tries::default();
        let mut now = 1_000;
        let mut locked = Vec::new();
        for _ in 0..8 {
            for left in (0..TRIES).rev() {
                assert!(tries.may_try(now));
                tries.spend();
                tries.wrong(now);
                assert_eq!(tries.may_try(now), left > 0);
            }
            let ms = tries.locked_ms(now);
            assert!(!tries.may_try(now + ms - 1));
            now += ms;
            locked.push(ms / 1_000);
        }
        assert_eq!(locked, [30, 60, 120, 240, 480, 900, 900, 900]);
        tries.spend();
        tries.right();
        assert_eq!(tries, Tries::default());
    }
}
