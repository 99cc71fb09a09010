//! The only place that prints. Results go to standard output, errors to standard error.

use std::io::Write;

/// Prints one line of a result. A closed pipe (`| head`) ends nothing but the printing.
pub fn line(text: impl std::fmt::Display) {
    drop(writeln!(std::io::stdout().lock(), "{text}"));
}

/// Prints an error with all its causes.
pub fn error(error: &anyhow::Error) {
    drop(writeln!(
        std::io::stderr().lock(),
        "manyi-collector: {error:#}"
    ));
}

/// Prints a line for people beside a result that machines read.
pub fn note(text: impl std::fmt::Display) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}
