//! The program itself, as a technician starts it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use manyi_collector::store::StoreError;
use manyi_collector::store::sqlite::{FILE_NAME, SqliteStore};

pub(crate) use crate::run::{fails, import_demo, initialised, program, succeeds, text};
use crate::support::{Centre, demo_data};

#[test]
fn init_makes_everything_once_and_prints_the_password_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    let first = succeeds(&data, &["init"]);
    assert!(
        first.contains("password:") && first.contains("fingerprint"),
        "{first}"
    );
    let mode = |path: &Path| path.metadata().expect("exists").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("collector.key")), 0o600);
    assert_eq!(mode(&data.join("office.key")), 0o600);
    let key = std::fs::read(data.join("collector.key")).expect("a key");
    assert_eq!(key.len(), 32);
    let second = succeeds(&data, &["init"]);
    assert!(!second.contains("password:  "), "{second}");
    assert_eq!(
        std::fs::read(data.join("collector.key")).expect("a key"),
        key
    );
}

#[rstest::rstest]
#[case("collector.key")]
#[case("office.key")]
fn a_damaged_key_is_never_replaced(#[case] name: &str) {
    let dir = initialised();
    let key = dir.path().join(name);
    std::fs::write(&key, b"short").expect("written");
    for said in [fails(dir.path(), &["init"]), fails(dir.path(), &["serve"])] {
        assert!(
            said.contains("5 bytes") && said.contains("backup"),
            "{said}"
        );
    }
    assert_eq!(std::fs::read(key).expect("a key"), b"short");
}

#[test]
fn an_office_key_that_is_missing_is_made_by_serve_and_reaches_profiles() {
    let dir = initialised();
    import_demo(dir.path());
    let key = dir.path().join("office.key");
    std::fs::remove_file(&key).expect("removed");
    let version = |dir: &Path| {
        let db = rusqlite::Connection::open(dir.join(FILE_NAME)).expect("opens");
        let sql = "SELECT profile_version FROM hall";
        db.query_row(sql, [], |row| row.get::<_, i64>(0))
            .expect("reads")
    };
    assert_eq!(version(dir.path()), 1);
    // The port is in use: `serve` gets as far as its keys.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for _ in 0..2 {
        let output = program(dir.path(), &["serve"])
            .env("MANYI_LISTEN", &address)
            .output();
        assert!(!output.expect("runs").status.success());
        assert_eq!(version(dir.path()), 2, "once");
    }
    assert_eq!(std::fs::read(key).expect("a key").len(), 32);
}

/// Version 1 was released: what it kept is still there, and the new columns are.
#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(FILE_NAME);
    let db = rusqlite::Connection::open(&path).expect("opens");
    db.execute_batch(include_str!("../../migrations/V1__first.sql"))
        .expect("the first schema");
    db.execute_batch(
        "INSERT INTO hall VALUES ('H1', '大厅', '371581', 'Asia/Shanghai', '服务台', 7);
         INSERT INTO staff VALUES ('H1', 'S1', '李文静', '综合受理岗', 'D1');
         INSERT INTO record (hall_id, terminal_id, stream_id, seq, bytes, received_ms, kind, at_ms,
           window_id, department_id, staff_id, item_code, channel, outcome, level)
           VALUES ('H1', x'01', x'02', 2, x'03', 1, 2, 900000, 'A01', 'D1', '', '', 4, 1, 5);
         INSERT INTO tally VALUES ('H1', 1, 'A01', 'D1', '', '', 4, 1, 5, 1);
         PRAGMA user_version = 1;",
    )
    .expect("some rows");
    drop(db);
    let store = SqliteStore::open(dir.path()).expect("brought up to date");
    assert_eq!(store.tally_differences().await.expect("readable"), 0);
    let db = rusqlite::Connection::open(&path).expect("opens");
    let row: (i64, Option<i64>, Option<i64>) = db
        .query_row(
            "SELECT r.level, r.misuse_kinds, s.stars FROM record r, staff s",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .expect("reads");
    assert_eq!(row, (5, None, None));
    let version: i64 = db
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("reads");
    let migrations = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"));
    let known = migrations.expect("there").count();
    assert_eq!(usize::try_from(version).expect("few"), known);
}

#[test]
fn nothing_runs_before_init() {
    let dir = tempfile::tempdir().expect("a directory");
    for args in [&["serve"][..], &["enrol-code", "--window", "A01"]] {
        let said = fails(dir.path(), args);
        assert!(said.contains("manyi-collector init"), "{said}");
    }
    assert_eq!(
        dir.path().read_dir().expect("a directory").count(),
        0,
        "nothing was made"
    );
}

#[test]
fn a_hall_is_imported_and_a_code_issued() {
    let dir = initialised();
    let none = fails(dir.path(), &["enrol-code", "--window", "A01"]);
    assert!(none.contains("hall import"), "{none}");
    let data = demo_data();
    let import = ["hall", "import", data.to_str().expect("a path")];
    assert!(succeeds(dir.path(), &import).contains("96 windows"));
    assert!(succeeds(dir.path(), &import).contains("nothing is different"));
    let said = succeeds(dir.path(), &["enrol-code", "--window", "A01"]);
    assert!(
        said.contains("A01") && said.contains("10 minutes"),
        "{said}"
    );
    let json = succeeds(dir.path(), &["enrol-code", "--window", "B02", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (&json["hall"], &json["window"]),
        (&"371581-01".into(), &"B02".into())
    );
    assert_eq!(json["code"].as_str().map(str::len), Some(9));
    let said = fails(dir.path(), &["enrol-code", "--window", "Z99"]);
    assert!(said.contains("no window `Z99`"), "{said}");
    let said = fails(
        dir.path(),
        &["enrol-code", "--window", "A01", "--hall", "1"],
    );
    assert!(said.contains("no hall `1`"), "{said}");
}

#[test]
fn a_terminal_that_does_not_exist_cannot_be_revoked() {
    let dir = initialised();
    assert_eq!(succeeds(dir.path(), &["terminal", "list"]), "");
    let id = "00000000-0000-4000-8000-000000000000";
    let said = fails(dir.path(), &["terminal", "revoke", id]);
    assert!(said.contains("no terminal"), "{said}");
}

#[test]
fn a_faulty_table_leaves_the_database_as_it_was() {
    let dir = initialised();
    let tables = tempfile::tempdir().expect("a directory");
    for file in ["hall", "departments", "staff", "windows", "items"] {
        let name = format!("{file}.csv");
        std::fs::copy(demo_data().join(&name), tables.path().join(&name)).expect("copied");
    }
    let items = tables.path().join("items.csv");
    let spoiled = std::fs::read_to_string(&items).expect("text") + "x,y\n";
    std::fs::write(&items, spoiled).expect("written");
    let path = tables.path().to_str().expect("a path");
    let said = fails(dir.path(), &["hall", "import", path]);
    assert!(
        said.contains("items.csv line 223: has 2 cells, not 3"),
        "{said}"
    );
    let db = rusqlite::Connection::open(dir.path().join(FILE_NAME)).expect("opens");
    let halls: i64 = db
        .query_row("SELECT COUNT(*) FROM hall", [], |r| r.get(0))
        .expect("reads");
    assert_eq!(halls, 0);
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let dir = initialised();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = program(dir.path(), &["serve"])
        .env("MANYI_LISTEN", &address)
        .output()
        .expect("runs");
    let said = text(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains(&address) && said.contains("another port"),
        "{said}"
    );
}

#[test]
fn serve_answers_and_stops_in_order() {
    let dir = initialised();
    let mut serve = program(dir.path(), &["serve"])
        .env("MANYI_LISTEN", "127.0.0.1:0")
        .env("MANYI_LOG_FORMAT", "json")
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut log = BufReader::new(serve.stderr.take().expect("a log"));
    let mut line = String::new();
    log.read_line(&mut line).expect("a line");
    let said: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let address = said["address"].as_str().expect("an address");
    let mut stream = TcpStream::connect(address).expect("connects");
    let request = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // The shell's own `kill`: small images have no program of that name.
    let kill = format!("kill {}", serve.id());
    let stop = Command::new("sh").args(["-c", &kill]).status().expect("sh");
    assert!(stop.success());
    assert!(serve.wait().expect("ends").success());
}

#[test]
fn a_wrong_configuration_is_refused_by_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("c.toml");
    std::fs::write(&file, "session_hours = 12\nlissen = \"x\"\n").expect("written");
    let said = fails(
        dir.path(),
        &["check-config", "--config", file.to_str().expect("a path")],
    );
    assert!(said.contains("lissen") && said.contains("c.toml"), "{said}");
    assert!(succeeds(dir.path(), &["check-config"]).contains("listen = \"127.0.0.1:8080\""));
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_left_as_it_is() {
    let centre = Centre::new().await;
    let Centre { dir, .. } = centre;
    let path = dir.path().join(FILE_NAME);
    let db = rusqlite::Connection::open(&path).expect("opens");
    db.pragma_update(None, "user_version", 99).expect("set");
    let error = SqliteStore::open(dir.path()).expect_err("must be refused");
    assert!(
        matches!(error, StoreError::Newer { found: 99, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("collector.sqlite"), "{error}");
    let halls: i64 = db
        .query_row("SELECT COUNT(*) FROM hall", [], |r| r.get(0))
        .expect("reads");
    assert_eq!(halls, 1);
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(FILE_NAME);
    let junk = vec![b'x'; 8192];
    std::fs::write(&path, &junk).expect("written");
    for said in [fails(dir.path(), &["init"]), fails(dir.path(), &["serve"])] {
        assert!(
            said.contains("collector.sqlite") && said.contains("not a database"),
            "{said}"
        );
    }
    assert_eq!(std::fs::read(&path).expect("there"), junk);
}
