//! The pages of figures through the real router: what they show, where they lead, what they refuse.

use axum::http::StatusCode;

use super::{PASSWORD, logged_in};
use crate::api::tests::support::TestApp;

/// Two weeks with a weekend and a day without ratings.
async fn with_counts() -> (TestApp, String) {
    let (app, session) = logged_in().await;
    app.tally(
        "H1",
        &[
            ("2026-03-02T01:00:00Z", "A01", "S1", 4, 1, 5, 40),
            ("2026-03-02T02:00:00Z", "A01", "S1", 4, 1, 2, 1),
            ("2026-03-03T02:00:00Z", "A02", "", 4, 1, 4, 12),
            ("2026-03-03T02:00:00Z", "A02", "", 3, 1, 1, 2),
            ("2026-03-05T02:00:00Z", "A01", "S1", 4, 3, 0, 9),
            ("2026-03-09T01:00:00Z", "A01", "S1", 4, 1, 5, 3),
            ("2026-02-10T01:00:00Z", "A01", "S1", 4, 1, 5, 7),
        ],
    )
    .await;
    app.sql("UPDATE service_window SET name = '综合 <受理>' WHERE window_id = 'A02'")
        .await;
    (app, session)
}

/// The part of a page that is its own.
fn main_part(page: &str) -> &str {
    let main = page.split("<main id=\"main\">").nth(1).unwrap();
    main.split("</main>").next().unwrap()
}

#[tokio::test]
async fn the_overview_of_a_month_shows_its_figures_and_what_lies_under_them() {
    let (app, session) = with_counts().await;
    let page = app.get_as("/office?range=month", &session).await;
    assert_eq!(page.status, StatusCode::OK);
    insta::assert_snapshot!(main_part(&page.text));
}

#[tokio::test]
async fn the_trends_of_a_week_show_charts_and_the_same_numbers_below() {
    let (app, session) = with_counts().await;
    let page = app
        .get_as("/office/trends?range=last_week&lang=en", &session)
        .await;
    insta::assert_snapshot!(main_part(&page.text));
}

#[tokio::test]
async fn windows_are_compared_and_those_with_few_ratings_stand_apart() {
    let (app, session) = with_counts().await;
    let path = "/office/compare?range=month&by=window&sort=satisfaction_rate";
    let page = app.get_as(path, &session).await;
    insta::assert_snapshot!(main_part(&page.text));
    let all = app.get_as(&format!("{path}&min_ratings=1"), &session).await;
    assert!(!all.text.contains("评价过少，不参与排名"), "{}", all.text);
}

#[rstest::rstest]
#[case("/office?range=last_year", "此范围内没有评价邀请")]
#[case("/office/trends?range=last_year", "此范围内没有评价")]
#[case("/office/compare?range=last_year", "此范围内没有评价")]
#[case("/office/items?range=last_year", "此范围内没有评价")]
#[case("/office/clerks?range=last_year", "此范围内没有评价")]
#[tokio::test]
async fn a_range_without_counts_says_so_and_shows_no_rate(#[case] path: &str, #[case] says: &str) {
    let (app, session) = with_counts().await;
    let page = app.get_as(path, &session).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains(says), "{}", page.text);
    assert!(!page.text.contains("100.00"), "{}", page.text);
}

#[rstest::rstest]
#[case::backwards("from=2026-03-09&to=2026-03-01", "起始日期晚于截止日期")]
#[case::no_date("from=soon", "日期应写作")]
#[case::no_name("range=fortnight", "日期应写作")]
#[case::endless("from=0001-01-01&to=2026-01-01", "日期应写作")]
#[tokio::test]
async fn a_range_that_cannot_be_is_refused_in_words(#[case] query: &str, #[case] says: &str) {
    let (app, session) = with_counts().await;
    for page in ["/office", "/office/trends", "/office/compare"] {
        let page = app.get_as(&format!("{page}?{query}"), &session).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(
            page.text.contains("时间范围无效") && page.text.contains(says),
            "{}",
            page.text
        );
    }
}

#[tokio::test]
async fn ten_years_of_hours_are_refused_and_the_page_says_what_to_do() {
    let (app, session) = with_counts().await;
    let path = "/office/trends?from=2016-01-01&to=2026-01-01&by=hour";
    let page = app.get_as(path, &session).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.text.contains("shorten the range"), "{}", page.text);
}

#[rstest::rstest]
#[case("/office?hall=H9")]
#[case("/office/trends?hall=H9")]
#[case("/office/items?hall=H9")]
#[tokio::test]
async fn a_hall_that_is_not_there_is_not_found(#[case] path: &str) {
    let (app, session) = with_counts().await;
    assert_eq!(
        app.get_as(path, &session).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn every_page_of_figures_sends_strangers_to_the_login() {
    let app = TestApp::new().await;
    app.user(PASSWORD, false).await;
    for path in [
        "/office/trends",
        "/office/compare",
        "/office/items",
        "/office/clerks",
    ] {
        let answer = app.get(path, &[]).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/login"),
            "{path}"
        );
    }
}

/// The numbers of a page's total row, in the order of its columns.
fn total_row(page: &str) -> Vec<String> {
    let row = page
        .split("<tfoot>")
        .last()
        .unwrap()
        .split("</tfoot>")
        .next()
        .unwrap();
    let cells = row.split("<td class=\"number").skip(1);
    let text = |cell: &str| {
        let cell = cell.split("</td>").next().unwrap();
        let cell = cell
            .rsplit('>')
            .find(|part| !part.trim().is_empty())
            .unwrap();
        cell.split('<').next().unwrap().to_owned()
    };
    cells.map(text).collect()
}

#[tokio::test]
async fn pages_and_api_print_the_same_numbers() {
    let (app, session) = with_counts().await;
    let api = app
        .get_as("/api/v1/scores?from=2026-03-01&to=2026-03-31", &session)
        .await
        .json();
    let figure = |name: &str| {
        api["total"]["figures"][name]["value"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let expected = [
        api["total"]["counts"]["rated"].to_string(),
        api["total"]["counts"]["bad"].to_string(),
        figure("mean"),
        format!("{}%", figure("satisfaction_rate")),
        format!("{}%", figure("bad_rate")),
        format!("{}%", figure("participation")),
    ];
    for path in [
        "/office/trends",
        "/office/compare",
        "/office/items",
        "/office/clerks",
    ] {
        let page = app.get_as(&format!("{path}?range=month"), &session).await;
        assert_eq!(total_row(&page.text), expected, "{path}");
    }
}

#[tokio::test]
async fn a_number_leads_to_what_it_is_made_of_and_the_address_says_it_all() {
    let (app, session) = with_counts().await;
    let page = app.get_as("/office?range=month", &session).await.text;
    let deeper = "/office?hall=H1&department=D1&range=month";
    assert!(page.contains(&deeper.replace('&', "&#38;")), "{page}");
    let below = app.get_as(deeper, &session).await.text;
    assert!(
        below.contains("<span class=\"muted\">部门</span> 行政审批服务局"),
        "{below}"
    );
    let window = "/office?hall=H1&department=D1&window=A01&range=month";
    assert!(below.contains(&window.replace('&', "&#38;")), "{below}");
    let clerks = app.get_as(window, &session).await.text;
    assert!(
        clerks.contains("李文静") && clerks.contains("A01 综合受理窗口"),
        "{clerks}"
    );
}

#[tokio::test]
async fn several_halls_are_shown_together_and_one_by_one() {
    let (app, session) = with_counts().await;
    app.hall("H2", "Asia/Shanghai").await;
    app.tally("H2", &[("2026-03-09T01:00:00Z", "A01", "", 4, 1, 5, 5)])
        .await;
    let all = app.get_as("/office", &session).await.text;
    assert!(all.contains("全部大厅") && all.contains("hall=H2"), "{all}");
    assert_eq!(total_row(&all).first().map(String::as_str), Some("8"));
    let compare = app
        .get_as("/office/compare?range=today", &session)
        .await
        .text;
    assert_eq!(total_row(&compare).first().map(String::as_str), Some("8"));
}

#[tokio::test]
async fn the_wall_shows_every_window_with_its_state_and_its_last_rating() {
    let (app, session) = with_counts().await;
    let page = app.get_as("/office/windows", &session).await;
    assert_eq!(page.status, StatusCode::OK);
    let part = app.get_as("/office/windows/now", &session).await.text;
    assert!(page.text.contains(&part), "{part}");
    insta::assert_snapshot!(part);
    let none = app.get_as("/office/windows?hall=H9", &session).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    app.sql("DELETE FROM hall").await;
    let empty = app.get_as("/office/windows", &session).await.text;
    assert!(empty.contains("尚未导入大厅"), "{empty}");
}

#[tokio::test]
async fn a_view_is_saved_opened_replaced_and_deleted() {
    let (app, session) = with_counts().await;
    let cookie = [("cookie", session.as_str())];
    let empty = app.get_as("/office/views", &session).await.text;
    assert!(empty.contains("还没有保存的视图"), "{empty}");

    let page = app
        .get_as("/office/compare?range=last_month&by=window", &session)
        .await
        .text;
    let form =
        "name=\"address\" value=\"/office/compare?hall=H1&#38;range=last_month&#38;by=window\"";
    assert!(page.contains(form), "{page}");
    let saved = "name=%E4%B8%8A%E6%9C%88&address=%2Foffice%2Fcompare%3Frange%3Dlast_month";
    assert_eq!(
        app.post("/office/views", saved, &cookie).await.location(),
        "/office/views"
    );
    let again = "name=%E4%B8%8A%E6%9C%88&address=%2Foffice%2Ftrends%3Frange%3Dlast_month";
    app.post("/office/views", again, &cookie).await;
    let list = app.get_as("/office/views", &session).await.text;
    assert!(
        list.contains("<a href=\"/office/trends?range=last_month\">上月</a>"),
        "{list}"
    );
    assert!(!list.contains("/office/compare?range=last_month"), "{list}");

    let gone = app.post("/office/views/forget", "id=1", &cookie).await;
    assert_eq!(gone.location(), "/office/views");
    let twice = app.post("/office/views/forget", "id=1", &cookie).await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn views_are_limited_in_number_and_kept_apart_by_user() {
    use crate::store::ViewStore;
    let (app, session) = with_counts().await;
    let cookie = [("cookie", session.as_str())];
    for number in 0..50 {
        let form = format!("name=v{number}&address=%2Foffice");
        assert_eq!(
            app.post("/office/views", &form, &cookie).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let one_more = app
        .post("/office/views", "name=more&address=%2Foffice", &cookie)
        .await;
    assert_eq!(one_more.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        one_more.text.contains("最多保存 50 个视图"),
        "{}",
        one_more.text
    );
    let evil = app
        .post(
            "/office/views",
            "name=x&address=https%3A%2F%2Fevil.example",
            &cookie,
        )
        .await;
    assert_eq!(evil.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(app.store.views("li".to_owned()).await.unwrap().is_empty());
    assert!(!app.store.forget_view("li".to_owned(), 1).await.unwrap());
}
