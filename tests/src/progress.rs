//! A bar for runs that take minutes; nothing at all where nobody watches.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that ends at `end` things of this kind.
#[must_use]
pub fn bar(end: u64, things: &str) -> ProgressBar {
    let bar = ProgressBar::new(end);
    let template =
        format!("{{bar:32}} {{pos}} of {{len}} {things}, {{elapsed}} gone, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}
