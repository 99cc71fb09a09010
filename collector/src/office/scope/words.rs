//! Words of place, time and filters.

use super::period::{PeriodFault, Preset};
use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(in crate::office) struct ScopeWords {
    pub(in crate::office) range: &'static str,
    presets: [&'static str; 10],
    pub(in crate::office) from: &'static str,
    pub(in crate::office) to: &'static str,
    pub(in crate::office) show: &'static str,
    pub(in crate::office) before: &'static str,
    pub(in crate::office) after: &'static str,
    pub(in crate::office) zone: &'static str,
    pub(in crate::office) remove: &'static str,
    pub(in crate::office) hall: &'static str,
    pub(in crate::office) region: &'static str,
    pub(in crate::office) department: &'static str,
    pub(in crate::office) window: &'static str,
    pub(in crate::office) staff: &'static str,
    pub(in crate::office) item: &'static str,
    pub(in crate::office) channel: &'static str,
    pub(in crate::office) nobody: &'static str,
    pub(in crate::office) no_item: &'static str,
    pub(in crate::office) bad_range: &'static str,
    pub(in crate::office) bad_range_advice: &'static str,
    pub(in crate::office) backwards_advice: &'static str,
    pub(in crate::office) all_halls: &'static str,
    pub(in crate::office) save_view: &'static str,
    pub(in crate::office) view_name: &'static str,
    pub(in crate::office) save: &'static str,
}

const ZH: ScopeWords = ScopeWords {
    range: "时间",
    presets: [
        "今日",
        "昨日",
        "本周",
        "上周",
        "本月",
        "上月",
        "本季度",
        "上季度",
        "今年",
        "去年",
    ],
    from: "起",
    to: "止",
    show: "查看",
    before: "前一段",
    after: "后一段",
    zone: "时区",
    remove: "取消",
    hall: "大厅",
    region: "地区",
    department: "部门",
    window: "窗口",
    staff: "人员",
    item: "事项",
    channel: "渠道",
    nobody: "未指明人员",
    no_item: "未指明事项",
    bad_range: "时间范围无效",
    bad_range_advice: "日期应写作 2026-03-09，范围不超过一百年。请重新选择。",
    backwards_advice: "起始日期晚于截止日期。请重新选择。",
    all_halls: "全部大厅",
    save_view: "保存此视图",
    view_name: "视图名称",
    save: "保存",
};

const EN: ScopeWords = ScopeWords {
    range: "Time",
    presets: [
        "Today",
        "Yesterday",
        "This week",
        "Last week",
        "This month",
        "Last month",
        "This quarter",
        "Last quarter",
        "This year",
        "Last year",
    ],
    from: "From",
    to: "To",
    show: "Show",
    before: "Before",
    after: "After",
    zone: "Time zone",
    remove: "remove",
    hall: "Hall",
    region: "Region",
    department: "Department",
    window: "Window",
    staff: "Clerk",
    item: "Item",
    channel: "Channel",
    nobody: "no clerk named",
    no_item: "no item named",
    bad_range: "This range of time cannot be used",
    bad_range_advice: "Write dates as 2026-03-09, at most a hundred years apart, and choose again.",
    backwards_advice: "The first day is after the last. Choose again.",
    all_halls: "All halls",
    save_view: "Save this view",
    view_name: "Name of the view",
    save: "Save",
};

impl ScopeWords {
    /// The words of a language.
    pub(in crate::office) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }

    /// What to do about an unusable period.
    pub(super) const fn advice(&self, fault: PeriodFault) -> &'static str {
        match fault {
            PeriodFault::Unreadable => self.bad_range_advice,
            PeriodFault::Backwards => self.backwards_advice,
        }
    }

    /// The name of a period.
    pub(super) fn preset(&self, preset: Preset) -> &'static str {
        let place = Preset::ALL.iter().position(|known| *known == preset);
        place
            .and_then(|place| self.presets.get(place))
            .copied()
            .unwrap_or_default()
    }
}
