//! Button, lamp and buzzer at the pins of the board.
//!
//! `panel` decides, `pi` is the board, the thread here joins them. Off a Raspberry Pi nothing
//! of it is there, the log says why, and the terminal works without.
//!
//! **Invariants**
//! 1. Lamp and buzzer follow whether somebody is asked, never what was answered.
//! 2. However the program ends in order, lamp and buzzer are off.
//! 3. One press of the button is one [`Message::Button`], however its contact bounces.

mod panel;
mod pi;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use manyi_shared::domain::Clock;

use self::panel::{Act, Panel};
use crate::conductor::Message;
use crate::config;
use crate::outputs::OutputState;

/// The pins, whatever drives them.
pub trait Board: Send {
    /// Whether the button is closed now.
    fn closed(&mut self) -> bool;
    /// Lights the lamp or puts it out.
    fn lamp(&mut self, on: bool);
    /// Starts or stops the buzzer.
    fn buzzer(&mut self, on: bool);
}

/// What the thread hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// How things are.
    State(OutputState),
    /// The button's contact moved.
    Edge,
    /// The program ends.
    End,
}

/// The thread that owns the pins. Dropping it puts lamp and buzzer out.
#[derive(Debug)]
pub struct Pins {
    ear: Sender<Heard>,
    thread: Option<JoinHandle<()>>,
}

/// Opens the pins of the configuration; nothing, and a line in the log, when that cannot be done.
/// Presses go to the conductor.
#[must_use]
pub fn open(
    config: config::Gpio,
    clock: Arc<dyn Clock>,
    conductor: Sender<Message>,
) -> Option<Pins> {
    let (ear, inbox) = channel();
    let edges = ear.clone();
    // The thread is gone only when the program is ending.
    let edge = move || edges.send(Heard::Edge).unwrap_or_default();
    let board = match pi::Pi::open(config, edge) {
        Ok(board) => board,
        Err(error) => {
            tracing::warn!(
                "button, lamp and buzzer are not there: {}",
                crate::recorder::chain(&error)
            );
            return None;
        }
    };
    let pressed = move || conductor.send(Message::Button).unwrap_or_default();
    match start(board, config.debounce_ms, clock, (ear, inbox), pressed) {
        Ok(pins) => Some(pins),
        Err(error) => {
            tracing::error!("button, lamp and buzzer are not there: no thread: {error}");
            None
        }
    }
}

/// Starts the thread on a board. `channel` is what it hears, its own end included.
///
/// # Errors
/// What the system says when it has no thread.
pub fn start(
    mut board: impl Board + 'static,
    debounce_ms: u16,
    clock: Arc<dyn Clock>,
    channel: (Sender<Heard>, Receiver<Heard>),
    pressed: impl Fn() + Send + 'static,
) -> std::io::Result<Pins> {
    let (ear, inbox) = channel;
    let run = move || {
        let mut panel = Panel::new(debounce_ms, board.closed());
        obey(&mut panel, &mut board, &*clock, &inbox, &pressed);
        board.lamp(false);
        board.buzzer(false);
    };
    let thread = std::thread::Builder::new()
        .name("gpio".to_owned())
        .spawn(run)?;
    Ok(Pins {
        ear,
        thread: Some(thread),
    })
}

fn obey(
    panel: &mut Panel,
    board: &mut impl Board,
    clock: &dyn Clock,
    inbox: &Receiver<Heard>,
    pressed: &impl Fn(),
) {
    loop {
        let now = clock.read().uptime_ms;
        let heard = match panel.due() {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => inbox.recv_timeout(Duration::from_millis(due.saturating_sub(now))),
        };
        let now = clock.read().uptime_ms;
        let mut acts = match heard {
            Ok(Heard::State(state)) => panel.state(state, now),
            Ok(Heard::Edge) => {
                panel.edge(now);
                Vec::new()
            }
            Err(RecvTimeoutError::Timeout) => Vec::new(),
            Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => return,
        };
        acts.extend(panel.tick(now, || board.closed()));
        for act in acts {
            match act {
                Act::Lamp(on) => board.lamp(on),
                Act::Buzzer(on) => board.buzzer(on),
                Act::Pressed => pressed(),
            }
        }
    }
}

impl Pins {
    /// Tells how things are.
    pub fn state(&self, state: OutputState) {
        if self.ear.send(Heard::State(state)).is_err() {
            tracing::debug!("the gpio thread is gone");
        }
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        // The board's own sender of edges keeps the channel open, so the end has to be told.
        self.ear.send(Heard::End).unwrap_or_default();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the gpio thread panicked");
        }
    }
}

#[cfg(test)]
mod tests;
