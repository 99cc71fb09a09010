//! `verify`: everything that is stored of a hall, checked again.

use anyhow::{Context, bail};
use base64::Engine as _;
use manyi_shared::domain::HallId;
use manyi_shared::wire::{PublicKey, SecretKey};
use serde_json::{Value, json};

use super::place::chosen;
use super::{Globals, block_on, keys, out};
use crate::config::Config;
use crate::store::ProofStore;
use crate::verify::{Finding, Report};

/// What to check.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status 0: everything fits. 1: something does not, and it is listed; or it could not be checked.

Terminals may go on sending meanwhile. What fits but should be known (a second history, a stream from \
before signatures were kept) is listed as a note.")]
pub(super) struct Args {
    /// The hall; may be left out when there is just one
    #[arg(long)]
    hall: Option<HallId>,
    /// The collector's public keys in base64, where its key files are not beside the database
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (config, store) = globals.open()?;
        let keys = collector_keys(&config, &self.key)?;
        let (hall, report) = block_on(async {
            let hall = chosen(&store, self.hall.as_ref()).await?.id;
            let report = store.verify(hall.clone(), keys).await?;
            Ok((hall, report))
        })?;
        if self.json {
            out::line(body(&hall, &report));
        } else {
            print(&hall, &report);
        }
        if report.is_good() {
            return Ok(());
        }
        let n = report.findings.len() as u64 + report.more_findings;
        bail!("hall {hall}: {n} things do not fit")
    }
}

/// The keys that were named, or those of the data directory.
fn collector_keys(config: &Config, named: &[String]) -> anyhow::Result<Vec<PublicKey>> {
    if named.is_empty() {
        let keys = keys::read_keys(&config.data_dir, config.suite)?;
        return Ok(keys.all().map(SecretKey::public).collect());
    }
    let parse = |text: &String| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
        let key = bytes.and_then(|bytes| PublicKey::from_bytes(&bytes));
        key.with_context(|| format!("`{text}` is no public key in base64"))
    };
    named.iter().map(parse).collect()
}

fn print(hall: &HallId, report: &Report) {
    for finding in &report.findings {
        out::line(finding);
    }
    if report.more_findings > 0 {
        out::line(format_args!("and {} more", report.more_findings));
    }
    for note in &report.notes {
        out::line(format_args!("note: {note}"));
    }
    if report.more_notes > 0 {
        out::line(format_args!("note: and {} more", report.more_notes));
    }
    let verdict = if report.is_good() {
        "everything fits"
    } else {
        "NOT everything fits"
    };
    out::line(format_args!(
        "hall {hall}: {verdict}; {} records of {} streams ({} signed by their terminals), {} counted \
         outcomes, {} dead letters, {} published days",
        report.records,
        report.streams,
        report.signed_streams,
        report.counted,
        report.dead_letters,
        report.days
    ));
}

fn body(hall: &HallId, report: &Report) -> Value {
    let list = |findings: &[Finding]| findings.iter().map(one).collect::<Vec<_>>();
    json!({
        "hall": hall,
        "good": report.is_good(),
        "records": report.records,
        "streams": report.streams,
        "signed_streams": report.signed_streams,
        "counted": report.counted,
        "dead_letters": report.dead_letters,
        "days": report.days,
        "findings": list(&report.findings),
        "more_findings": report.more_findings,
        "notes": list(&report.notes),
        "more_notes": report.more_notes,
    })
}

fn one(finding: &Finding) -> Value {
    let place = finding.place.as_ref();
    json!({
        "what": finding.what.name(),
        "window": place.and_then(|place| place.window.as_deref()),
        "terminal": place.map(|place| place.terminal),
        "stream": place.map(|place| place.stream),
        "position": place.and_then(|place| place.seq),
        "text": finding.what.to_string(),
    })
}
