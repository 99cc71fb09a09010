//! Laws over any interleaving of replies, losses, answers and time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::table::prompt;
use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// The office wants a prompt asked.
    Want(u8),
    /// The office takes one back.
    Withdraw(u8),
    /// An exchange; its reply may be lost on the way.
    Exchange { lost: bool },
    /// The terminal answers what it was handed, if it was handed something.
    Answer(u8),
    /// Time passes.
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0_u8..6).prop_map(Step::Want),
        1 => (0_u8..6).prop_map(Step::Withdraw),
        4 => any::<bool>().prop_map(|lost| Step::Exchange { lost }),
        3 => (0_u8..3).prop_map(Step::Answer),
        2 => (0_u64..40_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..80)
}

/// An office, a terminal and the prompts between them.
#[derive(Debug)]
struct World {
    prompts: Prompts,
    now: Duration,
    office: BTreeSet<u8>,
    told: BTreeMap<[u8; 16], bool>,
    answers: BTreeMap<[u8; 16], bool>,
    asking: Option<[u8; 16]>,
}

impl World {
    fn new() -> Self {
        Self {
            prompts: Prompts::new(Backoff::default()),
            now: Duration::ZERO,
            office: BTreeSet::new(),
            told: BTreeMap::new(),
            answers: BTreeMap::new(),
            asking: None,
        }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Want(id) if self.told.contains_key(&[*id; 16]) => {}
            Step::Want(id) => drop(self.office.insert(*id)),
            Step::Withdraw(id) => drop(self.office.remove(id)),
            Step::Exchange { lost } => self.exchange(*lost),
            Step::Answer(answer) => self.answer(*answer),
            Step::Pass(ms) => self.now += Duration::from_millis(*ms),
        }
        if let Next::Ask(asked) = self.prompts.next(self.now) {
            assert!(
                !self.answers.contains_key(&asked.id),
                "asked after an answer"
            );
            assert_eq!(self.asking.replace(asked.id), None, "two at a time");
        }
    }

    fn exchange(&mut self, lost: bool) {
        let receipts = self.prompts.receipts();
        assert!(receipts.len() <= MAX_PROMPTS);
        for receipt in &receipts {
            let before = self.told.insert(receipt.id, receipt.taken);
            assert!(
                before.is_none_or(|taken| taken == receipt.taken),
                "two answers"
            );
            self.office.remove(&receipt.id[0]);
        }
        if !lost {
            let carried: Vec<_> = self.office.iter().map(|id| prompt(*id)).collect();
            self.prompts.replied(&receipts, &carried, self.now);
        }
    }

    fn answer(&mut self, answer: u8) {
        let Some(id) = self.asking.take() else { return };
        let answer = match answer {
            0 => Answer::Taken,
            1 => Answer::Refused,
            _ => Answer::Silent,
        };
        if answer != Answer::Silent {
            self.answers.insert(id, answer == Answer::Taken);
        }
        self.prompts.answered(id, answer, self.now, u64::MAX / 2);
    }
}

proptest! {
    #[test]
    fn every_prompt_gets_one_true_answer_and_is_never_asked_after_it(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.apply(step);
        }
        // A calm day: the terminal is there, and nothing is lost.
        for _ in 0..20 {
            world.apply(&Step::Pass(1000));
            world.apply(&Step::Answer(0));
            world.apply(&Step::Exchange { lost: false });
        }
        prop_assert!(world.office.is_empty(), "without an answer: {:?}", world.office);
        prop_assert!(!world.prompts.has_news());
        for (id, taken) in &world.told {
            let said = world.answers.get(id).copied().unwrap_or(false);
            prop_assert_eq!(said, *taken, "a receipt that the terminal did not give");
        }
    }
}
