//! A request for figures, as far as the caller may see.
//!
//! **Invariants**
//! 1. What is counted lies inside what the caller holds [`Permission::SeeScores`] for; it is narrowed
//!    or refused, never answered from beside.
//! 2. A hall that the caller has no part in is told exactly as one that does not exist.

use crate::access::{Access, Permission, Refused, Scope};
use crate::app::AppState;
use crate::problem::{Problem, ProblemType};
use crate::store::HallSummary;
use crate::store::scores::{Column, Value};

use super::params::{Dimension, ScoreRequest};

/// The halls in which the caller holds a permission, in whole or in part.
///
/// # Errors
/// 403 when it is held nowhere.
pub async fn visible_halls(
    state: &AppState,
    access: &Access,
    permission: Permission,
) -> Result<Vec<HallSummary>, Problem> {
    access.require_somewhere(permission)?;
    let allowed = access.halls(permission);
    let mut halls = state.store.halls().await?;
    halls.retain(|hall| allowed.contains(&hall.id));
    Ok(halls)
}

impl ScoreRequest {
    /// Reads a query string of a caller: of the halls that they may see, the parts that they may see.
    ///
    /// # Errors
    /// 400 for what cannot be asked, 403 for what the caller may not see anywhere.
    pub async fn of_caller(
        state: &AppState,
        access: &Access,
        query: &str,
    ) -> Result<Self, Problem> {
        let now = jiff::Timestamp::from_millisecond(state.clock.now_ms());
        let now = now.map_err(|_| Problem::internal())?;
        let halls = visible_halls(state, access, Permission::SeeScores).await?;
        Self::parse(query, &halls, now)?.narrowed(access)
    }

    /// The same request, of what the caller may see.
    ///
    /// # Errors
    /// 400 when the parts that the caller may see must be named, 403 for figures of clerks without
    /// [`Permission::SeeClerks`].
    pub fn narrowed(mut self, access: &Access) -> Result<Self, Problem> {
        if self.names_clerks() {
            self.require_clerks(access)?;
        }
        let scope = |hall| access.scope(Permission::SeeScores, hall);
        let partly = self
            .halls
            .iter()
            .find(|hall| scope(&hall.id) != Scope::Whole);
        let Some(partly) = partly else {
            return Ok(self);
        };
        if self.halls.len() > 1 {
            let detail = format!(
                "`hall` is missing: of {} you see parts only, so name one hall at a time",
                partly.id
            );
            return Err(Problem::new(ProblemType::Malformed, detail));
        }
        match scope(&partly.id) {
            Scope::Whole => Ok(self),
            Scope::Nothing => Err(Refused::NotHere.into()),
            Scope::Parts {
                departments,
                windows,
            } => {
                let texts = |ids: Vec<&str>| -> Vec<Value> {
                    let texts = ids.into_iter().map(str::to_owned);
                    texts.map(Value::Text).collect()
                };
                let departments =
                    texts(departments.iter().map(|id| id.as_str()).collect::<Vec<_>>());
                let windows = texts(windows.iter().map(|id| id.as_str()).collect::<Vec<_>>());
                self.narrow(&departments, &windows)?;
                Ok(self)
            }
        }
    }

    fn narrow(&mut self, departments: &[Value], windows: &[Value]) -> Result<(), Problem> {
        let asked = |column| {
            let of_column = self.filters.iter().filter(move |(c, _)| *c == column);
            of_column
                .map(|(_, value)| value.clone())
                .collect::<Vec<_>>()
        };
        let parts = [(Column::Department, departments), (Column::Window, windows)];
        // One of the two filters inside what may be seen keeps the whole request inside.
        for (column, allowed) in parts {
            let asked = asked(column);
            if !asked.is_empty() && asked.iter().all(|value| allowed.contains(value)) {
                return Ok(());
            }
        }
        let held: Vec<_> = parts
            .into_iter()
            .filter(|(_, allowed)| !allowed.is_empty())
            .collect();
        if let [(column, allowed)] = held.as_slice() {
            let asked = asked(*column);
            if asked.is_empty() {
                let all = allowed.iter().map(|value| (*column, value.clone()));
                self.filters.extend(all);
                return Ok(());
            }
            // Something beside it was asked for, told as what does not exist: nothing is counted.
            return Err(Problem::not_found());
        }
        let detail = "you see departments and single windows here: name `department` or `window`";
        Err(Problem::new(ProblemType::Malformed, detail))
    }

    /// Whether the answer would be about single clerks.
    fn names_clerks(&self) -> bool {
        self.group.contains(&Dimension::Column(Column::Staff))
            || self
                .filters
                .iter()
                .any(|(column, _)| *column == Column::Staff)
    }

    /// Figures of clerks open where they are allowed for all that is asked for.
    fn require_clerks(&self, access: &Access) -> Result<(), Problem> {
        let whole = |permission, hall| access.scope(permission, hall);
        for hall in &self.halls {
            let clerks = whole(Permission::SeeClerks, &hall.id);
            if clerks != Scope::Whole && clerks != whole(Permission::SeeScores, &hall.id) {
                return Err(Refused::NotAllowed(Permission::SeeClerks).into());
            }
        }
        Ok(())
    }
}
