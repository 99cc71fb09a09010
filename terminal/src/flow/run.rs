//! A flow under test, brought to any stage.

use manyi_shared::domain::{
    FaultReason, Language, Level, Outcome, PromptId, Seq, ServiceEvent, StreamId, TagCode,
    TagSetId, Withdrawal, national_tags,
};
use manyi_shared::wire::RecordBody;

use super::*;

pub(super) const GUARD: Millis = 300;

pub(super) fn rules() -> Rules {
    Rules {
        ask_ms: 30_000,
        reasons_ms: 20_000,
        thanks_ms: 2_000,
        guard_ms: GUARD,
        reasons: Some(TagSetId("v2".to_owned())),
        offered: national_tags().tags.iter().map(|tag| tag.code).collect(),
        required: BTreeSet::new(),
        languages: Language::ALL.to_vec(),
        manner: Manner::default(),
        phone: true,
        paused: false,
        clerk_may_ask: true,
    }
}

pub(super) fn why() -> Why {
    Why {
        reason: Reason::Other,
        detail: "test".to_owned(),
    }
}

pub(super) fn stream(n: u8) -> StreamId {
    StreamId::from_bytes([n; 16])
}

pub(super) fn id(ordinal: u32) -> PromptId {
    PromptId {
        stream: stream(1),
        ordinal,
    }
}

pub(super) fn prompt() -> Event {
    Event::Prompt {
        event: ServiceEvent::default(),
        call: Call::default(),
        names: Names::default(),
    }
}

pub(super) fn opened(n: u8) -> Event {
    Event::Opened {
        stream: stream(n),
        kept: false,
        interrupted: None,
    }
}

pub(super) fn code(n: u16) -> TagCode {
    TagCode::new(n).unwrap()
}

/// A flow, its clock and everything it wanted so far.
pub(super) struct Run {
    pub(super) flow: Flow,
    pub(super) now: Millis,
    wanted: Vec<Effect>,
    next_seq: u64,
}

impl Run {
    pub(super) fn new() -> Self {
        Self {
            flow: Flow::new(why(), 0),
            now: 0,
            wanted: Vec::new(),
            next_seq: 2,
        }
    }

    pub(super) fn idle() -> Self {
        let mut run = Self::new();
        run.hear(Event::Configured {
            rules: rules(),
            moved: false,
        });
        run.hear(opened(1));
        run.wanted.clear();
        run
    }

    /// The question is on the screen and the guard time is over.
    pub(super) fn asking() -> Self {
        let mut run = Self::idle();
        run.hear(prompt());
        run.later(GUARD);
        run
    }

    pub(super) fn reasons() -> Self {
        let mut run = Self::asking();
        run.touch(Target::Level(Level::Dissatisfied));
        run.sealed();
        run.later(GUARD);
        run
    }

    pub(super) fn hear(&mut self, event: Event) -> &mut Self {
        let (flow, effects) = self.flow.clone().step(event, self.now);
        self.flow = flow;
        self.wanted.extend(effects);
        self
    }

    pub(super) fn later(&mut self, ms: Millis) -> &mut Self {
        self.now += ms;
        self.hear(Event::Tick)
    }

    pub(super) fn touch(&mut self, target: Target) -> &mut Self {
        let serial = self.flow.view(self.now).serial;
        self.hear(Event::Touch(Touch { serial, target }))
    }

    fn then(mut self, target: Target) -> Self {
        self.touch(target);
        self
    }

    pub(super) fn sealed(&mut self) -> &mut Self {
        let seq = Seq::new(self.next_seq).unwrap();
        self.next_seq += 1;
        self.hear(Event::Sealed(seq))
    }

    pub(super) fn page(&self) -> &'static str {
        match self.flow.view(self.now).page {
            PageView::OutOfService(_) => "out",
            PageView::NotKept(_) => "not kept",
            PageView::Idle { .. } => "idle",
            PageView::Paused { .. } => "paused",
            PageView::Ask {
                correcting: true, ..
            } => "correcting",
            PageView::Ask { .. } => "ask",
            PageView::Reasons { .. } => "reasons",
            PageView::Phone { .. } => "phone",
            PageView::Thanks { .. } => "thanks",
        }
    }

    /// What was wanted since the last look, in short words.
    pub(super) fn did(&mut self) -> Vec<String> {
        self.wanted.drain(..).map(|effect| short(&effect)).collect()
    }
}

fn short(effect: &Effect) -> String {
    match effect {
        Effect::OpenJournal => "open".to_owned(),
        Effect::Accepted(id) => format!("accepted {}", id.ordinal),
        Effect::Refused => "refused".to_owned(),
        Effect::Asking(prompt) => format!("asking {}", prompt.id.ordinal),
        Effect::Ended(id) => format!("ended {}", id.ordinal),
        Effect::Exit => "exit".to_owned(),
        Effect::Seal(RecordBody::Outcome(record)) => {
            let outcome = match &record.outcome {
                Outcome::Rated { level, tags } => {
                    format!("rated {} {}", level.number(), tags.len())
                }
                Outcome::Declined => "declined".to_owned(),
                Outcome::TimedOut => "timed out".to_owned(),
                Outcome::Withdrawn(Withdrawal::Replaced) => "replaced".to_owned(),
                Outcome::Withdrawn(Withdrawal::Cancelled) => "cancelled".to_owned(),
                Outcome::Withdrawn(Withdrawal::Shutdown) => "shutdown".to_owned(),
                Outcome::Fault(FaultReason::Interrupted) => "interrupted".to_owned(),
                Outcome::Fault(FaultReason::Screen) => "screen".to_owned(),
                Outcome::Fault(FaultReason::NotKept) => "not kept".to_owned(),
            };
            format!("seal {} {outcome}", record.ordinal)
        }
        Effect::Seal(RecordBody::Amendment(a)) => {
            let tags: Vec<u16> = a.tags.iter().map(|tag| tag.number()).collect();
            format!(
                "seal amendment of {} level {} {tags:?}",
                a.target,
                a.level.number()
            )
        }
        Effect::Seal(RecordBody::Misuse(m)) => format!(
            "seal misuse of {} kinds {} touches {} in {}",
            m.target, m.kinds, m.touches, m.span_ms
        ),
        Effect::Seal(RecordBody::SelfTest(t)) => {
            format!("seal self-test {} of {}", t.level.number(), t.day)
        }
        Effect::Seal(other) => format!("{other:?}"),
        Effect::SealText { target, text, .. } => format!("seal text {text} of {target}"),
        Effect::ClerkAsks => "clerk asks".to_owned(),
        Effect::SelfTested(good) => format!("self-tested {good}"),
    }
}

/// The stages a table starts from.
pub(super) fn at(stage: &str) -> Run {
    let configured = Event::Configured {
        rules: rules(),
        moved: false,
    };
    let (mut run, last) = match stage {
        "not enrolled" => (Run::new(), None),
        "opening" => (Run::new(), Some(configured)),
        "open failed" => (at("opening"), Some(Event::OpenFailed(why()))),
        "idle" => (Run::idle(), None),
        "asking" => (Run::asking(), None),
        "sealing" => (Run::asking().then(Target::Level(Level::Satisfied)), None),
        "sealing timeout" => {
            let mut run = Run::asking();
            run.now += 30_000;
            (run, Some(Event::Tick))
        }
        "reasons" => (Run::reasons(), None),
        "reasons chosen" => {
            let run = Run::reasons().then(Target::Tag(code(214)));
            (run.then(Target::Tag(code(207))), None)
        }
        "amending" => (at("reasons chosen").then(Target::Submit), None),
        "phone" => (Run::reasons().then(Target::OpenPhone), None),
        "thanks" => (Run::reasons().then(Target::Skip), None),
        "correcting" => {
            let mut run = at("thanks");
            run.later(GUARD).touch(Target::Correct).later(GUARD);
            (run, None)
        }
        "paused" => (Run::idle(), Some(Event::Pause(true))),
        "revoked" => (Run::idle(), Some(Event::Revoked(Some(why())))),
        "not kept" => (at("sealing"), Some(Event::SealFailed(why()))),
        other => panic!("no stage {other}"),
    };
    if let Some(event) = last {
        run.hear(event);
    }
    run.wanted.clear();
    run
}
