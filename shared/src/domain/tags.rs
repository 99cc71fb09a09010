//! Second-level options 二级选项: why a citizen chose a level. Versioned sets shipped as data.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Level;

/// A second-level option's national code. Its first digit is its level: 510 belongs to 非常满意.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TagCode(u16);

impl TagCode {
    /// The code, if it has three digits and begins with a level.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (100..600).contains(&number).then_some(Self(number))
    }

    /// The code as a number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The level the option belongs to.
    #[must_use]
    pub const fn level(self) -> Level {
        match self.0 / 100 {
            1 => Level::VeryDissatisfied,
            2 => Level::Dissatisfied,
            3 => Level::BasicallySatisfied,
            4 => Level::Satisfied,
            // `new` lets nothing above 599 through.
            _ => Level::VerySatisfied,
        }
    }
}

impl fmt::Display for TagCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a version of the option set; the one in force is `v2`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TagSetId(pub String);

/// One second-level option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The national code.
    pub code: TagCode,
    /// The text on the chip.
    pub name: String,
    /// Whether it belongs to the extension part of the set (25 of 40) and not to the base (15).
    pub extension: bool,
}

/// A version of the option set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSet {
    /// The version's name.
    pub id: TagSetId,
    /// Its options in the order of the shipped table: level 5 first.
    pub tags: Vec<Tag>,
}

impl TagSet {
    /// The options of one level in their order on the screen.
    pub fn of_level(&self, level: Level) -> impl Iterator<Item = &Tag> {
        self.tags
            .iter()
            .filter(move |tag| tag.code.level() == level)
    }

    /// The option with this code.
    #[must_use]
    pub fn get(&self, code: TagCode) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.code == code)
    }
}

/// Why a choice of options cannot stand with a level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTags {
    /// The option belongs to another level.
    #[error("tag {code} does not belong to level {}", level.number())]
    OtherLevel {
        /// The offending option.
        code: TagCode,
        /// The chosen level.
        level: Level,
    },
    /// The option is of the retired set, which is taken on import only.
    #[error("tag {code} is retired and cannot be chosen in a new rating")]
    Retired {
        /// The offending option.
        code: TagCode,
    },
    /// The same option twice, or options out of order.
    #[error("tags must ascend without repeats, and {code} does not")]
    OutOfOrder {
        /// The offending option.
        code: TagCode,
    },
}

impl InvalidTags {
    /// Checks that a new rating of `level` may carry `tags`.
    ///
    /// A code that no known set has is let through when its level fits: a newer terminal may know
    /// a newer set.
    ///
    /// # Errors
    /// The first option that belongs to another level, is retired, or is out of order.
    pub fn check(level: Level, tags: &[TagCode]) -> Result<(), Self> {
        let mut previous = None;
        for &code in tags {
            if code.level() != level {
                return Err(Self::OtherLevel { code, level });
            }
            if retired_tags().get(code).is_some() {
                return Err(Self::Retired { code });
            }
            if previous.is_some_and(|p| p >= code) {
                return Err(Self::OutOfOrder { code });
            }
            previous = Some(code);
        }
        Ok(())
    }
}

/// The national set in force, `v2`: eight options a level, 40 in all.
///
/// # Source
/// The option set of the national platform as read in 2020 and printed by halls since; see
/// `shared/data/README.md`.
#[must_use]
pub fn national_tags() -> &'static TagSet {
    static SET: LazyLock<TagSet> =
        LazyLock::new(|| parse("v2", include_str!("../../data/tags.csv")));
    &SET
}

/// The retired set `v1` of the 2019 pilot. For importing old data only.
#[must_use]
pub fn retired_tags() -> &'static TagSet {
    static SET: LazyLock<TagSet> =
        LazyLock::new(|| parse("v1", include_str!("../../data/tags-v1-retired.csv")));
    &SET
}

/// Reads a shipped table. Rows that do not parse are left out; the tests below count what is in.
fn parse(id: &str, table: &str) -> TagSet {
    let tags = table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split(',');
        (fields.next()? == id).then_some(())?;
        let level: u16 = fields.next()?.parse().ok()?;
        let code = TagCode::new(fields.next()?.parse().ok()?)?;
        let name = fields.next()?.to_owned();
        let extension = fields.next()?.parse().ok()?;
        (u16::from(code.level().number()) == level).then_some(Tag {
            code,
            name,
            extension,
        })
    });
    TagSet {
        id: TagSetId(id.to_owned()),
        tags: tags.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(n: u16) -> TagCode {
        TagCode::new(n).expect("a code")
    }

    #[test]
    fn the_national_set_has_eight_options_a_level_three_of_them_base() {
        for level in Level::ALL {
            let tags: Vec<_> = national_tags().of_level(level).collect();
            assert_eq!(tags.len(), 8, "{level:?}");
            assert_eq!(tags.iter().filter(|t| !t.extension).count(), 3, "{level:?}");
        }
        assert_eq!(national_tags().tags.len(), 40);
    }

    #[test]
    fn every_line_of_the_shipped_tables_was_read() {
        for (set, table) in [
            (national_tags(), include_str!("../../data/tags.csv")),
            (
                retired_tags(),
                include_str!("../../data/tags-v1-retired.csv"),
            ),
        ] {
            assert_eq!(set.tags.len(), table.lines().count() - 1, "{:?}", set.id);
        }
    }

    #[rstest::rstest]
    #[case::fitting(Level::VerySatisfied, &[510, 517], None)]
    #[case::none(Level::Dissatisfied, &[], None)]
    #[case::unknown_but_fitting(Level::VerySatisfied, &[599], None)]
    #[case::other_level(Level::VerySatisfied, &[406], Some("does not belong"))]
    #[case::retired(Level::VerySatisfied, &[501], Some("retired"))]
    #[case::repeated(Level::VerySatisfied, &[510, 510], Some("without repeats"))]
    fn tags_are_checked_against_their_level(
        #[case] level: Level,
        #[case] tags: &[u16],
        #[case] problem: Option<&str>,
    ) {
        let tags: Vec<_> = tags.iter().map(|&n| code(n)).collect();
        match (InvalidTags::check(level, &tags), problem) {
            (Ok(()), None) => {}
            (Err(error), Some(words)) => assert!(error.to_string().contains(words), "{error}"),
            (got, want) => panic!("{got:?}, wanted {want:?}"),
        }
    }
}
