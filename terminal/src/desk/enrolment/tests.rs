use super::super::DeskEvent;
use super::super::hand::Hand;
use super::*;

const ADDRESS: &str = "rate.example.cn";
const CODE: &str = "7kx29qwm";

fn filled() -> Hand {
    let mut hand = Hand::new(false);
    hand.keys(Field::Address, ADDRESS);
    hand.keys(Field::Code, CODE);
    hand
}

fn asked() -> Hand {
    let mut hand = filled();
    assert!(hand.submit().is_some());
    hand
}

fn told(state: EnrolState, problem: Option<EnrolProblem>) -> DeskEvent {
    DeskEvent::Progress(Look {
        order_waits: false,
        progress: Some(EnrolProgress {
            state,
            problem,
            detail: problem
                .map(|_| "as the daemon says".to_owned())
                .unwrap_or_default(),
        }),
    })
}

fn refused() -> DeskEvent {
    told(EnrolState::Failed, Some(EnrolProblem::CodeRefused))
}

fn order_lies_there() -> DeskEvent {
    DeskEvent::Progress(Look {
        order_waits: true,
        progress: None,
    })
}

#[rstest::rstest]
#[case("https://rate.example.cn", true)]
#[case("http://10.3.4.5:8080", true)]
#[case("https://[fd00::7]:8443/manyi", true)]
#[case("HTTPS://rate.example.cn", true)]
#[case::nothing_typed("https://", false)]
#[case::no_scheme("rate.example.cn", false)]
#[case::no_slashes("https:rate.example.cn", false)]
#[case::other_scheme("ftp://rate.example.cn", false)]
#[case::no_host("https:///path", false)]
#[case::user("https://office@rate.example.cn", false)]
#[case::query("https://rate.example.cn/?hall=1", false)]
#[case::fragment("https://rate.example.cn/#1", false)]
#[case::port("https://rate.example.cn:99999", false)]
#[case::address_of_five_numbers("https://10.3.4.5.999", false)]
fn an_address_is_what_the_daemon_will_take(#[case] text: &str, #[case] taken: bool) {
    assert_eq!(is_collector_address(text), taken);
}

#[rstest::rstest]
#[case("", "")]
#[case("7kx", "7KX")]
#[case("7kx2", "7KX2-")]
#[case("7kx2-", "7KX2-")]
#[case("7kx2-9qwm", "7KX2-9QWM")]
#[case("7kx29qwm", "7KX2-9QWM")]
#[case::too_long("7kx29qwmzz", "7KX2-9QWM")]
#[case::gm("g7kx29qwm", "G-7KX2-9QWM")]
#[case::gm_as_printed("g-7kx2-9qwm", "G-7KX2-9QWM")]
#[case::gm_too_long("g7kx29qwmzz", "G-7KX2-9QWM")]
#[case::foreign("7 k满x２2!", "7KX2-")]
fn the_code_has_its_hyphen_by_itself(#[case] keys: &str, #[case] shown: &str) {
    let mut hand = Hand::new(false);
    hand.keys(Field::Code, keys);
    assert_eq!(hand.enrolment().code, shown);
}

#[test]
fn erasing_takes_the_hyphen_along() {
    let mut hand = Hand::new(false);
    hand.keys(Field::Code, "7kx29");
    let mut erase = || {
        hand.hear(DeskEvent::Enrolment(EnrolmentInput::Erase));
        hand.enrolment().code
    };
    assert_eq!([erase(), erase(), erase()], ["7KX2-", "7KX", "7K"]);
}

#[test]
fn an_address_takes_only_its_characters_and_no_more_than_fit() {
    let mut hand = Hand::new(false);
    hand.keys(Field::Address, "rate 满.example\".cn");
    assert_eq!(hand.enrolment().address, "https://rate.example.cn");
    hand.keys(Field::Address, &"x".repeat(300));
    assert_eq!(hand.enrolment().address.len(), LONGEST_ADDRESS);
    hand.hear(DeskEvent::Enrolment(EnrolmentInput::Clear));
    assert_eq!(hand.enrolment().address, "https://");
}

#[rstest::rstest]
#[case::address_left("rate..:x", "", Field::Code, Some(EnrolProblem::AddressMalformed))]
#[case::still_typing("rate.exa", "", Field::Address, None)]
#[case::half_a_code(ADDRESS, "7KX2", Field::Code, None)]
#[case::a_u_in_the_code(ADDRESS, "7KX29QWU", Field::Code, Some(EnrolProblem::CodeMalformed))]
#[case::an_o_for_a_zero(ADDRESS, "7KX29QWO", Field::Code, None)]
fn a_shape_is_called_wrong_when_it_cannot_become_right(
    #[case] address: &str,
    #[case] code: &str,
    #[case] field: Field,
    #[case] problem: Option<EnrolProblem>,
) {
    let mut hand = Hand::new(false);
    hand.keys(Field::Address, address);
    hand.keys(Field::Code, code);
    hand.hear(DeskEvent::Enrolment(EnrolmentInput::Choose(field)));
    let scene = hand.enrolment();
    assert_eq!(scene.problem, problem.map(Problem::Of));
    assert!(problem.is_none() || !scene.can_submit);
}

#[test]
fn nothing_is_asked_until_both_have_the_right_shape() {
    let mut hand = Hand::new(false);
    assert_eq!(hand.submit(), None);
    hand.keys(Field::Address, ADDRESS);
    assert_eq!(hand.submit(), None);
    hand.keys(Field::Code, CODE);
    assert!(hand.enrolment().can_submit);
    let order = hand.submit().unwrap();
    assert_eq!(order.collector, "https://rate.example.cn");
    assert_eq!(order.code, "7KX2-9QWM");
    assert_eq!(hand.enrolment().stage, EnrolmentStage::Asking);
    assert_eq!(hand.submit(), None, "asked twice");
}

#[test]
fn a_refused_code_keeps_what_was_typed_so_that_a_typo_is_mended() {
    let mut hand = asked();
    hand.hear(told(EnrolState::Asking, None));
    hand.hear(refused());
    let scene = hand.enrolment();
    assert_eq!(scene.stage, EnrolmentStage::Form);
    assert_eq!(scene.problem, Some(Problem::Of(EnrolProblem::CodeRefused)));
    assert_eq!(scene.detail, "as the daemon says");
    assert_eq!(
        (scene.address.as_str(), scene.code.as_str()),
        ("https://rate.example.cn", "7KX2-9QWM")
    );
    hand.hear(DeskEvent::Enrolment(EnrolmentInput::Erase));
    hand.keys(Field::Code, "n");
    let scene = hand.enrolment();
    assert_eq!((scene.problem, scene.detail.as_str()), (None, ""));
    assert_eq!(hand.submit().unwrap().code, "7KX2-9QWN");
    // What the daemon said of the first code is not taken for its word on the second.
    hand.hear(refused());
    assert_eq!(hand.enrolment().stage, EnrolmentStage::Asking);
}

#[test]
fn the_same_refusal_twice_is_an_answer_too() {
    let mut hand = asked();
    hand.hear(refused());
    assert!(hand.submit().is_some());
    hand.wait(SAME_ANSWER_MS - 1);
    hand.hear(refused());
    assert_eq!(hand.enrolment().stage, EnrolmentStage::Asking);
    hand.wait(1);
    hand.hear(refused());
    assert_eq!(
        hand.enrolment().problem,
        Some(Problem::Of(EnrolProblem::CodeRefused))
    );
}

#[test]
fn a_daemon_that_says_nothing_is_named_and_may_still_take_the_order() {
    let mut hand = asked();
    hand.hear(order_lies_there());
    hand.wait(SILENT_MS - 1);
    assert_eq!(hand.enrolment().stage, EnrolmentStage::Asking);
    hand.wait(1);
    let scene = hand.enrolment();
    assert_eq!(
        (scene.stage, scene.problem),
        (EnrolmentStage::Form, Some(Problem::DaemonSilent))
    );
    hand.hear(order_lies_there());
    assert_eq!(hand.enrolment(), scene);
    // It starts at last.
    hand.hear(told(EnrolState::Waiting, None));
    hand.hear(told(EnrolState::Asking, None));
    let scene = hand.enrolment();
    assert_eq!((scene.stage, scene.problem), (EnrolmentStage::Asking, None));
    hand.hear(told(EnrolState::Done, None));
    let scene = hand.enrolment();
    assert_eq!(
        (scene.stage, scene.code.as_str()),
        (EnrolmentStage::Done, "")
    );
    hand.enrolled = true;
    hand.hear(DeskEvent::Tick);
    assert_eq!(hand.view(), None);
}

#[test]
fn old_progress_means_nothing_while_the_order_lies_there() {
    let mut hand = asked();
    let DeskEvent::Progress(mut look) = refused() else {
        unreachable!()
    };
    look.order_waits = true;
    hand.hear(DeskEvent::Progress(look));
    assert_eq!(hand.enrolment().stage, EnrolmentStage::Asking);
}

#[test]
fn a_daemon_that_dies_while_it_asks_is_named() {
    let mut hand = asked();
    hand.hear(told(EnrolState::Asking, None));
    hand.wait(ASKING_LIMIT_MS);
    assert_eq!(hand.enrolment().problem, Some(Problem::DaemonSilent));
    hand.hear(told(EnrolState::Asking, None));
    assert_eq!(
        hand.enrolment().stage,
        EnrolmentStage::Form,
        "the same file is no news"
    );
}

#[test]
fn an_enrolment_from_the_boot_file_is_shown() {
    let mut hand = Hand::new(false);
    hand.hear(told(EnrolState::Asking, None));
    assert_eq!(hand.enrolment().stage, EnrolmentStage::Asking);
    hand.hear(told(EnrolState::Failed, Some(EnrolProblem::Unreachable)));
    assert_eq!(
        hand.enrolment().problem,
        Some(Problem::Of(EnrolProblem::Unreachable))
    );
}

#[test]
fn done_of_long_ago_does_not_hide_the_form_for_ever() {
    let mut hand = Hand::new(false);
    hand.hear(told(EnrolState::Done, None));
    assert_eq!(hand.enrolment().stage, EnrolmentStage::Done);
    hand.wait(DONE_MS);
    hand.hear(told(EnrolState::Done, None));
    assert_eq!(hand.enrolment().stage, EnrolmentStage::Form);
}

#[test]
fn a_card_that_takes_no_order_is_a_problem_with_a_detail() {
    let mut hand = asked();
    hand.hear(DeskEvent::OrderNotWritten("no space left".to_owned()));
    let scene = hand.enrolment();
    assert_eq!(scene.problem, Some(Problem::Of(EnrolProblem::Storage)));
    assert_eq!(scene.detail, "no space left");
    assert!(scene.can_submit);
}

#[test]
fn the_daemon_is_looked_at_often_only_while_somebody_waits() {
    let looks = |hand: &mut Hand| hand.wait(6_000).len();
    assert!((3..=4).contains(&looks(&mut Hand::new(false))));
    assert!((19..=21).contains(&looks(&mut asked())));
    assert_eq!(looks(&mut Hand::new(true)), 0);
}

#[test]
fn the_code_is_in_no_debug_output() {
    let mut hand = filled();
    let key = EnrolmentInput::Key("7KX2".to_owned());
    let text = format!("{key:?} {:?} {:?}", hand.desk, hand.enrolment());
    assert!(!text.contains("7KX2"), "{text}");
    let effects = hand.hear(DeskEvent::Enrolment(EnrolmentInput::Submit));
    assert!(!format!("{effects:?}").contains("7KX2"), "{effects:?}");
}

#[test]
fn an_order_file_and_the_progress_beside_it_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::new(folder.path());
    assert_eq!(look(&data), Look::default());
    let order = filled().submit().unwrap();
    order.write(&data.enrol_order()).unwrap();
    let progress = EnrolProgress {
        state: EnrolState::Asking,
        ..EnrolProgress::default()
    };
    progress.write(&data.enrol_progress()).unwrap();
    assert!(look(&data).order_waits);
    EnrolOrder::take(&data.enrol_order()).unwrap();
    let now = look(&data);
    assert_eq!((now.order_waits, now.progress), (false, Some(progress)));
    std::fs::write(data.enrol_progress(), b"{").unwrap();
    assert_eq!(look(&data), Look::default());
}
