//! What the tablet says.
