//! What a process costs, as the kernel counts it.

use std::fs;

use anyhow::Context as _;

/// The memory of a process in KiB: PSS, where a page that several processes map counts in parts.
///
/// # Errors
/// When the process is gone or belongs to somebody else.
pub fn pss_kib(process: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{process}/smaps_rollup");
    let rollup = fs::read_to_string(&path).with_context(|| format!("could not read `{path}`"))?;
    let pss = rollup.lines().find_map(|line| {
        let kib = line.strip_prefix("Pss:")?.trim().strip_suffix("kB")?;
        kib.trim().parse().ok()
    });
    pss.with_context(|| format!("`{path}` has no Pss"))
}

/// What a process made the system write to disks so far, in bytes: whole pages as they become dirty,
/// less those that were thrown away before they were written. Nothing in memory counts.
///
/// # Errors
/// When the process is gone or belongs to somebody else.
pub fn written_bytes(process: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{process}/io");
    let io = fs::read_to_string(&path).with_context(|| format!("could not read `{path}`"))?;
    written_of(&io).with_context(|| format!("`{path}` does not say what was written: {io}"))
}

fn written_of(io: &str) -> Option<u64> {
    let field = |name: &str| {
        let line = io.lines().find_map(|line| line.strip_prefix(name));
        line?.strip_prefix(':')?.trim().parse::<u64>().ok()
    };
    Some(field("write_bytes")?.saturating_sub(field("cancelled_write_bytes")?))
}

/// The processor time that a process and its threads have used, in seconds.
///
/// # Errors
/// When the process is gone.
pub fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("could not read `{path}`"))?;
    let ticks = ticks_of(&stat).with_context(|| format!("`{path}` has no times: {stat}"))?;
    #[expect(clippy::cast_precision_loss, reason = "years of ticks are exact")]
    let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    Ok(seconds)
}

/// Fields 14 and 15. The name in brackets, the second field, may hold anything.
fn ticks_of(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "12 (a) 9 (b) S 1 12 12 0 -1 4194304 100 0 0 0 340 21 0 0 20 0 8 0 99 1 2";
        assert_eq!(ticks_of(stat), Some(361));
    }

    #[test]
    fn what_was_thrown_away_before_it_was_written_does_not_count() {
        let io = "rchar: 9\nwchar: 8\nwrite_bytes: 12288\ncancelled_write_bytes: 4096\n";
        assert_eq!(written_of(io), Some(8192));
        assert!(written_bytes(std::process::id()).is_ok());
    }

    #[test]
    fn a_process_has_memory() {
        assert!(pss_kib(std::process::id()).expect("our own") > 100);
    }
}
