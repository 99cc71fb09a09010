//! Enrolment at the screen.

use std::rc::Rc;

use manyi_shared::tablet::EnrolProblem;
use manyi_ui as ui;
use manyi_ui::{EnrolmentAdapter, KioskWindow, Page};
use slint::ComponentHandle;

use crate::desk::DeskEvent;
use crate::desk::enrolment::{EnrolmentInput, EnrolmentScene, EnrolmentStage, Field, Problem};

/// From now on the page's touches go to `send`.
pub fn connect(window: &KioskWindow, send: &Rc<dyn Fn(DeskEvent)>) {
    let adapter = window.global::<EnrolmentAdapter<'_>>();
    adapter.set_version(env!("CARGO_PKG_VERSION").into());
    let told = send.clone();
    let input = Rc::new(move |input| told(DeskEvent::Enrolment(input)));
    let choose = input.clone();
    adapter.on_choose_field(move |field| {
        choose(EnrolmentInput::Choose(match field {
            ui::EnrolmentField::Address => Field::Address,
            ui::EnrolmentField::Code => Field::Code,
        }));
    });
    let key = input.clone();
    adapter.on_key(move |text| key(EnrolmentInput::Key(text.into())));
    let erase = input.clone();
    adapter.on_erase(move || erase(EnrolmentInput::Erase));
    let clear = input.clone();
    adapter.on_clear(move || clear(EnrolmentInput::Clear));
    adapter.on_submit(move || input(EnrolmentInput::Submit));
}

/// Draws the page.
pub fn map(window: &KioskWindow, scene: &EnrolmentScene) -> Page {
    let adapter = window.global::<EnrolmentAdapter<'_>>();
    adapter.set_stage(match scene.stage {
        EnrolmentStage::Form => ui::EnrolmentStage::Form,
        EnrolmentStage::Asking => ui::EnrolmentStage::Asking,
        EnrolmentStage::Done => ui::EnrolmentStage::Done,
    });
    adapter.set_problem(map_problem(scene.problem));
    adapter.set_detail(scene.detail.as_str().into());
    adapter.set_field(match scene.field {
        Field::Address => ui::EnrolmentField::Address,
        Field::Code => ui::EnrolmentField::Code,
    });
    adapter.set_address(scene.address.as_str().into());
    adapter.set_code(scene.code.as_str().into());
    adapter.set_can_submit(scene.can_submit);
    Page::Enrolment
}

const fn map_problem(problem: Option<Problem>) -> ui::EnrolmentProblem {
    let problem = match problem {
        None => return ui::EnrolmentProblem::None,
        Some(Problem::DaemonSilent) => return ui::EnrolmentProblem::DaemonSilent,
        Some(Problem::Of(problem)) => problem,
    };
    match problem {
        EnrolProblem::AddressMalformed => ui::EnrolmentProblem::AddressMalformed,
        EnrolProblem::CodeMalformed => ui::EnrolmentProblem::CodeMalformed,
        EnrolProblem::Unreachable => ui::EnrolmentProblem::Unreachable,
        EnrolProblem::Certificate => ui::EnrolmentProblem::Certificate,
        EnrolProblem::NotACollector => ui::EnrolmentProblem::NotACollector,
        EnrolProblem::CodeRefused => ui::EnrolmentProblem::CodeRefused,
        EnrolProblem::TooManyTries => ui::EnrolmentProblem::TooManyTries,
        EnrolProblem::OfficeError => ui::EnrolmentProblem::OfficeError,
        EnrolProblem::Storage => ui::EnrolmentProblem::Storage,
        EnrolProblem::Other => ui::EnrolmentProblem::Other,
    }
}
