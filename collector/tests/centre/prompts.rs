//! Questions of the office: asked for by a program, carried by replies, answered once.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use manyi_collector::store::IngestStore;
use manyi_shared::wire::{OfficePrompt, PromptReceipt};
use serde_json::{Value, json};

use crate::support::{Centre, NOW, Tablet};

fn prompt(fields: &Value) -> Value {
    let mut body = json!({ "hall": "371581-01", "window": "A01" });
    let object = body.as_object_mut().expect("an object");
    for (key, value) in fields.as_object().expect("an object") {
        object.insert(key.clone(), value.clone());
    }
    body
}

/// Asks for a question, with an Idempotency-Key when there is one.
async fn ask(centre: &Centre, key: Option<&str>, body: &Value) -> (StatusCode, Value) {
    let mut request = Request::post("/api/v1/prompts")
        .header("authorization", "Bearer manyi_test")
        .header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let request = request.body(Body::from(body.to_string()));
    centre.ask(request.expect("a request")).await
}

async fn state(centre: &Centre, id: &str) -> (StatusCode, Value) {
    let request = Request::get(format!("/api/v1/prompts/{id}"))
        .header("authorization", "Bearer manyi_test")
        .body(Body::empty());
    let (status, body) = centre.ask(request.expect("a request")).await;
    (status, body.get("state").cloned().unwrap_or_default())
}

/// The prompts that the tablet is told, after it has said what became of others.
async fn told(
    centre: &Centre,
    tablet: &mut Tablet,
    receipts: &[([u8; 16], bool)],
) -> Vec<OfficePrompt> {
    let mut head = tablet.head(None);
    head.prompts = receipts
        .iter()
        .map(|&(id, taken)| PromptReceipt { id, taken })
        .collect();
    let body = head.seal(&[], &tablet.key).expect("an exchange");
    centre.exchange(tablet, body).await.1.prompts
}

#[tokio::test]
async fn a_question_is_told_until_the_terminal_has_answered_it() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let mut other = centre.tablet("A02").await;
    centre.token().await;
    let fields = json!({
        "staff": "LQ0102", "item_name": "居住证申领", "case_number": "37158120260324000123",
        "valid_seconds": 90,
    });
    let (status, body) = ask(&centre, None, &prompt(&fields)).await;
    assert_eq!(
        (status, &body["state"]),
        (StatusCode::ACCEPTED, &json!("pending"))
    );
    assert_eq!(body["expires_at"], "2026-03-24T01:01:30Z");
    let id = body["id"].as_str().expect("an id").to_owned();

    assert!(told(&centre, &mut other, &[]).await.is_empty());
    centre.clock.advance(1000);
    let first = told(&centre, &mut tablet, &[]).await;
    let [asked] = &first[..] else {
        panic!("{first:?}")
    };
    assert_eq!((asked.valid_ms, asked.window.as_str()), (89_000, "A01"));
    assert_eq!(asked.staff.as_deref(), Some("LQ0102"));
    assert_eq!(asked.item_name.as_deref(), Some("居住证申领"));
    assert_eq!(asked.case_number.as_deref(), Some("37158120260324000123"));
    // The reply may have been lost: it is told again.
    assert_eq!(told(&centre, &mut tablet, &[]).await.len(), 1);
    // Another window's word does not count.
    told(&centre, &mut other, &[(asked.id, false)]).await;
    assert_eq!(state(&centre, &id).await.1, "pending");
    assert!(
        told(&centre, &mut tablet, &[(asked.id, true)])
            .await
            .is_empty()
    );
    assert_eq!(state(&centre, &id).await.1, "taken");
    // The same word again, or another one, changes nothing.
    told(&centre, &mut tablet, &[(asked.id, true)]).await;
    told(&centre, &mut tablet, &[(asked.id, false)]).await;
    assert_eq!(state(&centre, &id).await.1, "taken");
}

#[tokio::test]
async fn a_question_that_makes_no_sense_any_more_is_not_told() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    centre.token().await;
    let (_, body) = ask(&centre, None, &prompt(&json!({}))).await;
    let id = body["id"].as_str().expect("an id").to_owned();
    let asked = told(&centre, &mut tablet, &[]).await;
    centre.clock.set(NOW + 60_000);
    assert!(told(&centre, &mut tablet, &[]).await.is_empty());
    assert_eq!(state(&centre, &id).await.1, "expired");
    // It was taken in time; the word comes late.
    told(&centre, &mut tablet, &[(asked[0].id, true)]).await;
    assert_eq!(state(&centre, &id).await.1, "taken");
}

#[tokio::test]
async fn a_terminal_that_refuses_is_believed_and_a_replay_is_not() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    centre.token().await;
    let (_, body) = ask(&centre, None, &prompt(&json!({}))).await;
    let id = body["id"].as_str().expect("an id").to_owned();
    let asked = told(&centre, &mut tablet, &[]).await[0].id;
    let mut head = tablet.head(None);
    // An exchange number that was used changes nothing, whatever the exchange says.
    head.number = 1;
    head.prompts = vec![PromptReceipt {
        id: asked,
        taken: true,
    }];
    let body = head.seal(&[], &tablet.key).expect("an exchange");
    centre.exchange(&tablet, body).await;
    assert_eq!(state(&centre, &id).await.1, "pending");
    told(&centre, &mut tablet, &[(asked, false)]).await;
    assert_eq!(state(&centre, &id).await.1, "refused");
}

#[tokio::test]
async fn of_two_terminals_at_a_window_the_newest_asks() {
    let centre = Centre::new().await;
    let mut old = centre.tablet("A01").await;
    centre.clock.advance(1000);
    let mut new = centre.tablet("A01").await;
    centre.token().await;
    ask(&centre, None, &prompt(&json!({}))).await;
    assert!(told(&centre, &mut old, &[]).await.is_empty());
    assert_eq!(told(&centre, &mut new, &[]).await.len(), 1);
    // The one that was replaced stays so, also when nobody stands there any more.
    assert!(centre.store.revoke(new.terminal).await.expect("stored"));
    assert!(told(&centre, &mut old, &[]).await.is_empty());
}

#[tokio::test]
async fn the_same_key_stands_for_one_question() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    centre.token().await;
    let body = prompt(&json!({ "case_number": "1" }));
    let first = ask(&centre, Some("Q-1"), &body).await;
    centre.clock.advance(5000);
    assert_eq!(ask(&centre, Some("Q-1"), &body).await, first);
    assert_eq!(told(&centre, &mut tablet, &[]).await.len(), 1);
    let (status, other) = ask(
        &centre,
        Some("Q-1"),
        &prompt(&json!({ "case_number": "2" })),
    )
    .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other["type"], "urn:manyi:problem:other-request");
    let (_, second) = ask(&centre, Some("Q-2"), &body).await;
    assert_ne!(second["id"], first.1["id"]);
}

#[tokio::test]
async fn more_than_a_reply_carries_do_not_wait() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    centre.token().await;
    for _ in 0..16 {
        let (status, _) = ask(&centre, None, &prompt(&json!({}))).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    let (status, _) = ask(&centre, None, &prompt(&json!({}))).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(told(&centre, &mut tablet, &[]).await.len(), 16);
}

#[rstest::rstest]
#[case::window(json!({ "window": "Z99" }), 404, "no such window")]
#[case::hall(json!({ "hall": "1" }), 404, "no such window")]
#[case::nobody_there(json!({ "window": "A02" }), 409, "no terminal is enrolled")]
#[case::code(json!({ "staff": "LQ 0101" }), 400, "`staff`")]
#[case::name(json!({ "staff_name": "李\u{7}" }), 400, "`staff_name`")]
#[case::seconds(json!({ "valid_seconds": 4 }), 400, "5 to 600")]
#[case::unknown(json!({ "level": 5 }), 400, "level")]
#[tokio::test]
async fn a_question_that_cannot_be_asked_is_refused(
    #[case] fields: Value,
    #[case] status: u16,
    #[case] words: &str,
) {
    let centre = Centre::new().await;
    centre.tablet("A01").await;
    centre.token().await;
    let (got, body) = ask(&centre, None, &prompt(&fields)).await;
    assert_eq!(got.as_u16(), status, "{body}");
    let detail = body["detail"].as_str().expect("a detail");
    assert!(detail.contains(words), "{detail}");
    assert_eq!(centre.number("SELECT COUNT(*) FROM office_prompt"), 0);
}

#[tokio::test]
async fn without_a_token_nobody_asks_or_learns_anything() {
    let centre = Centre::new().await;
    let (status, _) = ask(&centre, None, &prompt(&json!({}))).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let nobody = "00000000-0000-4000-8000-000000000000";
    assert_eq!(state(&centre, nobody).await.0, StatusCode::UNAUTHORIZED);
    centre.token().await;
    assert_eq!(state(&centre, nobody).await.0, StatusCode::NOT_FOUND);
    assert_eq!(state(&centre, "1").await.0, StatusCode::NOT_FOUND);
}
