//! A disk as a power cut sees it: what is synced, and what was only asked for.
//!
//! **The rules** (decision 0018 says why these)
//! 1. A file's content is certain up to its last sync. Every write and truncation since then is
//!    unsynced: any of them may have reached the card.
//! 2. A write reaches the card in pieces, cut at the sectors' borders; a piece may be torn, but
//!    bytes outside a write are never harmed by it.
//! 3. A name (made or removed) is certain once the folder was synced after it; syncing the file
//!    alone is not enough. Of one name's unsynced changes an earlier one is never missing when a
//!    later one is there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::tape::{Event, Name};

/// The smallest unit a card writes, in bytes.
pub const SECTOR: usize = 512;

/// The files of a folder: name and content.
pub type Files = BTreeMap<Name, Vec<u8>>;

/// The disk after some prefix of a tape.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    inodes: Vec<Inode>,
    /// What the programs see.
    names: BTreeMap<Name, usize>,
    synced_names: BTreeMap<Name, usize>,
    unsynced_names: Vec<(Name, Option<usize>)>,
    /// How many changes were ever asked for.
    asked: usize,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    synced: Vec<u8>,
    /// Each with its place among all changes of the disk.
    unsynced: Vec<(usize, Change)>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Arc<[u8]> },
    Truncate(usize),
}

/// A part of an unsynced change that reaches the card on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    inode: usize,
    change: usize,
    /// The bytes of the write; empty for a truncation.
    part: Range<usize>,
    /// Which unsynced change of the whole disk it is part of, counted from 0.
    pub whole: usize,
}

impl Piece {
    /// How many bytes it has; 0 for a truncation.
    #[must_use]
    pub fn len(&self) -> usize {
        self.part.len()
    }

    /// Whether it is a truncation, which has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.part.is_empty()
    }
}

/// What a file looks like where it grew and no write reached the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// It ends where the last write that reached the card ends; holes are zeros.
    Short,
    /// It has its whole length; what did not reach the card is zeros.
    Zeros,
    /// It has its whole length; what did not reach the card is what lay there before.
    Garbage(u64),
}

/// What of the unsynced reaches the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivors {
    /// The pieces (numbers of [`Disk::pieces`]) in the order in which they reach it; of a torn one only
    /// so many first bytes.
    pub pieces: Vec<(usize, Option<usize>)>,
    /// For each name with unsynced changes, in order of [`Disk::unsynced_names`], how many of its
    /// changes.
    pub names: Vec<usize>,
    /// What grown files look like.
    pub growth: Growth,
}

impl Disk {
    /// A disk with these files, all synced.
    #[must_use]
    pub fn holding(files: Files) -> Self {
        let mut disk = Self::default();
        for (name, content) in files {
            disk.place(name, content);
        }
        disk
    }

    fn place(&mut self, name: Name, synced: Vec<u8>) {
        let inode = self.inodes.len();
        self.inodes.push(Inode {
            synced,
            unsynced: Vec::new(),
        });
        self.unsynced_names.retain(|(of, _)| *of != name);
        self.names.insert(Name::clone(&name), inode);
        self.synced_names.insert(name, inode);
    }

    /// Does what was recorded.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Create(name) => {
                let inode = self.inodes.len();
                self.inodes.push(Inode::default());
                self.names.insert(Name::clone(name), inode);
                self.unsynced_names.push((Name::clone(name), Some(inode)));
            }
            Event::Place(name, content) => self.place(Name::clone(name), content.to_vec()),
            Event::Delete(name) => {
                self.names.remove(name);
                self.unsynced_names.push((Name::clone(name), None));
            }
            Event::Write {
                file,
                offset,
                bytes,
            } => self.change(
                file,
                Change::Write {
                    offset: *offset,
                    bytes: Arc::clone(bytes),
                },
            ),
            Event::Truncate(file, len) => self.change(file, Change::Truncate(*len)),
            Event::Sync(file) => {
                if let Some(inode) = self.inode_of(file) {
                    inode.sync();
                }
            }
            Event::SyncFolder => {
                for (name, inode) in self.unsynced_names.drain(..) {
                    match inode {
                        Some(inode) => self.synced_names.insert(name, inode),
                        None => self.synced_names.remove(&name),
                    };
                }
            }
        }
    }

    fn inode_of(&mut self, name: &str) -> Option<&mut Inode> {
        let inode = *self.names.get(name)?;
        self.inodes.get_mut(inode)
    }

    fn change(&mut self, file: &Name, change: Change) {
        self.asked += 1;
        let asked = self.asked;
        if let Some(inode) = self.inode_of(file) {
            inode.unsynced.push((asked, change));
        }
    }

    /// What the programs see: everything, synced or not.
    #[must_use]
    pub fn visible(&self) -> Files {
        self.names
            .iter()
            .filter_map(|(name, inode)| {
                let mut inode = self.inodes.get(*inode)?.clone();
                inode.sync();
                Some((Name::clone(name), inode.synced))
            })
            .collect()
    }

    /// What has not been synced, in pieces, in the order in which it was asked for.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece> {
        let mut changes: Vec<_> = self
            .inodes
            .iter()
            .enumerate()
            .flat_map(|(inode, content)| {
                let numbered = content.unsynced.iter().enumerate();
                numbered.map(move |(change, (asked, what))| (*asked, inode, change, what))
            })
            .collect();
        changes.sort_unstable_by_key(|(asked, ..)| *asked);
        let numbered = changes.into_iter().enumerate();
        numbered
            .flat_map(|(whole, (_, inode, change, what))| {
                what.parts().into_iter().map(move |part| Piece {
                    inode,
                    change,
                    part,
                    whole,
                })
            })
            .collect()
    }

    /// The names with unsynced changes, and how many each has.
    #[must_use]
    pub fn unsynced_names(&self) -> Vec<(Name, usize)> {
        let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
        for (name, _) in &self.unsynced_names {
            *counts.entry(Name::clone(name)).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    /// The files as they are found after a cut that these survive.
    #[must_use]
    pub fn after(&self, pieces: &[Piece], survivors: &Survivors) -> Files {
        let mut names = self.synced_names.clone();
        for ((name, _), keep) in self.unsynced_names().iter().zip(&survivors.names) {
            let changes = self.unsynced_names.iter().filter(|(of, _)| of == name);
            if let Some((_, inode)) = changes.take(*keep).last() {
                match inode {
                    Some(inode) => names.insert(Name::clone(name), *inode),
                    None => names.remove(name),
                };
            }
        }
        names
            .into_iter()
            .filter_map(|(name, inode)| {
                let content = self.inodes.get(inode)?;
                let kept = survivors.pieces.iter().filter_map(|(number, torn)| {
                    let piece = pieces.get(*number).filter(|piece| piece.inode == inode)?;
                    Some((piece, *torn))
                });
                Some((name, content.after(kept, survivors.growth)))
            })
            .collect()
    }
}

impl Inode {
    fn sync(&mut self) {
        for (_, change) in self.unsynced.drain(..) {
            change.apply_to(&mut self.synced);
        }
    }

    fn after<'a>(
        &self,
        kept: impl Iterator<Item = (&'a Piece, Option<usize>)>,
        growth: Growth,
    ) -> Vec<u8> {
        let mut content = self.synced.clone();
        let whole = self.visible_len();
        match growth {
            Growth::Short => {}
            Growth::Zeros => content.resize(whole.max(content.len()), 0),
            Growth::Garbage(seed) => {
                let mut dice = crate::dice::Dice::new(seed);
                while content.len() < whole {
                    content.extend_from_slice(&dice.word().to_le_bytes());
                }
                content.truncate(whole.max(self.synced.len()));
            }
        }
        for (piece, torn) in kept {
            match self.unsynced.get(piece.change).map(|(_, change)| change) {
                Some(Change::Write { offset, bytes }) => {
                    let part = bytes.get(piece.part.clone()).unwrap_or_default();
                    let part = part.get(..torn.unwrap_or(part.len())).unwrap_or(part);
                    put(&mut content, offset + piece.part.start, part);
                }
                Some(Change::Truncate(len)) => content.truncate(*len),
                None => {}
            }
        }
        content
    }

    fn visible_len(&self) -> usize {
        self.unsynced
            .iter()
            .fold(self.synced.len(), |len, (_, change)| match change {
                Change::Write { offset, bytes } => len.max(offset + bytes.len()),
                Change::Truncate(to) => len.min(*to),
            })
    }
}

impl Change {
    /// Cut where a sector begins.
    fn parts(&self) -> Vec<Range<usize>> {
        let Self::Write { offset, bytes } = self else {
            return std::iter::once(0..0).collect();
        };
        let mut parts = Vec::new();
        let mut from = 0;
        while from < bytes.len() {
            let to = bytes.len().min(from + SECTOR - (offset + from) % SECTOR);
            parts.push(from..to);
            from = to;
        }
        parts
    }

    fn apply_to(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(content, *offset, bytes),
            Self::Truncate(len) => content.truncate(*len),
        }
    }
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(place) = content.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

/// Makes a folder hold these files and no others.
///
/// # Errors
/// When the file system refuses.
pub fn lay_out(folder: &Path, files: &Files) -> anyhow::Result<()> {
    let failed = || format!("could not lay files out in `{}`", folder.display());
    for entry in std::fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| files.contains_key(name)) {
            std::fs::remove_file(entry.path()).with_context(failed)?;
        }
    }
    for (name, content) in files {
        std::fs::write(folder.join(&**name), content).with_context(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(offset: usize, bytes: &[u8]) -> Event {
        Event::Write {
            file: "f".into(),
            offset,
            bytes: bytes.into(),
        }
    }

    /// A file "f" with 1,000 synced bytes of 1 and an unsynced write of 600 bytes of 2 at 900.
    fn disk() -> Disk {
        let mut disk = Disk::default();
        for event in [
            Event::Create("f".into()),
            write(0, &[1; 1000]),
            Event::Sync("f".into()),
            Event::SyncFolder,
            write(900, &[2; 600]),
        ] {
            disk.apply(&event);
        }
        disk
    }

    fn survivors(pieces: &[(usize, Option<usize>)], growth: Growth) -> Survivors {
        Survivors {
            pieces: pieces.to_vec(),
            names: Vec::new(),
            growth,
        }
    }

    fn content(disk: &Disk, survivors: &Survivors) -> Vec<u8> {
        disk.after(&disk.pieces(), survivors)["f"].clone()
    }

    #[test]
    fn a_write_is_cut_at_the_sectors() {
        let lengths: Vec<usize> = disk().pieces().iter().map(Piece::len).collect();
        assert_eq!(lengths, [124, 476]);
    }

    #[test]
    fn what_was_synced_is_there_whatever_survives() {
        let disk = disk();
        for pieces in [vec![], vec![(0, None)], vec![(1, None)], vec![(0, Some(3))]] {
            let content = content(&disk, &survivors(&pieces, Growth::Short));
            assert_eq!(content[..900], [1; 900], "{pieces:?}");
        }
    }

    #[test]
    fn grown_bytes_that_did_not_arrive_are_missing_zeros_or_garbage() {
        let disk = disk();
        let only_second = &[(1, None)];
        let short = content(&disk, &survivors(&[], Growth::Short));
        assert_eq!(short.len(), 1000);
        let holed = content(&disk, &survivors(only_second, Growth::Short));
        assert_eq!((holed.len(), holed[1000], holed[1024]), (1500, 0, 2));
        let zeros = content(&disk, &survivors(&[], Growth::Zeros));
        assert_eq!(zeros[1000..], [0; 500]);
        let garbage = content(&disk, &survivors(&[], Growth::Garbage(1)));
        assert_eq!(garbage.len(), 1500);
        assert_ne!(garbage[1000..], [0; 500]);
    }

    #[test]
    fn a_torn_piece_has_its_first_bytes_only() {
        let torn = content(&disk(), &survivors(&[(0, Some(10))], Growth::Short));
        assert_eq!((torn[909], torn[910]), (2, 1));
    }

    #[test]
    fn a_removed_name_is_back_until_the_folder_is_synced() {
        let mut disk = disk();
        disk.apply(&Event::Delete("f".into()));
        let named = |disk: &Disk, keep: usize| {
            let survivors = Survivors {
                pieces: Vec::new(),
                names: vec![keep],
                growth: Growth::Short,
            };
            disk.after(&disk.pieces(), &survivors).contains_key("f")
        };
        assert_eq!(disk.unsynced_names(), [("f".into(), 1)]);
        assert!(named(&disk, 0) && !named(&disk, 1));
        assert!(disk.visible().is_empty());
        disk.apply(&Event::SyncFolder);
        assert!(!named(&disk, 0));
    }
}
