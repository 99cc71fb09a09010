//! The words of the bulletin's page.

use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(in crate::office) struct BulletinWords {
    pub(in crate::office) title: &'static str,
    pub(in crate::office) month: &'static str,
    pub(in crate::office) show: &'static str,
    pub(in crate::office) draft: &'static str,
    pub(in crate::office) draft_text: &'static str,
    pub(in crate::office) not_over: &'static str,
    pub(in crate::office) published: &'static str,
    pub(in crate::office) version: &'static str,
    pub(in crate::office) by: &'static str,
    pub(in crate::office) digest: &'static str,
    pub(in crate::office) why: &'static str,
    pub(in crate::office) why_hint: &'static str,
    pub(in crate::office) history: &'static str,
    pub(in crate::office) see_draft: &'static str,
    pub(in crate::office) publish: &'static str,
    pub(in crate::office) publish_text: &'static str,
    pub(in crate::office) correct: &'static str,
    pub(in crate::office) correct_text: &'static str,
    pub(in crate::office) files: &'static str,
    pub(in crate::office) print_hint: &'static str,
    pub(in crate::office) definitions: &'static str,
    pub(in crate::office) marks: &'static str,
}

const ZH: BulletinWords = BulletinWords {
    title: "政务服务评价月度通报",
    month: "月份",
    show: "查看",
    draft: "草稿",
    draft_text: "以下为当前统计，尚未发布，数字仍可能变化。",
    not_over: "本月尚未结束，不能发布。",
    published: "发布时间",
    version: "版本",
    by: "发布人",
    digest: "摘要（SHA-256）",
    why: "更正原因",
    why_hint: "更正后另成一版，原版本保留可查。",
    history: "历次发布",
    see_draft: "查看当前统计",
    publish: "发布",
    publish_text: "发布后数字固定，公众页面随即显示；不足规定人数的分组自动隐去。",
    correct: "发布更正",
    correct_text: "本月已发布。如有错误，可按当前统计发布更正版本。",
    files: "导出",
    print_hint: "打印或存为 PDF：使用浏览器的打印功能，已按 A4 排版。",
    definitions: "指标如何计算",
    marks: "异常评价标记",
};

const EN: BulletinWords = BulletinWords {
    title: "Monthly bulletin of service ratings",
    month: "Month",
    show: "Show",
    draft: "Draft",
    draft_text: "These are the counts as they stand. Nothing is published, and they may still change.",
    not_over: "The month is not over; it cannot be published yet.",
    published: "Published",
    version: "Version",
    by: "By",
    digest: "Digest (SHA-256)",
    why: "Why it is corrected",
    why_hint: "A correction is another version; the one before stays to be read.",
    history: "Publications",
    see_draft: "Show the counts as they stand",
    publish: "Publish",
    publish_text: "From then on the numbers stay as they are, and the public page shows them. Groups that are too small are withheld.",
    correct: "Publish a correction",
    correct_text: "This month is published. If something was wrong, publish the counts as they now stand as a correction.",
    files: "Files",
    print_hint: "To print or to make a PDF use the browser's printing; the page is laid out for A4.",
    definitions: "How figures are computed",
    marks: "Marked ratings",
};

impl BulletinWords {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }
}
