//! What can go wrong, and how often it does.

use std::time::Duration;

use super::tls::Trouble;
use crate::dice::Dice;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed as soon as it is accepted.
    Refused,
    /// The connection is accepted and nobody ever answers.
    HalfOpen,
    /// The handshake cannot succeed. On a plain front: as [`Fault::Refused`].
    Tls(Trouble),
    /// The connection is cut while the request is on its way; the server sees half of it.
    CutBefore,
    /// The server takes the request; the connection is cut in the middle of its reply.
    CutDuring,
    /// The server takes the request; nothing of its reply comes back.
    CutAfter,
    /// Everything arrives, but late: the request by one time, the reply by another.
    Late {
        /// How long the request takes.
        request: Duration,
        /// How long the reply takes.
        reply: Duration,
    },
    /// The request reaches the server twice; the second reply comes back.
    Doubled,
    /// All goes well; a while later the same request reaches the server again, unasked.
    Replayed(Duration),
    /// The reply to somebody's earlier request comes back; this one goes nowhere.
    OldReply,
    /// The reply's body is shorter by a few bytes, and its length says so.
    Shortened,
    /// One bit of the reply's body is flipped.
    Flipped,
    /// The request's body reaches the server in drops.
    SlowRequest(Duration),
    /// The request's body stops in the middle and the connection stays open.
    Stalled,
    /// The reply's body comes back in drops.
    SlowReply(Duration),
    /// The proxy answers by itself; the request goes nowhere.
    Says {
        /// The status, such as 503.
        status: u16,
        /// `Retry-After` in seconds.
        retry_after: Option<u64>,
    },
    /// A captive portal: a page to log in at, with status 200.
    Portal,
    /// A redirect to a page to log in at.
    Redirect,
}

impl Fault {
    /// Its name, for counting.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::HalfOpen => "half-open",
            Self::Tls(Trouble::WrongName) => "tls-wrong-name",
            Self::Tls(Trouble::UnknownAuthority) => "tls-unknown-authority",
            Self::Tls(Trouble::Plaintext) => "tls-plaintext",
            Self::CutBefore => "cut-before",
            Self::CutDuring => "cut-during",
            Self::CutAfter => "cut-after",
            Self::Late { .. } => "late",
            Self::Doubled => "doubled",
            Self::Replayed(_) => "replayed",
            Self::OldReply => "old-reply",
            Self::Shortened => "shortened",
            Self::Flipped => "flipped",
            Self::SlowRequest(_) => "slow-request",
            Self::Stalled => "stalled",
            Self::SlowReply(_) => "slow-reply",
            Self::Says {
                retry_after: None, ..
            } => "says",
            Self::Says { .. } => "says-retry-after",
            Self::Portal => "portal",
            Self::Redirect => "redirect",
        }
    }
}

/// How often something goes wrong, and how slow a slow network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// What faults are drawn from.
    pub seed: u64,
    /// Connections in a thousand that go wrong before there is a request.
    pub connections: u32,
    /// Requests in a thousand that something happens to.
    pub requests: u32,
    /// The longest time that something late or slow takes.
    pub slow: Duration,
}

/// What happens to connections.
const OF_CONNECTIONS: [Fault; 5] = [
    Fault::Refused,
    Fault::HalfOpen,
    Fault::Tls(Trouble::WrongName),
    Fault::Tls(Trouble::UnknownAuthority),
    Fault::Tls(Trouble::Plaintext),
];

/// What proxies and overloaded servers answer.
const STATUSES: [u16; 7] = [408, 413, 429, 500, 502, 503, 504];

type Draw = fn(&mut Dice, Duration) -> Fault;

/// What happens to requests; they take turns.
const OF_REQUESTS: [Draw; 16] = [
    |_, _| Fault::CutBefore,
    |_, _| Fault::CutDuring,
    |_, _| Fault::CutAfter,
    |dice, slow| Fault::Late {
        request: dice.time(slow),
        reply: dice.time(slow),
    },
    |_, _| Fault::Doubled,
    |dice, slow| Fault::Replayed(dice.time(slow)),
    |_, _| Fault::OldReply,
    |_, _| Fault::Shortened,
    |_, _| Fault::Flipped,
    |dice, slow| Fault::SlowRequest(dice.time(slow)),
    |_, _| Fault::Stalled,
    |dice, slow| Fault::SlowReply(dice.time(slow)),
    |dice, _| says(dice, None),
    |dice, _| says(dice, Some(1)),
    |_, _| Fault::Portal,
    |_, _| Fault::Redirect,
];

fn says(dice: &mut Dice, retry_after: Option<u64>) -> Fault {
    Fault::Says {
        status: dice.pick(&STATUSES).copied().unwrap_or(503),
        retry_after,
    }
}

impl Weather {
    /// Nothing goes wrong.
    #[must_use]
    pub const fn calm() -> Self {
        Self {
            seed: 0,
            connections: 0,
            requests: 0,
            slow: Duration::ZERO,
        }
    }

    /// Everything goes wrong, one request in four and one connection in seven; slow means up to a third of a second, so that a
    /// test with many of them ends.
    #[must_use]
    pub const fn storm(seed: u64) -> Self {
        Self {
            seed,
            connections: 150,
            requests: 250,
            slow: Duration::from_millis(300),
        }
    }

    /// What happens to the `n`-th connection, when so many before it went wrong.
    #[must_use]
    pub fn connection(&self, n: u64, before: u64) -> Option<Fault> {
        let mut dice = Dice::of(self.seed, n.wrapping_mul(2));
        let happens = dice.per_mille(self.connections);
        happens
            .then(|| self.turn(&OF_CONNECTIONS, before).copied())
            .flatten()
    }

    /// What happens to the `n`-th request, when something happened to so many before it.
    #[must_use]
    pub fn request(&self, n: u64, before: u64) -> Option<Fault> {
        let mut dice = Dice::of(self.seed, n.wrapping_mul(2).wrapping_add(1));
        if !dice.per_mille(self.requests) {
            return None;
        }
        let draw = self.turn(&OF_REQUESTS, before)?;
        Some(draw(&mut dice, self.slow))
    }

    /// Kinds take turns, so that a short run has had them all; the seed says which comes first.
    fn turn<'a, T>(&self, kinds: &'a [T], before: u64) -> Option<&'a T> {
        let at = self.seed.wrapping_add(before) % (kinds.len() as u64);
        kinds.get(usize::try_from(at).ok()?)
    }

    /// The names of everything that can go wrong.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let mut dice = Dice::new(0);
        let requests = OF_REQUESTS.map(|draw| draw(&mut dice, Duration::ZERO));
        let all = OF_CONNECTIONS.into_iter().chain(requests);
        all.map(Fault::name).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_storm_has_everything_in_it_and_is_the_same_storm_again() {
        let of = |seed: u64| {
            let weather = Weather::storm(seed);
            (0..400_u64).flat_map(move |n| [weather.connection(n, n), weather.request(n, n)])
        };
        assert!(of(5).eq(of(5)));
        assert!(!of(5).eq(of(6)));
        let seen: BTreeSet<&str> = of(5).flatten().map(Fault::name).collect();
        assert_eq!(seen, Weather::names().into_iter().collect());
    }

    #[test]
    fn as_much_goes_wrong_as_the_weather_says_and_nothing_in_a_calm() {
        let storm = Weather::storm(9);
        let wrong = (0..10_000)
            .filter(|&n| storm.request(n, 0).is_some())
            .count();
        assert!((2300..2700).contains(&wrong), "{wrong}");
        let calm = Weather::calm();
        assert!(
            (0..10_000).all(|n| calm.request(n, 0).is_none() && calm.connection(n, 0).is_none())
        );
    }
}
