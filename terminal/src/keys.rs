//! Which idempotency keys have brought a prompt: asking twice with one key asks the citizen once.
//! Pure.
//!
//! **Invariants**
//! 1. A key that brought a prompt brings no second one as long as it is remembered.
//! 2. At most [`KEPT`] keys are remembered, the newest.
//!
//! Records carry the first eight bytes of a key's SHA-256, so a start can seed this from the
//! journal; what such a prompt was about in full (its names) is not in the journal, and is not
//! compared then.

use std::collections::{HashMap, VecDeque};

use manyi_shared::domain::{CallerKey, PromptId, ServiceEvent};
use sha2::{Digest, Sha256};

use crate::flow::Names;

/// How many keys are remembered: as many as prompts, two busy days of a window.
pub const KEPT: usize = crate::registry::KEPT;

/// What a prompt is about and shows, as a digest; equal for equal contents only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content([u8; 32]);

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Never,
    /// It brought this prompt, with the same content as far as that is known.
    Same(PromptId),
    /// It brought a prompt with another content.
    Other,
}

/// The keys of the newest prompts.
#[derive(Debug, Default)]
pub struct Keys {
    known: HashMap<CallerKey, (PromptId, Option<Content>)>,
    order: VecDeque<CallerKey>,
}

impl Keys {
    /// Takes the keys of earlier starts, oldest first.
    pub fn seed(&mut self, earlier: impl IntoIterator<Item = (CallerKey, PromptId)>) {
        for (digest, id) in earlier {
            self.keep(digest, id, None);
        }
    }

    /// What is known of a key that now comes with this content.
    #[must_use]
    pub fn seen(&self, key: &str, content: Content) -> Seen {
        match self.known.get(&CallerKey::of(key)) {
            None => Seen::Never,
            Some((_, Some(known))) if *known != content => Seen::Other,
            Some((id, _)) => Seen::Same(*id),
        }
    }

    /// Notes that a key brought a prompt.
    pub fn remember(&mut self, key: &str, content: Content, id: PromptId) {
        self.keep(CallerKey::of(key), id, Some(content));
    }

    fn keep(&mut self, digest: CallerKey, id: PromptId, content: Option<Content>) {
        if self.known.insert(digest, (id, content)).is_some() {
            return;
        }
        self.order.push_back(digest);
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

impl Content {
    /// The digest of a prompt's content.
    #[must_use]
    pub fn of(event: &ServiceEvent, names: &Names) -> Self {
        let fields = [
            event.staff.as_ref().map(|code| code.as_str()),
            event.item.as_ref().map(|code| code.as_str()),
            event.case_number.as_ref().map(|code| code.as_str()),
            names.item.as_deref(),
            names.staff.as_deref(),
        ];
        let mut hash = Sha256::new();
        for field in fields {
            // Presence and length first, so that no two contents run into the same bytes.
            hash.update([u8::from(field.is_some())]);
            let text = field.unwrap_or_default();
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        }
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use manyi_shared::domain::{ItemCode, StaffId, StreamId};

    use super::*;

    fn id(ordinal: u32) -> PromptId {
        PromptId {
            stream: StreamId::from_bytes([1; 16]),
            ordinal,
        }
    }

    fn about(item: &str) -> Content {
        let event = ServiceEvent {
            item: ItemCode::new(item).ok(),
            ..ServiceEvent::default()
        };
        Content::of(&event, &Names::default())
    }

    #[test]
    fn the_same_key_with_the_same_content_is_the_same_prompt() {
        let mut keys = Keys::default();
        assert_eq!(keys.seen("k", about("X")), Seen::Never);
        keys.remember("k", about("X"), id(1));
        assert_eq!(keys.seen("k", about("X")), Seen::Same(id(1)));
        assert_eq!(keys.seen("K", about("X")), Seen::Never);
    }

    #[test]
    fn the_same_key_with_another_content_is_told_apart() {
        let mut keys = Keys::default();
        keys.remember("k", about("X"), id(1));
        assert_eq!(keys.seen("k", about("Y")), Seen::Other);
    }

    #[test]
    fn every_field_of_the_content_counts_and_in_its_place() {
        let names = |item: &str, staff: &str| Names {
            item: Some(item.to_owned()),
            staff: Some(staff.to_owned()),
        };
        let event = ServiceEvent::default();
        let staffed = ServiceEvent {
            staff: StaffId::new("A").ok(),
            ..ServiceEvent::default()
        };
        let contents = [
            Content::of(&event, &Names::default()),
            Content::of(&staffed, &Names::default()),
            Content::of(&event, &names("ab", "c")),
            Content::of(&event, &names("a", "bc")),
            Content::of(&event, &names("", "abc")),
            about("A"),
        ];
        for (at, one) in contents.iter().enumerate() {
            for other in &contents[at + 1..] {
                assert_ne!(one, other);
            }
        }
    }

    #[test]
    fn a_key_of_an_earlier_start_brings_its_prompt_whatever_the_names_were() {
        let mut keys = Keys::default();
        keys.seed([(CallerKey::of("old"), id(7))]);
        assert_eq!(keys.seen("old", about("X")), Seen::Same(id(7)));
    }

    #[test]
    fn the_newest_thousand_keys_are_remembered() {
        let mut keys = Keys::default();
        let kept = u32::try_from(KEPT).unwrap();
        for ordinal in 0..=kept {
            keys.remember(&format!("k{ordinal}"), about("X"), id(ordinal));
        }
        assert_eq!(keys.seen("k0", about("X")), Seen::Never);
        assert_eq!(keys.seen("k1", about("X")), Seen::Same(id(1)));
        assert_eq!(
            keys.seen(&format!("k{kept}"), about("X")),
            Seen::Same(id(kept))
        );
        assert_eq!((keys.known.len(), keys.order.len()), (KEPT, KEPT));
    }

    #[test]
    fn a_key_is_recorded_as_the_start_of_its_sha_256() {
        // printf abc | sha256sum
        assert_eq!(
            CallerKey::of("abc").0,
            [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]
        );
    }
}
