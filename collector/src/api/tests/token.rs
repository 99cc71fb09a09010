use axum::http::StatusCode;

use super::support::{NOW, TestApp, ms};
use crate::access::Place;
use crate::audit::By;
use crate::store::UserStore;
use crate::store::users::{NewToken, TokenRefused};

#[tokio::test]
async fn without_session_or_token_the_api_is_closed() {
    let app = TestApp::new().await;
    let answer = app.get("/api/v1/scores", &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["type"], "urn:manyi:problem:unauthorised");
}

#[rstest::rstest]
#[case::other("Bearer manyi_other")]
#[case::scheme("Basic b2ZmaWNlOm9mZmljZQ==")]
#[case::bare("manyi_test")]
#[tokio::test]
async fn a_wrong_token_is_refused(#[case] header: &str) {
    let app = TestApp::new().await;
    app.token().await;
    let answer = app
        .get("/api/v1/scores", &[("authorization", header)])
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_opens_the_api_until_it_is_revoked() {
    let app = TestApp::new().await;
    let token = app.token().await;
    assert_eq!(app.scores(&token, "").await.status, StatusCode::OK);
    let by = || By::operator("test".to_owned());
    let same = || NewToken {
        digest: [0; 32],
        name: "test".to_owned(),
        permissions: "see_scores".parse().unwrap(),
        place: Place::Everywhere,
        expires_ms: None,
    };
    let taken = app.store.add_token(same(), by(), ms(NOW)).await.unwrap();
    assert_eq!(taken, Err(TokenRefused::Taken));
    let revoke = || app.store.revoke_token("test".to_owned(), by(), ms(NOW));
    assert!(revoke().await.unwrap());
    assert_eq!(
        app.scores(&token, "").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert!(!revoke().await.unwrap());
    let again = app.store.add_token(same(), by(), ms(NOW)).await.unwrap();
    assert_eq!(again, Ok(()));
    assert_eq!(app.store.tokens().await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_openapi_document_describes_the_scores() {
    let app = TestApp::new().await;
    let document = app.get("/openapi.json", &[]).await.json();
    let scores = &document["paths"]["/api/v1/scores"]["get"];
    let parameters = scores["parameters"].as_array().unwrap();
    let named = |name: &str| parameters.iter().any(|p| p["name"] == name);
    for name in [
        "from", "to", "tz", "group", "region", "hall", "window", "channel",
    ] {
        assert!(named(name), "{name}: {parameters:?}");
    }
    assert!(
        document["components"]["schemas"]["ScoresBody"].is_object(),
        "{document}"
    );
}

#[tokio::test]
async fn a_login_asks_no_questions_at_windows() {
    let app = TestApp::new().await;
    app.user("a-long-password", false).await;
    let session = app.log_in("a-long-password").await;
    let request = axum::http::Request::post("/api/v1/prompts")
        .header("cookie", &session)
        .header("content-type", "application/json")
        .body(r#"{"hall":"H1","window":"A01"}"#.into())
        .unwrap();
    let answer = app.send(request).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let alarms = app.get_as("/api/v1/alarms", &session).await;
    assert_eq!(alarms.json(), serde_json::json!({ "alarms": [] }));
}
