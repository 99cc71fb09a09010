//! Clips: WAV files of 16-bit samples, and how loud they are.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader};

/// The longest clip: an invitation takes eight seconds, and memory is bounded by this.
const MAX_SECONDS: u32 = 30;

/// A clip in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// Samples a second and channel.
    pub rate: u32,
    /// One or two.
    pub channels: u16,
    /// The samples, channels interleaved.
    pub samples: Vec<i16>,
}

/// Why a file is no clip.
#[derive(Debug, thiserror::Error)]
pub enum WaveError {
    /// The file cannot be read, or is no WAV file.
    #[error("clip `{path}` cannot be read as WAV")]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: hound::Error,
    },
    /// A WAV file that is not for us.
    #[error(
        "clip `{path}` is {found}; a clip has 16-bit PCM samples, one or two channels, 8000 to \
         48000 samples a second and at most {MAX_SECONDS} seconds"
    )]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
}

impl Wave {
    /// Reads a clip.
    ///
    /// # Errors
    /// [`WaveError`], naming the file.
    pub fn read(path: &Path) -> Result<Self, WaveError> {
        let fault = |source| WaveError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(|error| fault(error.into()))?;
        let reader = WavReader::new(BufReader::new(file)).map_err(fault)?;
        let (spec, seconds) = (
            reader.spec(),
            reader.duration() / reader.spec().sample_rate.max(1),
        );
        let good = (spec.sample_format, spec.bits_per_sample) == (SampleFormat::Int, 16)
            && (1..=2).contains(&spec.channels)
            && (8_000..=48_000).contains(&spec.sample_rate)
            && seconds < MAX_SECONDS;
        if !good {
            let found = format!(
                "{}-bit {:?}, {} channels, {} samples a second, {seconds} seconds",
                spec.bits_per_sample, spec.sample_format, spec.channels, spec.sample_rate
            );
            let path = path.to_owned();
            return Err(WaveError::Kind { path, found });
        }
        let samples: Result<Vec<i16>, _> = reader.into_samples().collect();
        Ok(Self {
            rate: spec.sample_rate,
            channels: spec.channels,
            samples: samples.map_err(fault)?,
        })
    }

    /// Brings it to a volume of 0 to 100. Squared: an ear hears half the volume as about half.
    pub fn soften(&mut self, volume: u8) {
        let volume = i32::from(volume.min(100));
        for sample in &mut self.samples {
            let soft = i32::from(*sample) * volume * volume / 10_000;
            // Never further from zero than it was.
            *sample = i16::try_from(soft).unwrap_or(*sample);
        }
    }
}

#[cfg(test)]
mod tests {
    use hound::{WavSpec, WavWriter};

    use super::*;

    fn file(spec: WavSpec, samples: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.wav");
        let mut writer = WavWriter::create(&path, spec).unwrap();
        for _ in 0..samples {
            match spec.sample_format {
                SampleFormat::Int => writer.write_sample(100_i32).unwrap(),
                SampleFormat::Float => writer.write_sample(0.1_f32).unwrap(),
            }
        }
        writer.finalize().unwrap();
        (folder, path)
    }

    const GOOD: WavSpec = WavSpec {
        channels: 1,
        sample_rate: 22_050,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };

    #[test]
    fn a_clip_is_read_as_it_was_written() {
        let (_folder, path) = file(GOOD, 50);
        let wave = Wave::read(&path).unwrap();
        assert_eq!((wave.rate, wave.channels), (22_050, 1));
        assert_eq!(wave.samples, [100; 50]);
    }

    #[rstest::rstest]
    #[case::eight_bits(WavSpec { bits_per_sample: 8, ..GOOD }, 5)]
    #[case::float(WavSpec { bits_per_sample: 32, sample_format: SampleFormat::Float, ..GOOD }, 5)]
    #[case::six_channels(WavSpec { channels: 6, ..GOOD }, 6)]
    #[case::too_fine(WavSpec { sample_rate: 96_000, ..GOOD }, 5)]
    #[case::too_long(WavSpec { sample_rate: 8_000, ..GOOD }, 30 * 8_000)]
    fn what_is_no_clip_is_named(#[case] spec: WavSpec, #[case] samples: u32) {
        let (_folder, path) = file(spec, samples);
        let error = Wave::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("clip.wav") && error.contains("16-bit"),
            "{error}"
        );
    }

    #[test]
    fn half_a_file_is_no_clip() {
        let (_folder, path) = file(GOOD, 50);
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 3, 20, bytes.len() - 7] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(Wave::read(&path).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_lower_volume_is_softer_and_none_is_silence() {
        let loud = Wave {
            rate: 8_000,
            channels: 1,
            samples: vec![i16::MIN, -1000, 0, 1000, i16::MAX],
        };
        let at = |volume| {
            let mut wave = loud.clone();
            wave.soften(volume);
            wave.samples
        };
        assert_eq!(at(100), loud.samples);
        assert_eq!(at(255), loud.samples);
        assert_eq!(at(50), [-8192, -250, 0, 250, 8191]);
        assert_eq!(at(0), [0; 5]);
    }
}
