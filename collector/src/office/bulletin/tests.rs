//! Bulletins and the page for everybody, through the real router.

use std::io::Cursor;

use axum::http::StatusCode;
use axum::http::header::COOKIE;
use calamine::{Reader, Xlsx};

use crate::api::tests::support::{TestApp, ms};

const PASSWORD: &str = "a-long-password";

/// February at one hall: 60 ratings of one item (one bad), 3 of another, 7 of a third.
async fn february() -> (TestApp, String) {
    let app = TestApp::new().await;
    let slot = ms("2026-02-10T02:00:00Z") / 900_000;
    let mut sql = String::from(
        "INSERT INTO item (hall_id, item_code, name, department_id) VALUES ('H1', 'I1', '身份证办理', 'D1');
         INSERT INTO item (hall_id, item_code, name, department_id) VALUES ('H1', 'I2', '居住证办理', 'D1');
         INSERT INTO item (hall_id, item_code, name, department_id) VALUES ('H1', 'I3', '户口迁移', 'D1');
         INSERT INTO item (hall_id, item_code, name, department_id) VALUES ('H1', 'I4', '出生登记', 'D1');",
    );
    for (item, outcome, level, n) in [
        ("I1", 1, 5, 59),
        ("I1", 1, 1, 1),
        ("I2", 1, 4, 3),
        ("I3", 1, 5, 7),
        ("I1", 3, 0, 30),
    ] {
        sql += &format!(
            "INSERT INTO tally VALUES ('H1', {slot}, 'A01', 'D1', 'S1', '{item}', 4, {outcome}, {level}, {n});"
        );
    }
    app.sql(sql).await;
    app.user(PASSWORD, false).await;
    let session = app.log_in(PASSWORD).await;
    (app, session)
}

async fn publish(app: &TestApp, session: &str, form: &str) -> (StatusCode, String) {
    let answer = app
        .post(
            "/office/bulletin/publish",
            form,
            &[(COOKIE.as_str(), session)],
        )
        .await;
    (answer.status, answer.location().to_owned())
}

/// The page's text without tags, so that a number and its name stand beside each other.
fn words(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_bulletin_is_a_draft_until_it_is_published_and_never_changes_then() {
    let (app, session) = february().await;
    let draft = words(&app.get_as("/office/bulletin", &session).await.text);
    // Of the month before by itself; 69 of 70 ratings are not bad.
    assert!(draft.contains("2026-02 · 草稿"), "{draft}");
    assert!(
        draft.contains("满意率 98.57% % 69 70 satisfaction_rate v1"),
        "{draft}"
    );
    assert!(draft.contains("评价覆盖事项率 75.00% % 3 4"), "{draft}");
    assert!(
        draft.contains("差评按期整改率 — % — — rectification_on_time v1 尚未统计"),
        "{draft}"
    );
    assert!(draft.contains("实际评价率 70.00% % 70 100"), "{draft}");

    let (status, location) = publish(&app, &session, "month=2026-02&hall=H1").await;
    assert_eq!(
        (status, location.as_str()),
        (
            StatusCode::SEE_OTHER,
            "/office/bulletin?month=2026-02&hall=H1&version=1"
        )
    );
    // A tablet that comes home late changes the counts, not what was published.
    app.sql("UPDATE tally SET n = n + 100 WHERE item_code = 'I3'")
        .await;
    let published = words(&app.get_as(&location, &session).await.text);
    assert!(published.contains("· 版本 1"), "{published}");
    assert!(published.contains("满意率 98.57% % 69 70"), "{published}");
    let current = words(
        &app.get_as("/office/bulletin?month=2026-02&version=draft", &session)
            .await
            .text,
    );
    assert!(current.contains("满意率 99.41% % 169 170"), "{current}");

    let (status, _) = publish(&app, &session, "month=2026-02&hall=H1").await;
    assert_eq!(
        status,
        StatusCode::BAD_REQUEST,
        "a correction needs a reason"
    );
    let (_, location) = publish(
        &app,
        &session,
        "month=2026-02&hall=H1&why=%E8%A1%A5%E4%BC%A0",
    )
    .await;
    assert_eq!(location, "/office/bulletin?month=2026-02&hall=H1&version=2");
    let second = words(&app.get_as("/office/bulletin", &session).await.text);
    assert!(
        second.contains("· 版本 2") && second.contains("更正原因 补传"),
        "{second}"
    );
    assert!(second.contains("169 170"), "{second}");
    let first = words(
        &app.get_as("/office/bulletin?month=2026-02&version=1", &session)
            .await
            .text,
    );
    assert!(first.contains("满意率 98.57% % 69 70"), "{first}");
}

#[tokio::test]
async fn the_reasons_of_bad_ratings_are_listed_by_how_often_they_were_chosen() {
    let (app, session) = february().await;
    app.sql("UPDATE hall SET hall_id = 'H0'").await;
    app.ended(&[
        (0, 4, 0, 1, 4, 12),
        (0, 5, 0, 1, 4, 11),
        (0, 6, 0, 1, 4, 15),
    ])
    .await;
    // The third is of the top level, the first of February is in and the last of January is not.
    app.sql(
        "UPDATE record SET at_ms = at_ms - 2419200000, received_ms = received_ms - 2419200000;
         UPDATE record SET tags = '207,214' WHERE seq = 0;
         UPDATE record SET tags = '207' WHERE seq = 1;
         UPDATE record SET tags = '510' WHERE seq = 2",
    )
    .await;
    let page = words(&app.get_as("/office/bulletin", &session).await.text);
    assert!(
        page.contains("代码 评价内容 次数 207 没有提供材料样本 2 214 服务态度生硬 1"),
        "{page}"
    );
    app.sql("UPDATE record SET at_ms = at_ms - 172800000 WHERE seq = 0")
        .await;
    let page = words(&app.get_as("/office/bulletin", &session).await.text);
    assert!(
        page.contains("次数 207 没有提供材料样本 1 不满意"),
        "{page}"
    );
}

#[tokio::test]
async fn the_files_of_a_bulletin_hold_what_its_page_shows() {
    let (app, session) = february().await;
    let (_, _) = publish(&app, &session, "month=2026-02&hall=H1").await;
    let csv = app
        .get_as("/office/bulletin.csv?month=2026-02", &session)
        .await;
    assert_eq!(
        csv.headers["content-disposition"],
        "attachment; filename=\"bulletin_H1_2026-02_v1.csv\""
    );
    assert!(
        csv.text
            .contains("group,满意率,Satisfaction rate,98.57,%,69,70,satisfaction_rate v1,"),
        "{}",
        csv.text
    );
    assert!(
        csv.text.contains("note,published,by,office,office"),
        "{}",
        csv.text
    );
    let cookie = [("cookie", session)];
    let (status, _, bytes) = app
        .bytes("/office/bulletin.xlsx?month=2026-02", &cookie)
        .await;
    assert_eq!(status, StatusCode::OK);
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    let names = book.sheet_names();
    assert_eq!(names.first().map(String::as_str), Some("主要指标"));
    assert_eq!(names.last().map(String::as_str), Some("说明"));
    let sheet = book.worksheet_range("主要指标").expect("a sheet");
    let row = sheet.rows().find(|row| row[0] == "满意率").expect("a row");
    assert_eq!(
        (row[2].to_string(), row[3].to_string()),
        ("0.9857".to_owned(), "%".to_owned())
    );
}

#[tokio::test]
async fn a_month_that_is_not_over_and_one_that_is_none_cannot_be_published() {
    let (app, session) = february().await;
    for form in [
        "month=2026-03&hall=H1",
        "month=2026-13&hall=H1",
        "month=2027-01&hall=H1",
        "month=",
    ] {
        let (status, _) = publish(&app, &session, form).await;
        let expected = if form == "month=" {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::BAD_REQUEST
        };
        assert_eq!(status, expected, "{form}");
    }
    let (status, _) = publish(&app, &session, "month=2026-02&hall=H9").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let page = app.get_as("/office/bulletin?month=2026-03", &session).await;
    assert!(page.text.contains("本月尚未结束"), "{}", page.text);
    assert!(
        !page.text.contains("action=\"/office/bulletin/publish\""),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn everybody_may_read_what_was_published_and_no_small_group() {
    let (app, session) = february().await;
    let nothing = app.get("/public", &[]).await;
    assert_eq!(nothing.status, StatusCode::OK);
    assert!(nothing.text.contains("尚未发布数据"), "{}", nothing.text);
    publish(&app, &session, "month=2026-02&hall=H1").await;

    let page = app.get("/public", &[]).await;
    assert!(!page.headers.contains_key("set-cookie"));
    assert_eq!(page.headers["cache-control"], "public, max-age=300");
    let text = words(&page.text);
    assert!(
        text.contains("大厅 H1 70 66 3 0 0 1 1 0 9.77 98.57% 1.43%"),
        "{text}"
    );
    assert!(text.contains("身份证办理 60 59"), "{text}");
    // Three people rated 居住证办理; without 户口迁移 the total would tell how.
    for item in ["居住证办理", "户口迁移"] {
        assert!(
            text.contains(&format!("{item} — — — — — — — — — — — 人数不足，隐去")),
            "{text}"
        );
    }
    assert!(text.contains("/public/v1/roots?hall=H1"), "{text}");

    let tag = page.headers["etag"].to_str().expect("text");
    let again = app.get("/public", &[("if-none-match", tag)]).await;
    assert_eq!(
        (again.status, again.text.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    let english = app.get("/public?lang=en", &[("if-none-match", tag)]).await;
    assert_eq!(english.status, StatusCode::OK);
    assert!(
        english.text.contains("Published service ratings")
            && !english.headers.contains_key("set-cookie")
    );

    let json = app.get("/public/v1/figures.json", &[]).await.json();
    let rows = json["publication"]["tables"][1]["rows"]
        .as_array()
        .expect("rows")
        .clone();
    let item = |name: &str| {
        rows.iter()
            .find(|row| row["name"] == name)
            .expect(name)
            .clone()
    };
    assert_eq!(item("身份证办理")["rated"], 60);
    assert_eq!(
        (&item("居住证办理")["rated"], &item("居住证办理")["remarks"]),
        (&serde_json::Value::Null, &"withheld".into())
    );
    let csv = app
        .get("/public/v1/figures.csv?month=2026-02", &[])
        .await
        .text;
    assert!(
        csv.contains("group,身份证办理,60,59,0,0,0,1,1,0,9.83,98.33,1.67,"),
        "{csv}"
    );
    assert!(csv.contains("note,definition,bad_rate v1,"), "{csv}");
    let gone = app.get("/public/v1/figures.json?month=2026-01", &[]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stranger_sees_no_bulletin_and_publishes_nothing() {
    let (app, _) = february().await;
    assert_eq!(app.get("/office/bulletin", &[]).await.location(), "/login");
    let posted = app
        .post("/office/bulletin/publish", "month=2026-02", &[])
        .await;
    assert_eq!(posted.location(), "/login");
    let csv = app.get("/office/bulletin.csv", &[]).await;
    assert_eq!(csv.status, StatusCode::UNAUTHORIZED);
    assert!(app.get("/public", &[]).await.text.contains("尚未发布数据"));
}

#[tokio::test]
async fn every_definition_is_one_click_from_the_bulletin() {
    let (app, session) = february().await;
    let page = app.get_as("/office/bulletin", &session).await.text;
    assert!(page.contains("href=\"/office/indicators\""), "{page}");
    let told = words(&app.get_as("/office/indicators", &session).await.text);
    assert!(
        told.contains("差评率 版本 1 · 生效日期 2026-01-01 · 现行"),
        "{told}"
    );
    assert!(
        told.contains("（不满意 + 非常不满意）÷ 评价数 × 100%"),
        "{told}"
    );
    assert!(told.contains("不为零时，不显示为零"), "{told}");
}
