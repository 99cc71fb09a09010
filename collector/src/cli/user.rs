//! `manyi-collector user`: people, where nobody can log in to manage them.

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::{Globals, block_on, out, who};
use crate::access::{Grant, Place, Role};
use crate::audit::By;
use crate::clock::{Clock, SystemClock};
use crate::office::admin::{is_login_name, is_name};
use crate::office::secret;
use crate::store::users::{OfficeUser, UserChange};
use crate::store::{Database, UserStore};

/// What to do with users.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a user and print a one-time password, once
    Add(Add),
    /// List all users with their roles
    List,
    /// Print a new one-time password; the old one, the second factor and all sessions end
    Reset(Named),
    /// Keep a user from logging in; all sessions end
    Disable(Named),
    /// Let a disabled user log in again
    Enable(Named),
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The login name: letters, digits and . _ - @
    name: String,
    /// As people call them
    #[arg(long, default_value = "")]
    full_name: String,
    /// A role at a place, such as `hall_manager@hall:371581-01`; may come several times. Roles:
    /// `administrator`, `office`, `department_handler`, `hall_manager`, `technician`, `officer`, `auditor`.
    /// Places: everywhere, region:CODE, hall:HALL, department:HALL:DEPARTMENT, window:HALL:WINDOW
    #[arg(long = "role", value_name = "ROLE@PLACE", value_parser = parse_grant)]
    roles: Vec<Grant>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Named {
    /// The login name
    name: String,
}

fn parse_grant(text: &str) -> Result<Grant, String> {
    let (role, place) = text
        .split_once('@')
        .ok_or("a role and a place, such as office@everywhere")?;
    let place: Place = place
        .parse()
        .map_err(|error: crate::access::InvalidPlace| error.to_string())?;
    let role = Role::from_name(role).ok_or_else(|| {
        let names: Vec<&str> = Role::ALL.map(Role::name).into();
        format!("a role is one of: {}", names.join(", "))
    })?;
    Ok(Grant::role(role, place))
}

impl Command {
    /// Runs the subcommand.
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        let now_ms = SystemClock.now_ms();
        block_on(async move {
            match self {
                Self::Add(wanted) => add(&store, wanted, now_ms).await,
                Self::List => list(&store).await,
                Self::Reset(Named { name }) => reset(&store, name, now_ms).await,
                Self::Disable(Named { name }) => {
                    let version = known(&store, &name).await?.version;
                    change(&store, name, UserChange::Disable { version }, now_ms).await
                }
                Self::Enable(Named { name }) => {
                    let version = known(&store, &name).await?.version;
                    change(&store, name, UserChange::Enable { version }, now_ms).await
                }
            }
        })
    }
}

async fn add(store: &Database, wanted: Add, now_ms: i64) -> anyhow::Result<()> {
    if !is_login_name(&wanted.name) {
        bail!("a login name has 1 to 64 letters, digits, `.`, `_`, `-` or `@`");
    }
    if !wanted.full_name.is_empty() && !is_name(&wanted.full_name) {
        bail!("`--full-name` has at most 64 printable characters");
    }
    let password = secret::one_time_password()?;
    let user = OfficeUser {
        name: wanted.name.clone(),
        full_name: wanted.full_name,
        password_hash: secret::hash(password.clone()).await?,
        must_change: true,
        grants: wanted.roles,
        ..OfficeUser::default()
    };
    change(store, wanted.name, UserChange::Add(Box::new(user)), now_ms).await?;
    print_once(&password);
    Ok(())
}

async fn reset(store: &Database, name: String, now_ms: i64) -> anyhow::Result<()> {
    let password = secret::one_time_password()?;
    let password_hash = secret::hash(password.clone()).await?;
    change(store, name, UserChange::Reset { password_hash }, now_ms).await?;
    print_once(&password);
    Ok(())
}

fn print_once(password: &str) {
    out::line(password);
    out::note("One-time: it cannot be shown again, and must be changed at the next login.");
}

async fn change(
    store: &Database,
    name: String,
    wanted: UserChange,
    now_ms: i64,
) -> anyhow::Result<()> {
    let by = By::operator(who());
    Ok(store.change_user(name, wanted, by, now_ms).await??)
}

async fn known(store: &Database, name: &str) -> anyhow::Result<OfficeUser> {
    let user = store.user(name.to_owned()).await?;
    user.with_context(|| format!("there is no user `{name}`"))
}

async fn list(store: &Database) -> anyhow::Result<()> {
    for user in store.users().await? {
        let state = match (user.disabled_ms, user.must_change) {
            (Some(_), _) => "disabled",
            (None, true) => "one-time password",
            (None, false) => "enabled",
        };
        let factor = if user.second_factor.is_some() {
            "second factor"
        } else {
            "password only"
        };
        let seen = user.last_login_ms.and_then(|ms| {
            let at = Timestamp::from_second(ms.div_euclid(1000)).ok()?;
            Some(format!("last login {at}"))
        });
        let grants: Vec<String> = user
            .grants
            .iter()
            .map(|grant| {
                let role = grant.as_role().map_or("", Role::name);
                format!("{role}@{}", grant.place)
            })
            .collect();
        out::line(format_args!(
            "{}\t{}\t{state}\t{factor}\t{}\t{}",
            user.name,
            user.full_name,
            seen.unwrap_or_else(|| "never logged in".to_owned()),
            grants.join(" ")
        ));
    }
    Ok(())
}
