//! Places of the organisation, and what lies in what.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use manyi_shared::domain::{DepartmentId, HallId, WindowId};

/// A region by its administrative division code 行政区划代码, without the zeros at its end that stand
/// for "all of it".
///
/// # Source
/// GB/T 2260 (two digits each for province, prefecture and county) and GB/T 10114 (three each for
/// township and village).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionCode {
    digits: [u8; 12],
    significant: u8,
}

/// How many digits stand for province, prefecture, county, township and village.
const LEVELS: [usize; 5] = [2, 4, 6, 9, 12];

impl RegionCode {
    /// Takes a code of 2, 4, 6, 9 or 12 digits; none for other text.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if !LEVELS.contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut digits = [b'0'; 12];
        digits
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        let rest_is_zero = |from: &usize| digits.iter().skip(*from).all(|digit| *digit == b'0');
        let significant = LEVELS.into_iter().find(rest_is_zero)?;
        // A code of zeros alone is no province.
        if digits.iter().all(|digit| *digit == b'0') {
            return None;
        }
        Some(Self {
            digits,
            significant: u8::try_from(significant).ok()?,
        })
    }

    /// The digits that tell the region from others: `37` for `370000`.
    #[must_use]
    pub fn significant(&self) -> &str {
        let digits = self.digits.get(..usize::from(self.significant));
        digits
            .and_then(|digits| str::from_utf8(digits).ok())
            .unwrap_or_default()
    }

    /// Whether the other region is this one or lies in it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.significant().starts_with(self.significant())
    }
}

impl fmt::Display for RegionCode {
    /// As people write it: six digits, or nine or twelve where it goes that deep.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = usize::from(self.significant).max(6);
        let digits = self.digits.get(..shown).unwrap_or_default();
        f.write_str(str::from_utf8(digits).unwrap_or_default())
    }
}

impl fmt::Debug for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegionCode({self})")
    }
}

/// A place in the organisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// All halls, and what belongs to no hall.
    Everywhere,
    /// All halls of a region.
    Region(RegionCode),
    /// A hall.
    Hall(HallId),
    /// A department's windows in a hall.
    Department(HallId, DepartmentId),
    /// A window.
    Window(HallId, WindowId),
}

impl Place {
    /// The hall that the place is or lies in.
    #[must_use]
    pub const fn hall(&self) -> Option<&HallId> {
        match self {
            Self::Everywhere | Self::Region(_) => None,
            Self::Hall(hall) | Self::Department(hall, _) | Self::Window(hall, _) => Some(hall),
        }
    }

    /// Whether the other place is this one or lies in it, as far as the tree tells.
    #[must_use]
    pub fn covers(&self, other: &Self, tree: &Tree) -> bool {
        match (self, other) {
            (Self::Everywhere, _) => true,
            (Self::Region(region), Self::Region(other)) => region.contains(other),
            (Self::Region(region), _) => other
                .hall()
                .and_then(|hall| tree.region(hall))
                .is_some_and(|of| region.contains(&of)),
            (Self::Hall(hall), _) => other.hall() == Some(hall),
            (Self::Department(hall, department), Self::Window(of, window)) => {
                hall == of && tree.department(of, window) == Some(department)
            }
            (Self::Department(..), Self::Department(..)) | (Self::Window(..), Self::Window(..)) => {
                self == other
            }
            (Self::Department(..) | Self::Window(..), _) => false,
        }
    }
}

impl fmt::Display for Place {
    /// As [`FromStr`] reads it: `everywhere`, `region:371500`, `hall:371581-01`,
    /// `department:371581-01:D1`, `window:371581-01:A01`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("everywhere"),
            Self::Region(region) => write!(f, "region:{region}"),
            Self::Hall(hall) => write!(f, "hall:{hall}"),
            Self::Department(hall, department) => write!(f, "department:{hall}:{department}"),
            Self::Window(hall, window) => write!(f, "window:{hall}:{window}"),
        }
    }
}

/// Text that is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a place is `everywhere`, `region:CODE`, `hall:HALL`, `department:HALL:DEPARTMENT` or \
     `window:HALL:WINDOW`"
)]
pub struct InvalidPlace;

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        fn code<T: FromStr>(text: &str) -> Result<T, InvalidPlace> {
            text.parse().map_err(|_| InvalidPlace)
        }
        let mut parts = text.splitn(3, ':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("everywhere"), None, None) => Ok(Self::Everywhere),
            (Some("region"), Some(region), None) => RegionCode::new(region)
                .map(Self::Region)
                .ok_or(InvalidPlace),
            (Some("hall"), Some(hall), None) => Ok(Self::Hall(code(hall)?)),
            (Some("department"), Some(hall), Some(department)) => {
                Ok(Self::Department(code(hall)?, code(department)?))
            }
            (Some("window"), Some(hall), Some(window)) => {
                Ok(Self::Window(code(hall)?, code(window)?))
            }
            _ => Err(InvalidPlace),
        }
    }
}

/// What lies in what: halls in regions, windows in departments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    halls: BTreeMap<HallId, RegionCode>,
    windows: BTreeMap<(HallId, WindowId), DepartmentId>,
}

impl Tree {
    /// Puts a hall into its region.
    pub fn put_hall(&mut self, hall: HallId, region: RegionCode) {
        self.halls.insert(hall, region);
    }

    /// Puts a window into its department.
    pub fn put_window(&mut self, hall: HallId, window: WindowId, department: DepartmentId) {
        self.windows.insert((hall, window), department);
    }

    fn region(&self, hall: &HallId) -> Option<RegionCode> {
        self.halls.get(hall).copied()
    }

    fn department(&self, hall: &HallId, window: &WindowId) -> Option<&DepartmentId> {
        self.windows.get(&(hall.clone(), window.clone()))
    }

    pub(super) fn halls_of(&self, region: RegionCode) -> impl Iterator<Item = &HallId> {
        let inside = self.halls.iter().filter(move |(_, of)| region.contains(of));
        inside.map(|(hall, _)| hall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::province_and_county("370000", "371581", true)]
    #[case::prefecture_and_county("371500", "371581", true)]
    #[case::itself("371581", "371581", true)]
    #[case::county_and_its_township("371581", "371581004", true)]
    #[case::long_form("371581000000", "371581", true)]
    #[case::upwards("371581", "371500", false)]
    #[case::beside("371500", "371400", false)]
    #[case::same_digits_deeper("3715", "371501", true)]
    fn a_region_contains(#[case] outer: &str, #[case] inner: &str, #[case] expected: bool) {
        let region = |code| RegionCode::new(code).unwrap();
        assert_eq!(region(outer).contains(&region(inner)), expected);
    }

    #[rstest::rstest]
    #[case::empty("")]
    #[case::seven_digits("3715810")]
    #[case::letters("37158a")]
    #[case::nowhere("000000")]
    fn text_that_is_no_region_is_refused(#[case] text: &str) {
        assert_eq!(RegionCode::new(text), None);
    }

    #[rstest::rstest]
    #[case("everywhere")]
    #[case("region:370000")]
    #[case("hall:371581-01")]
    #[case("department:371581-01:D1")]
    #[case("window:371581-01:A01")]
    fn a_place_reads_back_what_it_prints(#[case] text: &str) {
        assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
    }

    #[rstest::rstest]
    #[case::empty("")]
    #[case::no_kind("371581-01")]
    #[case::no_window("window:371581-01")]
    #[case::too_much("hall:371581-01:A01")]
    #[case::space("hall:371581 01")]
    fn text_that_is_no_place_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Place>(), Err(InvalidPlace));
    }
}
