//! The check of everything that is stored.

pub(in crate::store) mod verify;
