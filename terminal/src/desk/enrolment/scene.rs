//! What the enrolment page hears and shows, in plain values.

use manyi_shared::tablet::EnrolProblem;

use super::Field;

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
