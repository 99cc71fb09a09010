//! The quantities of one month of one place, for indicators.

use std::collections::BTreeSet;

use crate::api::{Counted, Group};
use crate::indicator::{Quantities, Quantity};
use crate::score::Counts;
use crate::store::scores::{Column, Names, Value};

/// What is known: prompts and ratings, and how many of the items and windows in the halls' tables
/// were rated. `items` and `windows` are counted by hall and id.
pub(super) fn known(
    total: &Counts,
    items: (&Counted, &Names),
    windows: (&Counted, &Names),
    halls: &BTreeSet<String>,
) -> Quantities {
    let (item_count, items_rated) = covered(items, Column::Item, halls);
    let (window_count, windows_rated) = covered(windows, Column::Window, halls);
    Quantities::of(total)
        .with(Quantity::Items, item_count)
        .with(Quantity::ItemsRated, items_rated)
        .with(Quantity::Windows, window_count)
        .with(Quantity::WindowsRated, windows_rated)
}

/// How many the tables list, and how many of these have a rating.
fn covered(
    (counted, names): (&Counted, &Names),
    column: Column,
    halls: &BTreeSet<String>,
) -> (u128, u128) {
    let text = |group: &Group, column| match group.value(column) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let listed = names.keys().filter(|(hall, _)| halls.contains(hall));
    let rated: BTreeSet<(String, String)> = counted
        .groups
        .iter()
        .filter(|group| group.counts.rated() > 0)
        .map(|group| (text(group, Column::Hall), text(group, column)))
        .collect();
    let (all, with): (u128, u128) = listed.fold((0, 0), |(all, with), key| {
        (all + 1, with + u128::from(rated.contains(key)))
    });
    (all, with)
}
