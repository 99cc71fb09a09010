//! What can go wrong on a card: nothing is lost, nothing is hidden.

use manyi_shared::domain::{
    BootId, ClockReading, FaultReason, HallId, Level, Outcome, Seq, TerminalId, WindowId,
    Withdrawal,
};
use manyi_shared::journal::{Opening, Writer};
use manyi_shared::tablet::DataDir;
use manyi_shared::wire::{LossCause, RecordBody};
use manyi_terminal::flow::Target;
use manyi_terminal::scene::ScenePage;

use crate::terminal::{Terminal, enrolled, kinds, name, outcomes, ready, wait_ready};

#[test]
fn a_file_that_is_no_journal_is_set_aside_and_the_terminal_asks() {
    let folder = enrolled();
    let path = DataDir::new(folder.path()).journal();
    let bytes = b"somebody's holiday pictures".repeat(400);
    std::fs::write(&path, &bytes).unwrap();
    let terminal = ready(&folder);
    let records = terminal.records();
    terminal.stop();
    let aside = folder.path().join("journal.damaged-1.sqlite");
    assert_eq!(std::fs::read(aside).unwrap(), bytes);
    let told = records.iter().any(
        |body| matches!(body, RecordBody::Loss(loss) if loss.cause == LossCause::UnreadableJournal),
    );
    assert!(told, "{records:?}");
}

#[test]
fn another_programs_database_is_left_as_it_is() {
    let folder = enrolled();
    let path = DataDir::new(folder.path()).journal();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE holiday (picture BLOB)")
        .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut terminal = Terminal::start(folder.path());
    let scene = terminal.wait_page("out");
    let ScenePage::OutOfService(out) = &scene.page else {
        unreachable!()
    };
    assert!(out.detail.contains("journal.sqlite"), "{}", out.detail);
    assert_eq!(terminal.health()["reason"], "journal_unreadable");
    terminal.jump(5_000);
    terminal.stop();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn ratings_of_a_damaged_journal_are_put_back_while_the_terminal_asks() {
    let folder = enrolled();
    let data = DataDir::new(folder.path());
    let mut first = ready(&folder);
    first.prompt("{}");
    first.touch("ask", Target::Level(Level::Dissatisfied));
    first.wait_page("reasons");
    let before = first.records().len();
    first.stop();
    let mut bytes = std::fs::read(data.journal()).unwrap();
    // The number of the first page's cells: SQLite cannot read the tables any more.
    bytes[103..105].fill(0xff);
    std::fs::write(data.journal(), bytes).unwrap();
    let second = ready(&folder);
    assert!(folder.path().join("journal.damaged-1.sqlite").exists());
    assert!(second.records().len() > before);
    assert_eq!(outcomes(&second.records()).len(), 1);
    second.stop();
}

#[test]
fn a_journal_of_a_newer_version_is_left_as_it_is() {
    let folder = enrolled();
    ready(&folder).stop();
    let path = DataDir::new(folder.path()).journal();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE more (x)").unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(conn);
    let bytes = std::fs::read(&path).unwrap();
    let mut terminal = Terminal::start(folder.path());
    terminal.wait_page("out");
    assert_eq!(terminal.health()["reason"], "journal_newer_version");
    terminal.stop();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_second_terminal_waits_until_the_first_has_gone() {
    let folder = enrolled();
    let data = DataDir::new(folder.path());
    let opening = Opening {
        suite: manyi_shared::wire::Suite::Ed25519Sha256,
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        software: "the first".to_owned(),
    };
    let reading = ClockReading {
        wall_ms: 0,
        uptime_ms: 0,
        boot: BootId::from_bytes([0; 16]),
        synchronised: false,
    };
    let first = Writer::open(&data.journal(), &opening, reading).unwrap();
    let mut terminal = Terminal::start(folder.path());
    let scene = terminal.wait_page("out");
    let ScenePage::OutOfService(out) = &scene.page else {
        unreachable!()
    };
    assert!(
        out.detail.contains("in use by another running terminal"),
        "{}",
        out.detail
    );
    drop(first);
    terminal.jump(5_000);
    terminal.wait_page("idle");
    wait_ready(&terminal);
    terminal.stop();
}

/// A commit that fails, by a trigger in the real database.
fn break_journal(data: &DataDir) -> rusqlite::Connection {
    let conn = rusqlite::Connection::open(data.journal()).unwrap();
    let trigger = "CREATE TRIGGER broken BEFORE INSERT ON record
                   BEGIN SELECT RAISE(ABORT, 'the card is broken'); END";
    conn.execute_batch(trigger).unwrap();
    conn
}

#[test]
fn a_rating_that_cannot_be_kept_is_never_thanked_for_and_never_hidden() {
    let folder = enrolled();
    let mut terminal = ready(&folder);
    let id = terminal.prompt("{}");
    terminal.wait("the question", |scene| name(scene) == "ask" && scene.input);
    let card = break_journal(&terminal.data);
    terminal.touch_again(Target::Level(Level::VeryDissatisfied));
    let scene = terminal.wait_page("not kept");
    let ScenePage::OutOfService(out) = &scene.page else {
        unreachable!()
    };
    assert!(out.detail.contains("the card is broken"), "{}", out.detail);
    assert_eq!(out.contact, "大厅总服务台");
    assert_eq!(terminal.state(&id), "asking");
    assert_eq!(terminal.call("POST", "/v1/prompts", "{}").0, 503);
    // Still broken: out of service. Mended: the fault is sealed in a new stream.
    terminal.jump(8_000);
    terminal.wait_page("out");
    card.execute_batch("DROP TRIGGER broken").unwrap();
    drop(card);
    terminal.jump(5_000);
    terminal.wait_page("idle");
    wait_ready(&terminal);
    assert_eq!(terminal.state(&id), "ended");
    assert_eq!(
        kinds(&terminal.records()),
        [&Outcome::Fault(FaultReason::NotKept)]
    );
    let lost: Vec<_> = terminal
        .records()
        .into_iter()
        .filter_map(|body| match body {
            RecordBody::Loss(loss) => Some((loss.cause, loss.from.map(Seq::get), loss.records)),
            _ => None,
        })
        .collect();
    assert_eq!(lost, [(LossCause::NotKept, Some(2), Some(1))]);
    assert!(terminal.seen.iter().all(|scene| name(scene) != "thanks"));
    terminal.stop();
}

#[test]
fn a_prompt_that_was_open_at_a_power_cut_is_sealed_as_a_fault_by_the_next_start() {
    let folder = enrolled();
    let mut terminal = ready(&folder);
    let id = terminal.prompt(r#"{"staff":"LQ0101","case_number":"C-9"}"#);
    terminal.wait("the question", |scene| name(scene) == "ask" && scene.input);
    // What a cut right now would leave on the card.
    let cut = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), cut.path().join(entry.file_name())).unwrap();
        }
    }
    assert!(cut.path().join("open-prompt.json").exists());
    assert_eq!(terminal.stop(), 0);
    let next = ready(&cut);
    let records = next.records();
    let [fault] = outcomes(&records)[..] else {
        panic!("{records:?}")
    };
    assert_eq!(fault.outcome, Outcome::Fault(FaultReason::Interrupted));
    assert_eq!(fault.event.case_number.as_ref().unwrap().as_str(), "C-9");
    // Once, and never again; and the prompt's id belongs to the old start.
    assert_eq!(next.call("GET", &format!("/v1/prompts/{id}"), "").0, 404);
    next.stop();
    let third = ready(&cut);
    assert_eq!(outcomes(&third.records()).len(), 1);
    third.stop();
    // The first terminal ended in order; nothing is sealed twice there either.
    let again = ready(&folder);
    assert_eq!(
        kinds(&again.records()),
        [&Outcome::Withdrawn(Withdrawal::Shutdown)]
    );
    again.stop();
}
