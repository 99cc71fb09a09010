//! Halls: an office's own tables as CSV, read and checked as a whole.
//!
//! **Invariants**
//! 1. [`HallTables`] is consistent: ids are unique, every reference has its target.
//! 2. Reading changes nothing; every fault of every file is found in one go (up to
//!    [`MOST_FAULTS`] are told).

mod faults;
mod profile;
mod table;

use std::collections::HashMap;
use std::path::Path;

use manyi_shared::domain::{DepartmentId, HallId, ItemCode, StaffId, WindowId};

pub use faults::{Fault, HallError, MOST_FAULTS};
pub use profile::signed_profile;
use table::{Row, Tables};

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

const HALL: (&str, &[&str]) = (
    "hall.csv",
    &["hall_id", "name", "region_code", "time_zone", "contact"],
);
const DEPARTMENTS: (&str, &[&str]) = ("departments.csv", &["department_id", "name"]);
const STAFF: (&str, &[&str]) = ("staff.csv", &["staff_id", "name", "post", "department_id"]);
const WINDOWS: (&str, &[&str]) = (
    "windows.csv",
    &[
        "window_id",
        "block",
        "number",
        "name",
        "department_id",
        "staff_id",
    ],
);
const ITEMS: (&str, &[&str]) = ("items.csv", &["item_code", "name", "department_id"]);

impl HallTables {
    /// Reads and checks the five files of a directory.
    ///
    /// # Errors
    /// [`HallError::Read`] when a file cannot be read, else [`HallError::Faults`] with file, line,
    /// column and what to do for every fault.
    pub fn read(dir: &Path) -> Result<Self, HallError> {
        let mut tables = Tables::default();
        let halls = tables.rows(dir, HALL, hall)?;
        let departments = tables.rows(dir, DEPARTMENTS, department)?;
        let staff = tables.rows(dir, STAFF, staff)?;
        let windows = tables.rows(dir, WINDOWS, window)?;
        let items = tables.rows(dir, ITEMS, item)?;
        let faults = &mut tables.faults;

        let known = faults::unique(faults, DEPARTMENTS, &departments, |d| d.id.as_str());
        let clerks = faults::unique(faults, STAFF, &staff, |s| s.id.as_str());
        faults::unique(faults, WINDOWS, &windows, |w| w.id.as_str());
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

fn staff(row: &mut Row<'_>) -> Option<Staff> {
    let (id, name, post, department) = (row.code(), row.text(), row.text(), row.code());
    Some(Staff {
        id: id?,
        name: name?,
        post: post?,
        department: department?,
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
