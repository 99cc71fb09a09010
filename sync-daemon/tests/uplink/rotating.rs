//! Another key for the terminal: asked for by the office, by a technician, or left unfinished by a
//! cut.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use manyi_shared::tablet::{KEY_CREDENTIAL, read_key};
use manyi_shared::wire::{PublicKey, SecretKey};
use manyi_sync::uplink::Pace;

use crate::program::{output, program, text};
use crate::relay::Fault;
use crate::tablet::{Hall, pace};
use crate::wait_for;

impl Hall {
    fn key(&self) -> PublicKey {
        read_key(&self.tablet.data.key()).unwrap().public()
    }

    /// The only key that the centre knows of this terminal.
    fn known(&self) -> PublicKey {
        let centre = self.collector.centre();
        assert!(centre.next_keys.is_empty(), "the new key was used");
        centre.terminals[&self.tablet.identity().terminal]
    }

    async fn wait_until_rotated(&self, before: PublicKey) {
        wait_for("a new key is in use", || {
            let centre = self.collector.centre();
            let known = centre.terminals[&self.tablet.identity().terminal];
            known != before && centre.next_keys.is_empty()
        })
        .await;
        wait_for("nothing is left over", || {
            !self.tablet.data.next_key().exists()
        })
        .await;
        assert_eq!(self.key(), self.known());
    }
}

#[tokio::test]
async fn the_office_wants_a_new_key_and_ratings_go_on() {
    let hall = Hall::new().await;
    let before = hall.key();
    let mut terminal = hall.tablet.terminal();
    terminal.rate(2);
    hall.collector.centre().want_new_key = true;
    let daemon = hall.tablet.daemon();
    hall.wait_until_rotated(before).await;
    terminal.rate(2);
    wait_for("what was sealed before and after is there", || {
        hall.is_even()
    })
    .await;
    daemon.stop().await;
    let mode = std::fs::metadata(hall.tablet.data.key()).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let hall = Hall::new().await;
    let before = hall.key();
    // Nothing else is asked through the relay until the daemon runs.
    hall.relay.then([
        Fault::CutBefore,
        Fault::CutAfterTaken,
        Fault::CutReply,
        Fault::Flipped,
        Fault::answer("200 OK", "content-type: text/html\r\n", "<html>"),
        Fault::answer("403 No", "content-type: text/html\r\n", "log in"),
    ]);
    let folder = hall.tablet.data.path();
    for _ in 0..6 {
        let failed = output(program(folder, &["rotate-key"])).await;
        assert_eq!(failed.status.code(), Some(1));
        assert_eq!(hall.key(), before);
        assert!(hall.tablet.data.next_key().exists());
    }
    // The next start goes on by itself.
    hall.tablet.terminal().rate(1);
    let daemon = hall.tablet.daemon();
    hall.wait_until_rotated(before).await;
    wait_for("the rating is there", || hall.is_even()).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_technician_rotates_with_and_without_a_daemon() {
    let hall = Hall::new().await;
    let folder = hall.tablet.data.path();
    let first = hall.key();
    let alone = output(program(folder, &["rotate-key"])).await;
    let second = hall.key();
    assert_ne!(first, second);
    assert!(
        text(&alone.stdout).contains(&second.fingerprint()),
        "{alone:?}"
    );
    let daemon = hall.tablet.daemon();
    wait_for("the key is used", || {
        hall.collector.centre().next_keys.is_empty()
    })
    .await;
    let handed_over = output(program(folder, &["rotate-key"])).await;
    assert!(handed_over.status.success(), "{handed_over:?}");
    hall.wait_until_rotated(second).await;
    let third = hall.key();
    assert!(text(&handed_over.stdout).contains(&third.fingerprint()));
    daemon.stop().await;
}

#[tokio::test]
async fn what_the_daemon_cannot_do_yet_is_told_to_whoever_asked() {
    let hall = Hall::new().await;
    hall.collector.centre().refuse_rotation = true;
    let before = hall.key();
    let daemon = hall.tablet.daemon();
    wait_for("it is at work", || {
        !hall.collector.centre().heads.is_empty()
    })
    .await;
    let refused = output(program(hall.tablet.data.path(), &["rotate-key"])).await;
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(
        said.contains("the daemon could not rotate the key yet") && said.contains("not now"),
        "{said}"
    );
    let status = output(program(hall.tablet.data.path(), &["status"])).await;
    assert!(
        text(&status.stdout).contains("the key is to be rotated and is not yet"),
        "{status:?}"
    );
    assert_eq!(hall.key(), before);
    hall.collector.centre().refuse_rotation = false;
    hall.wait_until_rotated(before).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_key_that_is_a_credential_is_used_and_not_rotated() {
    let hall = Hall::new().await;
    let data = &hall.tablet.data;
    let credentials = data.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    std::fs::rename(data.key(), credentials.join(KEY_CREDENTIAL)).unwrap();
    hall.tablet.terminal().rate(1);
    let mut run = program(data.path(), &["run"]);
    run.env("CREDENTIALS_DIRECTORY", &credentials);
    let mut daemon = run.stderr(std::process::Stdio::null()).spawn().unwrap();
    wait_for("the rating is there", || hall.is_even()).await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let mut rotate = program(data.path(), &["rotate-key"]);
    rotate.env("CREDENTIALS_DIRECTORY", &credentials);
    let refused = output(rotate).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("comes from a systemd credential"),
        "{refused:?}"
    );
    assert!(!data.next_key().exists());
}

#[tokio::test]
async fn a_key_that_others_can_read_is_guarded_at_the_start() {
    let hall = Hall::new().await;
    let key = hall.tablet.data.key();
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let daemon = hall.tablet.daemon();
    let mode = std::fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    daemon.stop().await;
}

/// Kills the program without warning while it rotates, again and again: the relay holds each
/// moment, and the file operations are tried one by one in `rotation::cuts`.
#[tokio::test]
async fn killed_while_it_rotates_the_tablet_is_never_locked_out() {
    let hall = Hall::new().await;
    let mut terminal = hall.tablet.terminal();
    let mut last = hall.key();
    for round in 0..6 {
        terminal.rate(1);
        hall.collector.centre().want_new_key = true;
        let mut daemon = program(hall.tablet.data.path(), &["run"])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let asked = hall.collector.centre().rotations;
        wait_for("the moment", || match round % 3 {
            0 => hall.tablet.data.next_key().exists(),
            1 => hall.collector.centre().rotations > asked,
            _ => hall.key() != last,
        })
        .await;
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        last = hall.key();
    }
    hall.collector.centre().want_new_key = false;
    let daemon = hall.tablet.daemon();
    wait_for("every rating is there", || hall.is_even()).await;
    wait_for("nothing is left over", || {
        !hall.tablet.data.next_key().exists() && hall.collector.centre().next_keys.is_empty()
    })
    .await;
    daemon.stop().await;
    assert_eq!(hall.key(), hall.known());
}

#[tokio::test]
async fn the_streams_of_an_earlier_identity_are_still_sent_after_a_rotation() {
    let hall = Hall::new().await;
    hall.tablet.terminal().rate(3);
    let earlier = hall.tablet.identity().terminal;
    hall.collector.centre().forgets_keys = true;
    hall.tablet
        .enrol_with(hall.relay.address, crate::collector::CODE, true)
        .await
        .unwrap();
    let present = hall.tablet.identity().terminal;
    assert_ne!(earlier, present);
    hall.tablet.terminal().rate(2);
    let rotated = output(program(hall.tablet.data.path(), &["rotate-key"])).await;
    assert!(rotated.status.success(), "{rotated:?}");
    let daemon = hall.tablet.daemon();
    wait_for("both streams are there", || hall.is_even()).await;
    daemon.stop().await;
    let centre = hall.collector.centre();
    let key: SecretKey = read_key(&hall.tablet.data.key()).unwrap();
    for terminal in [earlier, present] {
        assert_eq!(centre.terminals[&terminal], key.public());
    }
}

#[tokio::test]
async fn a_centre_restored_from_a_backup_before_the_rotation_is_told_the_key_again() {
    let hall = Hall::new().await;
    let before = hall.key();
    let terminal = hall.tablet.identity().terminal;
    hall.collector.centre().want_new_key = true;
    hall.tablet.terminal().rate(2);
    let daemon = hall.tablet.daemon_at(Pace {
        operator: Duration::from_secs(600),
        ..pace()
    });
    hall.wait_until_rotated(before).await;
    wait_for("the ratings are there", || hall.is_even()).await;
    {
        let mut centre = hall.collector.centre();
        centre.terminals.insert(terminal, before);
        centre.last_number = 0;
    }
    let after = hall.key();
    hall.tablet.terminal().rate(2);
    hall.wait_until_rotated(before).await;
    assert_eq!(hall.known(), after);
    // And then nobody has to act, so nothing waits for somebody.
    wait_for("what was rated meanwhile is there", || hall.is_even()).await;
    daemon.stop().await;
}
