//! Who comes and what they will tap. Pure: the same seed gives the same citizens.

use manyi_shared::domain::{Level, TagCode, national_tags};
use manyi_shared::wire::Profile;

use crate::dice::Dice;

/// How one citizen answers the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Taps a level, then chips, then 提交; 跳过 when there are no chips.
    Rate {
        /// The level.
        level: Level,
        /// The chips, in the order of tapping.
        tags: Vec<TagCode>,
    },
    /// Taps 暂不评价.
    Decline,
    /// Taps nothing until the time is up.
    LeaveIt,
}

/// One citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citizen {
    /// The item they came for: code and name.
    pub item: Option<(String, String)>,
    /// The clerk who served them, when it is not the one on duty.
    pub staff: Option<String>,
    /// 办件编号
    pub case_number: String,
    /// How they answer.
    pub answer: Answer,
    /// How long they look at a page before they tap, beyond the guard time, in milliseconds.
    pub look_ms: u64,
}

/// Who comes how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Habits {
    /// Whether some let the time run out. Each costs the whole asking time.
    pub timeouts: bool,
}

/// Draws the citizens of a window.
#[must_use]
pub fn draw(count: u32, seed: u64, profile: &Profile, habits: Habits) -> Vec<Citizen> {
    let mut dice = Dice::new(seed);
    (1..=count)
        .map(|number| citizen(number, &mut dice, profile, habits))
        .collect()
}

fn citizen(number: u32, dice: &mut Dice, profile: &Profile, habits: Habits) -> Citizen {
    let item = dice
        .pick(&profile.items)
        .map(|item| (item.code.clone(), item.name.clone()));
    // One in ten is served by somebody who stands in for the clerk on duty.
    let stands_in = dice.below(10) == 0;
    let staff = if stands_in {
        dice.pick(&profile.staff).map(|staff| staff.id.clone())
    } else {
        None
    };
    let staff = staff.or_else(|| profile.staff_on_duty.clone());
    let region = profile.hall_id.split('-').next().unwrap_or_default();
    Citizen {
        item,
        staff,
        case_number: format!("{region}-DEMO-{number:06}-{:04}", dice.below(10_000)),
        answer: answer(dice, habits),
        look_ms: 50 + u64::from(dice.below(250)),
    }
}

/// More bad ratings than a real hall has (well under one in a hundred), so that a demo shows them.
fn answer(dice: &mut Dice, habits: Habits) -> Answer {
    let level = match dice.below(100) {
        0..=49 => Level::VerySatisfied,
        50..=67 => Level::Satisfied,
        68..=76 => Level::BasicallySatisfied,
        77..=82 => Level::Dissatisfied,
        83..=87 => Level::VeryDissatisfied,
        88..=95 => return Answer::Decline,
        _ if habits.timeouts => return Answer::LeaveIt,
        _ => return Answer::Decline,
    };
    let mut offered: Vec<TagCode> = national_tags()
        .of_level(level)
        .map(|tag| tag.code)
        .collect();
    // Half say why, with one to three reasons; who is not content says it more often.
    let talks = dice.below(100) < if level.is_bad() { 80 } else { 50 };
    let mut tags = Vec::new();
    for _ in 0..if talks { 1 + dice.below(3) } else { 0 } {
        if let Some(tag) = dice.pick(&offered).copied() {
            offered.retain(|other| *other != tag);
            tags.push(tag);
        }
    }
    Answer::Rate { level, tags }
}

/// A seed that nobody chose.
#[must_use]
pub fn any_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    // Short enough to be typed again.
    RandomState::new().build_hasher().finish() % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_comes_up_and_tags_belong_to_the_level() {
        let mut dice = Dice::new(1);
        let answers: Vec<Answer> = (0..2000)
            .map(|_| answer(&mut dice, Habits { timeouts: true }))
            .collect();
        for level in Level::ALL {
            assert!(
                answers
                    .iter()
                    .any(|a| matches!(a, Answer::Rate { level: l, .. } if *l == level))
            );
        }
        assert!(answers.contains(&Answer::Decline) && answers.contains(&Answer::LeaveIt));
        for answer in answers {
            if let Answer::Rate { level, mut tags } = answer {
                assert!(tags.iter().all(|tag| tag.level() == level));
                let drawn = tags.len();
                tags.sort_unstable();
                tags.dedup();
                assert_eq!(tags.len(), drawn, "a chip tapped twice is not chosen");
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_answers() {
        let answers = |seed| {
            let mut dice = Dice::new(seed);
            (0..50)
                .map(|_| answer(&mut dice, Habits::default()))
                .collect::<Vec<_>>()
        };
        assert_eq!(answers(7), answers(7));
        assert_ne!(answers(7), answers(8));
    }
}
