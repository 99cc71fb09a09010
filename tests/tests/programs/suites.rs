//! Two cryptographic suites in one hall: the office changes its choice, and every tablet goes on in
//! the suite that it was enrolled in.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use manyi_e2e::citizens::plan::{Answer, Citizen};
use manyi_e2e::programs::{Program, run};
use manyi_e2e::wait::{pause, wait_until};
use manyi_shared::domain::{
    Call, Clock as _, ClockReading, Level, Outcome, ServiceEvent, StreamId, TerminalId,
};
use manyi_shared::journal::{Backlog, Opening, Reader, Writer};
use manyi_shared::tablet::{DataDir, Identity, SystemClock, ask_to_note, wake};
use manyi_shared::wire::{ChainHash, OutcomeRecord, RecordBody, Suite};
use rusqlite::Connection;

use crate::office::hall;
use crate::rig::{COUNTED, Rig, bare};

/// A tablet without a screen: its data folder, and its daemon when that runs.
struct Other {
    data: DataDir,
    daemon: Option<Program>,
}

impl Other {
    fn command(data: &Path) -> Command {
        let mut command = bare("manyi-sync").unwrap();
        command.arg("--data-dir").arg(data);
        command
    }

    /// Enrols it with a code as a hurried person types it, and starts its daemon.
    fn enrolled(rig: &Rig, name: &str, code: &str) -> Self {
        let folder: PathBuf = rig.folder.path().join(name);
        let typed = code.replace('-', "").to_lowercase();
        let office = rig.office();
        run(Self::command(&folder).args(["enrol", "--collector", &office, "--code", &typed]))
            .unwrap();
        let mut other = Self {
            data: DataDir::new(folder),
            daemon: None,
        };
        other.start(rig);
        other
    }

    fn start(&mut self, rig: &Rig) {
        let mut command = Self::command(self.data.path());
        let daemon = Program::start("sync-other", command.arg("run"), rig.folder.path());
        self.daemon = Some(daemon.unwrap());
    }

    /// Seals ratings as a terminal does, in a stream of their own.
    fn rate(&self, ratings: u32) {
        let identity = Identity::read(&self.data.identity()).unwrap();
        let opening = Opening {
            suite: identity.collector.suite(),
            terminal: identity.terminal,
            hall: identity.hall,
            window: identity.window,
            software: "manyi-e2e".to_owned(),
        };
        let now = ClockReading {
            synchronised: true,
            ..SystemClock::new().read()
        };
        let mut writer = Writer::open(&self.data.journal(), &opening, now).unwrap();
        for ordinal in 1..=ratings {
            let outcome = OutcomeRecord {
                ordinal,
                outcome: Outcome::Rated {
                    level: Level::VerySatisfied,
                    tags: Vec::new(),
                },
                tag_set: None,
                response_ms: Some(900),
                event: ServiceEvent::default(),
                call: Call::default(),
            };
            writer.append(RecordBody::Outcome(outcome), &now).unwrap();
        }
        drop(writer);
        wake(&self.data.wake_socket()).unwrap_or_default();
    }
}

fn is_drained(data: &DataDir) -> bool {
    drop(ask_to_note(&data.wake_socket()));
    let backlog = Backlog::open(&data.journal());
    backlog.is_ok_and(|backlog| backlog.unacknowledged().is_ok_and(|left| left == 0))
}

fn key_length(data: &DataDir) -> usize {
    std::fs::read(data.key()).unwrap().len()
}

/// One tap on the real screen.
fn tap(rig: &Rig, level: Level) {
    let tablet = rig.tablet().unwrap();
    let citizen = Citizen {
        item: None,
        staff: None,
        case_number: "LQ-GM".to_owned(),
        answer: Answer::LeaveIt,
        look_ms: 0,
    };
    let prompt = tablet.post(&citizen).unwrap();
    tablet.wait_for_state(prompt, "asking", COUNTED).unwrap();
    pause(Duration::from_millis(
        u64::from(tablet.profile().guard_ms) + 500,
    ));
    tablet.tap(tablet.layout().level(level)).unwrap();
    tablet.wait_for_state(prompt, "ended", COUNTED).unwrap();
}

/// A row of the office's streams: terminal, stream, suite, chain.
type Row = ([u8; 16], [u8; 16], u8, [u8; 32]);

/// Every stream that the office holds: its suite, and whether its chain is what that suite's hash
/// makes of the stored records.
fn streams(office: &Connection) -> Vec<(Suite, bool)> {
    let mut streams = office
        .prepare("SELECT terminal_id, stream_id, suite, hash FROM stream ORDER BY received_ms")
        .unwrap();
    let rows = streams.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    });
    let rows: Vec<Row> = rows.unwrap().collect::<Result<_, _>>().unwrap();
    let chain = |(terminal, stream, suite, hash): Row| {
        let suite = Suite::from_number(suite).unwrap();
        let mut records = office
            .prepare("SELECT bytes FROM record WHERE stream_id = ? ORDER BY seq")
            .unwrap();
        let records = records.query_map([stream], |row| row.get::<_, Vec<u8>>(0));
        let genesis = suite.genesis(
            TerminalId::from_bytes(terminal),
            StreamId::from_bytes(stream),
        );
        let end = records
            .unwrap()
            .fold(genesis, |chain, bytes| chain.extend(&bytes.unwrap()));
        (suite, end == ChainHash::from_bytes(hash))
    };
    rows.into_iter().map(chain).collect()
}

#[test]
fn tablets_of_both_suites_are_drained_and_counted_while_the_office_changes_its_choice() {
    let hall = hall("ask_reasons = false\nguard_ms = 50\nheartbeat_seconds = 5\n");
    let mut rig = Rig::with_hall(hall.path()).unwrap();
    let code = rig.code("A02").unwrap();
    assert!(!code.starts_with("G-"), "{code}");
    let mut first = Other::enrolled(&rig, "first", &code);
    first.rate(3);
    assert_eq!(rig.score_of(3).unwrap().tally.prompts(), 3);

    // The office chooses gm: a second key beside the first, and codes that say so.
    rig.collector = None;
    rig.suite = Suite::Sm2Sm3;
    run(rig.collector_command().unwrap().arg("init")).unwrap();
    rig.start_collector().unwrap();
    let code = rig.code("B01").unwrap();
    assert!(code.starts_with("G-"), "{code}");
    let second = Other::enrolled(&rig, "second", &code);
    rig.enrol().unwrap();
    rig.start_sync().unwrap();
    rig.start_terminal().unwrap();
    let screen = DataDir::new(rig.tablet_dir());
    assert_eq!(
        [&first.data, &second.data, &screen].map(key_length),
        [32, 33, 33]
    );

    // All three at the same time; the first was restarted and still serves its old suite.
    first.daemon = None;
    first.start(&rig);
    first.rate(2);
    second.rate(4);
    tap(&rig, Level::Satisfied);
    second.rate(1);
    let score = rig.score_of(11).unwrap();
    assert_eq!(score.tally.prompts(), 11);
    wait_until("all journals to be drained", COUNTED, || {
        [&first.data, &second.data, &screen]
            .into_iter()
            .all(is_drained)
    })
    .unwrap();
    assert_eq!(rig.score_of(11).unwrap(), score, "nothing twice");

    let office = Connection::open(rig.folder.path().join("office/collector.sqlite")).unwrap();
    let streams = streams(&office);
    assert!(streams.iter().all(|(_, whole)| *whole), "{streams:?}");
    let of = |suite| streams.iter().filter(|(s, _)| *s == suite).count();
    assert_eq!((of(Suite::Ed25519Sha256), of(Suite::Sm2Sm3)), (2, 3));
    for odd in ["dead_letter", "conflict"] {
        let rows = office.query_row(&format!("SELECT count(*) FROM {odd}"), [], |row| row.get(0));
        assert_eq!(rows, Ok(0_i64), "{odd}");
    }
    // The journals of the tablets say the same.
    for data in [&first.data, &second.data, &screen] {
        let reader = Reader::open(&data.journal()).unwrap();
        for stream in reader.streams().unwrap() {
            assert!(reader.verify(&stream).unwrap().verdict.is_good());
        }
    }
}
