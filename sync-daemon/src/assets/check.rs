//! Whether a file is what the terminal can show or play. The bytes come from the collector, whose
//! digest they have; a mistake at the office must not leave a hole on a screen.

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

/// The terminal plays no longer sounds, in seconds.
const MAX_SECONDS: usize = 30;

/// Checks the head of a sound: WAV, uncompressed (PCM), one or two channels of 16 bits, shorter
/// than 30 seconds: what the terminal plays.
///
/// # Errors
/// What is wrong with it.
pub(super) fn sound(bytes: &[u8]) -> Result<(), String> {
    let riff = bytes
        .strip_prefix(b"RIFF")
        .and_then(|rest| rest.get(4..)?.strip_prefix(b"WAVE"));
    let mut rest = riff.ok_or("is no WAV file")?;
    let mut format = None;
    // Chunks: four letters, a length, so many bytes, and one more after an odd length.
    while let Some((head, body)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, length @ ..] = *head;
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        match &[a, b, c, d] {
            b"fmt " => format = Some(body.get(..length).ok_or("breaks off in its head")?),
            b"data" => {
                let second = pulse_code(format.ok_or("has no format before its sound")?)?;
                return match body.get(..length) {
                    None => Err("breaks off before its end".to_owned()),
                    Some([]) => Err("has no sound in it".to_owned()),
                    Some(sound) if sound.len() >= MAX_SECONDS * second => Err(format!(
                        "lasts {} seconds; it must be shorter than {MAX_SECONDS}",
                        sound.len() / second
                    )),
                    Some(_) => Ok(()),
                };
            }
            _ => {}
        }
        rest = body
            .get(length.saturating_add(length % 2)..)
            .unwrap_or_default();
    }
    Err("has no sound in it".to_owned())
}

/// Checks a `fmt ` chunk. Gives the length of one second of sound, in bytes.
fn pulse_code(format: &[u8]) -> Result<usize, String> {
    let (pairs, _) = format.as_chunks::<2>();
    let &[kind, channels, rate, rate_high, _, _, _, bits, ..] = pairs else {
        return Err("has a broken head".to_owned());
    };
    let [low, high] = [rate, rate_high].map(|pair| u32::from(u16::from_le_bytes(pair)));
    let rate = high << 16 | low;
    let [kind, channels, bits] = [kind, channels, bits].map(u16::from_le_bytes);
    if kind != 1 || bits != 16 {
        return Err(format!(
            "is encoded as {kind} with {bits} bits; it must be PCM (1) with 16 bits"
        ));
    }
    if !(1..=2).contains(&channels) || !(8_000..=48_000).contains(&rate) {
        return Err(format!(
            "has {channels} channels at {rate} Hz; it must have 1 or 2 at 8000 to 48000 Hz"
        ));
    }
    let second = rate.saturating_mul(2 * u32::from(channels));
    Ok(usize::try_from(second).unwrap_or(usize::MAX))
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

    #[derive(Clone, Copy)]
    struct Wav {
        kind: u16,
        channels: u16,
        rate: u32,
        bits: u16,
        samples: usize,
    }

    const GOOD: Wav = Wav {
        kind: 1,
        channels: 1,
        rate: 16_000,
        bits: 16,
        samples: 10,
    };

    fn wav(wav: Wav) -> Vec<u8> {
        let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
        // An odd chunk that players skip.
        bytes.extend(b"LIST\x03\0\0\0abc\0");
        bytes.extend(b"fmt \x10\0\0\0");
        bytes.extend(wav.kind.to_le_bytes());
        bytes.extend(wav.channels.to_le_bytes());
        bytes.extend(wav.rate.to_le_bytes());
        bytes.extend((wav.rate * 2).to_le_bytes());
        bytes.extend(2_u16.to_le_bytes());
        bytes.extend(wav.bits.to_le_bytes());
        bytes.extend(b"data");
        bytes.extend(u32::try_from(wav.samples * 2).unwrap().to_le_bytes());
        bytes.extend(vec![0; wav.samples * 2]);
        bytes
    }

    #[rstest::rstest]
    #[case::good(wav(GOOD), None)]
    #[case::stereo(wav(Wav { channels: 2, rate: 48_000, ..GOOD }), None)]
    #[case::mp3(b"ID3\x04".to_vec(), Some("no WAV"))]
    #[case::empty(Vec::new(), Some("no WAV"))]
    #[case::another_riff(b"RIFF\0\0\0\0AVI ".to_vec(), Some("no WAV"))]
    #[case::compressed(wav(Wav { kind: 85, ..GOOD }), Some("must be PCM"))]
    #[case::eight_bits(wav(Wav { bits: 8, ..GOOD }), Some("must be PCM"))]
    #[case::six_channels(wav(Wav { channels: 6, ..GOOD }), Some("1 or 2"))]
    #[case::too_fast(wav(Wav { rate: 96_000, ..GOOD }), Some("48000"))]
    #[case::silent(wav(Wav { samples: 0, ..GOOD }), Some("no sound"))]
    #[case::nearly_half_a_minute(wav(Wav { rate: 8_000, samples: 239_999, ..GOOD }), None)]
    #[case::half_a_minute(wav(Wav { rate: 8_000, samples: 240_000, ..GOOD }), Some("lasts 30"))]
    #[case::breaks_off(wav(GOOD)[..60].to_vec(), Some("breaks off"))]
    #[case::head_only(wav(GOOD)[..44].to_vec(), Some("breaks off"))]
    fn a_sound_must_be_plain_wav(#[case] bytes: Vec<u8>, #[case] problem: Option<&str>) {
        match (sound(&bytes), problem) {
            (Ok(()), None) => {}
            (Err(said), Some(problem)) => assert!(said.contains(problem), "{said}"),
            (checked, _) => panic!("{checked:?}"),
        }
    }
}
