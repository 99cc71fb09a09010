//! The fonts this product ships: where they are, how fontconfig finds only them, what they can draw.
//!
//! The program must not depend on the fonts that happen to be installed. Without a Chinese font
//! every button is blank and nothing is logged; with another one, that one silently takes over,
//! often with Japanese glyph forms. So `main` calls [`locate`], then [`write_fontconfig`], and
//! points `FONTCONFIG_FILE` at the result **before** anything of Slint is touched. The files are
//! then memory-mapped; embedding them or naming them in `SLINT_FONT_PATH` would put them on the heap.
//!
//! **Invariants**
//! 1. [`locate`] answers a folder in which every file of [`FILES`] is a readable font.
//! 2. The configuration that [`fontconfig_text`] writes names no folder but that one.
//!
//! **Crash** The configuration is written to a temporary file, synced and renamed: after a power
//! cut the old or the new one is there, never half of one.
//!
//! It does not set the environment, because that is only sound before the first thread starts.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use skrifa::{FontRef, MetadataProvider as _};

/// The family of every Chinese and Latin text.
///
/// Its regional sisters "Manyi Sans TC" and "Manyi Sans JP" are asked for by the pages in those
/// languages; fontconfig finds the Arabic and Devanagari ones for the scripts this one lacks.
pub const FAMILY: &str = "Manyi Sans";

/// The shipped files: five families, each regular and then bold.
pub const FILES: [&str; 10] = [
    "ManyiSans-Regular.otf",
    "ManyiSans-Bold.otf",
    "ManyiSansTC-Regular.otf",
    "ManyiSansTC-Bold.otf",
    "ManyiSansJP-Regular.otf",
    "ManyiSansJP-Bold.otf",
    "ManyiSansArabic-Regular.ttf",
    "ManyiSansArabic-Bold.ttf",
    "ManyiSansDevanagari-Regular.ttf",
    "ManyiSansDevanagari-Bold.ttf",
];

/// Why the shipped fonts cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FontError {
    /// No folder on the list holds all of [`FILES`].
    #[error(
        "font file `{file}` is missing (looked in {}); reinstall the terminal package or set fonts_dir",
        folder_list(.searched)
    )]
    Missing {
        /// The first file that no searched folder has.
        file: &'static str,
        /// The folders in the order of the search.
        searched: Vec<PathBuf>,
    },
    /// A font file is there and cannot be read.
    #[error("could not read font file `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A font file is there and is not a font, for example after a broken copy.
    #[error(
        "font file `{}` is damaged; reinstall the terminal package or set fonts_dir",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: skrifa::raw::ReadError,
    },
    /// The fontconfig file or its cache folder cannot be written.
    #[error("could not write font configuration `{}`", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A path cannot be written into an XML file because it is not Unicode.
    #[error("font path `{}` is not valid Unicode", path.display())]
    NotUnicode {
        /// The path.
        path: PathBuf,
    },
}

fn folder_list(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders
        .iter()
        .map(|folder| format!("`{}`", folder.display()))
        .collect();
    names.join(", ")
}

/// The folder that holds the shipped fonts, checked.
///
/// A `configured` folder is the only one looked at: a wrong setting is reported, not worked around.
/// Without one the order is `../share/manyi/fonts` beside the folder of the running program, then
/// the source tree this crate was built from.
///
/// # Errors
/// [`FontError::Missing`] when no folder has all of [`FILES`]; [`FontError::Read`] and
/// [`FontError::Damaged`] when a file of the folder found cannot be used.
pub fn locate(configured: Option<&Path>) -> Result<PathBuf, FontError> {
    let folders = match configured {
        Some(folder) => vec![folder.to_path_buf()],
        None => default_folders(std::env::current_exe().ok().as_deref()),
    };
    let Some(found) = folders
        .iter()
        .find(|folder| FILES.iter().all(|file| folder.join(file).is_file()))
    else {
        let file = FILES
            .into_iter()
            .find(|file| !folders.iter().any(|folder| folder.join(file).is_file()))
            .unwrap_or(FILES[0]);
        return Err(FontError::Missing {
            file,
            searched: folders,
        });
    };
    for file in FILES {
        read_font(&found.join(file))?;
    }
    Ok(found.clone())
}

fn default_folders(program: Option<&Path>) -> Vec<PathBuf> {
    let installed = program
        .and_then(Path::parent)
        .and_then(Path::parent)
        .map(|prefix| prefix.join("share/manyi/fonts"));
    let source_tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("fonts");
    installed.into_iter().chain([source_tree]).collect()
}

fn read_font(path: &Path) -> Result<Vec<u8>, FontError> {
    let bytes = std::fs::read(path).map_err(|source| FontError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    FontRef::new(&bytes).map_err(|source| FontError::Damaged {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(bytes)
}

/// The text of a fontconfig file that knows the fonts of `fonts_dir` and no others.
///
/// Every generic family resolves to [`FAMILY`], so text that names no family is drawn too.
/// `cache_dir` is where fontconfig keeps its own index; it must be writable.
///
/// # Errors
/// [`FontError::NotUnicode`] when a path cannot be written into the file.
pub fn fontconfig_text(fonts_dir: &Path, cache_dir: &Path) -> Result<String, FontError> {
    let fonts_dir = xml_path(fonts_dir)?;
    let cache_dir = xml_path(cache_dir)?;
    let mut aliases = String::new();
    for generic in ["sans-serif", "serif", "monospace", "system-ui"] {
        aliases.push_str(&format!(
            "  <alias binding=\"same\"><family>{generic}</family><prefer><family>{FAMILY}</family></prefer></alias>\n"
        ));
    }
    Ok(format!(
        "<?xml version=\"1.0\"?>\n\
         <!DOCTYPE fontconfig SYSTEM \"urn:fontconfig:fonts.dtd\">\n\
         <!-- Written at every start; changes here are lost. -->\n\
         <fontconfig>\n  \
         <dir>{fonts_dir}</dir>\n  \
         <cachedir>{cache_dir}</cachedir>\n\
         {aliases}\
         </fontconfig>\n"
    ))
}

fn xml_path(path: &Path) -> Result<String, FontError> {
    let absolute = std::path::absolute(path).map_err(|source| FontError::Write {
        path: path.to_path_buf(),
        source,
    })?;
    let text = absolute.to_str().ok_or_else(|| FontError::NotUnicode {
        path: path.to_path_buf(),
    })?;
    Ok(text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;"))
}

/// Writes `fonts.conf` and an index folder under `data_dir`, and answers the file's path.
///
/// The caller puts that path into `FONTCONFIG_FILE` before Slint starts.
///
/// # Errors
/// [`FontError::Write`] when the folder is not writable (nothing is changed then);
/// [`FontError::NotUnicode`] as [`fontconfig_text`].
pub fn write_fontconfig(fonts_dir: &Path, data_dir: &Path) -> Result<PathBuf, FontError> {
    let cache_dir = data_dir.join("fontconfig-cache");
    let target = data_dir.join("fonts.conf");
    let text = fontconfig_text(fonts_dir, &cache_dir)?;
    std::fs::create_dir_all(&cache_dir).map_err(|source| FontError::Write {
        path: cache_dir,
        source,
    })?;
    replace_file(&target, text.as_bytes()).map_err(|source| FontError::Write {
        path: target.clone(),
        source,
    })?;
    Ok(target)
}

fn replace_file(target: &Path, bytes: &[u8]) -> io::Result<()> {
    if std::fs::read(target).is_ok_and(|present| present == bytes) {
        // The same at every start: no reason to wear the card.
        return Ok(());
    }
    let temporary = target.with_extension("conf.new");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&temporary, target)?;
    match target.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Which characters the shipped fonts can draw, each in regular and in bold.
///
/// Holds a sorted list of code points, about 50 KiB; the font files are not kept.
#[derive(Debug, Clone)]
pub struct Coverage {
    characters: Vec<u32>,
}

impl Coverage {
    /// Reads the fonts of a folder that [`locate`] answered.
    ///
    /// # Errors
    /// [`FontError::Read`] or [`FontError::Damaged`] when a file cannot be used.
    pub fn read(fonts_dir: &Path) -> Result<Self, FontError> {
        let mut characters = Vec::new();
        for family in FILES.chunks(2) {
            let mut common: Option<Vec<u32>> = None;
            for file in family {
                let drawn = characters_of(&fonts_dir.join(file))?;
                common = Some(match common {
                    None => drawn,
                    Some(mut before) => {
                        before.retain(|character| drawn.binary_search(character).is_ok());
                        before
                    }
                });
            }
            characters.extend(common.unwrap_or_default());
        }
        characters.sort_unstable();
        characters.dedup();
        Ok(Self { characters })
    }

    /// How many characters can be drawn.
    pub fn len(&self) -> usize {
        self.characters.len()
    }

    /// True when nothing can be drawn.
    pub fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    /// The characters of `text` that would be drawn as empty boxes, each once, in order.
    ///
    /// Line breaks and other control characters are never drawn and never missing.
    pub fn missing_glyphs(&self, text: &str) -> Vec<char> {
        let mut missing = Vec::new();
        for character in text.chars() {
            let drawn = !character.is_control();
            let known = self.characters.binary_search(&u32::from(character)).is_ok();
            if drawn && !known && !missing.contains(&character) {
                missing.push(character);
            }
        }
        missing
    }
}

/// The code points one font file maps, sorted.
fn characters_of(path: &Path) -> Result<Vec<u32>, FontError> {
    let bytes = read_font(path)?;
    let font = FontRef::new(&bytes).map_err(|source| FontError::Damaged {
        path: path.to_path_buf(),
        source,
    })?;
    let mut characters: Vec<u32> = font
        .charmap()
        .mappings()
        .map(|(character, _)| character)
        .collect();
    characters.sort_unstable();
    Ok(characters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_tree_has_every_font() {
        let found = locate(None).expect("fonts in the source tree");
        for file in FILES {
            assert!(found.join(file).is_file());
        }
    }

    #[test]
    fn an_installed_program_looks_beside_itself_first() {
        let folders = default_folders(Some(Path::new("/opt/manyi/bin/manyi-terminal")));
        assert_eq!(
            folders.first().map(PathBuf::as_path),
            Some(Path::new("/opt/manyi/share/manyi/fonts"))
        );
        assert_eq!(folders.len(), 2);
    }

    #[test]
    fn a_wrong_setting_is_reported_and_not_worked_around() {
        let empty = tempfile::tempdir().expect("a temporary folder");
        let error = locate(Some(empty.path())).expect_err("no fonts there");
        let text = error.to_string();
        assert!(
            text.starts_with("font file `ManyiSans-Regular.otf` is missing"),
            "{text}"
        );
        assert!(text.contains(&empty.path().display().to_string()), "{text}");
        assert!(text.ends_with("reinstall the terminal package or set fonts_dir"));
    }

    #[test]
    fn the_missing_one_of_the_files_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shipped = locate(None).expect("fonts in the source tree");
        std::fs::copy(shipped.join(FILES[0]), folder.path().join(FILES[0])).expect("a copy");
        let error = locate(Some(folder.path())).expect_err("no bold font there");
        assert!(matches!(
            error,
            FontError::Missing {
                file: "ManyiSans-Bold.otf",
                ..
            }
        ));
    }

    #[test]
    fn a_damaged_file_is_told_from_a_missing_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in FILES {
            std::fs::write(folder.path().join(file), b"not a font").expect("a file");
        }
        let error = locate(Some(folder.path())).expect_err("not fonts");
        assert!(matches!(error, FontError::Damaged { .. }), "{error}");
    }

    #[test]
    fn the_configuration_names_our_folder_only_and_survives_odd_paths() {
        let text = fontconfig_text(Path::new("/srv/a & b/fonts"), Path::new("/var/lib/m<1>"))
            .expect("Unicode paths");
        assert_eq!(text.matches("<dir>").count(), 1);
        assert!(text.contains("<dir>/srv/a &amp; b/fonts</dir>"), "{text}");
        assert!(
            text.contains("<cachedir>/var/lib/m&lt;1&gt;</cachedir>"),
            "{text}"
        );
        assert!(
            !text.contains("<include"),
            "the system's configuration stays out"
        );
    }

    #[test]
    fn writing_makes_the_folder_and_is_idle_the_second_time() {
        let data = tempfile::tempdir().expect("a temporary folder");
        let fonts = locate(None).expect("fonts in the source tree");
        let target = data.path().join("deeper");
        let first = write_fontconfig(&fonts, &target).expect("a writable folder");
        let written = std::fs::metadata(&first)
            .and_then(|m| m.modified())
            .expect("a time");
        let second = write_fontconfig(&fonts, &target).expect("a writable folder");
        assert_eq!(first, second);
        assert!(target.join("fontconfig-cache").is_dir());
        let again = std::fs::metadata(&second)
            .and_then(|m| m.modified())
            .expect("a time");
        assert_eq!(written, again);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
        let data = tempfile::tempdir().expect("a temporary folder");
        let file = data.path().join("taken");
        std::fs::write(&file, b"").expect("a file");
        let error = write_fontconfig(data.path(), &file).expect_err("a file is in the way");
        assert!(matches!(error, FontError::Write { .. }), "{error}");
    }
}
