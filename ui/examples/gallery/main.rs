//! Draws every page in every state, size, language and type into PNG files, for people to look at.
//!
//! `cargo run -p manyi-ui --example gallery -- OUTDIR [PAGE] [--sample]`
//!
//! Writes one PNG per picture, `sheet-PAGE-LANGUAGE.png` with many on one, and `index.html`. The
//! whole matrix is some thousand pictures; `--sample` draws what the test draws.
//!
//! The program starts itself a second time with `FONTCONFIG_FILE` set, so that the pictures are
//! drawn with the shipped fonts only, whatever fonts the machine has.

mod scenes;
mod sheets;
mod shots;

use std::error::Error;
use std::path::{Path, PathBuf};

use scenes::PAGES;
use sheets::Sheets;
use shots::Matrix;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let whole = arguments.len();
    arguments.retain(|argument| argument != "--sample");
    let matrix = if arguments.len() < whole {
        Matrix::Sampled
    } else {
        Matrix::Whole
    };
    let mut words = arguments.into_iter();
    let out = PathBuf::from(
        words
            .next()
            .ok_or("usage: gallery OUTDIR [PAGE] [--sample]")?,
    );
    let wanted = words.next();
    if let Some(page) = wanted.as_deref().filter(|page| !PAGES.contains(page)) {
        return Err(format!("no page is called `{page}`; there are {}", PAGES.join(", ")).into());
    }
    std::fs::create_dir_all(&out)?;
    if shots::has_shipped_fonts() {
        return draw(&out, wanted.as_deref(), matrix);
    }
    let status = shots::with_shipped_fonts(&out)?
        .args(std::env::args_os().skip(1))
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("drawing failed: {status}").into())
    }
}

fn draw(out: &Path, wanted: Option<&str>, matrix: Matrix) -> Result<(), Box<dyn Error>> {
    shots::init()?;
    let mut index = String::new();
    for page in PAGES {
        if wanted.is_none_or(|wanted| wanted == page) {
            let mut sheets = Sheets::default();
            shots::draw_page(page, matrix, out, |_, shot| sheets.add(&shot))?;
            sheets.write(page, out)?;
            index += &sheets.html(page);
        }
    }
    sheets::write_index(&index, out)
}
