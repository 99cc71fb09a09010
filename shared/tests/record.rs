//! Records from the future, and bytes that are no record.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use manyi_shared::domain::{
    Call, Level, Outcome, OutcomeKind, Seq, ServiceEvent, TagCode, TagSetId, Withdrawal,
};
use manyi_shared::wire::{Amendment, OutcomeRecord, Record, RecordBody, RecordError, RecordTime};
use minicbor::Encoder;
use proptest::prelude::*;

fn map(entries: &[(u64, i64)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.map(entries.len() as u64).unwrap();
    for &(key, value) in entries {
        encoder.u64(key).unwrap().i64(value).unwrap();
    }
    bytes
}

#[test]
fn a_key_that_is_not_known_here_is_skipped() {
    let known = [(0, 2), (1, 5), (4, 1), (5, 2)];
    let newer = [(0, 2), (1, 5), (4, 1), (5, 2), (99, 7)];
    assert_eq!(
        Record::decode(&map(&newer)).unwrap(),
        Record::decode(&map(&known)).unwrap()
    );
}

#[test]
fn a_kind_that_is_not_known_here_is_said_to_be_unknown_and_not_refused() {
    let record = Record::decode(&map(&[(0, 40), (1, 5)])).unwrap();
    assert_eq!(record.body, RecordBody::Unknown { kind: 40 });
    assert!(
        record.encode().is_err(),
        "it must be passed on as the bytes it came in"
    );
}

#[rstest::rstest]
#[case::level_six(&[(0, 2), (1, 5), (4, 1), (5, 1), (6, 6)], "level 6 does not exist")]
#[case::level_zero(&[(0, 2), (1, 5), (4, 1), (5, 1), (6, 0)], "level 0 does not exist")]
#[case::rated_without_level(&[(0, 2), (1, 5), (4, 1), (5, 1)], "a rating must have one")]
#[case::declined_with_level(&[(0, 2), (1, 5), (4, 1), (5, 2), (6, 5)], "only a rating has a level")]
#[case::timed_out_with_level(&[(0, 2), (1, 5), (4, 1), (5, 3), (6, 3)], "only a rating has a level")]
#[case::prompt_zero(&[(0, 2), (1, 5), (4, 0), (5, 2)], "counted from 1")]
#[case::unknown_outcome(&[(0, 2), (1, 5), (4, 1), (5, 9)], "not known here")]
#[case::withdrawn_without_reason(&[(0, 2), (1, 5), (4, 1), (5, 4)], "no known withdrawal")]
#[case::no_kind(&[(1, 5)], "shape")]
#[case::no_ordinal(&[(0, 2), (1, 5), (5, 2)], "shape")]
#[case::amends_nothing(&[(0, 3), (1, 5), (4, 0), (5, 5)], "at least 1")]
fn a_record_against_the_fields_rules_is_refused_in_words(
    #[case] entries: &[(u64, i64)],
    #[case] words: &str,
) {
    let error = Record::decode(&map(entries)).unwrap_err();
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn a_record_longer_than_a_page_is_refused() {
    assert_eq!(Record::decode(&[0; 4097]), Err(RecordError::TooLong(4097)));
}

fn any_tags(level: Level) -> impl Strategy<Value = Vec<TagCode>> {
    let codes: Vec<TagCode> = manyi_shared::domain::national_tags()
        .of_level(level)
        .map(|t| t.code)
        .collect();
    prop::sample::subsequence(codes, 0..=8)
}

fn any_level() -> impl Strategy<Value = Level> {
    prop::sample::select(Level::ALL.to_vec())
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        any_level().prop_flat_map(
            |level| any_tags(level).prop_map(move |tags| Outcome::Rated { level, tags })
        ),
        Just(Outcome::Declined),
        Just(Outcome::TimedOut),
        Just(Outcome::Withdrawn(Withdrawal::Cancelled)),
    ]
}

fn any_time() -> impl Strategy<Value = RecordTime> {
    (0..i64::MAX.unsigned_abs(), any::<i64>(), any::<bool>()).prop_map(
        |(elapsed_ms, step, synchronised)| RecordTime {
            elapsed_ms,
            wall_step_ms: step,
            synchronised,
        },
    )
}

proptest! {
    #[test]
    fn what_was_sealed_is_what_is_read(
        at in any_time(),
        outcome in any_outcome(),
        ordinal in 1_u32..,
        response_ms in any::<Option<u32>>(),
    ) {
        let has_tags = matches!(&outcome, Outcome::Rated { tags, .. } if !tags.is_empty());
        let record = Record {
            at,
            body: RecordBody::Outcome(OutcomeRecord {
                ordinal,
                outcome,
                tag_set: has_tags.then(|| TagSetId("v2".to_owned())),
                response_ms,
                event: ServiceEvent::default(),
 call: Call::default(),
}),
        };
        prop_assert_eq!(Record::decode(&record.encode().unwrap()).unwrap(), record);
    }

    #[test]
    fn an_amendment_reads_back(
        at in any_time(),
        (level, tags) in any_level().prop_flat_map(|l| (Just(l), any_tags(l))),
        target in 1_u64..1 << 60,
    ) {
        let tag_set = (!tags.is_empty()).then(|| TagSetId("v2".to_owned()));
        let amendment = Amendment { target: Seq::new(target).unwrap(), level, tags, tag_set };
        let record = Record { at, body: RecordBody::Amendment(amendment) };
        prop_assert_eq!(Record::decode(&record.encode().unwrap()).unwrap(), record);
    }

    /// The sacred rule at its narrowest place: no damaged bytes read as a level that was not there.
    #[test]
    fn a_truncated_record_is_never_a_rating(cut in 0_usize..100) {
        let whole = map(&[(0, 2), (1, 70_000), (4, 300), (5, 1), (6, 5), (9, 2_000)]);
        let cut = cut % whole.len();
        prop_assert!(Record::decode(&whole[..cut]).is_err());
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(Record { body: RecordBody::Outcome(o), .. }) = Record::decode(&bytes) {
            prop_assert_eq!(o.outcome.level().is_some(), o.outcome.kind() == OutcomeKind::Rated);
        }
    }
}
