//! Who comes, what they tap, and what must then stand in the journal.

use manyi_shared::domain::{CaseNumber, Language, Level, ServiceEvent, national_tags};
use manyi_ui::Page;

use crate::kiosk::Kiosk;
use crate::profile::{ASK_MS, REASONS_MS, THANKS_MS};

/// How a person ends the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Rate(Rating),
    Decline,
    /// Taps nothing.
    LeaveIt,
    /// The business system takes the prompt back.
    TakenBack,
    /// The next citizen comes before there was an answer.
    Replaced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rating {
    level: Level,
    chips: usize,
    phone: bool,
    /// Lets the time of the reasons page run out instead of touching a button.
    lets_go: bool,
    corrected: Option<Level>,
}

/// One citizen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    number: usize,
    language: Language,
    elder: bool,
    answer: Answer,
}

impl Person {
    /// The citizens come in a fixed order in which everything meets everything: the numbers that the
    /// choices go by have no common divisor.
    pub(crate) fn of(number: usize) -> Self {
        let level = |n: usize| Level::ALL[n % Level::ALL.len()];
        let rating = Rating {
            level: level(number),
            chips: number % 3,
            phone: number.is_multiple_of(7),
            lets_go: number.is_multiple_of(11),
            corrected: number
                .is_multiple_of(13)
                .then(|| level(number + 1 + number % 4)),
        };
        let answer = match number % 17 {
            3 => Answer::Decline,
            7 => Answer::LeaveIt,
            11 => Answer::TakenBack,
            15 => Answer::Replaced,
            _ => Answer::Rate(rating),
        };
        Self {
            number,
            language: Language::ALL[number % Language::ALL.len()],
            elder: number.is_multiple_of(9),
            answer,
        }
    }

    /// From the question to the idle page; answers the lines that the journal must have of it.
    pub(crate) fn come(self, kiosk: &mut Kiosk) -> Vec<String> {
        let case = format!("LQ-{:06}", self.number);
        let event = |case: &str| ServiceEvent {
            case_number: Some(CaseNumber::new(case).unwrap()),
            ..ServiceEvent::default()
        };
        let prompt = kiosk.ask(event(&case));
        kiosk.reach(Page::Ask);
        self.choose_manner(kiosk);
        let mut lines = Vec::new();
        match self.answer {
            Answer::Rate(rating) => self.rate(rating, &case, kiosk, &mut lines),
            Answer::Decline => {
                // The controls stand in the source as decline, type, language.
                tap_nth(kiosk, "ActionButton", 0);
                lines.push(format!("{case} declined"));
            }
            Answer::LeaveIt => {
                kiosk.jump(ASK_MS);
                lines.push(format!("{case} timed out"));
            }
            Answer::TakenBack => {
                kiosk.cancel(prompt);
                lines.push(format!("{case} cancelled"));
            }
            Answer::Replaced => {
                let next = format!("{case}-next");
                kiosk.ask(event(&next));
                kiosk.reach_next(Page::Ask);
                tap_nth(kiosk, "ActionButton", 0);
                lines.push(format!("{case} replaced"));
                lines.push(format!("{next} declined"));
            }
        }
        kiosk.reach(Page::Idle);
        lines
    }

    fn choose_manner(self, kiosk: &mut Kiosk) {
        if self.elder {
            tap_nth(kiosk, "ActionButton", 1);
            kiosk.reach_manner(Language::default(), true);
        }
        if self.language != Language::default() {
            tap_nth(kiosk, "ActionButton", 2);
            // The choice lies over the page: its buttons come after the page's own.
            let at = Language::ALL.iter().position(|one| *one == self.language);
            tap_nth(kiosk, "ActionButton", 3 + at.unwrap());
            kiosk.reach_manner(self.language, self.elder);
        }
    }

    fn rate(self, rating: Rating, case: &str, kiosk: &mut Kiosk, lines: &mut Vec<String>) {
        self.tap_level(rating.level, kiosk);
        lines.push(format!("{case} rated {}", rating.level.number()));
        kiosk.reach(Page::Reasons);
        let mut tags = Vec::new();
        for (index, tag) in national_tags().of_level(rating.level).enumerate() {
            if index < rating.chips {
                tap_nth(kiosk, "TagChip", index);
                tags.push(tag.code.number());
            }
        }
        kiosk.wait_for_chips(tags.len());
        if rating.phone {
            let number = format!("138{:08}", self.number);
            leave_number(kiosk, &number);
            lines.push(format!("{case} number {number}"));
        }
        if rating.lets_go {
            kiosk.jump(REASONS_MS);
        } else {
            // Skip and submit are the last two.
            let from_end = if tags.is_empty() { 2 } else { 1 };
            tap_from_end(kiosk, "ActionButton", from_end);
        }
        if !tags.is_empty() {
            lines.push(format!("{case} amended {} {tags:?}", rating.level.number()));
        }
        kiosk.reach(Page::Thanks);
        if let Some(level) = rating.corrected {
            tap_nth(kiosk, "ActionButton", 0);
            kiosk.reach(Page::Ask);
            self.tap_level(level, kiosk);
            if level != rating.level {
                lines.push(format!("{case} amended {} []", level.number()));
                kiosk.reach(Page::Reasons);
                tap_from_end(kiosk, "ActionButton", 2);
            }
            kiosk.reach(Page::Thanks);
        }
        kiosk.jump(THANKS_MS);
    }

    fn tap_level(self, level: Level, kiosk: &Kiosk) {
        let from_right = matches!(self.language, Language::Ar | Language::Ug);
        let best_first = usize::from(5 - level.number());
        let at = if from_right {
            4 - best_first
        } else {
            best_first
        };
        tap_nth(kiosk, "LevelTarget", at);
    }
}

fn leave_number(kiosk: &mut Kiosk, number: &str) {
    tap_nth(kiosk, "ActionButton", 0);
    kiosk.reach(Page::Phone);
    for digit in number.bytes() {
        // 1 to 9, then the nought.
        tap_nth(kiosk, "KeyCap", usize::from((digit - b'0' + 9) % 10));
    }
    kiosk.wait_for_digits(number);
    tap_from_end(kiosk, "KeyCap", 1);
    kiosk.reach(Page::Reasons);
}

fn tap_nth(kiosk: &Kiosk, component: &str, index: usize) {
    let all = kiosk.all(component);
    let element = all.get(index);
    let element = element.unwrap_or_else(|| panic!("{} {component}, no {index}", all.len()));
    kiosk.tap(element);
}

fn tap_from_end(kiosk: &Kiosk, component: &str, from_end: usize) {
    let count = kiosk.all(component).len();
    let index = count.checked_sub(from_end);
    tap_nth(
        kiosk,
        component,
        index.unwrap_or_else(|| panic!("only {count} {component}")),
    );
}
