//! An invented office that enrols terminals.

use manyi_shared::domain::{HallId, TerminalId, WindowId};
use manyi_shared::tablet::{DataDir, Identity, load_or_create_key, replace};
use manyi_shared::wire::{Profile, SecretKey, Suite};

/// Puts identity and profile of a terminal at that office into a data folder.
pub(crate) fn enrol(data: &DataDir, profile: &Profile) {
    let office = SecretKey::from_seed(&[42; 32]);
    load_or_create_key(&data.key(), Suite::Ed25519Sha256).expect("a writable folder");
    let identity = Identity {
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new(&profile.hall_id).expect("a hall id"),
        window: WindowId::new(&profile.window_id).expect("a window id"),
        collector: office.public(),
        collector_url: "http://127.0.0.1:8080".to_owned(),
    };
    identity.write(&data.identity()).expect("a writable folder");
    replace(&data.profile(), &profile.seal(&office)).expect("a writable folder");
}
