//! `manyi-collector token`: keys for programs that read the API.

use anyhow::{Context, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Globals, block_on, out, who};
use crate::access::{PermissionSet, Place};
use crate::api::auth::TOKEN_PREFIX;
use crate::audit::By;
use crate::clock::{Clock, SystemClock};
use crate::office::admin::tokens::offered;
use crate::office::secret;
use crate::store::users::NewToken;
use crate::store::{Database, UserStore};

/// The longest name of a token.
const MAX_NAME: usize = 64;

/// Manage API tokens
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token and print it, once
    #[command(alias = "add")]
    Create(Create),
    /// List all tokens with their state
    List,
    /// Make a token invalid at once
    Revoke(Named),
}

#[derive(Debug, clap::Args)]
struct Create {
    #[command(flatten)]
    named: Named,
    /// What it may do, with commas; README.md has the names
    #[arg(long, default_value = "see_scores,export,see_fleet,ask_citizens")]
    scope: PermissionSet,
    /// Where: everywhere, region:CODE, hall:HALL, department:HALL:DEPARTMENT, window:HALL:WINDOW
    #[arg(long, default_value = "everywhere", value_name = "PLACE")]
    at: Place,
    /// For how long, such as 90d; without it until it is revoked
    #[arg(long, value_name = "TIME")]
    expires: Option<jiff::Span>,
}

#[derive(Debug, clap::Args)]
struct Named {
    /// What the token is called, such as the program that will use it
    #[arg(long, value_parser = parse_name)]
    name: String,
}

impl Args {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// When the database cannot be used, the name is taken, or there is no such token.
    pub fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        let now_ms = SystemClock.now_ms();
        block_on(async move {
            match self.command {
                Command::Create(wanted) => create(&store, wanted, now_ms).await,
                Command::List => list(&store).await,
                Command::Revoke(Named { name }) => revoke(&store, name, now_ms).await,
            }
        })
    }
}

async fn create(store: &Database, wanted: Create, now_ms: i64) -> anyhow::Result<()> {
    let token = format!(
        "{TOKEN_PREFIX}{}",
        secret::token().context("the system has no randomness to give")?
    );
    let permissions = wanted.scope.both(offered());
    if permissions != wanted.scope || permissions.is_empty() {
        bail!("a token needs a permission, and manages neither people nor tokens");
    }
    let new = NewToken {
        digest: secret::digest(&token),
        name: wanted.named.name,
        permissions,
        place: wanted.at,
        expires_ms: wanted.expires.map(|span| until(span, now_ms)).transpose()?,
    };
    store.add_token(new, By::operator(who()), now_ms).await??;
    out::line(&token);
    out::note("Keep it now: it is stored as a digest and cannot be shown again.");
    Ok(())
}

/// The moment after a span from now.
fn until(span: jiff::Span, now_ms: i64) -> anyhow::Result<i64> {
    let now = Timestamp::from_millisecond(now_ms)?.to_zoned(TimeZone::UTC);
    let end = now
        .checked_add(span)
        .context("`--expires` is too far away")?
        .timestamp()
        .as_millisecond();
    if end <= now_ms {
        bail!("`--expires` must lie in the future, such as 90d")
    }
    Ok(end)
}

async fn list(store: &Database) -> anyhow::Result<()> {
    let now_ms = SystemClock.now_ms();
    for token in store.tokens().await? {
        let state = match (token.revoked_ms, token.expires_ms) {
            (Some(ms), _) => format!("revoked {}", instant(ms)),
            (None, Some(ms)) if ms <= now_ms => format!("expired {}", instant(ms)),
            (None, Some(ms)) => format!("valid until {}", instant(ms)),
            (None, None) => "valid".to_owned(),
        };
        let used = token.seen_ms.map_or_else(|| "never".to_owned(), instant);
        out::line(format_args!(
            "{}\tcreated {}\t{state}\tused {used}\t{} at {}",
            token.name,
            instant(token.created_ms),
            token.permissions,
            token.place
        ));
    }
    Ok(())
}

async fn revoke(store: &Database, name: String, now_ms: i64) -> anyhow::Result<()> {
    let by = By::operator(who());
    if !store.revoke_token(name.clone(), by, now_ms).await? {
        bail!("there is no valid token named `{name}`");
    }
    out::line(format_args!("revoked `{name}`"));
    Ok(())
}

fn instant(ms: i64) -> String {
    Timestamp::from_second(ms.div_euclid(1000))
        .map_or_else(|_| ms.to_string(), |instant| instant.to_string())
}

fn parse_name(text: &str) -> Result<String, String> {
    let fits = !text.trim().is_empty()
        && text.chars().count() <= MAX_NAME
        && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("a name has 1 to {MAX_NAME} printable characters"))
    }
}
