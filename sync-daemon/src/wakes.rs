//! Datagrams that say "a record was sealed", "somebody looks at the journal", or how the screen is.

use manyi_shared::tablet::{DataDir, FileError, MAX_WAKE_BYTES, Told, WakeListener};
use manyi_shared::wire::Screen;
use tokio::net::UnixDatagram;

/// The daemon's end of the wake socket. Without one the timer still finds every record.
#[derive(Debug)]
pub(crate) struct Wakes(Option<UnixDatagram>);

/// What the datagrams that came say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Woken {
    /// A record was sealed, or an order was given.
    pub(crate) sealed: bool,
    /// Somebody looks at the journal.
    pub(crate) looked_at: bool,
    /// The last that the terminal said of its screen.
    pub(crate) screen: Option<Screen>,
}

impl Woken {
    fn hear(&mut self, datagram: &[u8]) {
        match Told::read(datagram) {
            Told::Sealed => self.sealed = true,
            Told::LookedAt => self.looked_at = true,
            Told::Screen(screen) => self.screen = Some(*screen),
        }
    }
}

impl Wakes {
    /// Listens in the data folder. A socket that cannot be made is a warning, not an end: a rating
    /// then leaves up to one poll later.
    pub(crate) fn listen(data: &DataDir) -> Self {
        let bound = WakeListener::bind(&data.wake_socket()).and_then(|listener| {
            UnixDatagram::from_std(listener.into_inner()).map_err(|source| FileError {
                doing: "listen at",
                path: data.wake_socket(),
                source,
            })
        });
        match bound {
            Ok(socket) => Self(Some(socket)),
            Err(error) => {
                tracing::warn!(
                    error = crate::chain(&error),
                    "no wake socket; relying on the timer"
                );
                Self(None)
            }
        }
    }

    /// Returns when at least one datagram came; takes all that are there. Can be dropped at any
    /// time: a datagram that was not taken yet stays.
    pub(crate) async fn woken(&mut self) -> Woken {
        let Some(socket) = &self.0 else {
            return std::future::pending().await;
        };
        let mut datagram = [0_u8; MAX_WAKE_BYTES];
        let mut woken = Woken::default();
        let received = socket.recv(&mut datagram).await;
        let length = *received.as_ref().unwrap_or(&0);
        woken.hear(datagram.get(..length).unwrap_or_default());
        while let Ok(length) = socket.try_recv(&mut datagram) {
            woken.hear(datagram.get(..length).unwrap_or_default());
        }
        if let Err(error) = received {
            tracing::warn!(
                error = crate::chain(&error),
                "wake socket failed; relying on the timer"
            );
            self.0 = None;
        }
        woken
    }
}
