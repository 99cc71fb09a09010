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
    }
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
