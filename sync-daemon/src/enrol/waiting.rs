//! The daemon of a terminal that has no identity yet: waits for address and code, from the screen
//! or from a file, and enrols with them.
//!
//! What may succeed later is tried again, for days if it must be: an order is kept for that
//! (`enrol-pending.json`), the file stays where it is.
//!
//! **Crash**: an order is removed before it is tried the first time, so a power cut in that moment
//! makes the technician type it again; the key that asked is on the card and asks again with the same
//! code. A file stays until there is an identity.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use manyi_shared::tablet::{DataDir, EnrolOrder, EnrolProblem, EnrolProgress, EnrolState};
use tokio::time::Instant;

use super::boot_file::{self, BootFile, Found};
use super::pending::Pending;
use super::tries::Tries;
use super::{EnrolError, Enrolment, enrol_within};
use crate::daemon::{Options, unless_stopped};
use crate::lock::Lock;
use crate::wakes::Wakes;

/// The longest detail, in characters: it is shown on one line of a small screen and in a log.
const MAX_DETAIL: usize = 300;

/// Where an order came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Screen,
    File,
}

/// A terminal that waits.
struct Waiting<'a> {
    options: &'a Options,
    lock: &'a Lock,
    progress: Progress<'a>,
    pending: Pending,
    file: Option<BootFile>,
    /// There is an order that cannot be taken away.
    stuck: bool,
    start: Instant,
}

/// Waits until there is an identity, however it came. Says false when `stop` came first.
pub(crate) async fn until_enrolled(
    options: &Options,
    lock: &Lock,
    wakes: &mut Wakes,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> bool {
    tracing::info!("this terminal is not enrolled; waiting for an address and a code");
    let tries = Tries::new(options.pace.backoff);
    let mut waiting = Waiting {
        options,
        lock,
        progress: Progress {
            data: &options.data,
            last: None,
        },
        pending: Pending::at(options.data.enrol_pending(), tries),
        file: options
            .enrol_file
            .clone()
            .map(|path| BootFile::at(path, tries)),
        stuck: false,
        start: Instant::now(),
    };
    waiting.progress.at(EnrolState::Waiting);
    loop {
        while let Some((order, from)) = waiting.next() {
            let given = EnrolOrder {
                collector: order.collector_url.clone(),
                code: order.code.to_string(),
            };
            let (result, stopping) = unless_stopped(waiting.ask(order), stop.as_mut()).await;
            if let Some(result) = result {
                waiting.ended(given, from, &result);
            }
            if stopping {
                return false;
            }
            if options.data.identity().exists() {
                break;
            }
        }
        if options.data.identity().exists() {
            return true;
        }
        tokio::select! {
            () = &mut stop => return false,
            _ = wakes.woken() => {}
            () = tokio::time::sleep(options.pace.poll) => {}
        }
    }
}

/// Clears up after an enrolment, however it came and wherever it was cut short: an identity is
/// there, so codes that lie about are used or of no use.
pub(crate) fn tidy(data: &DataDir, enrol_file: Option<&Path>) {
    let path = data.enrol_progress();
    let done = EnrolProgress::read(&path).is_some_and(|p| p.state == EnrolState::Done);
    if !done {
        let mut progress = Progress { data, last: None };
        progress.at(EnrolState::Done);
    }
    match EnrolOrder::take(&data.enrol_order()) {
        Ok(None) => {}
        Ok(Some(_)) => tracing::warn!("an order to enrol was left; this terminal is enrolled"),
        Err(error) => tracing::warn!(error = crate::chain(&error), "a code is left on the card"),
    }
    if let Err(error) = boot_file::remove(&data.enrol_pending()) {
        tracing::warn!(error = crate::chain(&error), "a code is left on the card");
    }
    if let Some(path) = enrol_file
        && let Err(error) = boot_file::remove(path)
    {
        tracing::warn!(
            path = %path.display(), error = crate::chain(&error),
            "could not remove the enrolment file; remove it by hand, its code is used"
        );
    }
}

impl Waiting<'_> {
    /// The next order to try; what cannot be tried is told at once.
    fn next(&mut self) -> Option<(Enrolment, Source)> {
        let path = self.options.data.enrol_order();
        let there = path.exists();
        if there && !self.stuck {
            // Said before the order goes, so that whoever finds it gone never takes what was said
            // to an earlier one for the answer.
            self.progress.at(EnrolState::Asking);
        }
        let taken = EnrolOrder::take(&path);
        self.stuck = taken.is_err();
        match taken {
            Ok(Some(order)) => {
                self.pending.drop_it();
                return self.check(&order).map(|order| (order, Source::Screen));
            }
            Ok(None) if there => {
                self.pending.drop_it();
                let detail = "the order could not be read; type it again";
                self.progress.failed(EnrolProblem::Other, detail);
            }
            Ok(None) => {}
            // Not tried: it would be tried for ever.
            Err(error) => {
                self.progress
                    .failed(EnrolProblem::Storage, &crate::chain(&error));
                return None;
            }
        }
        let now = self.start.elapsed();
        if let Some(order) = self.pending.take_due(now) {
            return self.check(&order).map(|order| (order, Source::Screen));
        }
        match self.file.as_mut()?.look(now) {
            Found::Nothing => None,
            Found::Order(order) => self.check(&order).map(|order| (order, Source::File)),
            Found::Unusable(problem, detail) => {
                self.progress.failed(problem, &detail);
                None
            }
        }
    }

    fn check(&mut self, order: &EnrolOrder) -> Option<Enrolment> {
        match checked(order, self.options) {
            Ok(enrolment) => {
                self.progress.at(EnrolState::Asking);
                Some(enrolment)
            }
            Err((problem, detail)) => {
                self.progress.failed(problem, &detail);
                None
            }
        }
    }

    async fn ask(&self, enrolment: Enrolment) -> Result<(), EnrolError> {
        enrol_within(&enrolment, self.lock).await.map(drop)
    }

    fn ended(&mut self, given: EnrolOrder, from: Source, result: &Result<(), EnrolError>) {
        let error = match result {
            Ok(()) => {
                self.pending.drop_it();
                return self.progress.at(EnrolState::Done);
            }
            Err(error) => error,
        };
        self.progress.failed(error.problem(), &crate::chain(error));
        let random = getrandom::u64().unwrap_or(u64::MAX / 2);
        let (now, wish) = (self.start.elapsed(), error.wish());
        match (from, error.may_pass()) {
            (Source::Screen, true) => self.pending.keep(given, now, wish, random),
            (Source::Screen, false) => self.pending.drop_it(),
            (Source::File, true) => {
                if let Some(file) = &mut self.file {
                    file.failed(now, wish, random);
                }
            }
            (Source::File, false) => {}
        }
    }
}

/// An order that can be tried, or why this one cannot.
fn checked(order: &EnrolOrder, options: &Options) -> Result<Enrolment, (EnrolProblem, String)> {
    let collector = order.collector.trim();
    crate::link::check_url(collector)
        .map_err(|error| (EnrolProblem::AddressMalformed, error.to_string()))?;
    let code =
        order
            .code
            .trim()
            .parse()
            .map_err(|error: manyi_shared::wire::InvalidEnrolmentCode| {
                (EnrolProblem::CodeMalformed, error.to_string())
            })?;
    Ok(Enrolment {
        data: options.data.clone(),
        collector_url: collector.to_owned(),
        code,
        again: false,
        link: options.link.clone(),
    })
}

/// The file that says where the enrolment stands; written when that changes.
struct Progress<'a> {
    data: &'a DataDir,
    last: Option<EnrolProgress>,
}

impl Progress<'_> {
    fn at(&mut self, state: EnrolState) {
        self.write(EnrolProgress {
            state,
            ..EnrolProgress::default()
        });
    }

    fn failed(&mut self, problem: EnrolProblem, detail: &str) {
        self.write(EnrolProgress {
            state: EnrolState::Failed,
            problem: Some(problem),
            detail: crate::one_line(detail, MAX_DETAIL),
        });
    }

    fn write(&mut self, progress: EnrolProgress) {
        if self.last.as_ref() == Some(&progress) {
            return;
        }
        if let Some(problem) = progress.problem {
            tracing::warn!(?problem, detail = progress.detail, "not enrolled");
        }
        if let Err(error) = progress.write(&self.data.enrol_progress()) {
            tracing::warn!(
                error = crate::chain(&error),
                "the screen cannot be told where the enrolment stands"
            );
        }
        self.last = Some(progress);
    }
}
