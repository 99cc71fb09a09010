//! Pixels: what may be seen, and what must never be.

use std::collections::BTreeMap;

use manyi_ui::{AskAdapter, KioskWindow, Page};
use slint::{ComponentHandle as _, Global as _, Rgba8Pixel, SharedPixelBuffer};

use crate::glass::{SIZES, WORDS, element, init_with_pixels, settle, tap, window_at};

fn picture(window: &KioskWindow) -> SharedPixelBuffer<Rgba8Pixel> {
    settle();
    window
        .window()
        .take_snapshot()
        .expect("the software renderer draws")
}

/// The clerk may look at the screen: after the tap nothing shows which level it was.
#[test]
fn the_thanks_page_is_the_same_picture_whatever_was_chosen() {
    init_with_pixels();
    let mut pictures = Vec::new();
    for (_, word) in WORDS {
        let window = window_at(SIZES[0], Page::Ask);
        tap(&window, word);
        window.set_page(Page::Thanks);
        pictures.push(picture(&window).as_bytes().to_vec());
    }
    assert!(pictures.windows(2).all(|pair| pair[0] == pair[1]));
    let paper = &pictures[0][..4];
    assert!(
        pictures[0].chunks(4).any(|pixel| pixel != paper),
        "the page is not blank"
    );
}

#[test]
fn the_reasons_page_shows_no_colour_of_the_chosen_level() {
    init_with_pixels();
    let mut pictures = Vec::new();
    for (_, word) in WORDS {
        let window = window_at(SIZES[0], Page::Ask);
        tap(&window, word);
        window.set_page(Page::Reasons);
        pictures.push(picture(&window).as_bytes().to_vec());
    }
    assert!(pictures.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Where the white features lie on the face of a target, on a 40 x 40 grid.
fn features(window: &KioskWindow, word: &str) -> Vec<bool> {
    const GRID: u32 = 40;
    let target = element(window, word);
    let (place, size) = (target.absolute_position(), target.size());
    let buffer = picture(window);
    let (width, pixels) = (buffer.width(), buffer.as_slice());
    let white = |x: u32, y: u32| {
        let index = usize::try_from(y * width + x).expect("a picture fits in memory");
        let pixel = pixels.get(index).expect("a point inside the picture");
        pixel.r > 235 && pixel.g > 235 && pixel.b > 235
    };
    let mut grid = Vec::new();
    for row in 0..GRID {
        for column in 0..GRID {
            // The face lies in the upper middle of the target.
            let across = f64::from(column) / f64::from(GRID) * 0.5 + 0.25;
            let down = f64::from(row) / f64::from(GRID) * 0.4 + 0.22;
            let x = f64::from(place.x) + across * f64::from(size.width);
            let y = f64::from(place.y) + down * f64::from(size.height);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a pixel inside the picture"
            )]
            grid.push(white(x as u32, y as u32));
        }
    }
    grid
}

#[test]
fn the_five_faces_differ_in_shape_and_not_only_in_colour() {
    init_with_pixels();
    let window = window_at(SIZES[0], Page::Ask);
    let faces: Vec<(&str, Vec<bool>)> = WORDS
        .iter()
        .map(|(_, word)| (*word, features(&window, word)))
        .collect();
    for (index, (word, face)) in faces.iter().enumerate() {
        let drawn = face.iter().filter(|white| **white).count();
        assert!(drawn > 20, "the face of {word} shows {drawn} white points");
        for (other_word, other) in faces.iter().skip(index + 1) {
            let either = face.iter().zip(other).filter(|(a, b)| **a || **b).count();
            let differ = face.iter().zip(other).filter(|(a, b)| a != b).count();
            assert!(
                differ * 4 > either,
                "{word} and {other_word} differ in {differ} of {either} points"
            );
        }
    }
}

#[test]
fn a_second_less_repaints_a_number_and_a_ring_and_nothing_moves_in_between() {
    init_with_pixels();
    let window = window_at(SIZES[0], Page::Ask);
    let before = picture(&window);
    for _ in 0..10 {
        i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_millis(100));
    }
    assert_eq!(
        before.as_bytes(),
        picture(&window).as_bytes(),
        "no animation runs"
    );
    let ask = AskAdapter::get(&window);
    ask.set_remaining_seconds(20);
    ask.set_remaining_fraction(0.66);
    assert_ne!(before.as_bytes(), picture(&window).as_bytes());
}

/// `#rrggbb` tokens of the theme by name.
fn colours() -> BTreeMap<String, [f64; 3]> {
    let theme = include_str!("../../theme.slint");
    let mut found = BTreeMap::new();
    for line in theme.lines() {
        let Some(rest) = line.trim().strip_prefix("out property <color> ") else {
            continue;
        };
        let (name, value) = rest.split_once(": #").expect("a colour token has a value");
        let channel = |at: usize| {
            let byte = u8::from_str_radix(&value[at..at + 2], 16).expect("two hexadecimal digits");
            f64::from(byte) / 255.0
        };
        found.insert(name.to_owned(), [channel(0), channel(2), channel(4)]);
    }
    found
}

/// WCAG 2.2 contrast ratio.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let linear = colour.map(|channel| {
            if channel <= 0.04045 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_text_and_face_stands_out_from_its_ground() {
    let colours = colours();
    let mut pairs = vec![
        ("ink", "surface"),
        ("ink", "surface-raised"),
        ("ink", "accent-soft"),
        ("ink-muted", "surface"),
        ("ink-muted", "surface-raised"),
        ("accent", "surface-raised"),
        ("accent", "accent-soft"),
        ("on-accent", "accent"),
        ("notice", "notice-soft"),
        ("notice", "surface"),
        ("accent", "surface"),
        ("ink-muted", "surface-raised"),
        ("star", "surface-raised"),
    ]
    .into_iter()
    .map(|(front, back)| (front.to_owned(), back.to_owned()))
    .collect::<Vec<_>>();
    for level in 1..=5 {
        pairs.push(("ink".into(), format!("level-{level}-soft")));
        pairs.push(("on-level".into(), format!("level-{level}")));
        pairs.push((format!("level-{level}"), format!("level-{level}-soft")));
    }
    for (front, back) in pairs {
        let ratio = contrast(colours[&front], colours[&back]);
        assert!(ratio >= 4.5, "{front} on {back} has contrast {ratio:.2}");
    }
}
