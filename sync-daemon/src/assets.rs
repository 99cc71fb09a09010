//! Files of a profile: fetched by their digest, checked, kept.
//!
//! **Invariants**
//! 1. What lies in the folder under a name has that SHA-256; a file is checked again before a new
//!    profile relies on it, because cards decay.
//! 2. A file that the terminal could not show or play never gets there.
//!
//! **Crash**: a file is there as a whole or not at all, and what is there is not fetched again.

mod check;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use manyi_shared::tablet::{DataDir, FileError, Identity, ensure_folder, replace};
use manyi_shared::wire::limits::MAX_ASSET_BYTES;
use manyi_shared::wire::{
    self, AssetDigest, AssetKind, AssetRequest, Profile, SecretKey, TerminalMessage as _,
    check_sound,
};

use crate::exchange::{PROBLEM_TYPE, SIGNED_TYPE, problem_detail};
use crate::link::{Answer, Link, LinkError, Request};

const PATH: &str = "/device/v1/asset";

/// The longest file over a 256 kbit/s line takes 64 s; ratings share the line.
const TIMEOUT: Duration = Duration::from_secs(180);

/// Why the files of a profile are not all there.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// One of them makes the whole profile one that cannot be obeyed.
    Unfit {
        /// The field that names it.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It may be there later.
    Later {
        /// What happened.
        why: String,
        /// How long the server wants us to wait.
        wish: Option<Duration>,
    },
}

/// One file that a profile names.
#[derive(Debug)]
pub(crate) struct Wanted {
    field: String,
    kind: AssetKind,
    digest: AssetDigest,
    path: PathBuf,
    request: Vec<u8>,
}

/// The files of a profile, each with its signed request.
pub(crate) fn wanted(
    profile: &Profile,
    data: &DataDir,
    identity: &Identity,
    key: &SecretKey,
) -> Vec<Wanted> {
    let sealed = |digest| {
        AssetRequest {
            terminal: identity.terminal,
            digest,
        }
        .seal(key)
    };
    let assets = profile.assets().into_iter();
    assets
        .map(|(field, kind, digest)| Wanted {
            field,
            kind,
            path: data.asset(&digest),
            request: sealed(digest),
            digest,
        })
        .collect()
}

/// Sees to it that every file is there and fit; fetches those that are not.
///
/// # Errors
/// The first [`Trouble`]; what was fetched until then stays.
pub(crate) async fn provide(
    link: Link,
    folder: PathBuf,
    wanted: Vec<Wanted>,
) -> Result<(), Trouble> {
    for file in wanted {
        let folder = folder.clone();
        let (file, there) = aside(move || {
            let there = file.is_there(&folder);
            (file, there)
        })
        .await?;
        if there? {
            continue;
        }
        let bytes = file.fetch(&link).await?;
        aside(move || file.keep(&bytes)).await??;
    }
    Ok(())
}

/// Runs what takes its time (decoding, syncing) off the loop's thread.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Trouble::Later {
            why: error.to_string(),
            wish: None,
        })
}

impl Wanted {
    /// Whether the file is there already.
    ///
    /// # Errors
    /// [`Trouble::Unfit`] when it is there but not for this use.
    fn is_there(&self, folder: &std::path::Path) -> Result<bool, Trouble> {
        ensure_folder(folder).map_err(|error| card(&error))?;
        match std::fs::read(&self.path) {
            Ok(bytes) if wire::digest(&bytes) == self.digest => {
                self.check(&bytes)?;
                Ok(true)
            }
            Ok(_) => {
                tracing::warn!(path = %self.path.display(), "file has decayed; fetching it again");
                Ok(false)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(card(&FileError {
                doing: "read",
                path: self.path.clone(),
                source,
            })),
        }
    }

    async fn fetch(&self, link: &Link) -> Result<Vec<u8>, Trouble> {
        let request = Request {
            most: MAX_ASSET_BYTES,
            timeout: Some(TIMEOUT),
            ..Request::new(PATH, SIGNED_TYPE, self.request.clone())
        };
        match link.post(request).await {
            Ok(answer) => self.judge(answer),
            Err(LinkError::TooLong { most, .. }) => {
                Err(self.unfit(format!("is longer than {most} bytes")))
            }
            Err(error) => Err(Trouble::Later {
                why: crate::chain(&error),
                wish: None,
            }),
        }
    }

    /// What an answer means. Only a refusal in the collector's own form is the collector's; a page
    /// of text in place of the file is a portal's. That the collector does not know the terminal
    /// (401) says nothing about the file.
    fn judge(&self, answer: Answer) -> Result<Vec<u8>, Trouble> {
        let status = answer.status;
        let wish = answer.retry_after;
        let later = |why: String| Err(Trouble::Later { why, wish });
        match status {
            200..=299 if wire::digest(&answer.body) == self.digest => Ok(answer.body),
            200..=299 if !answer.content_type.starts_with("text/") => {
                Err(self.unfit("what the centre sends has another SHA-256".to_owned()))
            }
            400..=499
                if answer.content_type == PROBLEM_TYPE
                    && !matches!(status, 401 | 408 | 425 | 429) =>
            {
                let detail = problem_detail(&answer);
                Err(self.unfit(format!("the centre refuses it: status {status}, {detail}")))
            }
            _ => later(format!("status {status} for a file of the profile")),
        }
    }

    fn keep(&self, bytes: &[u8]) -> Result<(), Trouble> {
        self.check(bytes)?;
        replace(&self.path, bytes).map_err(|error| card(&error))
    }

    fn check(&self, bytes: &[u8]) -> Result<(), Trouble> {
        let checked = match self.kind {
            AssetKind::Picture => check::picture(bytes),
            AssetKind::Sound => check_sound(bytes),
        };
        checked.map_err(|problem| self.unfit(problem))
    }

    fn unfit(&self, problem: String) -> Trouble {
        Trouble::Unfit {
            field: self.field.clone(),
            problem,
        }
    }
}

fn card(error: &FileError) -> Trouble {
    Trouble::Later {
        why: crate::chain(error),
        wish: None,
    }
}

/// Whether every file of a profile has its place taken; what lies there is not checked.
pub(crate) fn are_there(profile: &Profile, data: &DataDir) -> bool {
    let assets = profile.assets();
    assets
        .iter()
        .all(|(_, _, digest)| data.asset(digest).exists())
}

/// Removes the files that none of these profiles names. What cannot be removed stays; the next
/// profile tries again.
pub(crate) fn sweep(data: &DataDir, named_by: &[&Profile]) {
    let assets = named_by.iter().flat_map(|profile| profile.assets());
    let keep: BTreeSet<PathBuf> = assets.map(|(_, _, digest)| data.asset(&digest)).collect();
    let Ok(entries) = std::fs::read_dir(data.assets()) else {
        return;
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if keep.contains(&path) {
            continue;
        }
        match std::fs::remove_file(&path) {
            Ok(()) => {
                tracing::info!(path = %path.display(), "removed a file that no profile names")
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), error = crate::chain(&error), "could not remove it");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            field: "staff[0].photo".to_owned(),
            kind: AssetKind::Picture,
            digest: wire::digest(b"the file"),
            path: PathBuf::new(),
            request: Vec::new(),
        }
    }

    #[derive(Debug, PartialEq)]
    enum Is {
        Taken,
        Unfit,
        Later,
    }

    #[rstest::rstest]
    #[case::the_file(200, "application/octet-stream", "the file", Is::Taken)]
    #[case::the_file_whatever_it_is_called(200, "", "the file", Is::Taken)]
    #[case::another_file(200, "image/png", "another", Is::Unfit)]
    #[case::a_portals_page(200, "text/html", "<html>", Is::Later)]
    #[case::unknown_to_the_centre(404, PROBLEM_TYPE, "{}", Is::Unfit)]
    #[case::not_for_this_terminal(403, PROBLEM_TYPE, "{}", Is::Unfit)]
    #[case::the_terminal_is_not_known(401, PROBLEM_TYPE, "{}", Is::Later)]
    #[case::a_proxys_404(404, "text/html", "", Is::Later)]
    #[case::too_many(429, PROBLEM_TYPE, "{}", Is::Later)]
    #[case::a_fault_of_the_centre(500, PROBLEM_TYPE, "{}", Is::Later)]
    #[case::a_redirect(302, "", "", Is::Later)]
    fn an_answer_is_the_file_or_says_whether_to_come_back(
        #[case] status: u16,
        #[case] content_type: &str,
        #[case] body: &str,
        #[case] expected: Is,
    ) {
        let judged = wanted().judge(Answer {
            status,
            content_type: content_type.to_owned(),
            retry_after: None,
            body: body.as_bytes().to_vec(),
        });
        let is = match judged {
            Ok(_) => Is::Taken,
            Err(Trouble::Unfit { field, .. }) => {
                assert_eq!(field, "staff[0].photo");
                Is::Unfit
            }
            Err(Trouble::Later { .. }) => Is::Later,
        };
        assert_eq!(is, expected);
    }
}
