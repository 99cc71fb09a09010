//! The profile of the soak: everything that a citizen can meet.

use manyi_shared::wire::{Announcement, OfficeSecret, Profile, ProfileOptions, SupplementOption};

use crate::usual;

/// How long pages are deaf.
pub(crate) const GUARD_MS: u64 = 300;
/// How long the question stays, for elders.
pub(crate) const ASK_MS: u64 = 2 * 30_000;
/// How long the reasons stay, for elders.
pub(crate) const REASONS_MS: u64 = 2 * 20_000;
/// How long the thanks stay, for elders.
pub(crate) const THANKS_MS: u64 = 2 * 2_000;

/// The key that opens what citizens leave.
pub(crate) fn office() -> OfficeSecret {
    OfficeSecret::from_seed(&[9; 32])
}

/// All languages, reasons with a code, call-back numbers, two announcements.
pub(crate) fn profile() -> Profile {
    let announcement = |text: &str| Announcement {
        text: text.to_owned(),
        picture: None,
        seconds: 8,
    };
    Profile {
        keep_records: 1_000_000,
        options: Some(ProfileOptions {
            ask_phone: Some(true),
            office_key: Some(*office().public().as_bytes()),
            supplement: Some(SupplementOption {
                url: "https://rate.example.cn/s/".to_owned(),
                hours: 72,
            }),
            announcements: Some(vec![
                announcement("办完业务，请您在评价器上评一评。"),
                announcement("办事遇到困难，请到大厅服务台反映。"),
            ]),
            ..ProfileOptions::default()
        }),
        ..usual::profile()
    }
}
