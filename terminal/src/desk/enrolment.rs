//! Enrolment at the screen: what is typed, what was asked of the daemon, what it answered. Pure, but
//! for [`look`].
//!
//! The daemon enrols; the page writes an order and shows the daemon's progress. The order file is
//! the daemon's to take: while it lies there, whatever the progress file says is about an earlier
//! order.
//!
//! **Invariants**
//! 1. What was typed stays until the terminal is enrolled: a typo is mended, not typed anew.
//! 2. The order carries address and code exactly as they stand on the screen.
//! 3. The page never waits for ever: a daemon that says nothing becomes a problem with a name.
//!
//! **Crash**: an order that was written stays until a daemon takes it, whichever starts first.

use manyi_shared::tablet::{DataDir, EnrolOrder, EnrolProblem, EnrolProgress, EnrolState};
use manyi_shared::wire::EnrolmentCode;
use url::Url;

use super::DeskEffect;
use crate::flow::Millis;

/// What the address field begins with.
const ADDRESS_START: &str = "https://";
/// Characters of an address; far more than any collector's has.
pub const LONGEST_ADDRESS: usize = 200;
/// Letters and digits of a code.
const CODE_SYMBOLS: usize = 8;
/// A daemon that has not taken the order by then is not running.
pub const SILENT_MS: Millis = 10_000;
/// A daemon that asks for longer has died: its own request ends earlier.
const ASKING_LIMIT_MS: Millis = 120_000;
/// How long "done" waits for the terminal to find its identity. A progress file of long ago says
/// "done", too, when somebody took the identity away.
const DONE_MS: Millis = 10_000;
/// An answer that equals the last one, word for word, is believed to be a new one after this time.
const SAME_ANSWER_MS: Millis = 2_000;
/// How often the daemon's progress is looked at while somebody waits for it, and otherwise.
const LOOK_ASKING_MS: Millis = 300;
const LOOK_MS: Millis = 2_000;

/// A touch on the enrolment page.
#[derive(Clone, PartialEq, Eq)]
pub enum EnrolmentInput {
    /// The keys now go to this field.
    Choose(Field),
    /// Characters of the on-screen keys; those that the field does not take are nothing.
    Key(String),
    /// The last character of the field goes.
    Erase,
    /// The field is as it was at first.
    Clear,
    /// Ask the office.
    Submit,
}

/// Never what was typed: the code is a secret until it is used.
impl std::fmt::Debug for EnrolmentInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Choose(Field::Address) => "Choose(Address)",
            Self::Choose(Field::Code) => "Choose(Code)",
            Self::Key(_) => "Key(…)",
            Self::Erase => "Erase",
            Self::Clear => "Clear",
            Self::Submit => "Submit",
        })
    }
}

/// The two fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Field {
    /// The collector's address.
    #[default]
    Address,
    /// The one-time code.
    Code,
}

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The daemon says nothing. The order waits for it.
    DaemonSilent,
    /// A shape, or what the daemon said.
    Of(EnrolProblem),
}

/// What the enrolment page shows.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentScene {
    /// Where it stands.
    pub stage: EnrolmentStage,
    /// What is in the way.
    pub problem: Option<Problem>,
    /// For technicians: what the daemon said.
    pub detail: String,
    /// Where the keys go.
    pub field: Field,
    /// The address as typed.
    pub address: String,
    /// The code as typed, in capitals and with its hyphen.
    pub code: String,
    /// Whether both have the right shape.
    pub can_submit: bool,
}

/// Never the code.
impl std::fmt::Debug for EnrolmentScene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolmentScene")
            .field("stage", &self.stage)
            .field("problem", &self.problem)
            .field("address", &self.address)
            .field("can_submit", &self.can_submit)
            .finish_non_exhaustive()
    }
}

/// Where an enrolment stands, for the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrolmentStage {
    /// Address and code are wanted.
    Form,
    /// The daemon is asking, or is about to.
    Asking,
    /// There is an identity.
    Done,
}

/// A look at the daemon's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether an order lies there that no daemon has taken.
    pub order_waits: bool,
    /// Where the daemon says the enrolment stands.
    pub progress: Option<EnrolProgress>,
}

/// Looks at order and progress. The order first: progress that is read after the order was taken is
/// not older than that.
#[must_use]
pub fn look(data: &DataDir) -> Look {
    let order_waits = data.enrol_order().exists();
    Look {
        order_waits,
        progress: EnrolProgress::read(&data.enrol_progress()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Form,
    /// Our order is written; the daemon has not said that it asks.
    Ordered {
        since: Millis,
    },
    /// The daemon asks, for us or by the file on the boot partition.
    Asking {
        since: Millis,
    },
    Done {
        since: Millis,
    },
}

/// The page's state.
pub struct Enrolment {
    stage: Stage,
    field: Field,
    address: String,
    /// Letters and digits of the code, in capitals.
    symbols: String,
    problem: Option<Problem>,
    detail: String,
    /// The progress that the page shows.
    seen: Option<EnrolProgress>,
    look_at: Millis,
}

impl Enrolment {
    pub(super) fn new(now: Millis) -> Self {
        Self {
            stage: Stage::Form,
            field: Field::default(),
            address: ADDRESS_START.to_owned(),
            symbols: String::new(),
            problem: None,
            detail: String::new(),
            seen: None,
            look_at: now,
        }
    }

    pub(super) fn input(&mut self, input: EnrolmentInput, now: Millis) -> Option<DeskEffect> {
        if self.stage != Stage::Form {
            return None;
        }
        match input {
            EnrolmentInput::Choose(field) => self.field = field,
            EnrolmentInput::Submit => return self.submit(now),
            EnrolmentInput::Key(keys) => {
                self.forget_problem();
                keys.chars().for_each(|key| self.type_one(key));
            }
            EnrolmentInput::Erase => {
                self.forget_problem();
                self.text().pop();
            }
            EnrolmentInput::Clear => {
                self.forget_problem();
                match self.field {
                    Field::Address => ADDRESS_START.clone_into(&mut self.address),
                    Field::Code => self.symbols.clear(),
                }
            }
        }
        None
    }

    const fn text(&mut self) -> &mut String {
        match self.field {
            Field::Address => &mut self.address,
            Field::Code => &mut self.symbols,
        }
    }

    fn forget_problem(&mut self) {
        self.problem = None;
        self.detail.clear();
    }

    fn type_one(&mut self, key: char) {
        match self.field {
            Field::Address if is_url_character(key) && self.address.len() < LONGEST_ADDRESS => {
                self.address.push(key);
            }
            Field::Code if key.is_ascii_alphanumeric() && self.symbols.len() < CODE_SYMBOLS => {
                self.symbols.push(key.to_ascii_uppercase());
            }
            Field::Address | Field::Code => {}
        }
    }

    fn submit(&mut self, now: Millis) -> Option<DeskEffect> {
        if !self.can_submit() {
            return None;
        }
        self.forget_problem();
        self.stage = Stage::Ordered { since: now };
        self.look_at = now.saturating_add(LOOK_ASKING_MS);
        Some(DeskEffect::WriteOrder(EnrolOrder {
            collector: self.address.clone(),
            code: self.code(),
        }))
    }

    /// The order could not be written; `detail` says why.
    pub(super) fn not_written(&mut self, detail: String) {
        if matches!(self.stage, Stage::Ordered { .. }) {
            self.back_to_form(Problem::Of(EnrolProblem::Storage), detail);
        }
    }

    fn back_to_form(&mut self, problem: Problem, detail: String) {
        self.stage = Stage::Form;
        self.problem = Some(problem);
        self.detail = detail;
    }

    /// Takes what the daemon's files say.
    pub(super) fn take(&mut self, look: Look, now: Millis) {
        let Some(progress) = look.progress.filter(|_| !look.order_waits) else {
            return;
        };
        let answers = match self.stage {
            Stage::Ordered { since } => now >= since.saturating_add(SAME_ANSWER_MS),
            _ => false,
        };
        if self.seen.as_ref() == Some(&progress) && !answers {
            return;
        }
        match progress.state {
            EnrolState::Waiting => {
                // A daemon that has just started says so before it looks for orders.
                if matches!(self.stage, Stage::Asking { .. }) {
                    self.stage = Stage::Form;
                }
            }
            EnrolState::Asking => {
                self.forget_problem();
                self.stage = Stage::Asking { since: now };
            }
            EnrolState::Failed => {
                let problem = progress.problem.unwrap_or(EnrolProblem::Other);
                self.back_to_form(Problem::Of(problem), progress.detail.clone());
            }
            EnrolState::Done => {
                self.forget_problem();
                self.symbols.clear();
                self.stage = Stage::Done { since: now };
            }
        }
        self.seen = Some(progress);
    }

    /// What time alone changes.
    pub(super) fn settle(&mut self, now: Millis) -> Option<DeskEffect> {
        match self.over_at() {
            Some(at) if now >= at => match self.stage {
                Stage::Done { .. } => self.stage = Stage::Form,
                _ => self.back_to_form(Problem::DaemonSilent, String::new()),
            },
            _ => {}
        }
        (now >= self.look_at).then(|| {
            let every = match self.stage {
                Stage::Ordered { .. } | Stage::Asking { .. } => LOOK_ASKING_MS,
                Stage::Form | Stage::Done { .. } => LOOK_MS,
            };
            self.look_at = now.saturating_add(every);
            DeskEffect::LookAtEnrolment
        })
    }

    const fn over_at(&self) -> Option<Millis> {
        match self.stage {
            Stage::Form => None,
            Stage::Ordered { since } => Some(since.saturating_add(SILENT_MS)),
            Stage::Asking { since } => Some(since.saturating_add(ASKING_LIMIT_MS)),
            Stage::Done { since } => Some(since.saturating_add(DONE_MS)),
        }
    }

    pub(super) fn next_look(&self) -> Millis {
        self.over_at()
            .map_or(self.look_at, |at| at.min(self.look_at))
    }

    fn code(&self) -> String {
        let mut code = self.symbols.clone();
        if code.len() >= CODE_SYMBOLS / 2 {
            code.insert(CODE_SYMBOLS / 2, '-');
        }
        code
    }

    fn can_submit(&self) -> bool {
        self.stage == Stage::Form
            && is_collector_address(&self.address)
            && self.code().parse::<EnrolmentCode>().is_ok()
    }

    /// What is wrong with the shapes, as far as the technician can be told before they are done
    /// typing.
    fn misshapen(&self) -> Option<Problem> {
        let code_is_none =
            self.symbols.len() == CODE_SYMBOLS && self.symbols.parse::<EnrolmentCode>().is_err();
        let left_address = self.field == Field::Code && !is_collector_address(&self.address);
        match (left_address, code_is_none) {
            (true, _) => Some(Problem::Of(EnrolProblem::AddressMalformed)),
            (false, true) => Some(Problem::Of(EnrolProblem::CodeMalformed)),
            (false, false) => None,
        }
    }

    pub(super) fn scene(&self) -> EnrolmentScene {
        let stage = match self.stage {
            Stage::Form => EnrolmentStage::Form,
            Stage::Ordered { .. } | Stage::Asking { .. } => EnrolmentStage::Asking,
            Stage::Done { .. } => EnrolmentStage::Done,
        };
        let shape = (stage == EnrolmentStage::Form)
            .then(|| self.misshapen())
            .flatten();
        EnrolmentScene {
            stage,
            problem: self.problem.or(shape),
            detail: self.detail.clone(),
            field: self.field,
            address: self.address.clone(),
            code: self.code(),
            can_submit: self.can_submit(),
        }
    }
}

/// Never what was typed.
impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment")
            .field("stage", &self.stage)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

/// What may stand in an address (RFC 3986).
const fn is_url_character(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '-' | '.'
                | '_'
                | '~'
                | ':'
                | '/'
                | '?'
                | '#'
                | '['
                | ']'
                | '@'
                | '!'
                | '$'
                | '&'
                | '\''
                | '('
                | ')'
                | '*'
                | '+'
                | ','
                | ';'
                | '='
                | '%'
        )
}

/// Whether the daemon will take this for a collector's address: http or https, a host, and no more
/// than a path.
#[must_use]
pub fn is_collector_address(text: &str) -> bool {
    // The parser also takes `https:rate.example.cn` and `https:///rate.example.cn`, which nobody means.
    let host_follows = ["https://", "http://"].iter().any(|scheme| {
        text.split_at_checked(scheme.len())
            .is_some_and(|(head, rest)| head.eq_ignore_ascii_case(scheme) && !rest.starts_with('/'))
    });
    host_follows
        && Url::parse(text).is_ok_and(|url| {
            url.host_str().is_some_and(|host| !host.is_empty())
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        })
}

#[cfg(test)]
mod tests;
