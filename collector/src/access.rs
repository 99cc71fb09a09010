//! Who may do what, and where: roles, places and permissions as one table, and the questions that
//! every route asks of it. Pure: it is told the organisation, it reads nothing.
//!
//! **Invariants**
//! 1. A grant at a place gives exactly what the table says, at that place and below it; nothing
//!    beside it, nothing above it.
//! 2. What nobody granted is refused: there is no permission without a grant.
//! 3. A refusal tells whether something exists only to those who hold a grant at it, below it or
//!    above it: [`Refused::NotHere`] is answered as if there were nothing.

mod grant;
#[cfg(test)]
mod laws;
mod permission;
mod place;
pub mod throttle;

use std::collections::BTreeSet;

use manyi_shared::domain::{DepartmentId, HallId, WindowId};

pub use grant::{Grant, Who};
pub use permission::{Permission, PermissionSet, Role};
pub use place::{InvalidPlace, Place, RegionCode, Tree};

/// What a caller may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    who: Who,
    grants: Vec<Grant>,
    tree: Tree,
}

/// Why something is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The caller has no business there: to be answered as if there were nothing.
    #[error("there is nothing here")]
    NotHere,
    /// The caller knows the place, but may not do this there.
    #[error("this needs the permission `{}` there", .0.name())]
    NotAllowed(Permission),
}

/// The halls in which a permission is held, in whole or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halls {
    /// Every hall, also those that come later.
    All,
    /// These.
    Only(BTreeSet<HallId>),
}

impl Halls {
    /// Whether the hall is one of them.
    #[must_use]
    pub fn contains(&self, hall: &HallId) -> bool {
        match self {
            Self::All => true,
            Self::Only(halls) => halls.contains(hall),
        }
    }
}

/// How much of a hall a permission covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Nothing of it.
    Nothing,
    /// All of it.
    Whole,
    /// These departments and these windows of it; at least one of either.
    Parts {
        /// Whole departments.
        departments: BTreeSet<DepartmentId>,
        /// Single windows.
        windows: BTreeSet<WindowId>,
    },
}

impl Access {
    /// The access of a caller with these grants. `tree` must know the halls of granted regions and
    /// the windows of granted departments; what it does not know is not covered.
    #[must_use]
    pub const fn new(who: Who, grants: Vec<Grant>, tree: Tree) -> Self {
        Self { who, grants, tree }
    }

    /// Who calls.
    #[must_use]
    pub const fn who(&self) -> &Who {
        &self.who
    }

    /// What was granted, as it was granted.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Whether the permission is held at all of the place.
    #[must_use]
    pub fn allows(&self, permission: Permission, place: &Place) -> bool {
        self.holding(permission)
            .any(|grant| grant.place.covers(place, &self.tree))
    }

    /// Refuses what is not allowed at the place.
    ///
    /// # Errors
    /// [`Refused::NotHere`] when nothing was granted there, [`Refused::NotAllowed`] when something
    /// was, but not this.
    pub fn require(&self, permission: Permission, place: &Place) -> Result<(), Refused> {
        if self.allows(permission, place) {
            return Ok(());
        }
        Err(if self.knows(place) {
            Refused::NotAllowed(permission)
        } else {
            Refused::NotHere
        })
    }

    /// Whether the permission is held at one place at least.
    #[must_use]
    pub fn somewhere(&self, permission: Permission) -> bool {
        self.holding(permission).next().is_some()
    }

    /// Refuses whoever holds the permission nowhere; for pages and lists that then show what the
    /// permission covers.
    ///
    /// # Errors
    /// [`Refused::NotAllowed`]: that a page exists is no secret.
    pub fn require_somewhere(&self, permission: Permission) -> Result<(), Refused> {
        if self.somewhere(permission) {
            Ok(())
        } else {
            Err(Refused::NotAllowed(permission))
        }
    }

    /// The halls in which the permission is held, in whole or in part.
    #[must_use]
    pub fn halls(&self, permission: Permission) -> Halls {
        let mut halls = BTreeSet::new();
        for grant in self.holding(permission) {
            match &grant.place {
                Place::Everywhere => return Halls::All,
                Place::Region(region) => halls.extend(self.tree.halls_of(*region).cloned()),
                Place::Hall(hall) | Place::Department(hall, _) | Place::Window(hall, _) => {
                    halls.insert(hall.clone());
                }
            }
        }
        Halls::Only(halls)
    }

    /// How much of a hall the permission covers.
    #[must_use]
    pub fn scope(&self, permission: Permission, hall: &HallId) -> Scope {
        if self.allows(permission, &Place::Hall(hall.clone())) {
            return Scope::Whole;
        }
        let (mut departments, mut windows) = (BTreeSet::new(), BTreeSet::new());
        for grant in self.holding(permission) {
            match &grant.place {
                Place::Department(of, department) if of == hall => {
                    departments.insert(department.clone());
                }
                Place::Window(of, window) if of == hall => {
                    windows.insert(window.clone());
                }
                _ => {}
            }
        }
        if departments.is_empty() && windows.is_empty() {
            return Scope::Nothing;
        }
        Scope::Parts {
            departments,
            windows,
        }
    }

    /// Whether any grant lies at the place, above it or below it.
    fn knows(&self, place: &Place) -> bool {
        self.grants.iter().any(|grant| {
            grant.place.covers(place, &self.tree) || place.covers(&grant.place, &self.tree)
        })
    }

    fn holding(&self, permission: Permission) -> impl Iterator<Item = &Grant> {
        self.grants
            .iter()
            .filter(move |grant| grant.permissions().contains(permission))
    }
}
