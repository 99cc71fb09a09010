//! `manyi-sync doctor`: tries everything that a rating needs on its way, one thing after the other,
//! and says what each found and what to do next.
//!
//! It looks only: nothing is sent but one GET to the collector's health page, nothing is written but
//! a probe file that is removed again, and the daemon goes on meanwhile.

mod proxy;
mod tablet;
mod way;
mod words;

use std::path::PathBuf;

use manyi_shared::tablet::{DataDir, Identity, IdentityError};
use serde::Serialize;

use crate::enrol;
use crate::link::LinkOptions;

/// What to examine.
#[derive(Debug, Clone)]
pub struct Doctor {
    /// The tablet's data folder.
    pub data: DataDir,
    /// The collector's address, when it is not the one noted at enrolment.
    pub collector_url: Option<String>,
    /// How to reach it.
    pub link: LinkOptions,
    /// The file that a terminal without an identity enrols from.
    pub enrol_file: Option<PathBuf>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Could not be tried, because something before it is bad.
    NotTried,
    /// Works, but not as it should.
    Warn,
    /// Stands in the way.
    Bad,
}

/// One thing that was examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What: `address`, `proxy`, `name`, `connection`, `tls`, `collector`, `clock`, `key`, `disk`,
    /// `journal`, `daemon`.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do next; none when there is nothing to do.
    pub next: Option<String>,
}

/// Everything that was examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The worst verdict.
    pub verdict: Verdict,
    /// One entry a thing, always the same things in the same order.
    pub checks: Vec<Check>,
}

impl Check {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Ok,
            found: found.into(),
            next: None,
        }
    }

    fn not_tried(check: &'static str, why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::NotTried,
            ..Self::ok(check, why)
        }
    }

    fn warn(check: &'static str, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warn,
            next: Some(next.into()),
            ..Self::ok(check, found)
        }
    }

    fn bad(check: &'static str, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Bad,
            ..Self::warn(check, found, next)
        }
    }
}

impl Report {
    /// Whether nothing stands in the way of a rating.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.verdict < Verdict::Bad
    }

    /// The report for a technician's screen.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self.checks.iter().map(|check| {
            let verdict = match check.verdict {
                Verdict::Ok => "ok",
                Verdict::NotTried => "-",
                Verdict::Warn => "warn",
                Verdict::Bad => "BAD",
            };
            let next = check.next.as_ref();
            let next = next.map_or(String::new(), |next| format!("\n{:16} do: {next}", ""));
            format!("{:10} {verdict:4}  {}{next}\n", check.check, check.found)
        });
        lines.collect()
    }
}

impl Doctor {
    /// Examines everything. Takes at most half a minute.
    pub async fn examine(&self) -> Report {
        let identity = Identity::read(&self.data.identity());
        let (address, url) = self.address(identity.as_ref());
        let mut checks = vec![address];
        self.link.time.recall(&self.data);
        let way = way::examine(url.as_deref(), &self.link, identity.is_ok()).await;
        checks.extend(way.checks);
        checks.push(tablet::clock(&self.link.time, way.offset_ms));
        checks.push(tablet::key(&self.data, identity.is_ok()));
        checks.push(tablet::disk(&self.data));
        checks.push(tablet::journal(&self.data));
        checks.push(tablet::daemon(&self.data, &self.link.time));
        let verdicts = checks.iter().map(|check| check.verdict);
        Report {
            verdict: verdicts.max().unwrap_or(Verdict::Ok),
            checks,
        }
    }

    /// Who the terminal is and where its collector is.
    fn address(&self, identity: Result<&Identity, &IdentityError>) -> (Check, Option<String>) {
        let given = self.collector_url.clone();
        match identity {
            Ok(identity) => {
                let window = format!(
                    "window {} of hall {}, its collector is ",
                    identity.window, identity.hall
                );
                let url = given.clone();
                let url = url.unwrap_or_else(|| identity.collector_url.clone());
                let from = match given {
                    Some(_) => "as configured",
                    None => "as noted at enrolment",
                };
                (
                    Check::ok("address", format!("{window}{url} ({from})")),
                    Some(url),
                )
            }
            Err(IdentityError::NotEnrolled { .. }) => {
                let file = self.enrol_file.as_deref();
                let url = given.or_else(|| file.and_then(enrol::address_in));
                let at = url.as_ref().map_or(
                    " and has no address; name one with --collector".to_owned(),
                    |url| format!("; examining {url}"),
                );
                let check = Check::bad(
                    "address",
                    format!("this terminal is not enrolled{at}"),
                    "get a one-time code from the office; type it on the terminal's page, or run \
                     `manyi-sync enrol --collector URL --code CODE`",
                );
                (check, url)
            }
            Err(error) => {
                let check = Check::bad(
                    "address",
                    crate::chain(error),
                    "get a code for this window from the office and run `manyi-sync enrol --again`; \
                     journal and unsent ratings stay",
                );
                (check, given)
            }
        }
    }
}
