//! The demo's next citizen: a plausible prompt from the profile's own items. Only with `demo_key`.

use manyi_shared::domain::{CaseNumber, ItemCode, ServiceEvent, StaffId};
use manyi_shared::wire::Profile;

/// What the `count`-th citizen of a demo came for.
#[must_use]
pub fn next_citizen(profile: &Profile, count: usize) -> ServiceEvent {
    let nth = count.checked_rem(profile.items.len());
    let item = nth
        .and_then(|n| profile.items.get(n))
        .and_then(|item| ItemCode::new(&item.code).ok());
    ServiceEvent {
        staff: profile
            .staff_on_duty
            .as_deref()
            .and_then(|id| StaffId::new(id).ok()),
        item,
        case_number: CaseNumber::new(format!("DEMO-{:06}", count.saturating_add(1))).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn citizens_come_for_one_item_after_the_other_and_to_the_clerk_on_duty() {
        let profile = invented::profile();
        let came: Vec<_> = (0..3).map(|n| next_citizen(&profile, n)).collect();
        assert_ne!(came[0].item, came[1].item);
        assert_eq!(came[0].item, came[2].item);
        assert!(came.iter().all(|event| event.staff.is_some()));
        assert_ne!(came[0].case_number, came[2].case_number);
    }

    #[test]
    fn a_profile_without_items_still_has_citizens() {
        let mut profile = invented::profile();
        profile.items.clear();
        profile.staff_on_duty = None;
        let event = next_citizen(&profile, 7);
        assert_eq!((event.item, event.staff), (None, None));
        assert!(event.case_number.is_some());
    }
}
