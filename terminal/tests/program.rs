//! The program from outside, as far as it goes without a display.

use std::path::Path;
use std::process::{Command, Output};

fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_manyi-terminal"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MANYI_") {
            command.env_remove(name);
        }
    }
    command
        .env_remove("DISPLAY")
        .arg("--data-dir")
        .arg(data)
        .env("MANYI_LISTEN", "127.0.0.1:0");
    command
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn check_config_prints_what_would_be_used() {
    let data = folder();
    let (code, out, _) = run(program(data.path())
        .arg("check-config")
        .env("MANYI_WIDTH", "1024"));
    assert_eq!(code, Some(0));
    assert!(out.contains("configuration is good"), "{out}");
    assert!(out.contains("width = 1024, height = 800"), "{out}");
}

#[test]
fn a_wrong_key_ends_the_program_with_its_name() {
    let data = folder();
    let file = data.path().join("terminal.toml");
    std::fs::write(&file, "lisen = \"127.0.0.1:7310\"").expect("a file");
    let (code, _, err) = run(program(data.path()).arg("--config").arg(&file));
    assert_eq!(code, Some(1));
    assert!(err.contains("lisen"), "{err}");
}

#[test]
fn a_missing_display_is_said_and_what_to_do() {
    let data = folder();
    let (code, _, err) = run(program(data.path()).env("MANYI_BACKEND", "window"));
    assert_eq!(code, Some(1));
    assert!(
        err.contains(
            "no display: DISPLAY is not set; set backend = \"kms\" on a device or start under Xvfb"
        ),
        "{err}"
    );
}

#[test]
fn a_display_that_does_not_answer_is_said() {
    let data = folder();
    let mut command = program(data.path());
    let (code, _, err) = run(command
        .env("MANYI_BACKEND", "window")
        .env("DISPLAY", ":4711"));
    assert_eq!(code, Some(1));
    assert!(
        err.contains("no display: the window back end would not start"),
        "{err}"
    );
}

#[test]
fn a_missing_font_is_said_before_anything_is_shown() {
    let (data, fonts) = (folder(), folder());
    let (code, _, err) = run(program(data.path()).env("MANYI_FONTS_DIR", fonts.path()));
    assert_eq!(code, Some(1));
    assert!(err.contains("ManyiSans-Regular.otf"), "{err}");
    assert!(err.contains("fonts_dir"), "{err}");
}

#[test]
fn a_taken_port_ends_the_program_with_its_address() {
    let data = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("a port").to_string();
    let (code, _, err) = run(program(data.path()).env("MANYI_LISTEN", &address));
    assert_eq!(code, Some(1));
    assert!(
        err.contains(&format!("{address} is already in use")),
        "{err}"
    );
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named() {
    let data = folder();
    let file = data.path().join("taken");
    std::fs::write(&file, "").expect("a file");
    let (code, _, err) = run(&mut program(&file.join("data")));
    assert_eq!(code, Some(1));
    assert!(err.contains("taken"), "{err}");
}

#[test]
fn looking_at_a_journal_that_is_not_there_changes_nothing() {
    let data = folder();
    for look in ["list", "verify", "export"] {
        let (code, out, err) = run(program(data.path()).args(["journal", look]));
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(err.contains("there is no journal at"), "{err}");
    }
    assert_eq!(std::fs::read_dir(data.path()).expect("a folder").count(), 0);
}

/// A sound card that writes what it plays into a file.
fn fake_card(folder: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let (config, played) = (folder.join("asound.conf"), folder.join("played.raw"));
    let text = format!(
        "pcm.!default {{ type file\nfile \"{}\"\nformat raw\nslave.pcm {{ type null }} }}\n",
        played.display()
    );
    std::fs::write(&config, text).expect("a file");
    (config, played)
}

/// A WAV file of 16-bit mono samples.
fn wav(path: &Path, rate: u32, samples: &[i16]) {
    let size = u32::try_from(samples.len() * 2).expect("a short clip");
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + size).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * 2).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(size.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    std::fs::write(path, bytes).expect("a file");
}

#[test]
fn a_clip_reaches_the_sound_card_whole_and_as_loud_as_told() {
    let data = folder();
    let (config, played) = fake_card(data.path());
    let clip = data.path().join("clip.wav");
    let samples: Vec<i16> = (0..30_000).collect();
    wav(&clip, 22_050, &samples);
    let (code, _, err) = run(program(data.path())
        .args(["voice", "play", "--volume", "50"])
        .arg(&clip)
        .env("ALSA_CONFIG_PATH", &config));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let heard = std::fs::read(&played).expect("sound");
    let heard: Vec<i16> = heard
        .as_chunks::<2>()
        .0
        .iter()
        .map(|sample| i16::from_le_bytes(*sample))
        .collect();
    let soft: Vec<i16> = samples.iter().map(|sample| sample / 4).collect();
    assert!(heard == soft, "{} of {} samples", heard.len(), soft.len());
}

#[test]
fn a_missing_sound_card_is_said_in_one_line() {
    let data = folder();
    let clip = data.path().join("clip.wav");
    wav(&clip, 22_050, &[0; 100]);
    let empty = data.path().join("asound.conf");
    std::fs::write(&empty, "").expect("a file");
    let (code, _, err) = run(program(data.path())
        .args(["voice", "play"])
        .arg(&clip)
        .env("ALSA_CONFIG_PATH", &empty));
    assert_eq!(code, Some(1));
    assert!(
        err.contains("the sound card `default` does not open"),
        "{err}"
    );
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[test]
fn clips_are_not_made_without_espeak_and_what_to_do_is_said() {
    let data = folder();
    let (code, _, err) = run(program(data.path())
        .args(["voice", "make"])
        .env("PATH", data.path()));
    assert_eq!(code, Some(1));
    assert!(err.contains("apt-get install espeak-ng"), "{err}");
}

#[test]
fn a_token_for_no_window_is_not_made() {
    let data = folder();
    let (code, out, err) = run(program(data.path()).args(["lan-token", "new"]));
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("enrol"), "{err}");
    let (code, out, _) = run(program(data.path()).args(["lan-token", "remove"]));
    assert_eq!((code, out.trim()), (Some(0), "there was no token"));
}
