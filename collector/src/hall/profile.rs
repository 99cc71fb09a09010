//! A window's profile from the hall's tables and the office's options.

use manyi_shared::wire::limits::MAX_REPLY_BYTES;
use manyi_shared::wire::{Profile, SecretKey};

use super::WindowOptions;
use crate::store::ProfileSource;

/// What a reply needs beside the profile: an acknowledgement with 1000 rejected positions, and the
/// office's prompts.
const ROOM_FOR_REPLY: usize = 64 * 1024;

/// The name of the option set when the office has words of its own; the national set is `v2`.
const OWN_TAGS: &str = "office";

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
    let mut profile = Profile {
        version: source.version,
        hall_id: source.hall.to_string(),
        hall_name: source.hall_name,
        time_zone: source.time_zone,
        window_id: source.window.to_string(),
        window_number: source.window_number,
        window_name: source.window_name,
        contact: source.contact,
        staff_on_duty: source.staff_on_duty,
        staff: source.staff,
        items: source.items,
        ..blank()
    };
    source.options.apply(&mut profile);
    if let Some(options) = &mut profile.options {
        options.office_key = source.office_key;
        options.technician_pin = source.technician_pin;
        if source.paused.is_some() {
            options.paused = source.paused;
        }
        if options.office_key.is_none() && options.ask_phone == Some(true) {
            tracing::warn!(
                window = profile.window_id,
                "there is no office key yet, so no telephone numbers are asked for"
            );
            options.ask_phone = None;
        }
    }
    profile
}

/// A profile of nobody, with the values that terminals usually have.
pub(super) fn blank() -> Profile {
    Profile {
        version: 1,
        hall_id: String::new(),
        hall_name: String::new(),
        time_zone: String::new(),
        window_id: String::new(),
        window_number: String::new(),
        window_name: String::new(),
        contact: String::new(),
        staff_on_duty: None,
        staff: Vec::new(),
        items: Vec::new(),
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

impl WindowOptions {
    /// Writes the options over a profile's usual values.
    pub(super) fn apply(&self, profile: &mut Profile) {
        profile.ask_seconds = self.ask_seconds.unwrap_or(profile.ask_seconds);
        profile.reasons_seconds = self.reasons_seconds.unwrap_or(profile.reasons_seconds);
        profile.thanks_seconds = self.thanks_seconds.unwrap_or(profile.thanks_seconds);
        profile.guard_ms = self.guard_ms.unwrap_or(profile.guard_ms);
        profile.mirrored = self.mirrored.unwrap_or(profile.mirrored);
        profile.ask_reasons = self.ask_reasons.unwrap_or(profile.ask_reasons);
        profile.keep_records = self.keep_records.unwrap_or(profile.keep_records);
        if self.options.tags.is_some() {
            OWN_TAGS.clone_into(&mut profile.tag_set);
        }
        profile.options = Some(self.options.clone());
    }
}

#[cfg(test)]
mod tests {
    use manyi_shared::wire::ProfileOptions;

    use super::*;

    fn source(office_key: Option<[u8; 32]>) -> ProfileSource {
        let options = ProfileOptions {
            ask_phone: Some(true),
            paused: Some("检修".to_owned()),
            ..ProfileOptions::default()
        };
        ProfileSource {
            version: 7,
            hall: "H1".parse().unwrap(),
            hall_name: "大厅".to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            contact: "服务台".to_owned(),
            window: "A01".parse().unwrap(),
            window_number: "A01".to_owned(),
            window_name: "综合".to_owned(),
            staff_on_duty: None,
            staff: Vec::new(),
            items: Vec::new(),
            options: WindowOptions {
                options,
                ..WindowOptions::default()
            },
            office_key,
            technician_pin: None,
            paused: None,
        }
    }

    /// A terminal would refuse a profile that asks for what it cannot encrypt.
    #[test]
    fn without_the_offices_key_no_telephone_number_is_asked_for() {
        let key = SecretKey::from_seed(&[1; 32]);
        for (office, asks) in [(None, None), (Some([2; 32]), Some(true))] {
            let bytes = signed_profile(source(office), &key);
            let profile = Profile::open(&bytes, &key.public()).expect("one to obey");
            assert_eq!(profile.options().ask_phone, asks);
        }
    }

    #[test]
    fn a_pause_by_command_stands_before_one_by_file() {
        let by_command = ProfileSource {
            paused: Some("午休".to_owned()),
            ..source(None)
        };
        let text = |source| profile(source).options().paused.clone();
        assert_eq!(text(by_command).as_deref(), Some("午休"));
        assert_eq!(text(source(None)).as_deref(), Some("检修"));
    }
}
