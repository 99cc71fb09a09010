//! A window's profile from the hall's tables.

use manyi_shared::wire::limits::MAX_REPLY_BYTES;
use manyi_shared::wire::{Profile, ProfileItem, ProfileStaff, SecretKey};

use crate::store::ProfileSource;

/// What a reply needs beside the profile: an acknowledgement with 1000 rejected positions.
const ROOM_FOR_REPLY: usize = 64 * 1024;

/// The signed profile of a window, small enough for a reply.
///
/// A department with so many items that the profile would not fit loses the last of them: the
/// terminal then shows such an item by its code, and the rating counts all the same.
#[must_use]
pub fn signed_profile(source: ProfileSource, key: &SecretKey) -> Vec<u8> {
    let mut profile = profile(source);
    loop {
        let bytes = profile.seal(key);
        if bytes.len() <= MAX_REPLY_BYTES - ROOM_FOR_REPLY || profile.items.is_empty() {
            return bytes;
        }
        let keep = profile.items.len() * 9 / 10;
        tracing::warn!(
            window = profile.window_id,
            keep,
            "profile is too large, items are left out"
        );
        profile.items.truncate(keep);
    }
}

fn profile(source: ProfileSource) -> Profile {
    let staff = source
        .staff
        .into_iter()
        .map(|(id, name, post)| ProfileStaff {
            id,
            name,
            post,
            stars: None,
            photo: None,
        });
    let items = source
        .items
        .into_iter()
        .map(|(code, name)| ProfileItem { code, name });
    Profile {
        version: source.version,
        hall_id: source.hall.to_string(),
        hall_name: source.hall_name,
        time_zone: source.time_zone,
        window_id: source.window.to_string(),
        window_number: source.window_number,
        window_name: source.window_name,
        contact: source.contact,
        staff_on_duty: source.staff_on_duty,
        staff: staff.collect(),
        items: items.collect(),
        tag_set: "v2".to_owned(),
        ask_reasons: true,
        ask_seconds: 30,
        reasons_seconds: 20,
        thanks_seconds: 5,
        guard_ms: 600,
        mirrored: false,
        keep_records: 50_000,
        options: None,
    }
}
