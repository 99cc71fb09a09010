//! Pictures of the profile and codes for phones, ready to be drawn.
//!
//! **Invariant**: at most [`KEPT`] pictures are in memory, none larger than the page that shows it.
//! One that cannot be read is left out with a line in the log, once.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use image::ImageReader;
use qrcode::{EcLevel, QrCode};
use slint::{Image, Rgb8Pixel, SharedPixelBuffer};

/// The clerk's photograph, the announcement that goes, and the one that comes.
const KEPT: usize = 3;

/// Sides in pixels: announcements are shown smaller than the smallest screen.
const MAX_SIDE: u32 = 800;

/// Refused before it is decoded: 24 megabytes of pixels would be a third of the tablet's memory.
const MAX_DECODED_BYTES: u64 = 96 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Pictures {
    loaded: RefCell<Vec<(PathBuf, Option<Image>)>>,
}

impl Pictures {
    /// The picture of a file; none when there is none or it cannot be read.
    pub(super) fn get(&self, path: Option<&Path>) -> Option<Image> {
        let path = path?;
        let mut loaded = self.loaded.borrow_mut();
        if let Some(at) = loaded.iter().position(|(known, _)| known == path) {
            // The newest come last.
            let found = loaded.remove(at);
            let image = found.1.clone();
            loaded.push(found);
            return image;
        }
        let image = read(path)
            .inspect_err(|error| {
                tracing::warn!(path = %path.display(), "a picture is left out: {error}");
            })
            .ok();
        if loaded.len() >= KEPT {
            loaded.remove(0);
        }
        loaded.push((path.to_owned(), image.clone()));
        image
    }
}

fn read(path: &Path) -> image::ImageResult<Image> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut picture = reader.decode()?;
    if picture.width() > MAX_SIDE || picture.height() > MAX_SIDE {
        picture = picture.thumbnail(MAX_SIDE, MAX_SIDE);
    }
    let pixels = picture.into_rgb8();
    Ok(Image::from_rgb8(SharedPixelBuffer::clone_from_slice(
        pixels.as_raw(),
        pixels.width(),
        pixels.height(),
    )))
}

/// The QR code of an address, one pixel a module, with the quiet zone that scanners need
/// (ISO/IEC 18004: four modules).
pub(super) fn code(address: &str) -> Option<Image> {
    const QUIET: usize = 4;
    let code = QrCode::with_error_correction_level(address.as_bytes(), EcLevel::M)
        .inspect_err(|error| tracing::error!("no code for an address: {error}"))
        .ok()?;
    let modules = code.width();
    let side = modules + 2 * QUIET;
    let colors = code.into_colors();
    let mut pixels = vec![Rgb8Pixel::new(255, 255, 255); side * side];
    for (at, color) in colors.into_iter().enumerate() {
        let (row, column) = (at / modules + QUIET, at % modules + QUIET);
        if let Some(pixel) = pixels.get_mut(row * side + column) {
            *pixel = color.select(Rgb8Pixel::new(0, 0, 0), Rgb8Pixel::new(255, 255, 255));
        }
    }
    let side = u32::try_from(side).ok()?;
    let bytes: Vec<u8> = pixels.iter().flat_map(|p| [p.r, p.g, p.b]).collect();
    Some(Image::from_rgb8(SharedPixelBuffer::clone_from_slice(
        &bytes, side, side,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(folder: &Path, name: &str, side: u32) -> PathBuf {
        let path = folder.join(name);
        image::RgbImage::new(side, side)
            .save_with_format(&path, image::ImageFormat::Png)
            .unwrap();
        path
    }

    #[test]
    fn a_large_picture_is_made_small_and_a_broken_one_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::default();
        let large = png(folder.path(), "large", 1_600);
        let shown = pictures.get(Some(&large)).unwrap();
        assert_eq!(shown.size().width, MAX_SIDE);
        let broken = folder.path().join("broken");
        std::fs::write(&broken, b"\x89PNG nothing").unwrap();
        assert!(pictures.get(Some(&broken)).is_none());
        assert!(pictures.get(Some(&folder.path().join("missing"))).is_none());
        assert!(pictures.get(None).is_none());
    }

    #[test]
    fn only_the_newest_pictures_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::default();
        let paths = ["a", "b", "c", "d"].map(|name| png(folder.path(), name, 4));
        for path in &paths {
            pictures.get(Some(path)).unwrap();
        }
        let kept: Vec<_> = pictures
            .loaded
            .borrow()
            .iter()
            .map(|(p, _)| p.clone())
            .collect();
        assert_eq!(kept, paths[1..]);
    }

    #[test]
    fn a_code_has_a_quiet_zone_and_its_three_corners() {
        let address = "https://rate.example.cn/s/0123456789";
        let image = code(address).unwrap();
        let pixels = image.to_rgb8().unwrap();
        let side = pixels.width() as usize;
        let dark = |row: usize, column: usize| pixels.as_slice()[row * side + column].r == 0;
        assert!((0..side).all(|n| !dark(n, 3) && !dark(3, n)));
        for (row, column) in [(4, 4), (4, side - 5), (side - 5, 4)] {
            assert!(dark(row, column));
        }
        assert!(!dark(side - 5, side - 5));
    }
}
