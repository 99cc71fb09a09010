//! "A record was sealed", "somebody looks at the journal", and how the terminal's screen is:
//! datagrams to the daemon. They may be lost and need not be answered; the daemon's timer, or the next
//! one, says what a lost one would have said. Nothing of it is written to the card.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::files::FileError;
use crate::wire::Screen;

/// What a datagram says when a record was sealed. Anything that is not known says so, too.
const SEALED: u8 = 1;

/// What a datagram says when somebody looks at the journal.
const LOOKED_AT: u8 = 2;

/// What a datagram begins with that goes on with how the screen is.
const SCREEN: u8 = 3;

/// Longer than any datagram: a screen with its longest texts is below 300 bytes.
pub const MAX_WAKE_BYTES: usize = 1024;

/// What a datagram to the daemon says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A record was sealed, or an order was given.
    Sealed,
    /// Somebody looks at the journal.
    LookedAt,
    /// How the terminal's screen is.
    Screen(Box<Screen>),
}

impl Told {
    /// Reads a datagram. One that is not known is from a later terminal and wakes, which costs one
    /// look.
    #[must_use]
    pub fn read(datagram: &[u8]) -> Self {
        match datagram {
            [LOOKED_AT] => Self::LookedAt,
            [SCREEN, rest @ ..] => {
                Screen::decode(rest).map_or(Self::Sealed, |screen| Self::Screen(Box::new(screen)))
            }
            _ => Self::Sealed,
        }
    }
}

/// Tells the daemon that a record was sealed. Never waits.
///
/// # Errors
/// When nobody listens or the socket is full; the daemon's timer makes up for both.
pub fn wake(socket: &Path) -> std::io::Result<()> {
    send(socket, &[SEALED])
}

/// Tells the daemon how the screen is; it goes into the next heartbeat. Never waits.
///
/// # Errors
/// When nobody listens or the socket is full; the next telling makes up for both.
pub fn tell_screen(socket: &Path, screen: &Screen) -> std::io::Result<()> {
    let mut datagram = vec![SCREEN];
    datagram.extend(screen.encode());
    send(socket, &datagram)
}

/// Tells the daemon that somebody looks at the journal: what it knows to be acknowledged and has not
/// noted yet, it notes now. Never waits.
///
/// # Errors
/// When nobody listens or the socket is full; the daemon notes it within a minute all the same.
pub fn ask_to_note(socket: &Path) -> std::io::Result<()> {
    send(socket, &[LOOKED_AT])
}

fn send(socket: &Path, datagram: &[u8]) -> std::io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    sender.set_nonblocking(true)?;
    sender.send_to(datagram, socket).map(drop)
}

/// The daemon's end.
#[derive(Debug)]
pub struct WakeListener(UnixDatagram);

impl WakeListener {
    /// Listens at `path`. What lies there is the socket of an earlier start and is replaced; the
    /// daemon's own lock keeps a second daemon away.
    ///
    /// # Errors
    /// [`FileError`] naming the socket.
    pub fn bind(path: &Path) -> Result<Self, FileError> {
        let fault = |doing| {
            let path = path.to_owned();
            move |source| FileError {
                doing,
                path,
                source,
            }
        };
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(fault("remove the old socket")(error));
            }
            _ => {}
        }
        let socket = UnixDatagram::bind(path).map_err(fault("listen at"))?;
        socket.set_nonblocking(true).map_err(fault("listen at"))?;
        Ok(Self(socket))
    }

    /// The socket, non-blocking, for the daemon's event loop.
    #[must_use]
    pub fn into_inner(self) -> UnixDatagram {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_arrives_and_a_missing_daemon_is_an_error_and_nothing_worse() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wake.sock");
        assert!(wake(&path).is_err());
        let listener = WakeListener::bind(&path).unwrap().into_inner();
        wake(&path).unwrap();
        assert_eq!(listener.recv(&mut [0; 8]).unwrap(), 1);
    }

    #[test]
    fn each_datagram_says_what_was_told_and_an_unknown_one_wakes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wake.sock");
        let listener = WakeListener::bind(&path).unwrap().into_inner();
        let heard = || {
            let mut datagram = [0; MAX_WAKE_BYTES];
            let length = listener.recv(&mut datagram).unwrap();
            Told::read(&datagram[..length])
        };
        wake(&path).unwrap();
        assert_eq!(heard(), Told::Sealed);
        ask_to_note(&path).unwrap();
        assert_eq!(heard(), Told::LookedAt);
        let screen = Screen {
            software: "x".repeat(200),
            uptime_ms: u64::MAX,
            turns: u64::MAX,
            frames: u64::MAX,
            turned_uptime_ms: Some(u64::MAX),
            drawn_uptime_ms: Some(u64::MAX),
            last_rating_ms: Some(i64::MIN),
            page: 255,
            self_test: None,
        };
        tell_screen(&path, &screen).unwrap();
        assert_eq!(heard(), Told::Screen(Box::new(screen)));
        for unknown in [&[9_u8, 1][..], &[SCREEN, 1], &[]] {
            assert_eq!(Told::read(unknown), Told::Sealed);
        }
    }

    #[test]
    fn the_socket_of_an_earlier_start_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wake.sock");
        drop(WakeListener::bind(&path).unwrap());
        drop(WakeListener::bind(&path).unwrap());
    }
}
