use manyi_shared::domain::{BootId, ItemCode, PromptId, ServiceEvent, StreamId};

use super::*;
use crate::flow::{Names, Why};
use crate::invented;

fn reading(wall_ms: i64, synchronised: bool) -> ClockReading {
    ClockReading {
        wall_ms,
        uptime_ms: 0,
        boot: BootId::from_bytes([0; 16]),
        synchronised,
    }
}

fn prompt(staff: Option<&str>, item: Option<&str>) -> Prompt {
    Prompt {
        id: PromptId {
            stream: StreamId::from_bytes([1; 16]),
            ordinal: 1,
        },
        ordinal: 1,
        event: ServiceEvent {
            staff: staff.map(|s| StaffId::new(s).unwrap()),
            item: item.map(|i| ItemCode::new(i).unwrap()),
            case_number: None,
        },
        names: Names::default(),
    }
}

fn asked(prompt: &Prompt) -> AskScene {
    let page = PageView::Ask {
        prompt,
        left_seconds: 15,
        whole_ms: 30_000,
    };
    let view = View {
        serial: 1,
        input: true,
        page,
    };
    match compose(&view, Some(&invented::profile()), &reading(0, false)).page {
        ScenePage::Ask(ask) => ask,
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_come_from_the_profile() {
    let ask = asked(&prompt(
        Some("LQ0101"),
        Some("1137158100MB9Y0011400010100100"),
    ));
    assert_eq!(
        (ask.item_name.as_str(), ask.staff.name.as_str()),
        ("居民身份证到期换领", "王翀")
    );
    assert_eq!((ask.left_seconds, ask.left_fraction), (15, 0.5));
}

#[test]
fn without_a_clerk_in_the_prompt_the_one_on_duty_is_shown() {
    assert_eq!(asked(&prompt(None, None)).staff.number, "LQ0101");
}

#[test]
fn a_clerk_that_the_profile_does_not_have_is_shown_by_number() {
    let staff = asked(&prompt(Some("X9"), None)).staff;
    assert_eq!((staff.name.as_str(), staff.number.as_str()), ("", "X9"));
}

#[test]
fn names_that_were_sent_win() {
    let mut prompt = prompt(Some("X9"), Some("X"));
    prompt.names = Names {
        item: Some("事项".to_owned()),
        staff: Some("李珺".to_owned()),
    };
    let ask = asked(&prompt);
    assert_eq!(
        (ask.item_name.as_str(), ask.staff.name.as_str()),
        ("事项", "李珺")
    );
}

#[rstest::rstest]
#[case::hall_time(1_790_000_000_000, true, "Asia/Shanghai", "22:13")]
#[case::not_synchronised(1_790_000_000_000, false, "Asia/Shanghai", "")]
#[case::unknown_zone(1_790_000_000_000, true, "Mars/Olympus", "")]
fn the_clock_is_shown_when_it_is_right(
    #[case] wall_ms: i64,
    #[case] synchronised: bool,
    #[case] zone: &str,
    #[case] text: &str,
) {
    assert_eq!(time_of_day(&reading(wall_ms, synchronised), zone), text);
}

#[test]
fn a_terminal_without_a_profile_says_why_and_nothing_else() {
    let why = Why {
        reason: Reason::NotEnrolled,
        detail: "no file".to_owned(),
    };
    let view = View {
        serial: 0,
        input: false,
        page: PageView::OutOfService(&why),
    };
    let ScenePage::OutOfService(out) = compose(&view, None, &reading(0, true)).page else {
        panic!("another page");
    };
    assert_eq!(
        (out.reason, out.contact.as_str()),
        (Some(Reason::NotEnrolled), "")
    );
}

#[test]
fn the_thanks_do_not_depend_on_anything_that_was_said() {
    let view = View {
        serial: 4,
        input: false,
        page: PageView::Thanks,
    };
    let scene = compose(&view, Some(&invented::profile()), &reading(0, true));
    assert_eq!(
        scene.page,
        ScenePage::Thanks {
            hall_name: "临清市政务服务中心".to_owned()
        }
    );
}
