//! Import of an office's own tables.

use std::path::Path;

use manyi_collector::hall::{HallError, HallTables, MOST_FAULTS};
use manyi_collector::store::IngestStore;

use crate::support::{Centre, demo_data};

/// The demo hall's files, to be spoiled.
pub(crate) fn files() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for from in ["", "pictures"] {
        std::fs::create_dir_all(dir.path().join(from)).expect("a directory");
        for entry in std::fs::read_dir(demo_data().join(from)).expect("demo data") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let name = path.file_name().expect("a name");
                std::fs::copy(&path, dir.path().join(from).join(name)).expect("copied");
            }
        }
    }
    dir
}

pub(crate) fn edit(dir: &Path, file: &str, change: impl FnOnce(String) -> String) {
    let path = dir.join(file);
    let text = std::fs::read_to_string(&path).expect("text");
    std::fs::write(&path, change(text)).expect("written");
}

pub(crate) fn faults(dir: &Path) -> Vec<String> {
    match HallTables::read(dir).expect_err("must be refused") {
        HallError::Faults { faults, .. } => faults.iter().map(ToString::to_string).collect(),
        error @ HallError::Read { .. } => panic!("{error}"),
    }
}

#[test]
fn the_demo_hall_is_whole() {
    let tables = HallTables::read(&demo_data()).expect("whole");
    assert_eq!(tables.windows.len(), 96);
    assert_eq!(tables.hall.name, "临清市政务服务中心");
}

#[rstest::rstest]
#[case::short_row(
    "staff.csv",
    "LQ0101,李文静,综合受理岗",
    "LQ0101,李文静",
    "staff.csv line 2: has 4 cells, not 5"
)]
#[case::code_characters(
    "windows.csv",
    "\nA02,",
    "\nA 02,",
    "windows.csv line 3, column window_id: window id `A 02` must be 1 to 16 characters"
)]
#[case::duplicate(
    "windows.csv",
    "\nA03,",
    "\nA02,",
    "windows.csv line 4, column window_id: `A02` is already on line 3"
)]
#[case::dangling_staff(
    "windows.csv",
    "LQ0101",
    "LQ9999",
    "windows.csv line 2, column staff_id: `LQ9999` is not in staff.csv"
)]
#[case::dangling_department(
    "items.csv",
    "登记,11371581MB9Y1037XH\n",
    "登记,NOWHERE\n",
    "items.csv line 2, column department_id: `NOWHERE` is not in departments.csv"
)]
#[case::time_zone(
    "hall.csv",
    "Asia/Shanghai",
    "Asia/Linqing",
    "hall.csv line 2, column time_zone: `Asia/Linqing` must be an IANA time zone"
)]
#[case::region(
    "hall.csv",
    "371581,",
    "37158,",
    "hall.csv line 2, column region_code: `37158` must be 6, 9 or 12 digits"
)]
#[case::empty_name(
    "departments.csv",
    ",临清市公安局",
    ",",
    "departments.csv line 3, column name: `` must not be empty"
)]
#[case::header(
    "staff.csv",
    "staff_id,",
    "id,",
    "staff.csv line 1: the first line must be `staff_id,name,post,department_id`; `stars,photo` may follow"
)]
fn a_fault_is_told_with_file_line_and_column(
    #[case] file: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &str,
) {
    let dir = files();
    edit(dir.path(), file, |text| {
        assert!(text.contains(from), "{file} has no {from}");
        text.replacen(from, to, 1)
    });
    let faults = faults(dir.path());
    assert!(faults[0].starts_with(expected), "{faults:#?}");
}

#[test]
fn the_faults_of_all_files_are_told_at_once_up_to_a_number() {
    let dir = files();
    edit(dir.path(), "hall.csv", |text| {
        text.replace("Asia/Shanghai", "Nowhere")
    });
    edit(dir.path(), "staff.csv", |text| {
        text.replacen("LQ0101", "LQ 0101", 1)
    });
    edit(dir.path(), "windows.csv", |text| text.replace(",LQ", ",XX"));
    let error = HallTables::read(dir.path()).expect_err("must be refused");
    let HallError::Faults { faults, more } = &error else {
        panic!("{error}")
    };
    assert_eq!((faults.len(), *more), (MOST_FAULTS, 96 + 2 - MOST_FAULTS));
    let text = error.to_string();
    for file in ["hall.csv", "staff.csv", "windows.csv"] {
        assert!(text.contains(file), "{text}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let dir = files();
    std::fs::remove_file(dir.path().join("items.csv")).expect("removed");
    let error = HallTables::read(dir.path()).expect_err("must be refused");
    assert!(error.to_string().contains("items.csv"), "{error}");
}

#[test]
fn text_that_is_not_utf_8_is_told_and_a_byte_order_mark_is_not_minded() {
    let dir = files();
    edit(dir.path(), "staff.csv", |text| format!("\u{feff}{text}"));
    HallTables::read(dir.path()).expect("whole");
    let gbk = b"department_id,name\n11371581MB9Y1037XH,\xc1\xd9\xc7\xe5\n";
    std::fs::write(dir.path().join("departments.csv"), gbk).expect("written");
    let fault = &faults(dir.path())[0];
    assert!(
        fault.starts_with("departments.csv line 2, column name: is not UTF-8"),
        "{fault}"
    );
}

#[tokio::test]
async fn importing_the_same_again_changes_nothing_and_a_change_counts_the_version_up() {
    let centre = Centre::new().await;
    let import = async |change: fn(&mut HallTables)| {
        let mut tables = HallTables::read(&demo_data()).expect("tables");
        change(&mut tables);
        centre
            .store
            .import_hall(tables)
            .await
            .expect("stored")
            .expect("not refused")
    };
    let same = import(|_| {}).await;
    assert_eq!((same.changed, same.profile_version), (false, 1));
    let renamed = import(|t| t.hall.contact = "12345".to_owned()).await;
    assert_eq!((renamed.changed, renamed.profile_version), (true, 2));
    let shorter = import(|t| t.windows.truncate(95)).await;
    let gone: Vec<_> = shorter.removed_windows.iter().map(|w| w.as_str()).collect();
    assert_eq!((shorter.profile_version, gone), (3, vec!["H02"]));
}

#[tokio::test]
async fn a_window_with_an_active_terminal_cannot_be_removed() {
    let centre = Centre::new().await;
    centre.tablet("A01").await;
    let mut tables = HallTables::read(&demo_data()).expect("tables");
    tables.windows.remove(0);
    tables.hall.name = "另一个".to_owned();
    let refused = centre
        .store
        .import_hall(tables.clone())
        .await
        .expect("stored");
    let text = refused.expect_err("must be refused").to_string();
    assert!(text.contains("A01"), "{text}");
    assert_eq!(centre.number("SELECT COUNT(*) FROM service_window"), 96);
    assert_eq!(
        centre.sql::<String>("SELECT name FROM hall"),
        "临清市政务服务中心"
    );
    centre.kept.execute("UPDATE terminal SET state = 'revoked'");
    centre
        .store
        .import_hall(tables)
        .await
        .expect("stored")
        .expect("now it may");
    assert_eq!(centre.number("SELECT COUNT(*) FROM service_window"), 95);
}
