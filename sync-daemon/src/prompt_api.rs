//! Hands a prompt of the office to the terminal, over the same API that a service system uses.

use std::time::Duration;

use manyi_shared::wire::OfficePrompt;
use serde::Serialize;

use crate::link::{Link, LinkError, LinkOptions, Request};
use crate::prompts::Answer;
use crate::settings::ProxyChoice;

/// The terminal answers within milliseconds; five seconds mean that it hangs.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The terminal's answers are a few hundred bytes.
const MOST: usize = 16 * 1024;

#[derive(Serialize)]
struct NewPrompt<'a> {
    window: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    staff: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    staff_name: Option<&'a str>,
}

/// The way to the terminal: never through a proxy.
///
/// # Errors
/// [`LinkError`] when the address is none.
pub(crate) fn link(address: &str, options: &LinkOptions) -> Result<Link, LinkError> {
    let local = LinkOptions {
        proxy: ProxyChoice::None,
        ca_file: None,
        ..options.clone()
    };
    Link::new(address, &local)
}

/// Hands over one prompt.
pub(crate) async fn ask(terminal: Link, prompt: OfficePrompt) -> ([u8; 16], Answer) {
    let answer = match terminal.post(request(&prompt)).await {
        Ok(answer) => judged(answer.status),
        Err(error) => {
            tracing::warn!(error = crate::chain(&error), "the terminal takes no prompt");
            return (prompt.id, Answer::Silent);
        }
    };
    tracing::info!(id = hex(&prompt.id), ?answer, "prompt of the office");
    (prompt.id, answer)
}

fn request(prompt: &OfficePrompt) -> Request {
    let body = NewPrompt {
        window: &prompt.window,
        staff: prompt.staff.as_deref(),
        item: prompt.item.as_deref(),
        case_number: prompt.case_number.as_deref(),
        item_name: prompt.item_name.as_deref(),
        staff_name: prompt.staff_name.as_deref(),
    };
    // Texts and nothing else: there is no value that JSON could not hold.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    Request {
        headers: vec![
            // The terminal takes a repeated key for the same prompt.
            ("Idempotency-Key", format!("office-{}", hex(&prompt.id))),
            ("Manyi-Trigger", "office".to_owned()),
        ],
        most: MOST,
        timeout: Some(TIMEOUT),
        ..Request::new("", "application/json", body)
    }
}

/// Out of service and every refusal are answers; a fault of the terminal is none.
const fn judged(status: u16) -> Answer {
    match status {
        200..=299 => Answer::Taken,
        400..=499 | 503 => Answer::Refused,
        _ => Answer::Silent,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::created(201, Answer::Taken)]
    #[case::known_already(200, Answer::Taken)]
    #[case::malformed(400, Answer::Refused)]
    #[case::another_window(422, Answer::Refused)]
    #[case::too_many(429, Answer::Refused)]
    #[case::out_of_service(503, Answer::Refused)]
    #[case::hangs(500, Answer::Silent)]
    #[case::something_else_listens(302, Answer::Silent)]
    fn a_status_is_an_answer_or_none(#[case] status: u16, #[case] expected: Answer) {
        assert_eq!(judged(status), expected);
    }
}
