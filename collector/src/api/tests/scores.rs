use axum::http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{Row, TestApp};
use crate::api::ScoreRequest;
use crate::store::IngestStore;
use crate::store::scores::Column;

/// One morning at two windows, and ratings just outside the day.
const ROWS: &[Row<'static>] = &[
    ("2026-03-08T15:45:00Z", "A01", "S1", 4, 1, 1, 100), // 23:45 the day before in Shanghai
    ("2026-03-08T16:00:00Z", "A01", "S1", 4, 1, 5, 7),   // 00:00
    ("2026-03-09T01:00:00Z", "A01", "S1", 4, 1, 5, 30),  // 09:00
    ("2026-03-09T01:45:00Z", "A01", "S1", 4, 1, 2, 1),
    ("2026-03-09T02:00:00Z", "A01", "S1", 4, 2, 0, 2), // 10:00
    ("2026-03-09T02:00:00Z", "A02", "", 3, 1, 4, 10),
    ("2026-03-09T02:00:00Z", "A02", "", 4, 3, 0, 8),
    ("2026-03-09T03:00:00Z", "A02", "", 4, 4, 0, 3),
    ("2026-03-09T15:45:00Z", "A02", "", 4, 5, 0, 1), // 23:45
    ("2026-03-09T16:00:00Z", "A02", "", 4, 1, 1, 100), // 00:00 the day after
];

async fn filled() -> (TestApp, String) {
    let app = TestApp::new().await;
    app.tally("H1", ROWS).await;
    let token = app.token().await;
    (app, token)
}

#[tokio::test]
async fn today_by_window_reads_as() {
    let (app, token) = filled().await;
    let answer = app.scores(&token, "group=window").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    insta::assert_json_snapshot!(answer.json(), { ".definitions" => "[as in the score command]" });
}

#[tokio::test]
async fn the_day_of_the_hall_is_counted_whatever_zone_is_asked_for_keys() {
    let (app, token) = filled().await;
    let body = app
        .scores(&token, "from=2026-03-09&to=2026-03-09")
        .await
        .json();
    assert_eq!(body["total"]["counts"]["rated"], 48);
    assert_eq!(body["total"]["counts"]["prompts"], 62);
    let body = app
        .scores(&token, "from=2026-03-09&to=2026-03-09&tz=UTC")
        .await
        .json();
    assert_eq!(
        body["total"]["counts"]["levels"],
        json!({"5": 30, "4": 10, "3": 0, "2": 1, "1": 100})
    );
    let body = app
        .scores(
            &token,
            "from=2026-03-09T09:00:00%2B08:00&to=2026-03-09T09:30:00%2B08:00",
        )
        .await
        .json();
    assert_eq!(body["total"]["counts"]["rated"], 30);
}

#[rstest::rstest]
#[case::hour("hour", &["2026-03-09T00:00:00+08:00", "2026-03-09T09:00:00+08:00", "2026-03-09T10:00:00+08:00", "2026-03-09T11:00:00+08:00", "2026-03-09T23:00:00+08:00"])]
#[case::day("day", &["2026-03-09"])]
#[tokio::test]
async fn hours_and_days_are_the_halls(#[case] group: &str, #[case] keys: &[&str]) {
    let (app, token) = filled().await;
    let body = app.scores(&token, &format!("group={group}")).await.json();
    let found: Vec<&str> = body["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["key"][group].as_str().unwrap())
        .collect();
    assert_eq!(found, keys);
}

#[tokio::test]
async fn the_hours_of_a_day_with_a_clock_change_follow_the_clock() {
    let app = TestApp::new().await;
    app.sql("UPDATE hall SET time_zone = 'America/New_York'")
        .await;
    let token = app.token().await;
    // 01:30, then 03:00: the hour in between does not exist that day.
    app.tally(
        "H1",
        &[
            ("2026-03-08T06:30:00Z", "A01", "", 4, 1, 5, 1),
            ("2026-03-08T07:00:00Z", "A01", "", 4, 1, 4, 1),
        ],
    )
    .await;
    let body = app
        .scores(&token, "from=2026-03-08&to=2026-03-08&group=hour")
        .await
        .json();
    let hours: Vec<&str> = body["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["key"]["hour"].as_str().unwrap())
        .collect();
    assert_eq!(
        hours,
        ["2026-03-08T01:00:00-05:00", "2026-03-08T03:00:00-04:00"]
    );
}

#[tokio::test]
async fn by_level_each_group_is_a_count_without_figures() {
    let (app, token) = filled().await;
    let body = app.scores(&token, "group=window,level").await.json();
    let find = |window: &str, level: Value| {
        let groups = body["groups"].as_array().unwrap();
        groups
            .iter()
            .find(|g| g["key"]["window"] == window && g["key"]["level"] == level)
            .unwrap()
            .clone()
    };
    let bad = find("A01", json!(2));
    assert_eq!(
        (&bad["counts"]["rated"], &bad["figures"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(
        bad["key"],
        json!({"window": "A01", "window_name": "A01 综合受理窗口", "level": 2, "level_name": "不满意"})
    );
    assert_eq!(find("A02", Value::Null)["counts"]["timed_out"], 8);
}

#[tokio::test]
async fn filters_narrow_the_total() {
    let (app, token) = filled().await;
    for (filter, rated) in [
        ("window=A02", 10),
        ("window=A01,A02", 48),
        ("window=A01,A02&channel=tablet", 38),
        ("staff=-", 10),
        ("channel=tablet,qr_code", 48),
        ("region=37", 48),
        ("staff=S1", 38),
        ("channel=qr_code", 10),
        ("department=D1", 48),
        ("item=none", 0),
    ] {
        let body = app.scores(&token, filter).await.json();
        assert_eq!(body["total"]["counts"]["rated"], rated, "{filter}");
    }
}

#[tokio::test]
async fn with_two_halls_a_window_needs_its_hall() {
    let (app, token) = filled().await;
    app.hall("H2", "Asia/Kathmandu").await;
    app.tally("H2", &[("2026-03-09T01:00:00Z", "A01", "", 4, 1, 3, 5)])
        .await;

    let refused = app.scores(&token, "group=window&tz=UTC").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(
        refused.text.contains("`hall` is missing"),
        "{}",
        refused.text
    );
    let refused = app.scores(&token, "").await;
    assert!(refused.text.contains("`tz` is missing"), "{}", refused.text);

    let body = app.scores(&token, "hall=H2&group=window").await.json();
    assert_eq!(
        (&body["time_zone"], &body["total"]["counts"]["rated"]),
        (&json!("Asia/Kathmandu"), &json!(5))
    );
    let body = app
        .scores(&token, "group=hall,window&tz=UTC&from=2026-03-09")
        .await
        .json();
    let keys: Vec<_> = body["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| (g["key"]["hall"].clone(), g["key"]["window"].clone()))
        .collect();
    assert_eq!(
        keys,
        [
            (json!("H1"), json!("A01")),
            (json!("H1"), json!("A02")),
            (json!("H2"), json!("A01"))
        ]
    );
}

#[tokio::test]
async fn a_region_is_the_sum_of_its_halls_and_a_link_asks_for_the_same_again() {
    let (app, token) = filled().await;
    app.hall("H2", "Asia/Shanghai").await;
    app.sql("UPDATE hall SET region_code = '371502' WHERE hall_id = 'H2'")
        .await;
    app.tally("H2", &[("2026-03-09T01:00:00Z", "A01", "", 4, 1, 3, 5)])
        .await;
    let body = app
        .scores(&token, "region=371500&group=region")
        .await
        .json();
    let groups: Vec<_> = body["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| (g["key"].clone(), g["counts"]["rated"].clone()))
        .collect();
    assert_eq!(
        groups,
        [
            (json!({"region": "371502"}), json!(5)),
            (json!({"region": "371581"}), json!(48))
        ]
    );
    let halls = app.store.halls().await.unwrap();
    let now = super::support::NOW.parse().unwrap();
    let asked = "group=window&region=371581&digits=1";
    let request = ScoreRequest::parse(asked, &halls, now).unwrap();
    let link = request.with(Column::Channel, &crate::store::scores::Value::Number(4));
    assert_eq!(
        link.to_string(),
        "region=371581&channel=tablet&group=window&digits=1"
    );
    let again = ScoreRequest::parse(&link.to_string(), &halls, now).unwrap();
    assert_eq!(again.query(), &link);
    assert_eq!(again.halls, request.halls);
}

#[rstest::rstest]
#[case(
    "group=windows",
    "`group` is `windows`, but must be up to 3 of: region, hall, window"
)]
#[case("group=hall,window,staff,item", "up to 3 are crossed")]
#[case("group=day,day", "names `day` twice")]
#[case("group=day,hour", "both `day` and `hour`")]
#[case("group=month,day", "both `month` and `day`")]
#[case("region=3a", "`region` is `3a`, but must be an administrative code")]
#[case("region=44", "no hall that is asked for lies there")]
#[case(
    "channel=tablet,fax",
    "`channel` is `fax`, but must be one of: web, mobile"
)]
#[case("window=A01,", "`window` is empty")]
#[case(
    "tz=Mars/Olympus",
    "`tz` is `Mars/Olympus`, but must be an IANA time zone"
)]
#[case("channel=fax", "`channel` is `fax`, but must be one of: web, mobile")]
#[case("rounding=up", "`rounding` is `up`, but must be half_up or truncate")]
#[case("digits=10", "`digits` is `10`, but must be 0 to 9")]
#[case("hall=H9", "`hall` is `H9`, but must be one of: H1")]
#[case("window=", "`window` is empty")]
#[case("from=today", "`from` is `today`, but must be a date")]
#[case("from=2026-03-09T09:01:00Z", "must fall on a quarter of an hour")]
#[case("form=2026-03-09", "unknown field `form`")]
#[case("group=hour&from=2020-01-01", "more than 5000 groups")]
#[tokio::test]
async fn a_wrong_parameter_is_named_with_what_is_allowed(
    #[case] query: &str,
    #[case] detail: &str,
) {
    let (app, token) = filled().await;
    let answer = app.scores(&token, query).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(
        answer.json()["detail"].as_str().unwrap().contains(detail),
        "{}",
        answer.text
    );
}

const ZONES: [&str; 6] = [
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "UTC",
];
const GROUPS: [&str; 12] = [
    "week,window",
    "month",
    "quarter,channel",
    "year,region",
    "hour",
    "day",
    "window,hour",
    "level",
    "staff,channel,day",
    "outcome,level",
    "hall,department,item",
    "day,level,window",
];

/// Slot from the start of the range, window, channel, outcome, level, count.
fn row() -> impl Strategy<Value = (i64, u8, i64, i64, i64, i64)> {
    (
        0..1_000_i64,
        1..3_u8,
        1..8_i64,
        1..6_i64,
        1..6_i64,
        1..1_000_i64,
    )
        .prop_map(|(slot, window, channel, outcome, level, n)| {
            (
                slot,
                window,
                channel,
                outcome,
                if outcome == 1 { level } else { 0 },
                n,
            )
        })
}

fn sum(groups: &Value, field: &str) -> u64 {
    groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["counts"][field].as_u64().unwrap())
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn groups_add_up_to_the_total_in_every_zone(
        rows in proptest::collection::vec(row(), 0..40),
        zone in prop::sample::select(&ZONES[..]),
        group in prop::sample::select(&GROUPS[..]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let body = runtime.block_on(async {
            let app = TestApp::new().await;
            // Around 2026-04-05, when Lord Howe and Chatham set their clocks back.
            let first = super::support::ms("2026-04-01T00:00:00Z") / 900_000;
            for (slot, window, channel, outcome, level, n) in &rows {
                let slot = first + slot;
                app.sql(format!(
                    "INSERT INTO tally VALUES ('H1', {slot}, 'A0{window}', 'D1', '', '', {channel}, {outcome}, {level}, {n})
                     ON CONFLICT DO UPDATE SET n = n + excluded.n"
                )).await;
            }
            let token = app.token().await;
            app.scores(&token, &format!("from=2026-03-30&to=2026-04-15&tz={zone}&group={group}")).await.json()
        });
        let counted: i64 = rows.iter().map(|row| row.5).sum();
        prop_assert_eq!(&body["total"]["counts"]["prompts"], &json!(counted));
        for field in ["prompts", "rated", "declined", "timed_out", "withdrawn", "fault", "bad"] {
            prop_assert_eq!(sum(&body["groups"], field), body["total"]["counts"][field].as_u64().unwrap(), "{}", field);
        }
    }
}
