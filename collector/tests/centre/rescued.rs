//! Records saved from a damaged journal: each counts once, whichever way and in whichever order it
//! comes.

use manyi_shared::domain::{Level, Seq, StreamId};
use manyi_shared::wire::{ChainHash, RecordBody, ReplyStatus, Rescued};

use crate::rules::{in_order, rejected, send};
use crate::support::{Centre, NOW, Tablet};

/// A stream that is left behind.
struct Old {
    stream: StreamId,
    records: Vec<Vec<u8>>,
}

impl Old {
    fn of(tablet: &Tablet) -> Self {
        Self {
            stream: tablet.stream,
            records: tablet.records.clone(),
        }
    }

    fn saved(&self, seq: u64) -> RecordBody {
        let at = usize::try_from(seq - 1).expect("small");
        let bytes = self.records.get(at).expect("sealed");
        self.saved_as(seq, bytes.clone())
    }

    fn saved_as(&self, seq: u64, bytes: Vec<u8>) -> RecordBody {
        RecordBody::Rescued(Rescued {
            stream: self.stream,
            seq: Seq::new(seq).expect("a position"),
            bytes,
            hash: ChainHash::from_bytes([7; 32]),
        })
    }
}

/// Opening, a rating of 5, its correction to 2, a rating of 4, something left with it.
async fn damaged(centre: &Centre) -> (Tablet, Old) {
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::VerySatisfied);
    tablet.amend(2, Level::Dissatisfied, &[210]);
    tablet.rate(Level::Satisfied);
    tablet.leave(4, "13800000000");
    let old = Old::of(&tablet);
    (tablet, old)
}

async fn in_new_stream(centre: &Centre, tablet: &mut Tablet, saved: Vec<RecordBody>) {
    tablet.open_stream();
    for body in saved {
        tablet.seal(body);
    }
    let n = tablet.records.len();
    let reply = send(centre, tablet, 1, n).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
    assert!(rejected(&reply).is_empty(), "{reply:?}");
}

async fn all_of_it(centre: &Centre) {
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 2);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally WHERE level = 2"), 1);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally WHERE level = 4"), 1);
    assert_eq!(centre.number("SELECT COUNT(*) FROM message"), 1);
    let letters = "SELECT COUNT(*) FROM dead_letter WHERE state = 'kept'";
    assert_eq!(centre.number(letters), 0);
    in_order(centre).await;
}

#[rstest::rstest]
#[case::in_order(&[1, 2, 3, 4, 5])]
#[case::the_other_way_round(&[5, 4, 3, 2, 1])]
#[case::corrections_first(&[3, 5, 2, 4])]
#[case::twice(&[4, 2, 4, 5, 3, 2])]
#[tokio::test]
async fn a_stream_that_only_came_rescued_counts_as_if_it_had_come_itself(#[case] saved: &[u64]) {
    let centre = Centre::new().await;
    let (mut tablet, old) = damaged(&centre).await;
    let saved = saved.iter().map(|seq| old.saved(*seq)).collect();
    in_new_stream(&centre, &mut tablet, saved).await;
    all_of_it(&centre).await;
    let at = "SELECT COUNT(*) FROM record WHERE outcome IS NOT NULL AND at_ms <> ";
    assert_eq!(centre.number(&format!("{at}{NOW}")), 0);
    let opened = "SELECT COUNT(*) FROM record WHERE outcome IS NOT NULL \
         AND latest_ms - earliest_ms > 2000";
    let wide = centre.number(opened);
    let knows = centre.number("SELECT COUNT(*) FROM stream WHERE watermark = 0 AND opened_ms > 0");
    assert_eq!(wide, if knows == 1 { 0 } else { 2 });
}

#[rstest::rstest]
#[case::before(0)]
#[case::in_between(2)]
#[case::after(5)]
#[tokio::test]
async fn what_comes_rescued_and_in_its_own_stream_counts_once(#[case] own_before: usize) {
    let centre = Centre::new().await;
    let (mut tablet, old) = damaged(&centre).await;
    if own_before > 0 {
        send(&centre, &mut tablet, 1, own_before).await;
    }
    let saved = [5, 2, 3, 4].map(|seq| old.saved(seq)).to_vec();
    in_new_stream(&centre, &mut tablet, saved).await;
    all_of_it(&centre).await;
    (tablet.stream, tablet.records) = (old.stream, old.records);
    for first in [1, 3] {
        let reply = send(&centre, &mut tablet, first, 3).await;
        assert_eq!(reply.status, ReplyStatus::Taken);
        all_of_it(&centre).await;
    }
    // The stream goes on, and what comes next points at what was rescued.
    tablet.ordinal = 2;
    tablet.amend(4, Level::Dissatisfied, &[]);
    tablet.rate(Level::VerySatisfied);
    let reply = send(&centre, &mut tablet, 6, 2).await;
    assert!(rejected(&reply).is_empty(), "{reply:?}");
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 3);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally WHERE level = 2"), 2);
    in_order(&centre).await;
}

#[tokio::test]
async fn other_bytes_for_the_same_position_are_kept_beside_and_told() {
    let centre = Centre::new().await;
    let (mut tablet, old) = damaged(&centre).await;
    send(&centre, &mut tablet, 1, 5).await;
    let other = old.records[3].clone();
    in_new_stream(&centre, &mut tablet, vec![old.saved_as(2, other.clone())]).await;
    all_of_it(&centre).await;
    let kept: Vec<u8> = centre.sql("SELECT bytes FROM conflict WHERE seq = 2");
    assert_eq!(kept, other);
    let kind: String = centre.sql("SELECT kind FROM incident WHERE kind <> 'began_anew'");
    assert_eq!(kind, "rescued_other");
    // Rescued first, and then something else in the stream itself: a second history.
    let centre = Centre::new().await;
    let (mut tablet, old) = damaged(&centre).await;
    in_new_stream(&centre, &mut tablet, vec![old.saved_as(2, other)]).await;
    (tablet.stream, tablet.records) = (old.stream, old.records);
    let reply = send(&centre, &mut tablet, 1, 5).await;
    assert_eq!(reply.status, ReplyStatus::Conflict);
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM conflict"),
        5,
        "all of it"
    );
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 1);
    in_order(&centre).await;
}

#[tokio::test]
async fn a_prompt_that_was_rescued_twice_at_different_positions_counts_once() {
    let centre = Centre::new().await;
    let (mut tablet, old) = damaged(&centre).await;
    let again = old.records[1].clone();
    let saved = vec![old.saved(2), old.saved_as(9, again)];
    in_new_stream(&centre, &mut tablet, saved).await;
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 1);
    let reason: String = centre.sql("SELECT reason FROM dead_letter WHERE seq = 9");
    assert_eq!(reason, "second_outcome");
    in_order(&centre).await;
}

#[tokio::test]
async fn bytes_that_are_no_record_and_records_of_the_own_stream_are_dead_letters() {
    let centre = Centre::new().await;
    let (mut tablet, old) = damaged(&centre).await;
    in_new_stream(&centre, &mut tablet, vec![old.saved_as(2, vec![0xff])]).await;
    let reason: String = centre.sql("SELECT reason FROM dead_letter WHERE seq = 2");
    assert_eq!(reason, "malformed");
    let own = Old::of(&tablet);
    tablet.seal(own.saved(1));
    let n = tablet.records.len();
    let reply = send(&centre, &mut tablet, n, 1).await;
    assert_eq!(rejected(&reply).len(), 1);
    in_order(&centre).await;
}

#[tokio::test]
async fn what_a_saved_record_had_saved_itself_is_saved_too() {
    let centre = Centre::new().await;
    let (mut tablet, old) = damaged(&centre).await;
    tablet.open_stream();
    tablet.seal(old.saved(1));
    tablet.seal(old.saved(4));
    let between = Old::of(&tablet);
    let saved = vec![between.saved(3), between.saved(2)];
    in_new_stream(&centre, &mut tablet, saved).await;
    assert_eq!(centre.number("SELECT SUM(n) FROM tally WHERE level = 4"), 1);
    assert_eq!(centre.number("SELECT COUNT(*) FROM rescued"), 4);
    in_order(&centre).await;
}
