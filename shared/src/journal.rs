//! The journal: the terminal's file of streams. A rating is safe once [`Writer::append`] returns.
//!
//! One SQLite file, `journal.sqlite`, in WAL mode. The terminal is its only writer of records; the
//! daemon reads them, notes what the centre acknowledged, and prunes.
//!
//! **Invariants**
//! 1. [`Writer::append`] returns only after the record is on the card (`synchronous=FULL`).
//! 2. Positions of a stream count from 1 without gaps, and a (stream, position) never gets other
//!    bytes: after any failed append the writer is spent and the next start opens a new stream.
//! 3. Records leave the journal only when acknowledged ([`Backlog::prune`], oldest first), or as counts
//!    in their place when the card is full ([`Writer::make_room`]).
//! 4. A file of another program or of a newer version is never written to. A damaged one is set aside
//!    by [`open_or_set_aside`] and from then on only read.
//! 5. What [`Backlog::next`] hands over follows the chain.
//!
//! **Crash**: SQLite drops an unfinished transaction on the next open, so a record is there whole
//! or not at all; a cut between commit and thank-you leaves a record that nobody was thanked for.
//! Acknowledgements are not synced: a cut may forget the last ones, and the records are sent again.
//! A fold and the deletion of its records are one commit. A salvage that was cut short begins again.

mod backlog;
mod ballast;
mod cap;
mod check;
mod fold;
mod open;
mod prune;
mod reader;
mod salvage;
mod schema;
mod size;
mod suspect;
mod walk;
mod witness;
mod writer;

use std::path::PathBuf;

pub use backlog::{Backlog, Pending, PendingFold, PendingRun, Pruned};
pub use cap::{Limits, Room};
pub use reader::{Reader, StoredRecord, StoredStream, Verdict, VerifyReport};
pub use salvage::{Salvage, SalvageWork, open_or_salvage, open_or_set_aside, set_aside};
pub use schema::{APPLICATION_ID, SCHEMA_VERSION};
pub use suspect::is_suspect;
pub use witness::Witness;
pub use writer::{Appended, Opening, Writer};

use crate::domain::{Seq, StreamId};
use crate::wire::RecordError;

/// What can go wrong with a journal. None of it has changed the file.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no journal here yet.
    #[error("there is no journal at `{path}`")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is damaged, or is no database at all. It was not changed.
    #[error("`{path}` cannot be read as a journal ({problem}); it was left as it is")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What SQLite or the check said.
        problem: String,
    },
    /// It is another program's database.
    #[error("`{path}` is another program's ({problem}); it was left as it is")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// How it was told.
        problem: String,
    },
    /// Something in an open journal is not what was written there.
    #[error("journal `{path}` is damaged: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        problem: String,
    },
    /// A newer program wrote it.
    #[error(
        "journal `{path}` has version {found}, this program knows up to {SCHEMA_VERSION}; it was left as it is"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Another process is writing to it.
    #[error("journal `{path}` is in use by another running terminal")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The record cannot be written down.
    #[error("record cannot be encoded")]
    Encode(#[from] RecordError),
    /// A record could not be committed: it is not kept, and the writer is spent.
    #[error("could not append record {seq} to the journal")]
    Append {
        /// The position that was not reached.
        seq: u64,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// An earlier append failed; open the journal anew.
    #[error("the journal must be opened anew after a failed append")]
    Spent,
    /// The centre acknowledged what this journal does not have.
    #[error("stream {stream} has no record {seq} to acknowledge")]
    Unknown {
        /// The stream.
        stream: StreamId,
        /// The acknowledged position.
        seq: u64,
    },
    /// The centre's chain at a position is not ours: the records there are not the same.
    #[error("the centre's chain of stream {stream} at record {seq} is not ours")]
    OtherHistory {
        /// The stream.
        stream: StreamId,
        /// The position.
        seq: Seq,
    },
    /// Reading or noting failed.
    #[error("could not {doing} in journal `{path}`")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file system refused.
    #[error("could not {doing} `{path}`")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
