//! Ordinary days at a window, made up the same way every time.

use manyi_shared::domain::{Level, Outcome, ServiceEvent, StaffId, TagCode};

use crate::support::Tablet;

/// `SplitMix64`: the same days every time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }
}

/// What a window deals with.
pub(crate) struct Work {
    pub(crate) staff: StaffId,
    /// Its items, the common ones first.
    pub(crate) items: Vec<String>,
}

impl Work {
    /// A window of the first department, with twelve of its items.
    pub(crate) fn ordinary() -> Self {
        let item = |n: u64| format!("11371581MB9Y1037XH40001010{n:02}00{}", 1 + n % 3);
        Self {
            staff: "LQ0101".parse().expect("a number"),
            items: (1..=12).map(item).collect(),
        }
    }
}

/// Seals `n` outcomes as citizens give them: about 40 a day, mostly 非常满意, with staff, item and
/// case number; one in twelve times out.
pub(crate) fn work_on(tablet: &mut Tablet, work: &Work, dice: &mut Dice, n: usize) {
    for _ in 0..n {
        // 4 to 20 minutes apart; every fortieth is the next morning.
        let pause = if tablet.ordinal % 40 == 39 {
            16 * 3_600_000
        } else {
            0
        };
        tablet.pass(pause + 240_000 + dice.below(960_000));
        let skew = dice.below(12).min(dice.below(12)).min(dice.below(12));
        let item = usize::try_from(skew).expect("small");
        let day = 20_260_324 + u64::from(tablet.ordinal / 40);
        let case = format!(
            "371581{day}{:06}",
            1200 + u64::from(tablet.ordinal) * 97 + dice.below(97)
        );
        let event = ServiceEvent {
            staff: Some(work.staff.clone()),
            item: work
                .items
                .get(item)
                .map(|code| code.parse().expect("a code")),
            case_number: Some(case.parse().expect("a number")),
        };
        let outcome = outcome(dice);
        let response = 1800 + u32::try_from(dice.below(14_000)).expect("small");
        tablet.end_in(response, outcome, event);
    }
}

fn outcome(dice: &mut Dice) -> Outcome {
    let (level, tag) = match dice.below(1000) {
        0..83 => return Outcome::TimedOut,
        83..95 => return Outcome::Declined,
        95..900 => (Level::VerySatisfied, 510),
        900..970 => (Level::Satisfied, 406),
        970..990 => (Level::BasicallySatisfied, 307),
        990..997 => (Level::Dissatisfied, 210),
        _ => (Level::VeryDissatisfied, 108),
    };
    let told = dice.below(5) == 0 && level != Level::Satisfied;
    let tag = TagCode::new(tag).filter(|_| told);
    Outcome::Rated {
        level,
        tags: tag.into_iter().collect(),
    }
}
