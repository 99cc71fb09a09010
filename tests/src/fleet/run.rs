//! A whole run: a fleet enrols, goes away, comes home to a real collector, and is compared.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use manyi_shared::domain::Clock as _;
use manyi_shared::tablet::SystemClock;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Ended, Plan, Report, Tablet, muster};
use crate::ledger;
use crate::office::Office;
use crate::progress::bar;
use crate::usage::pss_kib;

/// How often the collector's memory and the number of drained tablets are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Runs `plan` against a collector program with these settings beside the defaults.
///
/// # Errors
/// When something cannot be set up. What goes wrong with the fleet is in the report.
pub async fn run(plan: Plan, settings: &[(&str, String)]) -> anyhow::Result<Report> {
    // A connection each, and the collector's end of it is counted apart.
    raise_descriptors();
    let mut office = Office::new(plan.terminals)?;
    for (key, value) in settings {
        office.set(key, value);
    }
    let tablets = assemble(&office, plan).await?;
    office.set("log", "warn");
    office.start()?;
    let process = office.program().context("it runs")?.id();
    let kib_before = pss_kib(process)?;

    let (stop, stopped) = watch::channel(false);
    let drained = Arc::new(AtomicU64::new(0));
    let tablets = come_home(tablets, office.address(), &stopped, &drained);
    let kib_most = watch_over(&drained, plan, process).await?.max(kib_before);
    stop.send_replace(true);
    let mut ended = Vec::with_capacity(plan.terminals);
    for tablet in tablets {
        ended.push(tablet.await?);
    }
    office.stop()?;
    let streams_wrong = streams_wrong(&office, &ended)?;
    Ok(Report {
        kib_before,
        kib_most,
        streams_wrong,
        ..Report::of(plan, &ended)
    })
}

/// Enrols the tablets and seals what they have when they come back.
async fn assemble(office: &Office, plan: Plan) -> anyhow::Result<Vec<Tablet>> {
    let progress = bar(plan.terminals as u64, "terminals enrolled");
    let members = muster(&office.data_dir(), plan.terminals, || progress.inc(1)).await?;
    progress.finish_and_clear();
    let wall_ms = SystemClock::new().read().wall_ms;
    let mut tablets = Vec::with_capacity(members.len());
    for (n, member) in members.into_iter().enumerate() {
        tablets.push(Tablet::new(member, &plan, n, wall_ms)?);
    }
    Ok(tablets)
}

/// All tablets at once.
fn come_home(
    tablets: Vec<Tablet>,
    collector: SocketAddr,
    stopped: &watch::Receiver<bool>,
    drained: &Arc<AtomicU64>,
) -> Vec<JoinHandle<Ended>> {
    // Tasks are made before the return begins, so that it is one moment.
    let begin = Instant::now() + Duration::from_secs(1);
    let tasks = tablets.into_iter().map(|tablet| {
        let (stopped, drained) = (stopped.clone(), Arc::clone(drained));
        tokio::spawn(async move {
            tokio::time::sleep_until(begin).await;
            let home = move || {
                drained.fetch_add(1, Ordering::Relaxed);
            };
            tablet.come_home(collector, begin, stopped, home).await
        })
    });
    tasks.collect()
}

/// Waits until all are drained or the time is up; the most memory that the collector had.
async fn watch_over(drained: &AtomicU64, plan: Plan, process: u32) -> anyhow::Result<u64> {
    let progress = bar(plan.terminals as u64, "terminals home");
    let begin = Instant::now();
    let mut most = 0;
    loop {
        let home = drained.load(Ordering::Relaxed);
        progress.set_position(home);
        most = most.max(pss_kib(process).context("the collector ended")?);
        if home >= plan.terminals as u64 || begin.elapsed() > plan.limit {
            progress.finish_and_clear();
            return Ok(most);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Streams that the database does not hold as they were sealed.
fn streams_wrong(office: &Office, ended: &[Ended]) -> anyhow::Result<usize> {
    let held = ledger::watermarks(&office.data_dir().join("collector.sqlite"))?;
    let wrong = ended
        .iter()
        .filter(|ended| held.get(&(ended.terminal, ended.stream)) != Some(&ended.sealed));
    Ok(wrong.count())
}

/// Opens as many descriptors as the system lets this process have.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    // If not, connections fail later and are counted as unanswered.
    let _raised = setrlimit(Resource::Nofile, all);
}
