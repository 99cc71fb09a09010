//! The largest things the protocol takes, each with its reason. A sender splits to stay below; a
//! receiver refuses what is above before it spends memory on it.

/// One record, in bytes. A rating is about 100; a sealed comment of 500 characters stays under
/// 3 KiB; 4 KiB is one page of the journal and of the card.
pub const MAX_RECORD_BYTES: usize = 4096;

/// Records in one exchange. 500 is what a tablet sends; twice that leaves room for a later change.
pub const MAX_RECORDS: usize = 1000;

/// Records that the daemon puts into one exchange: past 500 the compression gains nothing more and
/// a lost reply costs a longer repetition.
pub const SEND_RECORDS: usize = 500;

/// Record bytes in one exchange, decompressed: [`MAX_RECORDS`] ordinary records with room, or 256
/// of the largest.
pub const MAX_RUN_BYTES: usize = 1024 * 1024;

/// An exchange as sent, in bytes. nginx takes 1 MiB bodies by default, so every proxy in between
/// lets it through.
pub const MAX_EXCHANGE_BYTES: usize = 768 * 1024;

/// Prompts of the centre's own in one reply, and receipts of them in one exchange.
pub const MAX_PROMPTS: usize = 16;

/// Counts in one fold: four years of hours with a handful of outcomes would not fit, so a journal makes
/// several folds; 1,000 entries are about 12 KiB of a signed head.
pub const MAX_FOLD_ENTRIES: usize = 1000;

/// Claims in one exchange: about 4 KiB. A journal with more streams takes turns.
pub const MAX_CLAIMS: usize = 64;

/// A file of a profile (a picture, a sound), in bytes: a photograph at the screen's size.
pub const MAX_ASSET_BYTES: usize = 2 * 1024 * 1024;

/// An enrolment request, in bytes: a code, a key and two texts.
pub const MAX_ENROL_BYTES: usize = 4096;

/// A reply, in bytes: an acknowledgement and at most one profile with its clerks and items.
pub const MAX_REPLY_BYTES: usize = 512 * 1024;

/// Text fields such as a software version, in bytes.
pub const MAX_TEXT_BYTES: usize = 200;

/// Nesting of arrays, maps and tags in any CBOR that is taken; ours nests 4 deep.
pub const MAX_DEPTH: usize = 8;
