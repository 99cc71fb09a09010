//! The words of the page for everybody.

use crate::office::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(in crate::office) struct PublicWords {
    pub(in crate::office) title: &'static str,
    pub(in crate::office) intro: &'static str,
    pub(in crate::office) nothing: &'static str,
    pub(in crate::office) nothing_text: &'static str,
    pub(in crate::office) places: &'static str,
    pub(in crate::office) months: &'static str,
    pub(in crate::office) published: &'static str,
    pub(in crate::office) version: &'static str,
    pub(in crate::office) corrected: &'static str,
    pub(in crate::office) digest: &'static str,
    pub(in crate::office) files: &'static str,
    pub(in crate::office) answers: &'static str,
    pub(in crate::office) answers_text: &'static str,
    pub(in crate::office) definitions: &'static str,
    pub(in crate::office) roots: &'static str,
    pub(in crate::office) roots_text: &'static str,
    pub(in crate::office) roots_how: &'static str,
    pub(in crate::office) roots_of: &'static str,
}

const ZH: PublicWords = PublicWords {
    title: "政务服务评价公开",
    intro: "以下为已发布的月度评价数据。只计入群众实际作出的评价；系统默认评价单独列出，不计入任何比率。",
    nothing: "尚未发布数据",
    nothing_text: "月度通报发布后，将在此公开。",
    places: "大厅",
    months: "月份",
    published: "发布于",
    version: "版本",
    corrected: "更正原因：",
    digest: "内容摘要（SHA-256）",
    files: "下载",
    answers: "差评答复",
    answers_text: "差评的核实整改与答复，将在差评工单台账启用后于此公开；目前尚无数据。",
    definitions: "指标如何计算",
    roots: "如何核验",
    roots_text: "每天收到的全部评价记录，都会生成一个带签名的根值并公开。记录一经收到，事后无法增删改而不被发现。",
    roots_how: "持有某次评价凭证的人，可用命令 manyi-collector verify-proof 核对该评价是否在内。",
    roots_of: "每日签名根值：",
};

const EN: PublicWords = PublicWords {
    title: "Published service ratings",
    intro: "Monthly figures as they were published. Only ratings that citizens gave are counted; ratings set by default stand apart and are in no rate.",
    nothing: "Nothing was published yet",
    nothing_text: "Monthly bulletins appear here once they are published.",
    places: "Halls",
    months: "Months",
    published: "Published",
    version: "version",
    corrected: "Corrected because:",
    digest: "Digest of the content (SHA-256)",
    files: "Files",
    answers: "Answers to bad ratings",
    answers_text: "What was found and put right after bad ratings will stand here once there is a ledger of cases. There is nothing yet.",
    definitions: "How figures are computed",
    roots: "How to check",
    roots_text: "All records that were received on a day make one root, which is signed and public. Afterwards none can be added, changed or taken away unnoticed.",
    roots_how: "Whoever holds the proof of one rating can check with manyi-collector verify-proof that it is in.",
    roots_of: "Daily signed roots:",
};

impl PublicWords {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Chinese => &ZH,
            Language::English => &EN,
        }
    }
}
