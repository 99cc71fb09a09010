//! The pulse: the renderer asks for the corner's colour when it paints, and only then.

use std::cell::RefCell;
use std::rc::Rc;

use manyi_ui::{GlassAdapter, Page};
use slint::{ComponentHandle as _, Global as _};

use crate::glass::{SIZES, init_with_pixels, settle, window_at};

#[test]
fn a_beat_is_seen_by_the_renderer_and_by_nobody_before_it() {
    init_with_pixels();
    for page in [Page::Idle, Page::Ask, Page::Paused, Page::OutOfService] {
        let window = window_at(SIZES[0], page);
        let asked = Rc::<RefCell<Vec<i32>>>::default();
        let heard = asked.clone();
        GlassAdapter::get(&window).on_painting(move |beat| {
            heard.borrow_mut().push(beat);
            beat % 2 == 0
        });
        let mut corners = Vec::new();
        for beat in 1..=3 {
            GlassAdapter::get(&window).set_beat(beat);
            settle();
            let before = asked.borrow().contains(&beat);
            assert!(!before, "beat {beat} of {page:?} was asked for unpainted");
            let picture = window.window().take_snapshot().expect("it draws");
            assert!(asked.borrow().contains(&beat), "beat {beat} of {page:?}");
            let pixels = picture.as_slice();
            corners.push(*pixels.last().expect("pixels"));
        }
        assert_eq!(corners[0], corners[2]);
        let step = |a: u8, b: u8| a.abs_diff(b);
        let (one, two) = (corners[0], corners[1]);
        let steps = [step(one.r, two.r), step(one.g, two.g), step(one.b, two.b)];
        assert_eq!(steps, [1, 1, 1], "one step of 255, on {page:?}");
    }
}
