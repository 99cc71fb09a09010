//! What statements and rows are to those who write them.

use super::*;

fn database() -> rusqlite::Connection {
    let connection = rusqlite::Connection::open_in_memory().expect("opens");
    connection
        .execute_batch("CREATE TABLE t (id BIGINT PRIMARY KEY, text TEXT, bytes BLOB)")
        .expect("creates");
    connection
}

const T: Insert<'_> = Insert {
    table: "t",
    columns: &["id", "text", "bytes"],
    conflict: "ON CONFLICT (id) DO UPDATE SET text = excluded.text",
};

#[test]
fn what_is_bound_is_read_back_as_the_same() {
    let connection = database();
    let db = Db::new(&connection);
    let rows = [
        values![1_u8, "满意", [7_u8; 16]].to_vec(),
        values![2_u32, None::<String>, None::<[u8; 3]>].to_vec(),
        // The largest number that a column holds stands for all that are larger.
        values![u64::MAX, String::from("ü"), &[0_u8, 255][..]].to_vec(),
    ];
    assert_eq!(db.insert_many(&T, rows).expect("inserted"), 3);
    type Read = (u64, Option<String>, Option<Vec<u8>>);
    let read = db.rows("SELECT id, text, bytes FROM t ORDER BY id", &[], |row| {
        Ok::<Read, _>((row.get("id")?, row.get(1)?, row.get("bytes")?))
    });
    let largest = i64::MAX.unsigned_abs();
    let wanted: Vec<Read> = vec![
        (1, Some("满意".to_owned()), Some(vec![7; 16])),
        (2, None, None),
        (largest, Some("ü".to_owned()), Some(vec![0, 255])),
    ];
    assert_eq!(read.expect("read"), wanted);
}

#[test]
fn a_column_that_holds_something_else_is_an_error_that_names_it() {
    let connection = database();
    let db = Db::new(&connection);
    db.insert_many(&T, [values![300, "x", [1_u8, 2]].to_vec()])
        .expect("inserted");
    let sql = "SELECT id, text, bytes FROM t";
    let faults = [
        db.one(sql, &[], |row| row.get::<u8>("id")).map(drop),
        db.one(sql, &[], |row| row.get::<i64>("text")).map(drop),
        db.one(sql, &[], |row| row.get::<[u8; 16]>("bytes"))
            .map(drop),
        db.one(sql, &[], |row| row.get::<i64>("nothing")).map(drop),
    ];
    let told = faults.map(|fault| fault.expect_err("wrong").to_string());
    insta::assert_snapshot!(told.join("\n"), @r"
    database column `id` does not hold a number that fits u8
    database column `text` does not hold a number that fits i64
    database column `bytes` does not hold bytes of one length
    database column `nothing` does not hold anything: the query has no such column
    ");
    let none = db.one("SELECT id FROM t WHERE id = 0", &[], |row| {
        row.get::<i64>(0)
    });
    assert!(matches!(none, Err(StoreError::NoRow)), "{none:?}");
}

#[test]
fn a_walk_may_ask_something_else_and_ends_when_it_is_told_to() {
    let connection = database();
    let db = Db::new(&connection);
    let rows = (1..=5).map(|n| values![n, n.to_string(), None::<Vec<u8>>].to_vec());
    db.insert_many(&T, rows).expect("inserted");
    let mut seen = Vec::new();
    let walked = db.while_some("SELECT id FROM t ORDER BY id", &[], |row| {
        let id: i64 = row.get(0)?;
        let text = "SELECT text FROM t WHERE id = ?1";
        seen.push(db.one(text, values![id], |row| row.get::<String>(0))?);
        Ok((id < 3).then_some(()))
    });
    assert_eq!(walked.expect("walked"), None);
    assert_eq!(seen, ["1", "2", "3"]);
    let failed = db.each("SELECT id FROM t", &[], |_| Err(StoreError::NoRow));
    failed.expect_err("what the taker says");
}

#[test]
fn an_insert_of_several_rows_numbers_its_parameters_through() {
    let insert = Insert::into("t", &["a", "b"]);
    assert_eq!(
        insert.sql(2),
        "INSERT INTO t (a, b) VALUES (?1, ?2), (?3, ?4)"
    );
    assert!(
        T.sql(1)
            .ends_with("(?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET text = excluded.text")
    );
}
