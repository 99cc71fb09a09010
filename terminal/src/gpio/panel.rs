//! What button, lamp and buzzer do. Pure: times are uptimes in milliseconds.

use crate::flow::Millis;
use crate::outputs::OutputState;

/// How long the buzzer sounds: to be noticed, not to be a nuisance.
pub(super) const BUZZ_MS: Millis = 200;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Lamp(bool),
    Buzzer(bool),
    Pressed,
}

/// The panel's state.
#[derive(Debug)]
pub(super) struct Panel {
    debounce_ms: Millis,
    /// What the button was when its contact last rested.
    closed: bool,
    /// When a moving contact will have rested long enough.
    rest_at: Option<Millis>,
    lamp: bool,
    attention: bool,
    quiet_at: Option<Millis>,
}

impl Panel {
    /// A panel whose button is closed or open already; a button that is held at the start is not
    /// pressed.
    pub(super) fn new(debounce_ms: u16, closed: bool) -> Self {
        Self {
            debounce_ms: debounce_ms.into(),
            closed,
            rest_at: None,
            lamp: false,
            attention: false,
            quiet_at: None,
        }
    }

    pub(super) fn state(&mut self, state: OutputState, now: Millis) -> Vec<Act> {
        let mut acts = Vec::new();
        if state.asking != self.lamp {
            self.lamp = state.asking;
            acts.push(Act::Lamp(state.asking));
        }
        if state.attention && !self.attention {
            self.quiet_at = Some(now.saturating_add(BUZZ_MS));
            acts.push(Act::Buzzer(true));
        }
        self.attention = state.attention;
        acts
    }

    /// The contact moved; what it is counts when it has rested.
    pub(super) const fn edge(&mut self, now: Millis) {
        self.rest_at = Some(now.saturating_add(self.debounce_ms));
    }

    pub(super) fn tick(&mut self, now: Millis, closed: impl FnOnce() -> bool) -> Vec<Act> {
        let mut acts = Vec::new();
        if self.rest_at.is_some_and(|at| now >= at) {
            self.rest_at = None;
            let was = std::mem::replace(&mut self.closed, closed());
            if self.closed && !was {
                acts.push(Act::Pressed);
            }
        }
        if self.quiet_at.is_some_and(|at| now >= at) {
            self.quiet_at = None;
            acts.push(Act::Buzzer(false));
        }
        acts
    }

    /// When to tick next.
    pub(super) fn due(&self) -> Option<Millis> {
        self.rest_at.into_iter().chain(self.quiet_at).min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ASKING: OutputState = OutputState {
        asking: true,
        attention: true,
        light: crate::outputs::LightLevel::Awake,
    };

    #[test]
    fn the_lamp_is_lit_while_somebody_is_asked() {
        let mut panel = Panel::new(50, false);
        assert!(panel.state(OutputState::default(), 0).is_empty());
        assert!(panel.state(ASKING, 1).contains(&Act::Lamp(true)));
        assert!(panel.state(ASKING, 2).is_empty());
        let over = panel.state(OutputState::default(), 3);
        assert_eq!(over, [Act::Lamp(false)]);
    }

    #[test]
    fn the_buzzer_sounds_once_a_question() {
        let mut panel = Panel::new(50, false);
        assert!(panel.state(ASKING, 0).contains(&Act::Buzzer(true)));
        assert!(panel.state(ASKING, 100).is_empty());
        assert_eq!(panel.due(), Some(BUZZ_MS));
        assert!(panel.tick(BUZZ_MS - 1, || false).is_empty());
        assert_eq!(panel.tick(BUZZ_MS, || false), [Act::Buzzer(false)]);
        assert_eq!(panel.due(), None);
        panel.state(OutputState::default(), 1000);
        assert!(panel.state(ASKING, 1001).contains(&Act::Buzzer(true)));
    }

    #[test]
    fn a_press_counts_when_the_contact_has_rested() {
        let mut panel = Panel::new(50, false);
        panel.edge(0);
        assert!(panel.tick(49, || true).is_empty());
        assert_eq!(panel.tick(50, || true), [Act::Pressed]);
        // Held for long: nothing more.
        assert!(panel.tick(5000, || true).is_empty());
        // Let go: nothing either.
        panel.edge(6000);
        assert!(panel.tick(6050, || false).is_empty());
        panel.edge(7000);
        assert_eq!(panel.tick(7050, || true), [Act::Pressed]);
    }

    #[test]
    fn a_spike_is_no_press() {
        let mut panel = Panel::new(50, false);
        panel.edge(0);
        panel.edge(1);
        assert!(panel.tick(51, || false).is_empty());
    }

    #[test]
    fn a_button_that_is_held_at_the_start_is_not_pressed() {
        let mut panel = Panel::new(50, true);
        panel.edge(0);
        assert!(panel.tick(50, || false).is_empty());
        panel.edge(1000);
        assert_eq!(panel.tick(1050, || true), [Act::Pressed]);
    }

    proptest! {
        /// However contacts bounce, a press that is held and let go is one press.
        #[test]
        fn bouncing_is_one_press(
            close in prop::collection::vec(1_u64..50, 0..20),
            open in prop::collection::vec(1_u64..50, 0..20),
        ) {
            let mut panel = Panel::new(50, false);
            let (mut now, mut presses) = (0, 0);
            for (bounces, closed) in [(close, true), (open, false)] {
                panel.edge(now);
                for gap in bounces {
                    now += gap;
                    // What the line reads while it bounces is anything.
                    let acts = panel.tick(now, || now % 2 == 0);
                    presses += acts.iter().filter(|act| **act == Act::Pressed).count();
                    panel.edge(now);
                }
                now += 50;
                presses += panel.tick(now, || closed).len();
                now += 500;
            }
            prop_assert_eq!(presses, 1);
        }
    }
}
