//! Seeded dice: the same seed throws the same numbers, on every machine.

use std::time::Duration;

/// `SplitMix64`: small, and the same everywhere, which is all that tests and a demo need.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that throw what this seed says.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for one of many things that share a seed.
    #[must_use]
    pub fn of(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed);
        let own = dice.word() ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03);
        Self(own)
    }

    /// 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, `end`; 0 when `end` is.
    pub fn below(&mut self, end: u32) -> u32 {
        // The high half of a product with a uniform 32-bit number; the bias is far below a dice's.
        let wide = (self.word() >> 32) * u64::from(end);
        u32::try_from(wide >> 32).unwrap_or_default()
    }

    /// A place in a list of so many.
    pub fn index(&mut self, len: usize) -> usize {
        let end = u32::try_from(len).unwrap_or(u32::MAX);
        usize::try_from(self.below(end)).unwrap_or_default()
    }

    /// True this often in a hundred.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// True this often in a thousand.
    pub fn per_mille(&mut self, often: u32) -> bool {
        self.below(1000) < often
    }

    /// A time below `longest`, which is an hour at most.
    pub fn time(&mut self, longest: Duration) -> Duration {
        let micros = u32::try_from(longest.as_micros()).unwrap_or(u32::MAX);
        Duration::from_micros(self.below(micros).into())
    }

    /// One of these; none of an empty list.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.index(of.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_and_another_number_something_else() {
        let throws = |mut dice: Dice| (0..20).map(|_| dice.below(1000)).collect::<Vec<_>>();
        assert_eq!(throws(Dice::of(7, 1)), throws(Dice::of(7, 1)));
        assert_ne!(throws(Dice::of(7, 1)), throws(Dice::of(7, 2)));
        assert_ne!(throws(Dice::of(7, 1)), throws(Dice::of(8, 1)));
    }

    #[test]
    fn every_side_comes_up() {
        let mut dice = Dice::new(1);
        let mut seen = [false; 6];
        for _ in 0..200 {
            if let Some(side) = seen.get_mut(dice.index(6)) {
                *side = true;
            }
        }
        assert_eq!(seen, [true; 6]);
    }
}
