//! Which of the unsynced survive a cut: every way there is, by number.
//!
//! Few writes: every subset of them. After that, for the pieces: each alone, all but each, all up to
//! each, the last one torn. After that, at random: subsets, in any order, torn. The same number gives
//! the same survivors.

use crate::dice::Dice;

use super::disk::{Disk, Growth, Piece, Survivors};

/// Up to so many unsynced writes every subset of whole writes is tried first.
const EVERY_SUBSET_OF: usize = 5;

/// Chooses the survivors of cut number `variant`, at random where the list of simple ones ends.
///
/// `growth` and half-done names are thrown by `dice` in all but the first two variants, which are
/// "nothing survives" and "everything does".
#[must_use]
pub fn survivors(disk: &Disk, pieces: &[Piece], variant: usize, dice: &mut Dice) -> Survivors {
    let names = disk.unsynced_names();
    let simple = match variant {
        0 => {
            return Survivors {
                pieces: Vec::new(),
                names: vec![0; names.len()],
                growth: Growth::Short,
            };
        }
        1 => {
            return Survivors {
                pieces: (0..pieces.len()).map(|piece| (piece, None)).collect(),
                names: names.iter().map(|(_, changes)| *changes).collect(),
                growth: Growth::Short,
            };
        }
        // Simple ones and random ones in turns, so that both come up however few are tried.
        _ if variant.is_multiple_of(2) => simple(pieces, variant / 2 - 1, dice),
        _ => None,
    };
    Survivors {
        pieces: simple.unwrap_or_else(|| random(pieces, dice)),
        names: names
            .iter()
            .map(|(_, changes)| dice.index(changes + 1))
            .collect(),
        growth: match dice.below(4) {
            0 => Growth::Zeros,
            1 => Growth::Garbage(dice.word()),
            _ => Growth::Short,
        },
    }
}

type Kept = Vec<(usize, Option<usize>)>;

/// The `number`th of the ways that are worth trying always; none when there are fewer.
fn simple(pieces: &[Piece], number: usize, dice: &mut Dice) -> Option<Kept> {
    let kept = |keep: &dyn Fn(usize, &Piece) -> bool| {
        let numbered = pieces.iter().enumerate();
        let kept = numbered.filter(|(place, piece)| keep(*place, piece));
        kept.map(|(place, _)| (place, None)).collect::<Kept>()
    };
    let wholes = pieces.last().map_or(0, |last| last.whole + 1);
    let mut number = number;
    if wholes <= EVERY_SUBSET_OF {
        // Neither none nor all: those are variants of their own.
        let subsets = (1_usize << wholes).saturating_sub(2);
        if number < subsets {
            return Some(kept(&|_, piece| (number + 1) >> piece.whole & 1 == 1));
        }
        number -= subsets;
    }
    let place = number / 4;
    let piece = pieces.get(place)?;
    Some(match number % 4 {
        0 => kept(&|at, _| at == place),
        1 => kept(&|at, _| at != place),
        2 => kept(&|at, _| at < place),
        _ => {
            let mut torn = kept(&|at, _| at <= place);
            if let Some((_, first)) = torn.last_mut() {
                *first = Some(dice.index(piece.len().max(1)));
            }
            torn
        }
    })
}

fn random(pieces: &[Piece], dice: &mut Dice) -> Kept {
    let chance = [10, 50, 90].get(dice.index(3)).copied().unwrap_or(50);
    let mut kept: Kept = (0..pieces.len())
        .filter(|_| dice.percent(chance))
        .map(|piece| (piece, None))
        .collect();
    // A disk writes in the order that suits it; it matters where writes overlap.
    if dice.percent(50) {
        for place in (1..kept.len()).rev() {
            kept.swap(place, dice.index(place + 1));
        }
    }
    if dice.percent(50) && !kept.is_empty() {
        let place = dice.index(kept.len());
        if let Some((piece, first)) = kept.get_mut(place) {
            let len = pieces.get(*piece).map_or(1, Piece::len);
            *first = Some(dice.index(len.max(1)));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::tape::Event;
    use super::*;

    fn disk() -> Disk {
        let mut disk = Disk::default();
        disk.apply(&Event::Create("f".into()));
        for offset in [0, 1000, 2000] {
            disk.apply(&Event::Write {
                file: "f".into(),
                offset,
                bytes: [7; 600].as_slice().into(),
            });
        }
        disk
    }

    fn all(disk: &Disk, until: usize) -> Vec<Survivors> {
        let pieces = disk.pieces();
        (0..until)
            .map(|variant| survivors(disk, &pieces, variant, &mut Dice::of(1, variant as u64)))
            .collect()
    }

    #[test]
    fn every_subset_of_a_few_writes_comes_up() {
        let disk = disk();
        let pieces = disk.pieces();
        let whole: HashSet<Vec<usize>> = all(&disk, 20)
            .iter()
            .map(|survivors| {
                let mut numbers: Vec<usize> = survivors
                    .pieces
                    .iter()
                    .filter(|(_, torn)| torn.is_none())
                    .map(|(piece, _)| *piece)
                    .collect();
                numbers.sort_unstable();
                numbers
            })
            .collect();
        for subset in 0..8_usize {
            let wanted: Vec<usize> = (0..pieces.len())
                .filter(|piece| subset >> pieces[*piece].whole & 1 == 1)
                .collect();
            assert!(whole.contains(&wanted), "{wanted:?} of {whole:?}");
        }
    }

    #[test]
    fn the_same_number_gives_the_same_survivors_and_torn_and_reordered_ones_come_up() {
        let disk = disk();
        let first = all(&disk, 200);
        assert_eq!(first, all(&disk, 200));
        let torn = |s: &&Survivors| s.pieces.iter().any(|(_, torn)| torn.is_some());
        let reordered = |s: &&Survivors| !s.pieces.iter().is_sorted_by_key(|(piece, _)| *piece);
        assert!(first.iter().filter(torn).count() > 20);
        assert!(first.iter().filter(reordered).count() > 20);
        assert!(first.iter().any(|s| s.names == [0]) && first.iter().any(|s| s.names == [1]));
    }
}
