//! The same answer as JSON, CSV and XLSX.

use std::collections::BTreeMap;
use std::io::Cursor;

use axum::http::StatusCode;
use calamine::{Data, Reader, Xlsx};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::support::{TestApp, bearer};

/// A table as read back: title to printed cell, for each line.
type Lines = Vec<BTreeMap<String, String>>;

async fn fetch(app: &TestApp, token: &str, path: &str) -> Vec<u8> {
    let (status, _, bytes) = app.bytes(path, &[bearer(token)]).await;
    assert_eq!(
        status,
        StatusCode::OK,
        "{path} {}",
        String::from_utf8_lossy(&bytes)
    );
    bytes
}

/// The groups and the total of a CSV file.
fn csv_lines(bytes: &[u8]) -> Lines {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).expect("a BOM");
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers().expect("a header").clone();
    let lines = reader.records().map(|record| {
        let record = record.expect("as many fields as the header");
        let pairs = header
            .iter()
            .map(str::to_owned)
            .zip(record.iter().map(str::to_owned));
        pairs
            .filter(|(title, _)| !title.is_empty())
            .collect::<BTreeMap<_, _>>()
    });
    lines.filter(|line| line["row"] != "note").collect()
}

/// The same lines of the workbook's first sheet, with the titles of the CSV file. A number is
/// printed with as many digits as the CSV cell beside it has, which is what its format shows.
fn xlsx_lines(bytes: &[u8], titles: &[String], beside: &Lines) -> Lines {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    let sheet = book
        .worksheet_range_at(0)
        .expect("a sheet")
        .expect("readable");
    let rows = sheet.rows().skip(1).zip(beside);
    let line = |(row, beside): (&[Data], &BTreeMap<String, String>)| {
        let mut line: BTreeMap<String, String> = BTreeMap::new();
        for (index, title) in titles.iter().enumerate() {
            let printed = match row.get(index).unwrap_or(&Data::Empty) {
                Data::Empty => String::new(),
                Data::String(text) => text.clone(),
                Data::Float(number) => {
                    let digits = beside[title].split_once('.').map_or(0, |(_, f)| f.len());
                    let percent = title.ends_with("_rate")
                        || title.starts_with("level_share")
                        || title == "participation";
                    let shown = if percent { number * 100.0 } else { *number };
                    format!("{shown:.digits$}")
                }
                other => panic!("{title}: {other:?}"),
            };
            line.insert(title.clone(), printed);
        }
        line.insert("row".to_owned(), beside["row"].clone());
        line
    };
    let lines: Lines = rows.map(line).collect();
    assert_eq!(lines.len(), beside.len());
    lines
}

/// The JSON answer with the titles of the table.
fn json_lines(body: &Value) -> Lines {
    let groups = body["groups"].as_array().expect("groups");
    let mut lines: Lines = groups
        .iter()
        .map(|group| json_line("group", group))
        .collect();
    lines.push(json_line("total", &body["total"]));
    lines
}

fn json_line(kind: &str, group: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut line = BTreeMap::from([("row".to_owned(), kind.to_owned())]);
    for (name, value) in group["key"].as_object().into_iter().flatten() {
        line.insert(name.clone(), text(value));
    }
    for (name, value) in group["counts"].as_object().expect("counts") {
        if let Some(levels) = value.as_object() {
            for (level, n) in levels {
                line.insert(format!("level_{level}"), text(n));
            }
        } else {
            line.insert(name.clone(), text(value));
        }
    }
    for name in ["mean", "satisfaction_rate", "bad_rate", "participation"] {
        line.insert(name.to_owned(), text(&group["figures"][name]["value"]));
    }
    for level in ["5", "4", "3", "2", "1"] {
        let share = &group["figures"]["level_shares"][level]["value"];
        line.insert(format!("level_share_{level}"), text(share));
    }
    line
}

/// Zones with a whole offset, quarter-hour offsets, and clocks that are set forward and back.
const ZONES: [&str; 5] = [
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "America/New_York",
    "Australia/Lord_Howe",
    "UTC",
];

/// One prompt that ended: hall, quarter-hours after the start, window, clerk, channel, outcome, level.
type Prompt = (usize, i64, usize, usize, i64, i64);

fn prompts() -> impl Strategy<Value = Vec<Prompt>> {
    let level = prop_oneof![8 => Just(5_i64), 2 => 1..=4_i64];
    let outcome = prop_oneof![6 => level.prop_map(|level| 10 + level), 2 => 2..=5_i64];
    // Two weeks around both clock changes of New York in 2026.
    let slot = prop_oneof![0..1344_i64, 22_800..24_144_i64];
    let prompt = (
        0..ZONES.len(),
        slot,
        0..2_usize,
        0..2_usize,
        3..=4_i64,
        outcome,
    );
    proptest::collection::vec(prompt, 1..60)
}

#[derive(Debug, Clone)]
struct Question {
    query: String,
}

fn question() -> impl Strategy<Value = Question> {
    let groups = prop::sample::select(vec![
        "",
        "window",
        "staff",
        "item",
        "channel",
        "outcome",
        "level",
        "day",
        "window,level",
        "day,window",
        "channel,staff",
        "hall",
        "department,channel",
        "hour",
    ]);
    let filter = prop::sample::select(vec![
        "",
        "&window=A01",
        "&staff=S1",
        "&channel=qr_code",
        "&department=D1",
    ]);
    let rounding = prop::sample::select(vec![
        "",
        "&rounding=truncate&digits=0",
        "&digits=4",
        "&digits=9",
    ]);
    let hall = proptest::option::of(0..ZONES.len());
    let from = prop_oneof![0..13_i64, 237..249_i64];
    (
        groups,
        filter,
        rounding,
        hall,
        from,
        0..14_i64,
        prop::sample::select(&ZONES[..]),
    )
        .prop_map(|(group, filter, rounding, hall, from, days, zone)| {
            let start = jiff::civil::date(2026, 3, 1);
            let day = |n: i64| start.checked_add(jiff::Span::new().days(n)).expect("a day");
            let (from, to) = (day(from), day(from + days));
            let local = group.contains("window")
                || group.contains("staff")
                || group.contains("item")
                || group.contains("department")
                || !filter.is_empty();
            let hall = match hall {
                Some(n) => format!("&hall=H{n}"),
                // Ids are told apart inside one hall only.
                None if local => "&hall=H2".to_owned(),
                None => format!("&tz={zone}"),
            };
            let group = if group.is_empty() {
                String::new()
            } else {
                format!("&group={group}")
            };
            Question {
                query: format!("from={from}&to={to}{group}{filter}{rounding}{hall}"),
            }
        })
}

#[test]
fn json_csv_xlsx_and_the_sum_of_the_records_are_one_number() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(24));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let cases = (prompts(), proptest::collection::vec(question(), 6));
    runner
        .run(&cases, |(prompts, questions)| {
            runtime.block_on(agree(&prompts, &questions));
            Ok(())
        })
        .unwrap();
}

async fn agree(prompts: &[Prompt], questions: &[Question]) {
    let app = TestApp::new().await;
    app.sql(
        "DELETE FROM hall; DELETE FROM department; DELETE FROM staff; DELETE FROM service_window;",
    )
    .await;
    for (n, zone) in ZONES.iter().enumerate() {
        app.hall(&format!("H{n}"), zone).await;
    }
    app.ended(prompts).await;
    let token = app.token().await;
    for Question { query } in questions {
        let json = app.scores(&token, query).await;
        assert_eq!(json.status, StatusCode::OK, "{query} {}", json.text);
        let expected = json_lines(&json.json());
        let csv = fetch(&app, &token, &format!("/api/v1/scores.csv?{query}")).await;
        let lines = csv_lines(&csv);
        let workbook = fetch(&app, &token, &format!("/api/v1/scores.xlsx?{query}")).await;
        let sheet = xlsx_lines(&workbook, &header(&csv), &lines);
        assert_eq!(strip(&lines), strip(&expected), "CSV of {query}");
        assert_eq!(strip(&sheet), strip(&expected), "XLSX of {query}");
        if query.contains("&hall=") {
            let records = recounted(&app, &token, query).await;
            let total = expected.last().expect("a total");
            for (name, n) in records {
                assert_eq!(total[name], n.to_string(), "records of {query}: {name}");
            }
        }
    }
}

/// The counts of a query by adding up the list of records.
async fn recounted(app: &TestApp, token: &str, query: &str) -> BTreeMap<&'static str, u64> {
    let pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let range = pairs
        .iter()
        .filter(|(name, _)| ["hall", "from", "to"].contains(name));
    let range: Vec<String> = range
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let path = format!("/api/v1/records.csv?{}", range.join("&"));
    let bytes = fetch(app, token, &path).await;
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).expect("a BOM");
    let mut reader = csv::Reader::from_reader(text);
    let titles = reader.headers().expect("a header").clone();
    let lines = reader.records().map(|line| {
        let line = line.expect("as many fields as the header");
        titles
            .iter()
            .map(str::to_owned)
            .zip(line.iter().map(str::to_owned))
            .collect::<BTreeMap<_, _>>()
    });
    let mut lines: Vec<_> = lines.collect();
    let end = lines.pop().expect("a last line");
    assert_eq!(
        (end["row"].as_str(), end["hall"].clone()),
        ("end", lines.len().to_string())
    );
    let filters = pairs
        .iter()
        .filter(|(name, _)| ["window", "staff", "channel", "department"].contains(name));
    let filters: Vec<&(&str, &str)> = filters.collect();
    lines.retain(|line| filters.iter().all(|(name, value)| line[*name] == *value));
    let count = |wanted: &dyn Fn(&BTreeMap<String, String>) -> bool| {
        let found = lines.iter().filter(|line| wanted(line));
        found
            .map(|line| line["count"].parse::<u64>().expect("a count"))
            .sum::<u64>()
    };
    BTreeMap::from([
        ("prompts", count(&|_| true)),
        ("rated", count(&|line| line["outcome"] == "rated")),
        ("declined", count(&|line| line["outcome"] == "declined")),
        ("fault", count(&|line| line["outcome"] == "fault")),
        ("level_5", count(&|line| line["level"] == "5")),
        (
            "bad",
            count(&|line| ["1", "2"].contains(&line["level"].as_str())),
        ),
    ])
}

#[tokio::test]
async fn the_list_of_records_names_time_place_and_digest_and_no_citizen() {
    let app = TestApp::new().await;
    app.sql("UPDATE hall SET hall_id = 'H0'").await;
    app.ended(&[(0, 4, 0, 1, 4, 12)]).await;
    app.sql("UPDATE record SET case_number = 'SECRET-1', tags = '207,208'")
        .await;
    let token = app.token().await;
    let csv = fetch(
        &app,
        &token,
        "/api/v1/records.csv?from=2026-03-01&to=2026-03-01",
    )
    .await;
    let text = String::from_utf8(csv).expect("UTF-8");
    assert!(!text.contains("SECRET"), "{text}");
    insta::assert_snapshot!(text.trim_start_matches('\u{feff}').replace("\r\n", "\n"));

    for (query, words) in [
        (
            "window=A01",
            "`window` is no parameter; there are: hall, from, to, tz",
        ),
        ("from=2026-03-02&to=2026-03-01", "must be before"),
    ] {
        let path = format!("/api/v1/records.csv?{query}");
        let answer = app
            .get(&path, &[("authorization", "Bearer manyi_test")])
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    app.hall("H2", "UTC").await;
    let path = "/api/v1/records.csv?from=2026-03-01&tz=UTC";
    let answer = app
        .get(path, &[("authorization", "Bearer manyi_test")])
        .await;
    assert!(answer.text.contains("`hall` is missing"), "{}", answer.text);
    assert_eq!(app.get(path, &[]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_long_list_is_read_in_parts_and_whole() {
    let app = TestApp::new().await;
    app.sql("UPDATE hall SET hall_id = 'H0'").await;
    // More than two reads.
    let prompts: Vec<Prompt> = (0..4_100).map(|n| (0, n % 90, 0, 0, 4, 15)).collect();
    app.ended(&prompts).await;
    let token = app.token().await;
    let csv = fetch(
        &app,
        &token,
        "/api/v1/records.csv?from=2026-03-01&to=2026-03-02",
    )
    .await;
    let text = String::from_utf8(csv).expect("UTF-8");
    let records = text
        .lines()
        .filter(|line| line.starts_with("record,"))
        .count();
    assert_eq!(records, 4_100);
    assert!(
        text.trim_end().contains("\r\nend,4100,"),
        "{}",
        &text[text.len() - 200..]
    );
}

#[tokio::test]
async fn every_version_of_every_definition_can_be_read() {
    let app = TestApp::new().await;
    let token = app.token().await;
    let headers = [("authorization", "Bearer manyi_test")];
    let body = app.get("/api/v1/indicators", &headers).await.json();
    let ids: Vec<&str> = body["indicators"]
        .as_array()
        .expect("indicators")
        .iter()
        .map(|one| one["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids.len(), 9, "{ids:?}");
    let bad = &body["indicators"][ids.iter().position(|id| *id == "bad_rate").expect("it")];
    assert_eq!(bad["expression"], "100 * (level_2 + level_1) / (rated)");
    assert_eq!(
        (&bad["version"], &bad["since"]),
        (&1.into(), &"2026-01-01".into())
    );
    assert_eq!(
        app.get("/api/v1/indicators", &[]).await.status,
        StatusCode::UNAUTHORIZED
    );
    drop(token);
}

fn header(csv: &[u8]) -> Vec<String> {
    let text = csv.strip_prefix("\u{feff}".as_bytes()).expect("a BOM");
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers().expect("a header");
    header
        .iter()
        .skip(1)
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Without empty cells, which JSON writes as `null`, and without remarks, which it writes otherwise.
fn strip(lines: &Lines) -> Lines {
    let full = |line: &BTreeMap<String, String>| {
        let kept = line
            .iter()
            .filter(|(title, cell)| !cell.is_empty() && *title != "remarks");
        kept.map(|(title, cell)| (title.clone(), cell.clone()))
            .collect()
    };
    lines.iter().map(full).collect()
}
