//! Real elements, tapped by their labels, through the bridge into the flow: no threads, no journal.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use i_slint_backend_testing::{ElementHandle, mock_elapsed_time};
use manyi_shared::domain::{Call, Outcome, Seq, ServiceEvent, StreamId, TerminalId};
use manyi_shared::wire::RecordBody;
use manyi_terminal::bridge::{Bridge, Input, Mute};
use manyi_terminal::flow::{Effect, Event, Flow, Millis, Names, Reason, Rules, Touch, Why};
use manyi_terminal::scene::{Context, compose};
use manyi_terminal::station::Station;
use manyi_ui::{KioskWindow, Page};
use slint::platform::PointerEventButton;
use slint::{ComponentHandle, PhysicalSize};

#[path = "common/profile.rs"]
mod profile;

/// A window, a flow and a recorder that always succeeds.
struct Kiosk {
    window: KioskWindow,
    bridge: Bridge,
    mute: Mute,
    touches: Rc<RefCell<Vec<Touch>>>,
    station: Station,
    flow: Flow,
    now: Millis,
    seq: u64,
    sealed: Vec<RecordBody>,
}

impl Kiosk {
    fn new() -> Self {
        i_slint_backend_testing::init_no_event_loop();
        let window = KioskWindow::new().expect("a window");
        window.show().expect("a window");
        window.window().set_size(PhysicalSize::new(1280, 800));
        let touches = Rc::<RefCell<Vec<Touch>>>::default();
        let heard = touches.clone();
        let mute = Mute::default();
        let bridge = Bridge::connect(&window, mute.clone(), move |input| {
            if let Input::Touch(touch) = input {
                heard.borrow_mut().push(touch);
            }
        });
        let why = Why {
            reason: Reason::NotEnrolled,
            detail: "no identity".to_owned(),
        };
        let flow = Flow::new(why, 0);
        let mut kiosk = Self {
            window,
            bridge,
            mute,
            touches,
            station: Station::new(TerminalId::from_bytes([7; 16]), profile::profile())
                .expect("a station"),
            flow,
            now: 0,
            seq: 1,
            sealed: Vec::new(),
        };
        kiosk.draw();
        kiosk
    }

    fn idle() -> Self {
        let mut kiosk = Self::new();
        let rules = Rules::of(&profile::profile());
        kiosk.hear(Event::Configured {
            rules,
            moved: false,
        });
        kiosk
    }

    fn asking() -> Self {
        let mut kiosk = Self::idle();
        kiosk.hear(Event::Prompt {
            event: ServiceEvent::default(),
            call: Call::default(),
            names: Names::default(),
        });
        kiosk.later(300);
        kiosk
    }

    fn hear(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let (flow, effects) = self.flow.clone().step(event, self.now);
            self.flow = flow;
            for effect in effects {
                match effect {
                    Effect::OpenJournal => events.push(Event::Opened {
                        stream: StreamId::from_bytes([1; 16]),
                        kept: false,
                        interrupted: None,
                    }),
                    Effect::Seal(body) => {
                        self.seq += 1;
                        self.sealed.push(body);
                        events.push(Event::Sealed(Seq::new(self.seq).expect("a seq")));
                    }
                    _ => {}
                }
            }
        }
        self.draw();
    }

    fn draw(&mut self) {
        let context = Context {
            station: Some(&self.station),
            ..Context::default()
        };
        let scene = compose(&self.flow.view(self.now), &context);
        self.bridge.apply(&self.window, &scene);
        mock_elapsed_time(Duration::ZERO);
        mock_elapsed_time(Duration::ZERO);
    }

    fn later(&mut self, ms: Millis) {
        self.now += ms;
        self.hear(Event::Tick);
    }

    fn element(&self, label: &str) -> ElementHandle {
        let found: Vec<_> = ElementHandle::find_by_accessible_label(&self.window, label).collect();
        match <[ElementHandle; 1]>::try_from(found) {
            Ok([only]) => only,
            Err(found) => panic!("{} elements are labelled `{label}`", found.len()),
        }
    }

    /// Taps and hands what the bridge heard to the flow, as the conductor does.
    fn tap(&mut self, label: &str) {
        self.element(label)
            .mock_single_click(PointerEventButton::Left);
        for touch in self.touches.take() {
            self.hear(Event::Touch(touch));
        }
    }
}

#[rstest::rstest]
#[case(5, "非常满意")]
#[case(4, "满意")]
#[case(3, "基本满意")]
#[case(2, "不满意")]
#[case(1, "非常不满意")]
fn each_level_that_is_tapped_is_the_level_that_is_sealed(#[case] number: u8, #[case] word: &str) {
    let mut kiosk = Kiosk::asking();
    kiosk.tap(word);
    let [RecordBody::Outcome(record)] = kiosk.sealed.as_slice() else {
        panic!("{:?}", kiosk.sealed);
    };
    assert_eq!(
        record.outcome.level().map(|level| level.number()),
        Some(number)
    );
    assert_eq!(kiosk.window.get_page(), Page::Reasons);
}

#[test]
fn chips_are_tapped_shown_as_chosen_and_sealed() {
    let mut kiosk = Kiosk::asking();
    kiosk.tap("不满意");
    kiosk.later(300);
    kiosk.tap("服务态度生硬");
    kiosk.tap("没有提供材料样本");
    assert_eq!(
        kiosk.element("服务态度生硬").accessible_checked(),
        Some(true)
    );
    assert_eq!(
        kiosk.element("没有提供材料清单").accessible_checked(),
        Some(false)
    );
    kiosk.tap("提交");
    let Some(RecordBody::Amendment(amendment)) = kiosk.sealed.last() else {
        panic!("{:?}", kiosk.sealed);
    };
    assert_eq!(
        amendment
            .tags
            .iter()
            .map(|t| t.number())
            .collect::<Vec<_>>(),
        [207, 214]
    );
    assert_eq!(kiosk.window.get_page(), Page::Thanks);
    kiosk.later(2_000);
    assert_eq!(kiosk.window.get_page(), Page::Idle);
}

#[test]
fn the_reasons_can_be_skipped() {
    let mut kiosk = Kiosk::asking();
    kiosk.tap("非常满意");
    kiosk.later(300);
    kiosk.tap("跳过");
    assert_eq!(
        (kiosk.sealed.len(), kiosk.window.get_page()),
        (1, Page::Thanks)
    );
}

#[test]
fn declining_is_no_rating_and_goes_back_to_idle() {
    let mut kiosk = Kiosk::asking();
    kiosk.tap("暂不评价");
    let [RecordBody::Outcome(record)] = kiosk.sealed.as_slice() else {
        panic!("{:?}", kiosk.sealed);
    };
    assert_eq!(record.outcome, Outcome::Declined);
    assert_eq!(kiosk.window.get_page(), Page::Idle);
}

#[test]
fn targets_are_deaf_during_the_guard_time() {
    let mut kiosk = Kiosk::idle();
    kiosk.hear(Event::Prompt {
        event: ServiceEvent::default(),
        call: Call::default(),
        names: Names::default(),
    });
    kiosk.tap("非常满意");
    assert_eq!(kiosk.sealed, []);
    kiosk.later(300);
    kiosk.tap("非常满意");
    assert_eq!(kiosk.sealed.len(), 1);
}

#[test]
fn a_touch_that_the_driver_cancelled_is_dropped() {
    let mut kiosk = Kiosk::asking();
    kiosk.mute.set(true);
    kiosk.tap("非常不满意");
    assert_eq!(kiosk.sealed, []);
    kiosk.mute.set(false);
    kiosk.tap("非常不满意");
    assert_eq!(kiosk.sealed.len(), 1);
}

#[test]
fn a_terminal_that_cannot_ask_says_so() {
    let kiosk = Kiosk::new();
    assert_eq!(kiosk.window.get_page(), Page::OutOfService);
}

#[test]
fn after_a_time_out_the_screen_is_idle_and_the_record_says_timed_out() {
    let mut kiosk = Kiosk::asking();
    kiosk.later(30_000);
    let [RecordBody::Outcome(record)] = kiosk.sealed.as_slice() else {
        panic!("{:?}", kiosk.sealed);
    };
    assert_eq!(
        (&record.outcome, kiosk.window.get_page()),
        (&Outcome::TimedOut, Page::Idle)
    );
}
