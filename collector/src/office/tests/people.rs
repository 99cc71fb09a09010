//! People: logins paced and with a second factor, sessions, changes of users, the audit log.

use axum::http::StatusCode;

use crate::access::{Grant, Place, Role};
use crate::api::tests::support::{Answer, NOW, TestApp, ms};
use crate::audit::{Break, By};
use crate::office::second_factor::{self, totp};
use crate::office::session::SECURE_COOKIE_NAME;
use crate::store::audit::AuditFilter;
use crate::store::users::{NewToken, UserChange, UserRefused};
use crate::store::{AuditStore, UserStore};

const PASSWORD: &str = "a-long-password";

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.user(PASSWORD, false).await;
    app
}

/// Behind a proxy, so that tries can come from anywhere.
async fn proxied() -> TestApp {
    let proxy = "192.0.2.1".parse().unwrap();
    let app = TestApp::configured(|config| config.trusted_proxy = Some(proxy)).await;
    app.user(PASSWORD, false).await;
    app
}

async fn try_from(app: &TestApp, address: &str, password: &str) -> Answer {
    let form = format!("user=office&password={password}");
    app.post("/login", &form, &[("x-forwarded-for", address)])
        .await
}

async fn entries(app: &TestApp) -> Vec<(String, String)> {
    let all = app.store.audit_entries(AuditFilter::default(), 1000).await;
    let all = all.unwrap().into_iter().rev();
    all.map(|entry| (entry.action, entry.object)).collect()
}

#[tokio::test]
async fn tries_from_elsewhere_slow_down_and_keep_nobody_out_at_home() {
    let app = proxied().await;
    assert_eq!(
        try_from(&app, "10.1.1.1", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
    // Ten strangers, each from a network of their own.
    for stranger in 0..10 {
        let answer = try_from(&app, &format!("10.2.{stranger}.1"), "guess").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{stranger}");
    }
    let more = try_from(&app, "10.2.99.1", PASSWORD).await;
    assert_eq!(more.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(more.headers["retry-after"], "31");
    let home = try_from(&app, "10.1.1.77", PASSWORD).await;
    assert_eq!(home.status, StatusCode::SEE_OTHER, "the known network");
    app.clock.advance(30_000);
    let later = try_from(&app, "10.3.0.1", PASSWORD).await;
    assert_eq!(later.status, StatusCode::SEE_OTHER, "after half a minute");
}

#[tokio::test]
async fn a_name_that_nobody_has_slows_down_alike() {
    let app = proxied().await;
    let mut last = None;
    for stranger in 0..11 {
        let address = format!("10.2.{stranger}.1");
        let form = "user=nobody&password=guess";
        let from = [("x-forwarded-for", address.as_str())];
        last = Some(app.post("/login", form, &from).await.status);
    }
    assert_eq!(last, Some(StatusCode::TOO_MANY_REQUESTS));
    assert!(
        entries(&app)
            .await
            .iter()
            .all(|(action, _)| action != "log_in_failed")
    );
}

/// Sets up the second factor; its secret and the recovery codes.
async fn enrol(app: &TestApp, session: &str) -> (Vec<u8>, Vec<String>) {
    let cookie = [("cookie", session)];
    let form = format!("password={PASSWORD}");
    let page = app.post("/account/second-factor", &form, &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("<svg"), "the code to scan");
    let user = app.store.user("office".to_owned()).await.unwrap().unwrap();
    assert!(user.second_factor.is_none(), "not before it is confirmed");
    let sealed = user.pending_factor.unwrap();
    let secret = second_factor::open(&app.state.keys, "office", &sealed).unwrap();
    assert!(!sealed.windows(20).any(|part| part == secret));
    let wrong = app.post("/account/second-factor/confirm", "code=000000", &cookie);
    assert_eq!(wrong.await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = format!("code={}", totp::shown(&secret, ms(NOW)));
    let page = app.post("/account/second-factor/confirm", &form, &cookie);
    let page = page.await;
    let codes = page.text.split("<li><code>").skip(1);
    let codes: Vec<String> = codes
        .map(|rest| rest.split('<').next().unwrap().to_owned())
        .collect();
    assert_eq!(codes.len(), 10, "{}", page.text);
    (secret, codes)
}

async fn give(app: &TestApp, session: &str, code: &str) -> Answer {
    let form = format!("code={code}");
    app.post("/login/code", &form, &[("cookie", session)]).await
}

#[tokio::test]
async fn with_a_second_factor_the_password_alone_opens_nothing() {
    let app = app().await;
    let session = app.log_in(PASSWORD).await;
    let (secret, codes) = enrol(&app, &session).await;
    let form = format!("user=office&password={PASSWORD}");
    let first = app.post("/login", &form, &[]).await;
    assert_eq!(first.location(), "/login/code");
    let waiting = first.session();
    for path in ["/office", "/account", "/account/password"] {
        assert_eq!(
            app.get_as(path, &waiting).await.location(),
            "/login",
            "{path}"
        );
    }
    let api = app.get_as("/api/v1/scores", &waiting).await;
    assert_eq!(api.status, StatusCode::UNAUTHORIZED);
    // The code that confirmed the factor is used up; the next one opens.
    let used = totp::shown(&secret, ms(NOW));
    assert_eq!(
        give(&app, &waiting, &used).await.status,
        StatusCode::UNAUTHORIZED
    );
    let next = totp::shown(&secret, ms(NOW) + 30_000);
    let entered = give(&app, &waiting, &next).await;
    assert_eq!(entered.location(), "/office");
    assert_ne!(entered.session(), waiting, "another token");
    assert_eq!(
        app.get_as("/office", &entered.session()).await.status,
        StatusCode::OK
    );
    assert_eq!(
        app.get_as("/login/code", &waiting).await.location(),
        "/login"
    );
    // A recovery code opens once, however it is typed.
    for (expected, typed) in [
        ("/office", codes[0].to_lowercase().replace('-', " ")),
        ("", codes[0].clone()),
    ] {
        let first = app.post("/login", &form, &[]).await;
        let answer = give(&app, &first.session(), &typed).await;
        assert_eq!(answer.location(), expected);
    }
    assert_eq!(
        app.store.recovery_codes("office".to_owned()).await.unwrap(),
        9
    );
}

#[tokio::test]
async fn codes_are_paced() {
    let app = app().await;
    let session = app.log_in(PASSWORD).await;
    let (secret, _) = enrol(&app, &session).await;
    let form = format!("user=office&password={PASSWORD}");
    let waiting = app.post("/login", &form, &[]).await.session();
    let mut tries = Vec::new();
    for _ in 0..6 {
        tries.push(give(&app, &waiting, "123456").await.status.as_u16());
    }
    assert_eq!(tries, [401, 401, 401, 401, 401, 429]);
    app.clock.advance(300_000);
    let right = totp::shown(&secret, ms(NOW) + 300_000);
    assert_eq!(give(&app, &waiting, &right).await.location(), "/office");
}

#[tokio::test]
async fn a_session_that_is_left_alone_ends() {
    let app = app().await;
    let session = app.log_in(PASSWORD).await;
    for _ in 0..3 {
        app.clock.advance(119 * 60_000);
        assert_eq!(
            app.get_as("/account", &session).await.status,
            StatusCode::OK
        );
    }
    app.clock.advance(120 * 60_000);
    assert_eq!(app.get_as("/account", &session).await.location(), "/login");
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_and_together() {
    let app = app().await;
    let own = app.log_in(PASSWORD).await;
    let others = [app.log_in(PASSWORD).await, app.log_in(PASSWORD).await];
    let page = app.get_as("/account", &own).await.text;
    assert_eq!(page.matches("/account/sessions/end").count(), 3, "{page}");
    let id = page.split("name=\"id\" value=\"").nth(1).unwrap();
    let id = id.split('"').next().unwrap();
    let (form, cookie) = (format!("id={id}"), [("cookie", own.as_str())]);
    let ended = app.post("/account/sessions/end", &form, &cookie);
    assert_eq!(ended.await.location(), "/account");
    let open = async |session: &str| app.get_as("/account", session).await.status == StatusCode::OK;
    let still = [open(&others[0]).await, open(&others[1]).await];
    assert_eq!(still.iter().filter(|open| **open).count(), 1);
    app.post("/account/sessions/end", "", &[("cookie", &own)])
        .await;
    assert!(!open(&others[0]).await && !open(&others[1]).await);
    assert!(open(&own).await);
}

#[tokio::test]
async fn over_tls_the_cookie_belongs_to_this_host_alone() {
    let app = TestApp::configured(|config| config.cookie_secure = true).await;
    app.user(PASSWORD, false).await;
    let form = format!("user=office&password={PASSWORD}");
    let answer = app.post("/login", &form, &[]).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with(&format!("{SECURE_COOKIE_NAME}=")),
        "{cookie}"
    );
    assert!(
        cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(app.get_as("/office", cookie).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = app().await;
    app.person(
        "li",
        PASSWORD,
        &["administrator@hall:H1", "office@everywhere"],
    )
    .await;
    let version = 1;
    let grants = vec![Grant::role(Role::Office, Place::Everywhere)];
    let edit = || UserChange::Edit {
        version,
        full_name: String::new(),
        grants: grants.clone(),
    };
    for wanted in [UserChange::Disable { version }, edit()] {
        let refused = app.change("office", wanted).await;
        assert_eq!(refused, Err(UserRefused::LastAdministrator));
    }
    app.person("wang", PASSWORD, &["administrator@everywhere"])
        .await;
    assert_eq!(app.change("office", edit()).await, Ok(()));
    let disable = UserChange::Disable { version };
    assert_eq!(
        app.change("wang", disable).await,
        Err(UserRefused::LastAdministrator)
    );
}

#[tokio::test]
async fn of_two_changes_at_once_the_second_is_told() {
    let app = app().await;
    app.person("li", PASSWORD, &["office@hall:H1"]).await;
    let disable = UserChange::Disable { version: 1 };
    assert_eq!(app.change("li", disable.clone()).await, Ok(()));
    assert_eq!(app.change("li", disable).await, Err(UserRefused::Stale));
    let session = app.log_in(PASSWORD).await;
    let form = "do=enable&version=1";
    let told = app
        .post("/office/admin/people/li", form, &[("cookie", &session)])
        .await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.text);
}

#[rstest::rstest]
#[case::no_hall("user=li&role=office&place=hall:H9", 400)]
#[case::no_department("user=li&role=office&place=department:H1:D9", 400)]
#[case::no_region("user=li&role=office&place=region:410000", 400)]
#[case::no_place("user=li&role=office&place=somewhere", 400)]
#[case::no_role("user=li&role=king&place=everywhere", 400)]
#[case::bad_name("user=l%20i&role=office&place=everywhere", 400)]
#[case::taken("user=office&role=office&place=everywhere", 409)]
#[case::right(
    "user=li&full_name=%E6%9D%8E&role=office&place=region:370000&role=&place=",
    200
)]
#[tokio::test]
async fn adding_somebody(#[case] form: &str, #[case] expected: u16) {
    let app = app().await;
    let session = app.log_in(PASSWORD).await;
    let answer = app
        .post("/office/admin/people", form, &[("cookie", &session)])
        .await;
    assert_eq!(answer.status.as_u16(), expected, "{}", answer.text);
    let users = app.store.users().await.unwrap().len();
    assert_eq!(users, if expected == 200 { 2 } else { 1 });
    let long = format!("user={}&role=office&place=everywhere", "l".repeat(65));
    let answer = app
        .post("/office/admin/people", &long, &[("cookie", &session)])
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_reset_ends_everything_and_its_password_must_be_changed() {
    let app = app().await;
    app.person("li", PASSWORD, &["office@hall:H1"]).await;
    let old = app.session_of("li").await;
    let session = app.log_in(PASSWORD).await;
    let page = app
        .post(
            "/office/admin/people/li",
            "do=reset",
            &[("cookie", &session)],
        )
        .await;
    let password = page
        .text
        .split("<code>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert_eq!(app.get_as("/office", &old).await.location(), "/login");
    let form = format!("user=li&password={password}");
    let entered = app.post("/login", &form, &[]).await;
    assert_eq!(entered.location(), "/account/password");
    let log = entries(&app).await;
    assert!(
        log.contains(&("reset_password".to_owned(), "user:li".to_owned())),
        "{log:?}"
    );
}

#[tokio::test]
async fn whoever_is_disabled_is_out_at_once_and_stays_out() {
    let app = app().await;
    app.person("li", PASSWORD, &["office@hall:H1"]).await;
    let session = app.session_of("li").await;
    assert_eq!(app.get_as("/office", &session).await.status, StatusCode::OK);
    app.change("li", UserChange::Disable { version: 1 })
        .await
        .unwrap();
    assert_eq!(app.get_as("/office", &session).await.location(), "/login");
    let form = format!("user=li&password={PASSWORD}");
    let answer = app.post("/login", &form, &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_administrator_of_a_hall_manages_that_hall_alone() {
    let app = app().await;
    app.hall("H2", "Asia/Shanghai").await;
    app.person("boss", PASSWORD, &["administrator@hall:H1"])
        .await;
    app.person("here", PASSWORD, &["office@hall:H1"]).await;
    app.person("there", PASSWORD, &["office@hall:H2"]).await;
    app.person("both", PASSWORD, &["office@hall:H1", "office@hall:H2"])
        .await;
    let session = app.session_of("boss").await;
    let page = app.get_as("/office/admin/people", &session).await.text;
    let listed = |name: &str| page.contains(&format!("/office/admin/people/{name}\""));
    assert!(listed("boss") && listed("here"));
    assert!(
        !listed("there") && !listed("both") && !listed("office"),
        "{page}"
    );
    assert!(!page.contains("H2"), "{page}");
    let cookie = [("cookie", session.as_str())];
    for (name, expected) in [
        ("here", 303),
        ("there", 404),
        ("both", 404),
        ("office", 404),
        ("nobody", 404),
    ] {
        let path = format!("/office/admin/people/{name}");
        let form = "do=save&version=1&role=office&place=hall:H1";
        let answer = app.post(&path, form, &cookie).await;
        assert_eq!(answer.status.as_u16(), expected, "{name}");
        let page = app.get_as(&path, &session).await.status.as_u16();
        assert_eq!(page, if expected == 303 { 200 } else { 404 }, "{name}");
    }
    let wider = "do=save&version=2&role=administrator&place=everywhere";
    let answer = app.post("/office/admin/people/here", wider, &cookie).await;
    assert_eq!(
        answer.status,
        StatusCode::BAD_REQUEST,
        "no wider than their own"
    );
}

#[tokio::test]
async fn a_token_does_what_its_scope_says_until_it_expires() {
    let app = app().await;
    app.hall("H2", "Asia/Shanghai").await;
    let new = NewToken {
        digest: crate::office::secret::digest("manyi_short"),
        name: "short".to_owned(),
        permissions: "see_scores".parse().unwrap(),
        place: "hall:H1".parse().unwrap(),
        expires_ms: Some(ms(NOW) + 1000),
    };
    let by = By::operator("test".to_owned());
    app.store
        .add_token(new, by, ms(NOW))
        .await
        .unwrap()
        .unwrap();
    let status = async |query: &str| app.scores("manyi_short", query).await.status;
    assert_eq!(status("hall=H1").await, StatusCode::OK);
    assert_eq!(status("").await, StatusCode::OK, "its only hall");
    assert_eq!(status("hall=H1&group=staff").await, StatusCode::FORBIDDEN);
    let (foreign, nowhere) = (
        app.scores("manyi_short", "hall=H2").await,
        app.scores("manyi_short", "hall=H9").await,
    );
    assert_eq!(
        foreign.text.replace("H2", "?"),
        nowhere.text.replace("H9", "?")
    );
    assert_ne!(foreign.status, StatusCode::OK);
    app.clock.advance(1000);
    assert_eq!(status("hall=H1").await, StatusCode::UNAUTHORIZED);
    let used = app.store.tokens().await.unwrap();
    assert_eq!(used[0].seen_ms, Some(ms(NOW)));
}

#[tokio::test]
async fn figures_of_a_part_are_those_of_the_part() {
    let app = app().await;
    let first = ("2026-03-09T01:00:00Z", "A01", "S1", 4, 1, 5, 3);
    let second = ("2026-03-09T01:00:00Z", "A02", "", 4, 1, 1, 5);
    app.tally("H1", &[first, second]).await;
    app.token_at("manyi_part", "see_scores", "department:H1:D1")
        .await;
    app.token_at("manyi_window", "see_scores", "window:H1:A01")
        .await;
    let whole = app.token().await;
    let rated = async |token: &str, query: &str| {
        let answer = app.scores(token, query).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()["total"]["counts"]["rated"].as_u64()
    };
    assert_eq!(rated(&whole, "").await, Some(8));
    assert_eq!(rated("manyi_part", "").await, Some(8));
    assert_eq!(rated("manyi_part", "window=A02").await, Some(5));
    assert_eq!(rated("manyi_window", "").await, Some(3));
    assert_eq!(rated("manyi_window", "window=A01").await, Some(3));
    for (token, query) in [
        ("manyi_part", "department=D2"),
        ("manyi_part", "department=D1,D2"),
        ("manyi_window", "window=A02"),
        ("manyi_window", "window=A01,A02"),
    ] {
        let beside = app.scores(token, query).await;
        assert_eq!(beside.status, StatusCode::NOT_FOUND, "{token} {query}");
    }
}

#[tokio::test]
async fn what_is_refused_is_not_written_down_and_what_is_done_is() {
    let app = app().await;
    let before = entries(&app).await;
    let refused = app
        .change("office", UserChange::Disable { version: 1 })
        .await;
    assert!(refused.is_err());
    assert_eq!(entries(&app).await, before);
    app.log_in(PASSWORD).await;
    app.post("/login", "user=office&password=wrong", &[]).await;
    let new = &entries(&app).await[before.len()..];
    let actions: Vec<&str> = new.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["log_in", "log_in_failed"]);
}

#[tokio::test]
async fn the_log_tells_where_somebody_touched_it() {
    let app = app().await;
    app.person("li", PASSWORD, &["office@hall:H1"]).await;
    app.person("wang", PASSWORD, &[]).await;
    let whole = app.store.verify_audit(None).await.unwrap();
    let head = whole.result.unwrap();
    assert_eq!((whole.entries, head.seq), (3, 3));
    app.sql("UPDATE audit_entry SET who = 'user:nobody' WHERE seq = 2")
        .await;
    let touched = app.store.verify_audit(None).await.unwrap();
    assert_eq!(touched.result, Err(Break::Changed { seq: 2 }));
    app.sql("UPDATE audit_entry SET who = 'operator:test' WHERE seq = 2")
        .await;
    assert_eq!(
        app.store.verify_audit(Some(head)).await.unwrap().result,
        Ok(head)
    );
    app.sql("DELETE FROM audit_entry WHERE seq = 3").await;
    let cut = app.store.verify_audit(None).await.unwrap();
    assert_eq!(
        cut.result,
        Err(Break::Cut {
            expected: 3,
            found: 2
        })
    );
}

#[tokio::test]
async fn old_entries_are_dropped_and_the_chain_goes_on() {
    let app = app().await;
    app.clock.advance(200 * 86_400_000);
    let by = By::operator("test".to_owned());
    let note = |by: By| {
        crate::audit::Note::new(
            by,
            crate::audit::Action::DropAudit,
            Place::Everywhere,
            "audit",
        )
    };
    let now = ms(NOW) + 200 * 86_400_000;
    app.store.note(note(by.clone()), now).await.unwrap();
    let dropped = app
        .store
        .drop_audit(ms(NOW) + 1, note(by), now)
        .await
        .unwrap();
    assert_eq!(dropped, 1);
    let report = app.store.verify_audit(None).await.unwrap();
    assert_eq!((report.anchor.seq, report.entries), (1, 2));
    assert_eq!(report.result.unwrap().seq, 3);
}
