//! Backups and copies: made while terminals send, put back, and filled up again.

use std::os::unix::fs::PermissionsExt;

use manyi_collector::store::copy::{CopyError, Progress, copy};
use manyi_collector::store::sqlite::FILE_NAME;
use manyi_collector::store::sqlite::backup::{BackupError, backup};
use manyi_collector::store::{Database, ProofStore, StoreError};
use manyi_shared::wire::SecretKey;

use crate::days::{Dice, Work, work_on};
use crate::past::{Daemon, all};
use crate::program::{fails, import_demo, initialised, succeeds};
use crate::rules::in_order;
use crate::support::{Centre, NOW, Tablet, collector_key, suite};

async fn fleet(centre: &Centre) -> Vec<Daemon> {
    let mut fleet = Vec::new();
    for (n, window) in ["A01", "A02", "B01"].into_iter().enumerate() {
        let mut tablet: Tablet = centre.tablet(window).await;
        tablet.clock.wall_ms = NOW - 30 * 86_400_000;
        tablet.open_stream();
        work_on(
            &mut tablet,
            &Work::ordinary(),
            &mut Dice::new(n as u64),
            150,
        );
        fleet.push(Daemon { tablet, acked: 0 });
    }
    fleet
}

/// The writer is at work from before the copy begins until after it ended, and what came after the
/// copy is at the terminals still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_terminals_send_is_whole_and_they_send_again_what_it_lacks() {
    let centre = Centre::new().await;
    let mut fleet = fleet(&centre).await;
    let file = centre.dir.path().join("backup.sqlite");
    let (begun, begin) = tokio::sync::oneshot::channel();
    let (dir, target) = (centre.dir.path().to_owned(), file.clone());
    let copying = tokio::task::spawn_blocking(move || {
        begin.blocking_recv().expect("records are coming");
        backup(&dir, &target, &mut |_, _| {})
    });
    fleet[0].sync(&centre).await;
    begun.send(()).expect("the copy waits");
    for daemon in &mut fleet {
        daemon.sync(&centre).await;
    }
    let copied = copying.await.expect("no panic").expect("copied");
    assert!(copied.rows > 151, "{copied:?}");
    let before = all(&centre);

    let centre = centre.restored(&file);
    in_order(&centre).await;
    for daemon in &mut fleet {
        daemon.claim(&centre).await;
        daemon.sync(&centre).await;
    }
    assert_eq!(all(&centre), before);
    in_order(&centre).await;
    let hall = "371581-01".parse().expect("a hall");
    let keys = vec![SecretKey::public(&collector_key(suite()))];
    let report = centre.store.verify(hall, keys).await.expect("readable");
    assert!(report.is_good(), "{:?}", report.findings);
}

#[tokio::test]
async fn a_backup_replaces_no_file_and_takes_over_one_that_was_never_finished() {
    let centre = Centre::new().await;
    let other = tempfile::tempdir().expect("a directory");
    let file = other.path().join("b.sqlite");
    std::fs::write(other.path().join("b.sqlite.partial"), b"half").expect("written");
    backup(centre.dir.path(), &file, &mut |_, _| {}).expect("copied");
    assert_eq!(
        file.metadata().expect("there").permissions().mode() & 0o777,
        0o600
    );
    let kept = std::fs::read(&file).expect("readable");
    let again = backup(centre.dir.path(), &file, &mut |_, _| {});
    assert!(
        matches!(again, Err(BackupError::Exists { .. })),
        "{again:?}"
    );
    assert_eq!(std::fs::read(&file).expect("readable"), kept);
    let names = other.path().read_dir().expect("a directory");
    assert_eq!(names.count(), 1, "nothing is left beside it");
}

#[test]
fn a_damaged_database_gives_no_backup() {
    let dir = initialised();
    import_demo(dir.path());
    let path = dir.path().join(FILE_NAME);
    let mut bytes = std::fs::read(&path).expect("readable");
    let middle = bytes.len() / 2 / 4096 * 4096;
    for page in bytes[middle..].chunks_mut(4096).take(8) {
        page[..64].fill(0x5a);
    }
    std::fs::write(&path, bytes).expect("written");
    let file = dir.path().join("b.sqlite");
    let said = fails(dir.path(), &["backup", file.to_str().expect("a path")]);
    assert!(
        said.contains("damaged") || said.contains("malformed"),
        "{said}"
    );
    assert!(!file.exists());
}

#[test]
fn the_program_makes_a_backup_that_starts_a_collector_elsewhere() {
    let dir = initialised();
    import_demo(dir.path());
    let elsewhere = tempfile::tempdir().expect("a directory");
    let file = elsewhere.path().join(FILE_NAME);
    let said = succeeds(dir.path(), &["backup", file.to_str().expect("a path")]);
    assert!(
        said.contains("the copy was read through and fits"),
        "{said}"
    );
    let code = succeeds(elsewhere.path(), &["enrol-code", "--window", "A01"]);
    assert!(code.contains("A01"), "{code}");
    let nothing = tempfile::tempdir().expect("a directory");
    let error = backup(nothing.path(), &file.with_extension("2"), &mut |_, _| {});
    let missing = matches!(error, Err(BackupError::Store(StoreError::Missing { .. })));
    assert!(missing, "{error:?}");
}

/// Into another file here; into a server the same, where there is one to test with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_holds_everything_is_made_into_nothing_else_and_goes_on_after_it_was_cut_off() {
    let centre = Centre::new().await;
    for daemon in &mut fleet(&centre).await {
        daemon.sync(&centre).await;
    }
    let keys = vec![SecretKey::public(&collector_key(suite()))];
    let dir = tempfile::tempdir().expect("a directory");
    let target = Database::create(dir.path()).expect("a database");
    let mut lines = 0;
    let mut told = |_: Progress<'_>| lines += 1;
    let moved = copy(&centre.store, &target, keys.clone(), false, &mut told).await;
    let moved = moved.expect("copied");
    assert!(moved.rows > 453 && lines > 10, "{moved:?}");
    assert_eq!(moved.halls[0].1.records, 453);
    let again = copy(&centre.store, &target, keys.clone(), false, &mut |_| {}).await;
    assert!(
        matches!(again, Err(CopyError::NotEmpty { .. })),
        "{again:?}"
    );
    // As if it had been cut off.
    let db = rusqlite::Connection::open(dir.path().join(FILE_NAME)).expect("opens");
    db.execute_batch("DELETE FROM record WHERE seq > 50; DELETE FROM tally;")
        .expect("cut off");
    let resumed = copy(&centre.store, &target, keys.clone(), true, &mut |_| {}).await;
    assert_eq!(resumed.expect("gone on with"), moved);
    // A copy that is not what is here is none.
    db.execute_batch("UPDATE tally SET n = n + 1 WHERE level = 5")
        .expect("changed");
    let other = copy(&centre.store, &target, keys, true, &mut |_| {}).await;
    assert!(matches!(other, Err(CopyError::Check { .. })), "{other:?}");
    // Closed, it is one file.
    drop((target, db));
    let centre = centre.restored(&dir.path().join(FILE_NAME));
    assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 453);
}
