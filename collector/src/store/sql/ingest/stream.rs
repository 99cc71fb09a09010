//! The stream as it stands, and the terminal's signed word for it.

use super::Of;
use crate::ingest::StreamState;
use crate::store::StoreError;
use crate::store::sql::{capped, values};

impl Of<'_> {
    /// The stream as it stands now, and the terminal's signed word for it.
    pub(super) fn stream(
        &self,
        stream: &StreamState<'_>,
        signed_head: &[u8],
    ) -> Result<(), StoreError> {
        if stream.new {
            self.begun(stream)?;
        }
        if stream.opened {
            self.opening(stream)?;
        }
        self.db
            .execute(
                "UPDATE stream SET watermark = ?1, hash = ?2, last_ordinal = ?3, \
                 signed_head = ?4, suite = ?8 WHERE hall_id = ?5 AND terminal_id = ?6 \
                 AND stream_id = ?7",
                values![
                    capped(stream.watermark),
                    stream.hash.as_bytes(),
                    stream.last_ordinal,
                    signed_head,
                    self.hall,
                    self.terminal,
                    self.stream,
                    stream.hash.suite().number()
                ],
            )
            .map(drop)
    }

    fn begun(&self, stream: &StreamState<'_>) -> Result<(), StoreError> {
        self.db
            .execute(
                "INSERT INTO stream (hall_id, terminal_id, stream_id, watermark, hash, \
                 window_id, channel, software, received_ms, last_ordinal, suite) \
                 VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, '', ?7, 0, ?8)",
                values![
                    self.hall,
                    self.terminal,
                    self.stream,
                    stream.hash.as_bytes(),
                    stream.window,
                    stream.channel,
                    self.received_ms,
                    stream.hash.suite().number()
                ],
            )
            .map(drop)
    }

    /// What the opening says.
    pub(super) fn opening(&self, stream: &StreamState<'_>) -> Result<(), StoreError> {
        let (opening, previous) = (stream.opening.as_ref(), stream.previous.as_ref());
        self.db
            .execute(
                "UPDATE stream SET window_id = ?1, channel = ?2, opened_ms = ?3, uptime_ms = ?4, \
                 boot_id = ?5, software = ?6, previous_stream = ?7, previous_seq = ?8, \
                 previous_hash = ?9 WHERE hall_id = ?10 AND terminal_id = ?11 AND stream_id = ?12",
                values![
                    stream.window,
                    stream.channel,
                    opening.map(|o| o.wall_ms),
                    opening.map(|o| capped(o.uptime_ms)),
                    opening.map(|o| o.boot.as_bytes()),
                    stream.software,
                    previous.map(|p| p.stream.as_bytes()),
                    previous.map(|p| capped(p.seq.get())),
                    previous.map(|p| p.hash.as_bytes()),
                    self.hall,
                    self.terminal,
                    self.stream
                ],
            )
            .map(drop)
    }
}
