//! The frames of the socket, as JSON. Pure.

use manyi_shared::domain::PromptId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::health::HealthBody;
use crate::api::intake::{self, NewPrompt};
use crate::api::problem::{Problem, ProblemBody, ProblemType};
use crate::api::prompts::PromptBody;
use crate::registry::{Health, PromptState};

/// What the other side wants.
#[derive(Debug)]
pub(super) enum In {
    Prompt {
        key: Option<String>,
        new: Box<NewPrompt>,
    },
    Cancel {
        id: String,
    },
    Pause {
        paused: bool,
    },
}

/// Which frame is refused, as far as it said so.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    key: Option<String>,
    id: Option<String>,
}

impl Refused {
    pub(super) const fn key(key: Option<String>) -> Self {
        Self { key, id: None }
    }

    pub(super) const fn id(id: String) -> Self {
        Self {
            key: None,
            id: Some(id),
        }
    }
}

/// What the other side is told.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Out<'a> {
    Accepted {
        key: Option<&'a str>,
        id: &'a str,
    },
    Refused {
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        problem: ProblemBody,
    },
    State(PromptBody),
    Health(HealthBody),
}

impl<'a> Out<'a> {
    pub(super) fn state(id: PromptId, state: PromptState) -> Self {
        Self::State(PromptBody::new(id, state))
    }

    pub(super) fn health(health: &Health) -> Self {
        Self::Health(HealthBody::new(health))
    }

    pub(super) fn refused(whose: &'a Refused, problem: &Problem) -> Self {
        Self::Refused {
            key: whose.key.as_deref(),
            id: whose.id.as_deref(),
            problem: problem.into(),
        }
    }
}

/// Reads a frame; a fault carries the frame's own key or id, so that the other side knows which one
/// was refused.
pub(super) fn read(text: &str) -> Result<In, (Refused, Problem)> {
    let malformed = |detail: String| Problem::new(ProblemType::Malformed, detail);
    let mut frame: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| (Refused::default(), malformed(error.to_string())))?;
    let own = |name: &str| frame.get(name).and_then(Value::as_str).map(brief);
    let whose = Refused {
        key: own("key"),
        id: own("id"),
    };
    match understand(&mut frame) {
        Ok(frame) => Ok(frame),
        Err(problem) => Err((whose, problem)),
    }
}

/// What is repeated to the other side, cut.
fn brief(text: &str) -> String {
    text.chars().take(80).collect()
}

fn understand(frame: &mut Map<String, Value>) -> Result<In, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Cancel {
        id: String,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pause {
        paused: bool,
    }
    fn rest<T: serde::de::DeserializeOwned>(frame: &mut Map<String, Value>) -> Result<T, Problem> {
        serde_json::from_value(Value::Object(std::mem::take(frame)))
            .map_err(|error| Problem::new(ProblemType::Malformed, error.to_string()))
    }
    let kind = frame.remove("type");
    match kind.as_ref().and_then(Value::as_str) {
        Some("prompt") => {
            let key = match frame.remove("key") {
                None | Some(Value::Null) => None,
                Some(Value::String(key)) => Some(intake::checked_key(key.as_bytes())?),
                Some(_) => {
                    let detail = "key must be a string";
                    return Err(Problem::new(ProblemType::Malformed, detail));
                }
            };
            let new = Box::new(rest(frame)?);
            Ok(In::Prompt { key, new })
        }
        Some("cancel") => rest(frame).map(|Cancel { id }| In::Cancel { id }),
        Some("pause") => rest(frame).map(|Pause { paused }| In::Pause { paused }),
        _ => Err(Problem::new(
            ProblemType::Malformed,
            "the frame's type must be prompt, cancel or pause",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::no_json("hello", None, None)]
    #[case::no_object("[1]", None, None)]
    #[case::no_type(r#"{"key":"k"}"#, Some("k"), None)]
    #[case::unknown_type(r#"{"type":"levels","id":"x"}"#, None, Some("x"))]
    #[case::type_is_no_text(r#"{"type":5}"#, None, None)]
    #[case::unknown_field(r#"{"type":"prompt","key":"k","level":5}"#, Some("k"), None)]
    #[case::bad_code(r#"{"type":"prompt","key":"k","staff":"张三"}"#, Some("k"), None)]
    #[case::bad_key(r#"{"type":"prompt","key":"a b"}"#, Some("a b"), None)]
    #[case::key_is_no_text(r#"{"type":"prompt","key":5}"#, None, None)]
    #[case::cancel_without_id(r#"{"type":"cancel"}"#, None, None)]
    #[case::pause_without_word(r#"{"type":"pause"}"#, None, None)]
    fn a_bad_frame_is_refused_by_its_own_name(
        #[case] text: &str,
        #[case] key: Option<&str>,
        #[case] id: Option<&str>,
    ) {
        let (whose, _) = read(text).unwrap_err();
        assert_eq!((whose.key.as_deref(), whose.id.as_deref()), (key, id));
    }

    #[test]
    fn what_is_repeated_is_cut() {
        let text = format!(r#"{{"type":"x","key":"{}"}}"#, "k".repeat(1000));
        let (whose, _) = read(&text).unwrap_err();
        assert_eq!(whose.key.unwrap().len(), 80);
    }

    #[test]
    fn good_frames_are_understood() {
        let prompt = read(r#"{"type":"prompt","key":"k","item_name":"x","window":"A01"}"#);
        assert!(matches!(prompt, Ok(In::Prompt { key: Some(_), .. })));
        assert!(matches!(
            read(r#"{"type":"prompt"}"#),
            Ok(In::Prompt { key: None, .. })
        ));
        assert!(matches!(
            read(r#"{"type":"cancel","id":"x"}"#),
            Ok(In::Cancel { .. })
        ));
        assert!(matches!(
            read(r#"{"type":"pause","paused":false}"#),
            Ok(In::Pause { paused: false })
        ));
    }
}
