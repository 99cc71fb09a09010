//! What a sound of a profile must be: said once for the office that takes it, the daemon that
//! fetches it and the terminal that plays it.

/// The terminal plays no longer sounds, in seconds.
const MAX_SECONDS: usize = 30;

/// Checks the head of a sound: WAV, uncompressed (PCM), one or two channels of 16 bits, shorter
/// than 30 seconds: what the terminal plays.
///
/// # Errors
/// What is wrong with it.
pub fn check_sound(bytes: &[u8]) -> Result<(), String> {
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
    use super::*;

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
        match (check_sound(&bytes), problem) {
            (Ok(()), None) => {}
            (Err(said), Some(problem)) => assert!(said.contains(problem), "{said}"),
            (checked, _) => panic!("{checked:?}"),
        }
    }
}
