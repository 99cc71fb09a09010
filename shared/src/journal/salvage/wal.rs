//! What lies in a write-ahead log beyond the place where SQLite stops to replay it.
//!
//! SQLite takes a log up to the first frame whose checksum is wrong and drops the rest without a
//! word. After a cut that rest is the one commit that was being written. After a flipped bit it is
//! everything that was committed, synced and thanked for since.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, params};

use crate::domain::Seq;
use crate::wire::ChainHash;

use super::super::walk;
use super::found::Copy;
use super::image::frames;
use super::pages::{Page, Row, u32_at};

const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const BIG_ENDIAN_SUMS: u32 = 0x377f_0683;
const LITTLE_ENDIAN_SUMS: u32 = 0x377f_0682;

/// The records of every commit beyond the place, oldest commit first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unreplayed {
    commits: Vec<BTreeMap<(i64, Seq), Copy>>,
}

/// What the rest of the log means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing that the journal does not have, or a commit that was cut short.
    Nothing,
    /// One record that continues its stream: SQLite did not finish it, but it is genuine.
    One {
        stream_no: i64,
        seq: Seq,
        bytes: Vec<u8>,
        hash: ChainHash,
    },
    /// Commits that were complete once: the log is damaged.
    Commits(usize),
}

/// Reads the log of a journal that nobody has opened yet.
pub(crate) fn unreplayed(journal: &Path) -> Unreplayed {
    let mut name = journal.as_os_str().to_owned();
    name.push("-wal");
    // What cannot be read here, SQLite cannot read either, and says so.
    std::fs::read(Path::new(&name)).map_or_else(|_| Unreplayed::default(), |wal| beyond(&wal))
}

fn beyond(wal: &[u8]) -> Unreplayed {
    let mut found = Unreplayed::default();
    let page_size = u32_at(wal, 8).and_then(|size| usize::try_from(size).ok());
    let Some(page_size) = page_size.filter(|size| (512..=65536).contains(size)) else {
        return found;
    };
    let replayed = replayed(wal, page_size).unwrap_or(0);
    let heads: Vec<&[u8]> = wal
        .get(WAL_HEADER..)
        .unwrap_or_default()
        .chunks_exact(FRAME_HEADER + page_size)
        .collect();
    // Frames of this log, not of the one that was here before it.
    let salts = |head: &[u8]| head.get(8..16).map(<[u8]>::to_vec);
    let ours = heads.first().and_then(|first| salts(first));
    let mut commit = BTreeMap::new();
    for (head, (number, bytes)) in heads.iter().zip(frames(wal, page_size)).skip(replayed) {
        if salts(head) != ours {
            continue;
        }
        // A row in one page only: nothing is rolled back or put together here.
        let overflow = |_: u32| None;
        let page = Page {
            bytes,
            is_first: number == 1,
            overflow: &overflow,
        };
        page.rows(&mut |row| {
            if let Row::Record {
                stream_no,
                seq,
                bytes,
                hash,
            } = row
            {
                commit.insert((stream_no, seq), Copy { bytes, hash });
            }
        });
        if u32_at(head, 4).is_some_and(|pages| pages != 0) {
            found.commits.push(std::mem::take(&mut commit));
        }
    }
    found.commits.push(commit);
    found
}

/// How many frames SQLite replays: up to the last commit before the first wrong checksum. None when
/// not even the header is right.
fn replayed(wal: &[u8], page_size: usize) -> Option<usize> {
    let big = match u32_at(wal, 0)? {
        BIG_ENDIAN_SUMS => true,
        LITTLE_ENDIAN_SUMS => false,
        _ => return None,
    };
    let mut sums = sum((0, 0), wal.get(..24)?, big);
    if sums != (u32_at(wal, 24)?, u32_at(wal, 28)?) {
        return None;
    }
    let mut committed = 0;
    for (i, frame) in wal
        .get(WAL_HEADER..)?
        .chunks_exact(FRAME_HEADER + page_size)
        .enumerate()
    {
        if frame.get(8..16) != wal.get(16..24) {
            break;
        }
        sums = sum(sums, frame.get(..8)?, big);
        sums = sum(sums, frame.get(FRAME_HEADER..)?, big);
        if sums != (u32_at(frame, 16)?, u32_at(frame, 20)?) {
            break;
        }
        if u32_at(frame, 4)? != 0 {
            committed = i + 1;
        }
    }
    Some(committed)
}

/// SQLite's running checksum.
fn sum((mut a, mut b): (u32, u32), bytes: &[u8], big: bool) -> (u32, u32) {
    let word = |four: &[u8]| {
        let four = four.try_into().unwrap_or_default();
        if big {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        }
    };
    for pair in bytes.chunks_exact(8) {
        let (first, second) = pair.split_at(4);
        a = a.wrapping_add(word(first)).wrapping_add(b);
        b = b.wrapping_add(word(second)).wrapping_add(a);
    }
    (a, b)
}

impl Unreplayed {
    /// What the rest means for the journal that SQLite has opened.
    pub(crate) fn judge(self, conn: &Connection) -> rusqlite::Result<Rest> {
        let mut ends = BTreeMap::new();
        let mut fresh = BTreeMap::new();
        let mut commits = 0;
        for commit in self.commits {
            let before = fresh.len();
            for ((stream_no, seq), copy) in commit {
                let end = match ends.get(&stream_no) {
                    Some(end) => *end,
                    None => *ends.entry(stream_no).or_insert(end(conn, stream_no)?),
                };
                if end.is_none_or(|(last, _)| seq.get() > last) {
                    fresh.insert((stream_no, seq), copy);
                }
            }
            commits += usize::from(fresh.len() > before);
        }
        if commits > 1 {
            return Ok(Rest::Commits(commits));
        }
        let mut fresh = fresh.into_iter();
        let (Some(((stream_no, seq), copy)), None) = (fresh.next(), fresh.next()) else {
            return Ok(Rest::Nothing);
        };
        // A damaged bit in this very record can be put back; half a record cannot.
        let genuine = ends
            .get(&stream_no)
            .copied()
            .flatten()
            .filter(|(last, _)| last + 1 == seq.get())
            .and_then(|(_, chain)| {
                let copies = BTreeMap::from([(seq, vec![copy])]);
                super::prove::genuine(&copies, seq, chain)
            });
        Ok(
            genuine.map_or(Rest::Nothing, |Copy { bytes, hash }| Rest::One {
                stream_no,
                seq,
                bytes,
                hash,
            }),
        )
    }
}

/// The last position of a stream and the chain there; none for a stream that is not there.
fn end(conn: &Connection, stream_no: i64) -> rusqlite::Result<Option<(u64, ChainHash)>> {
    conn.prepare_cached(
        "SELECT t.seq, t.hash, s.suite FROM stream s JOIN (
             SELECT seq, hash FROM record WHERE stream_no = ?1
             UNION ALL SELECT last, head FROM fold WHERE stream_no = ?1
             UNION ALL SELECT seq, hash FROM acknowledged WHERE stream_no = ?1
             UNION ALL SELECT pruned, base FROM stream WHERE stream_no = ?1 AND pruned > 0) t
         WHERE s.stream_no = ?1 ORDER BY t.seq DESC LIMIT 1",
    )?
    .query_map(params![stream_no], |row| {
        let suite = walk::suite(row, 2)?;
        Ok((row.get(0)?, ChainHash::of(suite, row.get(1)?)))
    })?
    .next()
    .transpose()
}
