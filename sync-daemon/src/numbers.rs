//! Exchange numbers: strictly increasing over the terminal's life.
//!
//! **Crash**: a block is reserved in the journal, synced, before its first number is used; a
//! restart begins a new block and leaves the rest of the old one unused.
//!
//! Without a journal (the terminal has not started yet, its file cannot be read, its card is full)
//! there is nothing to reserve from. Heartbeats then count from what the centre last asked for. A number
//! that was used before is answered by "number anew" and changes nothing, so this is safe, only
//! one exchange longer.

use crate::journal::Journal;

/// Numbers reserved at a time: one synced commit for two hours of heartbeats.
const BLOCK: u32 = 256;

/// The numbers that may be used.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    next: u64,
    end: u64,
}

impl Numbers {
    /// A number that was not used before, as far as this tablet knows.
    pub(crate) fn take(&mut self, journal: &mut Journal) -> u64 {
        if self.next >= self.end {
            let at_least = self.next.max(1);
            // A provisional number is one alone: a journal that appears is asked for the next.
            let (first, count) = match journal.reserve_numbers(BLOCK, at_least) {
                Some(first) => (first, u64::from(BLOCK)),
                None => (at_least, 1),
            };
            self.next = first;
            self.end = first.saturating_add(count);
        }
        let number = self.next;
        self.next = number.saturating_add(1);
        number
    }

    /// The centre takes numbers from `next` on: the rest of the block is left unused.
    pub(crate) const fn start_anew(&mut self, next: u64) {
        self.next = next;
        self.end = next;
    }
}
