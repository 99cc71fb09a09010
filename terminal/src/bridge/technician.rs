//! The technician's page and the gesture that opens it.

use std::rc::Rc;

use manyi_ui as ui;
use manyi_ui::{FactLine, GlassAdapter, KioskWindow, Page, TechnicianAction, TechnicianAdapter};
use slint::{ComponentHandle, Model, ModelRc, VecModel};

use crate::desk::DeskEvent;
use crate::desk::facts::{Fact, FactValue};
use crate::desk::pin::Digit;
use crate::desk::technician::{Action, Notice, TechnicianInput, TechnicianScene, TechnicianStage};

/// From now on the gesture and the page's touches go to `send`.
pub fn connect(window: &KioskWindow, send: &Rc<dyn Fn(DeskEvent)>) {
    let gesture = send.clone();
    window
        .global::<GlassAdapter<'_>>()
        .on_technician(move || gesture(DeskEvent::Gesture));
    let adapter = window.global::<TechnicianAdapter<'_>>();
    // What stands there is for the page's preview.
    adapter.set_facts(ModelRc::default());
    let told = send.clone();
    let input = Rc::new(move |input| told(DeskEvent::Technician(input)));
    let digit = input.clone();
    adapter.on_digit(move |text| {
        if let Some(typed) = Digit::of(&text) {
            digit(TechnicianInput::Digit(typed));
        }
    });
    let erase = input.clone();
    adapter.on_erase(move || erase(TechnicianInput::Erase));
    let enter = input.clone();
    adapter.on_enter(move || enter(TechnicianInput::Enter));
    let act = input.clone();
    adapter.on_act(move |action| act(TechnicianInput::Act(map_action(action))));
    adapter.on_touched(move |x, y| {
        input(TechnicianInput::Touched {
            x: percent(x),
            y: percent(y),
        });
    });
}

fn percent(n: i32) -> u8 {
    u8::try_from(n.clamp(0, 100)).unwrap_or(100)
}

const fn map_action(action: TechnicianAction) -> Action {
    match action {
        TechnicianAction::TouchTest => Action::TouchTest,
        TechnicianAction::ScreenTest => Action::ScreenTest,
        TechnicianAction::SelfTest => Action::SelfTest,
        TechnicianAction::ExportJournal => Action::ExportJournal,
        TechnicianAction::Pause => Action::Pause,
        TechnicianAction::Restart => Action::Restart,
        TechnicianAction::Leave => Action::Leave,
    }
}

/// Draws the page.
pub fn map(window: &KioskWindow, scene: &TechnicianScene) -> Page {
    let adapter = window.global::<TechnicianAdapter<'_>>();
    adapter.set_stage(match scene.stage {
        TechnicianStage::Pin => ui::TechnicianStage::Pin,
        TechnicianStage::Facts => ui::TechnicianStage::Facts,
        TechnicianStage::TouchTest => ui::TechnicianStage::TouchTest,
        TechnicianStage::ScreenTest => ui::TechnicianStage::ScreenTest,
    });
    adapter.set_typed(i32::try_from(scene.typed).unwrap_or(i32::MAX));
    adapter.set_wrong(scene.wrong);
    adapter.set_locked_seconds(i32::try_from(scene.locked_seconds).unwrap_or(i32::MAX));
    adapter.set_no_pin(scene.no_pin);
    adapter.set_notice(map_notice(scene.notice));
    adapter.set_detail(scene.detail.as_str().into());
    adapter.set_paused(scene.paused);
    map_facts(&adapter, &scene.facts);
    Page::Technician
}

/// Rows are changed in place where they can be: a new model would take a scrolled list back to its
/// top every few seconds.
fn map_facts(adapter: &TechnicianAdapter<'_>, facts: &[FactValue]) {
    let lines: Vec<FactLine> = facts.iter().map(map_line).collect();
    let shown = adapter.get_facts();
    let same = shown.row_count() == lines.len()
        && shown
            .iter()
            .zip(&lines)
            .all(|(old, new)| old.fact == new.fact);
    if !same {
        adapter.set_facts(ModelRc::new(VecModel::from(lines)));
        return;
    }
    for (row, (old, new)) in shown.iter().zip(lines).enumerate() {
        if old != new {
            shown.set_row_data(row, new);
        }
    }
}

fn map_line(line: &FactValue) -> FactLine {
    FactLine {
        fact: map_fact(line.fact),
        value: line.value.as_str().into(),
        bad: line.bad,
    }
}

const fn map_fact(fact: Fact) -> ui::Fact {
    match fact {
        Fact::Terminal => ui::Fact::Terminal,
        Fact::Hall => ui::Fact::Hall,
        Fact::Window => ui::Fact::Window,
        Fact::Software => ui::Fact::Software,
        Fact::Profile => ui::Fact::Profile,
        Fact::Collector => ui::Fact::Collector,
        Fact::Network => ui::Fact::Network,
        Fact::Backlog => ui::Fact::Backlog,
        Fact::OldestUnsent => ui::Fact::OldestUnsent,
        Fact::Clock => ui::Fact::Clock,
        Fact::Disk => ui::Fact::Disk,
        Fact::Journal => ui::Fact::Journal,
        Fact::SelfTest => ui::Fact::SelfTest,
    }
}

const fn map_notice(notice: Notice) -> ui::TechnicianNotice {
    match notice {
        Notice::None => ui::TechnicianNotice::None,
        Notice::SelfTestRunning => ui::TechnicianNotice::SelfTestRunning,
        Notice::SelfTestGood => ui::TechnicianNotice::SelfTestGood,
        Notice::SelfTestFailed => ui::TechnicianNotice::SelfTestFailed,
        Notice::Exporting => ui::TechnicianNotice::Exporting,
        Notice::Exported => ui::TechnicianNotice::Exported,
        Notice::NoMedium => ui::TechnicianNotice::NoMedium,
        Notice::ExportFailed => ui::TechnicianNotice::ExportFailed,
        Notice::Restarting => ui::TechnicianNotice::Restarting,
    }
}
