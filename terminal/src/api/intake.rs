//! What asks the conductor, the same for requests and sockets: checks, keys, answers.

use std::time::Duration;

use manyi_shared::domain::{CaseNumber, ItemCode, PromptId, ServiceEvent, StaffId, WindowId};
use serde::Deserialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::Api;
use super::problem::{Problem, ProblemType};
use crate::conductor::{Message, PromptRequest, Refusal};
use crate::flow::{Names, Trigger};
use crate::registry::PromptState;

/// The longest item names of the national list have some 200 characters; the screen cuts.
const MAX_ITEM_NAME: usize = 300;
/// A clerk's name, a foreign one included.
const MAX_STAFF_NAME: usize = 40;
/// A UUID has 36 characters.
const MAX_KEY: usize = 64;

/// The conductor answers in well under a millisecond; a second means that it hangs.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// What a prompt is about. Everything is optional.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPrompt {
    /// The clerk's staff number, up to 24 characters of `A-Z a-z 0-9 - _ . /`.
    #[schema(value_type = Option<String>, example = "LQ0101")]
    staff: Option<StaffId>,
    /// The service item's code 实施编码, up to 31 such characters.
    #[schema(value_type = Option<String>)]
    item: Option<ItemCode>,
    /// The case number 办件编号, up to 50 such characters.
    #[schema(value_type = Option<String>)]
    case_number: Option<CaseNumber>,
    /// The item's name for the screen, up to 300 characters, where the profile does not have it.
    /// Control characters become spaces, bidirectional overrides are dropped; a name of spaces is
    /// no name.
    item_name: Option<String>,
    /// The clerk's name for the screen, up to 40 characters, where the profile does not have it;
    /// treated like `item_name`.
    staff_name: Option<String>,
    /// The window the prompt is for; the terminal refuses another than its own.
    #[schema(value_type = Option<String>, example = "A01")]
    window: Option<WindowId>,
}

/// A prompt that was taken, now or before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accepted {
    pub(super) id: PromptId,
    pub(super) state: PromptState,
    pub(super) again: bool,
}

/// Asks the conductor for a prompt.
pub(super) async fn take(
    api: &Api,
    new: NewPrompt,
    key: Option<String>,
    trigger: Trigger,
) -> Result<Accepted, Problem> {
    let names = Names {
        item: shown("item_name", new.item_name, MAX_ITEM_NAME)?,
        staff: shown("staff_name", new.staff_name, MAX_STAFF_NAME)?,
    };
    if let (Some(asked), Some(own)) = (&new.window, api.registry.health().window)
        && *asked != own
    {
        let detail = format!("this terminal stands at window {own}, not at {asked}");
        return Err(Problem::new(ProblemType::UnknownWindow, detail));
    }
    let request = PromptRequest {
        key,
        event: ServiceEvent {
            staff: new.staff,
            item: new.item,
            case_number: new.case_number,
        },
        names,
        trigger,
    };
    let taken = ask(api, |reply| Message::Prompt { request, reply })
        .await?
        .map_err(refused)?;
    // A prompt of a key that is older than the registry's memory ended long ago.
    let state = api.registry.prompt(taken.id).unwrap_or(PromptState::Ended);
    Ok(Accepted {
        id: taken.id,
        state,
        again: taken.again,
    })
}

/// Takes a prompt back; answers where it stands then.
pub(super) async fn withdraw(api: &Api, id: &str) -> Result<(PromptId, PromptState), Problem> {
    let (id, _) = known(api, id)?;
    ask(api, |reply| Message::Cancel { id, reply }).await?;
    Ok((id, api.registry.prompt(id).unwrap_or(PromptState::Ended)))
}

/// Pauses the window or lets it go on.
pub(super) async fn pause(api: &Api, paused: bool) -> Result<(), Problem> {
    ask(api, |reply| Message::Pause { paused, reply }).await
}

/// A prompt that is remembered, and where it stands.
pub(super) fn known(api: &Api, id: &str) -> Result<(PromptId, PromptState), Problem> {
    let id = id.parse::<PromptId>().ok();
    id.and_then(|id| api.registry.prompt(id).map(|state| (id, state)))
        .ok_or_else(|| {
            Problem::new(
                ProblemType::NotFound,
                "no prompt with this id is remembered",
            )
        })
}

/// An idempotency key as a header or a frame has it.
pub(super) fn checked_key(key: &[u8]) -> Result<String, Problem> {
    let good = (1..=MAX_KEY).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(key)
        .ok()
        .filter(|_| good)
        .map(ToOwned::to_owned)
        .ok_or_else(|| {
            let detail = format!(
                "an idempotency key is 1 to {MAX_KEY} visible ASCII characters without spaces"
            );
            Problem::new(ProblemType::Malformed, detail)
        })
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::OutOfService => Problem::new(
            ProblemType::OutOfService,
            "no prompt is taken now; /v1/health says why",
        ),
        Refusal::Paused => Problem::new(
            ProblemType::Paused,
            "the window pauses; ask again when it goes on",
        ),
        Refusal::KeyReused => Problem::new(
            ProblemType::KeyReused,
            "this idempotency key has brought a prompt with another content; use a new key",
        ),
    }
}

/// Text for the screen. A stray byte never costs a prompt: control characters and line separators
/// become spaces, characters that turn the writing direction of what follows are dropped, and text
/// of nothing but spaces is no text.
fn shown(field: &str, text: Option<String>, max: usize) -> Result<Option<String>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    let text: String = text
        .chars()
        .filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .map(|c| match c {
            '\u{2028}' | '\u{2029}' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    let text = text.trim();
    if text.chars().count() > max {
        let detail = format!("{field} must have at most {max} characters");
        return Err(Problem::new(ProblemType::Malformed, detail));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Sends a message to the conductor and waits for its answer.
async fn ask<T>(
    api: &Api,
    message: impl FnOnce(oneshot::Sender<T>) -> Message,
) -> Result<T, Problem> {
    let (reply, answer) = oneshot::channel();
    let unavailable = || Problem::new(ProblemType::OutOfService, "the terminal is stopping");
    api.conductor
        .send(message(reply))
        .map_err(|_| unavailable())?;
    match tokio::time::timeout(ANSWER_TIME, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(unavailable()),
        Err(_) => {
            tracing::error!("the conductor does not answer");
            Err(Problem::new(
                ProblemType::Internal,
                "the terminal does not answer",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::as_it_is("企业设立登记", Some("企业设立登记"))]
    #[case::control_characters("a\u{7}b\r\nc", Some("a b  c"))]
    #[case::line_separators("a\u{2028}b", Some("a b"))]
    #[case::direction_overrides("\u{202e}cba\u{202c}\u{2067}x\u{2069}", Some("cbax"))]
    #[case::arabic_stays("تسجيل", Some("تسجيل"))]
    #[case::spaces_around(" a ", Some("a"))]
    #[case::nothing_left("\u{202e}\u{1} ", None)]
    fn a_stray_byte_costs_no_prompt(#[case] sent: &str, #[case] kept: Option<&str>) {
        let text = shown("item_name", Some(sent.to_owned()), 20).unwrap();
        assert_eq!(text.as_deref(), kept);
    }

    #[rstest::rstest]
    #[case::uuid("5f0c1c9e-7f6e-4a53-9f0e-0d4a3d7f3f55", true)]
    #[case::one("!", true)]
    #[case::longest(&"k".repeat(64), true)]
    #[case::empty("", false)]
    #[case::too_long(&"k".repeat(65), false)]
    #[case::space("a b", false)]
    #[case::control("a\u{7f}", false)]
    #[case::chinese("键", false)]
    fn a_key_is_visible_ascii(#[case] key: &str, #[case] good: bool) {
        assert_eq!(checked_key(key.as_bytes()).is_ok(), good);
    }
}
