//! How bright the screen is, by `/sys/class/backlight`.
//!
//! **Crash**: a tablet that dies in the dark is found dark; the next start takes such a value for
//! left over and goes to the full light.

use std::io;
use std::path::{Path, PathBuf};

use crate::outputs::LightLevel;

/// Where Linux has the lights.
pub const LIGHTS: &str = "/sys/class/backlight";

/// One screen's light. Dropping it leaves the screen awake.
#[derive(Debug)]
pub struct Backlight {
    file: PathBuf,
    awake: u32,
    now: LightLevel,
    told: bool,
}

impl Backlight {
    /// The light of the configuration's `backlight`; none when it is `off`, and none with a line in
    /// the log when there is no such light or it cannot be read. `lights` is [`LIGHTS`] but in tests.
    #[must_use]
    pub fn open(setting: &str, lights: &Path) -> Option<Self> {
        let folder = match setting {
            "off" => return None,
            "auto" => match first(lights) {
                Some(folder) => folder,
                None => {
                    tracing::info!("the screen's light cannot be changed: there is none to switch");
                    return None;
                }
            },
            name => lights.join(name),
        };
        match measure(&folder) {
            Ok(awake) => Some(Self {
                file: folder.join("brightness"),
                awake,
                now: LightLevel::Awake,
                told: false,
            }),
            Err(error) => {
                tracing::warn!(
                    light = %folder.display(),
                    "the screen's light cannot be changed: {error}"
                );
                None
            }
        }
    }

    /// Makes the screen as bright as told; writes on a change alone.
    pub fn set(&mut self, level: LightLevel) {
        if level == self.now {
            return;
        }
        let value = match level {
            LightLevel::Awake => self.awake,
            LightLevel::Dim => (self.awake / 5).max(1),
            LightLevel::Asleep => 0,
        };
        match std::fs::write(&self.file, value.to_string()) {
            Ok(()) => self.now = level,
            Err(error) if !self.told => {
                self.told = true;
                tracing::warn!(
                    file = %self.file.display(),
                    "the screen's light cannot be changed: {error}; let the terminal's user write \
                     the file (group `video`), or set backlight = \"off\""
                );
            }
            // Told once; it is tried again all the same.
            Err(_) => {}
        }
    }
}

impl Drop for Backlight {
    fn drop(&mut self) {
        self.set(LightLevel::Awake);
    }
}

/// The first light by name.
fn first(lights: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(lights).ok()?;
    entries.flatten().map(|entry| entry.path()).min()
}

/// The brightness of an awake screen: as it was found, or the full one where it was left dim or
/// dark.
fn measure(folder: &Path) -> io::Result<u32> {
    let number = |name| -> io::Result<u32> {
        let text = std::fs::read_to_string(folder.join(name))?;
        let parsed = text.trim().parse();
        parsed
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{name}: {error}")))
    };
    let (found, full) = (number("brightness")?, number("max_brightness")?);
    Ok(if found > full / 4 { found } else { full })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn light(lights: &Path, name: &str, found: &str, full: &str) -> PathBuf {
        let folder = lights.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("brightness"), found).unwrap();
        std::fs::write(folder.join("max_brightness"), full).unwrap();
        folder.join("brightness")
    }

    fn read(file: &Path) -> String {
        std::fs::read_to_string(file).unwrap()
    }

    #[test]
    fn the_screen_dims_sleeps_and_wakes_as_bright_as_it_was() {
        let lights = tempfile::tempdir().unwrap();
        let file = light(lights.path(), "10-0045", "180\n", "255\n");
        let mut backlight = Backlight::open("auto", lights.path()).unwrap();
        backlight.set(LightLevel::Awake);
        assert_eq!(read(&file), "180\n", "nothing changed, nothing written");
        backlight.set(LightLevel::Dim);
        assert_eq!(read(&file), "36");
        backlight.set(LightLevel::Asleep);
        assert_eq!(read(&file), "0");
        backlight.set(LightLevel::Awake);
        assert_eq!(read(&file), "180");
    }

    #[test]
    fn an_orderly_end_leaves_the_screen_awake() {
        let lights = tempfile::tempdir().unwrap();
        let file = light(lights.path(), "a", "200", "255");
        let mut backlight = Backlight::open("a", lights.path()).unwrap();
        backlight.set(LightLevel::Asleep);
        drop(backlight);
        assert_eq!(read(&file), "200");
    }

    #[rstest::rstest]
    #[case::dark("0")]
    #[case::dim("51")]
    fn a_screen_that_was_left_dark_wakes_to_the_full_light(#[case] found: &str) {
        let lights = tempfile::tempdir().unwrap();
        let file = light(lights.path(), "a", found, "255");
        let mut backlight = Backlight::open("auto", lights.path()).unwrap();
        backlight.set(LightLevel::Dim);
        backlight.set(LightLevel::Awake);
        assert_eq!(read(&file), "255");
    }

    #[test]
    fn a_light_of_one_step_is_dimmed_to_that_step() {
        let lights = tempfile::tempdir().unwrap();
        let file = light(lights.path(), "a", "1", "1");
        let mut backlight = Backlight::open("auto", lights.path()).unwrap();
        backlight.set(LightLevel::Dim);
        assert_eq!(read(&file), "1");
    }

    #[test]
    fn without_a_light_there_is_nothing_to_switch() {
        let lights = tempfile::tempdir().unwrap();
        light(lights.path(), "odd", "bright", "255");
        light(lights.path(), "good", "255", "255");
        assert!(Backlight::open("off", lights.path()).is_none());
        assert!(Backlight::open("missing", lights.path()).is_none());
        assert!(Backlight::open("odd", lights.path()).is_none());
        assert!(Backlight::open("auto", &lights.path().join("nowhere")).is_none());
        assert!(Backlight::open("good", lights.path()).is_some());
    }
}
