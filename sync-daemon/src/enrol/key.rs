//! The tablet's key, in the suite that the office's code is for.

use std::path::Path;

use manyi_shared::tablet::{DataDir, FileError, IdentityError, KeySource};
use manyi_shared::wire::{SecretKey, Suite};

use super::EnrolError;

/// The tablet's key in the suite that the code is for, made when there is none.
///
/// One of another suite that was made for an enrolment that never came to be is set aside under its
/// suite's name, and taken up again when a code of its suite comes.
pub(super) fn of_suite(data: &DataDir, suite: Suite) -> Result<SecretKey, EnrolError> {
    let source = KeySource::of_service(data);
    let fixed = matches!(source, KeySource::Credential(_)) || data.identity().exists();
    let path = data.key();
    let aside = |suite: Suite| path.with_extension(format!("key.{suite}"));
    match source.read() {
        Ok(key) if key.suite() == suite => return Ok(key),
        Ok(key) if fixed => {
            let ours = key.suite();
            return Err(EnrolError::OtherSuite { ours, code: suite });
        }
        Ok(key) => rename(&path, &aside(key.suite()))?,
        Err(IdentityError::NotEnrolled { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if aside(suite).exists() {
        rename(&aside(suite), &path)?;
    }
    Ok(source.read_or_create(suite)?)
}

fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    std::fs::rename(from, to).map_err(|source| FileError {
        doing: "rename",
        path: from.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use manyi_shared::tablet::read_key;

    use super::*;

    fn data() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        (folder, data)
    }

    fn public(data: &DataDir, suite: Suite) -> manyi_shared::wire::PublicKey {
        let key = of_suite(data, suite).unwrap().public();
        assert_eq!(key.suite(), suite);
        assert_eq!(read_key(&data.key()).unwrap().public(), key, "in force");
        key
    }

    #[test]
    fn the_same_code_is_asked_for_with_the_same_key() {
        for suite in Suite::ALL {
            let (_folder, data) = data();
            assert_eq!(public(&data, suite), public(&data, suite));
        }
    }

    /// The office may know the first key: its reply may have been lost.
    #[test]
    fn a_tablet_that_is_not_enrolled_takes_codes_of_either_suite_and_forgets_no_key() {
        let (_folder, data) = data();
        let first = public(&data, Suite::Ed25519Sha256);
        let second = public(&data, Suite::Sm2Sm3);
        assert_eq!(public(&data, Suite::Ed25519Sha256), first);
        assert_eq!(public(&data, Suite::Sm2Sm3), second);
    }

    /// As a cut between the two renames leaves it.
    #[test]
    fn a_key_that_was_only_set_aside_is_taken_up_again() {
        let (folder, data) = data();
        let first = public(&data, Suite::Ed25519Sha256);
        let aside = folder.path().join("identity.key.ed25519");
        std::fs::rename(data.key(), aside).unwrap();
        assert_eq!(public(&data, Suite::Ed25519Sha256), first);
    }

    #[test]
    fn an_enrolled_terminal_keeps_its_key_whatever_the_code_is_for() {
        let (_folder, data) = data();
        let key = public(&data, Suite::Ed25519Sha256);
        std::fs::write(data.identity(), b"there").unwrap();
        let refused = of_suite(&data, Suite::Sm2Sm3).unwrap_err();
        assert!(
            refused.to_string().contains("code for ed25519"),
            "{refused}"
        );
        assert_eq!(read_key(&data.key()).unwrap().public(), key);
    }

    #[test]
    fn a_damaged_key_is_left_alone() {
        let (_folder, data) = data();
        std::fs::write(data.key(), b"short").unwrap();
        assert!(matches!(
            of_suite(&data, Suite::Sm2Sm3),
            Err(EnrolError::Key(IdentityError::Damaged { .. }))
        ));
        assert_eq!(std::fs::read(data.key()).unwrap(), b"short");
    }
}
