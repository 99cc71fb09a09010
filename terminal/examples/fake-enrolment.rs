//! Enrols a terminal at an invented office, so that the screens can be tried without a collector:
//!
//!     cargo run -p manyi-terminal --example fake-enrolment -- DIR
//!     cargo run -p manyi-terminal -- --data-dir DIR

use manyi_shared::tablet::{DataDir, ensure_folder};

#[path = "../tests/common/office.rs"]
mod office;
#[path = "../tests/common/profile.rs"]
mod profile;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .ok_or("usage: fake-enrolment DIR")?;
    let data = DataDir::new(folder);
    ensure_folder(data.path())?;
    office::enrol(&data, &profile::profile());
    Ok(())
}
