use std::path::PathBuf;

use super::*;

fn append(code: i32) -> JournalError {
    let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    JournalError::Append { seq: 7, source }
}

#[rstest::rstest]
#[case::full(append(rusqlite::ffi::SQLITE_FULL), Reason::StorageFull)]
#[case::card_gone(append(rusqlite::ffi::SQLITE_IOERR), Reason::Other)]
#[case::read_only(append(rusqlite::ffi::SQLITE_READONLY), Reason::Other)]
#[case::newer(JournalError::Newer { path: PathBuf::from("j"), found: 9 }, Reason::JournalNewer)]
#[case::damaged(
    JournalError::Unreadable { path: PathBuf::from("j"), problem: "x".to_owned() },
    Reason::JournalUnreadable
)]
#[case::in_use(JournalError::InUse { path: PathBuf::from("j") }, Reason::Other)]
#[case::no_room_for_the_lock(
    JournalError::Io {
        doing: "lock",
        path: PathBuf::from("j"),
        source: std::io::ErrorKind::StorageFull.into(),
    },
    Reason::StorageFull
)]
fn an_error_has_its_words_on_the_screen(#[case] error: JournalError, #[case] reason: Reason) {
    let why = why(&error);
    assert_eq!(why.reason, reason);
    assert!(!why.detail.is_empty());
}

#[test]
fn the_detail_has_the_cause() {
    let detail = why(&append(rusqlite::ffi::SQLITE_FULL)).detail;
    assert!(
        detail.starts_with("could not append record 7 to the journal: "),
        "{detail}"
    );
    assert!(detail.contains("full"), "{detail}");
}
