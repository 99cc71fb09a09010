//! The office's own prompts: which are still to be handed to the terminal, and which receipts are
//! owed.
//!
//! Pure: no I/O and no clock. Times are counted from the program's start, so a wrong clock changes
//! nothing.
//!
//! **Invariants**
//! 1. A prompt has one answer for as long as the program runs: once it is known, the prompt is
//!    never handed over again, and every receipt says the same.
//! 2. A prompt that is not answered in time is answered "not taken".
//! 3. A receipt is repeated until the centre no longer carries its prompt.
//!
//! **Crash**: an answer that was not told is asked for again; the terminal knows the prompt by its
//! key and does not ask the citizen twice.

#[cfg(test)]
mod laws;
#[cfg(test)]
mod table;

use std::collections::VecDeque;
use std::time::Duration;

use manyi_shared::wire::limits::MAX_PROMPTS;
use manyi_shared::wire::{OfficePrompt, PromptReceipt};

use crate::uplink::Backoff;

/// Answers that are remembered: years of prompts at one window.
const MAX_ANSWERS: usize = 10_000;

/// What the terminal said to a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is asked or will be.
    Taken,
    /// It will not be asked.
    Refused,
    /// The terminal did not answer; nothing is known.
    Silent,
}

/// What the loop does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Hand this prompt to the terminal and report its answer.
    Ask(OfficePrompt),
    /// Call again at this time.
    Wait(Duration),
    /// There is nothing to do until a reply or an answer comes.
    Idle,
}

/// Prompts and receipts.
#[derive(Debug, Clone)]
pub struct Prompts {
    backoff: Backoff,
    open: Vec<Open>,
    answers: VecDeque<PromptReceipt>,
    owed: Vec<Owed>,
    failures: u32,
    not_before: Duration,
}

/// A prompt without an answer.
#[derive(Debug, Clone)]
struct Open {
    prompt: OfficePrompt,
    until: Duration,
    asking: bool,
}

#[derive(Debug, Clone, Copy)]
struct Owed {
    receipt: PromptReceipt,
    told: bool,
}

impl Prompts {
    /// No prompts yet; `backoff` paces the tries while the terminal is silent.
    #[must_use]
    pub const fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            open: Vec::new(),
            answers: VecDeque::new(),
            owed: Vec::new(),
            failures: 0,
            not_before: Duration::ZERO,
        }
    }

    /// The centre took an exchange that carried the receipts `told`, and its reply carries these
    /// prompts.
    pub fn replied(&mut self, told: &[PromptReceipt], prompts: &[OfficePrompt], now: Duration) {
        let carried = |id: &[u8; 16]| prompts.iter().any(|prompt| prompt.id == *id);
        // Withdrawn at the office, unless the terminal is being asked at this moment.
        self.open
            .retain(|open| open.asking || carried(&open.prompt.id));
        for owed in &mut self.owed {
            owed.told |= told.contains(&owed.receipt);
        }
        self.owed
            .retain(|owed| !owed.told || carried(&owed.receipt.id));
        for prompt in prompts.iter().take(MAX_PROMPTS) {
            self.wanted(prompt, now);
        }
    }

    fn wanted(&mut self, prompt: &OfficePrompt, now: Duration) {
        let known = |open: &Open| open.prompt.id == prompt.id;
        if self.owed.iter().any(|owed| owed.receipt.id == prompt.id) || self.open.iter().any(known)
        {
            return;
        }
        let answer = self.answers.iter().find(|answer| answer.id == prompt.id);
        if let Some(&receipt) = answer {
            return self.owe(receipt);
        }
        self.open.push(Open {
            until: now.saturating_add(Duration::from_millis(prompt.valid_ms)),
            prompt: prompt.clone(),
            asking: false,
        });
    }

    /// What to do at `now`. A prompt that is handed out is being asked until [`Self::answered`].
    pub fn next(&mut self, now: Duration) -> Next {
        let late = |open: &Open| !open.asking && open.until <= now;
        let expired: Vec<_> = self.open.iter().filter(|open| late(open)).collect();
        for id in expired
            .iter()
            .map(|open| open.prompt.id)
            .collect::<Vec<_>>()
        {
            self.settle(id, false);
        }
        if self.open.iter().any(|open| open.asking) {
            return Next::Idle;
        }
        let first_end = self.open.iter().map(|open| open.until).min();
        match (self.open.first_mut(), first_end) {
            (Some(first), _) if now >= self.not_before => {
                first.asking = true;
                Next::Ask(first.prompt.clone())
            }
            (_, Some(end)) => Next::Wait(end.min(self.not_before)),
            (_, None) => Next::Idle,
        }
    }

    /// What the terminal said to the prompt that was handed out.
    pub fn answered(&mut self, id: [u8; 16], answer: Answer, now: Duration, random: u64) {
        match answer {
            Answer::Taken => self.settle(id, true),
            Answer::Refused => self.settle(id, false),
            Answer::Silent => {
                let pause = self.backoff.pause(self.failures, None, random);
                self.failures = self.failures.saturating_add(1);
                self.not_before = now.saturating_add(pause);
                for open in self.open.iter_mut().filter(|open| open.prompt.id == id) {
                    open.asking = false;
                }
                return;
            }
        }
        self.failures = 0;
        self.not_before = now;
    }

    /// The receipts for the next exchange.
    #[must_use]
    pub fn receipts(&self) -> Vec<PromptReceipt> {
        let owed = self.owed.iter().map(|owed| owed.receipt);
        owed.take(MAX_PROMPTS).collect()
    }

    /// Whether there is a receipt that no exchange has brought to the centre yet.
    #[must_use]
    pub fn has_news(&self) -> bool {
        let mut next = self.owed.iter().take(MAX_PROMPTS);
        next.any(|owed| !owed.told)
    }

    fn settle(&mut self, id: [u8; 16], taken: bool) {
        let before = self.open.len();
        self.open.retain(|open| open.prompt.id != id);
        if self.open.len() == before {
            return;
        }
        let receipt = PromptReceipt { id, taken };
        if self.answers.len() >= MAX_ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(receipt);
        self.owe(receipt);
    }

    fn owe(&mut self, receipt: PromptReceipt) {
        let told = false;
        self.owed.push(Owed { receipt, told });
    }
}
