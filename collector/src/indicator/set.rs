//! All definitions together: what may stand beside what, and which version is in force.

use std::collections::BTreeMap;

use super::composite::Composite;
use super::definition::Indicator;

/// Why definitions cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{id}: {message}")]
pub struct Fault {
    /// The indicator or composite.
    pub id: String,
    /// Its version.
    pub version: u16,
    /// What is wrong and what to do.
    pub message: String,
}

/// Every version of every indicator and composite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definitions {
    indicators: BTreeMap<String, Vec<Indicator>>,
    composites: BTreeMap<String, Vec<Composite>>,
}

impl Definitions {
    /// Takes one more version of an indicator.
    ///
    /// # Errors
    /// [`Fault`] when it is not the next version, or holds from no later day than the one before;
    /// nothing is taken then.
    pub fn add(&mut self, indicator: Indicator) -> Result<(), Fault> {
        let (id, version) = (indicator.id.clone(), indicator.version);
        let versions = self.indicators.entry(id.clone()).or_default();
        let last = versions.last().map(|last| (last.version, last.since));
        let taken = follows(last, version, indicator.since).map(|()| versions.push(indicator));
        taken.map_err(|message| Fault {
            id,
            version,
            message,
        })
    }

    /// Takes one more version of a composite.
    ///
    /// # Errors
    /// [`Fault`], as for [`Self::add`], and when a part names an indicator that there is not.
    pub fn add_composite(&mut self, composite: Composite) -> Result<(), Fault> {
        let (id, version) = (composite.id.clone(), composite.version);
        let fault = |message| Fault {
            id: id.clone(),
            version,
            message,
        };
        for part in &composite.parts {
            let versions = self.indicators.get(&part.indicator);
            let first = versions.and_then(|versions| versions.first());
            let name = &part.indicator;
            let message = match first {
                None => format!("part `{name}` is no indicator; there are: {}", self.ids()),
                Some(first) if first.since > composite.since => {
                    format!("part `{name}` holds only from {} on", first.since)
                }
                Some(_) => continue,
            };
            return Err(fault(message));
        }
        let versions = self.composites.entry(id.clone()).or_default();
        let last = versions.last().map(|last| (last.version, last.since));
        follows(last, version, composite.since).map_err(fault)?;
        versions.push(composite);
        Ok(())
    }

    fn ids(&self) -> String {
        let ids: Vec<&str> = self.indicators.keys().map(String::as_str).collect();
        ids.join(", ")
    }

    /// The version of an indicator that holds on a day (`yyyymmdd`); none before its first.
    #[must_use]
    pub fn in_force(&self, id: &str, day: u32) -> Option<&Indicator> {
        let versions = self.indicators.get(id)?;
        versions.iter().rev().find(|version| version.since <= day)
    }

    /// Every indicator in the version that holds on a day, by id.
    pub fn all_in_force(&self, day: u32) -> impl Iterator<Item = &Indicator> {
        let ids = self.indicators.keys();
        ids.filter_map(move |id| self.in_force(id, day))
    }

    /// Every composite in the version that holds on a day, by id.
    pub fn composites_in_force(&self, day: u32) -> impl Iterator<Item = &Composite> {
        let all = self.composites.values();
        all.filter_map(move |versions| versions.iter().rev().find(|v| v.since <= day))
    }

    /// Id, version and meaning of every version of everything, to find out whether one was changed.
    /// What only explains (names, scope, sources) may be put right; what is computed may not.
    #[must_use]
    pub fn texts(&self) -> Vec<(String, u16, String)> {
        let rounding = |rounding: crate::score::Rounding| {
            format!("{} {}", rounding.mode().name(), rounding.digits())
        };
        let indicators = self.indicators().map(|one| {
            let text = format!(
                "{} {} whole={} zero={} since={}",
                one.expression(),
                rounding(one.rounding),
                one.guards.whole,
                one.guards.zero,
                one.since
            );
            (one.id.clone(), one.version, text)
        });
        let composites = self.composites().map(|one| {
            let part =
                |part: &super::Part| format!("{}*{}/{}", part.weight, part.indicator, part.target);
            let parts: Vec<String> = one.parts.iter().map(part).collect();
            let (parts, rounding) = (parts.join(" + "), rounding(one.rounding));
            let text = format!("{parts} {rounding} since={}", one.since);
            (format!("composite:{}", one.id), one.version, text)
        });
        indicators.chain(composites).collect()
    }

    /// Every version of every indicator, by id, the oldest version first.
    pub fn indicators(&self) -> impl Iterator<Item = &Indicator> {
        self.indicators.values().flatten()
    }

    /// Every version of every composite, by id, the oldest version first.
    pub fn composites(&self) -> impl Iterator<Item = &Composite> {
        self.composites.values().flatten()
    }
}

/// Whether a version may come after the last one.
fn follows(last: Option<(u16, u32)>, version: u16, since: u32) -> Result<(), String> {
    match last {
        None if version != 1 => Err(format!("the first version must be 1, not {version}")),
        Some((last, _)) if version <= last => Err(format!(
            "there is a version {version} already, and a definition is never changed; give this one \
             version {} and the day from which it holds",
            last + 1
        )),
        Some((last, _)) if version != last + 1 => Err(format!(
            "version {version} follows version {last}; the next one is {}",
            last + 1
        )),
        Some((_, before)) if since <= before => Err(format!(
            "version {version} must hold from a later day than the version before ({before})"
        )),
        _ => Ok(()),
    }
}
