//! Logins through a service that speaks the protocol: a small HTTP server on this machine that
//! hands out codes, checks PKCE and the client's secret, and signs tokens with its own key.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::token::{Expected, Refusal, check};
use crate::api::tests::support::{Answer, NOW, TestApp, ms};
use crate::config::{ClaimedRole, OidcConfig};
use crate::store::UserStore;
use crate::store::users::UserChange;

const CALLBACK: &str = "http://127.0.0.1:8080/login/oidc/callback";

/// Another key, of the same kind.
struct Key {
    pkcs8: Vec<u8>,
    id: String,
}

impl Key {
    fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self {
            pkcs8: pkcs8.as_ref().to_vec(),
            id: id.to_owned(),
        }
    }

    fn public(&self) -> Value {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.pkcs8, &random);
        let pair = pair.unwrap();
        let point = pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        })
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.clone());
        let key = EncodingKey::from_ec_der(&self.pkcs8);
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    }
}

/// What the peer does wrong.
type Twist = fn(&mut Value, &mut Key);

/// The login service.
struct Peer {
    issuer: String,
    key: Mutex<Key>,
    /// Keys that it publishes; its own unless a test says otherwise.
    published: Mutex<Vec<Value>>,
    /// Code, then challenge and nonce.
    codes: Mutex<HashMap<String, (String, String)>>,
    person: Mutex<Value>,
    twist: Mutex<Twist>,
}

type Shared = State<Arc<Peer>>;

impl Peer {
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let key = Key::new("one");
        let peer = Arc::new(Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            published: Mutex::new(vec![key.public()]),
            key: Mutex::new(key),
            codes: Mutex::default(),
            person: Mutex::new(json!({
                "sub": "7391", "preferred_username": "li.wenjing", "groups": ["hall-one"],
            })),
            twist: Mutex::new(|_, _| {}),
        });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(document))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/keys", get(keys))
            .with_state(peer.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        peer
    }

    fn twist(&self, twist: Twist) {
        *self.twist.lock().unwrap() = twist;
    }
}

async fn document(State(peer): Shared) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", peer.issuer);
    Json(json!({
        "issuer": peer.issuer, "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
    }))
}

async fn keys(State(peer): Shared) -> Json<Value> {
    Json(json!({ "keys": *peer.published.lock().unwrap() }))
}

async fn authorize(
    State(peer): Shared,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Redirect, StatusCode> {
    let right = asked["response_type"] == "code"
        && asked["client_id"] == "manyi"
        && asked["redirect_uri"] == CALLBACK
        && asked["code_challenge_method"] == "S256"
        && asked["scope"].split(' ').any(|scope| scope == "openid");
    if !right {
        return Err(StatusCode::BAD_REQUEST);
    }
    let code = format!("code-{}", peer.codes.lock().unwrap().len());
    let kept = (asked["code_challenge"].clone(), asked["nonce"].clone());
    peer.codes.lock().unwrap().insert(code.clone(), kept);
    let state = &asked["state"];
    Ok(Redirect::to(&format!(
        "{CALLBACK}?code={code}&state={state}"
    )))
}

async fn token(
    State(peer): Shared,
    headers: HeaderMap,
    Form(asked): Form<HashMap<String, String>>,
) -> Response {
    let credentials = format!("Basic {}", STANDARD.encode("manyi:a-client-secret"));
    if headers["authorization"] != credentials.as_str() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some((challenge, nonce)) = peer.codes.lock().unwrap().remove(&asked["code"]) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let verified = URL_SAFE_NO_PAD.encode(Sha256::digest(asked["code_verifier"].as_bytes()));
    if verified != challenge || asked["redirect_uri"] != CALLBACK {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let now = ms(NOW) / 1000;
    let mut claims = json!({
        "iss": peer.issuer, "aud": "manyi", "nonce": nonce, "iat": now, "exp": now + 300,
    });
    let person = peer.person.lock().unwrap().clone();
    claims
        .as_object_mut()
        .unwrap()
        .extend(person.as_object().unwrap().clone());
    let twist = *peer.twist.lock().unwrap();
    let mut key = peer.key.lock().unwrap();
    twist(&mut claims, &mut key);
    Json(json!({ "access_token": "a", "token_type": "Bearer", "id_token": key.sign(&claims) }))
        .into_response()
}

/// A collector that logs in with a peer.
struct Scene {
    app: TestApp,
    peer: Arc<Peer>,
    _secret: tempfile::NamedTempFile,
}

impl Scene {
    async fn new(change: impl FnOnce(&mut OidcConfig)) -> Self {
        let peer = Peer::start().await;
        let mut secret = tempfile::NamedTempFile::new().unwrap();
        writeln!(secret, "a-client-secret").unwrap();
        let mut oidc = OidcConfig {
            issuer: peer.issuer.clone(),
            client_id: "manyi".to_owned(),
            client_secret_file: secret.path().to_owned(),
            redirect_uri: CALLBACK.to_owned(),
            button: "统一身份认证".to_owned(),
            roles_claim: "groups".to_owned(),
            roles: vec![ClaimedRole {
                claim: "hall-one".to_owned(),
                role: "hall_manager".to_owned(),
                place: "hall:H1".to_owned(),
            }],
            add_users: true,
        };
        change(&mut oidc);
        let app = TestApp::configured(|config| config.oidc = Some(oidc)).await;
        app.user("a-long-password", false).await;
        Self {
            app,
            peer,
            _secret: secret,
        }
    }

    /// Goes to the service and gives the path to come back with, and the cookie.
    async fn go(&self, start: Answer) -> (String, String) {
        assert_eq!(start.status, StatusCode::SEE_OTHER, "{}", start.text);
        let cookie = start.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let browser = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let answer = browser.get(start.location()).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let back = answer.headers()["location"].to_str().unwrap();
        let path = back.strip_prefix("http://127.0.0.1:8080").unwrap();
        (path.to_owned(), cookie)
    }

    async fn log_in(&self) -> Answer {
        let start = self.app.get("/login/oidc", &[]).await;
        let (path, cookie) = self.go(start).await;
        self.app.get(&path, &[("cookie", &cookie)]).await
    }
}

#[tokio::test]
async fn somebody_new_becomes_a_user_with_the_roles_of_the_claim() {
    let scene = Scene::new(|_| {}).await;
    let login = scene.app.get("/login", &[]).await;
    assert!(login.text.contains("统一身份认证"), "{}", login.text);
    let answer = scene.log_in().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let session = answer.session();
    let page = scene.app.get_as("/office", &session).await;
    assert_eq!(page.status, StatusCode::OK);
    let user = scene.app.store.user("li.wenjing".to_owned()).await.unwrap();
    assert_eq!(
        user.unwrap().summary(),
        "li.wenjing\n\nenabled\nhall_manager at hall:H1"
    );
    // The next login finds the same user, whatever the name is now; the roles follow the claim.
    *scene.peer.person.lock().unwrap() =
        json!({ "sub": "7391", "preferred_username": "office", "groups": [] });
    let again = scene.log_in().await;
    assert_eq!(again.status, StatusCode::OK);
    let user = scene.app.store.user("li.wenjing".to_owned()).await.unwrap();
    assert_eq!(user.unwrap().grants, []);
}

#[tokio::test]
async fn a_name_that_is_taken_here_stays_whose_it_is() {
    let scene = Scene::new(|_| {}).await;
    *scene.peer.person.lock().unwrap() = json!({ "sub": "1", "preferred_username": "office" });
    assert_eq!(scene.log_in().await.status, StatusCode::OK);
    let users = scene.app.store.users().await.unwrap();
    let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["office", "oidc-6b86b273"]);
}

#[tokio::test]
async fn without_add_users_one_must_be_linked_first() {
    let scene = Scene::new(|oidc| oidc.add_users = false).await;
    assert_eq!(scene.log_in().await.status, StatusCode::FORBIDDEN);
    let session = scene.app.log_in("a-long-password").await;
    let start = scene
        .app
        .post("/account/link", "", &[("cookie", &session)])
        .await;
    let (path, cookie) = scene.go(start).await;
    let linked = scene.app.get(&path, &[("cookie", &cookie)]).await;
    assert_eq!(linked.status, StatusCode::OK, "{}", linked.text);
    let answer = scene.log_in().await;
    let account = scene.app.get_as("/account", &answer.session()).await;
    assert!(account.text.contains("<p>office"), "{}", account.text);
    // The administrator's own role stays beside what the claim gives.
    assert!(account.text.contains("系统管理员"), "{}", account.text);
}

#[tokio::test]
async fn whoever_is_disabled_here_does_not_come_in() {
    let scene = Scene::new(|_| {}).await;
    scene.log_in().await;
    let user = scene.app.store.user("li.wenjing".to_owned()).await.unwrap();
    let version = user.unwrap().version;
    let wanted = UserChange::Disable { version };
    scene.app.change("li.wenjing", wanted).await.unwrap();
    assert_eq!(scene.log_in().await.status, StatusCode::FORBIDDEN);
}

#[rstest::rstest]
#[case::nonce(|claims: &mut Value, _: &mut Key| claims["nonce"] = json!("another"))]
#[case::no_nonce(|claims: &mut Value, _: &mut Key| { claims.as_object_mut().unwrap().remove("nonce"); })]
#[case::audience(|claims: &mut Value, _: &mut Key| claims["aud"] = json!("somebody-else"))]
#[case::many_audiences(|claims: &mut Value, _: &mut Key| claims["aud"] = json!(["manyi", "other"]))]
#[case::other_party(|claims: &mut Value, _: &mut Key| claims["azp"] = json!("other"))]
#[case::issuer(|claims: &mut Value, _: &mut Key| claims["iss"] = json!("https://evil.example"))]
#[case::expired(|claims: &mut Value, _: &mut Key| claims["exp"] = json!(ms(NOW) / 1000 - 61))]
#[case::from_the_future(|claims: &mut Value, _: &mut Key| claims["iat"] = json!(ms(NOW) / 1000 + 61))]
#[case::nobody(|claims: &mut Value, _: &mut Key| claims["sub"] = json!(""))]
#[case::long_subject(|claims: &mut Value, _: &mut Key| claims["sub"] = json!("x".repeat(256)))]
#[case::unknown_key(|_: &mut Value, key: &mut Key| *key = Key::new("two"))]
#[case::other_key_same_name(|_: &mut Value, key: &mut Key| *key = Key::new("one"))]
#[tokio::test]
async fn a_token_that_is_wrong_opens_nothing(#[case] twist: Twist) {
    let scene = Scene::new(|_| {}).await;
    scene.peer.twist(twist);
    let answer = scene.log_in().await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(scene.app.store.users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_service_that_changes_its_key_is_asked_for_it() {
    let scene = Scene::new(|_| {}).await;
    scene.log_in().await;
    let next = Key::new("two");
    *scene.peer.published.lock().unwrap() = vec![next.public()];
    *scene.peer.key.lock().unwrap() = next;
    scene.app.clock.advance(61_000);
    assert_eq!(scene.log_in().await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_counts_once_and_in_its_own_browser_only() {
    let scene = Scene::new(|_| {}).await;
    let start = scene.app.get("/login/oidc", &[]).await;
    let (path, cookie) = scene.go(start).await;
    let elsewhere = scene.app.get(&path, &[]).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    let start = scene.app.get("/login/oidc", &[]).await;
    let (_, other) = scene.go(start).await;
    let mixed = scene.app.get(&path, &[("cookie", &other)]).await;
    assert_eq!(
        mixed.status,
        StatusCode::FORBIDDEN,
        "state of another login"
    );
    let right = scene.app.get(&path, &[("cookie", &cookie)]).await;
    assert_eq!(right.status, StatusCode::OK);
    let again = scene.app.get(&path, &[("cookie", &cookie)]).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN, "used");
}

#[tokio::test]
async fn a_login_that_takes_too_long_is_begun_anew() {
    let scene = Scene::new(|_| {}).await;
    let start = scene.app.get("/login/oidc", &[]).await;
    let (path, cookie) = scene.go(start).await;
    scene.app.clock.advance(600_000);
    let late = scene.app.get(&path, &[("cookie", &cookie)]).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_service_that_is_another_or_down_is_told_as_not_available() {
    let scene = Scene::new(|oidc| oidc.issuer += "/").await;
    let other = scene.app.get("/login/oidc", &[]).await;
    assert_eq!(other.status, StatusCode::SERVICE_UNAVAILABLE);
    let scene = Scene::new(|oidc| oidc.issuer = "http://127.0.0.1:9".to_owned()).await;
    let down = scene.app.get("/login/oidc", &[]).await;
    assert_eq!(down.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn without_a_service_there_is_no_button_and_no_page() {
    let app = TestApp::new().await;
    assert!(!app.get("/login", &[]).await.text.contains("/login/oidc"));
    assert_eq!(
        app.get("/login/oidc", &[]).await.status,
        StatusCode::NOT_FOUND
    );
}

fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://id.example",
        client_id: "manyi",
        nonce: "n",
        now_ms: ms(NOW),
        roles_claim: "",
    }
}

fn key_set(keys: &[Value]) -> jsonwebtoken::jwk::JwkSet {
    serde_json::from_value(json!({ "keys": keys })).unwrap()
}

#[test]
fn a_token_without_a_signature_or_with_a_shared_secret_is_refused() {
    let claims = json!({ "iss": "https://id.example", "sub": "1", "aud": "manyi", "nonce": "n", "iat": 0, "exp": 9_999_999_999_i64 });
    let body = URL_SAFE_NO_PAD.encode(claims.to_string());
    let key = Key::new("one");
    let keys = key_set(&[key.public()]);
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "None", "kid": "one" }),
    ] {
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let token = format!("{header}.{body}.");
        assert_eq!(check(&token, &keys, &expected()), Err(Refusal::Algorithm));
    }
    // HMAC with the public key as the secret: the oldest trick there is.
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("one".to_owned());
    let public = key.public().to_string();
    let secret = EncodingKey::from_secret(public.as_bytes());
    let token = jsonwebtoken::encode(&header, &claims, &secret).unwrap();
    assert_eq!(check(&token, &keys, &expected()), Err(Refusal::Algorithm));
    for text in ["", "a", "a.b", "a.b.c", "...."] {
        assert!(check(text, &keys, &expected()).is_err(), "{text}");
    }
    assert!(check(&key.sign(&claims), &keys, &expected()).is_ok());
}

/// RFC 7515, appendix A.2: a signature made elsewhere. Its claims name nobody, which is noticed
/// after the signature was found good.
#[test]
fn rs256_verifies_as_the_standard_says() {
    let key = json!({
        "kty": "RSA", "e": "AQAB",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    });
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let keys = key_set(&[key]);
    assert_eq!(check(token, &keys, &expected()), Err(Refusal::Form));
    let touched = token.replace(".cC4h", ".cC4i");
    assert_eq!(check(&touched, &keys, &expected()), Err(Refusal::Signature));
}
