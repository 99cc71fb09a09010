use std::os::unix::fs::PermissionsExt;

use manyi_shared::domain::{BootId, HallId, WindowId};
use manyi_shared::journal::{Opening, Writer};
use tempfile::TempDir;

use super::*;

const NAME: &str = "manyi-journal-01010101-20260302-094107";

fn reading(wall_ms: i64) -> ClockReading {
    ClockReading {
        wall_ms,
        uptime_ms: 1,
        boot: BootId::from_bytes([7; 16]),
        synchronised: true,
    }
}

/// A tablet with a journal, and a folder under which media are mounted.
struct Tablet {
    folder: TempDir,
    data: DataDir,
    media: Media,
    _writer: Writer,
}

impl Tablet {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path().join("data"));
        std::fs::create_dir(data.path()).unwrap();
        let opening = Opening {
            suite: manyi_shared::wire::Suite::Ed25519Sha256,
            terminal: TerminalId::from_bytes([1; 16]),
            hall: HallId::new("371581-01").unwrap(),
            window: WindowId::new("A01").unwrap(),
            software: "manyi-terminal test".to_owned(),
        };
        // Open all the while: an export runs beside the terminal.
        let writer = Writer::open(&data.journal(), &opening, reading(0)).unwrap();
        let media = Media {
            mounts: folder.path().join("mounts"),
            under: vec![folder.path().join("media")],
        };
        std::fs::write(&media.mounts, "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n").unwrap();
        Self {
            folder,
            data,
            media,
            _writer: writer,
        }
    }

    fn plug_in(&self, name: &str, options: &str) -> PathBuf {
        let point = self.folder.path().join("media").join(name);
        std::fs::create_dir_all(&point).unwrap();
        let escaped = point.display().to_string().replace(' ', "\\040");
        let mut mounts = std::fs::read_to_string(&self.media.mounts).unwrap();
        mounts.push_str(&format!("/dev/sda1 {escaped} vfat {options} 0 0\n"));
        std::fs::write(&self.media.mounts, mounts).unwrap();
        point
    }

    fn export(&self) -> DoneNotice {
        run(&self.data, NAME, &self.media)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_journal_is_written_to_the_medium_beside_the_running_terminal() {
    let tablet = Tablet::new();
    let point = tablet.plug_in("USB DISK", "rw,uid=1000");
    let path = point.join(format!("{NAME}.jsonl"));
    assert_eq!(tablet.export(), DoneNotice::Exported(path.clone()));
    assert_eq!(names(&point), [format!("{NAME}.jsonl")]);
    let mut expected = Vec::new();
    journal_cli::run(Look::Export, &tablet.data.journal(), &mut expected).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), expected);
    assert!(
        String::from_utf8(expected)
            .unwrap()
            .contains("\"kind\":\"stream_opened\"")
    );
}

#[test]
fn an_earlier_export_is_never_replaced() {
    let tablet = Tablet::new();
    let point = tablet.plug_in("disk", "rw");
    std::fs::write(point.join(format!("{NAME}.jsonl")), "the first").unwrap();
    std::fs::write(point.join(format!("{NAME}-2.jsonl")), "the second").unwrap();
    let third = point.join(format!("{NAME}-3.jsonl"));
    assert_eq!(tablet.export(), DoneNotice::Exported(third));
    assert_eq!(
        std::fs::read(point.join(format!("{NAME}.jsonl"))).unwrap(),
        b"the first"
    );
}

#[test]
fn without_a_medium_nothing_is_written() {
    let tablet = Tablet::new();
    assert_eq!(tablet.export(), DoneNotice::NoMedium);
    tablet.plug_in("cdrom", "ro");
    assert_eq!(tablet.export(), DoneNotice::NoMedium);
}

#[test]
fn a_medium_that_takes_nothing_is_passed_over() {
    let tablet = Tablet::new();
    let gone = tablet.plug_in("gone", "rw");
    std::fs::remove_dir(&gone).unwrap();
    assert!(matches!(tablet.export(), DoneNotice::ExportFailed(why) if why.contains("gone")));
    let point = tablet.plug_in("disk", "rw");
    assert!(matches!(tablet.export(), DoneNotice::Exported(path) if path.starts_with(&point)));
}

#[test]
fn a_journal_that_cannot_be_read_leaves_nothing_on_the_medium() {
    let tablet = Tablet::new();
    let point = tablet.plug_in("disk", "rw");
    let elsewhere = DataDir::new(tablet.folder.path());
    let notice = run(&elsewhere, NAME, &tablet.media);
    assert!(
        matches!(&notice, DoneNotice::ExportFailed(why) if why.contains("there is no journal")),
        "{notice:?}"
    );
    assert_eq!(names(&point), [""; 0]);
}

#[test]
fn a_full_medium_is_named_and_left_clean() {
    let tablet = Tablet::new();
    let point = tablet.plug_in("disk", "rw");
    // /dev/full is a disk without room; the link stands where the unfinished file would be.
    std::os::unix::fs::symlink("/dev/full", point.join(format!("{NAME}.jsonl.part"))).unwrap();
    let notice = tablet.export();
    assert!(
        matches!(&notice, DoneNotice::ExportFailed(why) if why.contains("No space left")),
        "{notice:?}"
    );
    assert_eq!(names(&point), [""; 0]);
}

#[test]
fn mounts_that_cannot_be_read_are_named() {
    let mut tablet = Tablet::new();
    tablet.media.mounts = tablet.folder.path().join("nowhere");
    assert!(matches!(tablet.export(), DoneNotice::ExportFailed(why) if why.contains("nowhere")));
}

#[rstest::rstest]
#[case::ours("/dev/sda1 /media/usb vfat rw,nosuid 0 0", &["/media/usb"])]
#[case::by_a_desktop("/dev/sda1 /run/media/a/DISK vfat rw 0 0", &["/run/media/a/DISK"])]
#[case::at_mnt("/dev/sdb /mnt ext4 rw 0 0", &["/mnt"])]
#[case::blank_and_chinese("/dev/sda1 /media/我的\\040U盘 exfat rw 0 0", &["/media/我的 U盘"])]
#[case::backslash("/dev/sda1 /media/a\\134b vfat rw 0 0", &["/media/a\\b"])]
#[case::read_only("/dev/sda1 /media/usb vfat ro,nosuid 0 0", &[])]
#[case::memory("tmpfs /media/ram tmpfs rw 0 0", &[])]
#[case::card("/dev/mmcblk0p2 / ext4 rw 0 0", &[])]
#[case::looks_alike("/dev/sda1 /media2/usb vfat rw 0 0", &[])]
#[case::broken_escape("/dev/sda1 /media/a\\09z vfat rw 0 0", &[])]
#[case::half_a_line("/dev/sda1 /media/usb", &[])]
#[case::nothing("", &[])]
fn only_writable_media_below_the_media_folders_count(#[case] mounts: &str, #[case] found: &[&str]) {
    let found: Vec<PathBuf> = found.iter().map(PathBuf::from).collect();
    assert_eq!(removable(mounts, &Media::default().under), found);
}

#[rstest::rstest]
#[case("Asia/Shanghai", "20260302-094107")]
#[case("UTC", "20260302-014107")]
#[case::unknown_zone("Mars/Olympus", "20260302-014107")]
fn the_name_has_terminal_and_hall_time(#[case] zone: &str, #[case] stamp: &str) {
    let terminal = TerminalId::from_bytes([1; 16]);
    let name = name(terminal, &reading(1_772_415_667_000), zone);
    assert_eq!(name, format!("manyi-journal-01010101-{stamp}"));
}

#[test]
fn the_file_can_be_read_on_another_machine() {
    let tablet = Tablet::new();
    let DoneNotice::Exported(path) = ({
        tablet.plug_in("disk", "rw");
        tablet.export()
    }) else {
        panic!("no export");
    };
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o400, 0o400);
}
