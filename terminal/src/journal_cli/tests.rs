use manyi_shared::domain::{
    BootId, Call, ClockReading, HallId, ServiceEvent, StaffId, TagCode, TagSetId, TerminalId,
    WindowId,
};
use manyi_shared::journal::{Appended, Opening, Writer};
use manyi_shared::tablet::DataDir;
use manyi_shared::wire::Amendment;

use super::*;

fn reading(ms: u64) -> ClockReading {
    ClockReading {
        wall_ms: 1_790_000_000_000_i64.saturating_add_unsigned(ms),
        uptime_ms: ms,
        boot: BootId::from_bytes([7; 16]),
        synchronised: true,
    }
}

fn writer(data: &DataDir) -> Writer {
    let opening = Opening {
        suite: manyi_shared::wire::Suite::Ed25519Sha256,
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        software: "manyi-terminal test".to_owned(),
    };
    Writer::open(&data.journal(), &opening, reading(0)).unwrap()
}

fn rate(writer: &mut Writer) -> Appended {
    let outcome = OutcomeRecord {
        ordinal: 1,
        outcome: Outcome::Rated {
            level: Level::Dissatisfied,
            tags: Vec::new(),
        },
        tag_set: None,
        response_ms: Some(1200),
        event: ServiceEvent {
            staff: Some(StaffId::new("LQ0101").unwrap()),
            ..ServiceEvent::default()
        },
        call: Call::default(),
    };
    writer
        .append(RecordBody::Outcome(outcome), &reading(5_000))
        .unwrap()
}

fn lines(look: Look, data: &DataDir) -> (bool, Vec<Value>) {
    let mut out = Vec::new();
    let good = run(look, &data.journal(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    (
        good,
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

#[test]
fn every_kind_of_record_is_exported_while_the_terminal_writes() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::new(folder.path());
    let mut writer = writer(&data);
    let rated = rate(&mut writer);
    let amendment = Amendment {
        target: rated.seq,
        level: Level::Dissatisfied,
        tags: vec![TagCode::new(207).unwrap(), TagCode::new(214).unwrap()],
        tag_set: Some(TagSetId("v2".to_owned())),
    };
    writer
        .append(RecordBody::Amendment(amendment), &reading(9_000))
        .unwrap();
    let (good, mut exported) = lines(Look::Export, &data);
    assert!(good);
    for line in &mut exported {
        for random in ["stream", "hash", "bytes", "prompt"] {
            if let Some(value) = line.get_mut(random) {
                assert!(value.as_str().is_some_and(|text| !text.is_empty()));
                *value = json!(format!("[{random}]"));
            }
        }
    }
    insta::assert_json_snapshot!(exported);
}

#[test]
fn a_journal_is_listed_and_verified_without_its_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::new(folder.path());
    rate(&mut writer(&data));
    drop(writer(&data));
    let (good, listed) = lines(Look::List, &data);
    assert!(good);
    let counts: Vec<_> = listed.iter().map(|line| line["records"].as_u64()).collect();
    assert_eq!(counts, [Some(2), Some(1)]);
    let (good, verified) = lines(Look::Verify, &data);
    assert!(
        good && verified.iter().all(|line| line["verdict"] == "whole"),
        "{verified:?}"
    );
}

#[test]
fn a_changed_record_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::new(folder.path());
    rate(&mut writer(&data));
    let conn = rusqlite::Connection::open(data.journal()).unwrap();
    conn.execute("UPDATE record SET bytes = x'a10004' WHERE seq = 2", [])
        .unwrap();
    drop(conn);
    let (good, verified) = lines(Look::Verify, &data);
    assert!(!good);
    assert_eq!(
        (&verified[0]["verdict"], &verified[0]["seq"]),
        (&json!("broken"), &json!(2))
    );
}

#[test]
fn a_missing_journal_is_named_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::new(folder.path());
    let error = run(Look::List, &data.journal(), &mut Vec::new()).unwrap_err();
    assert!(
        error.to_string().contains("there is no journal at"),
        "{error}"
    );
    assert!(!data.journal().exists());
}
