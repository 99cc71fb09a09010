//! What the centre holds: checked against the journal's own chain, and written down at once or later.
//!
//! A note costs the card a page; a tablet that noted after every rating would write as much for the
//! note as for the rating. So the daemon lets some time pass. **Crash**: what was not noted is sent
//! again and recognised by the centre.

use rusqlite::{OptionalExtension, params};

use crate::domain::{Seq, StreamId, Watermark};
use crate::journal::JournalError;
use crate::journal::walk::StreamRow;
use crate::wire::ChainHash;

use super::Backlog;

impl Backlog {
    /// Notes that the centre holds `stream` up to `watermark` with this chain there.
    ///
    /// A watermark below the noted one moves the note back, so that a centre restored from a
    /// backup is filled again with what the journal still has.
    ///
    /// # Errors
    /// [`JournalError::Unknown`] when the journal has no such record, and
    /// [`JournalError::OtherHistory`] when the centre's chain is not ours; nothing is noted then.
    pub fn acknowledge(
        &mut self,
        stream: StreamId,
        watermark: Watermark,
        hash: ChainHash,
    ) -> Result<(), JournalError> {
        let row = self.stream(stream, watermark)?;
        match self.check_acknowledged(&row, watermark, hash)? {
            None => self.forget_acknowledged(&row, hash)?,
            Some(seq) => self.note_acknowledged(row.no, Some((seq, hash)))?,
        }
        self.ahead.remove(&row.no);
        Ok(())
    }

    /// As [`Self::acknowledge`], but what goes forward is written to the card only with the next
    /// [`Self::note`] or [`Self::prune`]. Until then it is known here alone: another look at the journal
    /// finds the records unacknowledged, and a crash has them sent again.
    ///
    /// # Errors
    /// As for [`Self::acknowledge`].
    pub fn acknowledge_later(
        &mut self,
        stream: StreamId,
        watermark: Watermark,
        hash: ChainHash,
    ) -> Result<(), JournalError> {
        let row = self.stream(stream, watermark)?;
        let noted = row.acknowledged.map(|(seq, _)| seq);
        match self.check_acknowledged(&row, watermark, hash)? {
            Some(seq) if noted.is_none_or(|noted| seq > noted) => {
                self.ahead.insert(row.no, (seq, hash));
                Ok(())
            }
            _ => self.acknowledge(stream, watermark, hash),
        }
    }

    /// Writes down what was only acknowledged so far.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`]; it is still to be written then.
    pub fn note(&mut self) -> Result<(), JournalError> {
        while let Some((no, at)) = self.ahead.first_key_value().map(|(no, at)| (*no, *at)) {
            self.note_acknowledged(no, Some(at))?;
            self.ahead.remove(&no);
        }
        Ok(())
    }

    /// Whether the journal's chain at a watermark is this one; the position, none for the start.
    fn check_acknowledged(
        &self,
        row: &StreamRow,
        watermark: Watermark,
        hash: ChainHash,
    ) -> Result<Option<Seq>, JournalError> {
        let stream = row.id;
        let Some(seq) = Seq::new(watermark.get()) else {
            return Ok(None);
        };
        let ours: Option<[u8; 32]> = self
            .conn
            .prepare_cached(
                "SELECT hash FROM record WHERE stream_no = ?1 AND seq = ?2
                 UNION SELECT head FROM fold WHERE stream_no = ?1 AND last = ?2
                 UNION SELECT base FROM stream WHERE stream_no = ?1 AND pruned = ?2
                 UNION SELECT hash FROM acknowledged WHERE stream_no = ?1 AND seq = ?2",
            )
            .and_then(|mut q| {
                q.query_row(params![row.no, seq.get()], |found| found.get(0))
                    .optional()
            })
            .map_err(|e| self.fault("look up an acknowledged record", e))?;
        match ours {
            None => Err(JournalError::Unknown {
                stream,
                seq: seq.get(),
            }),
            Some(ours) if ChainHash::from_bytes(ours) != hash => {
                Err(JournalError::OtherHistory { stream, seq })
            }
            Some(_) => Ok(Some(seq)),
        }
    }

    /// Goes back to the start of a stream, of which the centre has nothing any more.
    fn forget_acknowledged(&self, row: &StreamRow, hash: ChainHash) -> Result<(), JournalError> {
        if hash != row.base.suite().genesis(row.terminal, row.id) {
            return Err(JournalError::OtherHistory {
                stream: row.id,
                seq: Seq::FIRST,
            });
        }
        // Once the first records are pruned, what is left must not be sent as if it were them.
        if row.pruned != Watermark::default() {
            return Err(JournalError::Unknown {
                stream: row.id,
                seq: Seq::FIRST.get(),
            });
        }
        self.note_acknowledged(row.no, None)
    }

    fn note_acknowledged(&self, no: i64, at: Option<(Seq, ChainHash)>) -> Result<(), JournalError> {
        let done = match at {
            Some((seq, hash)) => self
                .conn
                .prepare_cached(
                    "INSERT INTO acknowledged (stream_no, seq, hash) VALUES (?1, ?2, ?3)
                     ON CONFLICT (stream_no) DO UPDATE SET seq = ?2, hash = ?3
                     WHERE seq <> ?2",
                )
                .and_then(|mut q| q.execute(params![no, seq.get(), hash.as_bytes()])),
            None => self
                .conn
                .execute("DELETE FROM acknowledged WHERE stream_no = ?", [no]),
        };
        done.map(drop)
            .map_err(|e| self.fault("note an acknowledgement", e))
    }

    /// How many positions are acknowledged and not noted.
    pub(super) fn count_ahead(&self) -> rusqlite::Result<u64> {
        let mut ahead = 0;
        for (no, (seq, _)) in &self.ahead {
            ahead += self
                .conn
                .prepare_cached(
                    "WITH noted AS (SELECT coalesce((SELECT seq FROM acknowledged WHERE stream_no = ?1), 0) AS seq)
                     SELECT (SELECT count(*) FROM record r, noted
                             WHERE r.stream_no = ?1 AND r.seq > noted.seq AND r.seq <= ?2)
                          + (SELECT coalesce(sum(f.last - f.first + 1), 0) FROM fold f, noted
                             WHERE f.stream_no = ?1 AND f.last > noted.seq AND f.last <= ?2)",
                )?
                .query_row(params![no, seq.get()], |row| row.get::<_, u64>(0))?;
        }
        Ok(ahead)
    }
}
