//! A table as CSV (RFC 4180) in UTF-8.
//!
//! The file begins with a byte order mark: without it spreadsheet programs take Chinese for
//! something else. Its first column says what a line is: `group`, `total`, or `note` for the lines
//! about the table, which follow it with as many fields as every other line. A program that wants
//! the groups takes the lines that begin with `group`.

use super::table::{Row, Table};

/// The byte order mark.
pub const BOM: &str = "\u{feff}";

/// The name of the column that says what a line is.
pub const KIND: &str = "row";

/// Fields of a note: about, name, Chinese, English.
const NOTE_FIELDS: usize = 4;

/// One or more tables as one file; an empty line stands between two.
#[must_use]
pub fn file(tables: &[&Table]) -> Vec<u8> {
    let parts: Vec<String> = tables.iter().map(|table| body(table)).collect();
    format!("{BOM}{}", parts.join("\r\n")).into_bytes()
}

fn body(table: &Table) -> String {
    let width = 1 + table.columns.len().max(NOTE_FIELDS);
    let mut text = String::new();
    let header = table.columns.iter().map(|column| column.name.as_str());
    line(&mut text, std::iter::once(KIND).chain(header), width);
    for row in &table.rows {
        let fields = fields(row, table.columns.len());
        line(&mut text, fields.iter().map(String::as_str), width);
    }
    for note in &table.notes {
        let fields = [
            "note",
            &note.about,
            &note.name,
            &note.text.zh,
            &note.text.en,
        ];
        line(&mut text, fields.into_iter(), width);
    }
    text
}

fn fields(row: &Row, columns: usize) -> Vec<String> {
    let cells = row.cells.iter().take(columns).map(super::Cell::text);
    std::iter::once(row.kind.name().to_owned())
        .chain(cells)
        .collect()
}

/// Appends one line of `width` fields; those that are missing are empty.
pub fn line<'f>(text: &mut String, fields: impl Iterator<Item = &'f str>, width: usize) {
    let fields = fields.chain(std::iter::repeat("")).take(width);
    for (index, field) in fields.enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_field(text, field);
    }
    text.push_str("\r\n");
}

/// Appends a field, quoted when it must be.
///
/// A field that a spreadsheet program would take for a formula gets an apostrophe in front, which
/// such programs show as text. Our own numbers have no sign, so none of them is touched.
///
/// # Source
/// The characters: OWASP, CSV Injection <https://owasp.org/www-community/attacks/CSV_Injection>.
fn push_field(text: &mut String, field: &str) {
    let guarded = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let quoted =
        field.contains(['"', ',', '\r', '\n']) || field.starts_with(' ') || field.ends_with(' ');
    if quoted {
        text.push('"');
    }
    if guarded {
        text.push('\'');
    }
    if quoted {
        text.push_str(&field.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{Cell, Column, Note, RowKind, Text, Unit};

    fn words(text: &str) -> Text {
        Text::new(text, text)
    }

    fn table(cells: &[&str]) -> Table {
        Table {
            title: words("t"),
            columns: vec![
                Column::new("window", words("窗口"), Unit::Text),
                Column::new("rated", words("评价数"), Unit::Count),
            ],
            rows: vec![Row {
                kind: RowKind::Group,
                cells: cells.iter().map(|cell| Cell::from(*cell)).collect(),
            }],
            notes: vec![Note::value("time_zone", "", "Asia/Shanghai")],
        }
    }

    #[test]
    fn a_file_reads_as() {
        let mut table = table(&["A01"]);
        table.rows[0].cells.push(Cell::Count(7));
        let text = String::from_utf8(file(&[&table])).unwrap();
        assert_eq!(
            text,
            "\u{feff}row,window,rated,,\r\ngroup,A01,7,,\r\nnote,time_zone,,Asia/Shanghai,Asia/Shanghai\r\n"
        );
    }

    #[rstest::rstest]
    #[case::equals("=1+1", "'=1+1")]
    #[case::plus("+86", "'+86")]
    #[case::minus("-1", "'-1")]
    #[case::at("@SUM(A1)", "'@SUM(A1)")]
    #[case::tab("\t=1", "'\t=1")]
    #[case::quoted("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"")]
    #[case::inside("A=1", "A=1")]
    #[case::comma("a,b", "\"a,b\"")]
    #[case::two_lines("a\nb", "\"a\nb\"")]
    fn a_field_is_text_to_a_spreadsheet_program(#[case] field: &str, #[case] written: &str) {
        let mut text = String::new();
        push_field(&mut text, field);
        assert_eq!(text, written);
    }

    proptest::proptest! {
        #[test]
        fn every_line_reads_back_with_as_many_fields_and_without_a_formula(
            cells in proptest::collection::vec("[=+@,\"\t\r\n a满-]{0,6}", 2)
        ) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let bytes = file(&[&table(&cells)]);
            let mut reader = ::csv::ReaderBuilder::new().from_reader(&bytes[BOM.len()..]);
            let record = reader.records().next().unwrap().unwrap();
            for (field, cell) in record.iter().skip(1).zip(cells) {
                proptest::prop_assert!(field == cell || field.strip_prefix('\'') == Some(cell), "{field:?} {cell:?}");
                proptest::prop_assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r']));
            }
        }
    }
}
