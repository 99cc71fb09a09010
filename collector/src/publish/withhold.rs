//! Which groups of a published table are withheld so that nobody in them can be told. Pure.

/// Which of the groups are withheld, when their sum is published beside them.
///
/// A group with fewer than `k` people in it is withheld, unless it is empty: nothing can be told of
/// nobody. One that is withheld alone could be computed from the sum, so the smallest of the others go
/// with it until at least two are withheld that hold at least `k` together. Then whoever knows the
/// sum and every other group finds more than `k` values possible for each of them.
#[must_use]
pub fn withheld(sizes: &[u128], k: u128) -> Vec<bool> {
    let mut withheld: Vec<bool> = sizes.iter().map(|n| (1..k).contains(n)).collect();
    if !withheld.contains(&true) {
        return withheld;
    }
    loop {
        let gone = sizes.iter().zip(&withheld).filter(|(_, gone)| **gone);
        let (count, sum) = gone.fold((0, 0), |(count, sum), (n, _)| (count + 1, sum + n));
        if count >= 2 && sum >= k {
            return withheld;
        }
        let shown = sizes.iter().zip(&mut withheld);
        let smallest = shown
            .filter(|(n, gone)| **n > 0 && !**gone)
            .min_by_key(|(n, _)| **n);
        match smallest {
            Some((_, gone)) => *gone = true,
            // All of them: the sum itself is too small then, and is withheld where it stands.
            None => return withheld,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[rstest::rstest]
    #[case::none_small(&[5, 100, 0], &[])]
    #[case::alone_takes_the_smallest_along(&[3, 100, 7, 0], &[0, 2])]
    #[case::two_that_are_enough(&[3, 4, 100], &[0, 1])]
    #[case::two_that_are_not(&[1, 2, 100, 50], &[0, 1, 3])]
    #[case::with_all_of_them(&[2, 0, 9], &[0, 2])]
    #[case::nothing_else(&[3, 0], &[0])]
    fn these_are_withheld(#[case] sizes: &[u128], #[case] expected: &[usize]) {
        let found = withheld(sizes, 5);
        let places: Vec<usize> = (0..sizes.len()).filter(|i| found[*i]).collect();
        assert_eq!(places, expected);
    }

    proptest! {
        #[test]
        fn nobody_with_the_sum_and_all_other_groups_can_tell_one(
            sizes in proptest::collection::vec(0..40_u128, 1..30),
            k in 2..12_u128,
        ) {
            let gone = withheld(&sizes, k);
            let of = |wanted: bool| sizes.iter().zip(&gone).filter(move |(_, gone)| **gone == wanted);
            for (n, _) in of(false) {
                prop_assert!(*n == 0 || *n >= k);
            }
            let (count, sum) = (of(true).count(), of(true).map(|(n, _)| n).sum::<u128>());
            // The total itself is withheld when it is below k.
            if count > 0 && sizes.iter().sum::<u128>() >= k {
                // What remains for the withheld ones is their sum, to be split in any way: each may
                // have anything from 0 to the sum.
                prop_assert!(count >= 2 && sum >= k, "{sizes:?} {gone:?}");
            }
            // Nothing is withheld without need.
            if sizes.iter().all(|n| *n == 0 || *n >= k) {
                prop_assert_eq!(count, 0);
            }
        }
    }
}
