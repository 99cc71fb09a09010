//! `manyi-collector token`: keys for programs that read the API.

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::{Globals, block_on, out};
use crate::api::auth::TOKEN_PREFIX;
use crate::clock::{Clock, SystemClock};
use crate::office::secret;
use crate::store::UserStore;
use crate::store::sqlite::SqliteStore;

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
    Create(Named),
    /// List all tokens with their state
    List,
    /// Make a token invalid at once
    Revoke(Named),
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
                Command::Create(Named { name }) => create(&store, name, now_ms).await,
                Command::List => list(&store).await,
                Command::Revoke(Named { name }) => revoke(&store, name, now_ms).await,
            }
        })
    }
}

async fn create(store: &SqliteStore, name: String, now_ms: i64) -> anyhow::Result<()> {
    let token = format!(
        "{TOKEN_PREFIX}{}",
        secret::token().context("the system has no randomness to give")?
    );
    if !store
        .add_token(secret::digest(&token), name.clone(), now_ms)
        .await?
    {
        bail!("there is a valid token named `{name}`; choose another name or revoke it first");
    }
    out::line(&token);
    out::note("Keep it now: it is stored as a digest and cannot be shown again.");
    Ok(())
}

async fn list(store: &SqliteStore) -> anyhow::Result<()> {
    for token in store.tokens().await? {
        let state = match token.revoked_ms {
            Some(ms) => format!("revoked {}", instant(ms)),
            None => "valid".to_owned(),
        };
        out::line(format_args!(
            "{}\tcreated {}\t{state}",
            token.name,
            instant(token.created_ms)
        ));
    }
    Ok(())
}

async fn revoke(store: &SqliteStore, name: String, now_ms: i64) -> anyhow::Result<()> {
    if !store.revoke_token(name.clone(), now_ms).await? {
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
