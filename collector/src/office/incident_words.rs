//! What incidents are called on the office's page.

use super::language::Language;
use crate::ingest::incident::Kind;

/// What happened, for a clerk: what it means for the ratings, not how it came about.
pub(super) const fn incident_words(kind: Kind, language: Language) -> &'static str {
    let (zh, en) = match kind {
        Kind::DamagedJournal => (
            "设备存储损坏，已抢救可读记录，部分评价可能缺失",
            "the card was damaged; what could be read was saved, some ratings may be missing",
        ),
        Kind::NotKept => (
            "有评价未能存入设备，已当场告知群众，未计数",
            "a rating could not be kept; the citizen was told, it does not count",
        ),
        Kind::UnreadableJournal => (
            "设备存储无法读取，尚未上传的评价可能缺失",
            "the card cannot be read; what had not been sent may be missing",
        ),
        Kind::OlderJournal => (
            "设备存储回到了较早的状态，此后存入的评价可能缺失",
            "the card went back to an earlier state; ratings kept since then may be missing",
        ),
        Kind::OtherLoss => (
            "设备报告部分记录可能缺失",
            "the terminal says that records may be missing",
        ),
        Kind::Gone => (
            "中心从备份恢复后，部分评价在中心和设备上都已不存在",
            "since the centre came back from a backup, some ratings are neither here nor there",
        ),
        Kind::Folded => (
            "设备存储已满：评价已按小时汇总计数，人员、事项和原因未保留",
            "the card was full: ratings count by the hour, without clerk, item and reasons",
        ),
        Kind::Unread => (
            "有一条记录无法处理，已原样保存，未计数",
            "a record could not be read; it is kept as it is and does not count",
        ),
        Kind::SecondHistory => (
            "设备上传了与此前不同的记录：存储卡可能被还原或复制。两份均已保存，先到的计数",
            "the terminal tells other records than before: its card was put back or copied. Both \
             are kept, the first counts",
        ),
        Kind::RolledBack => (
            "设备回到了更早的状态：存储卡可能被还原、复制或修复。中心已收到的评价不受影响",
            "the terminal went back to an earlier state. What the centre has counts as before",
        ),
        Kind::OtherPast => (
            "设备的历史与中心记录不一致：存储卡可能被更换或复制",
            "the terminal goes on from another past: its card was exchanged or copied",
        ),
        Kind::Forked => (
            "设备出现两份历史：存储卡可能被复制或还原。两份均已保存并计数",
            "two histories go on from one point: the card was copied or put back. Both count",
        ),
        Kind::BeganAnew => (
            "设备从空白存储开始：存储卡可能被更换或清除，未上传的评价可能缺失",
            "the terminal began with an empty card; what it had not sent may be missing",
        ),
        Kind::NumbersBack => (
            "设备上传编号倒退：存储卡可能被还原，或有两台设备使用同一身份",
            "the terminal counts its uploads from further back: its card was put back, or two have \
             one identity",
        ),
        Kind::RescuedOther => (
            "抢救出的记录与中心已有的不同。两份均已保存，先到的计数",
            "a saved record is not the one that is here. Both are kept, the first counts",
        ),
        Kind::ReplacedInUse => (
            "已被替换的设备仍在接受评价，评价照常计数，请收回该设备",
            "a terminal that was replaced still asks citizens; its ratings count. Take it away",
        ),
    };
    match language {
        Language::Chinese => zh,
        Language::English => en,
    }
}
