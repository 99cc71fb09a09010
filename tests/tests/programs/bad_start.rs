//! Starts that cannot go well: each says what is wrong, where, and what to do, and harms nothing.

use std::net::TcpListener;
use std::process::Command;

use manyi_e2e::programs::run;

use crate::rig::{Rig, bare};

/// Runs a command that must fail, and hands over what it said.
fn words_of(command: &mut Command) -> String {
    run(command).unwrap_err().to_string()
}

fn tablet_with_journal(content: &[u8]) -> Rig {
    let rig = Rig::enrolled().unwrap();
    std::fs::write(rig.tablet_dir().join("journal.sqlite"), content).unwrap();
    rig
}

#[test]
fn a_port_in_use_is_named_by_collector_and_terminal() {
    let rig = Rig::start().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut second = bare("manyi-collector").unwrap();
    second
        .arg("--data-dir")
        .arg(rig.folder.path().join("second"));
    run(second.arg("init")).unwrap();
    let mut serve = bare("manyi-collector").unwrap();
    serve
        .arg("--data-dir")
        .arg(rig.folder.path().join("second"))
        .arg("serve");
    let said = words_of(serve.env("MANYI_LISTEN", &address));
    assert!(said.contains(&address) && said.contains("in use"), "{said}");
    let mut terminal = rig.terminal_command().unwrap();
    let said = words_of(terminal.env("MANYI_LISTEN", &address));
    assert!(said.contains(&address) && said.contains("in use"), "{said}");
}

#[test]
fn a_missing_display_is_said_and_what_to_do_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = bare("manyi-terminal").unwrap();
    terminal
        .arg("--data-dir")
        .arg(folder.path())
        .env("MANYI_BACKEND", "window")
        .env("MANYI_LISTEN", "127.0.0.1:0")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
    let said = words_of(&mut terminal);
    assert!(said.contains("DISPLAY"), "{said}");
}

#[test]
fn missing_fonts_are_named_with_their_folder() {
    let rig = Rig::enrolled().unwrap();
    let mut terminal = rig.terminal_command().unwrap();
    let nowhere = rig.folder.path().join("no-fonts-here");
    let said = words_of(terminal.env("MANYI_FONTS_DIR", &nowhere));
    assert!(said.contains("no-fonts-here"), "{said}");
}

#[test]
fn an_unenrolled_tablet_is_out_of_service_and_starts_to_ask_once_it_is_enrolled() {
    let mut rig = Rig::enrolled().unwrap();
    let identity = rig.tablet_dir().join("identity.cbor");
    let aside = rig.folder.path().join("identity.cbor");
    std::fs::rename(&identity, &aside).unwrap();
    rig.launch_terminal().unwrap();
    let health = rig.wait_for_health("out_of_service").unwrap();
    assert_eq!(health["reason"], "not_enrolled", "{health}");
    let prompt = rig.http.post(
        &format!("{}/v1/prompts", rig.prompts()),
        &serde_json::json!({}),
    );
    assert_eq!(prompt.unwrap().status, 503);
    std::fs::rename(&aside, &identity).unwrap();
    rig.wait_for_health("ready").unwrap();
}

#[test]
fn a_file_that_is_no_journal_is_set_aside_and_the_terminal_asks() {
    let content = b"this is somebody's diary and not a journal of ratings".repeat(40);
    let mut rig = tablet_with_journal(&content);
    let journal = rig.tablet_dir().join("journal.sqlite");
    let mut look = bare("manyi-terminal").unwrap();
    let said = words_of(
        look.args(["journal", "list", "--data-dir"])
            .arg(rig.tablet_dir()),
    );
    assert!(said.contains("journal.sqlite"), "{said}");
    assert_eq!(
        std::fs::read(&journal).unwrap(),
        content,
        "looking touched it"
    );
    rig.launch_terminal().unwrap();
    rig.wait_for_health("ready").unwrap();
    let aside = rig.tablet_dir().join("journal.damaged-1.sqlite");
    assert_eq!(
        std::fs::read(aside).unwrap(),
        content,
        "the file was touched"
    );
}

#[test]
fn a_configuration_key_that_does_not_exist_is_named_by_every_program() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("bad.toml");
    std::fs::write(&config, "colour = \"red\"\n").unwrap();
    for program in ["manyi-terminal", "manyi-sync", "manyi-collector"] {
        let mut command = bare(program).unwrap();
        let said = words_of(command.arg("--config").arg(&config).arg("check-config"));
        assert!(said.contains("colour"), "{program}: {said}");
        let mut command = bare(program).unwrap();
        run(command.arg("check-config")).unwrap();
    }
}

#[test]
fn enrolment_says_what_is_wrong_with_a_code_and_with_an_address() {
    let rig = Rig::enrolled().unwrap();
    let office = rig.office();
    let enrol = |url: &str, code: &str| {
        let mut command = bare("manyi-sync").unwrap();
        command
            .arg("--data-dir")
            .arg(rig.folder.path().join("other"));
        words_of(command.args(["enrol", "--collector", url, "--code", code]))
    };
    let said = enrol(&office, "0000-0000");
    assert!(said.contains("code"), "{said}");
    let said = enrol(&office, "7KX2");
    assert!(said.contains("8"), "{said}");
    let said = enrol("http://127.0.0.1:9", "7KX2-9QWM");
    assert!(said.contains("127.0.0.1:9"), "{said}");
}
