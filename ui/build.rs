//! Compiles `kiosk.slint`, everything it imports, and the catalogues under `translations`.

fn main() {
    // Element handles find nothing without debug information, and a test that finds nothing must
    // fail in every profile; the strings cost a few kilobytes.
    // The same Chinese words mean the same on every page, so the catalogues need no contexts.
    let config = slint_build::CompilerConfiguration::new()
        .with_debug_info(true)
        .with_default_translation_context(slint_build::DefaultTranslationContext::None)
        .with_bundled_translations("translations");
    if let Err(error) = slint_build::compile_with_config("kiosk.slint", config) {
        panic!("could not compile kiosk.slint: {error}");
    }
}
