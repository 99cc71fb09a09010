//! A disk that lies: it says that it synced and did not, it forgets pages, it flips bits.

use std::fmt;

use super::cut::survivors;
use super::disk::{Disk, Files, SECTOR};
use super::story::JOURNAL;
use super::tape::{Event, Name};
use crate::dice::Dice;

/// What a card can do to a file that was synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// One bit is another.
    Flip {
        /// In bytes from the start.
        at: usize,
        /// The bit's value.
        bit: u8,
    },
    /// The file ends here.
    Truncate(usize),
    /// Whole sectors are zeros.
    Zero {
        /// In bytes from the start.
        from: usize,
        /// In bytes.
        len: usize,
    },
    /// Whole sectors are somebody else's.
    Garbage {
        /// In bytes from the start.
        from: usize,
        /// In bytes.
        len: usize,
        /// What lies there.
        seed: u64,
    },
    /// The file is gone.
    Vanish,
}

/// What was done to which file, and since when syncs were only pretended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lies {
    /// From this event on nothing was synced.
    pub since: Option<usize>,
    /// What happened to files afterwards.
    pub damage: Vec<(Name, Damage)>,
}

impl fmt::Display for Lies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.since {
            Some(event) => write!(f, "no sync since event {event}")?,
            None => write!(f, "all syncs done")?,
        }
        for (file, damage) in &self.damage {
            write!(f, "; {file}: {damage:?}")?;
        }
        Ok(())
    }
}

/// What a lying disk has after so many events of a tape, and how it lied.
#[must_use]
pub fn tell(events: &[Event], cut: usize, dice: &mut Dice) -> (Files, Lies) {
    let since = dice.percent(50).then(|| dice.index(cut + 1));
    let mut disk = Disk::default();
    for (number, event) in events.iter().enumerate().take(cut) {
        let pretended = since.is_some_and(|since| number >= since)
            && matches!(event, Event::Sync(_) | Event::SyncFolder);
        if !pretended {
            disk.apply(event);
        }
    }
    let pieces = disk.pieces();
    let variant = dice.index(64);
    let mut files = disk.after(&pieces, &survivors(&disk, &pieces, variant, dice));
    let mut lies = Lies {
        since,
        damage: Vec::new(),
    };
    let most = if since.is_some() { 2 } else { 3 };
    let least = usize::from(since.is_none());
    for _ in 0..least + dice.index(most) {
        if let Some((file, damage)) = draw(&files, dice) {
            damage.apply_to(&file, &mut files);
            lies.damage.push((file, damage));
        }
    }
    (files, lies)
}

/// Damage to the journal or its log; none when both are gone or empty.
fn draw(files: &Files, dice: &mut Dice) -> Option<(Name, Damage)> {
    let whole: Vec<&Name> = files
        .iter()
        .filter(|(name, content)| name.starts_with(JOURNAL) && !content.is_empty())
        .map(|(name, _)| name)
        .collect();
    let file = Name::clone(dice.pick(&whole)?);
    let len = files.get(&file)?.len();
    // Half of the damage to the first pages, which are few and matter most.
    let reach = if dice.percent(30) { len.min(4096) } else { len };
    let at = dice.index(reach);
    let from = at - at % SECTOR;
    let length = SECTOR << dice.index(6);
    let damage = match dice.below(100) {
        0..=39 => Damage::Flip {
            at,
            bit: 1 << dice.below(8),
        },
        40..=54 => Damage::Truncate(if dice.percent(50) { at } else { from }),
        55..=74 => Damage::Zero { from, len: length },
        75..=94 => Damage::Garbage {
            from,
            len: length,
            seed: dice.word(),
        },
        _ => Damage::Vanish,
    };
    Some((file, damage))
}

impl Damage {
    fn apply_to(&self, file: &Name, files: &mut Files) {
        if *self == Self::Vanish {
            files.remove(file);
            return;
        }
        let Some(content) = files.get_mut(file) else {
            return;
        };
        match self {
            Self::Flip { at, bit } => span(content, *at, 1)
                .iter_mut()
                .for_each(|byte| *byte ^= bit),
            Self::Zero { from, len } => span(content, *from, *len).fill(0),
            Self::Garbage { from, len, seed } => {
                let mut dice = Dice::new(*seed);
                for byte in span(content, *from, *len) {
                    *byte = dice.word().to_le_bytes()[0];
                }
            }
            Self::Truncate(len) => content.truncate(*len),
            Self::Vanish => {}
        }
    }
}

/// So many bytes from a place on, as far as there are any.
fn span(content: &mut [u8], from: usize, len: usize) -> &mut [u8] {
    let end = content.len().min(from.saturating_add(len));
    content.get_mut(from.min(end)..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        [(Name::from(JOURNAL), vec![7; 8192])].into()
    }

    #[test]
    fn damage_changes_what_it_says_and_nothing_else() {
        let table = [
            (Damage::Flip { at: 9, bit: 4 }, 8192, 1),
            (Damage::Truncate(100), 100, 0),
            (
                Damage::Zero {
                    from: 512,
                    len: 1024,
                },
                8192,
                1024,
            ),
            (
                Damage::Zero {
                    from: 7680,
                    len: 9999,
                },
                8192,
                512,
            ),
        ];
        for (damage, len, changed) in table {
            let mut files = files();
            damage.apply_to(&JOURNAL.into(), &mut files);
            let content = &files[JOURNAL];
            let other = content.iter().filter(|byte| **byte != 7).count();
            assert_eq!((content.len(), other), (len, changed), "{damage:?}");
        }
        let mut gone = files();
        Damage::Vanish.apply_to(&JOURNAL.into(), &mut gone);
        assert!(gone.is_empty());
    }

    #[test]
    fn every_kind_of_damage_comes_up() {
        let mut dice = Dice::new(1);
        let drawn: Vec<Damage> = (0..300)
            .filter_map(|_| draw(&files(), &mut dice).map(|(_, damage)| damage))
            .collect();
        let kinds: std::collections::HashSet<_> =
            drawn.iter().map(std::mem::discriminant).collect();
        assert_eq!((drawn.len(), kinds.len()), (300, 5));
    }
}
