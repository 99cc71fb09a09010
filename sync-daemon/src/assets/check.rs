//! Whether a file is what the terminal can show. The bytes come from the collector, whose digest they
//! have; a mistake at the office must not leave a hole on a screen.

use std::io::Cursor;

use image::{ImageError, ImageFormat, ImageReader, Limits};

/// The longest side of a picture, in pixels: twice the largest screen.
const MAX_SIDE: u32 = 4096;

/// The memory that decoding may take: the largest picture with four bytes a pixel, and as much
/// again for the decoder.
const MAX_MEMORY: u64 = 2 * 4 * (MAX_SIDE as u64) * (MAX_SIDE as u64);

/// Decodes a picture, PNG or JPEG.
///
/// # Errors
/// What is wrong with it.
pub(super) fn picture(bytes: &[u8]) -> Result<(), String> {
    let format = image::guess_format(bytes).map_err(|_| "is neither PNG nor JPEG".to_owned())?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg) {
        return Err("is neither PNG nor JPEG".to_owned());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    reader.decode().map(drop).map_err(|error| match error {
        ImageError::Limits(_) => format!("is larger than {MAX_SIDE} by {MAX_SIDE} pixels"),
        error => format!("cannot be read: {}", crate::chain(&error)),
    })
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat};

    use super::*;

    fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        DynamicImage::new_rgb8(width, height)
            .write_to(&mut Cursor::new(&mut bytes), format)
            .unwrap();
        bytes
    }

    #[rstest::rstest]
    #[case::png(encoded(40, 30, ImageFormat::Png), None)]
    #[case::jpeg(encoded(40, 30, ImageFormat::Jpeg), None)]
    #[case::as_large_as_may_be(encoded(4096, 2, ImageFormat::Png), None)]
    #[case::too_wide(encoded(4097, 2, ImageFormat::Png), Some("4096 by 4096"))]
    #[case::too_high(encoded(2, 4097, ImageFormat::Jpeg), Some("4096 by 4096"))]
    #[case::text(b"<svg/>".to_vec(), Some("neither PNG nor JPEG"))]
    #[case::gif(b"GIF89a\x01\0\x01\0".to_vec(), Some("neither PNG nor JPEG"))]
    #[case::empty(Vec::new(), Some("neither PNG nor JPEG"))]
    #[case::breaks_off(encoded(40, 30, ImageFormat::Png)[..60].to_vec(), Some("cannot be read"))]
    fn a_picture_must_decode(#[case] bytes: Vec<u8>, #[case] problem: Option<&str>) {
        match (picture(&bytes), problem) {
            (Ok(()), None) => {}
            (Err(said), Some(problem)) => assert!(said.contains(problem), "{said}"),
            (checked, _) => panic!("{checked:?}"),
        }
    }
}
