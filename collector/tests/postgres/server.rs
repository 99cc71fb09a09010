//! The server itself: one that cannot keep promises is refused, one that goes away comes back.

use manyi_collector::config::PostgresSettings;
use manyi_collector::store::{Database, IngestStore, StoreError};
use manyi_shared::domain::Retry;

use crate::cluster::{Server, TestDatabase, settings, with_client};

fn words(error: StoreError) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

#[tokio::test]
async fn a_collector_is_not_ready_while_its_server_is_down_and_is_again_after() {
    let server = Server::start();
    let store = Database::create_postgres(&settings(&server.database("manyi")));
    let store = store.expect("a schema");
    store.ready().await.expect("ready");
    server.crash();
    let error = store.ready().await.expect_err("down");
    assert!(matches!(error.retry(), Retry::Backoff { .. }), "{error:?}");
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    server.start_again();
    store.ready().await.expect("ready again");
}

#[test]
fn a_server_that_does_not_sync_is_refused_by_name_of_the_setting() {
    let server = Server::start();
    let address = server.database("manyi");
    with_client(&address, |client| {
        client
            .batch_execute("ALTER SYSTEM SET fsync = off")
            .expect("set");
        let reload = "SELECT pg_reload_conf()";
        client.query(reload, &[]).expect("reloads");
    });
    // The signal takes its time.
    while with_client(&address, |client| {
        client
            .query_one("SHOW fsync", &[])
            .expect("reads")
            .get::<_, String>(0)
            == "on"
    }) {}
    let error = Database::create_postgres(&settings(&address)).expect_err("must be refused");
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::AfterOperator);
    let said = words(error);
    assert!(
        said.contains("`fsync` is `off`") && said.contains("power cut"),
        "{said}"
    );
}

#[test]
fn an_address_that_leads_nowhere_is_told_without_its_password() {
    let address = "postgres://manyi:geheim@%2Fnowhere/manyi";
    let error = Database::open_postgres(&settings(address)).expect_err("must be refused");
    let said = format!("{error:?}") + &words(error);
    assert!(said.contains("postgres://manyi@/nowhere"), "{said}");
    assert!(!said.contains("geheim"), "{said}");
}

#[test]
fn a_password_file_that_cannot_be_read_is_named() {
    let database = TestDatabase::new();
    let settings = PostgresSettings {
        password_file: Some("/nowhere/password".into()),
        ..database.settings()
    };
    let said = words(Database::open_postgres(&settings).expect_err("must be refused"));
    assert!(said.contains("`/nowhere/password`"), "{said}");
}

#[test]
fn a_server_elsewhere_is_asked_for_a_certificate_and_authorities_are_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, "no certificate\n").expect("written");
    let settings = PostgresSettings {
        ca_file: Some(file.clone()),
        ..settings("postgres://manyi@db.example.org/manyi")
    };
    // Found before anything is sent.
    let said = words(Database::open_postgres(&settings).expect_err("must be refused"));
    assert!(
        said.contains("authority") || said.contains(&file.display().to_string()),
        "{said}"
    );
}
