use super::*;

fn announcement(text: &str) -> Announcement {
    Announcement {
        text: text.to_owned(),
        picture: None,
        seconds: 10,
    }
}

fn tag(level: u8, code: u16, languages: &[&str]) -> ProfileTag {
    ProfileTag {
        level,
        code,
        names: languages
            .iter()
            .map(|language| Localised {
                language: (*language).to_owned(),
                text: "x".to_owned(),
            })
            .collect(),
    }
}

fn two_languages() -> ProfileOptions {
    ProfileOptions {
        languages: Some(vec!["en".to_owned()]),
        ..ProfileOptions::default()
    }
}

fn problem(options: &ProfileOptions) -> String {
    options.check().unwrap_err().to_string()
}

#[test]
fn a_profile_of_the_first_version_offers_every_language_and_begins_in_chinese() {
    let options = ProfileOptions::default();
    assert_eq!(options.check(), Ok(()));
    assert_eq!(options.languages(), Language::ALL);
    assert_eq!(options.default_language(), Language::ZhHans);
}

#[test]
fn the_default_language_is_always_offered() {
    assert_eq!(
        two_languages().languages(),
        [Language::ZhHans, Language::En]
    );
}

#[test]
fn a_tag_must_be_translated_into_every_offered_language() {
    let mut options = two_languages();
    options.tags = Some(vec![
        tag(5, 510, &["zh-Hans", "en"]),
        tag(4, 406, &["zh-Hans"]),
    ]);
    let problem = problem(&options);
    assert!(problem.contains("options.tags[1].names"), "{problem}");
    assert!(problem.contains("into en is missing"), "{problem}");
}

#[rstest::rstest]
#[case::other_level(tag(5, 406, &["zh-Hans", "en"]), "406 does not belong to level 5")]
#[case::retired(tag(5, 501, &["zh-Hans", "en"]), "501 is no code in use")]
#[case::no_code(tag(5, 99, &["zh-Hans", "en"]), "99 is no code in use")]
fn a_tag_of_another_level_or_of_none_is_refused(#[case] tag: ProfileTag, #[case] words: &str) {
    let mut options = two_languages();
    options.tags = Some(vec![tag]);
    let problem = problem(&options);
    assert!(
        problem.contains("options.tags[0].code") && problem.contains(words),
        "{problem}"
    );
}

#[rstest::rstest]
#[case::language(
    ProfileOptions { languages: Some(vec!["zh".into()]), ..Default::default() },
    "options.languages[0]"
)]
#[case::level(
    ProfileOptions { reasons_required: Some(vec![2, 6]), ..Default::default() },
    "options.reasons_required[1]"
)]
#[case::phone_without_key(
    ProfileOptions { ask_phone: Some(true), ..Default::default() },
    "options.ask_phone"
)]
#[case::plain_pin(
    ProfileOptions { technician_pin: Some("1234".into()), ..Default::default() },
    "options.technician_pin"
)]
#[case::address(
    ProfileOptions {
        supplement: Some(SupplementOption { url: "rate.example.cn".into(), hours: 24 }),
        ..Default::default()
    },
    "options.supplement.url"
)]
#[case::hours(
    ProfileOptions {
        hours: Some(vec![OpeningHours { days: 1, opens: 1020, closes: 540 }]),
        ..Default::default()
    },
    "options.hours[0]"
)]
#[case::silent_announcement(
    ProfileOptions { announcements: Some(vec![announcement("")]), ..Default::default() },
    "options.announcements[0].text"
)]
#[case::loud(
    ProfileOptions { voice: Some(Voice { volume: 101, ..Voice::default() }), ..Default::default() },
    "options.voice.volume"
)]
#[case::half_quiet(
    ProfileOptions {
        voice: Some(Voice { quiet_from: Some(720), ..Voice::default() }),
        ..Default::default()
    },
    "options.voice.quiet_from"
)]
#[case::hurry(
    ProfileOptions { heartbeat_seconds: Some(1), ..Default::default() },
    "options.heartbeat_seconds"
)]
fn a_field_out_of_its_bounds_is_named(#[case] options: ProfileOptions, #[case] field: &str) {
    let problem = problem(&options);
    assert!(problem.contains(&format!("`{field}`")), "{problem}");
}

#[test]
fn every_file_is_named_with_the_field_that_wants_it() {
    let mut options = ProfileOptions::default();
    let picture = Announcement {
        picture: Some([1; 32]),
        ..announcement("今日停电")
    };
    options.announcements = Some(vec![announcement("国庆放假"), picture]);
    options.voice = Some(Voice {
        volume: 60,
        clips: Some(vec![VoiceClip {
            language: "en".to_owned(),
            clip: "thanks".to_owned(),
            sound: [2; 32],
        }]),
        ..Voice::default()
    });
    assert_eq!(options.check(), Ok(()));
    let named: Vec<_> = options.assets().collect();
    assert_eq!(
        named,
        [
            (
                "options.announcements[1].picture".to_owned(),
                AssetKind::Picture,
                [1; 32]
            ),
            (
                "options.voice.clips[0].sound".to_owned(),
                AssetKind::Sound,
                [2; 32]
            ),
        ]
    );
}

#[rstest::rstest]
#[case::before(0, 8 * 60 + 30, 30)]
#[case::opening(0, 9 * 60, 0)]
#[case::last_minute(0, 12 * 60 - 1, 0)]
#[case::noon(0, 12 * 60, 1)]
#[case::afternoon(0, 14 * 60, 0)]
#[case::evening(0, 18 * 60 + 29, 90)]
#[case::sunday(6, 10 * 60, u16::MAX)]
fn the_distance_to_opening_hours_is_counted_in_minutes(
    #[case] weekday: u8,
    #[case] minute: u16,
    #[case] away: u16,
) {
    let half = |opens, closes| OpeningHours {
        days: 0b001_1111,
        opens,
        closes,
    };
    let options = ProfileOptions {
        hours: Some(vec![half(13 * 60, 17 * 60), half(9 * 60, 12 * 60)]),
        ..ProfileOptions::default()
    };
    assert_eq!(options.minutes_from_open(weekday, minute), away);
    let opens = (weekday < 5).then_some(9 * 60);
    assert_eq!(options.opens_at(weekday), opens);
}
