//! Enrolment: trades a one-time code for an identity.
//!
//! **Crash**: the key is on the card before anything is sent, the profile before the identity, the
//! identity last; its presence is what "enrolled" means. A cut or a lost reply before that is
//! repaired by asking again, by the same command, at the screen or from the same file: the same key
//! asks with the same code.

mod boot_file;
mod hand_over;
mod key;
mod pending;
mod problem;
mod tries;
pub(crate) mod waiting;

use std::path::PathBuf;

use manyi_shared::tablet::{
    DataDir, EnrolProblem, FileError, Identity, IdentityError, ensure_folder, replace,
};
use manyi_shared::wire::{
    EnrolReply, EnrolRequest, EnrolmentCode, EnvelopeError, ProfileError, Suite,
};

pub(crate) use boot_file::address_in;
pub use hand_over::enrol_or_hand_over;

use crate::SOFTWARE;
use crate::exchange::{PROBLEM_TYPE, SIGNED_TYPE, problem_detail};
use crate::link::{Answer, Link, LinkError, LinkOptions, Request};
use crate::lock::{Lock, LockError};
use crate::profile;

const PATH: &str = "/device/v1/enrol";

/// What a technician gives.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The tablet's data folder; made when it is not there.
    pub data: DataDir,
    /// The collector's address.
    pub collector_url: String,
    /// The one-time code from the office.
    pub code: EnrolmentCode,
    /// Whether an identity that is there is replaced.
    pub again: bool,
    /// How to reach the collector.
    pub link: LinkOptions,
}

/// Why the terminal was not enrolled. In every case what it was before, it still is.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// It has an identity.
    #[error(
        "this terminal is already enrolled (`{path}`). With --again it gets a new identity from a \
         new code; its key, journal and unsent ratings stay and are still sent under the old one"
    )]
    Already {
        /// The identity file.
        path: PathBuf,
    },
    /// Its key is of another suite than the code is for.
    #[error(
        "this terminal's key is of suite {ours} and the code is for {code}. Its unsent ratings are \
         sent with the key it has: ask the office for a code for {ours}, or set the tablet up from \
         a fresh card"
    )]
    OtherSuite {
        /// The suite of the terminal's key.
        ours: Suite,
        /// The suite that the code is for.
        code: Suite,
    },
    /// A daemon is at work in the data folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The collector cannot be reached.
    #[error(
        "the collector could not be reached. Check the address, that this machine is on the \
         network (ping the address), that no firewall is in between, and the proxy settings"
    )]
    Unreachable(#[source] LinkError),
    /// The proxy in between wants to know who we are.
    #[error(
        "the proxy wants a user name and a password; put them into its address: \
         proxy = \"http://USER:PASSWORD@HOST:PORT\""
    )]
    ProxyPassword,
    /// The address or the certificates cannot be used.
    #[error(transparent)]
    Link(LinkError),
    /// The collector does not accept the code.
    #[error("the collector refused: {detail}")]
    Refused {
        /// What it says.
        detail: String,
    },
    /// Too many tries.
    #[error("the collector has had too many tries from here{}", wait(*.seconds))]
    TooManyTries {
        /// How long to wait, in seconds.
        seconds: Option<u64>,
    },
    /// The collector answered with an error.
    #[error("the collector could not enrol this terminal now: status {status}{}", of(.detail))]
    Failed {
        /// The status code.
        status: u16,
        /// What it says.
        detail: String,
    },
    /// Something else answered.
    #[error(
        "what answers at {url} is not a Manyi collector (status {status}, {content_type:?}); check \
         the address, or whether a login page of the network is in between"
    )]
    NotACollector {
        /// The address.
        url: String,
        /// The status code.
        status: u16,
        /// What the answer claims to be.
        content_type: String,
    },
    /// The reply is not what a collector signs.
    #[error("the collector's reply cannot be trusted")]
    Untrusted(#[source] EnvelopeError),
    /// The profile in it cannot be obeyed.
    #[error("the collector's profile for this terminal cannot be used")]
    Profile(#[source] ProfileError),
    /// The daemon that waits here tried, and this is what it says.
    #[error("the daemon that waits here could not enrol: {detail}")]
    ByDaemon {
        /// What a technician can do something about.
        problem: EnrolProblem,
        /// What the daemon says.
        detail: String,
    },
    /// The daemon that waits here does not answer.
    #[error(
        "the daemon that works here does not take the order; look at its log, or stop it and run \
         this again"
    )]
    NoWord,
    /// The key cannot be made or read.
    #[error(transparent)]
    Key(#[from] IdentityError),
    /// The card cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

fn of(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    }
}

fn wait(seconds: Option<u64>) -> String {
    seconds.map_or_else(
        || "; wait a minute and try again".to_owned(),
        |seconds| format!("; try again in {seconds} seconds"),
    )
}

/// Enrols the terminal.
///
/// # Errors
/// [`EnrolError`]; no identity was written, so the same command can be run again.
pub async fn enrol(enrolment: Enrolment) -> Result<Identity, EnrolError> {
    let data = &enrolment.data;
    let link =
        Link::to_enrol(&enrolment.collector_url, &enrolment.link).map_err(EnrolError::Link)?;
    ensure_folder(data.path())?;
    let lock = Lock::take(data)?;
    ask(&enrolment, &link, &lock).await
}

/// Enrols the terminal from inside the daemon that holds the data folder.
///
/// # Errors
/// [`EnrolError`], like [`enrol`].
pub(crate) async fn enrol_within(
    enrolment: &Enrolment,
    lock: &Lock,
) -> Result<Identity, EnrolError> {
    let link =
        Link::to_enrol(&enrolment.collector_url, &enrolment.link).map_err(EnrolError::Link)?;
    ask(enrolment, &link, lock).await
}

async fn ask(enrolment: &Enrolment, link: &Link, _lock: &Lock) -> Result<Identity, EnrolError> {
    let data = &enrolment.data;
    let path = data.identity();
    if !enrolment.again && path.exists() {
        return Err(EnrolError::Already { path });
    }
    if link.is_readable_on_the_way() {
        tracing::warn!(
            "the code is sent unencrypted (http://): whoever reads it on the way could use it first"
        );
    }
    let key = key::of_suite(data, enrolment.code.suite())?;
    let request = EnrolRequest {
        code: enrolment.code.clone(),
        key: key.public(),
        software: SOFTWARE.to_owned(),
    }
    .seal(&key);
    let digest = key.suite().digest(&request);
    let answer = link
        .post(Request::new(PATH, SIGNED_TYPE, request))
        .await
        .map_err(no_answer)?;
    let url = &enrolment.collector_url;
    let body = accepted(answer, url)?;
    let reply = EnrolReply::open(&body, &digest).map_err(EnrolError::Untrusted)?;
    // The collector speaks to a terminal in the terminal's own suite, for good.
    if reply.collector.suite() != key.suite() {
        let problem = "the collector's key is of another suite than ours".to_owned();
        return Err(EnrolError::Untrusted(EnvelopeError::Content(problem)));
    }
    let identity = Identity {
        terminal: reply.terminal,
        hall: reply.hall,
        window: reply.window,
        collector: reply.collector,
        collector_url: url.clone(),
    };
    first_profile(data, &identity, &reply.profile)?;
    enrolment.link.time.heard(reply.server_ms, data);
    identity.write(&path)?;
    // What was said of the identity before is not said of this one.
    drop(std::fs::remove_file(data.uplink_status()));
    Ok(identity)
}

/// Puts the first profile on the card. One whose files must be fetched first is left to the first
/// exchange, which offers it again; one of an earlier identity is not obeyed until then.
fn first_profile(data: &DataDir, identity: &Identity, bytes: &[u8]) -> Result<(), EnrolError> {
    let profile = profile::open(bytes, identity).map_err(EnrolError::Profile)?;
    if profile.assets().is_empty() {
        return Ok(replace(&data.profile(), bytes)?);
    }
    let path = data.profile();
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(FileError {
            doing: "remove",
            path,
            source,
        }
        .into()),
        _ => Ok(()),
    }
}

fn no_answer(error: LinkError) -> EnrolError {
    if error.wants_proxy_password() {
        EnrolError::ProxyPassword
    } else {
        EnrolError::Unreachable(error)
    }
}

/// The body of the collector's reply, or what the answer means instead.
fn accepted(answer: Answer, url: &str) -> Result<Vec<u8>, EnrolError> {
    let detail = problem_detail(&answer);
    match answer.status {
        200..=299 if answer.content_type == SIGNED_TYPE => Ok(answer.body),
        407 => Err(EnrolError::ProxyPassword),
        429 => Err(EnrolError::TooManyTries {
            seconds: answer.retry_after.map(|wish| wish.as_secs()),
        }),
        401 | 403 if answer.content_type == PROBLEM_TYPE => Err(EnrolError::Refused { detail }),
        status if answer.content_type == PROBLEM_TYPE || status >= 500 => {
            Err(EnrolError::Failed { status, detail })
        }
        status => Err(EnrolError::NotACollector {
            url: url.to_owned(),
            status,
            content_type: answer.content_type,
        }),
    }
}
