//! A terminal's key is rotated by the office, and by a technician, at the real collector; and a
//! collector that was restored from a backup is told the key again.

use std::path::Path;

use manyi_e2e::programs::run;
use manyi_e2e::wait::wait_until;
use manyi_shared::tablet::{DataDir, Identity, UplinkStatus, read_key};
use manyi_shared::wire::PublicKey;

use crate::rig::{COUNTED, Rig};

impl Rig {
    fn data(&self) -> DataDir {
        DataDir::new(self.tablet_dir())
    }

    fn key(&self) -> PublicKey {
        read_key(&self.data().key()).unwrap().public()
    }

    /// Waits until the daemon signs with another key, and nothing of the rotation is left.
    fn wait_until_rotated(&self, before: PublicKey) -> PublicKey {
        wait_until("another key", COUNTED, || {
            self.key() != before && !self.data().next_key().exists()
        })
        .unwrap();
        self.key()
    }

    /// Waits until the centre has taken something from the daemon that runs now.
    fn wait_for_an_answer(&self) {
        wait_until("an answer", COUNTED, || {
            UplinkStatus::read(&self.data().uplink_status())
                .is_some_and(|said| said.problem.is_none() && said.answered_uptime_ms.is_some())
        })
        .unwrap();
    }

    fn restart_sync(&mut self) {
        self.sync = None;
        drop(std::fs::remove_file(self.data().uplink_status()));
        self.start_sync().unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn keys_are_rotated_and_a_restored_centre_is_told_them_again() {
    let mut rig = Rig::enrolled().unwrap();
    let terminal = Identity::read(&rig.data().identity()).unwrap().terminal;
    let first = rig.key();
    // A technician, while no daemon runs.
    run(rig.sync_command().unwrap().arg("rotate-key")).unwrap();
    let second = rig.key();
    assert_ne!(first, second);
    rig.restart_sync();
    rig.wait_for_an_answer();

    rig.collector = None;
    let office = rig.folder.path().join("office");
    let backup = rig.folder.path().join("backup");
    copy(&office, &backup);
    rig.start_collector().unwrap();
    // The office.
    let mut rotate = rig.collector_command().unwrap();
    run(rotate.args(["terminal", "rotate", &terminal.to_string()])).unwrap();
    rig.restart_sync();
    let third = rig.wait_until_rotated(second);
    rig.restart_sync();
    rig.wait_for_an_answer();

    // The backup knows only the second key.
    rig.collector = None;
    std::fs::remove_dir_all(&office).unwrap();
    copy(&backup, &office);
    rig.start_collector().unwrap();
    let log = rig.logs.join("sync.err");
    let told = || {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let asked = said.split("asking with the one before it").nth(1);
        asked.is_some_and(|rest| rest.contains("the collector knows this terminal's key"))
    };
    rig.restart_sync();
    wait_until("the centre is told the key", COUNTED, told).unwrap();
    rig.restart_sync();
    rig.wait_for_an_answer();
    assert_eq!(rig.key(), third);
}
