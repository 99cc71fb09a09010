//! The prompt API from outside, with a conductor that answers by script.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/served.rs"]
mod served;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use manyi_terminal::api::ProblemType;
use manyi_terminal::flow::Trigger;
use manyi_terminal::registry::Health;
use serde_json::{Value, json};
use served::{Served, served};
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    location: Option<String>,
    kind: String,
    body: Value,
}

impl Served {
    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router().oneshot(request).await.unwrap();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let (location, kind) = (
            header("location"),
            header("content-type").unwrap_or_default(),
        );
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status,
            location,
            kind,
            body,
        }
    }

    async fn post(&self, body: impl Into<Body>) -> Answer {
        self.send(request("POST", "/v1/prompts").body(body.into()).unwrap())
            .await
    }

    async fn call(&self, method: &str, path: &str) -> Answer {
        self.send(request(method, path).body(Body::empty()).unwrap())
            .await
    }
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1:7310")
        .header("content-type", "application/json")
}

#[tokio::test]
async fn a_prompt_is_taken_looked_at_and_taken_back() {
    let api = served(true);
    let taken = api.post(r#"{"staff":"LQ0101","item":"X-1","case_number":"C/1","window":"A01"}"#);
    let taken = taken.await;
    assert_eq!(taken.status, StatusCode::CREATED);
    let path = taken.location.unwrap();
    assert_eq!(path, "/v1/prompts/07070707070707070707070707070707-1");
    insta::assert_json_snapshot!(taken.body, @r#"
    {
      "id": "07070707070707070707070707070707-1",
      "recorded": false,
      "state": "asking"
    }
    "#);
    assert_eq!(api.call("GET", &path).await.body["state"], "asking");
    for _ in 0..2 {
        assert_eq!(
            api.call("DELETE", &path).await.status,
            StatusCode::NO_CONTENT
        );
    }
    insta::assert_json_snapshot!(api.call("GET", &path).await.body, @r#"
    {
      "id": "07070707070707070707070707070707-1",
      "recorded": true,
      "state": "ended"
    }
    "#);
}

#[tokio::test]
async fn an_empty_prompt_is_a_prompt() {
    assert_eq!(served(true).post("{}").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_stray_byte_costs_no_prompt() {
    let api = served(true);
    let body = format!(
        r#"{{"item_name":" \u202e企\u0007{}\r\n","staff_name":"\u0000"}}"#,
        "业".repeat(290)
    );
    assert_eq!(api.post(body).await.status, StatusCode::CREATED);
    let asked = api.asked.lock().unwrap().clone();
    let shown = format!("企 {}", "业".repeat(290));
    assert_eq!(asked, [(Trigger::Api, Some(shown))]);
}

impl Served {
    async fn post_with_keys(&self, keys: &[&str], body: &'static str) -> Answer {
        let mut request = request("POST", "/v1/prompts");
        for key in keys {
            request = request.header("idempotency-key", *key);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }
}

#[tokio::test]
async fn a_repeated_key_asks_once_and_is_answered_as_things_stand() {
    let api = served(true);
    let body = r#"{"case_number":"C/1"}"#;
    let first = api.post_with_keys(&["k-1"], body).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let path = first.location.unwrap();
    api.call("DELETE", &path).await;
    let again = api.post_with_keys(&["k-1"], body).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.location.unwrap(), path);
    assert_eq!(again.body["id"], first.body["id"]);
    assert_eq!(again.body["recorded"], true);
    let other = api.post_with_keys(&["k-2"], body).await;
    assert_eq!(other.status, StatusCode::CREATED);
    assert_ne!(other.body["id"], first.body["id"]);
}

#[tokio::test]
async fn a_key_for_another_content_is_a_conflict() {
    let api = served(true);
    api.post_with_keys(&["k"], r#"{"case_number":"C/1"}"#).await;
    let refused = api.post_with_keys(&["k"], r#"{"case_number":"C/2"}"#).await;
    insta::assert_json_snapshot!(refused.body, @r#"
    {
      "detail": "this idempotency key has brought a prompt with another content; use a new key",
      "status": 409,
      "title": "Idempotency key was used for another prompt",
      "type": "urn:manyi:problem:key-reused"
    }
    "#);
}

#[rstest::rstest]
#[case::empty(&[""])]
#[case::space(&["a b"])]
#[case::two(&["a", "b"])]
#[tokio::test]
async fn a_bad_key_is_refused_and_asks_nobody(#[case] keys: &[&str]) {
    let api = served(true);
    let refused = api.post_with_keys(keys, "{}").await;
    assert_eq!(refused.body["type"], "urn:manyi:problem:malformed");
    assert!(api.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_paused_window_takes_no_prompt_until_it_goes_on() {
    let api = served(true);
    let pause = async |body: &'static str| {
        let request = request("PUT", "/v1/pause").body(Body::from(body)).unwrap();
        api.send(request).await
    };
    let paused = pause(r#"{"paused":true}"#).await;
    assert_eq!(
        (paused.status, &paused.body),
        (StatusCode::OK, &json!({"paused": true}))
    );
    assert_eq!(api.call("GET", "/v1/pause").await.body["paused"], true);
    assert_eq!(api.call("GET", "/v1/health").await.body["paused"], true);
    let refused = api.post("{}").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.body["type"], "urn:manyi:problem:paused");
    pause(r#"{"paused":false}"#).await;
    assert_eq!(api.post("{}").await.status, StatusCode::CREATED);
    let malformed = pause(r#"{"paused":"yes"}"#).await;
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_key_is_answered_even_while_the_window_pauses() {
    let api = served(true);
    let first = api.post_with_keys(&["k"], "{}").await;
    let request = request("PUT", "/v1/pause").body(Body::from(r#"{"paused":true}"#));
    api.send(request.unwrap()).await;
    let again = api.post_with_keys(&["k"], "{}").await;
    assert_eq!(
        (again.status, &again.body["id"]),
        (StatusCode::OK, &first.body["id"])
    );
}

#[tokio::test]
async fn health_says_how_the_terminal_is() {
    insta::assert_json_snapshot!(served(true).call("GET", "/v1/health").await.body, @r#"
    {
      "paused": false,
      "reason": null,
      "status": "ready",
      "stream": "07070707-0707-0707-0707-070707070707",
      "terminal": "01010101-0101-0101-0101-010101010101",
      "version": "0.1.0",
      "window": "A01"
    }
    "#);
    let out = served(false).call("GET", "/v1/health").await;
    assert_eq!(
        (out.status, &out.body["reason"]),
        (StatusCode::OK, &json!("storage_full"))
    );
    let api = served(true);
    api.registry.set_health(Health::default());
    let starting = api.call("GET", "/v1/health").await.body;
    assert_eq!(starting["status"], "out_of_service");
    assert_eq!(starting["reason"], "starting");
}

#[tokio::test]
async fn an_out_of_service_terminal_takes_no_prompt() {
    let refused = served(false).post("{}").await;
    assert_eq!(refused.kind, "application/problem+json");
    insta::assert_json_snapshot!(refused.body, @r#"
    {
      "detail": "no prompt is taken now; /v1/health says why",
      "status": 503,
      "title": "Terminal is out of service",
      "type": "urn:manyi:problem:out-of-service"
    }
    "#);
}

#[rstest::rstest]
#[case::not_json("levels!", 400, "malformed")]
#[case::not_an_object("[]", 400, "malformed")]
#[case::unknown_field(r#"{"level":5}"#, 400, "malformed")]
#[case::bad_staff(r#"{"staff":"张三"}"#, 400, "malformed")]
#[case::long_item(&format!(r#"{{"item":"{}"}}"#, "1".repeat(32)), 400, "malformed")]
#[case::long_name(&format!(r#"{{"staff_name":"{}"}}"#, "王".repeat(41)), 400, "malformed")]
#[case::long_item_name(&format!(r#"{{"item_name":"{}"}}"#, "企".repeat(301)), 400, "malformed")]
#[case::too_large(&format!(r#"{{"item_name":"{}"}}"#, "x".repeat(9000)), 413, "too-large")]
#[case::other_window(r#"{"window":"B02"}"#, 422, "unknown-window")]
#[tokio::test]
async fn a_bad_prompt_is_refused(#[case] body: &str, #[case] status: u16, #[case] kind: &str) {
    let refused = served(true).post(body.to_owned()).await;
    assert_eq!(refused.status.as_u16(), status, "{}", refused.body);
    assert_eq!(refused.body["type"], format!("urn:manyi:problem:{kind}"));
    assert_eq!(refused.kind, "application/problem+json");
}

#[rstest::rstest]
#[case::foreign_page(
    "127.0.0.1:7310",
    Some("https://evil.example"),
    "application/json",
    403
)]
#[case::sandboxed_page("127.0.0.1:7310", Some("null"), "application/json", 403)]
#[case::rebound_name("evil.example:7310", None, "application/json", 421)]
#[case::form("127.0.0.1:7310", None, "application/x-www-form-urlencoded", 415)]
#[case::plain_text("127.0.0.1:7310", None, "text/plain", 415)]
#[case::own_page(
    "localhost:7310",
    Some("http://localhost:3000"),
    "application/json",
    201
)]
#[case::with_charset("[::1]:7310", None, "application/json; charset=utf-8", 201)]
#[tokio::test]
async fn other_peoples_pages_are_kept_out(
    #[case] host: &str,
    #[case] origin: Option<&str>,
    #[case] kind: &str,
    #[case] status: u16,
) {
    let mut request = Request::post("/v1/prompts")
        .header("host", host)
        .header("content-type", kind);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    let answer = served(true)
        .send(request.body(Body::from("{}")).unwrap())
        .await;
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
}

#[rstest::rstest]
#[case("GET", "/v1/prompts/07070707070707070707070707070707-99", 404)]
#[case("DELETE", "/v1/prompts/07070707070707070707070707070707-99", 404)]
#[case("GET", "/v1/prompts/none", 404)]
#[case("GET", "/v1/levels", 404)]
#[case("GET", "/v1/prompts", 405)]
#[case("OPTIONS", "/v1/prompts", 405)]
#[tokio::test]
async fn what_is_not_there_is_a_problem(
    #[case] method: &str,
    #[case] path: &str,
    #[case] status: u16,
) {
    let answer = served(true).call(method, path).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["status"]),
        (status, &json!(status))
    );
}

#[tokio::test]
async fn the_document_describes_every_path_and_never_a_level() {
    let document = served(true).call("GET", "/openapi.json").await.body;
    let text = document["paths"].to_string() + &document["components"].to_string();
    for forbidden in ["\"level\"", "\"tags\":[\"5", "outcome_kind", "非常满意"] {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
    insta::assert_json_snapshot!(document);
}

#[test]
fn every_problem_has_its_own_type() {
    let urns: std::collections::BTreeSet<_> = ProblemType::ALL.map(ProblemType::urn).into();
    assert_eq!(urns.len(), ProblemType::ALL.len());
}

#[test]
fn a_taken_port_is_named_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let text = manyi_terminal::api::listen(address)
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with(&format!("{address} is already in use")),
        "{text}"
    );
    assert!(text.contains("MANYI_LISTEN"), "{text}");
}

#[test]
fn the_page_of_the_api_has_every_problem() {
    let page = include_str!("../../docs/prompt-api.md");
    for kind in ProblemType::ALL {
        assert!(page.contains(&format!("`{}`", kind.urn())), "{kind:?}");
    }
}
