//! What the office should look at, as the page shows it: windows with the same trouble together, so
//! that a network that is down is one line and not one for each of a hundred windows.

use manyi_shared::domain::Level;

use super::figures::level_name;
use super::incident_words::incident_words;
use super::language::Language;
use crate::alarm::{Alarm, Cause};
use crate::store::scores::WindowState;

/// One kind of trouble.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AlarmView {
    /// The numbers of the windows that have it.
    pub(super) windows: String,
    /// The last of them.
    last: String,
    /// What is wrong.
    pub(super) text: String,
    /// What to do.
    pub(super) advice: &'static str,
}

impl AlarmView {
    /// All alarms, in the order of the first window of each kind.
    pub(super) fn all(alarms: &[Alarm], windows: &[WindowState], language: Language) -> Vec<Self> {
        let mut views: Vec<Self> = Vec::new();
        for alarm in alarms {
            let window = windows.iter().find(|w| w.id == alarm.window.as_str());
            let number = window.map_or_else(|| alarm.window.as_str(), |w| w.number.as_str());
            let (text, advice) = told(&alarm.cause, language);
            match views.iter_mut().find(|view| view.text == text) {
                // Twice at one window is told once.
                Some(view) if view.last == *number => {}
                Some(view) => {
                    number.clone_into(&mut view.last);
                    view.windows.push_str(language.words().list_comma);
                    view.windows.push_str(number);
                }
                None => views.push(Self {
                    last: number.to_owned(),
                    windows: number.to_owned(),
                    text,
                    advice,
                }),
            }
        }
        views
    }
}

/// What is wrong and what to do.
fn told(cause: &Cause, language: Language) -> (String, &'static str) {
    let words = language.words();
    match cause {
        Cause::SelfTest(missing) if missing.len() == Level::ALL.len() => {
            (words.alarm_no_test.to_owned(), words.alarm_test_advice)
        }
        Cause::SelfTest(missing) => {
            let names: Vec<_> = missing.iter().map(|l| level_name(*l, language)).collect();
            let names = names.join(words.list_comma);
            let text = format!("{}{names}", words.alarm_missing);
            (text, words.alarm_test_advice)
        }
        Cause::Profile(problem) => {
            let text = format!("{}{problem}", words.alarm_profile);
            (text, words.alarm_profile_advice)
        }
        Cause::Journal(problem) => {
            let text = format!("{}{problem}", words.alarm_journal);
            (text, words.alarm_journal_advice)
        }
        Cause::Incident(incident) => (
            incident_words(incident.kind, language).to_owned(),
            words.alarm_incident_advice,
        ),
    }
}

#[cfg(test)]
mod tests {
    use manyi_shared::domain::TerminalId;

    use super::*;

    #[test]
    fn windows_with_the_same_trouble_stand_together() {
        let alarm = |window: &str, cause| Alarm {
            hall: "H1".parse().unwrap(),
            window: window.parse().unwrap(),
            terminal: TerminalId::from_bytes([1; 16]),
            cause,
        };
        let none = || Cause::SelfTest(Level::ALL.into());
        let bad = || Cause::SelfTest(vec![Level::Dissatisfied, Level::VeryDissatisfied]);
        let alarms = [
            alarm("A01", none()),
            alarm("A02", bad()),
            alarm("A03", none()),
        ];
        let views = AlarmView::all(&alarms, &[], Language::Chinese);
        let shown: Vec<_> = views
            .iter()
            .map(|view| (view.windows.as_str(), view.text.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("A01、A03", "今日自检没有收到"),
                ("A02", "今日自检缺少：不满意、非常不满意"),
            ]
        );
    }
}
