//! The terminal does not ask.

use manyi_ui::{KioskWindow, OutOfServiceAdapter, OutOfServiceReason, Page};
use slint::ComponentHandle;

use super::Shown;
use crate::flow::Reason;
use crate::scene::OutOfServiceScene;

pub(super) fn map(window: &KioskWindow, scene: &OutOfServiceScene) -> Shown {
    let adapter = window.global::<OutOfServiceAdapter<'_>>();
    adapter.set_reason(map_reason(scene.reason));
    adapter.set_detail(scene.detail.as_str().into());
    adapter.set_contact(scene.contact.as_str().into());
    Page::OutOfService
}

const fn map_reason(reason: Option<Reason>) -> OutOfServiceReason {
    match reason {
        None => OutOfServiceReason::NotKept,
        Some(Reason::NotEnrolled) => OutOfServiceReason::NotEnrolled,
        Some(Reason::JournalUnreadable) => OutOfServiceReason::JournalUnreadable,
        Some(Reason::JournalNewer) => OutOfServiceReason::JournalNewerVersion,
        Some(Reason::StorageFull) => OutOfServiceReason::StorageFull,
        Some(Reason::Revoked) => OutOfServiceReason::Revoked,
        Some(Reason::Other) => OutOfServiceReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_rating_has_its_own_words() {
        assert_eq!(map_reason(None), OutOfServiceReason::NotKept);
        assert_eq!(
            map_reason(Some(Reason::StorageFull)),
            OutOfServiceReason::StorageFull
        );
    }
}
