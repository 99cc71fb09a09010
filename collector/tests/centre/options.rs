//! `profile.toml`: what the office wants its terminals to do, and how it is refused.

use manyi_collector::hall::HallTables;
use manyi_collector::store::IngestStore;
use manyi_shared::wire::{AssetKind, OpeningHours, Profile, ProfileOptions, digest};

use crate::hall::{edit, faults, files};
use crate::support::{Centre, Tablet, office_secret};

/// A whole file with every key in it.
const EVERYTHING: &str = r#"
languages = ["zh-Hans", "en"]
default_language = "zh-Hans"
elder = false
reasons_required = [2, 1]
ask_phone = true
self_test_minutes = 15
heartbeat_seconds = 20
clerk_may_ask = false
ask_seconds = 45
reasons_seconds = 25
thanks_seconds = 4
guard_ms = 500
mirrored = true
ask_reasons = true
keep_records = 20000

[supplement]
url = "https://rate.example.cn/s/"
hours = 48

[[hours]]
days = "mon-fri"
opens = "09:00"
closes = "17:00"
[[hours]]
days = "sat"
opens = "09:00"
closes = "12:00"

[[announcements]]
text = "请评价"
picture = "pictures/counter.png"
seconds = 10

[voice]
volume = 40
quiet = "12:00-13:30"
clips = [{ language = "zh-Hans", clip = "thanks", sound = "thanks.wav" }]

[[tags]]
level = 2
code = 299
names = { zh-Hans = "指引不清", en = "Signs were unclear" }

[windows.A01]
elder = true
paused = "设备检修"
ask_seconds = 60
self_test_minutes = 0
tags = []
"#;

fn wav() -> Vec<u8> {
    let mut bytes = b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    bytes.extend([0x80, 0x3e, 0, 0, 0, 0x7d, 0, 0, 2, 0, 16, 0]);
    bytes.extend(b"data\x04\0\0\0\0\0\0\0");
    bytes
}

/// The demo hall with this `profile.toml`.
pub(crate) fn with(text: &str) -> tempfile::TempDir {
    let dir = files();
    std::fs::write(dir.path().join("profile.toml"), text).expect("written");
    std::fs::write(dir.path().join("thanks.wav"), wav()).expect("written");
    dir
}

pub(crate) async fn import(centre: &Centre, dir: &tempfile::TempDir) -> u32 {
    let tables = HallTables::read(dir.path()).expect("whole");
    let imported = centre.store.import_hall(tables).await.expect("stored");
    imported.expect("not refused").profile_version
}

/// The profile that the tablet is told with its next exchange.
pub(crate) async fn told(centre: &Centre, tablet: &mut Tablet) -> Profile {
    let body = tablet.heartbeat();
    let (_, reply) = centre.exchange(tablet, body).await;
    let bytes = reply.profile.expect("a profile");
    let profile = Profile::open(&bytes, &centre.key).expect("one that a terminal obeys");
    tablet.profile_version = profile.version;
    profile
}

#[tokio::test]
async fn everything_the_office_says_reaches_the_terminal() {
    let centre = Centre::new().await;
    let (mut here, mut there) = (centre.tablet("A01").await, centre.tablet("A02").await);
    import(&centre, &with(EVERYTHING)).await;

    let profile = told(&centre, &mut there).await;
    let options = profile.options.as_ref().expect("options");
    assert_eq!((profile.ask_seconds, profile.guard_ms), (45, 500));
    assert_eq!((profile.mirrored, profile.keep_records), (true, 20_000));
    assert_eq!(profile.tag_set, "office");
    assert_eq!(options.reasons_required, Some(vec![2, 1]));
    assert_eq!(options.self_test_minutes, Some(15));
    assert_eq!(options.paused, None);
    assert_eq!(
        options.office_key,
        Some(*office_secret().public().as_bytes())
    );
    let opening = |days, closes| OpeningHours {
        days,
        opens: 540,
        closes,
    };
    assert_eq!(
        options.hours,
        Some(vec![opening(0b1_1111, 1020), opening(0b10_0000, 720)])
    );
    let voice = options.voice.as_ref().expect("a voice");
    assert_eq!(
        (voice.quiet_from, voice.quiet_until),
        (Some(720), Some(810))
    );
    let kinds: Vec<_> = profile
        .assets()
        .into_iter()
        .map(|(_, kind, _)| kind)
        .collect();
    assert_eq!(kinds, [AssetKind::Picture, AssetKind::Sound]);

    // What a window says stands instead of what the hall says; the rest stays.
    let profile = told(&centre, &mut here).await;
    let options = profile.options.as_ref().expect("options");
    assert_eq!((profile.ask_seconds, profile.reasons_seconds), (60, 25));
    assert_eq!(
        (options.elder, options.self_test_minutes),
        (Some(true), None)
    );
    assert_eq!(options.paused.as_deref(), Some("设备检修"));
    assert_eq!((profile.tag_set.as_str(), &options.tags), ("v2", &None));
    assert_eq!(
        options.languages,
        Some(vec!["zh-Hans".to_owned(), "en".to_owned()])
    );
}

#[tokio::test]
async fn without_the_file_terminals_do_what_they_always_did() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let dir = files();
    std::fs::remove_file(dir.path().join("profile.toml")).expect("removed");
    import(&centre, &dir).await;
    let profile = told(&centre, &mut tablet).await;
    assert_eq!((profile.ask_seconds, profile.tag_set.as_str()), (30, "v2"));
    let options = ProfileOptions {
        office_key: Some(*office_secret().public().as_bytes()),
        ..ProfileOptions::default()
    };
    assert_eq!(profile.options, Some(options));
}

#[tokio::test]
async fn only_what_is_different_counts_the_version_up() {
    let centre = Centre::new().await;
    let first = import(&centre, &with(EVERYTHING)).await;
    assert_eq!(import(&centre, &with(EVERYTHING)).await, first);
    let longer = EVERYTHING.replace("ask_seconds = 45", "ask_seconds = 46");
    assert_eq!(import(&centre, &with(&longer)).await, first + 1);
    let dir = with(&longer);
    edit(dir.path(), "staff.csv", |text| {
        text.replacen("11371581MB9Y1037XH,5", "11371581MB9Y1037XH,3", 1)
    });
    assert_eq!(import(&centre, &dir).await, first + 2);
}

#[tokio::test]
async fn stars_and_photographs_of_clerks_are_optional_columns() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let dir = files();
    edit(dir.path(), "staff.csv", |text| {
        text.lines()
            .map(|line| match line {
                "staff_id,name,post,department_id,stars" => format!("{line},photo\n"),
                line if line.starts_with("LQ0101,") => format!("{line},pictures/counter.png\n"),
                line => format!("{line},\n"),
            })
            .collect()
    });
    import(&centre, &dir).await;
    let profile = told(&centre, &mut tablet).await;
    let clerk = profile
        .staff
        .iter()
        .find(|s| s.id == "LQ0101")
        .expect("her");
    let picture = std::fs::read(dir.path().join("pictures/counter.png")).expect("a file");
    assert_eq!(
        (clerk.stars, clerk.photo),
        (Some(5), Some(digest(&picture)))
    );
    // A file from before still imports.
    edit(dir.path(), "staff.csv", |text| {
        let four = |line: &str| line.split(',').take(4).collect::<Vec<_>>().join(",") + "\n";
        text.lines().map(four).collect()
    });
    import(&centre, &dir).await;
    let profile = told(&centre, &mut tablet).await;
    let clerk = profile
        .staff
        .iter()
        .find(|s| s.id == "LQ0101")
        .expect("her");
    assert_eq!((clerk.stars, clerk.photo), (None, None));
}

#[rstest::rstest]
#[case::unknown_key(
    "elder = false",
    "elderly = false",
    "profile.toml line 4: unknown field `elderly`"
)]
#[case::wrong_type(
    "ask_seconds = 45",
    "ask_seconds = \"long\"",
    "profile.toml line 10: invalid type"
)]
#[case::unknown_key_of_a_window("elder = true", "older = true", "line 47: unknown field `older`")]
#[case::unknown_window(
    "[windows.A01]",
    "[windows.Z99]",
    "profile.toml, windows.Z99: is not in windows.csv"
)]
#[case::out_of_range(
    "ask_seconds = 45",
    "ask_seconds = 2",
    "profile.toml, ask_seconds: is 2, but must be 5 to 600"
)]
#[case::out_of_range_at_a_window(
    "ask_seconds = 60",
    "ask_seconds = 900",
    "profile.toml, windows.A01.ask_seconds: is 900"
)]
#[case::journal(
    "keep_records = 20000",
    "keep_records = 5",
    "profile.toml, keep_records: is 5, but must be 1000"
)]
#[case::language(
    "\"zh-Hans\", \"en\"]",
    "\"zh-Hans\", \"de\"]",
    "profile.toml, languages[1]: `de` is none of"
)]
#[case::level(
    "reasons_required = [2, 1]",
    "reasons_required = [6]",
    "profile.toml, reasons_required[0]: 6 is no level"
)]
#[case::address(
    "https://rate",
    "ftp://rate",
    "profile.toml, supplement.url: must be an http(s) address"
)]
#[case::days(
    "mon-fri",
    "Mo-Fr",
    "profile.toml, hours[0].days: `Mo-Fr` must be days such as"
)]
#[case::time(
    "\"17:00\"",
    "\"5pm\"",
    "profile.toml, hours[0].closes: `5pm` must be a time of day"
)]
#[case::descending(
    "\"17:00\"",
    "\"08:00\"",
    "profile.toml, hours[0]: opens 540 and closes 480 must ascend"
)]
#[case::quiet(
    "12:00-13:30",
    "noon",
    "profile.toml, voice.quiet: `noon` must be a span"
)]
#[case::no_picture(
    "counter.png",
    "none.png",
    "profile.toml, announcements[0].picture: `pictures/none.png` cannot be read"
)]
#[case::not_a_picture(
    "pictures/counter.png",
    "hall.csv",
    "profile.toml, announcements[0].picture: `hall.csv` is no PNG or JPEG"
)]
#[case::not_a_sound(
    "thanks.wav",
    "hall.csv",
    "profile.toml, voice.clips[0].sound: `hall.csv` is no WAV file"
)]
#[case::outside(
    "pictures/counter.png",
    "../counter.png",
    "profile.toml, announcements[0].picture: `../counter.png` must be a file below"
)]
#[case::clip(
    "\"thanks\"",
    "\"goodbye\"",
    "profile.toml, voice.clips[0].clip: `goodbye` is none of"
)]
#[case::tag_of_another_level(
    "level = 2",
    "level = 3",
    "profile.toml, tags[0].code: 299 does not belong to level 3"
)]
#[case::translation(
    ", en = \"Signs were unclear\"",
    "",
    "profile.toml, tags[0].names: the translation into en is missing"
)]
fn a_file_that_terminals_cannot_obey_is_refused_by_its_field(
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &str,
) {
    assert!(EVERYTHING.contains(from), "{from}");
    let dir = with(&EVERYTHING.replacen(from, to, 1));
    let faults = faults(dir.path());
    assert!(
        faults.iter().any(|fault| fault.contains(expected)),
        "{faults:#?}"
    );
}

#[test]
fn a_picture_that_is_too_large_is_refused() {
    let dir = with(EVERYTHING);
    let large = vec![0; 2 * 1024 * 1024 + 1];
    std::fs::write(dir.path().join("pictures/counter.png"), large).expect("written");
    let fault = &faults(dir.path())[0];
    assert!(
        fault.contains("has 2097153 bytes, at most 2097152"),
        "{fault}"
    );
}

#[test]
fn a_grade_that_there_is_not_is_refused() {
    let dir = files();
    edit(dir.path(), "staff.csv", |text| {
        text.replacen("XH,5\n", "XH,6\n", 1)
    });
    assert_eq!(
        faults(dir.path())[0],
        "staff.csv line 2, column stars: `6` must be 1 to 5, or empty"
    );
}
