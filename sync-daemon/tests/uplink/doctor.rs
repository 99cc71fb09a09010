//! `manyi-sync doctor` and `status` on tablets with real troubles.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use manyi_sync::doctor::{Check, Doctor, Report, Verdict};
use manyi_sync::link::LinkOptions;
use manyi_sync::settings::ProxyChoice;
use tokio::net::TcpListener;

use crate::program::{output, program, text};
use crate::proxy::{NAME, Proxy};
use crate::tablet::{Hall, Tablet};
use crate::tls::{Card, Office};
use crate::wait_for;

fn doctor(tablet: &Tablet, url: &str, link: LinkOptions) -> Doctor {
    Doctor {
        data: tablet.data.clone(),
        collector_url: Some(url.to_owned()),
        link,
        enrol_file: None,
    }
}

fn check<'a>(report: &'a Report, name: &str) -> &'a Check {
    let found = report.checks.iter().find(|check| check.check == name);
    found.unwrap()
}

/// Everything from the proxy to the collector, without ports.
fn way(report: &Report) -> String {
    let steps = ["proxy", "name", "connection", "tls", "collector"];
    let lines = steps.map(|step| {
        let check = check(report, step);
        match &check.next {
            // What a name resolves to is the machine's own matter.
            None if step == "name" => format!("{step} {:?}", check.verdict),
            None => format!("{step} {:?}: {}", check.verdict, check.found),
            Some(next) => format!("{step} {:?}: {}\n  {next}", check.verdict, check.found),
        }
    });
    let mut said = lines.join("\n");
    while let Some(at) = said.find("127.0.0.1:") {
        let rest = &said[at + 10..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        said.replace_range(at..at + 10 + digits, "HERE");
    }
    said
}

async fn examine(tablet: &Tablet, url: &str) -> Report {
    doctor(tablet, url, tablet.link()).examine().await
}

#[tokio::test]
async fn a_tablet_that_is_well_is_told_so() {
    let hall = Hall::new().await;
    hall.tablet.clock.synchronise_now();
    hall.tablet.terminal().rate(2);
    let daemon = hall.tablet.daemon();
    wait_for("all is sent", || hall.is_even()).await;
    let url = format!("http://{}", hall.collector.address);
    let report = examine(&hall.tablet, &url).await;
    daemon.stop().await;
    let troubles: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.verdict != Verdict::Ok && check.check != "disk")
        .collect();
    assert!(troubles.is_empty(), "{}", report.text());
    assert!(report.is_fine());
    assert!(check(&report, "journal").found.starts_with("3 records"));
    assert!(
        check(&report, "clock")
            .found
            .ends_with("as the centre's does")
    );
    assert_eq!(
        report.checks.iter().map(|c| c.check).collect::<Vec<_>>(),
        [
            "address",
            "proxy",
            "name",
            "connection",
            "tls",
            "collector",
            "clock",
            "key",
            "disk",
            "journal",
            "daemon"
        ]
    );
}

/// An address where nothing listens.
async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Answers everything in this way.
async fn somebody_else(status: StatusCode, kind: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = move || async move {
        let to = "http://login.hall.example.cn/";
        (status, [(CONTENT_TYPE, kind), (LOCATION, to)], body)
    };
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_told_apart() {
    let tablet = Tablet::new();
    let closed = examine(&tablet, &format!("https://{}", closed_port().await)).await;
    insta::assert_snapshot!("a_closed_port", way(&closed));
    let unknown = examine(&tablet, "https://rate.example.invalid").await;
    let name = check(&unknown, "name");
    assert_eq!(name.verdict, Verdict::Bad);
    assert!(
        name.found
            .starts_with("rate.example.invalid cannot be resolved: "),
        "{name:?}"
    );
    assert_eq!(check(&unknown, "connection").verdict, Verdict::NotTried);
    assert!(!unknown.is_fine());
}

#[rstest::rstest]
#[case::portal("a_portal", StatusCode::FOUND, "text/html", "")]
#[case::page("somebody_elses_page", StatusCode::OK, "text/html", "<html>")]
#[case::fault("a_faulty_collector", StatusCode::BAD_GATEWAY, "text/html", "nginx")]
#[case::hidden("a_hidden_health_page", StatusCode::NOT_FOUND, "text/plain", "")]
#[tokio::test]
async fn what_answers_in_place_of_the_collector_is_named(
    #[case] name: &str,
    #[case] status: StatusCode,
    #[case] kind: &'static str,
    #[case] body: &'static str,
) {
    let url = somebody_else(status, kind, body).await;
    let report = examine(&Tablet::new(), &url).await;
    insta::assert_snapshot!(name, way(&report));
}

#[rstest::rstest]
#[case::wrong_name("a_wrong_name", Card { name: NAME, ..Card::default() })]
#[case::stranger("a_stranger", Card { known: false, ..Card::default() })]
#[case::ended("an_ended_certificate", Card { years: (2020, 2022), ..Card::default() })]
#[case::not_begun("a_certificate_to_come", Card { years: (2048, 2050), ..Card::default() })]
#[tokio::test]
async fn a_wrong_certificate_is_explained(#[case] name: &str, #[case] card: Card) {
    let office = Office::new(card).await;
    office.tablet.clock.synchronise(2030);
    let report = doctor(&office.tablet, &office.url, office.link(true))
        .examine()
        .await;
    let mut said = way(&report);
    if let Some(at) = said.find("by this tablet it is ") {
        let end = at + said[at..].find('\n').unwrap();
        said.replace_range(at..end, "by this tablet it is NOW");
    }
    insta::assert_snapshot!(name, said);
}

#[tokio::test]
async fn https_to_a_server_without_tls_and_a_certificate_taken_in_doubt() {
    let hall = Hall::new().await;
    let report = examine(&hall.tablet, &format!("https://{}", hall.collector.address)).await;
    insta::assert_snapshot!("no_tls", way(&report));

    let office = Office::new(Card {
        years: (2048, 2050),
        ..Card::default()
    })
    .await;
    office.tablet.clock.set(1970);
    let report = doctor(&office.tablet, &office.url, office.link(true))
        .examine()
        .await;
    let tls = check(&report, "tls");
    assert_eq!(tls.verdict, Verdict::Warn);
    assert!(tls.found.contains("is valid from"), "{tls:?}");
    assert_eq!(check(&report, "collector").verdict, Verdict::Ok);
    let clock = check(&report, "clock");
    assert_eq!(clock.verdict, Verdict::Warn);
    assert!(
        clock.found.contains("years behind the centre's"),
        "{clock:?}"
    );
}

#[tokio::test]
async fn a_proxy_is_tried_in_place_of_the_collector_and_its_refusal_explained() {
    let office = Office::new(Card {
        name: NAME,
        ..Card::default()
    })
    .await;
    let proxy = Proxy::start(office.address(), true).await;
    let link = |choice| LinkOptions {
        proxy: choice,
        ..office.link(true)
    };
    let url = format!("https://{NAME}");
    let refused = doctor(&office.tablet, &url, link(proxy.choice("")));
    insta::assert_snapshot!("a_proxy_wants_a_password", way(&refused.examine().await));
    let through = doctor(&office.tablet, &url, link(proxy.choice("user:password@")));
    insta::assert_snapshot!("through_a_proxy", way(&through.examine().await));
    let nobody = ProxyChoice::At(format!("http://{}", closed_port().await));
    let closed = doctor(&office.tablet, &url, link(nobody));
    insta::assert_snapshot!("a_closed_proxy", way(&closed.examine().await));
}

#[tokio::test]
async fn key_journal_and_daemon_are_examined() {
    let hall = Hall::new().await;
    let url = format!("http://{}", hall.collector.address);
    let data = &hall.tablet.data;
    std::fs::set_permissions(data.key(), PermissionsExt::from_mode(0o644)).unwrap();
    let report = examine(&hall.tablet, &url).await;
    assert!(check(&report, "key").found.contains("mode 644"));
    assert_eq!(check(&report, "journal").verdict, Verdict::Warn);
    assert_eq!(check(&report, "daemon").found, "is not running");

    hall.tablet.terminal().rate(3);
    let report = examine(&hall.tablet, &url).await;
    assert!(
        check(&report, "journal")
            .found
            .contains("4 not acknowledged")
    );

    // A letter of the first record is another one.
    let mut bytes = std::fs::read(data.journal()).unwrap();
    let at = bytes.windows(4).position(|four| four == b"test").unwrap();
    bytes[at] = b'b';
    std::fs::write(data.journal(), &bytes).unwrap();
    let report = examine(&hall.tablet, &url).await;
    let journal = check(&report, "journal");
    assert_eq!(journal.verdict, Verdict::Bad);
    assert!(
        journal.found.contains("the chain breaks at record 1"),
        "{journal:?}"
    );

    // A page is rubbish.
    bytes[4096..8192].fill(0x5a);
    std::fs::write(data.journal(), &bytes).unwrap();
    let report = examine(&hall.tablet, &url).await;
    let journal = check(&report, "journal");
    assert_eq!(journal.verdict, Verdict::Bad);
    assert!(
        journal.found.contains("cannot be read as a journal"),
        "{journal:?}"
    );
    assert!(data.journal().exists());
}

/// On a full disk: a small file system where this process may make one, and where it may not, a
/// process that may not write a byte.
fn on_a_full_disk(folder: &Path) -> Command {
    let may = Command::new("unshare").args(["-rm", "true"]).output();
    let program = env!("CARGO_BIN_EXE_manyi-sync");
    let full = format!(
        "mount -t tmpfs -o size=32k none '{0}' && {{ cat /dev/zero > '{0}/rest' 2>/dev/null; \
         exec {program} --data-dir '{0}' doctor; }}",
        folder.display()
    );
    let limited = format!(
        "trap '' XFSZ; ulimit -f 0; exec {program} --data-dir '{}' doctor",
        folder.display()
    );
    let mut command = Command::new(if may.is_ok_and(|may| may.status.success()) {
        "unshare"
    } else {
        "sh"
    });
    if command.get_program() == "unshare" {
        command.args(["-rm", "sh", "-c", &full]);
    } else {
        command.args(["-c", &limited]);
    }
    command
}

#[tokio::test]
async fn a_full_disk_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let said = output(on_a_full_disk(folder.path())).await;
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let said = text(&said.stdout);
    assert!(said.contains("cannot be written"), "{said}");
    assert!(said.contains("never delete journal.sqlite"), "{said}");
}

#[tokio::test]
async fn exit_codes_and_json_are_for_machines() {
    let hall = Hall::new().await;
    let folder = hall.tablet.data.path();
    let url = format!("http://{}", hall.collector.address);
    hall.tablet.terminal().rate(1);
    let ill = output(program(folder, &["doctor", "--json", "--collector", &url])).await;
    assert_eq!(ill.status.code(), Some(1), "no daemon");
    let report: serde_json::Value = serde_json::from_slice(&ill.stdout).unwrap();
    assert_eq!(report["verdict"], "bad");
    assert_eq!(report["checks"].as_array().unwrap().len(), 11);
    let status = output(program(folder, &["status"])).await;
    assert_eq!(status.status.code(), Some(1), "no daemon");
    assert!(text(&status.stdout).contains("the daemon is not running"));

    let daemon = hall.tablet.daemon();
    wait_for("all is sent", || hall.is_even()).await;
    let url = ["doctor", "--collector", &url];
    let well = output(program(folder, &url)).await;
    assert_eq!(well.status.code(), Some(0), "{}", text(&well.stdout));
    let status = output(program(folder, &["status"])).await;
    assert_eq!(status.status.code(), Some(0), "{}", text(&status.stdout));
    daemon.stop().await;

    let usage = output(program(folder, &["doctor", "--colector", "x"])).await;
    assert_eq!(usage.status.code(), Some(2));
}

#[tokio::test]
async fn an_unenrolled_terminal_is_examined_by_the_address_in_its_file() {
    let hall = Hall::new().await;
    let tablet = Tablet::new();
    std::fs::create_dir_all(tablet.data.path()).unwrap();
    let file = tablet.data.path().join("manyi-enrol.toml");
    let text = format!(
        "collector = \"http://{}\"\ncode = \"7KX2-9QWM\"\n",
        hall.collector.address
    );
    std::fs::write(&file, text).unwrap();
    let report = Doctor {
        data: tablet.data.clone(),
        collector_url: None,
        link: tablet.link(),
        enrol_file: Some(file),
    }
    .examine()
    .await;
    assert!(
        check(&report, "address")
            .found
            .contains("is not enrolled; examining http://")
    );
    assert_eq!(check(&report, "collector").verdict, Verdict::Ok);
    assert_eq!(check(&report, "key").verdict, Verdict::NotTried);
    let nowhere = doctor(&tablet, "rate.example.cn", tablet.link());
    let report = nowhere.examine().await;
    let name = check(&report, "name");
    assert!(name.found.contains("is not usable"), "{name:?}");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_even_when_nobody_can_be_asked() {
    let tablet = Tablet::new();
    std::fs::create_dir_all(tablet.data.path()).unwrap();
    tablet.clock.set(1970);
    let report = examine(&tablet, &format!("http://{}", closed_port().await)).await;
    let clock = check(&report, "clock");
    assert!(clock.found.contains("is certainly wrong"), "{clock:?}");
}
