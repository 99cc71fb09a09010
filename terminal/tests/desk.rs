//! The staff's pages at the window: callbacks become events, scenes become properties.

use std::cell::RefCell;
use std::rc::Rc;

use manyi_terminal::bridge::{enrolment, technician};
use manyi_terminal::desk::enrolment::Field;
use manyi_terminal::desk::pin::Digit;
use manyi_terminal::desk::{
    Action, Desk, DeskEffect, DeskEvent, DeskView, EnrolmentInput, Fact, FactValue, Situation,
    TechnicianInput,
};
use manyi_ui::{
    EnrolmentAdapter, EnrolmentField, EnrolmentProblem, EnrolmentStage, GlassAdapter, KioskWindow,
    Page, TechnicianAction, TechnicianAdapter, TechnicianStage,
};
use slint::{ComponentHandle, Model};

struct Glass {
    window: KioskWindow,
    heard: Rc<RefCell<Vec<DeskEvent>>>,
}

impl Glass {
    fn new() -> Self {
        i_slint_backend_testing::init_no_event_loop();
        let window = KioskWindow::new().expect("a window");
        let heard = Rc::<RefCell<Vec<DeskEvent>>>::default();
        let ear = heard.clone();
        let send: Rc<dyn Fn(DeskEvent)> = Rc::new(move |event| ear.borrow_mut().push(event));
        enrolment::connect(&window, &send);
        technician::connect(&window, &send);
        Self { window, heard }
    }

    fn heard(&self) -> Vec<DeskEvent> {
        self.heard.take()
    }

    fn draw(&self, view: Option<DeskView>) -> Page {
        match view.expect("a page") {
            DeskView::Enrolment(scene) => enrolment::map(&self.window, &scene),
            DeskView::Technician(scene) => technician::map(&self.window, &scene),
        }
    }
}

const UNKNOWN: Situation<'_> = Situation {
    enrolled: false,
    pin_hash: None,
    paused: false,
};

const AT_WORK: Situation<'_> = Situation {
    enrolled: true,
    pin_hash: Some("$argon2id$"),
    paused: true,
};

#[test]
fn every_key_of_the_enrolment_page_is_heard() {
    let glass = Glass::new();
    let page = glass.window.global::<EnrolmentAdapter<'_>>();
    page.invoke_choose_field(EnrolmentField::Code);
    page.invoke_choose_field(EnrolmentField::Address);
    page.invoke_key("7".into());
    page.invoke_erase();
    page.invoke_clear();
    page.invoke_submit();
    let expected = [
        EnrolmentInput::Choose(Field::Code),
        EnrolmentInput::Choose(Field::Address),
        EnrolmentInput::Key("7".to_owned()),
        EnrolmentInput::Erase,
        EnrolmentInput::Clear,
        EnrolmentInput::Submit,
    ];
    assert_eq!(glass.heard(), expected.map(DeskEvent::Enrolment));
}

#[test]
fn what_is_typed_on_the_page_is_drawn_and_becomes_an_order() {
    let glass = Glass::new();
    let page = glass.window.global::<EnrolmentAdapter<'_>>();
    page.invoke_key("rate.example.cn".into());
    page.invoke_choose_field(EnrolmentField::Code);
    for key in "7kx29qwm".chars() {
        page.invoke_key(key.to_string().into());
    }
    let mut desk = Desk::new(0);
    for event in glass.heard() {
        desk.hear(event, &UNKNOWN, 0);
    }
    assert_eq!(glass.draw(desk.view(&UNKNOWN, 0)), Page::Enrolment);
    assert_eq!(page.get_address(), "https://rate.example.cn");
    assert_eq!(page.get_code(), "7KX2-9QWM");
    assert_eq!(page.get_field(), EnrolmentField::Code);
    assert_eq!(page.get_problem(), EnrolmentProblem::None);
    assert!(page.get_can_submit());
    page.invoke_submit();
    let submit = glass.heard().remove(0);
    let effects = desk.hear(submit, &UNKNOWN, 0);
    assert!(
        matches!(effects.as_slice(), [DeskEffect::WriteOrder(order)]
            if order.code == page.get_code().as_str()),
        "{effects:?}"
    );
    glass.draw(desk.view(&UNKNOWN, 0));
    assert_eq!(page.get_stage(), EnrolmentStage::Asking);
    assert!(!page.get_can_submit());
}

#[test]
fn every_touch_of_the_technicians_page_is_heard_and_a_letter_is_no_digit() {
    let glass = Glass::new();
    let page = glass.window.global::<TechnicianAdapter<'_>>();
    glass
        .window
        .global::<GlassAdapter<'_>>()
        .invoke_technician();
    page.invoke_digit("7".into());
    page.invoke_digit("x".into());
    page.invoke_erase();
    page.invoke_enter();
    page.invoke_touched(-3, 250);
    let digit = Digit::of("7").unwrap();
    let inputs = [
        TechnicianInput::Digit(digit),
        TechnicianInput::Erase,
        TechnicianInput::Enter,
        TechnicianInput::Touched { x: 0, y: 100 },
    ];
    let mut expected = vec![DeskEvent::Gesture];
    expected.extend(inputs.map(DeskEvent::Technician));
    assert_eq!(glass.heard(), expected);
    let actions = [
        (TechnicianAction::TouchTest, Action::TouchTest),
        (TechnicianAction::ScreenTest, Action::ScreenTest),
        (TechnicianAction::SelfTest, Action::SelfTest),
        (TechnicianAction::ExportJournal, Action::ExportJournal),
        (TechnicianAction::Pause, Action::Pause),
        (TechnicianAction::Restart, Action::Restart),
        (TechnicianAction::Leave, Action::Leave),
    ];
    for (button, action) in actions {
        page.invoke_act(button);
        let heard = glass.heard();
        assert_eq!(heard, [DeskEvent::Technician(TechnicianInput::Act(action))]);
    }
}

fn fact(fact: Fact, value: &str, bad: bool) -> FactValue {
    FactValue {
        fact,
        value: value.to_owned(),
        bad,
    }
}

#[test]
fn the_page_is_drawn_from_the_pin_to_the_facts_and_rows_change_in_place() {
    let glass = Glass::new();
    let page = glass.window.global::<TechnicianAdapter<'_>>();
    assert_eq!(
        page.get_facts().row_count(),
        0,
        "the preview's facts are nobody's"
    );
    let mut desk = Desk::new(0);
    desk.hear(DeskEvent::Gesture, &AT_WORK, 0);
    for _ in 0..6 {
        let digit = TechnicianInput::Digit(Digit::of("4").unwrap());
        desk.hear(DeskEvent::Technician(digit), &AT_WORK, 0);
    }
    assert_eq!(glass.draw(desk.view(&AT_WORK, 0)), Page::Technician);
    assert_eq!(
        (page.get_stage(), page.get_typed()),
        (TechnicianStage::Pin, 6)
    );
    desk.hear(DeskEvent::Technician(TechnicianInput::Enter), &AT_WORK, 0);
    desk.hear(DeskEvent::PinChecked { right: true }, &AT_WORK, 0);
    let facts = vec![
        fact(Fact::Backlog, "3", false),
        fact(Fact::Disk, "1.0 GiB", false),
    ];
    desk.hear(DeskEvent::Facts(facts), &AT_WORK, 0);
    glass.draw(desk.view(&AT_WORK, 0));
    assert_eq!(
        (page.get_stage(), page.get_typed()),
        (TechnicianStage::Facts, 0)
    );
    assert!(page.get_paused());
    let model = page.get_facts();
    let facts = vec![
        fact(Fact::Backlog, "104", true),
        fact(Fact::Disk, "1.0 GiB", false),
    ];
    desk.hear(DeskEvent::Facts(facts), &AT_WORK, 0);
    glass.draw(desk.view(&AT_WORK, 0));
    assert!(
        model == page.get_facts(),
        "a new model scrolls the list back"
    );
    let row = model.row_data(0).unwrap();
    assert_eq!(
        (row.fact, row.value.as_str(), row.bad),
        (manyi_ui::Fact::Backlog, "104", true)
    );
}
