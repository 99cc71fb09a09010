//! The laws of the staff's pages, over arbitrary hands, answers and waits.

use manyi_shared::tablet::{EnrolProgress, EnrolState};
use proptest::prelude::*;

use super::hand::Hand;
use super::pin::{FIRST_LOCK_MS, LONGEST_LOCK_MS};
use super::technician::TechnicianStage;
use super::*;

#[derive(Debug, Clone)]
enum Move {
    Gesture,
    /// The gesture, six digits, enter.
    Try([u8; 6]),
    Digit(u8),
    Erase,
    Enter,
    Checked(bool),
    Act(Action),
    Touched,
    Key(char),
    Choose(enrolment::Field),
    Submit,
    Clear,
    Look(enrolment::Look),
    Facts,
    Done,
    Leave,
    Wait(Millis),
    Enrolled(bool),
}

fn a_look() -> impl Strategy<Value = enrolment::Look> {
    let state = prop_oneof![
        Just(EnrolState::Waiting),
        Just(EnrolState::Asking),
        Just(EnrolState::Failed),
        Just(EnrolState::Done)
    ];
    (any::<bool>(), proptest::option::of(state)).prop_map(|(order_waits, state)| enrolment::Look {
        order_waits,
        progress: state.map(|state| EnrolProgress {
            state,
            ..EnrolProgress::default()
        }),
    })
}

fn an_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::TouchTest),
        Just(Action::ScreenTest),
        Just(Action::SelfTest),
        Just(Action::ExportJournal),
        Just(Action::Pause),
        Just(Action::Restart),
        Just(Action::Leave),
    ]
}

fn a_move() -> impl Strategy<Value = Move> {
    let field = prop_oneof![
        Just(enrolment::Field::Address),
        Just(enrolment::Field::Code)
    ];
    prop_oneof![
        2 => Just(Move::Gesture),
        8 => [0_u8..10, 0..10, 0..10, 0..10, 0..10, 0..10].prop_map(Move::Try),
        4 => (0_u8..10).prop_map(Move::Digit),
        1 => Just(Move::Erase),
        4 => Just(Move::Enter),
        8 => prop::bool::weighted(0.2).prop_map(Move::Checked),
        2 => an_action().prop_map(Move::Act),
        1 => Just(Move::Touched),
        6 => any::<char>().prop_map(Move::Key),
        6 => prop::char::range('0', 'z').prop_map(Move::Key),
        1 => field.prop_map(Move::Choose),
        1 => Just(Move::Submit),
        1 => Just(Move::Clear),
        2 => a_look().prop_map(Move::Look),
        1 => Just(Move::Facts),
        1 => Just(Move::Done),
        1 => Just(Move::Leave),
        3 => prop_oneof![0_u64..2_000, 0_u64..40_000, 0_u64..1_000_000].prop_map(Move::Wait),
        1 => prop::bool::weighted(0.8).prop_map(Move::Enrolled),
    ]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    proptest::collection::vec(a_move(), 0..200)
}

impl Hand {
    /// One move; `digit` says which digit a digit is.
    fn make(&mut self, a_move: &Move, digit: &dyn Fn(u8) -> u8) -> Vec<DeskEffect> {
        let technician = DeskEvent::Technician;
        let enrolment = DeskEvent::Enrolment;
        let event = match a_move {
            Move::Wait(ms) => return self.wait(*ms),
            Move::Enrolled(enrolled) => {
                self.enrolled = *enrolled;
                DeskEvent::Tick
            }
            Move::Gesture => DeskEvent::Gesture,
            Move::Try(digits) => {
                let mut effects = self.hear(DeskEvent::Gesture);
                for n in digits {
                    effects.extend(self.make(&Move::Digit(*n), digit));
                }
                effects.extend(self.make(&Move::Enter, digit));
                return effects;
            }
            Move::Digit(n) => {
                let digit = pin::Digit::of(&digit(*n).to_string()).unwrap();
                technician(TechnicianInput::Digit(digit))
            }
            Move::Erase => technician(TechnicianInput::Erase),
            Move::Enter => technician(TechnicianInput::Enter),
            Move::Checked(right) => DeskEvent::PinChecked { right: *right },
            Move::Act(action) => technician(TechnicianInput::Act(*action)),
            Move::Touched => technician(TechnicianInput::Touched { x: 3, y: 4 }),
            Move::Key(key) => enrolment(EnrolmentInput::Key(key.to_string())),
            Move::Choose(field) => enrolment(EnrolmentInput::Choose(*field)),
            Move::Submit => enrolment(EnrolmentInput::Submit),
            Move::Clear => enrolment(EnrolmentInput::Clear),
            Move::Look(look) => DeskEvent::Progress(look.clone()),
            Move::Facts => DeskEvent::Facts(Vec::new()),
            Move::Done => DeskEvent::Done(DoneNotice::NoMedium),
            Move::Leave => DeskEvent::Leave,
        };
        self.hear(event)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Law of invariant 3: other digits change nothing that can be printed or drawn.
    #[test]
    fn which_digits_are_typed_is_seen_nowhere(moves in moves()) {
        let (mut one, mut other) = (Hand::new(true), Hand::new(true));
        for a_move in &moves {
            let effects = one.make(a_move, &|n| n);
            let others = other.make(a_move, &|n| 9 - n);
            prop_assert_eq!(format!("{effects:?}"), format!("{others:?}"));
            prop_assert_eq!(format!("{:?}", one.desk), format!("{:?}", other.desk));
            prop_assert_eq!(one.view(), other.view());
        }
    }

    /// Law of invariant 2: a guesser has three tries before each lock-out, whatever they do between.
    #[test]
    fn a_guesser_gets_three_checks_before_each_lock_out(moves in moves()) {
        let mut hand = Hand::new(true);
        let mut checked_at = Vec::new();
        for a_move in &moves {
            let wrong = match a_move {
                Move::Checked(_) => Move::Checked(false),
                other => other.clone(),
            };
            let effects = hand.make(&wrong, &|n| n);
            if effects.iter().any(|e| matches!(e, DeskEffect::CheckPin { .. })) {
                checked_at.push(hand.now);
            }
        }
        let mut lock = FIRST_LOCK_MS;
        for next in (3..checked_at.len()).step_by(3) {
            let apart = checked_at[next] - checked_at[next - 1];
            prop_assert!(apart >= lock, "check {next} came {apart} ms after the one before");
            lock = (lock * 2).min(LONGEST_LOCK_MS);
        }
    }

    /// Facts and actions are behind a right PIN, and not reachable without an identity.
    #[test]
    fn only_a_right_pin_opens_the_page(moves in moves()) {
        let mut hand = Hand::new(true);
        let (mut asked, mut inside) = (false, false);
        for a_move in &moves {
            let effects = hand.make(a_move, &|n| n);
            inside |= asked && matches!(a_move, Move::Checked(true));
            asked |= effects.iter().any(|e| matches!(e, DeskEffect::CheckPin { .. }));
            match hand.view() {
                Some(DeskView::Enrolment(_)) => prop_assert!(!hand.enrolled),
                Some(DeskView::Technician(scene)) => {
                    prop_assert!(hand.enrolled);
                    prop_assert!(scene.stage == TechnicianStage::Pin || inside);
                }
                None => prop_assert!(hand.enrolled),
            }
            let acts = effects.iter().any(|e| matches!(
                e,
                DeskEffect::ReadFacts | DeskEffect::Export | DeskEffect::SelfTest
                    | DeskEffect::Pause(_) | DeskEffect::Restart
            ));
            prop_assert!(!acts || inside);
        }
    }

    /// The conductor sleeps between looks: a look that is due now, again and again, would burn a core.
    #[test]
    fn after_every_event_the_next_look_lies_ahead(moves in moves(), enrolled: bool) {
        let mut hand = Hand::new(enrolled);
        for a_move in &moves {
            hand.make(a_move, &|n| n);
            hand.hear(DeskEvent::Tick);
            if let Some(next) = hand.next_look() {
                prop_assert!(next > hand.now, "{:?}", hand.desk);
            }
        }
    }

    /// The page closes by itself, whatever was done and whatever is never answered.
    #[test]
    fn a_page_that_nobody_touches_closes(moves in moves()) {
        let mut hand = Hand::new(true);
        for a_move in &moves {
            hand.make(a_move, &|n| n);
        }
        hand.enrolled = true;
        hand.wait(15 * 60_000);
        prop_assert_eq!(hand.view(), None);
    }

    /// The order carries exactly what stands on the screen, and the screen what was typed.
    #[test]
    fn the_order_is_what_was_typed(
        address in "[a-z]{1,9}\\.example\\.cn(:[1-9][0-9]{1,3})?(/[a-z]{1,8})?",
        code in "[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{8}",
        noise in "[ _!,;-]{0,4}",
    ) {
        let mut hand = Hand::new(false);
        hand.keys(enrolment::Field::Address, &address);
        hand.keys(enrolment::Field::Code, &code[..3]);
        hand.keys(enrolment::Field::Code, &noise);
        hand.keys(enrolment::Field::Code, &code[3..]);
        let shown = hand.enrolment();
        let order = hand.submit().expect("an order");
        prop_assert_eq!(&order.collector, &format!("https://{address}"));
        let (head, tail) = code.split_at(4);
        prop_assert_eq!(&order.code, &format!("{head}-{tail}").to_uppercase());
        prop_assert_eq!((order.collector, order.code), (shown.address, shown.code));
    }
}
