//! The five levels of satisfaction and the channels a rating can come through.

use serde::{Deserialize, Serialize};

/// What a citizen says of one service, from 5 非常满意 down to 1 非常不满意.
///
/// The numbers are the ones in use on every provincial interface. GB/T 39046 table A.8 counts the
/// other way round; adapters turn it, nothing else may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[repr(u8)]
pub enum Level {
    /// 非常不满意
    VeryDissatisfied = 1,
    /// 不满意
    Dissatisfied = 2,
    /// 基本满意
    BasicallySatisfied = 3,
    /// 满意
    Satisfied = 4,
    /// 非常满意
    VerySatisfied = 5,
}

/// A number that is no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("level {0} does not exist: levels are 5 (非常满意) down to 1 (非常不满意)")]
pub struct InvalidLevel(pub u8);

impl Level {
    /// All levels in the order of every hall's device: 非常满意 first.
    pub const ALL: [Self; 5] = [
        Self::VerySatisfied,
        Self::Satisfied,
        Self::BasicallySatisfied,
        Self::Dissatisfied,
        Self::VeryDissatisfied,
    ];

    /// The level's number, 5 down to 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether the level is a bad rating 差评 (2 or 1), which opens a case.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Dissatisfied | Self::VeryDissatisfied)
    }

    /// The level's name on every device, form and table of the field.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::VerySatisfied => "非常满意",
            Self::Satisfied => "满意",
            Self::BasicallySatisfied => "基本满意",
            Self::Dissatisfied => "不满意",
            Self::VeryDissatisfied => "非常不满意",
        }
    }
}

impl TryFrom<u8> for Level {
    type Error = InvalidLevel;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::VeryDissatisfied),
            2 => Ok(Self::Dissatisfied),
            3 => Ok(Self::BasicallySatisfied),
            4 => Ok(Self::Satisfied),
            5 => Ok(Self::VerySatisfied),
            other => Err(InvalidLevel(other)),
        }
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level.number()
    }
}

/// The way a rating came. Numbers 1 to 5 agree with every provincial list seen; above that the
/// lists contradict each other, so adapters translate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Channel {
    /// PC端
    Web = 1,
    /// 移动服务端
    Mobile = 2,
    /// 二维码
    QrCode = 3,
    /// 政务大厅平板电脑
    Tablet = 4,
    /// 政务大厅其他终端 (self-service machines)
    SelfService = 5,
    /// 电话
    Phone = 6,
    /// 短信
    Sms = 7,
}

impl Channel {
    /// All channels in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Web,
        Self::Mobile,
        Self::QrCode,
        Self::Tablet,
        Self::SelfService,
        Self::Phone,
        Self::Sms,
    ];

    /// The channel's number in records and tables.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The channel with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.number() == number)
    }

    /// The channel's name in JSON and CSV.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Mobile => "mobile",
            Self::QrCode => "qr_code",
            Self::Tablet => "tablet",
            Self::SelfService => "self_service",
            Self::Phone => "phone",
            Self::Sms => "sms",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_lowest_levels_are_bad() {
        let bad: Vec<u8> = Level::ALL
            .into_iter()
            .filter(|l| l.is_bad())
            .map(Level::number)
            .collect();
        assert_eq!(bad, [2, 1]);
    }

    #[test]
    fn a_level_and_a_channel_read_back_from_their_number() {
        for level in Level::ALL {
            assert_eq!(Level::try_from(level.number()), Ok(level));
        }
        for channel in Channel::ALL {
            assert_eq!(Channel::from_number(channel.number()), Some(channel));
        }
    }

    #[rstest::rstest]
    #[case(0)]
    #[case(6)]
    #[case(255)]
    fn a_number_outside_the_five_is_no_level(#[case] number: u8) {
        assert_eq!(Level::try_from(number), Err(InvalidLevel(number)));
    }
}
