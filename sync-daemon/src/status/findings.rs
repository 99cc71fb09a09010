//! What people should know about a tablet's uplink; pure.

use manyi_shared::tablet::{EnrolProblem, EnrolState, IdentityError};

use super::{Facts, Finding};
use crate::link::time::date;
use crate::words::{count, span};

/// Unsent records younger than this are on their way.
const WAITS_LONG_MS: u64 = 10 * 60_000;

/// Everything that people should know, the most urgent first.
pub(super) fn of(facts: &Facts) -> Vec<Finding> {
    let found = [
        identity(facts),
        daemon(facts),
        journal(facts),
        exchange(facts),
        screen(facts),
        waiting(facts),
        profile(facts),
        rotation(facts),
        certificate(facts),
        clock(facts),
    ];
    let (wrong, notes): (Vec<_>, Vec<_>) = found.into_iter().flatten().partition(|f| f.is_wrong);
    wrong.into_iter().chain(notes).collect()
}

fn wrong(what: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding {
        is_wrong: true,
        what: what.into(),
        since: None,
        why: None,
        next: next.into(),
    }
}

fn note(what: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding {
        is_wrong: false,
        ..wrong(what, next)
    }
}

fn identity(facts: &Facts) -> Option<Finding> {
    match &facts.identity {
        Ok(_) => None,
        Err(IdentityError::NotEnrolled { .. }) => {
            let progress = facts.progress.clone().unwrap_or_default();
            let failed = progress.state == EnrolState::Failed;
            let why = if failed {
                format!("the last try failed: {}", progress.detail)
            } else {
                "no address and code were given yet".to_owned()
            };
            Some(Finding {
                why: Some(why),
                ..wrong("this terminal is not enrolled", after(progress.problem))
            })
        }
        Err(error) => Some(Finding {
            why: Some(crate::chain(error)),
            ..wrong(
                "this terminal's identity cannot be read",
                "get a code for this window from the office and run `manyi-sync enrol --again`; \
                 journal and unsent ratings stay",
            )
        }),
    }
}

/// What to do after an enrolment that failed with this.
const fn after(problem: Option<EnrolProblem>) -> &'static str {
    match problem {
        Some(EnrolProblem::CodeRefused) => {
            "get a new code from the office: this one is wrong, used or expired"
        }
        Some(
            EnrolProblem::Unreachable | EnrolProblem::Certificate | EnrolProblem::NotACollector,
        ) => "run `manyi-sync doctor`: it says what is in the way",
        Some(EnrolProblem::Storage) => {
            "run `manyi-sync doctor`: the card cannot be written as it should"
        }
        Some(EnrolProblem::OfficeError | EnrolProblem::TooManyTries) => {
            "wait a minute and try again; if it stays, tell the office"
        }
        _ => {
            "get a code from the office; type address and code on the terminal's page, or run \
             `manyi-sync enrol --collector URL --code CODE`"
        }
    }
}

fn daemon(facts: &Facts) -> Option<Finding> {
    if facts.daemon_running {
        return None;
    }
    Some(wrong(
        "the daemon is not running: nothing is sent",
        "systemctl start manyi-sync; if it does not stay: journalctl -u manyi-sync -n 50",
    ))
}

fn journal(facts: &Facts) -> Option<Finding> {
    match &facts.journal {
        Err(error) => Some(Finding {
            why: Some(crate::chain(error)),
            ..wrong(
                "the journal cannot be read",
                "keep the file; run `manyi-sync doctor`, then restart the terminal (systemctl \
                 restart manyi-terminal): it sets a damaged journal aside and goes on",
            )
        }),
        Ok(None) if facts.identity.is_ok() => Some(note(
            "there is no journal yet",
            "start the terminal (systemctl start manyi-terminal); it makes the journal",
        )),
        Ok(_) => None,
    }
}

fn exchange(facts: &Facts) -> Option<Finding> {
    let uplink = facts.uplink.as_ref()?;
    let ago = |at: u64| span(facts.clock.uptime_ms.saturating_sub(at));
    if uplink.revoked {
        return Some(Finding {
            since: uplink.revoked_since_ms.map(said_at),
            why: Some("the office took this terminal's identity back".to_owned()),
            ..wrong(
                "the centre takes nothing from this terminal",
                "if that was a mistake, get a new code and run `manyi-sync enrol --again`; ratings \
                 wait on the card",
            )
        });
    }
    let problem = uplink.problem.clone()?;
    let since = match (uplink.failing_since_uptime_ms, uplink.answered_uptime_ms) {
        (Some(at), _) => format!("{} ago", ago(at)),
        (None, Some(at)) => format!("the centre answered last {} ago", ago(at)),
        (None, None) => "the centre has not answered since this tablet was switched on".to_owned(),
    };
    Some(Finding {
        since: Some(since),
        why: Some(problem),
        ..wrong(
            "ratings do not reach the centre; they are kept here",
            "run `manyi-sync doctor`: it says what is in the way",
        )
    })
}

fn screen(facts: &Facts) -> Option<Finding> {
    let what = match facts.uplink.as_ref()?.screen.as_deref()? {
        "stands" => "the terminal runs, but its screen does not paint",
        "silent" => "the terminal says nothing: it does not run, or all of it hangs",
        _ => return None,
    };
    Some(wrong(
        what,
        "look at the screen; systemctl restart manyi-terminal; if it comes again: journalctl -u \
         manyi-terminal -n 50",
    ))
}

/// The centre's own time, so that a wrong clock of the tablet does not matter.
pub(crate) fn said_at(ms: i64) -> String {
    let seconds = u64::try_from(ms / 1000).unwrap_or(0);
    format!("{} by the centre's clock", date(seconds))
}

fn waiting(facts: &Facts) -> Option<Finding> {
    let uplink = facts.uplink.as_ref()?;
    let age = uplink.oldest_unsent_ms?;
    if uplink.problem.is_some() || uplink.revoked || age < WAITS_LONG_MS {
        return None;
    }
    Some(Finding {
        since: Some(format!(
            "the oldest was sealed {} before the last exchange",
            span(age)
        )),
        ..note(
            format!("{} on the way", verb(uplink.backlog)),
            "wait: a long backlog is sent bit by bit. If the number does not fall: journalctl -u \
             manyi-sync -n 50",
        )
    })
}

fn verb(n: u64) -> String {
    let is = if n == 1 { "is" } else { "are" };
    format!("{} {is}", count(n, "record"))
}

fn profile(facts: &Facts) -> Option<Finding> {
    let problem = facts.uplink.as_ref()?.profile_problem.clone()?;
    Some(Finding {
        why: Some(problem),
        ..wrong(
            "the centre's last profile is not obeyed; the one before stays",
            "tell the office: it has an alarm about it and must mend the profile",
        )
    })
}

fn rotation(facts: &Facts) -> Option<Finding> {
    let problem = facts.uplink.as_ref()?.rotation_problem.clone()?;
    Some(Finding {
        why: Some(problem),
        ..note(
            "the key is to be rotated and is not yet; the old one works",
            "the daemon tries again by itself; run `manyi-sync doctor` if it stays",
        )
    })
}

fn certificate(facts: &Facts) -> Option<Finding> {
    let taken = facts.uplink.as_ref()?.certificate.clone()?;
    Some(Finding {
        why: Some(taken),
        ..note(
            "the collector's certificate does not fit this tablet's clock",
            "nothing is lost by it; name a time server that this tablet reaches \
             (/etc/systemd/timesyncd.conf)",
        )
    })
}

fn clock(facts: &Facts) -> Option<Finding> {
    if facts.clock.synchronised {
        return None;
    }
    Some(note(
        "no time server has set the clock since this tablet was switched on",
        "name one that this tablet reaches (NTP= in /etc/systemd/timesyncd.conf); ratings are taken \
         meanwhile, and the centre knows when to within what the tablet can say",
    ))
}
