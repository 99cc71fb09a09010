//! Draws the gallery and looks at every picture: its size, that it shows something, that it shows
//! something else than the others, and that nothing on it is cut or too small.
//!
//! The pictures stay in `MANYI_GALLERY_DIR`, with sheets, when that is set. The test draws a sample
//! of sizes, languages and types (see `shots::looks`); the example of the same name draws them all.

#[path = "../../examples/gallery/scenes.rs"]
mod scenes;
#[path = "../../examples/gallery/sheets.rs"]
mod sheets;
#[path = "../../examples/gallery/shots.rs"]
mod shots;

mod whole;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use manyi_ui::KioskWindow;
use rstest::rstest;
use scenes::PAGES;
use sheets::{Sheets, write_index};
use shots::{LANGUAGES, Look, Matrix, SIZES, Shot};
use whole::assert_whole;

#[rstest]
#[case::idle("idle")]
#[case::ask("ask")]
#[case::reasons("reasons")]
#[case::phone("phone")]
#[case::thanks("thanks")]
#[case::paused("paused")]
#[case::out_of_service("out-of-service")]
#[case::enrolment("enrolment")]
#[case::technician("technician")]
fn every_picture_of_a_page_is_whole_and_none_is_like_another(#[case] page: &'static str) {
    with_pixels(|out| {
        let kept = std::env::var_os("MANYI_GALLERY_DIR").is_some();
        let mut sheets = Sheets::default();
        let mut seen: BTreeMap<String, Vec<(&str, Vec<u8>)>> = BTreeMap::new();
        let check = |window: &KioskWindow, shot: Shot| {
            let name = format!("{page} {} {}", shot.scene, shot.look.name());
            assert_size(&shot, &name);
            assert_something(&shot, &name);
            assert_whole(window, shot.look, &name);
            let others = seen.entry(shot.look.name()).or_default();
            let like = others
                .iter()
                .find(|(_, bytes)| bytes == shot.pixels.as_bytes());
            if let Some((other, _)) = like {
                panic!("{name} is the same picture as {other}");
            }
            others.push((shot.scene, shot.pixels.as_bytes().to_vec()));
            if kept {
                sheets.add(&shot);
            }
        };
        shots::draw_page(page, Matrix::Sampled, out, check).expect("the page is drawn");
        let drawn: usize = seen.values().map(Vec::len).sum();
        assert!(drawn >= 8, "only {drawn} pictures of {page}");
        if kept {
            sheets.write(page, out).expect("sheets");
            let index = out.join(page);
            std::fs::create_dir_all(&index).expect("a folder for the index");
            write_index(&sheets.html(page), &index).expect("an index");
        }
    });
}

#[test]
fn no_page_looks_like_another() {
    with_pixels(|out| {
        let look = Look {
            size: SIZES[0],
            language: LANGUAGES[0],
            elder: false,
        };
        let scenes = scenes::scenes();
        let mut pictures: Vec<(&str, Vec<u8>)> = Vec::new();
        for page in PAGES {
            let first = scenes.iter().find(|scene| scene.page == page);
            let first = first.expect("every page has a scene");
            let mut bytes = Vec::new();
            shots::draw_scene(first, &[look], out, |_, shot| {
                bytes = shot.pixels.as_bytes().to_vec();
            })
            .expect("the scene is drawn");
            for (other, there) in &pictures {
                let differ = bytes.chunks(4).zip(there.chunks(4)).filter(|(a, b)| a != b);
                // A hundredth of the glass: the words alone are more.
                assert!(
                    differ.count() * 400 > bytes.len(),
                    "{page} looks like {other}"
                );
            }
            pictures.push((page, bytes));
        }
    });
}

#[test]
fn the_sample_has_every_size_every_language_and_both_types_of_every_page_for_citizens() {
    for page in PAGES {
        let scenes = scenes::scenes();
        let of_page = scenes.iter().filter(|scene| scene.page == page);
        let mut looks: Vec<Look> = Vec::new();
        for (place, scene) in of_page.clone().enumerate() {
            looks.extend(shots::looks(scene, place, Matrix::Sampled));
            let whole = shots::looks(scene, place, Matrix::Whole);
            let count = if scene.for_citizens { 4 * 8 * 2 } else { 4 };
            assert_eq!(whole.len(), count, "{page} {}", scene.name);
        }
        let citizens = of_page.clone().any(|scene| scene.for_citizens);
        for size in SIZES {
            assert!(looks.iter().any(|look| look.size == size), "{page}");
        }
        let elder = looks.iter().any(|look| look.elder);
        assert_eq!(elder, citizens, "{page} in double type");
        for language in LANGUAGES {
            let spoken = looks.iter().any(|look| look.language == language);
            assert!(spoken || !citizens, "{page} in {language}");
        }
    }
}

/// Runs `draw` with real pixels and the shipped fonts only.
///
/// Fontconfig reads its environment once and changing one's own is unsafe, so the test starts
/// itself again and the second run draws.
fn with_pixels(draw: impl FnOnce(&Path)) {
    let kept = std::env::var_os("MANYI_GALLERY_DIR").map(PathBuf::from);
    if shots::has_shipped_fonts() {
        shots::init().expect("each test thread sets its platform once");
        return match kept {
            Some(folder) => {
                std::fs::create_dir_all(&folder).expect("MANYI_GALLERY_DIR can be made");
                draw(&folder);
            }
            None => draw(tempfile::tempdir().expect("a temporary folder").path()),
        };
    }
    let test = std::thread::current();
    let name = test.name().expect("the test runner names its threads");
    let data = tempfile::tempdir().expect("a temporary folder");
    let output = shots::with_shipped_fonts(data.path())
        .expect("the fonts are in the source tree")
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .output()
        .expect("the test starts again");
    let said = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{why}"
    );
}

fn assert_size(shot: &Shot, name: &str) {
    let (width, height) = shot.look.size;
    assert_eq!(
        (shot.pixels.width(), shot.pixels.height()),
        (width, height),
        "{name}"
    );
    let file = BufReader::new(File::open(&shot.file).expect("the picture is on the disk"));
    let reader = png::Decoder::new(file).read_info().expect("a PNG header");
    assert_eq!(
        (reader.info().width, reader.info().height),
        (width, height),
        "{name}"
    );
}

/// A picture of one colour, or nearly, is a page that failed to draw.
fn assert_something(shot: &Shot, name: &str) {
    let bytes = shot.pixels.as_bytes();
    let mut pixels = bytes.chunks(4);
    let ground = pixels.next().expect("a picture has pixels");
    let other = pixels.filter(|pixel| *pixel != ground).count();
    assert!(
        other * 800 > bytes.len(),
        "{name} is blank: {other} pixels differ"
    );
}
