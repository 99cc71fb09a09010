//! A new profile and its files: all of it or nothing.

use std::io::Cursor;

use axum::http::StatusCode;
use image::{DynamicImage, ImageFormat};
use manyi_shared::tablet::read_profile;
use manyi_shared::wire::{
    Announcement, AssetDigest, Profile, ProfileOptions, ProfileStaff, SecretKey, Voice, VoiceClip,
    digest,
};

use crate::collector::profile;
use crate::relay::Fault;
use crate::tablet::Hall;
use crate::wait_for;

pub(crate) fn picture(side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    DynamicImage::new_rgb8(side, side)
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .unwrap();
    bytes
}

fn sound() -> Vec<u8> {
    let mut bytes = b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0".to_vec();
    bytes.extend(b"\x02\0\x10\0data\x04\0\0\0\0\0\0\0");
    bytes
}

/// A profile with these pictures in its announcements.
pub(crate) fn announcing(version: u32, pictures: &[AssetDigest]) -> Profile {
    let announcement = |picture: &AssetDigest| Announcement {
        text: "今日预约".to_owned(),
        picture: Some(*picture),
        seconds: 10,
    };
    Profile {
        options: Some(ProfileOptions {
            announcements: Some(pictures.iter().map(announcement).collect()),
            ..ProfileOptions::default()
        }),
        ..profile(version)
    }
}

impl Hall {
    pub(crate) fn version(&self) -> u32 {
        let identity = self.tablet.identity();
        read_profile(&self.tablet.data, &identity).unwrap().version
    }

    /// Puts a file into the centre.
    pub(crate) fn publish(&self, bytes: Vec<u8>) -> AssetDigest {
        let name = digest(&bytes);
        self.collector.centre().assets.insert(name, bytes);
        name
    }

    pub(crate) fn has(&self, asset: &AssetDigest) -> bool {
        let read = std::fs::read(self.tablet.data.asset(asset));
        read.is_ok_and(|bytes| digest(&bytes) == *asset)
    }

    fn problem(&self) -> Option<String> {
        let centre = self.collector.centre();
        let head = centre.heads.last()?;
        head.health.profile_problem.clone()
    }

    fn times_asked_for(&self, asset: &AssetDigest) -> usize {
        let centre = self.collector.centre();
        centre.asked_for.iter().filter(|one| *one == asset).count()
    }
}

#[tokio::test]
async fn a_profile_is_obeyed_when_its_files_are_there_and_files_of_no_profile_go() {
    let hall = Hall::new().await;
    let (first, second, third) = (picture(3), picture(4), picture(5));
    let [first, second, third] = [first, second, third].map(|bytes| hall.publish(bytes));
    let clip = hall.publish(sound());
    let daemon = hall.tablet.daemon();
    let mut two = announcing(2, &[first]);
    two.staff.push(ProfileStaff {
        id: "LQ0101".to_owned(),
        name: "王芳".to_owned(),
        post: "综合受理".to_owned(),
        stars: Some(5),
        photo: Some(second),
    });
    two.options.as_mut().unwrap().voice = Some(Voice {
        volume: 50,
        clips: Some(vec![VoiceClip {
            language: "zh-Hans".to_owned(),
            clip: "thanks".to_owned(),
            sound: clip,
        }]),
        ..Voice::default()
    });
    hall.collector.centre().profile = two;
    wait_for("version 2", || {
        let obeyed = hall.version() == 2;
        let all = [first, second, clip].iter().all(|asset| hall.has(asset));
        assert!(!obeyed || all, "on the card before its files");
        obeyed
    })
    .await;
    hall.collector.centre().profile = announcing(3, &[third, first]);
    wait_for("version 3", || hall.version() == 3).await;
    assert!(
        hall.has(&second),
        "the old profile's may still be on the screen"
    );
    hall.collector.centre().profile = announcing(4, &[third]);
    wait_for("version 4", || hall.version() == 4).await;
    wait_for("the photograph is gone", || {
        !hall.has(&second) && !hall.has(&clip)
    })
    .await;
    assert!(hall.has(&third) && hall.has(&first));
    daemon.stop().await;
    for asset in [first, second, third, clip] {
        assert_eq!(hall.times_asked_for(&asset), 1);
    }
}

#[tokio::test]
async fn a_profile_whose_files_cannot_be_reached_waits_and_nothing_is_fetched_twice() {
    let hall = Hall::new().await;
    let [first, second] = [picture(3), picture(4)].map(|bytes| hall.publish(bytes));
    hall.collector.centre().refuse_assets = Some(StatusCode::SERVICE_UNAVAILABLE);
    hall.collector.centre().profile = announcing(2, &[first, second]);
    let daemon = hall.tablet.daemon();
    wait_for("two tries", || hall.times_asked_for(&first) >= 2).await;
    assert_eq!((hall.version(), hall.problem()), (1, None));
    hall.collector.centre().refuse_assets = None;
    wait_for("version 2", || hall.version() == 2).await;
    daemon.stop().await;
    assert_eq!(hall.times_asked_for(&second), 1);
    let centre = hall.collector.centre();
    assert!(
        centre
            .heads
            .iter()
            .all(|head| head.profile_version == 1 || head.profile_version == 2)
    );
}

#[tokio::test]
async fn a_restart_between_two_files_fetches_only_the_second_again() {
    let hall = Hall::new().await;
    let first = hall.publish(picture(3));
    let second = digest(&picture(4));
    hall.collector.centre().profile = announcing(2, &[first, second]);
    hall.collector.centre().assets.insert(second, Vec::new());
    let daemon = hall.tablet.daemon();
    wait_for("the second is asked for", || {
        hall.times_asked_for(&second) == 1
    })
    .await;
    daemon.stop().await;
    hall.collector.centre().assets.insert(second, picture(4));
    let daemon = hall.tablet.daemon();
    wait_for("version 2", || hall.version() == 2).await;
    daemon.stop().await;
    assert_eq!(hall.times_asked_for(&first), 1);
}

/// A profile that must be refused, and what is said about it.
#[derive(Debug, Clone, Copy)]
enum Bad {
    NoPicture,
    OtherBytes,
    Unknown,
    Forbidden,
    TooLong,
    OtherHall,
    OutOfBounds,
    Forged,
}

fn bad_profile(hall: &Hall, bad: Bad) -> Profile {
    let good = hall.publish(picture(3));
    let with = |second: AssetDigest| announcing(18, &[good, second]);
    match bad {
        Bad::NoPicture => with(hall.publish(b"<svg/>".to_vec())),
        Bad::OtherBytes => {
            let name = digest(b"what it should be");
            hall.collector.centre().assets.insert(name, picture(9));
            with(name)
        }
        Bad::Unknown => with([7; 32]),
        Bad::Forbidden => {
            hall.collector.centre().refuse_assets = Some(StatusCode::FORBIDDEN);
            with([7; 32])
        }
        Bad::TooLong => with(hall.publish(vec![0; 2 * 1024 * 1024 + 1])),
        Bad::OtherHall => Profile {
            hall_id: "371581-02".to_owned(),
            ..profile(18)
        },
        Bad::OutOfBounds => Profile {
            ask_seconds: 1,
            ..profile(18)
        },
        Bad::Forged => {
            let forged = profile(18).seal(&SecretKey::from_seed(&[66; 32]));
            hall.collector.centre().other_profile = Some(forged);
            profile(18)
        }
    }
}

#[rstest::rstest]
#[case::no_picture(
    Bad::NoPicture,
    "profile 18: options.announcements[1].picture: is neither"
)]
#[case::other_bytes(
    Bad::OtherBytes,
    "profile 18: options.announcements[1].picture: what the"
)]
#[case::unknown(
    Bad::Unknown,
    "profile 18: options.announcements[1].picture: the centre refuses"
)]
#[case::forbidden(
    Bad::Forbidden,
    "profile 18: options.announcements[0].picture: the centre"
)]
#[case::too_long(
    Bad::TooLong,
    "profile 18: options.announcements[1].picture: is longer"
)]
#[case::other_hall(Bad::OtherHall, "profile 18: hall_id: is 371581-02")]
#[case::out_of_bounds(Bad::OutOfBounds, "profile 18: ask_seconds: 1 is outside 5 to 600")]
#[case::forged(Bad::Forged, "profile: ")]
#[tokio::test]
async fn a_profile_that_cannot_be_obeyed_is_refused_as_a_whole_until_another_comes(
    #[case] bad: Bad,
    #[case] problem: &str,
) {
    let hall = Hall::new().await;
    let bad = bad_profile(&hall, bad);
    hall.collector.centre().profile = bad;
    let daemon = hall.tablet.daemon();
    wait_for("the centre knows", || {
        hall.problem().is_some_and(|said| said.starts_with(problem))
    })
    .await;
    let asked = hall.collector.centre().asked_for.len();
    hall.collector.centre().heads.clear();
    wait_for("two more offers", || {
        hall.collector.centre().heads.len() > 2
    })
    .await;
    assert_eq!(hall.version(), 1);
    assert_eq!(hall.collector.centre().asked_for.len(), asked, "tried once");
    {
        let mut centre = hall.collector.centre();
        centre.profile = profile(19);
        centre.other_profile = None;
    }
    wait_for("the next version", || hall.version() == 19).await;
    wait_for("the centre knows", || hall.problem().is_none()).await;
    daemon.stop().await;
}

#[tokio::test]
async fn files_that_have_gone_from_the_card_are_fetched_again() {
    let hall = Hall::new().await;
    let asset = hall.publish(picture(3));
    hall.collector.centre().profile = announcing(2, &[asset]);
    let daemon = hall.tablet.daemon();
    wait_for("version 2", || hall.version() == 2).await;
    daemon.stop().await;
    std::fs::remove_dir_all(hall.tablet.data.assets()).unwrap();
    let daemon = hall.tablet.daemon();
    wait_for("the file is back", || hall.has(&asset)).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_first_profile_with_files_comes_with_the_first_exchange() {
    let hall = Hall::new().await;
    let asset = hall.publish(picture(3));
    hall.collector.centre().profile = announcing(2, &[asset]);
    let code = crate::collector::CODE;
    let enrolled = hall.tablet.enrol_with(hall.relay.address, code, true);
    enrolled.await.unwrap();
    assert!(
        !hall.tablet.data.profile().exists(),
        "the old one is not ours any more"
    );
    let daemon = hall.tablet.daemon();
    wait_for("version 2", || hall.tablet.data.profile().exists()).await;
    assert!(hall.has(&asset));
    daemon.stop().await;
}

#[tokio::test]
async fn ratings_go_on_while_a_file_is_fetched() {
    let hall = Hall::new().await;
    let asset = hall.publish(picture(3));
    let daemon = hall.tablet.daemon();
    let mut terminal = hall.tablet.terminal();
    hall.collector.centre().refuse_assets = Some(StatusCode::BAD_GATEWAY);
    hall.collector.centre().profile = announcing(2, &[asset]);
    wait_for("a try", || hall.times_asked_for(&asset) >= 1).await;
    hall.relay.then([Fault::None]);
    terminal.rate(5);
    wait_for("the ratings are there", || hall.is_even()).await;
    daemon.stop().await;
    assert_eq!(hall.version(), 1);
}
