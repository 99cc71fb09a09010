//! `manyi-collector audit`: checks the log's chain, and drops what was kept long enough.

use anyhow::{Context, bail};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Globals, block_on, out, who};
use crate::access::Place;
use crate::audit::{Action, By, Head, KEPT_DAYS, Note};
use crate::clock::{Clock, SystemClock};
use crate::roots::proof::hex;
use crate::store::{AuditStore, Database};

const MS_PER_DAY: i64 = 86_400_000;

/// What to do with the log.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check every entry against the chain; status 1 and the first break when it does not hold
    Verify(Verify),
    /// Drop entries from before a day, at least six months ago; the chain keeps where it was cut
    Drop(Cut),
}

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// What `verify` printed earlier, as NUMBER:HASH: the chain must go through it. Who keeps it
    /// elsewhere notices a log that was made anew
    #[arg(long, value_name = "NUMBER:HASH", value_parser = parse_head)]
    through: Option<Head>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Cut {
    /// The first day that stays, such as 2026-01-31
    #[arg(long, value_name = "DATE")]
    before: Date,
}

fn parse_head(text: &str) -> Result<Head, String> {
    let wrong = || "a number, a colon and 64 hexadecimal digits".to_owned();
    let (seq, digits) = text.split_once(':').ok_or_else(wrong)?;
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return Err(wrong());
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        let pair = digits.get(2 * at..2 * at + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    let seq = seq.parse().map_err(|_| wrong())?;
    Ok(Head { seq, hash })
}

impl Command {
    /// Runs the subcommand.
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        block_on(async move {
            match self {
                Self::Verify(Verify { through }) => verify(&store, through).await,
                Self::Drop(Cut { before }) => cut(&store, before).await,
            }
        })
    }
}

async fn verify(store: &Database, through: Option<Head>) -> anyhow::Result<()> {
    let report = store.verify_audit(through).await?;
    if report.anchor.seq > 0 {
        out::line(format_args!(
            "entries up to {} were dropped; the chain goes on from there",
            report.anchor.seq
        ));
    }
    match report.result {
        Ok(head) => {
            out::line(format_args!("{} entries, the chain holds", report.entries));
            out::line(format_args!("head {}:{}", head.seq, hex(&head.hash)));
            Ok(())
        }
        Err(broken) => bail!("the audit log does not hold: {broken}"),
    }
}

async fn cut(store: &Database, before: Date) -> anyhow::Result<()> {
    let now_ms = SystemClock.now_ms();
    let until = before
        .to_zoned(TimeZone::system())
        .context("`--before` is no day here")?;
    let until_ms = until.timestamp().as_millisecond();
    if until_ms > now_ms.saturating_sub(KEPT_DAYS * MS_PER_DAY) {
        bail!("entries are kept for {KEPT_DAYS} days at least; choose an earlier day");
    }
    let by = By::operator(who());
    let note = Note::new(by, Action::DropAudit, Place::Everywhere, "audit")
        .detail(format!("before {before}"));
    let dropped = store.drop_audit(until_ms, note, now_ms).await?;
    out::line(format_args!("dropped {dropped} entries"));
    Ok(())
}
