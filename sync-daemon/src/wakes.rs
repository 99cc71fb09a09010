//! Datagrams that say "a record was sealed" or "somebody looks at the journal".

use manyi_shared::tablet::{DataDir, FileError, LOOKED_AT, WakeListener};
use tokio::net::UnixDatagram;

/// The daemon's end of the wake socket. Without one the timer still finds every record.
#[derive(Debug)]
pub(crate) struct Wakes(Option<UnixDatagram>);

/// What the datagrams that came say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Woken {
    /// A record was sealed, or an order was given.
    pub(crate) sealed: bool,
    /// Somebody looks at the journal.
    pub(crate) looked_at: bool,
}

impl Woken {
    fn hear(&mut self, byte: u8) {
        if byte == LOOKED_AT {
            self.looked_at = true;
        } else {
            self.sealed = true;
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
        let mut byte = [0_u8; 1];
        let mut woken = Woken::default();
        let received = socket.recv(&mut byte).await;
        woken.hear(byte[0]);
        while socket.try_recv(&mut byte).is_ok() {
            woken.hear(byte[0]);
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
