//! Terminals of other versions: what is not understood is kept byte for byte, and what is counts.

use manyi_shared::domain::Level;
use manyi_shared::wire::ReplyStatus;

use crate::rules::{in_order, rejected, send};
use crate::support::Centre;

/// The record with one more key, which only a newer program knows.
fn with_a_new_key(record: &[u8]) -> Vec<u8> {
    let mut bytes = record.to_vec();
    // A map of fewer than 23 keys says how many in its first byte.
    *bytes.first_mut().expect("a map") += 1;
    bytes.extend([0x18, 99, 0x82, 1, 2]);
    bytes
}

#[tokio::test]
async fn unknown_keys_kinds_and_tag_sets_are_kept_byte_for_byte_and_the_rest_counts() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.records[0] = with_a_new_key(&tablet.records[0].clone());
    tablet.rate(Level::VerySatisfied);
    tablet.records[1] = with_a_new_key(&tablet.records[1].clone());
    tablet.amend(2, Level::Dissatisfied, &[210]);
    let mut amended = tablet.records[2].clone();
    amended = with_a_new_key(&amended);
    tablet.records[2] = amended;
    // {0: 4711, 1: "?"}
    tablet
        .records
        .push(vec![0xa2, 0x00, 0x19, 0x12, 0x67, 0x01, 0x61, 0x3f]);
    tablet.end_in(
        900,
        manyi_shared::domain::Outcome::Rated {
            level: Level::Satisfied,
            tags: Vec::new(),
        },
        manyi_shared::domain::ServiceEvent::default(),
    );
    let reply = send(&centre, &mut tablet, 1, 5).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
    assert!(rejected(&reply).is_empty(), "{reply:?}");
    for (n, sealed) in tablet.records.iter().enumerate() {
        let stored: Vec<u8> =
            centre.sql(&format!("SELECT bytes FROM record WHERE seq = {}", n + 1));
        assert_eq!(&stored, sealed);
    }
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 2);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally WHERE level = 2"), 1);
    assert_eq!(centre.number("SELECT kind FROM record WHERE seq = 4"), 4711);
    in_order(&centre).await;
}
