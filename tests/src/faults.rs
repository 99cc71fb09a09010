//! A network that goes wrong on purpose: a proxy for HTTP/1.1 that stands between tablets and a
//! collector and does to their requests what halls, carriers and proxies do.
//!
//! ```text
//! tablets ──▶ Proxy::start(upstream, front, weather) ──▶ collector
//! ```
//!
//! - [`Fault`]: one thing that goes wrong; [`Weather`]: how often, drawn from a seed.
//! - [`Proxy`]: the proxy. Faults come by chance from its weather, or in order by [`Proxy::then`];
//!   [`Proxy::refuse`] answers requests with a certain content itself.
//! - [`Front`]: plain, or TLS with a certificate of a throw-away [`tls::Authority`], which is what
//!   TLS faults are made of.
//!
//! It knows nothing of exchanges: it reads one HTTP message, does something, reads the next. The
//! n-th connection and the n-th request of a run always get the same fault from the same seed; which
//! tablet that hits depends on the order in which they arrive.

mod fault;
mod message;
mod proxy;
mod relay;
pub mod tls;

#[cfg(test)]
mod tests;

pub use fault::{Fault, Weather};
pub use message::Message;
pub use proxy::{Front, Proxy, Refusal};
