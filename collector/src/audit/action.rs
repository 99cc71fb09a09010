//! What can be written down.

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Logged in.
    LogIn,
    /// Tried to log in as somebody, with a wrong password or code.
    LogInFailed,
    /// Logged out.
    LogOut,
    /// Changed the own password.
    ChangePassword,
    /// Gave somebody a one-time password.
    ResetPassword,
    /// Added a user.
    AddUser,
    /// Changed a user's name or roles.
    ChangeUser,
    /// Disabled a user.
    DisableUser,
    /// Enabled a user again.
    EnableUser,
    /// Ended one session or all of a user.
    EndSessions,
    /// Set up the second factor.
    EnrolSecondFactor,
    /// Took the second factor away.
    RemoveSecondFactor,
    /// Used a recovery code instead of the second factor.
    UseRecoveryCode,
    /// Linked a user with a login service.
    LinkIdentity,
    /// Made an API token.
    AddToken,
    /// Revoked an API token.
    RevokeToken,
    /// Read the list of users.
    SeePeople,
    /// Read the audit log.
    SeeAudit,
    /// Took the audit log away as a file.
    ExportAudit,
    /// Dropped entries of the audit log that were old enough.
    DropAudit,
    /// Read what citizens left.
    OpenMessages,
    /// Saw figures of single clerks.
    SeeClerks,
    /// Took figures away as a file.
    Export,
    /// Put marks on ratings, or took them off.
    MarkRatings,
    /// Changed definitions of indicators.
    EditIndicators,
    /// Published something.
    Publish,
    /// Changed what terminals show and obey.
    EditProfile,
    /// Loaded a hall's tables.
    ImportHall,
    /// Paused a window, or served it again.
    PauseWindow,
    /// Made an enrolment code.
    MakeEnrolmentCode,
    /// Revoked, replaced or rotated a terminal.
    ChangeTerminal,
    /// Set the PIN of the technician's page.
    SetTechnicianPin,
    /// Said that an incident or an alert was dealt with.
    ClearIncident,
    /// Changed who is told of alerts, and when.
    EditAlerts,
    /// Had dead letters read again.
    ReplayDeadLetters,
    /// Had a question asked at a window.
    AskCitizen,
}

impl Action {
    /// All.
    pub const ALL: [Self; 36] = [
        Self::LogIn,
        Self::LogInFailed,
        Self::LogOut,
        Self::ChangePassword,
        Self::ResetPassword,
        Self::AddUser,
        Self::ChangeUser,
        Self::DisableUser,
        Self::EnableUser,
        Self::EndSessions,
        Self::EnrolSecondFactor,
        Self::RemoveSecondFactor,
        Self::UseRecoveryCode,
        Self::LinkIdentity,
        Self::AddToken,
        Self::RevokeToken,
        Self::SeePeople,
        Self::SeeAudit,
        Self::ExportAudit,
        Self::DropAudit,
        Self::OpenMessages,
        Self::SeeClerks,
        Self::Export,
        Self::MarkRatings,
        Self::EditIndicators,
        Self::Publish,
        Self::EditProfile,
        Self::ImportHall,
        Self::PauseWindow,
        Self::MakeEnrolmentCode,
        Self::ChangeTerminal,
        Self::SetTechnicianPin,
        Self::ClearIncident,
        Self::EditAlerts,
        Self::ReplayDeadLetters,
        Self::AskCitizen,
    ];

    /// The name that is kept and filtered by. Never changed: old entries carry it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LogIn => "log_in",
            Self::LogInFailed => "log_in_failed",
            Self::LogOut => "log_out",
            Self::ChangePassword => "change_password",
            Self::ResetPassword => "reset_password",
            Self::AddUser => "add_user",
            Self::ChangeUser => "change_user",
            Self::DisableUser => "disable_user",
            Self::EnableUser => "enable_user",
            Self::EndSessions => "end_sessions",
            Self::EnrolSecondFactor => "enrol_second_factor",
            Self::RemoveSecondFactor => "remove_second_factor",
            Self::UseRecoveryCode => "use_recovery_code",
            Self::LinkIdentity => "link_identity",
            Self::AddToken => "add_token",
            Self::RevokeToken => "revoke_token",
            Self::SeePeople => "see_people",
            Self::SeeAudit => "see_audit",
            Self::ExportAudit => "export_audit",
            Self::DropAudit => "drop_audit",
            Self::OpenMessages => "open_messages",
            Self::SeeClerks => "see_clerks",
            Self::Export => "export",
            Self::MarkRatings => "mark_ratings",
            Self::EditIndicators => "edit_indicators",
            Self::Publish => "publish",
            Self::EditProfile => "edit_profile",
            Self::ImportHall => "import_hall",
            Self::PauseWindow => "pause_window",
            Self::MakeEnrolmentCode => "make_enrolment_code",
            Self::ChangeTerminal => "change_terminal",
            Self::SetTechnicianPin => "set_technician_pin",
            Self::ClearIncident => "clear_incident",
            Self::EditAlerts => "edit_alerts",
            Self::ReplayDeadLetters => "replay_dead_letters",
            Self::AskCitizen => "ask_citizen",
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}
