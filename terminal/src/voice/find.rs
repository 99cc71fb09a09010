//! Which file a clip is: the tablet's own before the package's.

use std::path::{Path, PathBuf};

use manyi_shared::tablet::DataDir;

use crate::outputs::Clip;

/// The folders of clips, `<folder>/<language>/<clip>.wav`, the first that has a clip wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders(Vec<PathBuf>);

impl Folders {
    /// The data folder's and the one that a package puts beside the program's folder.
    #[must_use]
    pub fn of(data: &DataDir, program: Option<&Path>) -> Self {
        let packaged = program
            .and_then(|program| program.parent()?.parent())
            .map(|prefix| prefix.join("share/manyi/voice"));
        Self(std::iter::once(own(data)).chain(packaged).collect())
    }

    /// Where a clip may be, in order.
    pub fn files(&self, clip: Clip, language: &str) -> impl Iterator<Item = PathBuf> {
        let name = format!("{}.wav", clip.name());
        // A language tag is one folder's name and leads nowhere else.
        let tag = language
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let language = language.to_owned();
        let folders = if tag { self.0.as_slice() } else { &[] };
        folders
            .iter()
            .map(move |folder| folder.join(&language).join(&name))
    }

    /// Whether a clip is in one of them.
    #[must_use]
    pub fn has(&self, clip: Clip, language: &str) -> bool {
        self.files(clip, language).any(|file| file.is_file())
    }
}

/// The tablet's own clips.
#[must_use]
pub fn own(data: &DataDir) -> PathBuf {
    data.path().join("voice")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tablet_s_own_clip_comes_before_the_package_s() {
        let folders = Folders::of(
            &DataDir::new("/data"),
            Some(Path::new("/usr/bin/manyi-terminal")),
        );
        let files: Vec<_> = folders.files(Clip::Level(5), "zh-Hans").collect();
        assert_eq!(
            files,
            [
                Path::new("/data/voice/zh-Hans/level-5.wav"),
                Path::new("/usr/share/manyi/voice/zh-Hans/level-5.wav"),
            ]
        );
    }

    #[test]
    fn a_language_leads_nowhere_else() {
        let folders = Folders::of(&DataDir::new("/data"), None);
        assert_eq!(folders.files(Clip::Thanks, "../../etc").count(), 0);
        assert_eq!(folders.files(Clip::Thanks, "en").count(), 1);
    }
}
