//! How bright the screen is.
