//! Chance that can be repeated.

use std::time::Duration;

/// Numbers from a seed (SplitMix64): the same seed, the same numbers, on every machine.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The `n`-th row of numbers of a seed, independent of the others.
    #[must_use]
    pub const fn row(seed: u64, n: u64) -> Self {
        let mut own = Self(seed ^ n.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self(own.next())
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Whether something happens that happens so many times in a thousand.
    pub fn happens(&mut self, per_mille: u32) -> bool {
        self.below(1000) < u64::from(per_mille)
    }

    /// One of these; none of none.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let at = self.below(choices.len() as u64);
        choices.get(usize::try_from(at).unwrap_or(0))
    }

    /// A time below `longest`.
    pub fn time(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_again_and_another_seed_gives_others() {
        let of = |seed| {
            let mut chance = Chance::new(seed);
            [(); 8].map(|()| chance.next())
        };
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
        assert_ne!(Chance::row(7, 0).next(), Chance::row(7, 1).next());
    }

    #[test]
    fn every_number_below_a_bound_comes_up_and_no_other() {
        let mut chance = Chance::new(1);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            let number = usize::try_from(chance.below(10)).expect("small");
            *seen.get_mut(number).expect("below ten") += 1;
        }
        assert!(seen.iter().all(|n| (800..1200).contains(n)), "{seen:?}");
        assert_eq!(chance.below(0), 0);
        assert_eq!(chance.one_of::<u8>(&[]), None);
    }
}
