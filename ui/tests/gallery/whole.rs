//! Where things are: inside the glass, inside their buttons, apart from each other.

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery};
use manyi_ui::KioskWindow;

use crate::shots::Look;

/// Texts that are measured and never shown.
const UNSEEN: [&str; 2] = ["FitText::probe", "ActionButton::line"];

/// Layout arithmetic is in 32-bit floats: half a pixel is not a difference.
const TOLERANCE: f32 = 0.5;

#[derive(Debug, Clone, Copy)]
struct Place {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl Place {
    fn of(element: &ElementHandle) -> Self {
        let (place, size) = (element.absolute_position(), element.size());
        Self {
            left: place.x,
            top: place.y,
            right: place.x + size.width,
            bottom: place.y + size.height,
        }
    }

    fn within(self, outer: Self) -> bool {
        self.left >= outer.left - TOLERANCE
            && self.top >= outer.top - TOLERANCE
            && self.right <= outer.right + TOLERANCE
            && self.bottom <= outer.bottom + TOLERANCE
    }

    fn apart(self, other: Self) -> bool {
        self.right <= other.left + TOLERANCE
            || other.right <= self.left + TOLERANCE
            || self.bottom <= other.top + TOLERANCE
            || other.bottom <= self.top + TOLERANCE
    }

    fn narrowest(self) -> f32 {
        (self.right - self.left).min(self.bottom - self.top)
    }
}

/// Panics when a text or a target leaves the glass, a text leaves its button, or a target is too
/// small or lies on another.
pub(crate) fn assert_whole(window: &KioskWindow, look: Look, name: &str) {
    let (width, height) = look.size;
    #[expect(
        clippy::cast_precision_loss,
        reason = "screens have thousands of pixels"
    )]
    let glass = Place {
        left: 0.0,
        top: 0.0,
        right: width as f32,
        bottom: height as f32,
    };
    for text in texts(ElementQuery::from_root(window)) {
        let (place, id) = (Place::of(&text), text.id());
        assert!(place.within(glass), "{name}: {id:?} at {place:?} is cut");
    }
    let mut targets: Vec<(String, Place)> = Vec::new();
    for role in [AccessibleRole::Button, AccessibleRole::Checkbox] {
        for target in ElementQuery::from_root(window)
            .match_accessible_role(role)
            .find_all()
        {
            let (label, place) = (
                target.accessible_label().unwrap_or_default(),
                Place::of(&target),
            );
            assert!(
                !label.is_empty(),
                "{name}: a target without a label at {place:?}"
            );
            assert!(place.within(glass), "{name}: `{label}` at {place:?} is cut");
            assert!(
                place.narrowest() >= 36.0,
                "{name}: `{label}` is too small: {place:?}"
            );
            for text in texts(target.query_descendants()) {
                let inner = Place::of(&text);
                assert!(
                    inner.within(place),
                    "{name}: the words of `{label}` leave it: {inner:?}"
                );
            }
            // The tests of the glass are targets as large as the glass, under their button.
            if !glass.within(place) {
                targets.push((label.into(), place));
            }
        }
    }
    for (index, (label, place)) in targets.iter().enumerate() {
        for (other, there) in targets.iter().skip(index + 1) {
            assert!(
                place.apart(*there),
                "{name}: `{label}` and `{other}` overlap"
            );
        }
    }
}

fn texts(query: ElementQuery) -> Vec<ElementHandle> {
    query
        .match_inherits("Text")
        .find_all()
        .into_iter()
        .filter(|text| {
            let unseen = text.id().is_some_and(|id| UNSEEN.contains(&id.as_str()));
            let probe = text.type_name().is_some_and(|kind| kind == "Probe");
            !unseen && !probe
        })
        .collect()
}
