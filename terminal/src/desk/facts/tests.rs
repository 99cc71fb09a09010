use manyi_shared::domain::{BootId, HallId, TerminalId, WindowId};
use manyi_shared::journal::{Opening, Writer};
use manyi_shared::wire::SecretKey;
use tempfile::TempDir;

use super::machine::gibibytes;
use super::unsent::duration;
use super::*;
use crate::flow::Millis;

fn reading(uptime_ms: u64, synchronised: bool) -> ClockReading {
    ClockReading {
        wall_ms: 1_772_415_667_000_i64.saturating_add_unsigned(uptime_ms),
        uptime_ms,
        boot: BootId::from_bytes([7; 16]),
        synchronised,
    }
}

fn known() -> Known {
    Known {
        hall: ("临江市政务服务中心".to_owned(), "330100-01".to_owned()),
        window: (
            "A12".to_owned(),
            "综合服务窗口".to_owned(),
            "W12".to_owned(),
        ),
        time_zone: "Asia/Shanghai".to_owned(),
        profile_version: 17,
        clock: reading(60_000, true),
        journal: Some((StreamId::from_bytes([0x5b; 16]), Seq::new(8812))),
        self_test: Some(SelfTest {
            text: "2026-03-02 08:30 · 5/5".to_owned(),
            good: true,
        }),
    }
}

fn places(folder: &TempDir) -> Places {
    let interfaces = folder.path().join("net");
    for (name, state) in [("lo", "unknown"), ("wlan0", "down"), ("eth0", "up")] {
        std::fs::create_dir_all(interfaces.join(name)).unwrap();
        std::fs::write(
            interfaces.join(name).join("operstate"),
            format!("{state}\n"),
        )
        .unwrap();
    }
    let data = DataDir::new(folder.path());
    let identity = Identity {
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new("330100-01").unwrap(),
        window: WindowId::new("W12").unwrap(),
        collector: SecretKey::from_seed(&[3; 32]).public(),
        collector_url: "http://127.0.0.1:8080".to_owned(),
    };
    identity.write(&data.identity()).unwrap();
    Places { data, interfaces }
}

fn writer(places: &Places) -> Writer {
    let opening = Opening {
        suite: manyi_shared::wire::Suite::Ed25519Sha256,
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new("330100-01").unwrap(),
        window: WindowId::new("W12").unwrap(),
        software: "manyi-terminal test".to_owned(),
    };
    Writer::open(&places.data.journal(), &opening, reading(0, true)).unwrap()
}

fn of(fact: Fact, lines: &[FactValue]) -> (&str, bool) {
    let line = lines.iter().find(|line| line.fact == fact).unwrap();
    (&line.value, line.bad)
}

fn uplink() -> UplinkStatus {
    UplinkStatus {
        collector: "http://127.0.0.1:8080".to_owned(),
        boot: BootId::from_bytes([7; 16]).to_string(),
        ..UplinkStatus::default()
    }
}

#[test]
fn a_healthy_terminal_tells_thirteen_facts_and_none_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(&folder);
    let _writer = writer(&places);
    uplink().write(&places.data.uplink_status()).unwrap();
    let lines = read(&known(), &places);
    let expected = [
        (Fact::Terminal, "01010101-0101-0101-0101-010101010101"),
        (Fact::Hall, "临江市政务服务中心 (330100-01)"),
        (Fact::Window, "A12 综合服务窗口 (W12)"),
        (Fact::Software, SOFTWARE),
        (Fact::Profile, "17"),
        (Fact::Collector, "http://127.0.0.1:8080"),
        (Fact::Network, "eth0 up, wlan0 down · 127.0.0.1"),
        (Fact::Backlog, "1"),
        (Fact::OldestUnsent, "1 min 0 s"),
        (Fact::Clock, "2026-03-02 09:42:07 +08:00"),
        (Fact::Journal, "5b5b5b5b · 8812"),
        (Fact::SelfTest, "2026-03-02 08:30 · 5/5"),
    ];
    for (fact, value) in expected {
        assert_eq!(of(fact, &lines), (value, false), "{fact:?}");
    }
    assert_eq!(lines.len(), 13);
    assert!(of(Fact::Disk, &lines).0.ends_with(" GiB"), "{lines:?}");
}

#[test]
fn a_folder_that_holds_nothing_tells_what_is_missing_and_does_not_fail() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places {
        data: DataDir::new(folder.path().join("nowhere")),
        interfaces: folder.path().join("no-net"),
    };
    let lines = read(
        &Known {
            journal: None,
            self_test: None,
            ..known()
        },
        &places,
    );
    assert_eq!(lines.len(), 13);
    for fact in [Fact::Terminal, Fact::Collector, Fact::Disk, Fact::Journal] {
        assert!(of(fact, &lines).1, "{fact:?}");
    }
    assert_eq!(of(Fact::Backlog, &lines), ("0", false));
    assert_eq!(of(Fact::SelfTest, &lines), ("-", false));
}

#[test]
fn what_the_daemon_says_is_told_and_marked() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(&folder);
    let status = UplinkStatus {
        problem: Some("connection refused".to_owned()),
        profile_problem: Some("version 18: ask_seconds is 1".to_owned()),
        ..uplink()
    };
    status.write(&places.data.uplink_status()).unwrap();
    let lines = read(&known(), &places);
    assert_eq!(
        of(Fact::Collector, &lines),
        ("http://127.0.0.1:8080 · connection refused", true)
    );
    assert_eq!(
        of(Fact::Profile, &lines),
        ("17 · version 18: ask_seconds is 1", true)
    );
}

#[test]
fn a_revoked_terminal_says_since_when() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(&folder);
    let status = UplinkStatus {
        problem: Some("the office took this tablet's identity back".to_owned()),
        revoked: true,
        revoked_since_ms: Some(1_772_415_727_000),
        ..uplink()
    };
    status.write(&places.data.uplink_status()).unwrap();
    let told = "http://127.0.0.1:8080 · the office took this tablet's identity back · \
                2026-03-02 09:42:07 +08:00";
    assert_eq!(of(Fact::Collector, &read(&known(), &places)), (told, true));
}

#[test]
fn what_a_daemon_said_before_the_power_cut_is_no_news() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(&folder);
    let status = UplinkStatus {
        boot: BootId::from_bytes([8; 16]).to_string(),
        ..uplink()
    };
    status.write(&places.data.uplink_status()).unwrap();
    assert_eq!(
        of(Fact::Collector, &read(&known(), &places)),
        ("http://127.0.0.1:8080", true)
    );
}

#[test]
fn a_damaged_journal_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(&folder);
    std::fs::write(places.data.journal(), b"no journal at all").unwrap();
    let lines = read(&known(), &places);
    let (text, bad) = of(Fact::Backlog, &lines);
    assert!(
        bad && text.contains("cannot be read as a journal"),
        "{text}"
    );
    assert_eq!(of(Fact::OldestUnsent, &lines), ("-", true));
    assert_eq!(
        std::fs::read(places.data.journal()).unwrap(),
        b"no journal at all"
    );
}

#[rstest::rstest]
#[case::none(0, None, "0", false, "-", false)]
#[case::few(100, Some(600_000), "100", false, "10 min 0 s", false)]
#[case::many(101, Some(5_000), "101", true, "5 s", false)]
#[case::old(1, Some(600_001), "1", false, "10 min 0 s", true)]
#[case::age_not_known(7, None, "7", false, "-", false)]
#[case::nothing_has_no_age(0, Some(900_000), "0", false, "-", false)]
fn a_backlog_is_bad_when_it_is_large_or_old(
    #[case] records: u64,
    #[case] oldest_ms: Option<Millis>,
    #[case] count: &str,
    #[case] count_bad: bool,
    #[case] age: &str,
    #[case] age_bad: bool,
) {
    let [backlog, oldest] = unsent_lines(&Ok(Unsent { records, oldest_ms }), None);
    assert_eq!((backlog.value.as_str(), backlog.bad), (count, count_bad));
    assert_eq!((oldest.value.as_str(), oldest.bad), (age, age_bad));
}

#[test]
fn an_age_that_the_journal_has_lost_is_the_daemons() {
    let unsent = Ok(Unsent {
        records: 3,
        oldest_ms: None,
    });
    let status = UplinkStatus {
        oldest_unsent_ms: Some(7_200_000),
        ..uplink()
    };
    let [_, oldest] = unsent_lines(&unsent, Some(&status));
    assert_eq!((oldest.value.as_str(), oldest.bad), ("2 h 0 min", true));
}

#[rstest::rstest]
#[case::same_boot(7, true, 90_000, Some(90_000))]
#[case::same_boot_wrong_clock(7, false, 90_000, Some(90_000))]
#[case::other_boot(8, true, 90_000, Some(90_000))]
#[case::other_boot_wrong_clock(8, false, 90_000, None)]
fn an_age_is_told_only_by_a_clock_that_can_tell_it(
    #[case] boot: u8,
    #[case] synchronised: bool,
    #[case] later: u64,
    #[case] age: Option<Millis>,
) {
    let folder = tempfile::tempdir().unwrap();
    let places = places(&folder);
    drop(writer(&places));
    let now = ClockReading {
        boot: BootId::from_bytes([boot; 16]),
        ..reading(later, synchronised)
    };
    let journal = Reader::open(&places.data.journal()).unwrap();
    let unsent = Unsent::count(&journal, &now).unwrap();
    assert_eq!((unsent.records, unsent.oldest_ms), (1, age));
}

#[rstest::rstest]
#[case(0, "0 s")]
#[case(59_999, "59 s")]
#[case(60_000, "1 min 0 s")]
#[case(3_599_999, "59 min 59 s")]
#[case(11_520_000, "3 h 12 min")]
#[case(90_000_000, "1 d 1 h")]
fn a_duration_has_its_two_largest_units(#[case] ms: Millis, #[case] text: &str) {
    assert_eq!(duration(ms), text);
}

#[rstest::rstest]
#[case(0, "0.0 GiB")]
#[case((1 << 30) - 1, "0.9 GiB")]
#[case(31_272_730_624, "29.1 GiB")]
#[case(u64::MAX, "17179869183.9 GiB")]
fn a_size_is_rounded_down(#[case] bytes: u64, #[case] text: &str) {
    assert_eq!(gibibytes(bytes), text);
}

#[rstest::rstest]
#[case::synchronised(true, "Asia/Shanghai", "2026-03-02 09:41:07 +08:00", false)]
#[case::not_set(false, "Asia/Shanghai", "2026-03-02 09:41:07 +08:00", true)]
#[case::unknown_zone(true, "Mars/Olympus", "2026-03-02 01:41:07 Z", false)]
fn the_clock_is_told_as_it_stands(
    #[case] synchronised: bool,
    #[case] zone: &str,
    #[case] text: &str,
    #[case] bad: bool,
) {
    let line = clock(&reading(0, synchronised), zone);
    assert_eq!((line.value.as_str(), line.bad), (text, bad));
}

#[rstest::rstest]
#[case::cable(&[("eth0", "up")], Some("10.3.4.12"), "eth0 up · 10.3.4.12", false)]
#[case::no_address(&[("eth0", "up"), ("wlan0", "down")], None, "eth0 up, wlan0 down · -", true)]
#[case::nothing(&[], None, "-", true)]
#[case::only_an_address(&[], Some("fd00::7"), "fd00::7", false)]
fn no_way_to_the_collector_is_bad(
    #[case] interfaces: &[(&str, &str)],
    #[case] local: Option<&str>,
    #[case] text: &str,
    #[case] bad: bool,
) {
    let interfaces: Vec<_> = interfaces
        .iter()
        .map(|(name, state)| ((*name).to_owned(), (*state).to_owned()))
        .collect();
    let local = local.map(|ip| ip.parse().unwrap());
    assert_eq!(network(&interfaces, local), (text.to_owned(), bad));
}

#[test]
fn the_local_address_is_the_one_used_towards_the_collector() {
    let loopback = Some(std::net::Ipv4Addr::LOCALHOST.into());
    assert_eq!(local_address(Some("http://127.0.0.1:8080")), loopback);
}
