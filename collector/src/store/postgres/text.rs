//! Statements and schema in PostgreSQL's words. Pure: texts in, texts out.
//!
//! One set of statements and one set of migrations serve both databases. What differs is small
//! enough to be rewritten word by word: parameters, three names of types, one clause of SQLite's.

/// What a piece of SQL is to the rewriting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// Letters, digits and `_`.
    Word,
    /// A quoted text or name, or a comment: it stays as it is.
    Kept,
    /// Anything else.
    Other,
}

/// Cuts SQL into pieces. Together they are the text again.
fn pieces(sql: &str) -> Vec<(Piece, &str)> {
    let mut pieces = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (piece, length) = match first {
            '\'' | '"' => (Piece::Kept, quoted(rest, first)),
            '-' if rest.starts_with("--") => (Piece::Kept, rest.find('\n').unwrap_or(rest.len())),
            c if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Piece::Word, end)
            }
            c => (Piece::Other, c.len_utf8()),
        };
        let (this, next) = rest.split_at(length);
        pieces.push((piece, this));
        rest = next;
    }
    pieces
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How long a quoted text at the beginning is. A doubled quote begins the next one at once, which
/// comes to the same.
fn quoted(text: &str, quote: char) -> usize {
    let inside = text.get(1..).unwrap_or_default();
    inside.find(quote).map_or(text.len(), |end| end + 2)
}

/// A statement with PostgreSQL's parameters: `$1` for `?1`.
pub(super) fn parameters(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    for (piece, this) in pieces(sql) {
        text.push_str(if piece == Piece::Other && this == "?" {
            "$"
        } else {
            this
        });
    }
    text
}

/// A migration in PostgreSQL's words.
///
/// `TEXT` compares byte by byte, as SQLite does, whatever the database's own order is. Types are
/// written in capitals; a column may be called `text`.
pub(super) fn schema(migration: &str) -> String {
    let mut text = String::with_capacity(migration.len());
    let pieces = pieces(migration);
    let mut rest = pieces.as_slice();
    while let Some(((piece, this), after)) = rest.split_first() {
        rest = after;
        if *piece != Piece::Word {
            text.push_str(this);
            continue;
        }
        match *this {
            "BLOB" => text.push_str("BYTEA"),
            "INTEGER" => text.push_str("BIGINT"),
            "TEXT" => text.push_str("TEXT COLLATE \"C\""),
            "WITHOUT" if next_word(after) == Some("ROWID") => {
                rest = after.get(after.len().min(2)..).unwrap_or_default();
                text.truncate(text.trim_end_matches(' ').len());
            }
            _ => text.push_str(this),
        }
    }
    text
}

/// The word after one space.
fn next_word<'s>(pieces: &[(Piece, &'s str)]) -> Option<&'s str> {
    match pieces {
        [(_, " "), (Piece::Word, word), ..] => Some(word),
        _ => None,
    }
}

/// An insert of many rows by one statement: each parameter is a column's values, as an array of
/// the type named. The text is the same for any number of rows, so it is planned once, and no
/// number of rows meets the limit of 65,535 parameters.
pub(super) fn insert(table: &str, columns: &[&str], types: &[&str], conflict: &str) -> String {
    let arrays: Vec<_> = (1..)
        .zip(types)
        .map(|(n, kind)| format!("${n}::{kind}[]"))
        .collect();
    let sql = format!(
        "INSERT INTO {table} ({}) SELECT * FROM unnest({}) {conflict}",
        columns.join(", "),
        arrays.join(", ")
    );
    sql.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::numbered(
        "SELECT a FROM t WHERE b = ?1 AND c > ?12",
        "SELECT a FROM t WHERE b = $1 AND c > $12"
    )]
    #[case::in_a_text("SELECT '?1', \"?2\", ?3", "SELECT '?1', \"?2\", $3")]
    #[case::after_a_doubled_quote("SELECT 'it''s ?1' || ?1", "SELECT 'it''s ?1' || $1")]
    #[case::in_a_comment("SELECT ?1 -- really ?1\n, ?2", "SELECT $1 -- really ?1\n, $2")]
    #[case::beyond_ascii("SELECT '满意?' || ?1", "SELECT '满意?' || $1")]
    fn parameters_are_renamed_where_they_are_parameters(#[case] sql: &str, #[case] wanted: &str) {
        assert_eq!(parameters(sql), wanted);
    }

    #[rstest::rstest]
    #[case::types("a BLOB, b INTEGER, c BIGINT", "a BYTEA, b BIGINT, c BIGINT")]
    #[case::texts_compare_by_bytes(
        "a TEXT NOT NULL DEFAULT ''",
        "a TEXT COLLATE \"C\" NOT NULL DEFAULT ''"
    )]
    #[case::a_column_of_that_name("text TEXT NOT NULL", "text TEXT COLLATE \"C\" NOT NULL")]
    #[case::only_whole_words("blob_id BIGINT, textual BLOB", "blob_id BIGINT, textual BYTEA")]
    #[case::comments_stay(
        "a BLOB, -- a BLOB of TEXT\nb BLOB",
        "a BYTEA, -- a BLOB of TEXT\nb BYTEA"
    )]
    #[case::texts_stay("DEFAULT 'INTEGER'", "DEFAULT 'INTEGER'")]
    #[case::without_rowid(
        "PRIMARY KEY (a)\n) WITHOUT ROWID;  -- why",
        "PRIMARY KEY (a)\n);  -- why"
    )]
    #[case::another_without("a WITHOUT b", "a WITHOUT b")]
    fn a_migration_is_put_in_postgresqls_words(#[case] sql: &str, #[case] wanted: &str) {
        assert_eq!(schema(sql), wanted);
    }

    #[test]
    fn many_rows_are_one_statement_of_arrays() {
        assert_eq!(
            insert(
                "t",
                &["a", "b"],
                &["int8", "text"],
                "ON CONFLICT (a) DO NOTHING"
            ),
            "INSERT INTO t (a, b) SELECT * FROM unnest($1::int8[], $2::text[]) ON CONFLICT (a) DO NOTHING"
        );
    }

    proptest::proptest! {
        #[test]
        fn cutting_a_text_loses_nothing(sql in "[a-z'\"?\\-\n ]{0,60}") {
            let whole: String = pieces(&sql).into_iter().map(|(_, piece)| piece).collect();
            proptest::prop_assert_eq!(whole, sql);
        }
    }
}
