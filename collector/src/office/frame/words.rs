//! The frame's words.

use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(in crate::office) struct FrameWords {
    pub(in crate::office) menu: &'static str,
    pub(in crate::office) sections: &'static str,
    pub(in crate::office) overview: &'static str,
    pub(in crate::office) trends: &'static str,
    pub(in crate::office) compare: &'static str,
    pub(in crate::office) windows: &'static str,
    pub(in crate::office) items: &'static str,
    pub(in crate::office) tags: &'static str,
    pub(in crate::office) clerks: &'static str,
    pub(in crate::office) fleet: &'static str,
    pub(in crate::office) bulletin: &'static str,
    pub(in crate::office) administration: &'static str,
    pub(in crate::office) account: &'static str,
    pub(in crate::office) place: &'static str,
    pub(in crate::office) all_halls: &'static str,
    pub(in crate::office) choose: &'static str,
    pub(in crate::office) version: &'static str,
    pub(in crate::office) definitions: &'static str,
    pub(in crate::office) same_numbers: &'static str,
    pub(in crate::office) in_api: &'static str,
    pub(in crate::office) views: &'static str,
}

const ZH: FrameWords = FrameWords {
    menu: "菜单",
    sections: "栏目",
    overview: "概览",
    trends: "趋势",
    compare: "对比",
    windows: "窗口",
    items: "事项",
    tags: "差评原因",
    clerks: "人员",
    fleet: "设备",
    bulletin: "通报",
    administration: "管理",
    account: "我的账号",
    place: "大厅",
    all_halls: "全部大厅",
    choose: "切换",
    version: "版本",
    definitions: "指标如何计算",
    same_numbers: "页面、接口与导出文件出自同一份计数。",
    in_api: "接口中的名称",
    views: "我的视图",
};

const EN: FrameWords = FrameWords {
    menu: "Menu",
    sections: "Sections",
    overview: "Overview",
    trends: "Trends",
    compare: "Compare",
    windows: "Windows",
    items: "Items",
    tags: "Bad reasons",
    clerks: "Clerks",
    fleet: "Devices",
    bulletin: "Bulletin",
    administration: "Administration",
    account: "My account",
    place: "Hall",
    all_halls: "All halls",
    choose: "Go",
    version: "Version",
    definitions: "How figures are computed",
    same_numbers: "Pages, API and exports read the same counts.",
    in_api: "In the API",
    views: "My views",
};

impl FrameWords {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }
}
