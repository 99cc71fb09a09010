//! The sound card, by ALSA's device `default`. Open only while a clip plays.

use std::time::Duration;

use alsa::pcm::{Access, Format, HwParams, PCM, State};
use alsa::{Direction, Output, ValueOr};

use super::Speaker;
use super::wave::Wave;

/// Waits for at most this long; answers whether what plays is to stop.
pub type Wait<'a> = dyn FnMut(Duration) -> bool + 'a;

/// Why nothing is heard.
#[derive(Debug, thiserror::Error)]
#[error("the sound card `default` does not {doing}{said}")]
pub struct CardError {
    doing: &'static str,
    /// What ALSA wrote about it.
    said: String,
    #[source]
    source: alsa::Error,
}

/// How much sound is handed over at once, and about how long it takes until a clip is cut off.
const BUFFER_MICROSECONDS: u32 = 200_000;
/// How often a playing clip asks whether it is to stop; less than the buffer lasts.
const LOOK: Duration = Duration::from_millis(40);

/// The sound card.
#[derive(Debug, Clone, Copy, Default)]
pub struct Card;

impl Speaker for Card {
    fn play(&mut self, wave: &Wave, wait: &mut Wait<'_>) -> Result<(), CardError> {
        // Otherwise the library writes to standard error, past the log.
        let said = Output::local_error_handler().ok();
        let fault = |doing| {
            let said = said.clone();
            move |source| CardError {
                doing,
                said: said.map_or_else(String::new, |said| words(&said.borrow().to_string())),
                source,
            }
        };
        let pcm = PCM::new("default", Direction::Playback, true).map_err(fault("open"))?;
        prepare(&pcm, wave).map_err(fault("take the clip's format"))?;
        if write(&pcm, wave, wait).map_err(fault("take sound"))? == Written::All {
            drain(&pcm, wait).map_err(fault("end"))?;
        }
        Ok(())
    }
}

/// What ALSA wrote, as the last line of it in brackets.
fn words(said: &str) -> String {
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    last.map_or_else(String::new, |line| format!(" ({})", line.trim()))
}

fn prepare(pcm: &PCM, wave: &Wave) -> alsa::Result<()> {
    let params = HwParams::any(pcm)?;
    params.set_rate_resample(true)?;
    params.set_access(Access::RWInterleaved)?;
    params.set_format(Format::s16())?;
    params.set_channels(wave.channels.into())?;
    params.set_rate(wave.rate, ValueOr::Nearest)?;
    params.set_buffer_time_near(BUFFER_MICROSECONDS, ValueOr::Nearest)?;
    pcm.hw_params(&params)?;
    pcm.prepare()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    All,
    Interrupted,
}

fn write(pcm: &PCM, wave: &Wave, wait: &mut Wait<'_>) -> alsa::Result<Written> {
    let io = pcm.io_i16()?;
    let channels = usize::from(wave.channels);
    let mut rest = wave.samples.as_slice();
    // A clip of half a frame at its end, or a card that takes nothing, must not keep us here.
    let mut idle = 0_u32;
    while rest.len() >= channels && idle < MOST_IDLE_LOOKS {
        match io.writei(rest) {
            Ok(frames) if frames > 0 => {
                idle = 0;
                rest = rest.get(frames * channels..).unwrap_or_default();
            }
            Err(error) if error.errno() != EAGAIN => pcm.try_recover(error, true)?,
            Ok(_) | Err(_) => {
                idle += 1;
                if wait(LOOK) {
                    pcm.drop()?;
                    return Ok(Written::Interrupted);
                }
            }
        }
    }
    Ok(Written::All)
}

/// Lets the buffer run out.
fn drain(pcm: &PCM, wait: &mut Wait<'_>) -> alsa::Result<()> {
    match pcm.drain() {
        // A clip shorter than the buffer was never started by the writing.
        Err(error) if error.errno() != EAGAIN => return Err(error),
        _ => {}
    }
    let mut looks = 0;
    while pcm.state() == State::Draining && looks < MOST_IDLE_LOOKS {
        looks += 1;
        if wait(LOOK) {
            return pcm.drop();
        }
    }
    Ok(())
}

/// Two seconds in which a card takes nothing: it hangs.
const MOST_IDLE_LOOKS: u32 = 50;

/// "Try again": the buffer is full.
const EAGAIN: i32 = rustix::io::Errno::AGAIN.raw_os_error();

#[cfg(test)]
impl CardError {
    /// What a tablet without a sound card says.
    pub(super) fn absent() -> Self {
        Self {
            doing: "open",
            said: String::new(),
            source: alsa::Error::new("snd_pcm_open", rustix::io::Errno::NOENT.raw_os_error()),
        }
    }
}
