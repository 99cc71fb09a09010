//! Changes of counts: of the tally, and of tags beside it.

use std::collections::BTreeMap;

use manyi_shared::domain::TagCode;

use super::TallyKey;

/// What a count of a tag is about: a rating with three tags counts once in the tally and three times
/// here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagKey<'d> {
    /// The national code.
    pub tag: u16,
    /// The rating.
    pub key: TallyKey<'d>,
}

/// Changes of counts. Tags are those of the outcomes that are counted here, so both always change
/// together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deltas<'d> {
    /// Of the tally.
    pub counts: BTreeMap<TallyKey<'d>, i64>,
    /// Of tags.
    pub tags: BTreeMap<TagKey<'d>, i64>,
}

impl<'d> Deltas<'d> {
    /// Counts `by` more outcomes with these tags; fewer when negative.
    pub fn count(&mut self, key: TallyKey<'d>, tags: impl IntoIterator<Item = u16>, by: i64) {
        *self.counts.entry(key).or_default() += by;
        for tag in tags {
            *self.tags.entry(TagKey { tag, key }).or_default() += by;
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.counts.clear();
        self.tags.clear();
    }

    /// Drops what comes to nothing.
    pub fn settle(&mut self) {
        self.counts.retain(|_, n| *n != 0);
        self.tags.retain(|_, n| *n != 0);
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.tags.is_empty()
    }
}

/// The codes of tags, for [`Deltas::count`].
pub fn codes(tags: &[TagCode]) -> impl Iterator<Item = u16> + '_ {
    tags.iter().map(|tag| tag.number())
}

/// The codes of tags as a column holds them: `510,512`.
pub fn codes_in(list: Option<&str>) -> impl Iterator<Item = u16> + '_ {
    let codes = list.unwrap_or_default().split(',');
    codes.filter_map(|code| code.parse().ok())
}
