//! The schema on PostgreSQL.

use manyi_collector::store::{Database, IngestStore, StoreError};

use crate::cluster::TestDatabase;

#[tokio::test]
async fn a_database_without_schema_is_left_as_it_is_until_init() {
    let database = TestDatabase::empty();
    let error = Database::open_postgres(&database.settings()).expect_err("must be refused");
    assert!(matches!(error, StoreError::Missing { .. }), "{error:?}");
    assert!(
        error.to_string().contains("manyi-collector init"),
        "{error}"
    );
    let tables = database.look(|client| {
        let sql = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
        client.query_one(sql, &[]).expect("reads").get::<_, i64>(0)
    });
    assert_eq!(tables, 0);
    let store = Database::create_postgres(&database.settings()).expect("a schema");
    store.ready().await.expect("ready");
}

#[tokio::test]
async fn several_programs_that_start_at_once_make_the_schema_once() {
    let database = TestDatabase::empty();
    let settings = database.settings();
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| Database::create_postgres(&settings).map(drop)))
            .collect();
        for start in starts {
            start.join().expect("no panic").expect("a schema");
        }
    });
    let store = Database::open_postgres(&settings).expect("there");
    assert!(store.halls().await.expect("readable").is_empty());
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_refused_and_left_as_it_is() {
    let database = TestDatabase::new();
    let store = Database::open_postgres(&database.settings()).expect("ours");
    database.look(|client| {
        client
            .batch_execute("UPDATE manyi_schema SET version = 99")
            .expect("set");
    });
    let error = Database::open_postgres(&database.settings()).expect_err("must be refused");
    assert!(
        matches!(error, StoreError::Newer { found: 99, .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("install the newer program"),
        "{error}"
    );
    // One that was running when the newer program came says so, too.
    let error = store.ready().await.expect_err("not ready");
    assert!(matches!(error, StoreError::Newer { .. }), "{error:?}");
}
