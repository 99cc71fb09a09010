//! A set-aside journal as bytes: the database file and the write-ahead log beside it, taken apart
//! into pages. Pure over bytes; only [`Image::read`] touches files.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::pages::{Page, Row, u16_at, u32_at};

const MAGIC: &[u8] = b"SQLite format 3\0";
const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Page sizes of journals, the likelier first, for files whose headers are gone.
const PAGE_SIZES: [usize; 8] = [1024, 4096, 512, 2048, 8192, 16384, 32768, 65536];

/// What a card reads at once; after a fault it is asked for as little as it can give.
const READ_AT_ONCE: usize = 256 * 1024;
const SECTOR: usize = 4096;

/// Database and write-ahead log.
#[derive(Debug, Default)]
pub(super) struct Image {
    main: Vec<u8>,
    wal: Vec<u8>,
}

impl Image {
    pub(super) const fn new(main: Vec<u8>, wal: Vec<u8>) -> Self {
        Self { main, wal }
    }

    /// Reads both files; what the card cannot read becomes zeros.
    pub(super) fn read(main: &Path, wal: &Path) -> Self {
        Self::new(read_all(main), read_all(wal))
    }

    /// Hands over every row of ours in any page, live or stale, of database and log.
    ///
    /// Pages that SQLite would not look at any more are no harm: a record's bytes never change, and
    /// the chain tells what belongs where.
    pub(super) fn rows(&self, mut each: impl FnMut(Row)) {
        for size in self.page_sizes() {
            let mut found = false;
            self.rows_by(size, &mut |row| {
                found = true;
                each(row);
            });
            if found {
                return;
            }
        }
    }

    /// What the headers say, then what is likely.
    fn page_sizes(&self) -> Vec<usize> {
        let main = self
            .main
            .starts_with(MAGIC)
            .then(|| u16_at(&self.main, 16))
            .flatten()
            .map(|size| if size == 1 { 65536 } else { usize::from(size) });
        let wal = u32_at(&self.wal, 8).and_then(|size| usize::try_from(size).ok());
        let mut sizes: Vec<usize> = main
            .into_iter()
            .chain(wal)
            .filter(|size| PAGE_SIZES.contains(size))
            .collect();
        for size in PAGE_SIZES {
            if !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        sizes
    }

    fn rows_by(&self, size: usize, each: &mut dyn FnMut(Row)) {
        let frames: Vec<(u32, &[u8])> = frames(&self.wal, size).collect();
        let mut versions: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, (number, _)) in frames.iter().enumerate() {
            versions.entry(*number).or_default().push(at);
        }
        let in_main = |number: u32| {
            let at = usize::try_from(number).ok()?.checked_sub(1)? * size;
            self.main.get(at..at + size)
        };
        let newest = |number: u32| {
            let at = *versions.get(&number)?.last()?;
            frames.get(at).map(|(_, page)| *page)
        };
        for (at, bytes) in self.main.chunks(size).enumerate() {
            // A cut-off page still has its cells' pointers, and perhaps some of the cells.
            let padded;
            let bytes = if bytes.len() == size {
                bytes
            } else {
                let mut whole = bytes.to_vec();
                whole.resize(size, 0);
                padded = whole;
                padded.as_slice()
            };
            let is_first = at == 0;
            rows_of(bytes, is_first, &in_main, each);
            if !frames.is_empty() {
                let mixed = |number| newest(number).or_else(|| in_main(number));
                rows_of(bytes, is_first, &mixed, each);
            }
        }
        for (at, (number, bytes)) in frames.iter().enumerate() {
            let before = |wanted: u32| {
                let in_log = versions.get(&wanted).and_then(|list| {
                    let upto = list.partition_point(|version| *version <= at);
                    list.get(upto.checked_sub(1)?)
                });
                match in_log {
                    Some(version) => frames.get(*version).map(|(_, page)| *page),
                    None => in_main(wanted),
                }
            };
            rows_of(bytes, *number == 1, &before, each);
        }
    }
}

fn rows_of<'b>(
    bytes: &[u8],
    is_first: bool,
    overflow: &dyn Fn(u32) -> Option<&'b [u8]>,
    each: &mut dyn FnMut(Row),
) {
    Page {
        bytes,
        is_first,
        overflow,
    }
    .rows(each);
}

/// The pages of a write-ahead log with their numbers, oldest first, whatever their checksums say.
pub(super) fn frames(wal: &[u8], page_size: usize) -> impl Iterator<Item = (u32, &[u8])> {
    wal.get(WAL_HEADER..)
        .unwrap_or_default()
        .chunks_exact(FRAME_HEADER + page_size)
        .filter_map(|frame| Some((u32_at(frame, 0)?, frame.get(FRAME_HEADER..)?)))
}

/// The whole file; nothing for one that is not there.
fn read_all(path: &Path) -> Vec<u8> {
    let Ok(file) = File::open(path) else {
        return Vec::new();
    };
    let length = file.metadata().map_or(0, |m| m.len());
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    for (i, chunk) in bytes.chunks_mut(READ_AT_ONCE).enumerate() {
        let at = (i * READ_AT_ONCE) as u64;
        if file.read_exact_at(chunk, at).is_err() {
            for (j, sector) in chunk.chunks_mut(SECTOR).enumerate() {
                if file
                    .read_exact_at(sector, at + (j * SECTOR) as u64)
                    .is_err()
                {
                    sector.fill(0);
                }
            }
        }
    }
    bytes
}
