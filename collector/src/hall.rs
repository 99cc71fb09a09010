//! Halls: an office's own tables as CSV, its options and files, read and checked as a whole.
//!
//! **Invariants**
//! 1. [`HallTables`] is consistent: ids are unique, every reference has its target.
//! 2. Reading changes nothing; every fault of every file is found in one go (up to
//!    [`MOST_FAULTS`] are told).

mod faults;
mod files;
mod options;
mod profile;
mod table;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

use manyi_shared::domain::{DepartmentId, HallId, ItemCode, StaffId, WindowId};

use manyi_shared::wire::{AssetDigest, AssetKind};

pub use faults::{Fault, HallError, MOST_FAULTS};
pub use files::Asset;
use files::Files;
pub use options::{HallOptions, WindowOptions, check_paused};
pub use profile::signed_profile;
use table::{Row, Shape, Tables};

/// All tables of one hall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HallTables {
    /// The hall.
    pub hall: Hall,
    /// Its departments, in the order of the file; so are all that follow.
    pub departments: Vec<Department>,
    /// Its clerks.
    pub staff: Vec<Staff>,
    /// Its windows.
    pub windows: Vec<Window>,
    /// Its service items.
    pub items: Vec<Item>,
    /// What `profile.toml` says.
    pub options: HallOptions,
    /// The files that options and clerks name.
    pub assets: Vec<Asset>,
}

/// A hall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hall {
    /// Its id.
    pub id: HallId,
    /// Its name, as on the building.
    pub name: String,
    /// 行政区划代码.
    pub region_code: String,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// Whom a citizen asks.
    pub contact: String,
}

/// A department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Its id.
    pub id: DepartmentId,
    /// Its name.
    pub name: String,
}

/// A clerk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// Staff number.
    pub id: StaffId,
    /// Name.
    pub name: String,
    /// Post 岗位.
    pub post: String,
    /// The employer.
    pub department: DepartmentId,
    /// Star grade, 1 to 5, where the office gives one.
    pub stars: Option<u8>,
    /// A photograph.
    pub photo: Option<AssetDigest>,
}

/// A window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Its id.
    pub id: WindowId,
    /// The part of the hall it stands in.
    pub block: String,
    /// What the sign over it shows.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Whose window it is.
    pub department: DepartmentId,
    /// The clerk normally on duty.
    pub staff: Option<StaffId>,
}

/// A service item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Implementation code 实施编码.
    pub code: ItemCode,
    /// Its name.
    pub name: String,
    /// Who answers for it.
    pub department: DepartmentId,
}

const HALL: Shape = (
    "hall.csv",
    &["hall_id", "name", "region_code", "time_zone", "contact"],
    &[],
);
const DEPARTMENTS: Shape = ("departments.csv", &["department_id", "name"], &[]);
const STAFF: Shape = (
    "staff.csv",
    &["staff_id", "name", "post", "department_id"],
    &["stars", "photo"],
);
const WINDOWS: Shape = (
    "windows.csv",
    &[
        "window_id",
        "block",
        "number",
        "name",
        "department_id",
        "staff_id",
    ],
    &[],
);
const ITEMS: Shape = ("items.csv", &["item_code", "name", "department_id"], &[]);

impl HallTables {
    /// Reads and checks the five tables of a directory, its `profile.toml` when there is one, and
    /// every file that they name.
    ///
    /// # Errors
    /// [`HallError::Read`] when a file cannot be read, else [`HallError::Faults`] with file, line
    /// or field, and what to do for every fault.
    pub fn read(dir: &Path) -> Result<Self, HallError> {
        let mut tables = Tables::default();
        let halls = tables.rows(dir, HALL, hall)?;
        let departments = tables.rows(dir, DEPARTMENTS, department)?;
        let files = RefCell::new(Files::of(dir));
        let staff = tables.rows(dir, STAFF, |row| staff(row, &files))?;
        let windows = tables.rows(dir, WINDOWS, window)?;
        let items = tables.rows(dir, ITEMS, item)?;
        let faults = &mut tables.faults;

        let known = faults::unique(faults, DEPARTMENTS, &departments, |d| d.id.as_str());
        let clerks = faults::unique(faults, STAFF, &staff, |s| s.id.as_str());
        let ids = faults::unique(faults, WINDOWS, &windows, |w| w.id.as_str());
        let ids = ids.into_keys().collect();
        let mut files = files.into_inner();
        let options = options::read(dir, &ids, &mut files, faults)?;
        faults::unique(faults, ITEMS, &items, |i| i.code.as_str());
        let of_staff = staff.iter().map(|(line, s)| (*line, s.department.as_str()));
        let of_windows = windows
            .iter()
            .map(|(line, w)| (*line, w.department.as_str()));
        let of_items = items.iter().map(|(line, i)| (*line, i.department.as_str()));
        let on_duty = windows
            .iter()
            .filter_map(|(line, w)| Some((*line, w.staff.as_ref()?.as_str())));
        let (departments_file, staff_file) = ((DEPARTMENTS.0, &known), (STAFF.0, &clerks));
        faults::known(
            faults,
            (STAFF.0, "department_id"),
            of_staff,
            departments_file,
        );
        faults::known(
            faults,
            (WINDOWS.0, "department_id"),
            of_windows,
            departments_file,
        );
        faults::known(faults, (WINDOWS.0, "staff_id"), on_duty, staff_file);
        faults::known(
            faults,
            (ITEMS.0, "department_id"),
            of_items,
            departments_file,
        );

        let Some(hall) = only_hall(halls, faults) else {
            return Err(std::mem::take(faults).into_error());
        };
        Ok(Self {
            hall,
            departments: without_lines(departments),
            staff: without_lines(staff),
            windows: without_lines(windows),
            items: without_lines(items),
            options,
            assets: files.into_assets(),
        })
    }
}

/// The one hall, when there is one and nothing else is at fault.
fn only_hall(halls: Lined<Hall>, faults: &mut faults::Faults) -> Option<Hall> {
    let mut halls = halls.into_iter();
    let first = halls.next();
    if let Some((line, second)) = halls.next() {
        let id = second.id;
        let problem = format!("`{id}` is a second hall; import each from its own directory");
        faults.add(HALL.0, line, Some("hall_id"), problem);
    } else if first.is_none() && faults.is_empty() {
        let problem = "has no row; write one line for the hall".to_owned();
        faults.add(HALL.0, 1, None, problem);
    }
    first.map(|(_, hall)| hall).filter(|_| faults.is_empty())
}

/// Rows with the line each was on.
type Lined<T> = Vec<(u64, T)>;

/// Where each id was first seen.
type Ids<'a> = HashMap<&'a str, u64>;

fn without_lines<T>(rows: Lined<T>) -> Vec<T> {
    rows.into_iter().map(|(_, row)| row).collect()
}

// Every cell is looked at before `?` leaves, so one row tells all its faults.

fn hall(row: &mut Row<'_>) -> Option<Hall> {
    let (id, name) = (row.code(), row.text());
    let region_code = row.checked("must be 6, 9 or 12 digits (GB/T 2260)", |text| {
        matches!(text.len(), 6 | 9 | 12) && text.bytes().all(|b| b.is_ascii_digit())
    });
    let time_zone = row.checked("must be an IANA time zone such as Asia/Shanghai", |text| {
        jiff::tz::TimeZone::get(text).is_ok()
    });
    let contact = row.text();
    Some(Hall {
        id: id?,
        name: name?,
        region_code: region_code?,
        time_zone: time_zone?,
        contact: contact?,
    })
}

fn department(row: &mut Row<'_>) -> Option<Department> {
    let (id, name) = (row.code(), row.text());
    Some(Department {
        id: id?,
        name: name?,
    })
}

fn staff(row: &mut Row<'_>, files: &RefCell<Files<'_>>) -> Option<Staff> {
    let (id, name, post, department) = (row.code(), row.text(), row.text(), row.code());
    let stars = row.beyond("stars").and_then(|text| match text {
        None => Some(None),
        Some(text) => {
            let stars = text.parse().ok().filter(|stars| (1..=5).contains(stars));
            if stars.is_none() {
                row.refuse("stars", format!("`{text}` must be 1 to 5, or empty"));
            }
            stars.map(Some)
        }
    });
    let photo = row.beyond("photo").and_then(|path| match path {
        None => Some(None),
        Some(path) => match files.borrow_mut().take(&path, AssetKind::Picture) {
            Ok(digest) => Some(Some(digest)),
            Err(problem) => {
                row.refuse("photo", problem);
                None
            }
        },
    });
    Some(Staff {
        id: id?,
        name: name?,
        post: post?,
        department: department?,
        stars: stars?,
        photo: photo?,
    })
}

fn window(row: &mut Row<'_>) -> Option<Window> {
    let (id, block, number, name) = (row.code(), row.text(), row.text(), row.text());
    let (department, staff) = (row.code(), row.optional_code());
    Some(Window {
        id: id?,
        block: block?,
        number: number?,
        name: name?,
        department: department?,
        staff: staff?,
    })
}

fn item(row: &mut Row<'_>) -> Option<Item> {
    let (code, name, department) = (row.code(), row.text(), row.code());
    Some(Item {
        code: code?,
        name: name?,
        department: department?,
    })
}
