//! How a prompt came about: who asked, and by which key of their own.

use serde::{Deserialize, Serialize};

/// Who asked for a prompt. Kept with the outcome: a window where the clerk calls every question is
/// another finding than one where the business system does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Trigger {
    /// The business system, by the tablet's own API. Also records from before this was kept.
    #[default]
    Api = 1,
    /// The business system, over the hall's network.
    Lan = 2,
    /// The business system, over a connection that it keeps open.
    WebSocket = 3,
    /// A button that is wired to the tablet.
    Button = 4,
    /// The office, through the exchange.
    Office = 5,
    /// The clerk, on the idle page.
    Clerk = 6,
    /// The demo's key.
    Demo = 7,
}

impl Trigger {
    /// All of them in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Api,
        Self::Lan,
        Self::WebSocket,
        Self::Button,
        Self::Office,
        Self::Clerk,
        Self::Demo,
    ];

    /// The number in records and tables.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The trigger with this number, if it is known here.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.number() == number)
    }

    /// The name in JSON and CSV.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Lan => "lan",
            Self::WebSocket => "web_socket",
            Self::Button => "button",
            Self::Office => "office",
            Self::Clerk => "clerk",
            Self::Demo => "demo",
        }
    }
}

/// What stands for the caller's own key of a prompt: the first 8 bytes of its SHA-256. Enough to
/// know a repeated call again among the prompts of a window, and nothing that can be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallerKey(pub [u8; 8]);

impl CallerKey {
    /// What stands for this key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        use sha2::Digest;
        let digest: [u8; 32] = sha2::Sha256::digest(key.as_bytes()).into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Self([a, b, c, d, e, f, g, h])
    }
}

/// How a prompt came about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Who asked.
    #[serde(default)]
    pub trigger: Trigger,
    /// The caller's key, when one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<CallerKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trigger_has_its_own_number_and_name() {
        for trigger in Trigger::ALL {
            assert_eq!(Trigger::from_number(trigger.number()), Some(trigger));
            let same = Trigger::ALL.iter().filter(|t| t.name() == trigger.name());
            assert_eq!(same.count(), 1, "{trigger:?}");
        }
        assert_eq!(Trigger::from_number(0), None);
    }

    #[test]
    fn another_key_stands_for_another_call() {
        assert_eq!(CallerKey::of("Q-0412"), CallerKey::of("Q-0412"));
        assert_ne!(CallerKey::of("Q-0412"), CallerKey::of("Q-0413"));
    }
}
