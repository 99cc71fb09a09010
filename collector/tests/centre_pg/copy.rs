//! Everything from one database into another.

use manyi_collector::store::Database;
use manyi_collector::store::copy::{CopyError, copy};
use manyi_shared::domain::Level;
use manyi_shared::wire::SecretKey;

use crate::days::{Dice, Work, work_on};
use crate::rules::send;
use crate::support::cluster::TestDatabase;
use crate::support::{Centre, NOW, collector_key, suite};

/// The check that a copy ends with compares every chain, column and count, so the two ways together
/// show that neither database keeps anything otherwise than the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_on_a_server_goes_into_a_file_and_from_there_to_another_server() {
    let centre = Centre::new().await;
    for (n, window) in ["A01", "B01"].into_iter().enumerate() {
        let mut tablet = centre.tablet(window).await;
        tablet.clock.wall_ms = NOW - 20 * 86_400_000;
        tablet.open_stream();
        work_on(
            &mut tablet,
            &Work::ordinary(),
            &mut Dice::new(n as u64),
            700,
        );
        tablet.rate(Level::Dissatisfied);
        tablet.amend(702, Level::Satisfied, &[406]);
        tablet.leave(702, "13800000000");
        tablet.misuse(702, 1, 50);
        tablet.self_test(20_260_324, Level::Satisfied);
        for first in [1, 401] {
            send(&centre, &mut tablet, first, 400).await;
        }
    }
    let keys = vec![SecretKey::public(&collector_key(suite()))];
    let dir = tempfile::tempdir().expect("a directory");
    let file = Database::create(dir.path()).expect("a database");
    let out = copy(&centre.store, &file, keys.clone(), false, &mut |_| {}).await;
    let out = out.expect("copied");
    assert_eq!(out.halls[0].1.records, 2 * 706);
    assert!(out.halls[0].1.is_good(), "{:?}", out.halls);

    let server = TestDatabase::new();
    let target = Database::open_postgres(&server.settings()).expect("a database");
    let back = copy(&file, &target, keys.clone(), false, &mut |_| {}).await;
    assert_eq!(back.expect("copied"), out);
    assert_eq!(target.tally_differences().await.expect("readable"), 0);
    assert_eq!(target.whole_differences().await.expect("readable"), 0);
    let outside = server.look(|client| {
        let sql = "SELECT COUNT(*) FROM record_other";
        client.query_one(sql, &[]).expect("reads").get::<_, i64>(0)
    });
    assert_eq!(outside, 0, "records are in their month's part");
    let again = copy(&file, &target, keys, false, &mut |_| {}).await;
    assert!(
        matches!(again, Err(CopyError::NotEmpty { .. })),
        "{again:?}"
    );
}
