//! The words of the page of marks.

use crate::marks::Rule;
use crate::office::language::Language;
use crate::store::marks::MarkState;

/// The words of one language.
#[derive(Debug)]
pub(in crate::office) struct MarkWords {
    pub(in crate::office) title: &'static str,
    pub(in crate::office) intro: &'static str,
    pub(in crate::office) rules: &'static str,
    pub(in crate::office) rule: &'static str,
    pub(in crate::office) state: &'static str,
    pub(in crate::office) all: &'static str,
    pub(in crate::office) show: &'static str,
    pub(in crate::office) marks: &'static str,
    pub(in crate::office) when: &'static str,
    pub(in crate::office) window: &'static str,
    pub(in crate::office) reason: &'static str,
    pub(in crate::office) thresholds: &'static str,
    pub(in crate::office) decision: &'static str,
    pub(in crate::office) why: &'static str,
    pub(in crate::office) confirm: &'static str,
    pub(in crate::office) dismiss: &'static str,
    pub(in crate::office) reopen: &'static str,
    pub(in crate::office) none: &'static str,
    pub(in crate::office) none_text: &'static str,
    pub(in crate::office) newer: &'static str,
    pub(in crate::office) older: &'static str,
    pub(in crate::office) with: &'static str,
    pub(in crate::office) without: &'static str,
    /// In the order of [`MarkState::ALL`].
    states: [&'static str; 4],
    /// Name and meaning, in the order of [`Rule::ALL`].
    all_rules: [(&'static str, &'static str); 6],
}

const ZH: MarkWords = MarkWords {
    title: "异常评价标记",
    intro: "标记只提示需要人工核查，不删除、不改动任何评价。统计可分别查看含标记与剔除标记两种口径；判定可以撤回，每次判定均留痕。",
    rules: "规则与数量",
    rule: "规则",
    state: "状态",
    all: "全部",
    show: "查看",
    marks: "标记",
    when: "评价时间",
    window: "窗口",
    reason: "依据",
    thresholds: "阈值版本",
    decision: "判定",
    why: "理由",
    confirm: "判为异常",
    dismiss: "判为正常",
    reopen: "撤回判定",
    none: "没有标记",
    none_text: "新记录到达后一分钟内自动检查。按卡满折叠计数上报的评价无单条记录，不在检查范围。",
    newer: "较新",
    older: "较早",
    with: "含标记的统计",
    without: "剔除标记的统计",
    states: ["待核查", "判为异常", "判为正常", "已失效"],
    all_rules: [
        ("作答过快", "问题出现后很快作答，来不及阅读"),
        ("短时密集", "同一窗口短时间内连续多次评价"),
        ("节奏相同", "评价间隔几乎完全相同"),
        (
            "无事项评价",
            "该窗口通常带有事项或办件，此次由人工触发且没有",
        ),
        ("本人班次偏高", "该人员非常满意占比远高于同窗口其他人员"),
        (
            "连续满分",
            "连续非常满意的次数超出该窗口长期比例下的偶然范围",
        ),
    ],
};

const EN: MarkWords = MarkWords {
    title: "Marked ratings",
    intro: "A mark asks a person to look. It deletes nothing and changes no rating. Scores are shown with and without marked ratings; a decision can be taken back, and every decision is kept.",
    rules: "Rules and numbers",
    rule: "Rule",
    state: "State",
    all: "All",
    show: "Show",
    marks: "Marks",
    when: "Rated",
    window: "Window",
    reason: "Found by",
    thresholds: "Thresholds",
    decision: "Decision",
    why: "Why",
    confirm: "Not genuine",
    dismiss: "Genuine",
    reopen: "Take back",
    none: "No marks",
    none_text: "New records are looked at within a minute. Ratings that a full card sent as counts have no record of their own and are not looked at.",
    newer: "Newer",
    older: "Older",
    with: "Scores with marked ratings",
    without: "Scores without marked ratings",
    states: ["To be looked at", "Not genuine", "Genuine", "Lapsed"],
    all_rules: [
        (
            "Answered too soon",
            "answered before anybody could read the question",
        ),
        ("Burst", "many ratings at one window in a short time"),
        ("Same rhythm", "nearly the same interval again and again"),
        (
            "No matter open",
            "asked for by hand without item or case, where the window usually has one",
        ),
        (
            "Own shift",
            "a clerk's share of the top level far above the others of the window",
        ),
        (
            "Streak",
            "more top levels in a row than chance gives at this window",
        ),
    ],
};

impl MarkWords {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }

    /// A rule's name and what it means.
    pub(super) fn rule(&self, rule: Rule) -> (&'static str, &'static str) {
        let mut all = Rule::ALL.into_iter().zip(self.all_rules);
        all.find(|(one, _)| *one == rule)
            .map_or(("", ""), |(_, words)| words)
    }

    /// A state's name.
    pub(super) fn state(&self, state: MarkState) -> &'static str {
        let mut all = MarkState::ALL.into_iter().zip(self.states);
        all.find(|(one, _)| *one == state)
            .map_or("", |(_, name)| name)
    }
}
