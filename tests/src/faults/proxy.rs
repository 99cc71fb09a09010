//! The proxy: accepts, draws what goes wrong, carries on.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::relay::{End, Stream, Way, ask, never_answer};
use super::tls::Certificates;
use super::{Fault, Message, Weather};

/// What the proxy shows to tablets.
#[derive(Debug, Clone)]
pub enum Front {
    /// Plain HTTP.
    Plain,
    /// TLS with these certificates.
    Tls(Certificates),
}

/// Answers a request by itself, or lets it pass.
pub type Refusal = Arc<dyn Fn(&Message) -> Option<Message> + Send + Sync>;

/// A running proxy; it ends when it is dropped, its connections with it.
///
/// Towards the server it is a reverse proxy: every connection gets an address of its own in
/// `X-Forwarded-For`, as tablets behind one proxy have.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    upstream: SocketAddr,
    front: Front,
    state: Mutex<State>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("upstream", &self.upstream)
            .finish_non_exhaustive()
    }
}

struct State {
    weather: Weather,
    next: VecDeque<Fault>,
    refusal: Option<Refusal>,
    connections: u64,
    wrong_connections: u64,
    requests: u64,
    wrong_requests: u64,
    happened: BTreeMap<&'static str, u64>,
    last_reply: Option<Message>,
    open: Vec<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port of loopback and carries to `upstream`. Must be called inside a tokio
    /// runtime.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(
        upstream: SocketAddr,
        front: Front,
        weather: Weather,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = State {
            weather,
            next: VecDeque::new(),
            refusal: None,
            connections: 0,
            wrong_connections: 0,
            requests: 0,
            wrong_requests: 0,
            happened: BTreeMap::new(),
            last_reply: None,
            open: Vec::new(),
        };
        let shared = Arc::new(Shared {
            upstream,
            front,
            state: Mutex::new(state),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            accepting,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to give to a tablet.
    #[must_use]
    pub fn url(&self) -> String {
        match self.shared.front {
            Front::Plain => format!("http://{}", self.address),
            Front::Tls(_) => format!("https://localhost:{}", self.address.port()),
        }
    }

    /// Changes the weather from the next connection and request on.
    pub fn set_weather(&self, weather: Weather) {
        self.shared.state().weather = weather;
    }

    /// The faults of the next requests, in order; they come before any of the weather.
    pub fn then(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().next.extend(faults);
    }

    /// Lets `refusal` answer requests; what it lets pass goes the usual way.
    pub fn refuse(&self, refusal: Option<Refusal>) {
        self.shared.state().refusal = refusal;
    }

    /// How often each fault has happened, by its name.
    #[must_use]
    pub fn happened(&self) -> BTreeMap<&'static str, u64> {
        self.shared.state().happened.clone()
    }

    /// How many requests came.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.state().requests
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        for connection in self.shared.state().open.drain(..) {
            connection.abort();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic of another connection's task leaves nothing half done here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn connection(&mut self) -> (u64, Option<Fault>) {
        let number = self.connections;
        self.connections += 1;
        let fault = self.weather.connection(number, self.wrong_connections);
        self.wrong_connections += u64::from(fault.is_some());
        self.count(fault);
        (number, fault)
    }

    fn request(&mut self) -> Option<Fault> {
        let number = self.requests;
        self.requests += 1;
        let drawn = self.weather.request(number, self.wrong_requests);
        self.wrong_requests += u64::from(drawn.is_some());
        let fault = self.next.pop_front().or(drawn);
        self.count(fault);
        fault
    }

    fn count(&mut self, fault: Option<Fault>) {
        if let Some(fault) = fault {
            *self.happened.entry(fault.name()).or_default() += 1;
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of descriptors for a moment; connections that end give some back.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (number, fault) = shared.state().connection();
        let connection = tokio::spawn(connection(client, number, fault, Arc::clone(&shared)));
        let mut state = shared.state();
        state.open.retain(|open| !open.is_finished());
        state.open.push(connection);
    }
}

async fn connection(mut client: TcpStream, number: u64, fault: Option<Fault>, shared: Arc<Shared>) {
    // Small messages both ways; they are not worth waiting for more.
    drop(client.set_nodelay(true));
    match fault {
        Some(Fault::Refused) => return,
        Some(Fault::HalfOpen) => return never_answer(&mut client).await,
        _ => {}
    }
    let trouble = match fault {
        Some(Fault::Tls(trouble)) => Some(trouble),
        _ => None,
    };
    match &shared.front {
        Front::Plain if trouble.is_some() => {}
        Front::Plain => requests(&mut client, number, &shared).await,
        Front::Tls(certificates) => match certificates.acceptor(trouble) {
            Some(acceptor) => {
                if let Ok(mut client) = acceptor.accept(client).await {
                    requests(&mut client, number, &shared).await;
                }
            }
            None => {
                let answer = Message::answer(400, &[], b"this is a port for plain HTTP");
                drop(client.write_all(&answer.bytes()).await);
            }
        },
    }
}

/// The requests of one connection, until either side has had enough.
async fn requests(client: &mut dyn Stream, number: u64, shared: &Arc<Shared>) {
    let address = address_of(number).to_string();
    while let Ok(Some(mut request)) = Message::read(client).await {
        request.set_header("x-forwarded-for", &address);
        let refusal = shared.state().refusal.clone();
        let refused = refusal.and_then(|refusal| refusal(&request));
        if let Some(answer) = refused {
            shared.state().requests += 1;
            if client.write_all(&answer.bytes()).await.is_err() {
                return;
            }
            continue;
        }
        let fault = shared.state().request();
        let way = Way {
            upstream: shared.upstream,
            old_reply: shared.state().last_reply.clone(),
            client,
        };
        let end = way.carry(&request, fault).await;
        if let Some(Fault::Replayed(later)) = fault {
            replay(shared, request, later);
        }
        match end {
            Ok(End::Answered(reply)) if fault.is_none() => shared.state().last_reply = Some(reply),
            Ok(End::Answered(_)) => {}
            Ok(End::Closed) | Err(_) => return,
        }
    }
}

/// Sends the request once more, later; nobody hears the answer.
fn replay(shared: &Arc<Shared>, request: Message, later: Duration) {
    let upstream = shared.upstream;
    let replay = tokio::spawn(async move {
        tokio::time::sleep(later).await;
        drop(ask(upstream, &request).await);
    });
    shared.state().open.push(replay);
}

/// An address that no other connection of this proxy has (of the first sixteen million).
fn address_of(number: u64) -> IpAddr {
    let [.., a, b, c] = number.to_be_bytes();
    Ipv4Addr::new(10, a, b, c).into()
}
