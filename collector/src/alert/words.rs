//! What alerts are called, in Chinese and English: for messages and pages alike.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::Kind;

/// A language that people are told in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Tongue {
    /// 中文.
    #[default]
    #[serde(rename = "zh")]
    Chinese,
    /// English.
    #[serde(rename = "en")]
    English,
}

/// What a kind is called and what to do about it.
#[derive(Debug, Clone, Copy)]
pub struct KindWords {
    /// Its name.
    pub name: &'static str,
    /// What to do.
    pub advice: &'static str,
}

impl Kind {
    /// Its words.
    #[must_use]
    pub const fn words(self, tongue: Tongue) -> KindWords {
        let (name, advice) = match tongue {
            Tongue::Chinese => self.chinese(),
            Tongue::English => self.english(),
        };
        KindWords { name, advice }
    }

    const fn chinese(self) -> (&'static str, &'static str) {
        match self {
            Self::Incident => ("记录异常", "在设备页面查看该事件，查明原因后点击“已处理”。"),
            Self::Journal => (
                "设备无法保存评价",
                "该窗口现在不能评价。请更换存储卡或重启设备，并保留旧卡。",
            ),
            Self::RevokedCalls => (
                "已停用的设备仍在连接",
                "找到这台设备并关机；若是误停用，请重新发放注册码。",
            ),
            Self::Silent => (
                "设备失联",
                "检查设备电源和网络；评价仍保存在设备上，恢复后会自动上传。",
            ),
            Self::NotPainting => (
                "屏幕没有显示",
                "到窗口查看屏幕；重启设备。若再次发生，请联系技术人员。",
            ),
            Self::OutOfService => (
                "设备暂停受理评价",
                "屏幕上写有原因，请到窗口查看并按提示处理。",
            ),
            Self::SelfTest => (
                "自检未通过",
                "检查该窗口设备是否开机并联网；在此之前这些等级的评价可能无法上传。",
            ),
            Self::Backlog => (
                "评价积压未上传",
                "设备在线但上传没有进展；请技术人员运行 manyi-sync doctor。",
            ),
            Self::Disk => (
                "存储空间不足",
                "请技术人员清理或更换存储卡；空间用尽后只能保留按小时汇总的计数。",
            ),
            Self::Clock => (
                "设备时钟不准",
                "请为设备指定可用的时间服务器；评价照常接收，时间由中心推算。",
            ),
            Self::Profile => (
                "设备未采用新配置",
                "设备继续使用旧配置。请更正配置后重新发布。",
            ),
            Self::Hot => ("设备过热", "检查通风和日照；必要时关机冷却。"),
        }
    }

    const fn english(self) -> (&'static str, &'static str) {
        match self {
            Self::Incident => (
                "records are not as they should be",
                "See the incident on the terminal's page; clear it there when you know the cause.",
            ),
            Self::Journal => (
                "the terminal cannot keep ratings",
                "Nobody can rate at this window now. Change the card or restart the device, and keep the old card.",
            ),
            Self::RevokedCalls => (
                "a terminal that was taken out of use goes on calling",
                "Find it and switch it off; if that was a mistake, enrol it again with a new code.",
            ),
            Self::Silent => (
                "the terminal is not heard of",
                "Look at its power and its network; ratings stay on it and are sent when it is back.",
            ),
            Self::NotPainting => (
                "the screen does not paint",
                "Look at the screen; restart the device. If it comes again, tell a technician.",
            ),
            Self::OutOfService => (
                "the terminal takes no prompts",
                "Its page says why: look at it and do what it says.",
            ),
            Self::SelfTest => (
                "the self-test did not come through",
                "See whether the terminal is on and has a network; until then ratings of these levels may not get through.",
            ),
            Self::Backlog => (
                "ratings do not get through",
                "The terminal calls, but its backlog does not fall: have a technician run manyi-sync doctor.",
            ),
            Self::Disk => (
                "the card is nearly full",
                "Clear or change the card; when it is full, ratings are kept as counts by the hour only.",
            ),
            Self::Clock => (
                "the clock is wrong",
                "Name a time server that it reaches; ratings are taken meanwhile, and the centre works out when.",
            ),
            Self::Profile => (
                "the terminal does not obey its new profile",
                "It goes on with the one before. Correct the profile and publish it again.",
            ),
            Self::Hot => (
                "the terminal is too hot",
                "See that air gets to it and the sun does not; switch it off to cool if you must.",
            ),
        }
    }

    /// How much, from what the alert keeps; empty when the name says it all.
    #[must_use]
    pub fn detail(self, kept: &str, tongue: Tongue, zone: &TimeZone) -> String {
        let zh = tongue == Tongue::Chinese;
        let say = |chinese: String, english: String| if zh { chinese } else { english };
        let number = kept.parse::<i64>().ok();
        match (self, number) {
            (Self::Silent, Some(at)) => {
                let at = local(at, zone);
                say(format!("最后一次联系 {at}"), format!("last heard of {at}"))
            }
            (Self::Disk, Some(bytes)) => {
                let mib = bytes / (1024 * 1024);
                say(format!("剩余 {mib} MiB"), format!("{mib} MiB are free"))
            }
            (Self::Clock, Some(ms)) => {
                let (seconds, behind) = (ms.unsigned_abs() / 1000, ms < 0);
                let (side_zh, side) = if behind {
                    ("慢", "behind")
                } else {
                    ("快", "ahead")
                };
                say(
                    format!("{side_zh} {seconds} 秒"),
                    format!("{seconds} s {side}"),
                )
            }
            (Self::Hot, Some(mc)) => format!("{}.{} °C", mc / 1000, mc % 1000 / 100),
            (Self::Backlog, Some(n)) => say(format!("{n} 条未上传"), format!("{n} unsent")),
            (Self::RevokedCalls, Some(n)) => say(format!("{n} 次"), format!("{n} calls")),
            (Self::NotPainting, _) if kept == "silent" => say(
                "终端程序没有响应".to_owned(),
                "the terminal program says nothing".to_owned(),
            ),
            (Self::NotPainting, _) => say(
                "程序在运行，画面停住".to_owned(),
                "the program runs, the picture stands".to_owned(),
            ),
            (Self::SelfTest, _) if !kept.is_empty() => {
                say(format!("缺少等级 {kept}"), format!("missing {kept}"))
            }
            (Self::OutOfService, _) => String::new(),
            _ => kept.to_owned(),
        }
    }
}

/// A moment in a hall's zone.
#[must_use]
pub fn local(ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| String::new(),
        |at| {
            let there = at.to_zoned(zone.clone());
            there.strftime("%Y-%m-%d %H:%M").to_string()
        },
    )
}
