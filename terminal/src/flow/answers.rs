//! What a citizen answers beside the level: languages, corrections, numbers, odd fingers.
