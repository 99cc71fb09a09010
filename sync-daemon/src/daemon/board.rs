//! The machine: how warm it is, how much room its card has.

use std::path::Path;

use manyi_shared::tablet::DataDir;
use manyi_shared::wire::Board;

/// Where Linux shows its thermal zones.
const THERMAL: &str = "/sys/class/thermal";

/// What a sensor can mean, in thousandths of a degree: a zone that is switched off reads -273 or
/// millions.
const PLAUSIBLE_MC: std::ops::RangeInclusive<i32> = -60_000..=200_000;

/// The machine now.
pub(super) fn read(data: &DataDir) -> Board {
    let stat = rustix::fs::statvfs(data.path()).ok();
    Board {
        temperature_mc: hottest(Path::new(THERMAL)),
        disk_total_bytes: stat.map(|stat| stat.f_blocks.saturating_mul(stat.f_frsize)),
    }
}

/// Free bytes on the journal's file system.
pub(super) fn disk_free(data: &DataDir) -> Option<u64> {
    let stat = rustix::fs::statvfs(data.path()).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// The hottest thermal zone; none where there is none that can be read.
fn hottest(folder: &Path) -> Option<i32> {
    let zones = std::fs::read_dir(folder).ok()?;
    let zones = zones.flatten().filter(|zone| {
        let name = zone.file_name();
        name.to_str()
            .is_some_and(|name| name.starts_with("thermal_zone"))
    });
    let read = zones.filter_map(|zone| {
        let text = std::fs::read_to_string(zone.path().join("temp")).ok()?;
        text.trim().parse().ok()
    });
    read.filter(|at: &i32| PLAUSIBLE_MC.contains(at)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_zone_counts_and_broken_sensors_do_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(hottest(folder.path()), None);
        let zones = [
            ("thermal_zone0", "41200\n"),
            ("thermal_zone1", "52100\n"),
            ("thermal_zone2", "-273000\n"),
            ("thermal_zone3", "no\n"),
            ("cooling_device0", "99000\n"),
        ];
        for (name, text) in zones {
            let zone = folder.path().join(name);
            std::fs::create_dir(&zone).unwrap();
            std::fs::write(zone.join("temp"), text).unwrap();
        }
        assert_eq!(hottest(folder.path()), Some(52_100));
        assert_eq!(hottest(&folder.path().join("nowhere")), None);
    }

    #[test]
    fn the_card_is_larger_than_what_is_free_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let (total, free) = (read(&data).disk_total_bytes, disk_free(&data));
        assert!(total.unwrap() >= free.unwrap(), "{total:?} {free:?}");
    }
}
