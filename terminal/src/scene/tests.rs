use manyi_shared::domain::{
    Call, ItemCode, Level, PromptId, Seq, ServiceEvent, StaffId, StreamId, TerminalId,
};
use manyi_shared::wire::{Announcement, Localised, ProfileOptions, ProfileTag};

use super::*;
use crate::day::LocalTime;
use crate::flow::{Names, PageView, Prompt, View, Why};
use crate::invented;
use crate::station::Station;

fn station(options: ProfileOptions) -> Station {
    let mut profile = invented::profile();
    profile.options = Some(options);
    Station::new(TerminalId::from_bytes([7; 16]), profile).unwrap()
}

fn view(page: PageView<'_>) -> View<'_> {
    View {
        serial: 1,
        input: true,
        manner: Manner::default(),
        page,
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
        call: Call::default(),
        names: Names::default(),
    }
}

fn asked(prompt: &Prompt) -> AskScene {
    let page = PageView::Ask {
        prompt,
        correcting: false,
        languages: &Language::ALL,
        left_seconds: 15,
        whole_ms: 30_000,
    };
    let station = station(ProfileOptions::default());
    let context = Context {
        station: Some(&station),
        ..Context::default()
    };
    match compose(&view(page), &context).page {
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

fn idle(options: ProfileOptions, context: Context<'_>) -> IdleScene {
    let station = station(options);
    let context = Context {
        station: Some(&station),
        ..context
    };
    let page = PageView::Idle {
        clerk_may_ask: true,
    };
    match compose(&view(page), &context).page {
        ScenePage::Idle(idle) => idle,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_clock_is_shown_when_it_is_right() {
    let local = Some(LocalTime {
        day: 20_261_122,
        weekday: 6,
        minute: 22 * 60 + 13,
    });
    let known = Context {
        local,
        ..Context::default()
    };
    assert_eq!(idle(ProfileOptions::default(), known).clock, "22:13");
    let unknown = idle(ProfileOptions::default(), Context::default());
    assert_eq!(unknown.clock, "");
}

#[test]
fn an_announcement_without_its_picture_still_says_its_text_and_without_both_is_none() {
    let of = |text: &str| ProfileOptions {
        announcements: Some(vec![Announcement {
            text: text.to_owned(),
            picture: Some([1; 32]),
            seconds: 10,
        }]),
        ..ProfileOptions::default()
    };
    let first = || Context {
        announcement: Some(0),
        ..Context::default()
    };
    let shown = idle(of("国庆节放假"), first()).announcement.unwrap();
    assert_eq!((shown.text.as_str(), shown.picture), ("国庆节放假", None));
    assert_eq!(idle(of(""), first()).announcement, None);
}

fn chips(options: ProfileOptions, language: Language) -> Vec<(u16, String)> {
    let station = station(options);
    let context = Context {
        station: Some(&station),
        ..Context::default()
    };
    let chosen = std::collections::BTreeSet::new();
    let mut view = view(PageView::Reasons {
        level: Level::Dissatisfied,
        target: Seq::FIRST,
        chosen: &chosen,
        required: false,
        phone: PhoneView::NotOffered,
        left_seconds: 20,
    });
    view.manner.language = language;
    match compose(&view, &context).page {
        ScenePage::Reasons(reasons) => reasons
            .chips
            .into_iter()
            .map(|c| (c.code, c.text))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn national_options_leave_their_words_to_the_pages() {
    let chips = chips(ProfileOptions::default(), Language::Ar);
    assert_eq!(chips.len(), 8);
    assert!(
        chips
            .iter()
            .all(|(code, text)| code / 100 == 2 && text.is_empty())
    );
}

#[test]
fn the_offices_own_options_are_shown_in_the_language_of_the_page() {
    let name = |language: &str, text: &str| Localised {
        language: language.to_owned(),
        text: text.to_owned(),
    };
    let tag = |level, code| ProfileTag {
        level,
        code,
        names: vec![name("zh-Hans", "等太久"), name("en", "Waited too long")],
    };
    let options = ProfileOptions {
        tags: Some(vec![tag(5, 510), tag(2, 290)]),
        ..ProfileOptions::default()
    };
    let shown = chips(options, Language::En);
    assert_eq!(shown, [(290, "Waited too long".to_owned())]);
}

#[test]
fn a_terminal_without_a_profile_says_why_and_nothing_else() {
    let why = Why {
        reason: Reason::NotEnrolled,
        detail: "no file".to_owned(),
    };
    let page = PageView::OutOfService(&why);
    let ScenePage::OutOfService(out) = compose(&view(page), &Context::default()).page else {
        panic!("another page");
    };
    assert_eq!(
        (out.reason, out.contact.as_str()),
        (Some(Reason::NotEnrolled), "")
    );
}

#[test]
fn nobody_is_asked_in_the_dark() {
    let why = Why {
        reason: Reason::Other,
        detail: String::new(),
    };
    let dark = Context {
        light: LightLevel::Asleep,
        ..Context::default()
    };
    let idle = PageView::Idle {
        clerk_may_ask: false,
    };
    assert_eq!(compose(&view(idle), &dark).light, LightLevel::Asleep);
    let thanks = PageView::Thanks { may_correct: true };
    for page in [thanks, PageView::NotKept(&why)] {
        assert_eq!(compose(&view(page), &dark).light, LightLevel::Awake);
    }
}

#[test]
fn what_is_typed_on_the_pad_is_not_printed() {
    let page = PageView::Phone {
        digits: "13800000000",
        whole: true,
        left_seconds: 9,
    };
    let scene = compose(&view(page), &Context::default());
    assert!(!format!("{scene:?}").contains("138"));
}

#[test]
fn the_thanks_do_not_depend_on_anything_that_was_said() {
    let station = station(ProfileOptions::default());
    let context = Context {
        station: Some(&station),
        ..Context::default()
    };
    let page = PageView::Thanks { may_correct: true };
    assert_eq!(
        compose(&view(page), &context).page,
        ScenePage::Thanks {
            hall_name: "临清市政务服务中心".to_owned(),
            may_correct: true,
        }
    );
}
