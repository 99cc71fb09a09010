//! What ratings cost on the wire.

use crate::days::{Dice, Work, work_on};
use crate::support::Centre;

/// The goal is 40; a change that comes near it should be noticed before.
#[tokio::test]
async fn a_rating_takes_at_most_40_bytes_on_the_wire() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    work_on(&mut tablet, &Work::ordinary(), &mut Dice::new(1), 500);
    let body = tablet.send(2, 500);
    assert!(
        body.len() <= 500 * 40,
        "{} bytes for 500 outcomes",
        body.len()
    );
    let body = tablet.send_all();
    centre.exchange(&tablet, body).await;
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 500);
    assert_eq!(centre.number("SELECT COUNT(*) FROM dead_letter"), 0);
}
