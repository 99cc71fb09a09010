//! The program as a technician runs it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use manyi_shared::tablet::{EnrolProgress, EnrolState};

use crate::collector::CODE;
use crate::profiles::{announcing, picture};
use crate::tablet::{Hall, Tablet};
use crate::{collector::Collector, wait_for};

pub(crate) fn program(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_manyi-sync"));
    command
        .env_clear()
        .arg("--data-dir")
        .arg(data)
        .args(arguments);
    command
}

pub(crate) async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn enrol_run_status_and_stop() {
    let collector = Collector::start().await;
    let tablet = Tablet::new();
    let url = format!("http://{}", collector.address);
    let folder = tablet.data.path();
    let enrolled = output(program(
        folder,
        &["enrol", "--collector", &url, "--code", CODE],
    ))
    .await;
    assert!(enrolled.status.success(), "{}", text(&enrolled.stderr));
    let fingerprint = collector.centre().key.public().fingerprint();
    let said = text(&enrolled.stdout);
    assert!(
        said.contains("A01") && said.contains(&fingerprint),
        "{said}"
    );
    assert!(!text(&enrolled.stderr).contains(CODE));

    tablet.terminal().rate(3);
    let mut daemon = program(folder, &[]).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the ratings are there", || tablet.acknowledged() == [4]).await;
    let status = output(program(folder, &["status", "--json"])).await;
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["journal"]["unacknowledged"], 0);
    assert_eq!(status["daemon_running"], true);
    assert_eq!(status["identity"]["window"], "A01");

    let process = rustix::process::Pid::from_child(&daemon);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    let mut ended = None;
    wait_for("the daemon ends", || {
        ended = daemon.try_wait().unwrap();
        ended.is_some()
    })
    .await;
    assert!(ended.unwrap().success());
}

#[tokio::test]
async fn a_terminal_that_is_not_enrolled_waits_and_says_so() {
    let tablet = Tablet::new();
    let folder = tablet.data.path();
    let mut daemon = program(folder, &["run"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = || EnrolProgress::read(&tablet.data.enrol_progress()).map(|p| p.state);
    wait_for("it waits", || state() == Some(EnrolState::Waiting)).await;
    let second = output(program(folder, &["run"])).await;
    assert!(text(&second.stderr).contains("another manyi-sync"));
    let status = output(program(folder, &["status", "--json"])).await;
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert!(
        status["identity"].is_null() && status["journal"].is_null(),
        "{status}"
    );
    assert_eq!(status["daemon_running"], true);
    let process = rustix::process::Pid::from_child(&daemon);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    let mut ended = None;
    wait_for("the daemon ends", || {
        ended = daemon.try_wait().unwrap();
        ended.is_some()
    })
    .await;
    assert!(ended.unwrap().success());
}

#[tokio::test]
async fn enrol_hands_over_to_a_daemon_that_waits_and_tells_what_it_says() {
    let collector = Collector::start().await;
    let tablet = Tablet::new();
    let folder = tablet.data.path();
    let mut daemon = program(folder, &["run"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let progress = tablet.data.enrol_progress();
    wait_for("it waits", || progress.exists()).await;
    let url = format!("http://{}", collector.address);
    let enrol = |code| {
        let arguments = ["enrol", "--collector", &url, "--code", code];
        output(program(folder, &arguments))
    };
    let refused = enrol("0000-0000").await;
    assert!(!refused.status.success());
    let said = text(&refused.stderr);
    assert!(
        said.contains("the code is wrong, expired or used"),
        "{said}"
    );
    let enrolled = enrol(CODE).await;
    assert!(text(&enrolled.stdout).contains("A01"), "{enrolled:?}");
    wait_for("an exchange", || !collector.centre().heads.is_empty()).await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// Kills the daemon without warning after one or two more files, again and again,
/// while a profile with files comes and ratings are sealed.
#[tokio::test]
async fn killed_at_any_moment_the_profile_is_whole_and_no_rating_is_lost() {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    let pictures: Vec<_> = (3..9).map(|side| hall.publish(picture(side))).collect();
    hall.collector.centre().profile = announcing(2, &pictures);
    let whole = || hall.version() == 1 || pictures.iter().all(|picture| hall.has(picture));
    for kill in 0..7 {
        terminal.rate(3);
        let mut daemon = program(hall.tablet.data.path(), &["run"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let before = hall.collector.centre().asked_for.len();
        wait_for("the moment", || {
            let asked = hall.collector.centre().asked_for.len();
            asked > before + kill % 2 || hall.version() == 2
        })
        .await;
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        assert!(whole(), "a profile without its files");
    }
    let daemon = hall.tablet.daemon();
    wait_for("version 2", || hall.version() == 2).await;
    wait_for("every rating is there", || hall.is_even()).await;
    daemon.stop().await;
    assert!(whole());
}

#[tokio::test]
async fn status_names_what_waits() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(2);
    let status = output(program(hall.tablet.data.path(), &["status", "--json"])).await;
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["journal"]["unacknowledged"], 3);
    assert_eq!(status["journal"]["streams"][0]["unacknowledged"], 3);
    assert_eq!(status["daemon_running"], false);
}

#[tokio::test]
async fn a_loopback_collector_is_not_asked_through_a_proxy() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(1);
    let mut command = program(hall.tablet.data.path(), &[]);
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:9");
    }
    let mut daemon = command.stderr(Stdio::null()).spawn().unwrap();
    wait_for("the rating is there", || hall.is_even()).await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[rstest::rstest]
#[case::unknown_key("colector_url = \"http://a\"", "colector_url")]
#[case::wrong_kind("poll_seconds = \"often\"", "poll_seconds")]
#[case::out_of_range("poll_seconds = 0", "poll_seconds")]
#[case::bad_address("collector_url = \"rate.example.cn\"", "rate.example.cn")]
#[case::bad_filter("log = \"manyi=[\"", "log")]
#[case::bad_format("log_format = \"xml\"", "xml")]
#[tokio::test]
async fn a_wrong_configuration_is_refused_by_name(#[case] toml: &str, #[case] named: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.toml");
    std::fs::write(&path, toml).unwrap();
    let config = path.to_str().unwrap();
    let checked = output(program(
        folder.path(),
        &["--config", config, "check-config"],
    ))
    .await;
    assert!(!checked.status.success());
    assert!(
        text(&checked.stderr).contains(named),
        "{}",
        text(&checked.stderr)
    );
}
