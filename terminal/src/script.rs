//! What is said and when: the invitation once, and in elder mode the five words after it. Pure.
//!
//! Everything here follows from which page came up, never from what was chosen on it: the clerk
//! hears it, too.

use std::collections::VecDeque;

use crate::flow::Millis;
use crate::outputs::Clip;

/// The invitation is about this long in every language; the words come after it.
const AFTER_INVITATION_MS: Millis = 8_000;
/// Between two words.
const BETWEEN_WORDS_MS: Millis = 1_800;

/// Pages as far as the voice tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// Nothing to be said.
    Silence,
    /// The question; in elder mode with its words.
    Question {
        /// Elder mode.
        elder: bool,
        /// The level is chosen anew.
        correcting: bool,
    },
    /// The thank-you.
    Thanks,
    /// A rating was not kept.
    NotKept,
}

/// What is still to be said.
#[derive(Debug, Default)]
pub struct Script {
    on: Option<Spoken>,
    lines: VecDeque<(Millis, Clip)>,
}

impl Script {
    /// A page came up, or another language was chosen on it: from now on only its lines are said.
    pub fn turn(&mut self, page: Spoken, again: bool, now: Millis) {
        if self.on == Some(page) && !again {
            return;
        }
        let before = self.on.replace(page);
        self.lines.clear();
        match page {
            Spoken::Silence => {}
            Spoken::Thanks => self.lines.push_back((now, Clip::Thanks)),
            Spoken::NotKept => self.lines.push_back((now, Clip::NotKept)),
            Spoken::Question { elder, correcting } => {
                let elder_alone = !again
                    && matches!(before, Some(Spoken::Question { correcting: c, .. }) if c == correcting);
                let mut at = now;
                if !elder_alone {
                    let first = if correcting {
                        Clip::Correct
                    } else {
                        Clip::Invitation
                    };
                    self.lines.push_back((now, first));
                    at = now.saturating_add(AFTER_INVITATION_MS);
                }
                for level in (1..=5).rev().filter(|_| elder) {
                    self.lines.push_back((at, Clip::Level(level)));
                    at = at.saturating_add(BETWEEN_WORDS_MS);
                }
            }
        }
    }

    /// The next line, when its time has come.
    pub fn line(&mut self, now: Millis) -> Option<Clip> {
        let (at, _) = self.lines.front()?;
        if *at > now {
            return None;
        }
        self.lines.pop_front().map(|(_, clip)| clip)
    }

    /// When the next line is due.
    #[must_use]
    pub fn next_look(&self) -> Option<Millis> {
        self.lines.front().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(elder: bool) -> Spoken {
        Spoken::Question {
            elder,
            correcting: false,
        }
    }

    /// Everything that is said until a moment.
    fn said(script: &mut Script, until: Millis) -> Vec<Clip> {
        std::iter::from_fn(|| script.line(until)).collect()
    }

    #[test]
    fn the_invitation_is_said_once_for_a_question() {
        let mut script = Script::default();
        script.turn(question(false), false, 10);
        script.turn(question(false), false, 20);
        assert_eq!(said(&mut script, 20), [Clip::Invitation]);
        assert_eq!(said(&mut script, 60_000), []);
    }

    #[test]
    fn in_elder_mode_all_five_words_follow_in_their_order() {
        let mut script = Script::default();
        script.turn(question(true), false, 0);
        assert_eq!(said(&mut script, 7_999), [Clip::Invitation]);
        assert_eq!(script.next_look(), Some(8_000));
        let words = [5, 4, 3, 2, 1].map(Clip::Level);
        assert_eq!(said(&mut script, 60_000), words);
    }

    #[test]
    fn turning_elder_mode_on_reads_the_words_at_once_and_off_is_silent() {
        let mut script = Script::default();
        script.turn(question(false), false, 0);
        said(&mut script, 0);
        script.turn(question(true), false, 100);
        assert_eq!(script.line(100), Some(Clip::Level(5)));
        script.turn(question(false), false, 200);
        assert_eq!(said(&mut script, 60_000), []);
    }

    #[test]
    fn another_language_says_it_again_and_an_answer_ends_it() {
        let mut script = Script::default();
        script.turn(question(false), false, 0);
        said(&mut script, 0);
        script.turn(question(false), true, 100);
        assert_eq!(said(&mut script, 100), [Clip::Invitation]);
        script.turn(question(true), true, 200);
        script.turn(Spoken::Thanks, false, 300);
        assert_eq!(said(&mut script, 60_000), [Clip::Thanks]);
    }
}
