//! Who was given what.

use std::fmt;

use super::permission::{PermissionSet, Role};
use super::place::Place;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// A person, by login name.
    User(String),
    /// A program, by the name of its token.
    Token(String),
    /// Whoever runs the program's commands, by the account of the operating system.
    Operator(String),
}

impl Who {
    /// The name, without what kind of caller it is.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Token(name) | Self::Operator(name) => name,
        }
    }
}

impl fmt::Display for Who {
    /// As the audit log keeps it: `user:…`, `token:…`, `operator:…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::User(_) => "user",
            Self::Token(_) => "token",
            Self::Operator(_) => "operator",
        };
        write!(f, "{kind}:{}", self.name())
    }
}

/// Permissions at a place and below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    what: What,
    /// Where.
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum What {
    Role(Role),
    Permissions(PermissionSet),
}

impl Grant {
    /// A person's role.
    #[must_use]
    pub const fn role(role: Role, place: Place) -> Self {
        Self {
            what: What::Role(role),
            place,
        }
    }

    /// A token's permissions.
    #[must_use]
    pub const fn permissions_at(permissions: PermissionSet, place: Place) -> Self {
        Self {
            what: What::Permissions(permissions),
            place,
        }
    }

    /// The role; none for a token.
    #[must_use]
    pub const fn as_role(&self) -> Option<Role> {
        match self.what {
            What::Role(role) => Some(role),
            What::Permissions(_) => None,
        }
    }

    /// What it allows.
    #[must_use]
    pub const fn permissions(&self) -> PermissionSet {
        match self.what {
            What::Role(role) => role.permissions(),
            What::Permissions(permissions) => permissions,
        }
    }
}
