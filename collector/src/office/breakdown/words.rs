//! Words of the pages that compare.

use crate::office::frame::Section;
use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(super) struct BreakdownWords {
    compare: [&'static str; 2],
    items: [&'static str; 2],
    clerks: [&'static str; 2],
    pub(super) by: &'static str,
    pub(super) least: &'static str,
    pub(super) least_unit: &'static str,
    pub(super) apply: &'static str,
}

const ZH: BreakdownWords = BreakdownWords {
    compare: [
        "对比",
        "点列名排序；点数字看它由什么组成。比率排名只列评价足够多的。",
    ],
    items: ["事项", "每个办理事项的评价；点差评数看在哪些窗口。"],
    clerks: [
        "人员",
        "个人数字仅供改进服务，不得用于强迫或干扰评价；评价很少时说明不了一个人。",
    ],
    by: "按",
    least: "至少",
    least_unit: "条评价才排名",
    apply: "应用",
};

const EN: BreakdownWords = BreakdownWords {
    compare: [
        "Compare",
        "Click a head to sort, a number to see what it is made of. Rates are ranked only where there are enough ratings.",
    ],
    items: [
        "Items",
        "The ratings of every service item; click the bad ones to see at which windows.",
    ],
    clerks: [
        "Clerks",
        "Figures of single people are for better service only; a few ratings say little about anybody.",
    ],
    by: "By",
    least: "Rank from",
    least_unit: "ratings on",
    apply: "Apply",
};

impl BreakdownWords {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }

    /// Title and hint of a page.
    pub(super) const fn head(&self, section: Section) -> (&'static str, &'static str) {
        let [title, hint] = match section {
            Section::Items => self.items,
            Section::Clerks => self.clerks,
            _ => self.compare,
        };
        (title, hint)
    }
}
