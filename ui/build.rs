//! Compiles `kiosk.slint` and everything it imports.

fn main() {
    // Element handles find nothing without debug information, and a test that finds nothing must
    // fail in every profile; the strings cost a few kilobytes.
    let config = slint_build::CompilerConfiguration::new().with_debug_info(true);
    if let Err(error) = slint_build::compile_with_config("kiosk.slint", config) {
        panic!("could not compile kiosk.slint: {error}");
    }
}
