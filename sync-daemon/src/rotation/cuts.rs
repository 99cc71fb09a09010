//! A power cut at every moment of a rotation, and again at every moment while it is repaired, until
//! no new state is found.
//!
//! The card is a model that knows what is synced. After a cut the names on it are those of any
//! moment since the folder was synced, and the content of a file that was not synced is whole, half
//! or nothing. The collector is a model of the real one's rule: it takes the old key until the new
//! one has signed an exchange.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use manyi_shared::domain::{Retry, TerminalId};
use manyi_shared::tablet::FileError;
use manyi_shared::wire::{
    PublicKey, Rotation, RotationReply, SecretKey, SignedRotation, Suite, TerminalMessage,
};

use super::ask::Ask;
use super::card::Card;
use super::{Keys, RotateError, exchange_keys, make_known_again};
use crate::exchange::ExchangeError;

const OWN: TerminalId = TerminalId::from_bytes([1; 16]);
const EARLIER: TerminalId = TerminalId::from_bytes([2; 16]);

type Names = BTreeMap<PathBuf, usize>;

/// A content, and whether it was synced.
type File = (Vec<u8>, bool);

/// Files and folder of a card, with everything that a cut may still take back.
#[derive(Debug, Clone, Default)]
struct Platter {
    files: Vec<File>,
    /// The names now, last, and at every moment since the folder was synced.
    names: Vec<Names>,
}

impl Platter {
    fn holding(files: &[(&Path, Vec<u8>)]) -> Self {
        let mut platter = Self {
            files: Vec::new(),
            names: vec![Names::new()],
        };
        for (path, bytes) in files {
            platter.files.push((bytes.clone(), true));
            platter.names[0].insert(path.to_path_buf(), platter.files.len() - 1);
        }
        platter
    }

    fn now(&self) -> &Names {
        self.names.last().unwrap()
    }

    /// Every card that a cut may leave.
    fn after_a_cut(&self) -> Vec<Self> {
        let mut left = BTreeSet::new();
        for names in &self.names {
            for share in [0, 1, 2] {
                let content = |&at: &usize| {
                    let (bytes, synced) = &self.files[at];
                    let kept = if *synced { 2 } else { share };
                    bytes[..bytes.len() * kept / 2].to_vec()
                };
                let files: Vec<(PathBuf, Vec<u8>)> = names
                    .iter()
                    .map(|(path, at)| (path.clone(), content(at)))
                    .collect();
                left.insert(files);
            }
        }
        let platter = |files: Vec<(PathBuf, Vec<u8>)>| {
            let files: Vec<(&Path, Vec<u8>)> = files
                .iter()
                .map(|(p, b)| (p.as_path(), b.clone()))
                .collect();
            Self::holding(&files)
        };
        left.into_iter().map(platter).collect()
    }

    fn key_at(&self, path: &Path) -> Option<SecretKey> {
        let at = self.now().get(path)?;
        SecretKey::from_bytes(&self.files[*at].0)
    }
}

/// How many steps are left before the cut, and whether it is a fault of the card instead: one step
/// fails and the next ones work.
#[derive(Debug)]
struct Fuse {
    left: Cell<usize>,
    burnt: Cell<bool>,
    heals: bool,
}

impl Fuse {
    /// None once it is burnt.
    fn step(&self) -> Option<()> {
        if self.burnt.get() {
            return self.heals.then_some(());
        }
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Some(())
            }
            None => {
                self.burnt.set(true);
                None
            }
        }
    }
}

#[derive(Debug)]
struct Model<'a> {
    platter: RefCell<Platter>,
    fuse: &'a Fuse,
}

impl Model<'_> {
    fn step(&self, path: &Path, change: impl FnOnce(&mut Platter)) -> Result<(), FileError> {
        if self.fuse.step().is_none() {
            return Err(FileError {
                doing: "work on",
                path: path.to_owned(),
                source: std::io::Error::other("power cut"),
            });
        }
        change(&mut self.platter.borrow_mut());
        Ok(())
    }

    fn rename_all(platter: &mut Platter, change: impl FnOnce(&mut Names)) {
        let mut names = platter.now().clone();
        change(&mut names);
        platter.names.push(names);
    }
}

impl Card for Model<'_> {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        let platter = self.platter.borrow();
        Ok(platter
            .now()
            .get(path)
            .map(|at| platter.files[*at].0.clone()))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        self.step(path, |platter| {
            platter.files.push((bytes.to_vec(), false));
            let at = platter.files.len() - 1;
            Self::rename_all(platter, |names| {
                names.insert(path.to_owned(), at);
            });
        })
    }

    fn sync(&self, path: &Path) -> Result<(), FileError> {
        self.step(path, |platter| {
            let at = platter.now()[path];
            platter.files[at].1 = true;
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.step(to, |platter| {
            Self::rename_all(platter, |names| {
                let at = names.remove(from).unwrap();
                names.insert(to.to_owned(), at);
            });
        })
    }

    fn remove(&self, path: &Path) -> Result<(), FileError> {
        self.step(path, |platter| {
            Self::rename_all(platter, |names| {
                names.remove(path);
            });
        })
    }

    fn sync_folder(&self, path: &Path) -> Result<(), FileError> {
        self.step(path, |platter| {
            let now = platter.now().clone();
            platter.names = vec![now];
        })
    }
}

/// What the collector knows of one terminal.
#[derive(Debug, Clone, Copy)]
struct Known {
    key: PublicKey,
    next: Option<PublicKey>,
}

#[derive(Debug, Clone)]
struct Register {
    known: BTreeMap<[u8; 16], Known>,
    collector: Arc<SecretKey>,
}

impl Register {
    fn new(key: PublicKey) -> Self {
        let known = Known { key, next: None };
        let of = |terminal: TerminalId| (*terminal.as_bytes(), known);
        Self {
            known: BTreeMap::from([of(OWN), of(EARLIER)]),
            collector: Arc::new(SecretKey::from_seed(&[9; 32])),
        }
    }

    fn takes(&self, terminal: TerminalId, key: &PublicKey) -> bool {
        let known = self.known[terminal.as_bytes()];
        known.key == *key || known.next.as_ref() == Some(key)
    }

    /// An exchange signed with this key came.
    fn exchange(&mut self, terminal: TerminalId, key: &PublicKey) -> bool {
        let taken = self.takes(terminal, key);
        let known = self.known.get_mut(terminal.as_bytes()).unwrap();
        if taken && known.next.as_ref() == Some(key) {
            *known = Known {
                key: *key,
                next: None,
            };
        }
        taken
    }

    /// A request to rotate came; none when its signature is of no key that is known.
    fn rotate(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let signed = SignedRotation::parse(bytes).unwrap();
        let terminal = signed.claimed_terminal();
        let known = self.known.get_mut(terminal.as_bytes()).unwrap();
        let wanted = signed.open(&known.key).ok()?.new_key;
        if wanted != known.key {
            known.next = Some(wanted);
        }
        let reply = RotationReply {
            terminal,
            request: Suite::default().digest(bytes),
            new_key: wanted,
        };
        Some(reply.seal(&self.collector))
    }
}

/// The way there: a cut may come before the request is taken, and before its answer is heard.
#[derive(Debug)]
struct Way<'a> {
    register: Mutex<Register>,
    fuse: &'a Fuse,
}

impl Ask for Way<'_> {
    fn ask(
        &self,
        terminal: TerminalId,
        next: &SecretKey,
        by: &SecretKey,
    ) -> impl Future<Output = Result<(), ExchangeError>> {
        let request = Rotation::new(terminal, next).seal(by);
        let lost = || ExchangeError::NotTheCollector {
            status: 200,
            content_type: "text/html".to_owned(),
        };
        let answered = || {
            self.fuse.step().ok_or_else(lost)?;
            let reply = self.register.lock().unwrap().rotate(&request);
            self.fuse.step().ok_or_else(lost)?;
            let reply = reply.ok_or_else(|| ExchangeError::Refused {
                status: 401,
                retry_after: None,
                collectors: true,
                detail: "unknown key".to_owned(),
            })?;
            let pinned = SecretKey::from_seed(&[9; 32]).public();
            let digest = by.suite().digest(&request);
            let reply = RotationReply::open(&reply, &pinned, &digest).unwrap();
            assert_eq!(reply.new_key, next.public());
            Ok(())
        };
        let answered = answered();
        async move { answered }
    }
}

fn keys() -> Keys {
    Keys {
        key: PathBuf::from("/data/identity.key"),
        next: PathBuf::from("/data/identity.key.next"),
        previous: PathBuf::from("/data/identity.key.previous"),
    }
}

/// One run, cut after so many steps, or a card that fails once there. Gives what is left, and the
/// result.
fn run(
    platter: &Platter,
    register: &Register,
    steps: usize,
    heals: bool,
) -> (Platter, Register, Result<SecretKey, RotateError>) {
    let fuse = Fuse {
        left: Cell::new(steps),
        burnt: Cell::new(false),
        heals,
    };
    let card = Model {
        platter: RefCell::new(platter.clone()),
        fuse: &fuse,
    };
    let way = Way {
        register: Mutex::new(register.clone()),
        fuse: &fuse,
    };
    let result = block_on(exchange_keys(&card, &keys(), &way, OWN, &[EARLIER]));
    let register = way.register.into_inner().unwrap();
    (card.platter.into_inner(), register, result)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// The tablet starts: it can read its key, and the collector takes it, or the next one.
fn is_not_locked_out(platter: &Platter, register: &Register) {
    let key = platter.key_at(&keys().key).expect("there is a key");
    let next = platter.key_at(&keys().next);
    for terminal in [OWN, EARLIER] {
        let taken = |key: &SecretKey| register.takes(terminal, &key.public());
        assert!(
            taken(&key) || next.as_ref().is_some_and(taken),
            "{platter:?}"
        );
    }
}

/// Goes on from here without cuts: the rotation ends, and exchanges are taken.
fn ends_well(platter: &Platter, register: &Register) {
    is_not_locked_out(platter, register);
    let mut platters = vec![platter.clone()];
    let mut register = register.clone();
    if platter.key_at(&keys().next).is_some() {
        let (mut after, mut known, mut result) = run(platter, &register, usize::MAX, false);
        if result.is_err() {
            // A second rotation began before the key of the first had signed an exchange. The
            // daemon sends one, and tries again.
            let key = after.key_at(&keys().key).unwrap().public();
            for terminal in [OWN, EARLIER] {
                assert!(known.exchange(terminal, &key));
            }
            (after, known, result) = run(&after, &known, usize::MAX, false);
        }
        let key = result.expect("it ends");
        assert_eq!(after.key_at(&keys().key).unwrap().public(), key.public());
        register = known;
        for terminal in [OWN, EARLIER] {
            assert!(register.exchange(terminal, &key.public()));
        }
        // The new key is used, the old one is forgotten: a cut now must not bring it back.
        platters = after.after_a_cut();
    }
    for platter in platters {
        let key = platter.key_at(&keys().key).expect("there is a key");
        for terminal in [OWN, EARLIER] {
            assert!(register.clone().exchange(terminal, &key.public()));
        }
        let unfinished = platter.key_at(&keys().next);
        assert!(unfinished.is_none_or(|next| next.public() == key.public()));
    }
}

fn enrolled() -> (Platter, Register) {
    let key = SecretKey::from_seed(&[7; 32]);
    let platter = Platter::holding(&[(&keys().key, key.to_bytes())]);
    (platter, Register::new(key.public()))
}

/// Every number of steps at which a cut can come, until the run ends by itself.
fn cuts(
    platter: &Platter,
    register: &Register,
    heals: bool,
    mut each: impl FnMut(Platter, Register),
) {
    for steps in 0..100 {
        let (left, known, result) = run(platter, register, steps, heals);
        let whole = result.is_ok();
        each(left, known);
        if whole {
            return;
        }
    }
}

/// A state without what differs from run to run: keys are numbered in the order of their coming.
fn outline(platter: &Platter, register: &Register) -> String {
    let mut numbered: Vec<PublicKey> = Vec::new();
    let mut number = |key: PublicKey| {
        let known = numbered.iter().position(|other| *other == key);
        known.unwrap_or_else(|| {
            numbered.push(key);
            numbered.len() - 1
        })
    };
    let mut text = String::new();
    for known in register.known.values() {
        let next = known.next.map(&mut number);
        text.push_str(&format!("{} {next:?} | ", number(known.key)));
    }
    let mut line = |names: &Names| {
        let mut line = String::new();
        // What lies beside is written anew before it is used.
        for path in [keys().key, keys().next] {
            if let Some((bytes, synced)) = names.get(&path).map(|at| &platter.files[*at]) {
                let key = SecretKey::from_bytes(bytes).map(|key| number(key.public()));
                line.push_str(&format!("{key:?} {} {synced}, ", bytes.len()));
            }
        }
        line
    };
    let now = line(platter.now());
    let possible: BTreeSet<String> = platter.names.iter().map(&mut line).collect();
    format!("{text}{now}/ {possible:?}")
}

/// Everything that can happen next: a cut or a fault at any moment of a rotation, and an exchange
/// before it.
fn next_states(platter: &Platter, register: &Register) -> Vec<(Platter, Register)> {
    let mut used = register.clone();
    let key = platter.key_at(&keys().key).unwrap().public();
    for terminal in [OWN, EARLIER] {
        used.exchange(terminal, &key);
    }
    let mut states = Vec::new();
    for known in [register, &used] {
        for heals in [false, true] {
            cuts(platter, known, heals, |left, known| {
                let cut = left.after_a_cut();
                states.extend(cut.into_iter().map(|card| (card, known.clone())));
                if heals {
                    states.push((left, known));
                }
            });
        }
    }
    states
}

#[test]
fn any_number_of_power_cuts_and_faults_at_any_moments_locks_nobody_out() {
    let mut waiting = vec![enrolled()];
    let mut seen = BTreeSet::new();
    let mut tried = 0;
    while let Some((platter, register)) = waiting.pop() {
        tried += 1;
        assert!(seen.len() < 1000, "no end: {seen:#?}");
        if seen.insert(outline(&platter, &register)) {
            ends_well(&platter, &register);
            waiting.extend(next_states(&platter, &register));
        }
    }
    assert!(seen.len() > 12 && tried > 1000, "{} of {tried}", seen.len());
}

#[test]
fn a_card_that_loses_what_it_had_synced_is_helped_by_the_next_key() {
    let (platter, mut register) = enrolled();
    let next = SecretKey::from_seed(&[8; 32]);
    for terminal in [OWN, EARLIER] {
        let old = platter.key_at(&keys().key).unwrap();
        let request = Rotation::new(terminal, &next).seal(&old);
        register.rotate(&request).unwrap();
        assert!(register.exchange(terminal, &next.public()));
        assert!(!register.takes(terminal, &old.public()));
    }
    let old = platter.key_at(&keys().key).unwrap().to_bytes();
    let back = Platter::holding(&[(&keys().key, old), (&keys().next, next.to_bytes())]);
    ends_well(&back, &register);
}

#[test]
fn a_collector_restored_from_a_backup_before_the_rotation_is_told_the_key_again() {
    let (platter, backup) = enrolled();
    let (after, mut known, result) = run(&platter, &backup, usize::MAX, false);
    let key = result.unwrap().public();
    assert!(known.exchange(OWN, &key) && known.exchange(EARLIER, &key));
    assert!(!backup.takes(OWN, &key));
    let fuse = Fuse {
        left: Cell::new(usize::MAX),
        burnt: Cell::new(false),
        heals: false,
    };
    for card in after.after_a_cut() {
        let card = Model {
            platter: RefCell::new(card),
            fuse: &fuse,
        };
        let way = Way {
            register: Mutex::new(backup.clone()),
            fuse: &fuse,
        };
        let told = block_on(make_known_again(&card, &keys(), &way, OWN, &[EARLIER]));
        assert_eq!(told.unwrap().public(), key);
        let mut restored = way.register.into_inner().unwrap();
        assert!(restored.exchange(OWN, &key) && restored.exchange(EARLIER, &key));
    }
}

#[test]
fn an_earlier_identity_that_was_revoked_does_not_stand_in_the_way() {
    let (platter, mut register) = enrolled();
    let strange = SecretKey::from_seed(&[5; 32]).public();
    let revoked = register.known.get_mut(EARLIER.as_bytes()).unwrap();
    revoked.key = strange;
    let (after, known, result) = run(&platter, &register, usize::MAX, false);
    let key = result.unwrap().public();
    assert!(known.takes(OWN, &key) && !known.takes(EARLIER, &key));
    assert!(after.key_at(&keys().next).is_none());
}

#[test]
fn a_refusal_leaves_the_old_key_in_place() {
    let (platter, mut register) = enrolled();
    let strange = SecretKey::from_seed(&[5; 32]).public();
    register.known.get_mut(OWN.as_bytes()).unwrap().key = strange;
    let (after, _, result) = run(&platter, &register, usize::MAX, false);
    assert!(matches!(result, Err(RotateError::Collector(_))));
    assert_eq!(
        after.key_at(&keys().key).unwrap().to_bytes(),
        platter.key_at(&keys().key).unwrap().to_bytes()
    );
    assert_eq!(
        ExchangeError::Refused {
            status: 401,
            retry_after: None,
            collectors: true,
            detail: String::new()
        }
        .retry(),
        Retry::AfterOperator
    );
}
