//! "A record was sealed", and "somebody looks at the journal": datagrams to the daemon. They may be
//! lost and need not be answered; the daemon's timer finds what a lost one would have said.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::files::FileError;

/// What a datagram says when a record was sealed. Anything that is not [`LOOKED_AT`] says so, too.
const SEALED: u8 = 1;

/// What a datagram says when somebody looks at the journal.
pub const LOOKED_AT: u8 = 2;

/// Tells the daemon that a record was sealed. Never waits.
///
/// # Errors
/// When nobody listens or the socket is full; the daemon's timer makes up for both.
pub fn wake(socket: &Path) -> std::io::Result<()> {
    send(socket, SEALED)
}

/// Tells the daemon that somebody looks at the journal: what it knows to be acknowledged and has not
/// noted yet, it notes now. Never waits.
///
/// # Errors
/// When nobody listens or the socket is full; the daemon notes it within a minute all the same.
pub fn ask_to_note(socket: &Path) -> std::io::Result<()> {
    send(socket, LOOKED_AT)
}

fn send(socket: &Path, what: u8) -> std::io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    sender.set_nonblocking(true)?;
    sender.send_to(&[what], socket).map(drop)
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
    fn the_socket_of_an_earlier_start_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wake.sock");
        drop(WakeListener::bind(&path).unwrap());
        drop(WakeListener::bind(&path).unwrap());
    }
}
