//! What the tests share: a window of a given size and fingers on its glass.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use i_slint_backend_testing::{
    ElementHandle, ElementQuery, TestingBackend, TestingBackendOptions, mock_elapsed_time,
};
use i_slint_core::input::TouchPhase;
use i_slint_core::lengths::LogicalPoint;
use manyi_ui::{GlassAdapter, KioskWindow, Page, fonts, languages};
use slint::platform::{InternalEvent, PointerEventButton, WindowEvent};
use slint::{ComponentHandle as _, Global as _, LogicalPosition, PhysicalSize};

pub(crate) const SIZES: [(u32, u32); 4] = [(1280, 800), (1024, 600), (800, 1280), (1920, 1080)];

pub(crate) const WORDS: [(i32, &str); 5] = [
    (5, "非常满意"),
    (4, "满意"),
    (3, "基本满意"),
    (2, "不满意"),
    (1, "非常不满意"),
];

/// A window on the current thread's backend, laid out and showing `page`.
pub(crate) fn window_at((width, height): (u32, u32), page: Page) -> KioskWindow {
    let window = KioskWindow::new().expect("the testing backend makes windows");
    window.show().expect("the testing backend shows windows");
    window.window().set_size(PhysicalSize::new(width, height));
    window.set_page(page);
    speak(&window, "zh-Hans");
    window
}

/// Puts words and direction of the window into a language, whatever the machine's is.
pub(crate) fn speak(window: &KioskWindow, code: &str) {
    languages::select(code).expect("a known language");
    GlassAdapter::get(window).set_language(code.into());
    settle();
}

/// A backend that draws and measures real glyphs.
pub(crate) fn init_with_pixels() {
    slint::platform::set_platform(Box::new(TestingBackend::new(TestingBackendOptions {
        mock_time: true,
        threading: false,
        renderer_name: Some("software".into()),
    })))
    .expect("each test thread sets its platform once");
}

/// Runs the test's body where fontconfig knows the shipped fonts only.
///
/// It reads its environment once, and only a new process may have another one: the test starts
/// itself again, by its own name.
pub(crate) fn with_shipped_fonts(test: &str, body: impl FnOnce()) {
    const MARK: &str = "MANYI_TEST_SHIPPED_FONTS";
    if std::env::var_os(MARK).is_some() {
        init_with_pixels();
        body();
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shipped = fonts::locate(None).expect("the fonts are in the source tree");
    let config = fonts::write_fontconfig(&shipped, folder.path()).expect("a writable folder");
    let output = Command::new(std::env::current_exe().expect("the path of this program"))
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .env("FONTCONFIG_FILE", config)
        .output()
        .expect("the test can start itself");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Every source of the pages, nothing else.
pub(crate) fn slint_files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a readable source folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "slint") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")), &mut found);
    assert!(found.len() > 15, "only {} .slint files found", found.len());
    found
}

/// What a screen reader would say of each element of the window.
pub(crate) fn labels(window: &KioskWindow) -> Vec<String> {
    ElementQuery::from_root(window)
        .match_descendants()
        .find_all()
        .iter()
        .filter_map(ElementHandle::accessible_label)
        .map(|label| label.to_string())
        .filter(|label| !label.is_empty())
        .collect()
}

/// Lets change handlers, conditional elements and repeaters catch up.
pub(crate) fn settle() {
    mock_elapsed_time(Duration::ZERO);
    mock_elapsed_time(Duration::ZERO);
}

/// The one element with this label; the search needs debug information and must never be empty.
pub(crate) fn element(window: &KioskWindow, label: &str) -> ElementHandle {
    let found: Vec<ElementHandle> =
        ElementHandle::find_by_accessible_label(window, label).collect();
    match <[ElementHandle; 1]>::try_from(found) {
        Ok([only]) => only,
        Err(found) => panic!("{} elements are labelled `{label}`", found.len()),
    }
}

pub(crate) fn tap(window: &KioskWindow, label: &str) {
    element(window, label).mock_single_click(PointerEventButton::Left);
    settle();
}

pub(crate) fn centre(element: &ElementHandle) -> LogicalPosition {
    let (place, size) = (element.absolute_position(), element.size());
    LogicalPosition::new(place.x + size.width / 2.0, place.y + size.height / 2.0)
}

pub(crate) fn touch(window: &KioskWindow, finger: i32, at: LogicalPosition, phase: TouchPhase) {
    window
        .window()
        .dispatch_event(WindowEvent::internal(InternalEvent::Touch {
            id: finger,
            position: LogicalPoint::new(at.x, at.y),
            phase,
        }));
    settle();
}
