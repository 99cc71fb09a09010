//! What the office tells its terminals from the command line, and what it is told there.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use manyi_collector::store::sqlite::FILE_NAME;

use crate::program::{fails, import_demo, initialised, program, succeeds, text};
use crate::support::Centre;

/// Runs the program with this on its standard input.
fn typing(dir: &Path, args: &[&str], input: &str) -> Output {
    let mut child = program(dir, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut stdin = child.stdin.take().expect("an input");
    stdin.write_all(input.as_bytes()).expect("typed");
    drop(stdin);
    child.wait_with_output().expect("ends")
}

#[test]
fn a_pin_is_kept_as_a_hash_that_verifies() {
    use argon2::PasswordVerifier;
    let dir = initialised();
    import_demo(dir.path());
    let pin = ["technician-pin", "--window", "A01"];
    let short = typing(dir.path(), &pin, "12345\n");
    assert!(!short.status.success());
    assert!(text(&short.stderr).contains("6 to 12 digits"));
    let set = typing(dir.path(), &pin, "20260324\n");
    assert!(set.status.success(), "{}", text(&set.stderr));
    assert!(text(&set.stdout).contains("window A01 is set; terminals get profile version 2"));
    let db = rusqlite::Connection::open(dir.path().join(FILE_NAME)).expect("opens");
    let hash: String = db
        .query_row("SELECT hash FROM technician_pin", [], |row| row.get(0))
        .expect("one");
    let hash = argon2::password_hash::phc::PasswordHash::new(&hash).expect("a PHC string");
    let argon2 = argon2::Argon2::default();
    argon2.verify_password(b"20260324", &hash).expect("the PIN");
    argon2
        .verify_password(b"20260325", &hash)
        .expect_err("another");
    let said = fails(dir.path(), &["technician-pin", "--window", "Z99"]);
    assert!(said.contains("no window `Z99`"), "{said}");
    let removed = ["technician-pin", "--window", "A01", "--remove"];
    assert!(succeeds(dir.path(), &removed).contains("is removed"));
}

#[test]
fn a_window_is_paused_and_served_again() {
    let dir = initialised();
    import_demo(dir.path());
    let pause = ["window", "pause", "--window", "A01", "--text", "午休"];
    assert!(
        succeeds(dir.path(), &pause).contains("A01 is paused; terminals get profile version 2")
    );
    let resume = ["window", "resume", "--window", "A01"];
    assert!(succeeds(dir.path(), &resume).contains("profile version 3"));
    assert!(fails(dir.path(), &resume).contains("not paused"));
    let long = "长".repeat(201);
    let said = fails(
        dir.path(),
        &["window", "pause", "--window", "A01", "--text", &long],
    );
    assert!(said.contains("at most 200 characters"), "{said}");
}

#[tokio::test]
async fn messages_are_opened_for_those_who_call_back_and_the_reading_is_written_down() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(manyi_shared::domain::Level::VeryDissatisfied);
    tablet.leave(2, "13800000000");
    let body = tablet.send_all();
    centre.exchange(&tablet, body).await;
    let dir = centre.dir.path();
    let without = fails(dir, &["messages"]);
    assert!(without.contains("office.key"), "{without}");
    let key = crate::support::office_secret().to_bytes();
    std::fs::write(dir.join("office.key"), key).expect("written");
    let said = succeeds(dir, &["messages"]);
    assert_eq!(
        said,
        "2026-03-24 09:00\t371581-01\tA01\tphone\t非常不满意\t13800000000\n"
    );
    let json: serde_json::Value =
        serde_json::from_str(&succeeds(dir, &["messages", "--json"])).expect("JSON");
    assert_eq!(json["text"], "13800000000");
    assert_eq!(json["at"], "2026-03-24T09:00:00+08:00");
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM message_access WHERE messages = 1"),
        2,
        "who failed to read has read nothing"
    );
    // With another key they stay closed, and nothing is lost.
    std::fs::write(dir.join("office.key"), [9; 32]).expect("written");
    assert!(succeeds(dir, &["messages"]).contains("(the text is sealed to another key"));
}

#[tokio::test]
async fn whoever_opens_messages_names_which_and_is_listed() {
    let centre = Centre::new().await;
    for (window, day) in [("A01", 0), ("A02", 1), ("A01", 1)] {
        let mut tablet = centre.tablet(window).await;
        tablet.pass(day * 86_400_000);
        tablet.open_stream();
        tablet.rate(manyi_shared::domain::Level::VeryDissatisfied);
        tablet.leave(2, &format!("1380000000{day}"));
        centre.clock.set(tablet.clock.wall_ms);
        let body = tablet.send_all();
        centre.exchange(&tablet, body).await;
    }
    let dir = centre.dir.path();
    let elsewhere = tempfile::tempdir().expect("a directory");
    let file = elsewhere.path().join("held-by-the-office.key");
    std::fs::write(&file, crate::support::office_secret().to_bytes()).expect("written");
    let key = file.to_str().expect("a path");
    let lines = |args: &[&str]| {
        let all = [&["open-sealed", "--key", key], args].concat();
        succeeds(dir, &all).lines().count()
    };
    assert_eq!(lines(&[]), 3);
    assert_eq!(lines(&["--window", "A01"]), 2);
    assert_eq!(lines(&["--from", "2026-03-25"]), 2);
    assert_eq!(lines(&["--window", "A01", "--to", "2026-03-24"]), 1);
    assert_eq!(lines(&["--to", "2026-03-23"]), 0);
    let said = fails(dir, &["open-sealed", "--key", key, "--window", "Z99"]);
    assert!(said.contains("no window `Z99`"), "{said}");
    let said = succeeds(dir, &["open-sealed", "--accesses"]);
    let told: Vec<_> = said.lines().collect();
    assert_eq!(told.len(), 4, "who found nothing opened nothing: {said}");
    assert!(
        said.contains("\t1\twindow A01, until 2026-03-24T16:00:00Z"),
        "{said}"
    );
    assert!(told[3].ends_with("\t371581-01\t3\tall"), "{said}");
}

#[tokio::test]
async fn messages_of_an_exported_journal_are_opened_and_that_is_listed() {
    use base64::Engine as _;
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(manyi_shared::domain::Level::VeryDissatisfied);
    tablet.leave(2, "13800000000");
    let dir = centre.dir.path();
    let key = crate::support::office_secret().to_bytes();
    std::fs::write(dir.join("office.key"), key).expect("written");
    let line = |(seq, record): (usize, &Vec<u8>)| {
        let bytes = base64::engine::general_purpose::STANDARD.encode(record);
        serde_json::json!({"stream": tablet.stream, "seq": seq + 1, "bytes": bytes, "kind": "x"})
            .to_string()
    };
    let export: Vec<_> = tablet.records.iter().enumerate().map(line).collect();
    let file = dir.join("export.jsonl");
    std::fs::write(&file, export.join("\n")).expect("written");
    let path = file.to_str().expect("a path");
    let said = succeeds(dir, &["open-sealed", "--export", path]);
    assert_eq!(said, format!("{}\t2\tphone\t13800000000\n", tablet.stream));
    let said = succeeds(dir, &["open-sealed", "--accesses"]);
    assert!(said.contains("\t-\t1\tthe exported journal `"), "{said}");
    std::fs::write(&file, "{}").expect("written");
    let said = fails(dir, &["open-sealed", "--export", path]);
    assert!(said.contains("line 1"), "{said}");
}

#[tokio::test]
async fn alarms_are_listed_for_whoever_looks_after_the_terminals() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let dir = centre.dir.path();
    assert_eq!(succeeds(dir, &["alarms"]), "");
    let mut head = tablet.head(None);
    head.health.journal_problem = Some("disk full".to_owned());
    let body = head.seal(&[], &tablet.key).expect("an exchange");
    centre.exchange(&tablet, body).await;
    let said = succeeds(dir, &["alarms"]);
    assert!(
        said.contains("A01") && said.contains("cannot keep its records: disk full"),
        "{said}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&succeeds(dir, &["alarms", "--json"])).expect("JSON");
    assert_eq!(
        (&json["cause"], &json["window"]),
        (&"journal".into(), &"A01".into())
    );
}
