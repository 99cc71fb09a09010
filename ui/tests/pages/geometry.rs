//! Sizes that the halls ask for, on every supported screen.

use crate::glass::{SIZES, WORDS, element, settle, window_at};
use manyi_ui::{AskAdapter, KioskWindow, Page, ReasonsAdapter};
use slint::{Global as _, Model as _};

/// Layout arithmetic is in 32-bit floats: half a pixel is not a difference.
const TOLERANCE: f32 = 0.5;

fn assert_inside(window: &KioskWindow, label: &str, (width, height): (u32, u32)) {
    let found = element(window, label);
    let (place, size) = (found.absolute_position(), found.size());
    let inside = place.x >= 0.0
        && place.y >= 0.0
        && f64::from(place.x + size.width) <= f64::from(width) + 0.5
        && f64::from(place.y + size.height) <= f64::from(height) + 0.5;
    assert!(
        inside,
        "`{label}` at {place:?} of {size:?} leaves {width}x{height}"
    );
    assert!(
        size.width >= 48.0 && size.height >= 48.0,
        "`{label}` of {size:?} is too small for a finger on {width}x{height}"
    );
}

#[test]
fn the_five_targets_are_equal_and_at_least_a_quarter_of_the_screen_high() {
    i_slint_backend_testing::init_no_event_loop();
    for size in SIZES {
        let window = window_at(size, Page::Ask);
        let ask = AskAdapter::get(&window);
        for item in ["", "国有建设用地使用权及房屋所有权转移登记（存量房买卖）"]
        {
            ask.set_item_name(item.into());
            settle();
            let first = element(&window, "非常满意");
            let quarter = f64::from(size.1) / 4.0;
            for (_, word) in WORDS {
                assert_inside(&window, word, size);
                let target = element(&window, word);
                let (w, h) = (target.size().width, target.size().height);
                assert!(
                    (w - first.size().width).abs() < TOLERANCE,
                    "{word} on {size:?}"
                );
                assert!(
                    (h - first.size().height).abs() < TOLERANCE,
                    "{word} on {size:?}"
                );
                let (y, first_y) = (target.absolute_position().y, first.absolute_position().y);
                assert!((y - first_y).abs() < TOLERANCE, "{word} on {size:?}");
                assert!(f64::from(h) >= quarter, "{word} is {h} high on {size:?}");
            }
            assert_inside(&window, "暂不评价", size);
        }
    }
}

#[test]
fn no_two_targets_overlap() {
    i_slint_backend_testing::init_no_event_loop();
    for size in SIZES {
        for (page, labels) in [
            (Page::Ask, WORDS.map(|(_, word)| word.to_owned()).to_vec()),
            (Page::Reasons, vec!["跳过".to_owned(), "提交".to_owned()]),
        ] {
            let window = window_at(size, page);
            let mut labels = labels;
            if page == Page::Ask {
                labels.push("暂不评价".into());
            } else {
                let tags = ReasonsAdapter::get(&window).get_tags();
                labels.extend(tags.iter().map(|tag| tag.text.to_string()));
                assert_eq!(labels.len(), 10);
            }
            for (index, one) in labels.iter().enumerate() {
                assert_inside(&window, one, size);
                for other in labels.iter().skip(index + 1) {
                    let (a, b) = (element(&window, one), element(&window, other));
                    let (pa, sa, pb, sb) = (
                        a.absolute_position(),
                        a.size(),
                        b.absolute_position(),
                        b.size(),
                    );
                    let apart = pa.x + sa.width <= pb.x + TOLERANCE
                        || pb.x + sb.width <= pa.x + TOLERANCE
                        || pa.y + sa.height <= pb.y + TOLERANCE
                        || pb.y + sb.height <= pa.y + TOLERANCE;
                    assert!(apart, "`{one}` and `{other}` overlap on {size:?}");
                }
            }
        }
    }
}
