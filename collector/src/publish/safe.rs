//! The tables that everybody may read: figures by hall and by item, small groups withheld.

use crate::export::{Cell, Column, Note, Table, Unit};
use crate::score::{Counts, Rounding};

use super::rows::{SCORE_COLUMNS, both, group, score_cells, score_columns, total};
use super::withhold::withheld;

/// One group of a public table.
#[derive(Debug, Clone)]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// What was counted.
    pub counts: Counts,
}

/// One hall and its items.
#[derive(Debug, Clone)]
pub struct HallItems {
    /// The hall.
    pub hall: Named,
    /// Its items; ratings that named none are a group, too.
    pub items: Vec<Named>,
}

/// How many people may tell something about a group: whoever was asked and answered in any way.
fn size(counts: &Counts) -> u128 {
    counts.rated() + counts.defaulted()
}

/// The public tables: the halls, then the items of each hall that is not withheld.
#[must_use]
pub fn tables(halls: &[HallItems], k: u128, rounding: Rounding) -> Vec<Table> {
    let sizes: Vec<u128> = halls.iter().map(|hall| size(&hall.hall.counts)).collect();
    let whole = sizes.iter().sum::<u128>();
    // A sum that is itself too small is not published: then there is nothing beside the groups.
    let gone = match halls {
        [_] => vec![whole > 0 && whole < k],
        _ if whole > 0 && whole < k => vec![true; halls.len()],
        _ => withheld(&sizes, k),
    };
    let named: Vec<&Named> = halls.iter().map(|hall| &hall.hall).collect();
    let mut tables = vec![table(
        both("各大厅", "Halls"),
        ("大厅", "Hall"),
        &named,
        &gone,
        k,
        rounding,
    )];
    for (hall, gone) in halls.iter().zip(&gone) {
        // A hall that is withheld would come back as the sum of its items.
        if *gone || hall.items.is_empty() {
            continue;
        }
        let sizes: Vec<u128> = hall.items.iter().map(|item| size(&item.counts)).collect();
        let title = both(
            &format!("{}：事项", hall.hall.name),
            &format!("{}: items", hall.hall.name),
        );
        let items: Vec<&Named> = hall.items.iter().collect();
        let gone = withheld(&sizes, k);
        tables.push(table(title, ("事项", "Item"), &items, &gone, k, rounding));
    }
    tables
}

fn table(
    title: crate::export::Text,
    (zh, en): (&str, &str),
    groups: &[&Named],
    gone: &[bool],
    k: u128,
    rounding: Rounding,
) -> Table {
    let mut columns = vec![Column::new("name", both(zh, en), Unit::Text)];
    columns.extend(score_columns());
    columns.push(Column::new("remarks", both("附注", "Remarks"), Unit::Text));
    let mut sum = Counts::none();
    let mut rows = Vec::new();
    for (named, gone) in groups.iter().zip(gone) {
        sum.merge(&named.counts);
        let mut cells = vec![Cell::from(named.name.as_str())];
        if *gone {
            cells.extend(vec![Cell::Empty; SCORE_COLUMNS]);
            cells.push(Cell::Text("withheld".to_owned()));
        } else {
            cells.extend(score_cells(&named.counts, rounding));
        }
        rows.push(group(cells));
    }
    let all = size(&sum);
    if all == 0 || all >= k {
        let mut cells = vec![Cell::Empty];
        cells.extend(score_cells(&sum, rounding));
        rows.push(total(cells));
    }
    let text = both(
        &format!(
            "不足 {k} 人评价的不公布；为防止由合计推算，同时隐去必要的其他行。合计包含隐去的行。"
        ),
        &format!(
            "Groups of fewer than {k} are withheld, and others from which they could be computed. The total \
             has them in it."
        ),
    );
    Table {
        title,
        columns,
        rows,
        notes: vec![Note::new("remarks", "withheld", text)],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::export::RowKind;

    fn named(name: &str, n: u64) -> Named {
        Named {
            name: name.to_owned(),
            counts: Counts::of_levels([n, 0, 0, 0, 0]),
        }
    }

    fn hall(name: &str, items: &[u64]) -> HallItems {
        HallItems {
            hall: named(name, items.iter().sum()),
            items: (0..)
                .zip(items)
                .map(|(i, n)| named(&format!("{name}-{i}"), *n))
                .collect(),
        }
    }

    /// Name and number of ratings, none where it is withheld.
    fn printed(table: &Table) -> Vec<(String, Option<u128>)> {
        let row = |row: &crate::export::Row| {
            let n = match row.cells[1] {
                Cell::Count(n) => Some(n),
                _ => None,
            };
            (row.cells[0].text(), n)
        };
        table.rows.iter().map(row).collect()
    }

    #[test]
    fn a_withheld_hall_does_not_come_back_as_the_sum_of_its_items() {
        let halls = [
            hall("H1", &[2, 1]),
            hall("H2", &[40, 20]),
            hall("H3", &[100, 3, 9]),
        ];
        let tables = tables(&halls, 5, Rounding::default());
        let row = |name: &str, n| (name.to_owned(), n);
        assert_eq!(
            printed(&tables[0]),
            [
                row("H1", None),
                row("H2", None),
                row("H3", Some(112)),
                row("", Some(175))
            ]
        );
        assert_eq!(tables.len(), 2, "only H3 has a table of items");
        assert_eq!(
            printed(&tables[1]),
            [
                row("H3-0", Some(100)),
                row("H3-1", None),
                row("H3-2", None),
                row("", Some(112))
            ]
        );
    }

    #[test]
    fn a_hall_with_too_few_is_withheld_with_its_total() {
        let tables = tables(&[hall("H1", &[2, 1])], 5, Rounding::default());
        assert_eq!(printed(&tables[0]), [("H1".to_owned(), None)]);
        assert_eq!(tables.len(), 1);
    }

    proptest! {
        #[test]
        fn no_small_group_is_printed_and_none_can_be_computed(
            halls in proptest::collection::vec(proptest::collection::vec(0..30_u64, 0..6), 1..5),
            k in 2..10_u128,
        ) {
            let halls: Vec<HallItems> = (0..).zip(&halls).map(|(i, items)| hall(&format!("H{i}"), items)).collect();
            for table in tables(&halls, k, Rounding::default()) {
                let rows = printed(&table);
                let total = table.rows.iter().find(|row| row.kind == RowKind::Total);
                let groups = || rows.iter().filter(|(name, _)| !name.is_empty());
                for (name, n) in groups() {
                    prop_assert!(n.is_none_or(|n| n == 0 || n >= k), "{name} {n:?}");
                }
                let hidden = groups().filter(|(_, n)| n.is_none()).count();
                if let Some(Cell::Count(all)) = total.map(|row| row.cells[1].clone()) {
                    prop_assert!(all == 0 || all >= k);
                    let shown: u128 = groups().filter_map(|(_, n)| *n).sum();
                    prop_assert!(hidden != 1, "one hidden group is the rest of the total");
                    prop_assert!(hidden == 0 || all - shown >= k);
                }
            }
        }
    }
}
