//! The pages through the real router, on a real database.

mod pages;
mod people;

use std::pin::Pin;

use axum::http::StatusCode;
use axum::http::header::COOKIE;
use futures_core::Stream;

use crate::api::tests::support::{Answer, TestApp};

const PASSWORD: &str = "a-long-password";

async fn logged_in() -> (TestApp, String) {
    let app = TestApp::new().await;
    app.user(PASSWORD, false).await;
    let session = app.log_in(PASSWORD).await;
    (app, session)
}

#[tokio::test]
async fn strangers_are_sent_to_the_login() {
    let app = TestApp::new().await;
    for path in ["/office", "/account/password"] {
        let answer = app.get(path, &[]).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/login"),
            "{path}"
        );
    }
    for path in ["/office/today", "/office/live"] {
        assert_eq!(
            app.get(path, &[]).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
    assert_eq!(app.get("/", &[]).await.location(), "/office");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let app = TestApp::new().await;
    app.user(PASSWORD, false).await;
    let wrong = app.post("/login", "user=office&password=wrong", &[]).await;
    let unknown = app.post("/login", "user=nobody&password=wrong", &[]).await;
    assert_eq!(
        (wrong.status, unknown.status),
        (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED)
    );
    assert_eq!(wrong.text, unknown.text);
    assert!(
        wrong.text.contains("用户名或密码不正确。"),
        "{}",
        wrong.text
    );
}

#[tokio::test]
async fn the_session_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let app = TestApp::new().await;
    app.user(PASSWORD, false).await;
    let answer = app
        .post("/login", &format!("user=office&password={PASSWORD}"), &[])
        .await;
    assert_eq!(answer.location(), "/office");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    for attribute in [
        "; Path=/",
        "; HttpOnly",
        "; SameSite=Strict",
        "; Max-Age=43200",
    ] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
}

#[tokio::test]
async fn a_session_ends_by_logging_out_and_by_time() {
    let (app, session) = logged_in().await;
    assert_eq!(app.get_as("/office", &session).await.status, StatusCode::OK);
    app.clock.advance(12 * 3_600_000);
    assert_eq!(app.get_as("/office", &session).await.location(), "/login");

    let session = app.log_in(PASSWORD).await;
    let out = app
        .post("/logout", "", &[(COOKIE.as_str(), &session)])
        .await;
    assert_eq!(out.location(), "/login");
    assert_eq!(app.get_as("/office", &session).await.location(), "/login");
}

#[tokio::test]
async fn the_one_time_password_opens_nothing_but_its_change() {
    let app = TestApp::new().await;
    app.user("BAH8A-608MM-NFABV-67CKD", true).await;
    let session = app.log_in("BAH8A-608MM-NFABV-67CKD").await;
    assert_eq!(
        app.get_as("/office", &session).await.location(),
        "/account/password"
    );
    assert_eq!(
        app.get_as("/api/v1/scores", &session).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        app.get_as("/office/today", &session).await.status,
        StatusCode::FORBIDDEN
    );

    let form =
        "current=BAH8A-608MM-NFABV-67CKD&new=correct-horse-battery&repeat=correct-horse-battery";
    let changed = app
        .post("/account/password", form, &[(COOKIE.as_str(), &session)])
        .await;
    assert_eq!(changed.location(), "/office");
    assert_eq!(
        app.get_as("/office", &changed.session()).await.status,
        StatusCode::OK
    );
    assert_eq!(
        app.get_as("/office", &session).await.location(),
        "/login",
        "the old session must end"
    );
    assert_eq!(
        app.post(
            "/login",
            "user=office&password=BAH8A-608MM-NFABV-67CKD",
            &[]
        )
        .await
        .status,
        StatusCode::UNAUTHORIZED
    );
}

#[rstest::rstest]
#[case::short("a-long-password", "elevenchars", "elevenchars", "少于 12 个字符")]
#[case::same(
    "a-long-password",
    "a-long-password",
    "a-long-password",
    "不能与当前密码相同。"
)]
#[case::differs(
    "a-long-password",
    "another-password",
    "another-passwort",
    "两次输入的新密码不一致。"
)]
#[case::wrong(
    "not-my-password",
    "another-password",
    "another-password",
    "当前密码不正确。"
)]
#[tokio::test]
async fn a_new_password_is_refused(
    #[case] current: &str,
    #[case] new: &str,
    #[case] repeat: &str,
    #[case] why: &str,
) {
    let (app, session) = logged_in().await;
    let form = format!("current={current}&new={new}&repeat={repeat}");
    let answer = app
        .post("/account/password", &form, &[(COOKIE.as_str(), &session)])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let refused = answer
        .text
        .split("role=\"alert\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert!(refused.contains(why), "{refused}");
}

#[tokio::test]
async fn a_form_from_another_site_changes_nothing() {
    let (app, session) = logged_in().await;
    let headers = [
        (COOKIE.as_str(), session.as_str()),
        ("origin", "http://evil.example"),
        ("host", "office"),
    ];
    assert_eq!(
        app.post("/logout", "", &headers).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(app.get_as("/office", &session).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_eleventh_login_try_in_a_minute_waits() {
    let app = TestApp::new().await;
    let mut last: Option<Answer> = None;
    for _ in 0..11 {
        last = Some(app.post("/login", "user=office&password=guess", &[]).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.headers.contains_key("retry-after"));
    assert!(last.text.contains("尝试次数过多"), "{}", last.text);
}

#[tokio::test]
async fn every_page_carries_the_guarding_headers() {
    let (app, session) = logged_in().await;
    let browser = [("accept", "text/html"), (COOKIE.as_str(), session.as_str())];
    for path in ["/login", "/office", "/assets/live.js", "/no/such/page"] {
        let headers = app.get(path, &browser).await.headers;
        assert!(
            headers["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("default-src 'self'"),
            "{path}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test]
async fn browsers_get_a_page_and_programs_a_problem_where_nothing_is() {
    let app = TestApp::new().await;
    let page = app
        .get("/no/such/page?lang=en", &[("accept", "text/html,*/*")])
        .await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text.contains("Page not found"), "{}", page.text);
    assert_eq!(app.get("/no/such/page", &[]).await.json()["status"], 404);
    let (app, session) = logged_in().await;
    assert_eq!(
        app.get_as("/office?hall=H9", &session).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn today_is_drawn_from_the_counts_of_the_api() {
    let (app, session) = logged_in().await;
    app.tally(
        "H1",
        &[
            ("2026-03-09T01:00:00Z", "A01", "S1", 4, 1, 5, 1_299),
            ("2026-03-09T01:45:00Z", "A01", "S1", 4, 1, 2, 1),
            ("2026-03-09T02:00:00Z", "A09", "", 4, 1, 4, 1),
            ("2026-03-09T02:00:00Z", "A01", "S1", 4, 3, 0, 8),
        ],
    )
    .await;
    app.sql(
        "INSERT INTO terminal (hall_id, terminal_id, window_id, public_key, state, enrolled_ms, last_number, last_seen_ms, software, backlog, profile_version, synchronised)
           VALUES ('H1', x'01010101010101010101010101010101', 'A01', x'02', 'active', 0, 1, 1773028788000, '', 12, 1, 1);
         INSERT INTO stream (hall_id, terminal_id, stream_id, watermark, hash, window_id, channel, software, received_ms, last_ordinal) VALUES ('H1', x'01010101010101010101010101010101', x'0A', 9, x'00', 'A01', 4, '', 1, 9);
         INSERT INTO stream (hall_id, terminal_id, stream_id, watermark, hash, window_id, channel, software, received_ms, last_ordinal) VALUES ('H1', x'01010101010101010101010101010101', x'0B', 3, x'00', 'A01', 4, '', 2, 3);
         INSERT INTO record (hall_id, terminal_id, stream_id, seq, bytes, received_ms, kind, at_ms, outcome) VALUES
           ('H1', x'01010101010101010101010101010101', x'0A', 9, x'', 1, 2, 1773020760000, 1),
           ('H1', x'01010101010101010101010101010101', x'0B', 1, x'', 2, 2, 1773020160000, 1),
           ('H1', x'01010101010101010101010101010101', x'0B', 2, x'', 2, 2, 1773020700000, 1),
           ('H1', x'01010101010101010101010101010101', x'0B', 3, x'', 2, 2, 1773021000000, 3);",
    )
    .await;
    let fragment = app.get_as("/office/today", &session).await;
    insta::assert_snapshot!(fragment.text);
    let api = app.get_as("/api/v1/scores", &session).await.json();
    for figure in ["mean", "bad_rate", "satisfaction_rate", "participation"] {
        let value = api["total"]["figures"][figure]["value"].as_str().unwrap();
        assert!(
            fragment
                .text
                .contains(&format!("<p class=\"figure-value\">{value}<")),
            "{figure} {value}"
        );
    }
    let english = app.get_as("/office/today?lang=en", &session).await.text;
    assert!(
        english.contains("Satisfaction rate") && english.contains("seen 12 s ago"),
        "{english}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_terminal_stands_first_on_the_page_with_what_to_do() {
    let (app, session) = logged_in().await;
    let calm = app.get_as("/office/today", &session).await.text;
    assert!(!calm.contains("需要处理"), "{calm}");
    app.sql(
        "INSERT INTO terminal (hall_id, terminal_id, window_id, public_key, state, enrolled_ms, last_number, software, backlog, profile_version, synchronised, journal_problem)
           VALUES ('H1', x'01010101010101010101010101010101', 'A01', x'02', 'active', 0, 1, '', 0, 1, 1, 'disk <full>');",
    )
    .await;
    let page = app.get_as("/office/today", &session).await.text;
    let banner = page.split("</section>").next().unwrap();
    for words in [
        "需要处理",
        "<strong>A01</strong>",
        "设备无法保存记录：disk &#60;full&#62;",
        "请更换存储卡",
    ] {
        assert!(banner.contains(words), "{words} is not in {banner}");
    }
    let english = app.get_as("/office/today?lang=en", &session).await.text;
    assert!(english.contains("cannot keep its records"), "{english}");
}

#[tokio::test]
async fn an_empty_day_says_so_and_shows_no_rate() {
    let (app, session) = logged_in().await;
    let page = app.get_as("/office", &session).await.text;
    assert!(page.contains("今日尚无评价"), "{page}");
    assert!(page.contains("<p class=\"figure-value\">—<span"), "{page}");
    assert!(!page.contains("100.00"), "{page}");
}

#[tokio::test]
async fn without_a_hall_the_page_says_what_to_do() {
    let (app, session) = logged_in().await;
    app.sql("DELETE FROM hall").await;
    let page = app.get_as("/office?lang=en", &session).await;
    assert!(
        page.text.contains("manyi-collector hall import"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_live_page_hears_of_new_counts_and_ends_when_the_collector_stops() {
    let (app, session) = logged_in().await;
    let mut events = app.stream("/office/live", &session).await;
    let mut next =
        async || std::future::poll_fn(|context| Pin::new(&mut events).poll_next(context)).await;
    let first = next().await.unwrap().unwrap();
    assert!(
        first.starts_with(b"event: changed\ndata: changed\n"),
        "{first:?}"
    );

    app.tally("H1", &[("2026-03-09T02:00:00Z", "A01", "", 4, 1, 5, 1)])
        .await;
    app.state.changed.send_modify(|count| *count += 1);
    let second = next().await.unwrap().unwrap();
    assert!(
        second.starts_with(b"event: changed\ndata: changed\n"),
        "{second:?}"
    );

    app.state.stopping.send_replace(true);
    assert!(next().await.is_none());
}

#[tokio::test]
async fn a_live_page_ends_with_its_session() {
    let (app, session) = logged_in().await;
    let mut events = app.stream("/office/live", &session).await;
    let mut next =
        async || std::future::poll_fn(|context| Pin::new(&mut events).poll_next(context)).await;
    assert!(
        next()
            .await
            .unwrap()
            .unwrap()
            .starts_with(b"event: changed\ndata: changed\n")
    );
    app.post("/logout", "", &[(COOKIE.as_str(), &session)])
        .await;
    app.state.changed.send_modify(|count| *count += 1);
    assert!(
        next()
            .await
            .unwrap()
            .unwrap()
            .starts_with(b"event: bye\ndata: bye\n")
    );
    assert!(next().await.is_none());
}

#[tokio::test]
async fn the_other_language_and_the_other_hall_keep_the_page_that_is_open() {
    let (app, session) = logged_in().await;
    let one = app.get_as("/office?hall=H1&lang=en", &session).await.text;
    assert!(one.contains("href=\"?hall=H1&#38;lang=zh\""), "{one}");
    assert!(
        !one.contains("class=\"picker\""),
        "one hall is no choice: {one}"
    );
    app.hall("H2", "Asia/Shanghai").await;
    let two = app
        .get_as("/office?hall=H2&range=today", &session)
        .await
        .text;
    let picker = two.split("class=\"picker\"").nth(1).unwrap();
    let picker = picker.split("</form>").next().unwrap();
    for part in [
        "action=\"/office\"",
        "name=\"range\" value=\"today\"",
        "<option value=\"H1\">",
        "<option value=\"H2\" selected>",
    ] {
        assert!(picker.contains(part), "{part} is not in {picker}");
    }
}

#[tokio::test]
async fn what_every_figure_means_is_one_click_away_from_every_page() {
    let (app, session) = logged_in().await;
    let page = app.get_as("/office", &session).await.text;
    assert!(page.contains("href=\"/office/definitions\""), "{page}");
    let told = app.get_as("/office/definitions", &session).await.text;
    for part in [
        "平均分",
        "满意率",
        "差评率",
        "实际评价率",
        "各级占比",
        "只计入群众实际作出的评价",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let stranger = app.get("/office/definitions", &[]).await;
    assert_eq!(stranger.location(), "/login");
}
