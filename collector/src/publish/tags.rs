//! Which reasons citizens gave with bad ratings.

use std::collections::BTreeMap;

use manyi_shared::domain::{TagCode, national_tags};

use super::rows::{both, group};
use crate::export::{Cell, Column, Note, Table, Unit};

/// How many tags the bulletin lists.
const TOP: usize = 10;

/// The tags that were chosen most.
pub(super) fn table(counts: &BTreeMap<u16, u128>) -> Table {
    let mut chosen: Vec<(u128, u16)> = counts.iter().map(|(code, n)| (*n, *code)).collect();
    chosen.sort_by_key(|(n, code)| (std::cmp::Reverse(*n), *code));
    let row = |(n, code): &(u128, u16)| {
        let found = TagCode::new(*code).and_then(|code| national_tags().get(code));
        let name = found.map_or("", |tag| tag.name.as_str());
        let code = Cell::Text(code.to_string());
        group(vec![code, Cell::from(name), Cell::Count(*n)])
    };
    let left = chosen.len().saturating_sub(TOP);
    let text = both(
        &format!(
            "不满意和非常不满意的评价所选内容，列前 {TOP} 项，其余 {left} 项未列；一次评价可选多项。\
             按卡满折叠计数上报的评价没有此项。"
        ),
        &format!(
            "Reasons chosen with bad ratings: the {TOP} most frequent; {left} more are not listed. One \
             rating may have several; ratings that a full card sent as counts have none."
        ),
    );
    Table {
        title: both("差评内容", "Reasons of bad ratings"),
        columns: vec![
            Column::new("tag", both("代码", "Code"), Unit::Text),
            Column::new("name", both("评价内容", "Reason"), Unit::Text),
            Column::new("count", both("次数", "Times"), Unit::Count),
        ],
        rows: chosen.iter().take(TOP).map(row).collect(),
        notes: vec![Note::new("scope", "tags", text)],
    }
}
