use hound::{SampleFormat, WavSpec, WavWriter};
use manyi_shared::domain::BootId;
use manyi_shared::tablet::DataDir;
use std::sync::Mutex;

use super::*;

/// What a speaker was heard to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// A clip of so many samples, the loudest of which is this.
    Start(usize, i16),
    Cut,
    End,
    NoCard,
}

/// A speaker that plays a long clip until it is interrupted and a short one at once.
struct Fake {
    heard: Sender<Heard>,
    card: bool,
}

const LONG: u32 = 1000;

impl Speaker for Fake {
    fn play(&mut self, wave: &Wave, wait: &mut Wait<'_>) -> Result<(), CardError> {
        if !self.card {
            self.heard.send(Heard::NoCard).unwrap();
            return Err(CardError::absent());
        }
        let loudest = wave.samples.iter().copied().max().unwrap();
        self.heard
            .send(Heard::Start(wave.samples.len(), loudest))
            .unwrap();
        let long = wave.samples.len() == usize::try_from(LONG).unwrap();
        let mut cut = false;
        while long && !cut {
            cut = wait(Duration::from_secs(20));
        }
        let end = if cut { Heard::Cut } else { Heard::End };
        self.heard.send(end).unwrap();
        Ok(())
    }
}

/// A clock that is set by hand.
struct Hand(Mutex<ClockReading>);

impl Clock for Hand {
    fn read(&self) -> ClockReading {
        *self.0.lock().unwrap()
    }
}

/// A voice on its thread.
struct Said {
    voice: Voice,
    heard: Receiver<Heard>,
    folder: tempfile::TempDir,
}

/// A mouth without a thread.
struct Here {
    mouth: Mouth<Fake>,
    heard: Receiver<Heard>,
    clock: Arc<Hand>,
    _folder: tempfile::TempDir,
}

fn clip(folder: &std::path::Path, language: &str, clip: Clip, samples: u32) {
    let folder = folder.join("voice").join(language);
    std::fs::create_dir_all(&folder).unwrap();
    let spec = WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let file = folder.join(format!("{}.wav", clip.name()));
    let mut writer = WavWriter::create(file, spec).unwrap();
    for _ in 0..samples {
        writer.write_sample(10_000_i16).unwrap();
    }
    writer.finalize().unwrap();
}

fn fake(card: bool) -> (Fake, Receiver<Heard>, tempfile::TempDir, Folders, Arc<Hand>) {
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path(), "en", Clip::Invitation, LONG);
    clip(folder.path(), "en", Clip::Thanks, 5);
    clip(folder.path(), "en", Clip::Level(5), 7);
    let (tell, heard) = channel();
    let clock = Arc::new(Hand(Mutex::new(ClockReading {
        // 2026-03-02T10:00Z
        wall_ms: 1_772_445_600_000,
        uptime_ms: 100_000,
        boot: BootId::from_bytes([0; 16]),
        synchronised: true,
    })));
    let folders = Folders::of(&DataDir::new(folder.path()), None);
    (Fake { heard: tell, card }, heard, folder, folders, clock)
}

fn said() -> Said {
    let (speaker, heard, folder, folders, clock) = fake(true);
    let voice = Voice::start(speaker, folders, clock).unwrap();
    voice.settings(on());
    Said {
        voice,
        heard,
        folder,
    }
}

fn here(card: bool) -> Here {
    let (speaker, heard, folder, folders, clock) = fake(card);
    let (_, orders) = channel();
    let mouth = Mouth {
        speaker,
        folders,
        clock: clock.clone(),
        settings: VoiceSettings::default(),
        deaf_until: 0,
        inbox: Inbox {
            orders,
            held: VecDeque::new(),
            ended: false,
        },
    };
    Here {
        mouth,
        heard,
        clock,
        _folder: folder,
    }
}

fn on() -> VoiceSettings {
    VoiceSettings {
        on: true,
        volume: 100,
        ..VoiceSettings::default()
    }
}

#[test]
fn a_new_clip_takes_the_place_of_the_one_that_is_being_said() {
    let said = said();
    said.voice.say(Clip::Invitation, "en");
    assert_eq!(said.heard.recv(), Ok(Heard::Start(1000, 10_000)));
    said.voice.say(Clip::Thanks, "en");
    let then: Vec<_> = said.heard.iter().take(3).collect();
    assert_eq!(then, [Heard::Cut, Heard::Start(5, 10_000), Heard::End]);
}

#[test]
fn switching_the_voice_off_cuts_what_is_being_said() {
    let said = said();
    said.voice.say(Clip::Invitation, "en");
    assert_eq!(said.heard.recv(), Ok(Heard::Start(1000, 10_000)));
    said.voice.settings(VoiceSettings::default());
    assert_eq!(said.heard.recv(), Ok(Heard::Cut));
}

#[test]
fn a_clip_that_is_not_there_is_silence() {
    let mut said = here(true);
    said.mouth.settings = on();
    said.mouth.say(Clip::NotKept, "en");
    said.mouth.say(Clip::Thanks, "tlh");
    said.mouth.say(Clip::Thanks, "../en");
    assert_eq!(said.heard.try_iter().count(), 0);
}

#[test]
fn a_clip_of_the_profile_comes_first_and_a_spoilt_one_does_not_silence() {
    let said = said();
    let asset = said.folder.path().join("voice/en/level-5.wav");
    let assets = [((Clip::Thanks, "en".to_owned()), asset.clone())];
    said.voice.settings(VoiceSettings {
        assets: assets.into(),
        ..on()
    });
    said.voice.say(Clip::Thanks, "en");
    let first: Vec<_> = said.heard.iter().take(2).collect();
    assert_eq!(first, [Heard::Start(7, 10_000), Heard::End]);
    std::fs::write(&asset, "no clip").unwrap();
    said.voice.say(Clip::Thanks, "en");
    assert_eq!(said.heard.recv(), Ok(Heard::Start(5, 10_000)));
}

#[rstest::rstest]
#[case::by_day(Some((720, 780)), 1_772_445_600_000, true)]
#[case::at_rest(Some((540, 660)), 1_772_445_600_000, false)]
#[case::a_clock_that_was_never_set_knows_no_night(Some((0, 1439)), 36_000_000, true)]
fn quiet_hours_are_kept(
    #[case] quiet: Option<(u16, u16)>,
    #[case] wall_ms: i64,
    #[case] heard: bool,
) {
    let mut said = here(true);
    said.clock.0.lock().unwrap().wall_ms = wall_ms;
    said.mouth.settings = VoiceSettings { quiet, ..on() };
    said.mouth.say(Clip::Level(5), "en");
    assert_eq!(said.heard.try_iter().count() > 0, heard);
}

#[test]
fn quiet_hours_are_those_of_the_hall() {
    let reading = ClockReading {
        wall_ms: 1_772_445_600_000,
        uptime_ms: 0,
        boot: BootId::from_bytes([0; 16]),
        synchronised: true,
    };
    let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
    assert_eq!(minute_of_day(&reading, &TimeZone::UTC), Some(600));
    assert_eq!(minute_of_day(&reading, &shanghai), Some(18 * 60));
}

#[test]
fn a_missing_sound_card_is_tried_again_after_a_minute() {
    let mut said = here(false);
    said.mouth.settings = on();
    let mut tried = Vec::new();
    for uptime_ms in [100_000, 159_999, 160_000] {
        said.clock.0.lock().unwrap().uptime_ms = uptime_ms;
        said.mouth.say(Clip::Thanks, "en");
        tried.push(said.heard.try_iter().count());
    }
    assert_eq!(tried, [1, 0, 1]);
}
