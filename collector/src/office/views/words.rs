//! Words of the saved views.

use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(super) struct ViewWords {
    pub(super) title: &'static str,
    pub(super) hint: &'static str,
    pub(super) name: &'static str,
    pub(super) address: &'static str,
    pub(super) forget: &'static str,
    pub(super) empty: &'static str,
    pub(super) empty_advice: &'static str,
    pub(super) bad_name: &'static str,
    pub(super) bad_address: &'static str,
    pub(super) too_many: &'static str,
}

const ZH: ViewWords = ViewWords {
    title: "我的视图",
    hint: "只有您自己能看到。以“上月”等名称保存的视图会随日历推移。",
    name: "名称",
    address: "地址",
    forget: "删除",
    empty: "还没有保存的视图",
    empty_advice: "在概览、趋势、对比等页面选好范围后，点“保存此视图”。",
    bad_name: "名称须为 1 到 {} 个字符。",
    bad_address: "只能保存本站办公页面的地址。",
    too_many: "最多保存 {} 个视图，请先删除不用的。",
};

const EN: ViewWords = ViewWords {
    title: "My views",
    hint: "Only you see them. A view of \"last month\" moves on with the calendar.",
    name: "Name",
    address: "Address",
    forget: "Delete",
    empty: "No view is saved yet",
    empty_advice: "Choose a range on the pages Overview, Trends or Compare, then \"Save this view\".",
    bad_name: "A name has 1 to {} characters.",
    bad_address: "Only addresses of the office's pages can be saved.",
    too_many: "At most {} views can be saved. Delete one that is no longer used.",
};

impl ViewWords {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }
}
