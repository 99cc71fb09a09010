//! Sessions and connections against a real server.

use std::sync::mpsc;
use std::time::Duration;

use crate::store::StoreError;
use crate::store::sql::{Db, Insert, values};

use super::Postgres;

#[expect(dead_code, reason = "the rest is for the tests of the whole collector")]
#[path = "../../../tests/cluster/mod.rs"]
mod cluster;

use cluster::TestDatabase;

const PATIENCE: Duration = Duration::from_secs(30);

fn opened() -> (TestDatabase, Postgres) {
    let database = TestDatabase::new();
    let postgres = Postgres::open(&database.settings()).expect("a database");
    (database, postgres)
}

/// A table of no meaning.
async fn with_table() -> (TestDatabase, Postgres) {
    let (database, postgres) = opened();
    database.look(|client| {
        let sql = "CREATE TABLE t (n BIGINT PRIMARY KEY, text TEXT, bytes BYTEA)";
        client.batch_execute(sql).expect("made");
    });
    (database, postgres)
}

const ROWS: Insert<'static> = Insert {
    table: "t",
    columns: &["n", "text", "bytes"],
    conflict: "ON CONFLICT (n) DO NOTHING",
};

fn fill(db: &Db<'_>, from: i64, until: i64) -> Result<u64, StoreError> {
    let row = |n: i64| vec![n.into(), format!("满意 {n}").into(), n.to_be_bytes().into()];
    db.insert_many(&ROWS, (from..until).map(row))
}

fn count(db: &Db<'_>) -> Result<i64, StoreError> {
    db.one("SELECT COUNT(*) FROM t", values![], |row| row.get(0))
}

#[tokio::test]
async fn many_rows_go_in_and_come_out_as_they_are() {
    let (_database, postgres) = with_table().await;
    let changed = postgres
        .write(|db| fill(db, 0, 4_500))
        .await
        .expect("stored");
    assert_eq!(changed, 4_500);
    let again = postgres
        .write(|db| fill(db, 4_400, 4_600))
        .await
        .expect("stored");
    assert_eq!(again, 100, "of what was there nothing is changed");
    let walked = postgres.read(|db| {
        let mut seen = 0_i64;
        db.each(
            "SELECT n, text, bytes FROM t ORDER BY n",
            values![],
            |row| {
                let (n, text): (i64, String) = (row.get(0)?, row.get("text")?);
                let bytes: [u8; 8] = row.get(2)?;
                assert_eq!((n, text), (seen, format!("满意 {n}")));
                assert_eq!(i64::from_be_bytes(bytes), n);
                // Statements of its own, also a walk, while the walk goes on.
                if n % 1_000 == 0 {
                    let mut least = None;
                    let sql = "SELECT n FROM t WHERE n >= ?1 ORDER BY n";
                    db.each(sql, values![n], |row| {
                        least = least.or(Some(row.get::<i64>(0)?));
                        Ok(())
                    })?;
                    assert_eq!(least, Some(n));
                }
                seen += 1;
                Ok(())
            },
        )?;
        Ok(seen)
    });
    assert_eq!(walked.await.expect("readable"), 4_600);
}

#[tokio::test]
async fn a_walk_that_is_left_early_leaves_the_session_usable() {
    let (_database, postgres) = with_table().await;
    postgres
        .write(|db| fill(db, 0, 2_000))
        .await
        .expect("stored");
    let left = postgres.read(|db| {
        for _ in 0..2 {
            let refused = db.each("SELECT n FROM t", values![], |_| Err(StoreError::NoRow));
            assert!(matches!(refused, Err(StoreError::NoRow)));
        }
        count(db)
    });
    assert_eq!(left.await.expect("readable"), 2_000);
}

#[tokio::test]
async fn values_of_one_statement_may_be_there_or_not_and_numbers_have_64_bits() {
    let (_database, postgres) = with_table().await;
    let found = postgres.write(|db| {
        let insert = "INSERT INTO t (n, text, bytes) VALUES (?1, ?2, ?3)";
        db.execute(insert, values![i64::MAX, None::<String>, None::<Vec<u8>>])?;
        db.execute(insert, values![i64::MIN, "a\0b", [0_u8, 255]])?;
        db.execute(insert, values![0, "", Vec::<u8>::new()])?;
        let sql = "SELECT n, text, bytes, text = ?2, n IN (1, 2), SUM(n) OVER () FROM t \
             WHERE n > ?1 OR text IS NOT DISTINCT FROM ?2 ORDER BY n";
        db.rows(sql, values![i64::MAX - 1, None::<String>], |row| row.all())?;
        let pictured = "SELECT 1 FROM t WHERE n = ?1 AND text = ?2";
        assert!(db.exists(pictured, values![i64::MIN, "a\u{2400}b"])?);
        db.rows(sql, values![-1, "x"], |row| row.all())
    });
    let none = || None::<String>;
    let wanted = [
        values![0, "", [0_u8; 0], 0, 0, i64::MAX].to_vec(),
        values![i64::MAX, none(), none(), none(), 0, i64::MAX].to_vec(),
    ];
    assert_eq!(found.await.expect("stored"), wanted);
}

#[tokio::test]
async fn a_job_that_makes_light_of_a_failed_statement_is_not_called_durable() {
    let (_database, postgres) = with_table().await;
    let job = postgres.write(|db| {
        fill(db, 0, 3)?;
        // PostgreSQL has given the whole transaction up.
        drop(db.execute("INSERT INTO t (n) VALUES (1)", values![]));
        Ok(())
    });
    let error = job.await.expect_err("must fail");
    assert!(matches!(error, StoreError::Commit(_)), "{error:?}");
    assert_eq!(postgres.read(count).await.expect("readable"), 0);
}

#[tokio::test]
async fn a_job_that_fails_or_panics_changes_nothing_and_the_next_one_runs() {
    let (_database, postgres) = with_table().await;
    let failed = postgres.write(|db| {
        fill(db, 0, 3)?;
        Err::<(), _>(StoreError::NoRow)
    });
    assert!(matches!(failed.await, Err(StoreError::NoRow)));
    let panicked = postgres.write(|db| -> Result<(), StoreError> {
        fill(db, 0, 3)?;
        panic!("on purpose")
    });
    let panicked = panicked.await;
    assert!(
        matches!(&panicked, Err(StoreError::Panicked(text)) if text == "on purpose"),
        "{panicked:?}"
    );
    postgres.write(|db| fill(db, 0, 2)).await.expect("stored");
    assert_eq!(postgres.read(count).await.expect("readable"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_sees_one_moment_and_cannot_write() {
    let (_database, postgres) = with_table().await;
    postgres.write(|db| fill(db, 0, 3)).await.expect("stored");
    let (reading, begun) = tokio::sync::oneshot::channel();
    let (written, go_on) = mpsc::channel();
    let read = postgres.read(move |db| {
        let before = count(db)?;
        reading.send(()).expect("somebody waits");
        go_on.recv_timeout(PATIENCE).expect("written");
        assert_eq!(count(db)?, before);
        db.execute("INSERT INTO t (n) VALUES (99)", values![])
    });
    let write = async {
        begun.await.expect("reading");
        postgres.write(|db| fill(db, 3, 9)).await.expect("stored");
        written.send(()).expect("somebody waits");
    };
    let (read, ()) = tokio::join!(read, write);
    let error = read.expect_err("a read writes nothing");
    assert!(matches!(error, StoreError::Query { .. }), "{error:?}");
    assert_eq!(postgres.read(count).await.expect("readable"), 9);
}

/// Runs a job of each kind; the first holds its transaction open until the second has begun, or
/// until it is sure that the second waits. Gives back whether the second began beside it.
async fn beside(first_alone: bool, second_alone: bool) -> bool {
    let (database, postgres) = with_table().await;
    let address = database.address();
    let (begun_first, first_begins) = tokio::sync::oneshot::channel();
    let (begun_second, second_begins) = mpsc::channel();
    let hold = move |_: &Db<'_>| {
        begun_first.send(()).expect("somebody waits");
        let waits = "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
             WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()";
        let waiting = |client: &mut postgres::Client| {
            client.query_opt(waits, &[]).is_ok_and(|row| row.is_some())
        };
        loop {
            if second_begins.try_recv().is_ok() {
                return Ok(true);
            }
            if cluster::with_client(&address, waiting) {
                return Ok(false);
            }
        }
    };
    let enter = move |_: &Db<'_>| {
        // Whoever waited is there when the first is gone.
        let _in_time = begun_second.send(());
        Ok(())
    };
    let first = async {
        if first_alone {
            postgres.write(hold).await
        } else {
            postgres.write_beside(hold).await
        }
    };
    let second = async {
        first_begins.await.expect("begun");
        if second_alone {
            postgres.write(enter).await
        } else {
            postgres.write_beside(enter).await
        }
    };
    let (first, second) = tokio::join!(first, second);
    second.expect("ran");
    first.expect("ran")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_writes_alone_has_nobody_beside_it_and_the_others_have_each_other() {
    assert!(beside(false, false).await);
    assert!(!beside(true, false).await);
    assert!(!beside(false, true).await);
    assert!(!beside(true, true).await);
}

#[tokio::test]
async fn connections_that_broke_while_nobody_used_them_are_replaced() {
    let (database, postgres) = with_table().await;
    postgres.write(|db| fill(db, 0, 3)).await.expect("stored");
    database.look(|client| {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert!(!client.query(sql, &[]).expect("ended").is_empty());
    });
    assert_eq!(postgres.read(count).await.expect("readable"), 3);
    postgres.write(|db| fill(db, 3, 4)).await.expect("stored");
}

#[tokio::test]
async fn parts_are_made_for_the_month_and_the_two_after_it_once() {
    let (database, postgres) = opened();
    // 2026-12-31, an hour before midnight in UTC.
    let at = 1_798_758_000_000;
    postgres.make_parts(at).await;
    postgres.make_parts(at + 7_200_000).await;
    let parts = database.look(|client| {
        let sql = "SELECT inhrelid::regclass::text FROM pg_inherits \
             WHERE inhparent = 'record'::regclass ORDER BY 1";
        let parts = client.query(sql, &[]).expect("reads");
        parts.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    });
    let wanted = [
        "record_202612",
        "record_202701",
        "record_202702",
        "record_202703",
        "record_other",
    ];
    assert_eq!(parts, wanted);
}
