//! A tablet that an invented office has enrolled: benches and tests that need no collector.

use std::path::Path;

use manyi_shared::domain::{HallId, TerminalId, WindowId};
use manyi_shared::tablet::{DataDir, Identity, ensure_folder, load_or_create_key, replace};
use manyi_shared::wire::{Profile, ProfileItem, ProfileStaff, SecretKey, Suite};

/// A profile with one clerk and one item, all languages, and no reasons page.
#[must_use]
pub fn profile() -> Profile {
    Profile {
        version: 1,
        hall_id: "371581-01".to_owned(),
        hall_name: "临清市政务服务中心".to_owned(),
        time_zone: "Asia/Shanghai".to_owned(),
        window_id: "A01".to_owned(),
        window_number: "A01".to_owned(),
        window_name: "综合受理窗口".to_owned(),
        contact: "大厅总服务台".to_owned(),
        staff_on_duty: Some("LQ0101".to_owned()),
        staff: vec![ProfileStaff {
            id: "LQ0101".to_owned(),
            name: "王翀".to_owned(),
            post: "综合受理岗".to_owned(),
            stars: None,
            photo: None,
        }],
        items: vec![ProfileItem {
            code: "1137158100MB9Y0011400010100100".to_owned(),
            name: "居民身份证到期换领".to_owned(),
        }],
        tag_set: "v2".to_owned(),
        ask_reasons: false,
        ask_seconds: 600,
        reasons_seconds: 20,
        thanks_seconds: 1,
        guard_ms: 50,
        mirrored: false,
        keep_records: 50_000,
        options: None,
    }
}

/// Puts key, identity and profile of a terminal at the invented office into a data folder.
///
/// # Errors
/// When the folder cannot be written.
pub fn enrol(folder: &Path, profile: &Profile) -> anyhow::Result<()> {
    ensure_folder(folder)?;
    let data = DataDir::new(folder);
    let office = SecretKey::from_seed(&[42; 32]);
    load_or_create_key(&data.key(), Suite::Ed25519Sha256)?;
    let identity = Identity {
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new(&profile.hall_id)?,
        window: WindowId::new(&profile.window_id)?,
        collector: office.public(),
        collector_url: "http://127.0.0.1:8080".to_owned(),
    };
    identity.write(&data.identity())?;
    replace(&data.profile(), &profile.seal(&office))?;
    Ok(())
}
