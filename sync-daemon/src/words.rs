//! Times and sizes for people.

/// A length of time, to two digits or so: `12 s`, `5 min`, `3 h`, `40 days`, `56 years`.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3600),
        172_800..=63_071_999 => format!("{} days", seconds / 86_400),
        _ => format!("{} years", seconds / 31_536_000),
    }
}

/// A size: `800 KiB`, `12 MiB`, `3 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes / KIB),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes / KIB / KIB),
        _ => format!("{} GiB", bytes / KIB / KIB / KIB),
    }
}

/// `1 record`, `2 records`.
pub(crate) fn count(n: u64, one: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {one}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(0, "0 s")]
    #[case(119_999, "119 s")]
    #[case(120_000, "2 min")]
    #[case(7_200_000, "2 h")]
    #[case(172_800_000, "2 days")]
    #[case(1_767_225_600_000, "56 years")]
    fn spans(#[case] ms: u64, #[case] said: &str) {
        assert_eq!(span(ms), said);
    }

    #[rstest::rstest]
    #[case(0, "0 KiB")]
    #[case(67_108_864, "64 MiB")]
    #[case(32_000_000_000, "29 GiB")]
    fn sizes(#[case] bytes: u64, #[case] said: &str) {
        assert_eq!(size(bytes), said);
    }
}
