//! The staff's pages: what the [`Desk`](crate::desk::Desk) wants done. What may take its time runs on a thread of its own
//! and comes back as a message.

use manyi_shared::tablet::wake;

use super::around::Around;
use super::{Conductor, Message};
use crate::desk::{DeskEffect, DeskEvent, DoneNotice, Situation, enrolment, export, facts};
use crate::flow::{Event, Flow, Reason};
use crate::recorder::chain;
use crate::scene::{Scene, ScenePage};
use crate::station::Station;

impl Conductor {
    pub(super) fn desk(&mut self, event: DeskEvent) {
        let now = self.now();
        let situation = situation(&self.flow, self.station.as_ref());
        let effects = self.desk.hear(event, &situation, now);
        for effect in effects {
            self.obey(effect);
        }
    }

    fn obey(&mut self, effect: DeskEffect) {
        match effect {
            DeskEffect::CheckPin { pin, hash } => self.aside("pin", move || {
                let right = pin.is_right(&hash);
                DeskEvent::PinChecked { right }
            }),
            DeskEffect::WriteOrder(order) => match order.write(&self.data.enrol_order()) {
                // A daemon that is not running finds it when it starts.
                Ok(()) => wake(&self.data.wake_socket()).unwrap_or_default(),
                Err(error) => self.desk(DeskEvent::OrderNotWritten(chain(&error))),
            },
            DeskEffect::LookAtEnrolment => {
                let look = enrolment::look(&self.data);
                self.desk(DeskEvent::Progress(look));
            }
            DeskEffect::ReadFacts => {
                if let Some(known) = self.known() {
                    let places = facts::Places::of(self.data.clone());
                    self.aside("facts", move || {
                        DeskEvent::Facts(facts::read(&known, &places))
                    });
                }
            }
            DeskEffect::Export => {
                if let Some(station) = &self.station {
                    let now = self.clock.read();
                    let name = export::name(station.terminal, &now, &station.profile.time_zone);
                    let data = self.data.clone();
                    self.aside("export", move || {
                        DeskEvent::Done(export::run(&data, &name, &export::Media::default()))
                    });
                }
            }
            DeskEffect::SelfTest => self.test_for_desk(),
            DeskEffect::Pause(paused) => {
                self.step(Event::Pause(paused));
            }
            DeskEffect::Restart => {
                tracing::info!("restart from the technician's page");
                self.hear(Message::Stop);
            }
        }
    }

    /// Runs something that may take its time and hears what came of it.
    fn aside(&self, name: &'static str, work: impl FnOnce() -> DeskEvent + Send + 'static) {
        let ear = self.ear.clone();
        let spawned = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // The conductor is gone only when the program is ending.
                ear.send(Message::Desk(work())).unwrap_or_default();
            });
        if let Err(error) = spawned {
            tracing::error!("no thread for {name}: {error}");
        }
    }

    fn known(&self) -> Option<facts::Known> {
        let station = self.station.as_ref()?;
        let profile = &station.profile;
        Some(facts::Known {
            hall: (profile.hall_name.clone(), profile.hall_id.clone()),
            window: (
                profile.window_number.clone(),
                profile.window_name.clone(),
                profile.window_id.clone(),
            ),
            time_zone: profile.time_zone.clone(),
            profile_version: profile.version,
            clock: self.clock.read(),
            journal: self.flow.stream().map(|stream| (stream, self.tip)),
            self_test: self.around.tested().map(|tested| facts::SelfTest {
                text: tested.text(),
                good: tested.good,
            }),
        })
    }

    /// The same five records as every morning; the answer comes when they are sealed.
    fn test_for_desk(&mut self) {
        let day = self
            .station
            .as_ref()
            .map_or(0, |station| Around::day(station, &self.clock.read()));
        if self.flow.is_idle() {
            self.step(Event::SelfTest(day));
        } else {
            let busy = "the window is not idle".to_owned();
            self.desk(DeskEvent::Done(DoneNotice::SelfTestFailed(busy)));
        }
    }

    /// The scene with the staff's page over it, when one is open.
    pub(super) fn with_desk(&self, mut scene: Scene) -> Scene {
        if self.flow.is_asking() {
            return scene;
        }
        let situation = situation(&self.flow, self.station.as_ref());
        if let Some(view) = self.desk.view(&situation, self.now()) {
            scene.page = ScenePage::Desk(view);
            scene.light = crate::outputs::LightLevel::Awake;
            scene.input = true;
        }
        scene
    }

    pub(super) fn desk_due(&self) -> Option<u64> {
        let situation = situation(&self.flow, self.station.as_ref());
        self.desk.next_look(&situation, self.now())
    }
}

fn situation<'a>(flow: &Flow, station: Option<&'a Station>) -> Situation<'a> {
    let not_enrolled = flow
        .out_of_service()
        .is_some_and(|why| why.reason == Reason::NotEnrolled);
    Situation {
        enrolled: !not_enrolled,
        pin_hash: station.and_then(|s| s.profile.options.as_ref()?.technician_pin.as_deref()),
        paused: flow.paused(),
    }
}
