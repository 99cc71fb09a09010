use std::collections::HashMap;

use super::*;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("terminal.toml");
    std::fs::write(&file, text).unwrap();
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    Config::load(
        Some(&file),
        |name| variables.get(name).map(ToString::to_string),
        None,
    )
}

/// The whole chain of an error, without the temporary folder's name.
fn words(error: &ConfigError) -> String {
    crate::recorder::chain(error)
}

#[test]
fn without_a_file_the_defaults_hold() {
    let config = Config::load(None, |_| None, None).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:7310");
    assert_eq!(config.backend, Backend::Auto);
    assert!(!config.demo_key && !config.fullscreen);
}

#[test]
fn the_example_file_holds_exactly_the_defaults() {
    let example = include_str!("../../../deploy/terminal.example.toml");
    assert_eq!(
        load(example, &[]).unwrap(),
        Config::load(None, |_| None, None).unwrap()
    );
    for key in KEYS {
        let described = |line: &str| {
            line.trim_start_matches("# ")
                .starts_with(&format!("{key} = "))
        };
        assert!(example.lines().any(described), "{key} is not described");
    }
}

#[test]
fn a_variable_wins_over_the_file_and_the_command_line_over_both() {
    let config = load("width = 1024\nheight = 600", &[("MANYI_WIDTH", "800")]).unwrap();
    assert_eq!((config.width, config.height), (800, 600));
    let variable = |name: &str| (name == "MANYI_DATA_DIR").then(|| "/from/variable".to_owned());
    let config = Config::load(None, variable, Some(Path::new("/from/line"))).unwrap();
    assert_eq!(config.data_dir, Path::new("/from/line"));
}

#[rstest::rstest]
#[case::every_key("MANYI_DEMO_KEY", "true")]
#[case::of_every_type("MANYI_FULLSCREEN", "true")]
#[case::can_be_a_variable("MANYI_FONTS_DIR", "/fonts")]
fn variables_have_the_types_of_their_keys(#[case] name: &str, #[case] value: &str) {
    let config = load("", &[(name, value)]).unwrap();
    assert_ne!(config, load("", &[]).unwrap());
}

#[rstest::rstest]
#[case::unknown_key("listne = \"127.0.0.1:1\"", &["listne"])]
#[case::no_address("listen = \"here\"", &["listen"])]
#[case::everybody("listen = \"0.0.0.0:7310\"", &["listen", "0.0.0.0:7310", "loopback"])]
#[case::hall_network("listen = \"192.168.1.4:7310\"", &["loopback"])]
#[case::unknown_backend("backend = \"wayland\"", &["backend", "wayland"])]
#[case::headless_is_for_tests("backend = \"headless\"", &["headless"])]
#[case::no_pixels("width = 0", &["width", "320 to 7680"])]
#[case::many_pixels("height = 100000", &["height", "320 to 7680"])]
#[case::not_a_flag("demo_key = \"perhaps\"", &["demo_key"])]
#[case::certificate_without_key("lan_cert_file = \"/x\"", &["lan_cert_file", "lan_key_file"])]
#[case::one_door_twice("lan_listen = \"127.0.0.1:7310\"", &["lan_listen", "another address"])]
#[case::backlight_elsewhere("backlight = \"../../x\"", &["backlight", "/sys/class/backlight"])]
#[case::no_such_pin("[gpio]\nlamp = 28", &["gpio.lamp", "28", "0 to 27"])]
#[case::one_pin_twice("[gpio]\nbutton = 17\nlamp = 17", &["gpio.lamp", "of its own"])]
#[case::no_debounce("[gpio]\ndebounce_ms = 0", &["gpio.debounce_ms", "1 to 1000"])]
#[case::unknown_pin("[gpio]\nbuton = 17", &["buton"])]
#[case::log_filter("log = \"manyi=loud\"", &["log", "info"])]
#[case::no_toml("width 1280", &["file `"])]
fn a_wrong_file_is_refused_and_the_key_is_named(#[case] text: &str, #[case] parts: &[&str]) {
    let message = words(&load(text, &[]).unwrap_err());
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn the_commented_part_of_the_example_can_be_used() {
    let example = include_str!("../../../deploy/terminal.example.toml");
    let uncommented: String = example
        .lines()
        .map(|line| {
            let key = line.trim_start_matches("# ").split(['=', ']']).next();
            let key = key.unwrap_or_default().trim_start_matches('[').trim();
            let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let line = if is_key {
                line.trim_start_matches("# ")
            } else {
                line
            };
            format!("{line}\n")
        })
        .collect();
    let config = load(&uncommented, &[]).unwrap();
    let gpio = config.gpio.unwrap();
    assert_eq!(
        (gpio.button, gpio.lamp, gpio.buzzer),
        (Some(17), Some(27), Some(22))
    );
    let door = config.lan_door().unwrap();
    assert_eq!(door.listen.to_string(), "0.0.0.0:7312");
    assert!(door.tls.is_some());
}

#[test]
fn a_wrong_variable_is_named() {
    let message = words(&load("", &[("MANYI_WIDTH", "wide")]).unwrap_err());
    assert!(message.contains("MANYI_WIDTH"), "{message}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::load(Some(Path::new("/nowhere/terminal.toml")), |_| None, None);
    let message = words(&error.unwrap_err());
    assert!(message.contains("/nowhere/terminal.toml"), "{message}");
}
