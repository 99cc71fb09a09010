//! Draws scenes into PNG files. Shared by the gallery program and the test of the same name.
//!
//! Owns which looks (size, language, type) a scene is drawn in. It does not judge the pictures.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use i_slint_backend_testing::{TestingBackend, TestingBackendOptions, mock_elapsed_time};
use manyi_ui::{GlassAdapter, KioskWindow, fonts};
use slint::{ComponentHandle as _, Global as _, PhysicalSize, Rgba8Pixel, SharedPixelBuffer};

use crate::scenes::{Scene, scenes};

pub(crate) const SIZES: [(u32, u32); 4] = [(1280, 800), (1024, 600), (800, 1280), (1920, 1080)];

/// The language of the sources first.
pub(crate) const LANGUAGES: [&str; 8] = ["zh-Hans", "zh-Hant", "en", "ja", "ar", "fr", "hi", "ug"];

/// One way to show a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Width and height in pixels.
    pub(crate) size: (u32, u32),
    /// BCP 47 name.
    pub(crate) language: &'static str,
    /// Double type.
    pub(crate) elder: bool,
}

impl Look {
    /// For file names and captions.
    pub(crate) fn name(self) -> String {
        let Self {
            size: (width, height),
            language,
            elder,
        } = self;
        let kind = if elder { "-elder" } else { "" };
        format!("{width}x{height}-{language}{kind}")
    }
}

/// How many looks a scene gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matrix {
    /// Everything by everything.
    Whole,
    /// Every size, every language and the double type of every page, but not each with each other.
    Sampled,
}

/// The looks of one scene, the `place`-th of its page. Staff read the language of the sources in
/// plain type.
pub(crate) fn looks(scene: &Scene, place: usize, matrix: Matrix) -> Vec<Look> {
    let mut found = Vec::new();
    let languages = if scene.for_citizens {
        &LANGUAGES[..]
    } else {
        &LANGUAGES[..1]
    };
    for (row, language) in languages.iter().enumerate() {
        for (column, size) in SIZES.into_iter().enumerate() {
            for elder in [false, true] {
                let wanted = matrix == Matrix::Whole || sampled(place, row, column, elder);
                if wanted && (scene.for_citizens || !elder) {
                    found.push(Look {
                        size,
                        language,
                        elder,
                    });
                }
            }
        }
    }
    found
}

/// In the first language two sizes and one in double type, which go round from scene to scene, and
/// the first scene in every size. Every other language on each second scene, in one size and type.
fn sampled(place: usize, language: usize, size: usize, elder: bool) -> bool {
    match (language, elder) {
        (0, false) => place == 0 || (place + size).is_multiple_of(2),
        (0, true) => size == place % SIZES.len(),
        _ => {
            let turn = (place / 2 + language) % (2 * SIZES.len());
            (place + language).is_multiple_of(2) && turn == 2 * size + usize::from(elder)
        }
    }
}

/// A scene in one look, drawn.
#[derive(Debug)]
pub(crate) struct Shot {
    /// The scene's name within its page.
    pub(crate) scene: &'static str,
    pub(crate) look: Look,
    /// The PNG file.
    pub(crate) file: PathBuf,
    pub(crate) pixels: SharedPixelBuffer<Rgba8Pixel>,
}

/// Makes this thread's backend draw real pixels at a standing clock.
///
/// # Errors
/// When the thread has a backend already.
pub(crate) fn init() -> Result<(), Box<dyn Error>> {
    slint::platform::set_platform(Box::new(TestingBackend::new(TestingBackendOptions {
        mock_time: true,
        threading: false,
        renderer_name: Some("software".into()),
    })))?;
    Ok(())
}

/// This program once more, seeing the shipped fonts and no others, whatever the machine has.
///
/// # Errors
/// When the fonts are not found, or `data` cannot be written.
pub(crate) fn with_shipped_fonts(data: &Path) -> Result<Command, Box<dyn Error>> {
    // Fontconfig looks for a relative name in its own folder and not in ours.
    let config = fonts::write_fontconfig(&fonts::locate(None)?, &std::path::absolute(data)?)?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .env("MANYI_GALLERY_CHILD", "1")
        .env("FONTCONFIG_FILE", config);
    Ok(command)
}

/// True in a program that [`with_shipped_fonts`] started.
pub(crate) fn has_shipped_fonts() -> bool {
    std::env::var_os("MANYI_GALLERY_CHILD").is_some()
}

/// Puts the pages into a language; false when its catalogue is not compiled in.
///
/// The one place that knows how a language is chosen.
fn speak(window: &KioskWindow, language: &str) -> bool {
    GlassAdapter::get(window).set_language(language.into());
    let catalogue = if language == "zh-Hans" { "" } else { language };
    slint::select_bundled_translation(&catalogue.replace('-', "_")).is_ok()
}

/// Draws every scene of `page` in every look of `matrix` into `out`.
///
/// `each` sees the window as it was drawn, before the next look.
///
/// # Errors
/// When a window or a file could not be made.
pub(crate) fn draw_page(
    page: &'static str,
    matrix: Matrix,
    out: &Path,
    mut each: impl FnMut(&KioskWindow, Shot),
) -> Result<(), Box<dyn Error>> {
    let of_page = scenes().into_iter().filter(|scene| scene.page == page);
    for (place, scene) in of_page.enumerate() {
        draw_scene(&scene, &looks(&scene, place, matrix), out, &mut each)?;
    }
    Ok(())
}

/// Draws one scene in some looks.
///
/// # Errors
/// As [`draw_page`].
pub(crate) fn draw_scene(
    scene: &Scene,
    looks: &[Look],
    out: &Path,
    mut each: impl FnMut(&KioskWindow, Shot),
) -> Result<(), Box<dyn Error>> {
    // A window of its own: nothing of the scene before is left in it.
    let window = KioskWindow::new()?;
    window.show()?;
    window.set_page(scene.shows);
    settle();
    (scene.set)(&window);
    for &look in looks {
        let (width, height) = look.size;
        window.window().set_size(PhysicalSize::new(width, height));
        GlassAdapter::get(&window).set_elder(look.elder);
        speak(&window, look.language);
        settle();
        let pixels = window.window().take_snapshot()?;
        let name = format!("{}-{}-{}.png", scene.page, scene.name, look.name());
        let file = out.join(name);
        write_png(&pixels, &file)?;
        let shot = Shot {
            scene: scene.name,
            look,
            file,
            pixels,
        };
        each(&window, shot);
    }
    window.hide()?;
    Ok(())
}

/// Lets change handlers, conditional elements and repeaters catch up.
pub(crate) fn settle() {
    mock_elapsed_time(Duration::ZERO);
    mock_elapsed_time(Duration::ZERO);
}

/// Writes a picture, lightly compressed.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_png(
    pixels: &SharedPixelBuffer<Rgba8Pixel>,
    path: &Path,
) -> Result<(), Box<dyn Error>> {
    let file = BufWriter::new(File::create(path)?);
    let mut encoder = png::Encoder::new(file, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder
        .write_header()?
        .write_image_data(pixels.as_bytes())?;
    Ok(())
}
