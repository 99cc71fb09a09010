//! Opens the real window with the shipped fonts and walks the pages, without keeping anything.
//!
//! `cargo run -p manyi-ui --example window -- [PAGE] [WIDTHxHEIGHT]`
//!
//! Every intent of the citizen is written to standard error. The flow here is a sketch for trying
//! pages by hand; the real one is the terminal's.

use std::error::Error;
use std::io::Write as _;
use std::process::Command;

use manyi_ui::{AskAdapter, KioskWindow, Page, ReasonsAdapter, fonts};
use slint::{ComponentHandle as _, Global as _, LogicalSize, Model as _};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if std::env::var_os("MANYI_WINDOW_CHILD").is_some() {
        return open(&arguments);
    }
    let data = std::env::temp_dir().join("manyi-window");
    let config = fonts::write_fontconfig(&fonts::locate(None)?, &data)?;
    let status = Command::new(std::env::current_exe()?)
        .args(arguments)
        .env("MANYI_WINDOW_CHILD", "1")
        .env("FONTCONFIG_FILE", config)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the window ended with {status}").into())
    }
}

fn open(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let window = KioskWindow::new()?;
    let mut pages = arguments.iter();
    window.set_page(match pages.next().map(String::as_str) {
        None | Some("ask") => Page::Ask,
        Some("idle") => Page::Idle,
        Some("reasons") => Page::Reasons,
        Some("thanks") => Page::Thanks,
        Some("out-of-service") => Page::OutOfService,
        Some(other) => return Err(format!("no page is called `{other}`").into()),
    });
    if let Some(size) = pages.next() {
        let (width, height) = size.split_once('x').ok_or("the size is WIDTHxHEIGHT")?;
        window
            .window()
            .set_size(LogicalSize::new(width.parse()?, height.parse()?));
    }

    let go = |page: Page| {
        let weak = window.as_weak();
        move |intent: String| {
            // Nobody may be reading; the window goes on.
            writeln!(std::io::stderr(), "{intent}").unwrap_or_default();
            if let Some(window) = weak.upgrade() {
                window.set_page(page);
            }
        }
    };
    let ask = AskAdapter::get(&window);
    let chosen = go(Page::Reasons);
    ask.on_choose(move |level| chosen(format!("choose {level}")));
    let declined = go(Page::Idle);
    ask.on_decline(move || declined("decline".into()));
    let reasons = ReasonsAdapter::get(&window);
    let toggled = go(Page::Reasons);
    let tags = reasons.get_tags();
    reasons.on_toggle(move |code| {
        toggled(format!("toggle {code}"));
        for row in 0..tags.row_count() {
            if let Some(mut tag) = tags.row_data(row).filter(|tag| tag.code == code) {
                tag.chosen = !tag.chosen;
                tags.set_row_data(row, tag);
            }
        }
    });
    let submitted = go(Page::Thanks);
    reasons.on_submit(move || submitted("submit".into()));
    let skipped = go(Page::Thanks);
    reasons.on_skip(move || skipped("skip".into()));
    window.run()?;
    Ok(())
}
