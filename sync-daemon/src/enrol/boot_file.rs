//! Enrolment by a file on the boot partition, which every PC can write: address and code.
//!
//! **Invariants**
//! 1. A content that can never succeed is tried once; another content is tried at once.
//! 2. A content that may succeed later is tried with growing pauses.
//! 3. Once the terminal is enrolled the file goes: its code is used.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use manyi_shared::tablet::{EnrolOrder, EnrolProblem};
use manyi_shared::wire::digest;
use serde::Deserialize;

use super::tries::Tries;

/// Longer than any address and code.
const MAX_BYTES: u64 = 4096;

/// The file, and what is remembered of it while the daemon runs.
#[derive(Debug)]
pub(super) struct BootFile {
    path: PathBuf,
    /// How the content with this digest was tried.
    tried: Option<[u8; 32]>,
    tries: Tries,
}

/// What the file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing that has not been tried.
    Nothing,
    /// Address and code.
    Order(EnrolOrder),
    /// Something else.
    Unusable(EnrolProblem, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    collector: String,
    code: String,
}

impl BootFile {
    pub(super) const fn at(path: PathBuf, tries: Tries) -> Self {
        Self {
            path,
            tried: None,
            tries,
        }
    }

    /// Looks into the file. What it hands out counts as tried for good until [`Self::failed`] says
    /// that it may succeed later.
    pub(super) fn look(&mut self, now: Duration) -> Found {
        let (content, found) = match read(&self.path) {
            Ok(bytes) => (digest(&bytes), parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
            // Told once, like a content that cannot be used.
            Err(error) => {
                let detail = format!("could not read the enrolment file: {error}");
                let found = Found::Unusable(EnrolProblem::Storage, detail.clone());
                (digest(detail.as_bytes()), found)
            }
        };
        if self.tried == Some(content) && !self.tries.are_due(now) {
            return Found::Nothing;
        }
        if self.tried != Some(content) {
            self.tries.begin();
        }
        self.tried = Some(content);
        self.tries.stop();
        found
    }

    /// What was handed out last failed, but may succeed later.
    pub(super) fn failed(&mut self, now: Duration, wish: Option<Duration>, random: u64) {
        self.tries.failed(now, wish, random);
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The collector's address in an enrolment file, if there is one to be read.
pub(crate) fn address_in(path: &Path) -> Option<String> {
    match parse(&read(path).ok()?) {
        Found::Order(order) => Some(order.collector.trim().to_owned()),
        _ => None,
    }
}

fn parse(bytes: &[u8]) -> Found {
    let unusable = |detail: &str| Found::Unusable(EnrolProblem::Other, detail.to_owned());
    if bytes.len() as u64 > MAX_BYTES {
        return unusable("the enrolment file is longer than 4096 bytes");
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return unusable("the enrolment file is no UTF-8 text");
    };
    // Editors of PCs put a byte order mark in front.
    match toml::from_str::<Content>(text.trim_start_matches('\u{feff}')) {
        Ok(Content { collector, code }) => Found::Order(EnrolOrder { collector, code }),
        // Its message only: the whole error quotes the line, and that may hold the code.
        Err(error) => unusable(&format!(
            "the enrolment file needs collector = \"…\" and code = \"…\": {}",
            error.message()
        )),
    }
}

/// Removes the file of an enrolled terminal, if there is one. Its content is overwritten first, as
/// far as the card allows: memory cards keep old blocks.
///
/// # Errors
/// When it is there and cannot be removed.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let opened = OpenOptions::new().write(true).open(path);
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(mut file) => {
            let length = file.metadata()?.len().min(MAX_BYTES);
            let blank = vec![b' '; usize::try_from(length).unwrap_or_default()];
            file.write_all(&blank)?;
            file.sync_all()?;
        }
    }
    std::fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use crate::uplink::Backoff;

    use super::*;

    const GOOD: &str = "collector = \"https://a\"\ncode = \"7KX2-9QWM\"\n";
    const SECOND: Duration = Duration::from_secs(1);

    fn boot_file() -> (tempfile::TempDir, BootFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manyi-enrol.toml");
        (folder, BootFile::at(path, Tries::new(Backoff::default())))
    }

    fn order() -> Found {
        Found::Order(EnrolOrder {
            collector: "https://a".to_owned(),
            code: "7KX2-9QWM".to_owned(),
        })
    }

    #[test]
    fn a_content_is_tried_once_and_another_one_at_once() {
        let (_folder, mut file) = boot_file();
        assert_eq!(file.look(SECOND), Found::Nothing);
        std::fs::write(&file.path, GOOD).unwrap();
        assert_eq!(file.look(SECOND), order());
        assert_eq!(file.look(SECOND * 100_000), Found::Nothing);
        std::fs::write(&file.path, format!("\u{feff}{GOOD}")).unwrap();
        assert_eq!(file.look(SECOND), order());
    }

    #[test]
    fn what_may_succeed_later_is_tried_with_growing_pauses() {
        let (_folder, mut file) = boot_file();
        std::fs::write(&file.path, GOOD).unwrap();
        let mut now = Duration::ZERO;
        for pause in [1, 2, 4, 8] {
            assert_eq!(file.look(now), order());
            file.failed(now, None, u64::MAX);
            let bound = SECOND * pause;
            assert_eq!(file.look(now + bound / 2), Found::Nothing);
            now += bound;
        }
    }

    #[rstest::rstest]
    #[case::no_toml("code = 7KX2-9QWM")]
    #[case::a_key_is_missing("code = \"7KX2-9QWM\"")]
    #[case::a_key_is_unknown("collector = \"https://a\"\ncode = \"7KX2-9QWM\"\ncolour = \"red\"")]
    fn a_file_that_says_something_else_is_told_without_its_code(#[case] text: &str) {
        let (_folder, mut file) = boot_file();
        std::fs::write(&file.path, text).unwrap();
        let Found::Unusable(EnrolProblem::Other, detail) = file.look(SECOND) else {
            panic!("taken");
        };
        assert!(!detail.contains("7KX2"), "{detail}");
        assert_eq!(file.look(SECOND), Found::Nothing, "told once");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_once() {
        let (_folder, mut file) = boot_file();
        std::fs::create_dir(&file.path).unwrap();
        assert!(matches!(
            file.look(SECOND),
            Found::Unusable(EnrolProblem::Storage, _)
        ));
        assert_eq!(file.look(SECOND), Found::Nothing);
    }

    #[test]
    fn a_used_file_goes_and_one_that_is_gone_is_no_fault() {
        let (_folder, file) = boot_file();
        std::fs::write(&file.path, GOOD).unwrap();
        remove(&file.path).unwrap();
        assert!(!file.path.exists());
        remove(&file.path).unwrap();
    }
}
