//! What can be allowed, and what each role allows: the table.

use std::fmt;
use std::str::FromStr;

/// Something that can be allowed at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See scores, counts and what goes with them.
    SeeScores,
    /// See figures of single clerks.
    SeeClerks,
    /// Take figures away as files.
    Export,
    /// Put marks on ratings that look odd, and take them off.
    MarkRatings,
    /// Change definitions of indicators.
    EditIndicators,
    /// Publish bulletins and the public page.
    Publish,
    /// See terminals, what is wrong with them, and incidents.
    SeeFleet,
    /// Change what terminals show and obey; pause windows.
    EditProfiles,
    /// Make enrolment codes, replace and revoke terminals.
    EnrolTerminals,
    /// Say that an incident or an alert was dealt with.
    ClearIncidents,
    /// Change who is told of alerts, and when.
    EditAlerts,
    /// See cases.
    SeeCases,
    /// Answer cases.
    HandleCases,
    /// Report what was found on a visit and confirm what was put right.
    ReportVisits,
    /// Read what citizens left: call-back numbers, comments.
    OpenMessages,
    /// Add, change, disable and reset users.
    ManagePeople,
    /// Make and revoke API tokens.
    ManageTokens,
    /// Read the audit log.
    SeeAudit,
    /// Have a question asked at a window. Programs alone do that: no role holds it.
    AskCitizens,
}

/// What a person is at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Runs the system: everything that people do.
    Administrator,
    /// 政务服务管理机构: reads scores, follows bad ratings, publishes.
    Office,
    /// 部门承办人: answers the cases of a department.
    DepartmentHandler,
    /// 大厅负责人: runs a hall.
    HallManager,
    /// Keeps terminals running.
    Technician,
    /// 体验官: visits, reports, confirms.
    Officer,
    /// Reads everything that shows whether figures are true, changes nothing.
    Auditor,
}

use Permission as P;
const Y: bool = true;
const N: bool = false;

/// Which role holds which permission; columns in the order of [`Role::ALL`].
#[rustfmt::skip]
const TABLE: [(Permission, [bool; 7]); 19] = [
    //                    administrator
    //                    |  office
    //                    |  |  department handler
    //                    |  |  |  hall manager
    //                    |  |  |  |  technician
    //                    |  |  |  |  |  officer
    //                    |  |  |  |  |  |  auditor
    (P::SeeScores,       [Y, Y, Y, Y, N, N, Y]),
    (P::SeeClerks,       [Y, Y, N, Y, N, N, N]),
    (P::Export,          [Y, Y, Y, Y, N, N, Y]),
    (P::MarkRatings,     [Y, Y, N, N, N, N, N]),
    (P::EditIndicators,  [Y, Y, N, N, N, N, N]),
    (P::Publish,         [Y, Y, N, N, N, N, N]),
    (P::SeeFleet,        [Y, Y, N, Y, Y, N, Y]),
    (P::EditProfiles,    [Y, Y, N, Y, N, N, N]),
    (P::EnrolTerminals,  [Y, Y, N, N, Y, N, N]),
    (P::ClearIncidents,  [Y, Y, N, N, Y, N, N]),
    (P::EditAlerts,      [Y, Y, N, N, N, N, N]),
    (P::SeeCases,        [Y, Y, Y, Y, N, Y, Y]),
    (P::HandleCases,     [Y, Y, Y, N, N, N, N]),
    (P::ReportVisits,    [Y, Y, N, N, N, Y, N]),
    (P::OpenMessages,    [Y, Y, Y, N, N, N, N]),
    (P::ManagePeople,    [Y, N, N, N, N, N, N]),
    (P::ManageTokens,    [Y, N, N, N, N, N, N]),
    (P::SeeAudit,        [Y, N, N, N, N, N, Y]),
    (P::AskCitizens,     [N, N, N, N, N, N, N]),
];

impl Permission {
    /// All, as the table lists them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.into_iter().map(|(permission, _)| permission)
    }

    /// The name in the scope of a token and in problem bodies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SeeScores => "see_scores",
            Self::SeeClerks => "see_clerks",
            Self::Export => "export",
            Self::MarkRatings => "mark_ratings",
            Self::EditIndicators => "edit_indicators",
            Self::Publish => "publish",
            Self::SeeFleet => "see_fleet",
            Self::EditProfiles => "edit_profiles",
            Self::EnrolTerminals => "enrol_terminals",
            Self::ClearIncidents => "clear_incidents",
            Self::EditAlerts => "edit_alerts",
            Self::SeeCases => "see_cases",
            Self::HandleCases => "handle_cases",
            Self::ReportVisits => "report_visits",
            Self::OpenMessages => "open_messages",
            Self::ManagePeople => "manage_people",
            Self::ManageTokens => "manage_tokens",
            Self::SeeAudit => "see_audit",
            Self::AskCitizens => "ask_citizens",
        }
    }

    /// The permission of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|permission| permission.name() == name)
    }

    const fn bit(self) -> u64 {
        1 << self as u32
    }
}

impl Role {
    /// All, as the table's columns.
    pub const ALL: [Self; 7] = [
        Self::Administrator,
        Self::Office,
        Self::DepartmentHandler,
        Self::HallManager,
        Self::Technician,
        Self::Officer,
        Self::Auditor,
    ];

    /// The name in the database, on the command line and in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Office => "office",
            Self::DepartmentHandler => "department_handler",
            Self::HallManager => "hall_manager",
            Self::Technician => "technician",
            Self::Officer => "officer",
            Self::Auditor => "auditor",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether the table gives the role this permission.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        self.permissions().contains(permission)
    }

    /// Everything that the table gives the role.
    #[must_use]
    pub const fn permissions(self) -> PermissionSet {
        let mut set = 0;
        let mut rows = TABLE.as_slice();
        while let [(permission, columns), rest @ ..] = rows {
            let [
                administrator,
                office,
                handler,
                manager,
                technician,
                officer,
                auditor,
            ] = *columns;
            let held = match self {
                Self::Administrator => administrator,
                Self::Office => office,
                Self::DepartmentHandler => handler,
                Self::HallManager => manager,
                Self::Technician => technician,
                Self::Officer => officer,
                Self::Auditor => auditor,
            };
            if held {
                set |= permission.bit();
            }
            rows = rest;
        }
        PermissionSet(set)
    }
}

/// Several permissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// Whether the permission is one of them.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// One by one, as the table lists them.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::all().filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let bits = permissions.into_iter().map(Permission::bit);
        Self(bits.fold(0, |set, bit| set | bit))
    }
}

impl fmt::Display for PermissionSet {
    /// Names with commas, as [`FromStr`] reads them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, permission) in self.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{}", permission.name())?;
        }
        Ok(())
    }
}

/// Text that names no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no permission `{0}`")]
pub struct UnknownPermission(String);

impl FromStr for PermissionSet {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        names
            .map(|name| {
                Permission::from_name(name)
                    .ok_or_else(|| UnknownPermission(name.chars().take(40).collect()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_permission_once_and_names_lead_back() {
        for (at, permission) in Permission::all().enumerate() {
            assert_eq!(permission as usize, at, "{}", permission.name());
            assert_eq!(Permission::from_name(permission.name()), Some(permission));
        }
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
    }

    #[test]
    fn nobody_but_administrators_makes_people_and_tokens() {
        for role in Role::ALL {
            let is_administrator = role == Role::Administrator;
            assert_eq!(role.may(P::ManagePeople), is_administrator);
            assert_eq!(role.may(P::ManageTokens), is_administrator);
            assert!(!role.may(P::AskCitizens), "{}", role.name());
        }
    }

    #[test]
    fn an_auditor_changes_nothing() {
        let changes = [
            P::MarkRatings,
            P::EditIndicators,
            P::Publish,
            P::EditProfiles,
            P::EnrolTerminals,
            P::ClearIncidents,
            P::EditAlerts,
            P::HandleCases,
            P::ReportVisits,
            P::ManagePeople,
            P::ManageTokens,
        ];
        assert!(changes.iter().all(|change| !Role::Auditor.may(*change)));
    }

    #[test]
    fn a_set_reads_back_what_it_prints() {
        for role in Role::ALL {
            let set = role.permissions();
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        let error = "see_scores,fly".parse::<PermissionSet>().unwrap_err();
        assert_eq!(error.to_string(), "there is no permission `fly`");
    }
}
