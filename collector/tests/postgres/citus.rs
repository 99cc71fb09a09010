//! What Citus could not distribute is refused here, before somebody finds out with a province's data.
//!
//! The rules are Citus's: a unique key of a distributed table has the distribution column in it, a
//! foreign key to another distributed table, too, and a reference table refers to no distributed one.

use std::collections::BTreeMap;

use postgres::Client;

use crate::cluster::TestDatabase;

/// Table, name of the key, its columns.
type Key = (String, String, Vec<String>);
/// Table, the table it refers to, the columns on this side.
type Reference = (String, String, Vec<String>);

#[derive(Debug, Default)]
struct Schema {
    /// Every table with its columns in order, and whether they may be NULL; parts go with their
    /// table.
    tables: BTreeMap<String, Vec<(String, bool)>>,
    unique: Vec<Key>,
    foreign: Vec<Reference>,
    triggers: Vec<String>,
}

impl Schema {
    fn read(client: &mut Client) -> Self {
        let mut schema = Self::default();
        let columns = "SELECT c.relname::text, a.attname::text, NOT a.attnotnull FROM pg_class c \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') \
             AND NOT c.relispartition ORDER BY a.attnum";
        for row in client.query(columns, &[]).expect("reads") {
            let columns = schema.tables.entry(row.get(0)).or_default();
            columns.push((row.get(1), row.get(2)));
        }
        let unique = "SELECT t.relname::text, i.relname::text, \
             ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.oid \
             AND a.attnum = ANY(x.indkey)) FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid \
             JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indisunique \
             AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition";
        let rows = client.query(unique, &[]).expect("reads");
        schema.unique = rows
            .iter()
            .map(|r| (r.get(0), r.get(1), r.get(2)))
            .collect();
        let foreign = "SELECT t.relname::text, f.relname::text, \
             ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.oid \
             AND a.attnum = ANY(x.conkey)) FROM pg_constraint x JOIN pg_class t ON t.oid = x.conrelid \
             JOIN pg_class f ON f.oid = x.confrelid WHERE x.contype = 'f' \
             AND t.relnamespace = 'public'::regnamespace";
        let rows = client.query(foreign, &[]).expect("reads");
        schema.foreign = rows
            .iter()
            .map(|r| (r.get(0), r.get(1), r.get(2)))
            .collect();
        let triggers = "SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal";
        let rows = client.query(triggers, &[]).expect("reads");
        schema.triggers = rows.iter().map(|row| row.get(0)).collect();
        schema
    }
}

/// Columns that only what belongs to a hall has.
const OF_A_HALL: [&str; 4] = ["terminal_id", "stream_id", "window_id", "staff_id"];

/// Everything that Citus would refuse, or that the rule of `deploy/citus/distribute.sql` would put in
/// the wrong place, in words.
fn refused(schema: &Schema) -> Vec<String> {
    let mut refused = Vec::new();
    let of_a_hall = |table: &String| {
        let columns = schema.tables.get(table).map(Vec::as_slice);
        matches!(columns, Some([(first, _), ..]) if first == "hall_id")
    };
    for (table, columns) in &schema.tables {
        let has = |name: &str| columns.iter().any(|(column, _)| column == name);
        if of_a_hall(table) {
            if columns
                .iter()
                .any(|(name, null)| name == "hall_id" && *null)
            {
                refused.push(format!("{table} may have rows of no hall"));
            }
        } else if !has("hall_id") && OF_A_HALL.iter().any(|name| has(name)) {
            refused.push(format!("{table} is of a hall and does not say of which"));
        }
    }
    let by_hall = |columns: &[String]| columns.iter().any(|column| column == "hall_id");
    for (table, key, columns) in &schema.unique {
        if of_a_hall(table) && !by_hall(columns) {
            refused.push(format!("{key} of {table} is unique without hall_id"));
        }
    }
    for (table, other, columns) in &schema.foreign {
        let between = (of_a_hall(table), of_a_hall(other));
        if between == (false, true) || (between == (true, true) && !by_hall(columns)) {
            refused.push(format!("{table} refers to {other} across halls"));
        }
    }
    for trigger in &schema.triggers {
        refused.push(format!("trigger {trigger} would not run on the nodes"));
    }
    refused
}

fn refused_after(change: &str) -> Vec<String> {
    let database = TestDatabase::new();
    database.look(|client| {
        client.batch_execute(change).expect(change);
        refused(&Schema::read(client))
    })
}

#[test]
fn citus_could_distribute_the_schema_by_hall() {
    assert_eq!(refused_after(""), [""; 0]);
}

#[rstest::rstest]
#[case::unique_across_halls(
    "CREATE UNIQUE INDEX too_unique ON stream (stream_id)",
    "too_unique of stream is unique without hall_id"
)]
#[case::a_row_of_no_hall(
    "CREATE TABLE loose (hall_id TEXT, n BIGINT)",
    "loose may have rows of no hall"
)]
#[case::a_table_that_forgot_the_hall(
    "CREATE TABLE seen (terminal_id BYTEA PRIMARY KEY)",
    "seen is of a hall and does not say of which"
)]
#[case::foreign_key_across_halls(
    "ALTER TABLE department ADD UNIQUE (department_id); \
     ALTER TABLE item ADD FOREIGN KEY (department_id) REFERENCES department (department_id)",
    "item refers to department across halls"
)]
#[case::trigger(
    "CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN RETURN NEW; END $$ LANGUAGE plpgsql; \
     CREATE TRIGGER silent BEFORE INSERT ON hall FOR EACH ROW EXECUTE FUNCTION f()",
    "trigger silent would not run on the nodes"
)]
fn a_change_that_citus_could_not_distribute_is_refused(#[case] change: &str, #[case] why: &str) {
    let refused = refused_after(change);
    assert!(refused.iter().any(|said| said == why), "{refused:?}");
}

/// SQLite compares texts byte by byte; so must every text here, whatever the server's language.
#[test]
fn every_text_is_compared_byte_by_byte_and_every_column_has_a_type_of_the_store() {
    let database = TestDatabase::new();
    let others = database.look(|client| {
        let sql = "SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, NULL) \
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
             AND NOT a.attisdropped LEFT JOIN pg_collation o ON o.oid = a.attcollation \
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT \
             (a.atttypid IN ('int8'::regtype, 'bytea'::regtype) \
             OR (a.atttypid = 'text'::regtype AND o.collname = 'C'))";
        let rows = client.query(sql, &[]).expect("reads");
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    });
    assert_eq!(others, [""; 0]);
}
