//! What becomes of a prompt, one sentence a case.

use std::time::Duration;

use manyi_shared::wire::{OfficePrompt, PromptReceipt};

use super::*;

const NOW: Duration = Duration::from_secs(100);
const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn prompt(id: u8) -> OfficePrompt {
    OfficePrompt {
        id: [id; 16],
        valid_ms: 60_000,
        window: "A01".to_owned(),
        staff: None,
        item: None,
        case_number: None,
        item_name: None,
        staff_name: None,
    }
}

fn receipt(id: u8, taken: bool) -> PromptReceipt {
    PromptReceipt {
        id: [id; 16],
        taken,
    }
}

fn with(ids: &[u8]) -> Prompts {
    let mut prompts = Prompts::new(Backoff::default());
    let carried: Vec<_> = ids.iter().map(|id| prompt(*id)).collect();
    prompts.replied(&[], &carried, NOW);
    prompts
}

#[rstest::rstest]
#[case::taken(Answer::Taken, true)]
#[case::refused(Answer::Refused, false)]
fn an_answer_is_owed_until_the_centre_no_longer_carries_the_prompt(
    #[case] answer: Answer,
    #[case] taken: bool,
) {
    let mut prompts = with(&[1]);
    assert_eq!(prompts.next(NOW), Next::Ask(prompt(1)));
    assert_eq!(prompts.next(NOW), Next::Idle, "one at a time");
    prompts.answered([1; 16], answer, NOW, 0);
    let owed = [receipt(1, taken)];
    assert!(prompts.has_news());
    prompts.replied(&owed, &[prompt(1)], NOW);
    assert_eq!(
        (prompts.receipts(), prompts.has_news()),
        (owed.into(), false)
    );
    prompts.replied(&owed, &[], NOW);
    assert_eq!(prompts.receipts(), []);
    assert_eq!(prompts.next(NOW), Next::Idle);
}

#[test]
fn a_receipt_that_was_not_told_survives_a_reply_that_no_longer_carries_its_prompt() {
    let mut prompts = with(&[1]);
    prompts.next(NOW);
    prompts.replied(&[], &[], NOW);
    prompts.answered([1; 16], Answer::Taken, NOW, 0);
    prompts.replied(&[], &[], NOW);
    assert_eq!(prompts.receipts(), [receipt(1, true)]);
}

#[test]
fn a_prompt_that_comes_back_after_its_answer_gets_the_same_answer_and_is_not_asked() {
    let mut prompts = with(&[1]);
    prompts.next(NOW);
    prompts.answered([1; 16], Answer::Refused, NOW, 0);
    prompts.replied(&[receipt(1, false)], &[], NOW);
    prompts.replied(&[], &[prompt(1)], NOW);
    assert_eq!(prompts.next(NOW), Next::Idle);
    assert_eq!(prompts.receipts(), [receipt(1, false)]);
    assert!(prompts.has_news());
}

#[test]
fn a_silent_terminal_is_tried_again_until_the_prompt_makes_no_sense_any_more() {
    let mut prompts = with(&[1]);
    let (mut now, mut tries) = (NOW, 0);
    while prompts.receipts().is_empty() {
        match prompts.next(now) {
            Next::Ask(asked) => {
                tries += 1;
                prompts.answered(asked.id, Answer::Silent, now, u64::MAX / 2);
            }
            Next::Wait(until) => {
                assert!(until > now && until <= NOW + MINUTE, "{until:?}");
                now = until;
            }
            Next::Idle => {}
        }
    }
    assert_eq!(now, NOW + MINUTE);
    assert!(tries > 3, "{tries}");
    assert_eq!(prompts.receipts(), [receipt(1, false)]);
}

#[test]
fn a_prompt_that_the_office_takes_back_is_not_asked_any_more() {
    let mut prompts = with(&[1, 2]);
    prompts.replied(&[], &[prompt(2)], NOW);
    assert_eq!(prompts.next(NOW), Next::Ask(prompt(2)));
    assert_eq!(prompts.receipts(), []);
}

#[test]
fn a_repeated_prompt_does_not_live_longer() {
    let mut prompts = with(&[1]);
    prompts.replied(&[], &[prompt(1)], NOW + MINUTE / 2);
    prompts.next(NOW + MINUTE);
    assert_eq!(prompts.receipts(), [receipt(1, false)]);
}
