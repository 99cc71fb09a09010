//! The profile of an invented hall's first window.

use manyi_shared::wire::{Profile, ProfileItem, ProfileStaff};

/// A profile with one clerk on duty and two items.
pub(crate) fn profile() -> Profile {
    let item = |code: &str, name: &str| ProfileItem {
        code: code.to_owned(),
        name: name.to_owned(),
    };
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
        items: vec![
            item("1137158100MB9Y0011400010100100", "居民身份证到期换领"),
            item("1137158100MB9Y0011400010100200", "内资公司设立登记"),
        ],
        tag_set: "v2".to_owned(),
        ask_reasons: true,
        ask_seconds: 30,
        reasons_seconds: 20,
        thanks_seconds: 2,
        guard_ms: 300,
        mirrored: false,
        keep_records: 1000,
        options: None,
    }
}
