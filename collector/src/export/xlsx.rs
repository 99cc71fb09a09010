//! Tables as a workbook (Office Open XML).
//!
//! The first sheets are the tables, the last one is called 说明 and says how to read them. Numbers
//! are numbers: a count has the format of a count, a percentage is the fraction with as many digits
//! as are printed elsewhere, so the sheet shows exactly what page and CSV show. Titles stay in place
//! while rows are scrolled.

use std::error::Error;

use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::table::{Cell, Row, RowKind, Table, Unit};

/// The rows a sheet can have.
///
/// # Source
/// ECMA-376; Excel specifications and limits.
pub const MAX_ROWS: usize = 1_048_576;

/// The largest number whose every smaller whole number a sheet holds exactly: cells are binary64.
const MAX_EXACT: u128 = 1 << 53;

/// A sheet's name has at most this many characters.
const MAX_NAME: usize = 31;

/// Why there is no workbook.
#[derive(Debug, thiserror::Error)]
pub enum XlsxFault {
    /// A sheet would have more rows than a sheet can have.
    #[error("the table has {rows} rows, a sheet at most {MAX_ROWS}")]
    TooManyRows {
        /// How many there would be.
        rows: usize,
    },
    /// The file could not be written.
    #[error("could not write the workbook")]
    Write {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl From<XlsxError> for XlsxFault {
    fn from(error: XlsxError) -> Self {
        Self::Write {
            source: Box::new(error),
        }
    }
}

/// The tables as the bytes of a workbook, each on a sheet of its own.
///
/// `made` is the moment that the file names as its creation, in seconds since 1970: the same tables
/// give the same bytes.
///
/// # Errors
/// [`XlsxFault`], when a table has more rows than a sheet can have.
pub fn file(tables: &[&Table], made: i64) -> Result<Vec<u8>, XlsxFault> {
    let mut workbook = Workbook::new();
    let created = ExcelDateTime::from_timestamp(made)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
    let formats = Formats::new();
    for table in tables {
        // The title line.
        let rows = table.rows.len() + 1;
        if rows > MAX_ROWS {
            return Err(XlsxFault::TooManyRows { rows });
        }
        let sheet = workbook.add_worksheet();
        sheet.set_name(sheet_name(&table.title.zh))?;
        write_table(sheet, table, &formats)?;
    }
    write_notes(workbook.add_worksheet(), tables, &formats)?;
    Ok(workbook.save_to_buffer()?)
}

/// A title as the name of a sheet, without the characters that may not stand there.
fn sheet_name(title: &str) -> String {
    let allowed = |c: &char| !matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\'');
    title.chars().filter(allowed).take(MAX_NAME).collect()
}

struct Formats {
    head: Format,
    total: Format,
    wrapped: Format,
}

impl Formats {
    fn new() -> Self {
        let top = FormatAlign::Top;
        Self {
            head: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(top)
                .set_border_bottom(FormatBorder::Thin),
            total: Format::new().set_bold().set_border_top(FormatBorder::Thin),
            wrapped: Format::new().set_text_wrap().set_align(top),
        }
    }

    fn of(&self, kind: RowKind) -> Format {
        match kind {
            RowKind::Group => Format::new(),
            RowKind::Total => self.total.clone(),
        }
    }
}

fn write_table(sheet: &mut Worksheet, table: &Table, formats: &Formats) -> Result<(), XlsxError> {
    for (index, column) in table.columns.iter().enumerate() {
        let at = place(index)?;
        let title = format!("{}\n{}", column.title.zh, column.title.en);
        sheet.write_string_with_format(0, at, title, &formats.head)?;
        let width = match column.unit {
            Unit::Text => 24,
            Unit::Count | Unit::Points | Unit::Percent => 13,
        };
        sheet.set_column_width(at, width)?;
    }
    sheet.set_row_height(0, 34)?;
    sheet.set_freeze_panes(1, 0)?;
    for (index, row) in table.rows.iter().enumerate() {
        write_row(sheet, line(index + 1)?, row, table, formats)?;
    }
    Ok(())
}

fn write_row(
    sheet: &mut Worksheet,
    line: u32,
    row: &Row,
    table: &Table,
    formats: &Formats,
) -> Result<(), XlsxError> {
    let plain = formats.of(row.kind);
    for (index, (cell, column)) in row.cells.iter().zip(&table.columns).enumerate() {
        let at = place(index)?;
        match cell {
            Cell::Empty => sheet.write_blank(line, at, &plain)?,
            Cell::Text(text) => sheet.write_string_with_format(line, at, text, &plain)?,
            Cell::Count(n) if *n > MAX_EXACT => {
                sheet.write_string_with_format(line, at, n.to_string(), &plain)?
            }
            Cell::Count(n) => {
                let format = plain.clone().set_num_format("#,##0");
                sheet.write_number_with_format(line, at, number(&n.to_string())?, &format)?
            }
            Cell::Decimal(value) | Cell::Percent(value) => {
                let percent = column.unit == Unit::Percent || matches!(cell, Cell::Percent(_));
                let digits = usize::from(value.digits());
                let point = if digits == 0 { "" } else { "." };
                // A hundredth of the printed value, exactly: only its point is elsewhere.
                let (shown, sign) = match percent {
                    true => (hundredth(&value.to_string()), "%"),
                    false => (value.to_string(), ""),
                };
                let pattern = format!("0{point}{}{sign}", "0".repeat(digits));
                let format = plain.clone().set_num_format(pattern);
                sheet.write_number_with_format(line, at, number(&shown)?, &format)?
            }
        };
    }
    Ok(())
}

/// `99.95` as `0.9995`: the point moves, no digit changes.
fn hundredth(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let padded = format!("{whole:0>3}");
    let (head, tail) = padded.split_at(padded.len() - 2);
    format!("{head}.{tail}{fraction}")
}

fn number(text: &str) -> Result<f64, XlsxError> {
    text.parse()
        .map_err(|_| XlsxError::ParameterError(format!("`{text}` is no number")))
}

fn place(index: usize) -> Result<u16, XlsxError> {
    u16::try_from(index).map_err(|_| XlsxError::RowColumnLimitError)
}

fn line(index: usize) -> Result<u32, XlsxError> {
    u32::try_from(index).map_err(|_| XlsxError::RowColumnLimitError)
}

fn write_notes(
    sheet: &mut Worksheet,
    tables: &[&Table],
    formats: &Formats,
) -> Result<(), XlsxError> {
    sheet.set_name("说明")?;
    for (at, title) in (0..).zip(["关于 About", "名称 Name", "说明", "In English"]) {
        sheet.write_string_with_format(0, at, title, &formats.head)?;
    }
    for (at, width) in (0..).zip([14, 26, 64, 72]) {
        sheet.set_column_width(at, width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    let mut notes: Vec<_> = Vec::new();
    for note in tables.iter().flat_map(|table| &table.notes) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    for (index, note) in notes.iter().enumerate() {
        let at = line(index + 1)?;
        let cells = [&note.about, &note.name, &note.text.zh, &note.text.en];
        for (column, text) in (0..).zip(cells) {
            sheet.write_string_with_format(at, column, text, &formats.wrapped)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("99.95", "0.9995")]
    #[case("100", "1.00")]
    #[case("0", "0.00")]
    #[case("7", "0.07")]
    #[case("0.0540", "0.000540")]
    #[case("100.000000000", "1.00000000000")]
    fn a_percentage_is_written_as_its_fraction(#[case] percent: &str, #[case] fraction: &str) {
        assert_eq!(hundredth(percent), fraction);
    }

    #[test]
    fn a_sheet_has_a_name_that_programs_take() {
        assert_eq!(sheet_name("窗口[A]: a/b?"), "窗口A ab");
        assert_eq!(sheet_name(&"长".repeat(40)).chars().count(), MAX_NAME);
    }
}
