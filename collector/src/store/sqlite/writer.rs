//! The one thread that writes, and group commit.
//!
//! Jobs that arrive while a transaction runs share the next one. Each then has its own savepoint,
//! so one that fails leaves the others' changes alone. Answers leave after COMMIT.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::store::StoreError;
use crate::store::sql::{Db, Session};

/// Jobs in one transaction: a job takes a few milliseconds, so the first of a group waits at most
/// a few hundred for its commit.
const MAX_GROUP: usize = 64;

/// Jobs waiting: beyond it senders wait before they queue, which slows the terminals down.
const QUEUE: usize = 256;

/// The writer thread. Dropping it lets the queued jobs finish and stops the thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

/// A write that waits for its turn.
trait Job: Send {
    /// Does the work, all or nothing; the result goes out after the commit.
    fn run(self: Box<Self>, connection: &Connection, undo: Undo) -> Deliver;
    /// There was no transaction to run in.
    fn fail(self: Box<Self>, error: StoreError);
}

/// Hands a result out; with a text when the commit failed.
type Deliver = Box<dyn FnOnce(Option<&str>) + Send>;

struct Task<T, F> {
    work: F,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send + 'static,
    F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
{
    fn run(self: Box<Self>, connection: &Connection, undo: Undo) -> Deliver {
        let Self { work, answer } = *self;
        let result = match undo {
            Undo::Transaction => caught(connection, work).or_else(|error| {
                // A full disk has rolled back by itself.
                if !connection.is_autocommit() {
                    execute(connection, "ROLLBACK")?;
                }
                execute(connection, "BEGIN IMMEDIATE")?;
                Err(error)
            }),
            Undo::Savepoint => in_savepoint(connection, work),
        };
        Box::new(move |failure| {
            let result = match failure {
                Some(text) => result.and(Err(StoreError::Commit(text.to_owned()))),
                None => result,
            };
            // The asker may be gone (connection closed); what it asked for is done all the same.
            drop(answer.send(result));
        })
    }

    fn fail(self: Box<Self>, error: StoreError) {
        drop(self.answer.send(Err(error)));
    }
}

/// How a failed job's changes are undone.
#[derive(Debug, Clone, Copy)]
enum Undo {
    /// By rolling the whole transaction back: the job is alone in it, and needs no savepoint,
    /// which would keep a copy of every page it changes.
    Transaction,
    /// By going back to a savepoint: the others of the group keep their changes.
    Savepoint,
}

fn caught<T>(
    connection: &Connection,
    work: impl FnOnce(&Db<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(|| work(&Db::new(connection))))
        .unwrap_or_else(|cause| Err(StoreError::Panicked(crate::problem::words_of(&*cause))))
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Db<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    execute(connection, "SAVEPOINT job")?;
    let result = caught(connection, work);
    if result.is_err() {
        execute(connection, "ROLLBACK TO job")?;
    }
    execute(connection, "RELEASE job")?;
    result
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    Session::execute(connection, sql, &[]).map(drop)
}

impl Writer {
    /// Starts the thread on this connection.
    pub(super) fn start(connection: Connection) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work_off(&connection, queue))
            .map_err(|error| tracing::error!(%error, "could not start the writer thread"))
            .ok();
        Self {
            jobs: Some(jobs),
            thread,
        }
    }

    /// Queues a job and waits for its durable result.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(Box::new(Task { work, answer }))
            .await
            .map_err(|_| StoreError::Closed)?;
        result.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            drop(thread.join());
        }
    }
}

fn work_off(connection: &Connection, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while group.len() < MAX_GROUP
            && let Ok(job) = queue.try_recv()
        {
            group.push(job);
        }
        let undo = if group.len() == 1 {
            Undo::Transaction
        } else {
            Undo::Savepoint
        };
        if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "could not begin a transaction");
            group.into_iter().for_each(|job| job.fail(StoreError::Busy));
            continue;
        }
        let run = |job: Box<dyn Job>| job.run(connection, undo);
        let answers: Vec<_> = group.into_iter().map(run).collect();
        let failure = commit(connection);
        for deliver in answers {
            deliver(failure.as_deref());
        }
    }
}

/// Commits, or rolls the whole group back and says why.
fn commit(connection: &Connection) -> Option<String> {
    let error = execute(connection, "COMMIT").err()?;
    tracing::error!(error = &error as &dyn std::error::Error, "could not commit");
    // A full disk may have rolled back already; then there is nothing left to roll back.
    if !connection.is_autocommit()
        && let Err(error) = execute(connection, "ROLLBACK")
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not roll back"
        );
    }
    let cause = match error {
        StoreError::Query { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    Some(cause)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as blocking;

    use super::*;
    use crate::store::sql::values;

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().expect("opens");
        connection
            .execute_batch("CREATE TABLE t (n INTEGER)")
            .expect("creates");
        Writer::start(connection)
    }

    fn insert(db: &Db<'_>, n: i64) -> Result<(), StoreError> {
        db.execute("INSERT INTO t (n) VALUES (?1)", values![n])
            .map(drop)
    }

    fn fail(db: &Db<'_>, n: i64) -> Result<(), StoreError> {
        insert(db, n)?;
        Err(StoreError::Corrupt { column: "test" })
    }

    async fn sum(writer: &Writer) -> i64 {
        let sum = writer.run(|db| {
            let sql = "SELECT COALESCE(SUM(n), 0) FROM t";
            db.one(sql, &[], |row| row.get(0))
        });
        sum.await.expect("readable")
    }

    #[tokio::test]
    async fn a_job_that_fails_changes_nothing_and_the_next_one_runs() {
        let writer = writer();
        writer.run(|db| insert(db, 1)).await.expect("stored");
        let failed = writer.run(|db| fail(db, 10)).await;
        assert!(
            matches!(failed, Err(StoreError::Corrupt { .. })),
            "{failed:?}"
        );
        let panicked = writer
            .run(|_| -> Result<(), StoreError> { panic!("on purpose") })
            .await;
        assert!(
            matches!(&panicked, Err(StoreError::Panicked(text)) if text == "on purpose"),
            "{panicked:?}"
        );
        writer.run(|db| insert(db, 2)).await.expect("stored");
        assert_eq!(sum(&writer).await, 3);
    }

    #[tokio::test]
    async fn jobs_that_wait_share_a_transaction_and_one_that_fails_leaves_the_others_alone() {
        let writer = writer();
        let (go, wait) = blocking::channel::<()>();
        let first = writer.run(move |db| {
            // Keeps the writer busy until the others are queued.
            wait.recv().expect("the test tells when");
            insert(db, 1)
        });
        let (second, third, fourth) = (
            writer.run(|db| insert(db, 2)),
            writer.run(|db| fail(db, 10)),
            writer.run(|db| insert(db, 4)),
        );
        let queued = async move { go.send(()) };
        let (first, second, third, fourth, told) =
            tokio::join!(first, second, third, fourth, queued);
        told.expect("the writer waits");
        first.expect("stored");
        second.expect("stored");
        third.expect_err("fails");
        fourth.expect("stored");
        assert_eq!(sum(&writer).await, 7);
    }
}
