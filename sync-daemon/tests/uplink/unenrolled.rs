//! A daemon that starts on a terminal without an identity.

use manyi_shared::tablet::{
    EnrolOrder, EnrolProblem, EnrolProgress, EnrolState, Identity, read_key, wake,
};
use manyi_sync::daemon::Options;
use manyi_sync::uplink::Pace;

use crate::collector::{CODE, Collector};
use crate::relay::{Fault, Relay};
use crate::tablet::{Tablet, pace};
use crate::wait_for;

/// An unenrolled tablet, a collector, and a way between them.
struct Desk {
    collector: Collector,
    relay: Relay,
    tablet: Tablet,
}

impl Desk {
    async fn new() -> Self {
        let collector = Collector::start().await;
        let relay = Relay::start(collector.address).await;
        let tablet = Tablet::new();
        std::fs::create_dir_all(tablet.data.path()).unwrap();
        Self {
            collector,
            relay,
            tablet,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.relay.address)
    }

    fn options(&self) -> Options {
        Options {
            enrol_file: Some(self.boot_file()),
            ..self.tablet.options(pace())
        }
    }

    fn boot_file(&self) -> std::path::PathBuf {
        self.tablet.data.path().join("manyi-enrol.toml")
    }

    fn write_boot_file(&self, url: &str, code: &str) {
        let text = format!("collector = \"{url}\"\ncode = \"{code}\"\n");
        std::fs::write(self.boot_file(), text).unwrap();
    }

    fn order(&self, collector: &str, code: &str) {
        let order = EnrolOrder {
            collector: collector.to_owned(),
            code: code.to_owned(),
        };
        order.write(&self.tablet.data.enrol_order()).unwrap();
        drop(wake(&self.tablet.data.wake_socket()));
    }

    fn progress(&self) -> EnrolProgress {
        EnrolProgress::read(&self.tablet.data.enrol_progress()).unwrap_or_default()
    }

    async fn wait_for_problem(&self, problem: EnrolProblem) {
        wait_for(&format!("{problem:?}"), || {
            self.progress().problem == Some(problem)
        })
        .await;
    }

    /// Enrolled, told so, and at work as a daemon.
    async fn wait_until_at_work(&self) {
        wait_for("an exchange", || !self.collector.centre().heads.is_empty()).await;
        assert_eq!(self.progress().state, EnrolState::Done);
        let identity = self.tablet.identity();
        assert_eq!(identity.collector_url, self.url());
        assert!(!self.boot_file().exists());
    }
}

#[tokio::test]
async fn an_order_from_the_screen_enrols_and_the_same_process_goes_on_as_a_daemon() {
    let desk = Desk::new().await;
    let slow = Pace {
        poll: std::time::Duration::from_secs(600),
        ..pace()
    };
    let daemon = desk.tablet.serve(Options {
        pace: slow,
        ..desk.options()
    });
    let progress = desk.tablet.data.enrol_progress();
    wait_for("it waits", || progress.exists()).await;
    assert_eq!(desk.progress(), EnrolProgress::default());
    desk.order(&desk.url(), CODE);
    wait_for("the wake was heard", || {
        desk.tablet.data.identity().exists()
    })
    .await;
    assert!(!desk.tablet.data.enrol_order().exists());
    let mut terminal = desk.tablet.terminal();
    terminal.rate(2);
    wait_for("the ratings are there", || {
        desk.tablet.acknowledged() == [3]
    })
    .await;
    daemon.stop().await;
}

#[tokio::test]
async fn every_refusal_is_told_to_the_screen_and_the_next_order_is_tried() {
    let desk = Desk::new().await;
    let daemon = desk.tablet.serve(desk.options());
    let url = desk.url();
    for (collector, code, problem) in [
        ("rate.example.cn", CODE, EnrolProblem::AddressMalformed),
        (url.as_str(), "ABCD", EnrolProblem::CodeMalformed),
        (url.as_str(), "0000-0000", EnrolProblem::CodeRefused),
        ("http://127.0.0.1:9", CODE, EnrolProblem::Unreachable),
    ] {
        desk.order(collector, code);
        desk.wait_for_problem(problem).await;
        let progress = desk.progress();
        assert_eq!(progress.state, EnrolState::Failed);
        assert!(!progress.detail.is_empty() && !progress.detail.contains(code));
        assert!(!desk.tablet.data.enrol_order().exists());
    }
    std::fs::write(desk.tablet.data.enrol_order(), b"{").unwrap();
    desk.wait_for_problem(EnrolProblem::Other).await;
    desk.order(&format!(" {url} "), &CODE.to_lowercase());
    desk.wait_until_at_work().await;
    daemon.stop().await;
}

#[rstest::rstest]
#[case::portal("200 OK", "content-type: text/html\r\n", EnrolProblem::NotACollector)]
#[case::too_many("429 Slow", "", EnrolProblem::TooManyTries)]
#[case::broken("500 Oh", "", EnrolProblem::OfficeError)]
#[tokio::test]
async fn what_answers_instead_is_told_apart(
    #[case] status: &str,
    #[case] headers: &str,
    #[case] problem: EnrolProblem,
) {
    let desk = Desk::new().await;
    // It is tried again and again, so it goes on for as long as the test looks.
    desk.relay
        .then((0..500).map(|_| Fault::answer(status, headers, "")));
    let daemon = desk.tablet.serve(desk.options());
    desk.order(&desk.url(), CODE);
    desk.wait_for_problem(problem).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_file_on_the_boot_partition_enrols_once_the_network_is_there_and_goes() {
    let desk = Desk::new().await;
    desk.relay.then([
        Fault::CutBefore,
        Fault::CutAfterTaken,
        Fault::answer("200 OK", "content-type: text/html\r\n", "<html>"),
        Fault::CutReply,
    ]);
    desk.write_boot_file(&desk.url(), CODE);
    let daemon = desk.tablet.serve(desk.options());
    desk.wait_until_at_work().await;
    daemon.stop().await;
    assert_eq!(
        desk.collector.centre().terminals.len(),
        1,
        "one key, one terminal"
    );
}

#[tokio::test]
async fn a_refused_file_is_tried_once_and_a_corrected_one_at_once() {
    let desk = Desk::new().await;
    desk.write_boot_file(&desk.url(), "0000-0000");
    let daemon = desk.tablet.serve(desk.options());
    desk.wait_for_problem(EnrolProblem::CodeRefused).await;
    let order = |code: &'static str| async {
        desk.order(&desk.url(), code);
        wait_for("it was looked at", || {
            !desk.tablet.data.enrol_order().exists()
        })
        .await;
    };
    // Each order is looked at before the file is; the refused file is left alone meanwhile.
    for code in ["1", "2", "3"] {
        order(code).await;
    }
    desk.wait_for_problem(EnrolProblem::CodeMalformed).await;
    assert_eq!(desk.relay.pauses().len(), 0, "one request in all");
    assert!(
        desk.boot_file().exists(),
        "a refused file is left to be corrected"
    );
    desk.write_boot_file(&desk.url(), CODE);
    desk.wait_until_at_work().await;
    daemon.stop().await;
}

#[tokio::test]
async fn an_enrolment_that_was_cut_short_is_repeated_with_the_same_key() {
    let desk = Desk::new().await;
    desk.relay.then((0..500).map(|_| Fault::CutAfterTaken));
    let daemon = desk.tablet.serve(desk.options());
    desk.order(&desk.url(), CODE);
    desk.wait_for_problem(EnrolProblem::Unreachable).await;
    daemon.stop().await;
    desk.relay.calm_down();
    let key = read_key(&desk.tablet.data.key()).unwrap().public();
    let daemon = desk.tablet.serve(desk.options());
    desk.order(&desk.url(), CODE);
    desk.wait_until_at_work().await;
    daemon.stop().await;
    assert_eq!(read_key(&desk.tablet.data.key()).unwrap().public(), key);
    assert_eq!(desk.collector.centre().terminals.len(), 1);
}

#[tokio::test]
async fn what_a_cut_left_behind_after_the_identity_is_tidied_at_the_next_start() {
    let desk = Desk::new().await;
    desk.tablet.enrol(desk.relay.address, CODE).await.unwrap();
    desk.write_boot_file(&desk.url(), CODE);
    desk.order(&desk.url(), CODE);
    let before = Identity::read(&desk.tablet.data.identity()).unwrap();
    let daemon = desk.tablet.serve(desk.options());
    desk.wait_until_at_work().await;
    daemon.stop().await;
    assert!(!desk.tablet.data.enrol_order().exists());
    assert_eq!(desk.tablet.identity(), before);
}

#[tokio::test]
async fn an_identity_that_appears_by_itself_is_noticed() {
    let desk = Desk::new().await;
    desk.tablet.enrol(desk.relay.address, CODE).await.unwrap();
    let aside = desk.tablet.data.path().join("aside");
    std::fs::rename(desk.tablet.data.identity(), &aside).unwrap();
    let daemon = desk.tablet.serve(desk.options());
    let progress = desk.tablet.data.enrol_progress();
    wait_for("it waits", || progress.exists()).await;
    std::fs::rename(&aside, desk.tablet.data.identity()).unwrap();
    desk.wait_until_at_work().await;
    daemon.stop().await;
}

/// The hall is switched off every evening; the network comes on the third day.
#[rstest::rstest]
#[case::typed_at_the_screen(false)]
#[case::by_the_file(true)]
#[tokio::test]
async fn the_first_contact_comes_days_later_without_anybody_typing_again(#[case] by_file: bool) {
    let desk = Desk::new().await;
    desk.relay.then((0..12).map(|_| Fault::CutBefore));
    if by_file {
        desk.write_boot_file(&desk.url(), CODE);
    } else {
        desk.order(&desk.url(), CODE);
    }
    for evening in [3, 6] {
        let daemon = desk.tablet.serve(desk.options());
        wait_for("it tries again and again", || {
            desk.relay.pauses().len() >= evening
        })
        .await;
        desk.wait_for_problem(EnrolProblem::Unreachable).await;
        daemon.stop().await;
        assert!(!desk.tablet.data.identity().exists());
        assert!(!desk.tablet.data.enrol_order().exists());
        assert_eq!(desk.tablet.data.enrol_pending().exists(), !by_file);
    }
    let daemon = desk.tablet.serve(desk.options());
    desk.wait_until_at_work().await;
    daemon.stop().await;
    assert!(!desk.tablet.data.enrol_pending().exists());
    assert_eq!(desk.collector.centre().terminals.len(), 1);
}

#[tokio::test]
async fn an_order_that_waits_gives_way_to_another_and_goes_when_it_is_refused() {
    let desk = Desk::new().await;
    let pending = desk.tablet.data.enrol_pending();
    let daemon = desk.tablet.serve(desk.options());
    desk.order("http://127.0.0.1:9", CODE);
    desk.wait_for_problem(EnrolProblem::Unreachable).await;
    wait_for("it is kept", || pending.exists()).await;
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&pending).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    desk.order(&desk.url(), "0000-0000");
    desk.wait_for_problem(EnrolProblem::CodeRefused).await;
    wait_for("it is gone", || !pending.exists()).await;
    desk.order(&desk.url(), CODE);
    desk.wait_until_at_work().await;
    daemon.stop().await;
}
