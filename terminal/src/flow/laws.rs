//! The flow's laws, over any interleaving of prompts, taps, time, failures and restarts.

use std::collections::{BTreeMap, BTreeSet};

use manyi_shared::domain::{
    FaultReason, Language, Level, Outcome, PromptId, Seq, ServiceEvent, StreamId, TagCode,
    national_tags,
};
use manyi_shared::wire::RecordBody;
use proptest::prelude::*;

use super::run::rules as rules_of_run;
use super::*;

/// What the world may do next.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Prompt,
    CancelNewest,
    Tap(Target),
    TapStale(Target),
    Odd(Oddity),
    Pause(bool),
    Revoked(bool),
    SelfTest,
    Wait(Millis),
    /// The recorder answers what it was last asked.
    Answer {
        good: bool,
        kept: bool,
    },
    Stop,
}

fn target() -> impl Strategy<Value = Target> {
    let codes: Vec<TagCode> = national_tags().tags.iter().map(|tag| tag.code).collect();
    prop_oneof![
        4 => prop::sample::select(Level::ALL.to_vec()).prop_map(Target::Level),
        1 => Just(Target::Decline),
        3 => prop::sample::select(codes).prop_map(Target::Tag),
        1 => Just(Target::Submit),
        1 => Just(Target::Skip),
        2 => Just(Target::Correct),
        1 => prop::sample::select(vec![
            Target::Elder,
            Target::Language(Language::Ar),
            Target::OpenPhone,
            Target::Digit(1),
            Target::Erase,
            Target::KeepPhone,
            Target::ClosePhone,
            Target::Ask,
            Target::Resume,
        ]),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        4 => Just(Turn::Prompt),
        1 => Just(Turn::CancelNewest),
        8 => target().prop_map(Turn::Tap),
        2 => target().prop_map(Turn::TapStale),
        1 => prop::sample::select(vec![Oddity::SeveralFingers, Oddity::Stray]).prop_map(Turn::Odd),
        1 => any::<bool>().prop_map(Turn::Pause),
        1 => any::<bool>().prop_map(Turn::Revoked),
        1 => Just(Turn::SelfTest),
        4 => (0_u64..3_000).prop_map(Turn::Wait),
        2 => (3_000_u64..40_000).prop_map(Turn::Wait),
        8 => (prop::bool::weighted(0.9), any::<bool>())
            .prop_map(|(good, kept)| Turn::Answer { good, kept }),
    ]
}

#[derive(Debug, Default)]
struct World {
    now: Millis,
    /// What the recorder is asked and has not answered.
    asked: Vec<Effect>,
    streams: u8,
    seq: u64,
    accepted: BTreeSet<String>,
    ended: BTreeSet<String>,
    newest: Option<PromptId>,
    /// What is on the card: outcomes by stream and ordinal.
    card: BTreeMap<(StreamId, u32), Outcome>,
    /// The seal that failed and may be on the card.
    in_doubt: Option<((StreamId, u32), Outcome)>,
    stream: Option<StreamId>,
    /// Taps that the flow must have taken: the level, and the prompt it was for.
    tapped: Vec<Level>,
    /// Where outcomes of the open stream lie.
    outcomes: BTreeSet<Seq>,
    /// The levels that corrections and chips stand for, by rating.
    amended: BTreeMap<Seq, Level>,
    ratings_lost: usize,
    exits: usize,
}

impl World {
    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Seal(_) | Effect::SealText { .. } | Effect::OpenJournal => {
                    self.asked.push(effect);
                }
                Effect::Accepted(id) => {
                    assert!(self.accepted.insert(id.to_string()), "{id} accepted twice");
                    self.newest = Some(id);
                }
                Effect::Ended(id) => assert!(self.ended.insert(id.to_string()), "{id} ended twice"),
                Effect::Exit => self.exits += 1,
                Effect::Refused | Effect::Asking(_) | Effect::ClerkAsks | Effect::SelfTested(_) => {
                }
            }
        }
        let seals = self
            .asked
            .iter()
            .filter(|e| matches!(e, Effect::Seal(_) | Effect::SealText { .. }))
            .count();
        assert!(seals <= 1, "law 4: one record at a time");
    }

    fn opened(&mut self, kept: bool) -> Event {
        self.streams += 1;
        let stream = StreamId::from_bytes([self.streams; 16]);
        self.stream = Some(stream);
        self.outcomes.clear();
        let doubt = self.in_doubt.take();
        let was_kept = doubt.is_some() && kept;
        if let Some((place, outcome)) = doubt.filter(|_| kept) {
            if matches!(outcome, Outcome::Rated { .. }) {
                self.ratings_lost -= 1;
            }
            self.card.insert(place, outcome);
        }
        Event::Opened {
            stream,
            kept: was_kept,
            interrupted: None,
        }
    }

    fn answer(&mut self, good: bool, kept: bool) -> Option<Event> {
        if self.asked.is_empty() {
            return None;
        }
        let why = Why {
            reason: Reason::Other,
            detail: String::new(),
        };
        match self.asked.remove(0) {
            Effect::OpenJournal if !good => Some(Event::OpenFailed(why)),
            Effect::OpenJournal => Some(self.opened(kept)),
            Effect::Seal(RecordBody::Outcome(record)) => {
                let place = (self.stream.expect("a stream"), record.ordinal);
                let above = self.card.range(place..=(place.0, u32::MAX)).next();
                assert!(above.is_none(), "law 6: counts ascend in a stream");
                if good {
                    self.seq += 1;
                    let before = self.card.insert(place, record.outcome);
                    assert!(before.is_none(), "law 1: two outcomes for one prompt");
                    self.outcomes.extend(Seq::new(self.seq));
                    Seq::new(self.seq).map(Event::Sealed)
                } else {
                    self.ratings_lost += usize::from(record.outcome.level().is_some());
                    self.in_doubt = Some((place, record.outcome));
                    self.stream = None;
                    Some(Event::SealFailed(why))
                }
            }
            Effect::Seal(RecordBody::Amendment(amendment)) if good => {
                self.seq += 1;
                self.amended.insert(amendment.target, amendment.level);
                Seq::new(self.seq).map(Event::Sealed)
            }
            Effect::Seal(RecordBody::Misuse(misuse)) if good => {
                assert!(
                    self.outcomes.contains(&misuse.target),
                    "misuse of no outcome"
                );
                self.seq += 1;
                Seq::new(self.seq).map(Event::Sealed)
            }
            Effect::Seal(_) | Effect::SealText { .. } if good => {
                self.seq += 1;
                Seq::new(self.seq).map(Event::Sealed)
            }
            _ => {
                self.stream = None;
                Some(Event::SealFailed(why))
            }
        }
    }
}

fn rules() -> Rules {
    Rules {
        ask_ms: 5_000,
        reasons_ms: 5_000,
        thanks_ms: 1_000,
        ..rules_of_run()
    }
}

fn step(flow: Flow, world: &mut World, event: Event) -> Flow {
    let serial = flow.view(world.now).serial;
    let before = page(&flow, world.now);
    let answered = matches!(event, Event::Sealed(_));
    let chosen = match &event {
        Event::Touch(touch) if touch.serial == serial => match touch.target {
            Target::Level(level) => Some(level),
            _ => None,
        },
        _ => None,
    };
    let (flow, effects) = flow.step(event, world.now);
    for effect in &effects {
        if let Effect::Seal(RecordBody::Outcome(record)) = effect
            && let Outcome::Rated { level, .. } = &record.outcome
        {
            assert_eq!(chosen, Some(*level), "law 2: a level that nobody chose");
            assert_eq!(before, "ask");
            world.tapped.push(*level);
        }
        if let Effect::Seal(RecordBody::Amendment(amendment)) = effect
            && amendment.tags.is_empty()
        {
            assert_eq!(
                chosen,
                Some(amendment.level),
                "law 7: a correction nobody made"
            );
            assert_eq!(before, "correcting", "law 7");
            assert!(world.outcomes.contains(&amendment.target), "law 7");
        }
    }
    world.take(effects);
    let after = page(&flow, world.now);
    if after == "thanks" && before != "thanks" {
        // From the reasons page with nothing chosen, everything said is sealed already.
        assert!(
            answered || ["reasons", "correcting", "phone"].contains(&before),
            "law 3: thanks without a seal"
        );
        assert!(
            world.asked.is_empty(),
            "law 3: thanks while something is being sealed"
        );
    }
    flow
}

fn page(flow: &Flow, now: Millis) -> &'static str {
    match flow.view(now).page {
        PageView::Ask {
            correcting: true, ..
        } => "correcting",
        PageView::Ask { .. } => "ask",
        PageView::Reasons { .. } => "reasons",
        PageView::Phone { .. } => "phone",
        PageView::Thanks { .. } => "thanks",
        PageView::Idle { .. } | PageView::Paused { .. } => "idle",
        PageView::NotKept(_) | PageView::OutOfService(_) => "out",
    }
}

fn play(mut flow: Flow, world: &mut World, turn: Turn) -> Flow {
    let serial = flow.view(world.now).serial;
    let event = match turn {
        Turn::Prompt => Event::Prompt {
            event: ServiceEvent::default(),
            call: Call::default(),
            names: Names::default(),
        },
        Turn::CancelNewest => match world.newest {
            Some(id) => Event::Cancel(id),
            None => return flow,
        },
        Turn::Tap(target) => Event::Touch(Touch { serial, target }),
        Turn::Odd(oddity) => Event::Odd(oddity),
        Turn::Pause(paused) => Event::Pause(paused),
        Turn::Revoked(revoked) => Event::Revoked(revoked.then(|| Why {
            reason: Reason::Revoked,
            detail: String::new(),
        })),
        Turn::SelfTest => Event::SelfTest(20_261_122),
        Turn::TapStale(target) => Event::Touch(Touch {
            serial: serial.wrapping_sub(1),
            target,
        }),
        Turn::Wait(ms) => {
            let until = world.now + ms;
            // As the conductor does it: at each moment the flow asked for.
            while let Some(due) = flow.next_look(world.now).filter(|due| *due < until) {
                world.now = due.max(world.now + 1);
                flow = step(flow, world, Event::Tick);
            }
            world.now = until;
            Event::Tick
        }
        Turn::Answer { good, kept } => match world.answer(good, kept) {
            Some(event) => event,
            None => return flow,
        },
        Turn::Stop => Event::Stop,
    };
    step(flow, world, event)
}

fn start() -> (Flow, World) {
    let mut world = World::default();
    let why = Why {
        reason: Reason::NotEnrolled,
        detail: String::new(),
    };
    let flow = Flow::new(why, 0);
    let flow = step(
        flow,
        &mut world,
        Event::Configured {
            rules: rules(),
            moved: false,
        },
    );
    (flow, world)
}

/// Lets everything come to rest with a journal that works.
fn settle(mut flow: Flow, world: &mut World) -> Flow {
    for _ in 0..200 {
        if flow.is_idle() && world.asked.is_empty() {
            break;
        }
        let turn = if world.asked.is_empty() {
            Turn::Wait(10_000)
        } else {
            Turn::Answer {
                good: true,
                kept: false,
            }
        };
        flow = play(flow, world, turn);
    }
    flow
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Laws 1 to 4, and: the levels on the card are the levels that were tapped, less those whose
    /// loss the citizen was told.
    #[test]
    fn every_prompt_ends_once_and_the_card_has_what_was_tapped(
        turns in prop::collection::vec(turn(), 0..60),
    ) {
        let (mut flow, mut world) = start();
        for turn in turns {
            flow = play(flow, &mut world, turn);
        }
        let flow = settle(flow, &mut world);
        prop_assert!(flow.is_idle());
        prop_assert_eq!(&world.accepted, &world.ended, "law 1");
        prop_assert_eq!(world.card.len(), world.accepted.len(), "law 1");
        let mut on_card: Vec<Level> = world.card.values().filter_map(Outcome::level).collect();
        prop_assert_eq!(on_card.len() + world.ratings_lost, world.tapped.len());
        let faults = world.card.values().filter(|o| **o == Outcome::Fault(FaultReason::NotKept));
        prop_assert!(faults.count() == world.ratings_lost, "nothing is lost in silence");
        if world.ratings_lost == 0 {
            let mut tapped = world.tapped.clone();
            tapped.sort();
            on_card.sort();
            prop_assert_eq!(on_card, tapped);
        }
    }

    /// A stop with a journal that works leaves nothing unsealed.
    #[test]
    fn an_orderly_stop_seals_every_prompt(turns in prop::collection::vec(turn(), 0..30)) {
        let (mut flow, mut world) = start();
        for turn in turns {
            let turn = match turn {
                Turn::Answer { .. } => Turn::Answer { good: true, kept: false },
                other => other,
            };
            flow = play(flow, &mut world, turn);
        }
        while let Some(event) = world.answer(true, false) {
            flow = step(flow, &mut world, event);
        }
        flow = play(flow, &mut world, Turn::Stop);
        while let Some(event) = world.answer(true, false) {
            flow = step(flow, &mut world, event);
        }
        prop_assert!(world.exits >= 1);
        prop_assert_eq!(&world.accepted, &world.ended);
        prop_assert_eq!(flow.owed(), 0);
    }
}
