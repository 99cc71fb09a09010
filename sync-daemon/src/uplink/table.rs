//! What each kind of answer leads to, one sentence a case.

use std::time::Duration;

use manyi_shared::domain::{Retry, Seq, StreamId, TerminalId, Watermark};
use manyi_shared::wire::{
    Acknowledgement, ChainHash, RejectReason, Rejection, Reply, ReplyStatus, Run,
};

use super::*;

const STREAM: StreamId = StreamId::from_bytes([1; 16]);
const NOW: Duration = Duration::from_secs(1000);
const HEAD: ChainHash = ChainHash::from_bytes([9; 32]);
const ELSEWHERE: ChainHash = ChainHash::from_bytes([8; 32]);

/// Records 11 to 20.
fn run() -> Run {
    Run {
        stream: STREAM,
        first: Seq::new(11).unwrap(),
        count: 10,
        base: ELSEWHERE,
        head: HEAD,
    }
}

fn of(run: Option<Run>) -> Sent {
    Sent {
        run,
        cargo: Cargo::Records,
        own: true,
        claims: None,
    }
}

fn reply(status: ReplyStatus, watermark: u64, hash: ChainHash) -> Outcome {
    Outcome::Replied(Box::new(Reply {
        terminal: TerminalId::from_bytes([7; 16]),
        request: [0; 32],
        status,
        acknowledgement: Some(Acknowledgement {
            stream: STREAM,
            watermark: Watermark::new(watermark),
            hash,
            rejected: Vec::new(),
            conflict_kept: None,
        }),
        server_ms: 0,
        next_number: 99,
        profile: None,
        prompts: Vec::new(),
        behind: Vec::new(),
        rotate_key: false,
    }))
}

/// A heartbeat was taken.
fn heard() -> Outcome {
    reply(ReplyStatus::Taken, 0, HEAD)
}

fn uplink() -> Uplink {
    Uplink::new(Pace::default(), 0)
}

/// Ends one exchange with half of the jitter; gives the effects and the pause before the next.
fn end(uplink: &mut Uplink, sent: Option<Run>, outcome: &Outcome) -> (Vec<Effect>, Duration) {
    let mut effects = uplink.exchanged(&of(sent), outcome, NOW, u64::MAX / 2);
    effects.retain(|effect| !matches!(effect, Effect::Standing { .. }));
    let pause = match uplink.next(NOW) {
        Next::Wait(until) => until - NOW,
        Next::Look(_) => Duration::ZERO,
    };
    (effects, pause)
}

fn order(uplink: &Uplink, now: Duration) -> Order {
    match uplink.next(now) {
        Next::Look(order) => order,
        Next::Wait(until) => panic!("waits until {until:?}"),
    }
}

#[rstest::rstest]
#[case::all(20, HEAD, None)]
#[case::a_part(15, ELSEWHERE, None)]
#[case::more_than_was_sent(30, ELSEWHERE, Some((Watermark::new(20), HEAD)))]
fn what_is_taken_is_acknowledged_and_the_next_run_follows_at_once(
    #[case] watermark: u64,
    #[case] hash: ChainHash,
    #[case] or_else: Option<(Watermark, ChainHash)>,
) {
    let (effects, pause) = end(
        &mut uplink(),
        Some(run()),
        &reply(ReplyStatus::Taken, watermark, hash),
    );
    let watermark = Watermark::new(watermark);
    let mark = Mark {
        stream: STREAM,
        watermark,
        hash,
        or_else,
    };
    assert_eq!(effects, [Effect::Acknowledge(mark)]);
    assert_eq!(pause, Duration::ZERO);
}

#[rstest::rstest]
#[case::gap(ReplyStatus::Gap, 3)]
#[case::gap_at_the_start(ReplyStatus::Gap, 0)]
#[case::taken_but_the_centre_holds_less(ReplyStatus::Taken, 3)]
fn a_centre_that_holds_less_is_filled_again_at_once(
    #[case] status: ReplyStatus,
    #[case] watermark: u64,
) {
    let (effects, pause) = end(
        &mut uplink(),
        Some(run()),
        &reply(status, watermark, ELSEWHERE),
    );
    let watermark = Watermark::new(watermark);
    let mark = Mark {
        stream: STREAM,
        watermark,
        hash: ELSEWHERE,
        or_else: None,
    };
    assert_eq!(effects, [Effect::Rewind(mark)]);
    assert_eq!(pause, Duration::ZERO);
}

#[test]
fn a_stale_number_is_replaced_at_once() {
    let stale = reply(ReplyStatus::StaleNumber, 0, ELSEWHERE);
    for sent in [Some(run()), None] {
        let (effects, pause) = end(&mut uplink(), sent, &stale);
        assert_eq!(effects, [Effect::Renumber(99)]);
        assert_eq!(pause, Duration::ZERO);
    }
}

#[rstest::rstest]
#[case::nothing_of_it(ReplyStatus::Taken, 10)]
#[case::a_gap_where_none_is(ReplyStatus::Gap, 10)]
fn a_signed_reply_that_makes_no_sense_moves_nothing(
    #[case] status: ReplyStatus,
    #[case] watermark: u64,
) {
    let (effects, pause) = end(
        &mut uplink(),
        Some(run()),
        &reply(status, watermark, ELSEWHERE),
    );
    assert!(
        matches!(effects[..], [Effect::Report(Report::Senseless(_))]),
        "{effects:?}"
    );
    assert!(pause > Duration::ZERO);
}

#[rstest::rstest]
#[case::the_centre_says_so(reply(ReplyStatus::Conflict, 15, ELSEWHERE))]
#[case::its_chain_at_our_end_is_another(reply(ReplyStatus::Taken, 20, ELSEWHERE))]
fn a_conflict_is_told_and_the_other_streams_go_on(#[case] outcome: Outcome) {
    let mut uplink = uplink();
    let (effects, pause) = end(&mut uplink, Some(run()), &outcome);
    assert_eq!(
        effects,
        [Effect::Report(Report::Conflict {
            run: run(),
            kept: None
        })]
    );
    assert_eq!(pause, Duration::ZERO);
    assert_eq!(order(&uplink, NOW).skip, [STREAM]);
    assert_eq!(
        order(&uplink, NOW * 1000).skip,
        [STREAM],
        "until the next start"
    );
}

#[test]
fn dead_letters_are_told_and_do_not_hold_up_the_stream() {
    let rejected = vec![Rejection {
        seq: Seq::new(12).unwrap(),
        reason: RejectReason::Malformed,
    }];
    let Outcome::Replied(mut taken) = reply(ReplyStatus::Taken, 20, HEAD) else {
        unreachable!()
    };
    taken
        .acknowledgement
        .as_mut()
        .unwrap()
        .rejected
        .clone_from(&rejected);
    let (effects, _) = end(&mut uplink(), Some(run()), &Outcome::Replied(taken));
    assert_eq!(
        effects[0],
        Effect::Report(Report::DeadLetters {
            stream: STREAM,
            rejected
        })
    );
    assert!(matches!(effects[1], Effect::Acknowledge(_)));
}

#[test]
fn a_refused_stream_is_set_aside_for_an_hour() {
    let mut uplink = uplink();
    let (effects, pause) = end(&mut uplink, Some(run()), &Outcome::Failed(Retry::Never));
    assert_eq!(
        effects,
        [Effect::Report(Report::SetAside(Suspects::of(&run())))]
    );
    assert_eq!(pause, Duration::ZERO);
    assert_eq!(order(&uplink, NOW).skip, [STREAM]);
    assert_eq!(order(&uplink, NOW + Duration::from_secs(3600)).skip, []);
}

#[rstest::rstest]
#[case::unknown_or_revoked(Some(run()), Retry::AfterOperator)]
#[case::a_heartbeat_that_is_never_taken(None, Retry::Never)]
fn what_a_person_must_lift_is_asked_again_slowly(#[case] sent: Option<Run>, #[case] retry: Retry) {
    let mut uplink = uplink();
    let (effects, pause) = end(&mut uplink, sent, &Outcome::Failed(retry));
    assert_eq!(effects, [Effect::Report(Report::OperatorNeeded)]);
    assert_eq!(pause.as_secs(), 314, "five minutes and half of a tenth");
    uplink.woken(NOW);
    assert!(
        matches!(uplink.next(NOW), Next::Wait(_)),
        "a wake does not cut a pause short"
    );
}

#[test]
fn a_revoked_earlier_identity_does_not_hold_up_the_present_one() {
    let mut uplink = uplink();
    let sent = Sent {
        own: false,
        ..of(Some(run()))
    };
    let effects = uplink.exchanged(&sent, &Outcome::Failed(Retry::AfterOperator), NOW, 0);
    assert_eq!(
        effects,
        [Effect::Report(Report::SetAside(Suspects::of(&run())))]
    );
    assert_eq!(order(&uplink, NOW).skip, [STREAM]);
}

#[test]
fn what_is_too_large_is_halved_down_to_one_and_then_told() {
    let mut uplink = uplink();
    let mut count = 500;
    while count > 1 {
        let sent = Run { count, ..run() };
        let (effects, pause) = end(&mut uplink, Some(sent), &Outcome::TooLarge);
        assert_eq!((effects.len(), pause), (0, Duration::ZERO));
        let halved = u32::try_from(order(&uplink, NOW).max_records).unwrap();
        assert_eq!(halved, count / 2);
        count = halved;
    }
    let one = Run { count: 1, ..run() };
    let (effects, pause) = end(&mut uplink, Some(one), &Outcome::TooLarge);
    let at = Some((STREAM, one.first));
    assert_eq!(effects, [Effect::Report(Report::OneRecordTooLarge { at })]);
    assert!(pause >= Duration::from_secs(300));
}

#[test]
fn the_size_grows_back_after_exchanges_that_went_through() {
    let mut uplink = uplink();
    end(
        &mut uplink,
        Some(Run {
            count: 500,
            ..run()
        }),
        &Outcome::TooLarge,
    );
    for _ in 0..CALM {
        assert_eq!(order(&uplink, NOW).max_records, 250);
        end(
            &mut uplink,
            Some(run()),
            &reply(ReplyStatus::Taken, 20, HEAD),
        );
    }
    assert_eq!(order(&uplink, NOW).max_records, 500);
}

#[test]
fn failures_double_the_pause_and_a_success_ends_it() {
    let mut uplink = uplink();
    let failure = Outcome::Failed(Retry::Backoff { at_least: None });
    let pauses: Vec<_> = (0..4)
        .map(|_| end(&mut uplink, None, &failure).1.as_millis())
        .collect();
    assert_eq!(pauses, [499, 999, 1999, 3999]);
    end(
        &mut uplink,
        Some(run()),
        &reply(ReplyStatus::Taken, 20, HEAD),
    );
    assert_eq!(end(&mut uplink, None, &failure).1.as_millis(), 499);
}

#[rstest::rstest]
#[case::other_history(NotNoted::OtherHistory, true, true)]
#[case::pruned(NotNoted::Missing, true, false)]
fn what_cannot_be_noted_is_set_aside(
    #[case] why: NotNoted,
    #[case] now: bool,
    #[case] later: bool,
) {
    let mut uplink = uplink();
    end(
        &mut uplink,
        Some(run()),
        &reply(ReplyStatus::Taken, 20, HEAD),
    );
    uplink.not_noted(STREAM, why, NOW, 0);
    assert_eq!(order(&uplink, NOW).skip.contains(&STREAM), now);
    assert_eq!(order(&uplink, NOW * 10).skip.contains(&STREAM), later);
}

#[test]
fn a_card_that_takes_no_notes_does_not_make_the_same_run_circle() {
    let mut uplink = uplink();
    end(
        &mut uplink,
        Some(run()),
        &reply(ReplyStatus::Taken, 20, HEAD),
    );
    uplink.not_noted(STREAM, NotNoted::Journal, NOW, u64::MAX);
    assert!(matches!(uplink.next(NOW), Next::Wait(_)));
}

#[rstest::rstest]
#[case::at_once(0, 0)]
#[case::half_way(u64::MAX / 2, 15)]
#[case::at_the_latest(u64::MAX, 30)]
fn after_a_power_cut_the_first_exchange_comes_within_a_heartbeat_and_no_wake_brings_it_forward(
    #[case] random: u64,
    #[case] seconds: u64,
) {
    let mut uplink = Uplink::after_power_cut(Pace::default(), random);
    uplink.woken(Duration::ZERO);
    let at = Duration::from_secs(seconds);
    let just_before = at.checked_sub(Duration::from_millis(1));
    if let Some(just_before) = just_before {
        assert!(matches!(uplink.next(just_before), Next::Wait(until) if until <= at));
    }
    assert!(order(&uplink, at).heartbeat);
}

#[test]
fn a_profile_is_kept_with_any_status() {
    let Outcome::Replied(mut stale) = reply(ReplyStatus::StaleNumber, 0, HEAD) else {
        unreachable!()
    };
    stale.profile = Some(vec![1, 2, 3]);
    let (effects, _) = end(&mut uplink(), None, &Outcome::Replied(stale));
    assert_eq!(effects[0], Effect::KeepProfile(vec![1, 2, 3]));
}

#[test]
fn news_are_sent_at_once_but_cut_no_pause_short() {
    let mut uplink = uplink();
    end(&mut uplink, None, &heard());
    uplink.found_nothing(NOW);
    uplink.has_news(NOW);
    assert!(order(&uplink, NOW).heartbeat);
    let failure = Outcome::Failed(Retry::Backoff { at_least: None });
    let (_, pause) = end(&mut uplink, None, &failure);
    uplink.has_news(NOW);
    assert_eq!(uplink.next(NOW), Next::Wait(NOW + pause));
    assert!(order(&uplink, NOW + pause).heartbeat);
}

#[rstest::rstest]
#[case::sooner(Some(5), 5)]
#[case::later(Some(600), 30)]
#[case::as_configured(None, 30)]
fn the_office_sets_the_pace_of_heartbeats_and_puts_none_off(
    #[case] every: Option<u64>,
    #[case] first: u64,
) {
    let mut uplink = uplink();
    end(&mut uplink, None, &heard());
    uplink.beat(every.map(Duration::from_secs), NOW);
    let beats = |uplink: &mut Uplink, from: Duration, after: u64| {
        let before = from + Duration::from_secs(after) - Duration::from_millis(1);
        uplink.found_nothing(before);
        uplink.woken(before);
        assert!(!order(uplink, before).heartbeat, "before {after} s");
        let at = from + Duration::from_secs(after);
        uplink.woken(at);
        assert!(order(uplink, at).heartbeat, "after {after} s");
        uplink.exchanged(&of(None), &heard(), at, 0);
        at
    };
    let then = beats(&mut uplink, NOW, first);
    beats(&mut uplink, then, every.unwrap_or(30));
}
