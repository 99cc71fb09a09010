//! The closed list of counted quantities that a formula may name.

use std::collections::BTreeMap;

use manyi_shared::domain::{Level, OutcomeKind};

use crate::score::{Bilingual, Counts};

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// Ratings of one level.
    Level(LevelNumber),
    /// All ratings.
    Rated,
    /// Ratings of the levels 2 and 1.
    Bad,
    /// Prompts answered with 暂不评价.
    Declined,
    /// Prompts without an answer in time.
    TimedOut,
    /// Prompts taken back.
    Withdrawn,
    /// Prompts at which the terminal failed.
    Fault,
    /// All prompts.
    Prompts,
    /// Ratings set by default.
    Defaulted,
    /// Items in the hall's table.
    Items,
    /// Those that were rated.
    ItemsRated,
    /// Windows in the hall's table.
    Windows,
    /// Those that were rated.
    WindowsRated,
    /// Valid cases of bad ratings.
    CasesValid,
    /// Those that were rectified in time.
    CasesRectifiedInTime,
    /// Bad ratings with a telephone number.
    BadNamed,
    /// Those whose citizen was called back.
    BadCalledBack,
}

/// 1 to 5, in an order that [`Level`] has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LevelNumber(u8);

/// Name, Chinese, English.
type Facts = (&'static str, &'static str, &'static str);

impl Quantity {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Level(LevelNumber(5)),
        Self::Level(LevelNumber(4)),
        Self::Level(LevelNumber(3)),
        Self::Level(LevelNumber(2)),
        Self::Level(LevelNumber(1)),
        Self::Rated,
        Self::Bad,
        Self::Declined,
        Self::TimedOut,
        Self::Withdrawn,
        Self::Fault,
        Self::Prompts,
        Self::Defaulted,
        Self::Items,
        Self::ItemsRated,
        Self::Windows,
        Self::WindowsRated,
        Self::CasesValid,
        Self::CasesRectifiedInTime,
        Self::BadNamed,
        Self::BadCalledBack,
    ];

    // One line each reads as the table it is.
    #[rustfmt::skip]
    const fn facts(self) -> Facts {
        match self {
            Self::Level(LevelNumber(5)) => ("level_5", "非常满意", "very satisfied"),
            Self::Level(LevelNumber(4)) => ("level_4", "满意", "satisfied"),
            Self::Level(LevelNumber(3)) => ("level_3", "基本满意", "basically satisfied"),
            Self::Level(LevelNumber(2)) => ("level_2", "不满意", "dissatisfied"),
            Self::Level(_) => ("level_1", "非常不满意", "very dissatisfied"),
            Self::Rated => ("rated", "评价数", "ratings"),
            Self::Bad => ("bad", "差评数", "bad ratings"),
            Self::Declined => ("declined", "暂不评价", "declined"),
            Self::TimedOut => ("timed_out", "超时未答", "timed out"),
            Self::Withdrawn => ("withdrawn", "已撤回", "withdrawn"),
            Self::Fault => ("fault", "设备故障", "failed"),
            Self::Prompts => ("prompts", "邀请合计", "prompts"),
            Self::Defaulted => ("defaulted", "系统默认评价", "set by default"),
            Self::Items => ("items", "事项数", "items"),
            Self::ItemsRated => ("items_rated", "有评价的事项数", "rated items"),
            Self::Windows => ("windows", "窗口数", "windows"),
            Self::WindowsRated => ("windows_rated", "有评价的窗口数", "rated windows"),
            Self::CasesValid => ("cases_valid", "有效差评工单数", "valid cases"),
            Self::CasesRectifiedInTime => ("cases_rectified_in_time", "按期整改数", "rectified in time"),
            Self::BadNamed => ("bad_named", "实名差评数", "bad ratings with a number"),
            Self::BadCalledBack => ("bad_called_back", "已回访数", "called back"),
        }
    }

    /// The name in files and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    /// The quantity of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|quantity| quantity.name() == name)
    }

    /// What it is called.
    #[must_use]
    pub const fn title(self) -> Bilingual {
        let (_, zh, en) = self.facts();
        Bilingual {
            zh: std::borrow::Cow::Borrowed(zh),
            en: std::borrow::Cow::Borrowed(en),
        }
    }
}

/// What was counted of each quantity that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quantities(BTreeMap<Quantity, u128>);

impl Quantities {
    /// What ratings and prompts give.
    #[must_use]
    pub fn of(counts: &Counts) -> Self {
        let mut known = BTreeMap::from([
            (Quantity::Rated, counts.rated()),
            (Quantity::Bad, counts.bad()),
            (Quantity::Defaulted, counts.defaulted()),
        ]);
        for level in Level::ALL {
            let number = LevelNumber(level.number());
            known.insert(Quantity::Level(number), counts.level(level));
        }
        let unrated = [
            (Quantity::Declined, counts.outcome(OutcomeKind::Declined)),
            (Quantity::TimedOut, counts.outcome(OutcomeKind::TimedOut)),
            (Quantity::Withdrawn, counts.outcome(OutcomeKind::Withdrawn)),
            (Quantity::Fault, counts.outcome(OutcomeKind::Fault)),
            (Quantity::Prompts, counts.prompts()),
        ];
        let told = unrated.into_iter().filter_map(|(q, n)| Some((q, n?)));
        known.extend(told);
        Self(known)
    }

    /// The same with one more quantity known.
    #[must_use]
    pub fn with(mut self, quantity: Quantity, n: u128) -> Self {
        self.0.insert(quantity, n);
        self
    }

    /// How many; none when it is not known.
    #[must_use]
    pub fn get(&self, quantity: Quantity) -> Option<u128> {
        self.0.get(&quantity).copied()
    }
}
