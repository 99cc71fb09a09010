//! What a message says: JSON for programs, plain text for people. Pure.
//!
//! The same message sent twice says the same, under the same id, so a receiver can tell.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use uuid::Uuid;

use super::Kind;
use super::words::{Tongue, local};

/// A message with the alerts that it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: [u8; 16],
    /// The hall.
    pub hall: String,
    /// The hall's name.
    pub hall_name: String,
    /// IANA name of its zone.
    pub time_zone: String,
    /// What it tells of, by window.
    pub alerts: Vec<ToldAlert>,
}

/// One alert in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldAlert {
    /// Its id.
    pub id: [u8; 16],
    /// What kind of trouble.
    pub kind: Kind,
    /// The window's id.
    pub window: String,
    /// The number over the window.
    pub number: String,
    /// The terminal's id.
    pub terminal: String,
    /// How much, as kept.
    pub detail: String,
    /// When it opened, in milliseconds since 1970.
    pub opened_ms: i64,
}

#[derive(Serialize)]
struct Body<'m> {
    id: Uuid,
    event: &'static str,
    sent_at: String,
    hall: Hall<'m>,
    alerts: Vec<Alert<'m>>,
}

#[derive(Serialize)]
struct Hall<'m> {
    id: &'m str,
    name: &'m str,
}

#[derive(Serialize)]
struct Alert<'m> {
    id: Uuid,
    kind: &'static str,
    window: &'m str,
    window_number: &'m str,
    terminal: &'m str,
    opened_at: String,
    text: String,
}

fn instant(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |at| format!("{at:.0}"))
}

impl Message {
    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// The body of a webhook.
    #[must_use]
    pub fn json(&self, now_ms: i64) -> Vec<u8> {
        let zone = self.zone();
        let alerts = self.alerts.iter().map(|alert| Alert {
            id: Uuid::from_bytes(alert.id),
            kind: alert.kind.name(),
            window: &alert.window,
            window_number: &alert.number,
            terminal: &alert.terminal,
            opened_at: instant(alert.opened_ms),
            text: alert.line(Tongue::English, &zone),
        });
        let body = Body {
            id: Uuid::from_bytes(self.id),
            event: "alerts.opened",
            sent_at: instant(now_ms),
            hall: Hall {
                id: &self.hall,
                name: &self.hall_name,
            },
            alerts: alerts.collect(),
        };
        // Strings and numbers only: it cannot fail.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The subject of a mail, one line.
    #[must_use]
    pub fn subject(&self, tongue: Tongue) -> String {
        let (hall, n) = (&self.hall_name, self.alerts.len());
        let first = self
            .alerts
            .first()
            .map_or("", |a| a.kind.words(tongue).name);
        let text = match (tongue, n) {
            (Tongue::Chinese, 1) => format!("满意告警：{hall} {} {first}", self.windows(tongue)),
            (Tongue::Chinese, _) => format!("满意告警：{hall} {n} 项"),
            (Tongue::English, 1) => format!("Manyi: {hall}, {}: {first}", self.windows(tongue)),
            (Tongue::English, _) => format!("Manyi: {hall}, {n} alerts"),
        };
        text.chars().filter(|c| !c.is_control()).take(150).collect()
    }

    /// The windows, each once.
    fn windows(&self, tongue: Tongue) -> String {
        let mut windows: Vec<&str> = self.alerts.iter().map(|a| a.number.as_str()).collect();
        windows.dedup();
        windows.join(match tongue {
            Tongue::Chinese => "、",
            Tongue::English => ", ",
        })
    }

    /// The text of a mail: windows with the same trouble together, and what to do, once.
    #[must_use]
    pub fn text(&self, tongue: Tongue) -> String {
        let zone = self.zone();
        let mut text = String::new();
        for kind in Kind::ALL {
            let of = self.alerts.iter().filter(|alert| alert.kind == kind);
            let lines: Vec<_> = of.map(|alert| alert.mail_line(tongue, &zone)).collect();
            if lines.is_empty() {
                continue;
            }
            let words = kind.words(tongue);
            text.push_str(&format!(
                "{}\n{}\n\n{}\n\n",
                words.name,
                lines.join("\n"),
                words.advice
            ));
        }
        text.push_str(match tongue {
            Tongue::Chinese => "每项告警只通知一次；当前状态见办公页面“设备”。\n",
            Tongue::English => {
                "Each alert is told once; how things are now is on the office's fleet page.\n"
            }
        });
        text
    }
}

impl ToldAlert {
    /// What is wrong, in one line.
    #[must_use]
    pub fn line(&self, tongue: Tongue, zone: &TimeZone) -> String {
        let name = self.kind.words(tongue).name;
        let detail = self.kind.detail(&self.detail, tongue, zone);
        match (detail.is_empty(), tongue) {
            (true, _) => name.to_owned(),
            (false, Tongue::Chinese) => format!("{name}：{detail}"),
            (false, Tongue::English) => format!("{name}: {detail}"),
        }
    }

    fn mail_line(&self, tongue: Tongue, zone: &TimeZone) -> String {
        let detail = self.kind.detail(&self.detail, tongue, zone);
        let since = local(self.opened_ms, zone);
        let detail = if detail.is_empty() {
            detail
        } else {
            format!("  {detail}")
        };
        format!("  {}  {since}{detail}", self.number)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn message() -> Message {
        let alert = |n: u8, kind, detail: &str| ToldAlert {
            id: [n; 16],
            kind,
            window: format!("A0{n}"),
            number: format!("A0{n}"),
            terminal: "01010101-0101-0101-0101-010101010101".to_owned(),
            detail: detail.to_owned(),
            opened_ms: 1_774_321_200_000,
        };
        Message {
            id: [9; 16],
            hall: "371581-01".to_owned(),
            hall_name: "临清市政务服务中心".to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            alerts: vec![
                alert(1, Kind::Silent, "1774320900000"),
                alert(2, Kind::Silent, "1774320840000"),
                alert(3, Kind::Disk, "209715200"),
            ],
        }
    }

    #[test]
    fn a_program_is_told_in_json() {
        let value: serde_json::Value =
            serde_json::from_slice(&message().json(1_774_321_260_000)).unwrap();
        assert_eq!(value["id"], "09090909-0909-0909-0909-090909090909");
        assert_eq!(value["event"], "alerts.opened");
        assert_eq!(value["sent_at"], "2026-03-24T03:01:00Z");
        assert_eq!(
            value["hall"],
            serde_json::json!({"id": "371581-01", "name": "临清市政务服务中心"})
        );
        let expected = serde_json::json!({
            "id": "03030303-0303-0303-0303-030303030303",
            "kind": "disk",
            "window": "A03",
            "window_number": "A03",
            "terminal": "01010101-0101-0101-0101-010101010101",
            "opened_at": "2026-03-24T03:00:00Z",
            "text": "the card is nearly full: 200 MiB are free",
        });
        assert_eq!(value["alerts"][2], expected);
    }

    #[test]
    fn people_are_told_in_their_language_windows_with_the_same_trouble_together() {
        let message = message();
        let (zh, en) = (message.text(Tongue::Chinese), message.text(Tongue::English));
        assert_eq!(
            message.subject(Tongue::Chinese),
            "满意告警：临清市政务服务中心 3 项"
        );
        assert_eq!(
            message.subject(Tongue::English),
            "Manyi: 临清市政务服务中心, 3 alerts"
        );
        let silent = "设备失联\n  A01  2026-03-24 11:00  最后一次联系 2026-03-24 10:55\n  A02  \
                      2026-03-24 11:00  最后一次联系 2026-03-24 10:54\n";
        assert!(zh.contains(silent), "{zh}");
        assert!(
            zh.contains("存储空间不足\n  A03  2026-03-24 11:00  剩余 200 MiB\n"),
            "{zh}"
        );
        assert!(
            en.contains("the card is nearly full\n  A03  2026-03-24 11:00  200 MiB are free\n"),
            "{en}"
        );
    }

    #[test]
    fn a_name_cannot_break_out_of_the_subject() {
        let mut message = message();
        message.hall_name = "x\r\nBcc: somebody@example.org".to_owned();
        let subject = message.subject(Tongue::English);
        assert!(!subject.contains(['\r', '\n']), "{subject}");
    }
}
