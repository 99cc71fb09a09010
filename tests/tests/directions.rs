//! Who may import whom: the directions of docs/ARCHITECTURE.md, held by reading manifests and source.
//!
//! Pure modules decide; they get the time and everything else as arguments. The list of what they
//! may name is closed: a new need is a decision, made here, not an accident.

#![expect(
    clippy::indexing_slicing,
    reason = "a test's own parser may panic; it then fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use manyi_e2e::programs;
use serde_json::Value;

/// What every pure module may name of the standard library.
const STD: [&str; 14] = [
    "std::borrow",
    "std::cmp",
    "std::collections",
    "std::convert",
    "std::error",
    "std::fmt",
    "std::hash",
    "std::iter",
    "std::mem",
    "std::num",
    "std::ops",
    "std::str",
    "std::sync::LazyLock",
    "std::time::Duration",
];

/// A module, what it may name beside [`STD`] and itself.
struct Module {
    file: &'static str,
    may_name: &'static [&'static str],
}

const SHARED: &[&str] = &["manyi_shared::domain", "manyi_shared::wire"];

const PURE: [Module; 7] = [
    // Identifiers are drawn and printed by uuid, which is no I/O of ours; callers' keys are digests.
    Module {
        file: "shared/src/domain.rs",
        may_name: &["serde", "sha2", "thiserror", "uuid"],
    },
    Module {
        file: "terminal/src/flow.rs",
        may_name: SHARED,
    },
    Module {
        file: "sync-daemon/src/uplink.rs",
        may_name: SHARED,
    },
    // The hall's day of a moment that a record names; clippy.toml forbids jiff's own clock.
    Module {
        file: "collector/src/ingest.rs",
        may_name: &[
            "manyi_shared::domain",
            "manyi_shared::wire",
            "jiff::Timestamp",
            "jiff::tz::TimeZone",
            "thiserror::Error",
        ],
    },
    // Checks what ingest stored, with rules of its own; the names of kinds of evidence are the parts'.
    Module {
        file: "collector/src/verify.rs",
        may_name: &[
            "manyi_shared::domain",
            "manyi_shared::wire",
            "crate::day",
            "crate::ingest",
            "crate::roots",
            "minicbor",
        ],
    },
    Module {
        file: "collector/src/access.rs",
        may_name: &["manyi_shared::domain", "thiserror::Error"],
    },
    Module {
        file: "collector/src/score.rs",
        may_name: SHARED,
    },
];

/// Layers that are not closed lists, but may not name these.
const LAYERS: [(&str, &[&str]); 2] = [
    (
        "shared/src/wire.rs",
        &[
            "crate::journal",
            "crate::tablet",
            "rusqlite",
            "rustix",
            "std::fs",
            "std::net",
            "std::time",
        ],
    ),
    ("shared/src/journal.rs", &["crate::tablet"]),
];

#[test]
fn packages_depend_in_one_direction_only() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("manyi-shared", [].as_slice()),
        ("manyi-ui", &[]),
        ("manyi-terminal", &["manyi-shared", "manyi-ui"]),
        ("manyi-sync", &["manyi-shared"]),
        ("manyi-collector", &["manyi-shared"]),
        // Simulated tablets run the daemon's own code, and thousands of them enrol at the collector's
        // own router; no program imports tests.
        (
            "manyi-e2e",
            &["manyi-shared", "manyi-sync", "manyi-collector"],
        ),
    ]);
    for package in packages() {
        let name = text(&package, "name");
        let may = allowed
            .get(name)
            .unwrap_or_else(|| panic!("`{name}` is new; say here what it may depend on"));
        for dependency in normal_dependencies(&package) {
            let other = text(&dependency, "name");
            let ours = other.starts_with("manyi-");
            assert!(
                !ours || may.contains(&other),
                "`{name}` must not depend on `{other}`"
            );
        }
    }
}

#[test]
fn the_collector_does_not_link_the_journal() {
    let packages = packages();
    let collector = packages
        .iter()
        .find(|p| text(p, "name") == "manyi-collector")
        .expect("a member");
    let shared: Vec<Value> = normal_dependencies(collector)
        .into_iter()
        .filter(|d| text(d, "name") == "manyi-shared")
        .collect();
    assert_eq!(shared.len(), 1);
    let features = shared[0]["features"].as_array().expect("a list");
    assert!(!features.contains(&"journal".into()), "{features:?}");
}

#[test]
fn only_the_terminal_builds_slint() {
    for package in packages() {
        let name = text(&package, "name");
        if ["manyi-ui", "manyi-terminal"].contains(&name) {
            continue;
        }
        let all = package["dependencies"].as_array().expect("a list");
        let slint = all
            .iter()
            .map(|d| text(d, "name"))
            .find(|n| n.contains("slint") || *n == "manyi-ui");
        assert_eq!(slint, None, "`{name}` must build without Slint");
    }
}

#[test]
fn pure_modules_name_no_io_no_clock_and_no_other_part() {
    let mut faults = Vec::new();
    for module in PURE {
        let own = own_path(module.file);
        for (file, path) in paths_named_by(module.file) {
            let fine = STD
                .iter()
                .chain(module.may_name)
                .chain([&own.as_str()])
                .any(|allowed| is_under(&path, allowed))
                || is_relative(&path);
            if !fine {
                faults.push(format!("{} names `{path}`", file.display()));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "pure modules must not:\n{}",
        faults.join("\n")
    );
}

#[test]
fn layers_of_shared_name_only_the_ones_before_them() {
    let mut faults = Vec::new();
    for (root, forbidden) in LAYERS {
        for (file, path) in paths_named_by(root) {
            if forbidden.iter().any(|other| is_under(&path, other)) {
                faults.push(format!("{} names `{path}`", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "layers must not:\n{}", faults.join("\n"));
}

#[test]
fn the_reader_of_paths_sees_groups_inline_paths_and_no_comments_strings_or_tests() {
    let source = r#"
        //! std::net is only a word here.
        use std::{fs::{self, File}, collections::BTreeMap as Map};
        fn f() -> std::io::Result<()> { let x = "tokio::spawn"; /* axum::Json */ Vec::<u8>::new(); g::<rusqlite::Error>() }
        #[cfg(test)]
        mod tests { use proptest::prelude::*; fn g() { if true {} } }
        fn after() { reqwest::get() }
    "#;
    let found = paths(&code_of(source));
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let wanted = [
        "std::fs::self",
        "std::fs::File",
        "std::collections::BTreeMap",
        "std::io::Result",
        "rusqlite::Error",
        "reqwest::get",
    ];
    for path in wanted {
        assert!(found.contains(path), "{path} is not in {found:?}");
    }
    for path in [
        "std::net",
        "tokio::spawn",
        "axum::Json",
        "proptest::prelude",
    ] {
        assert!(!found.contains(path), "{path} is in {found:?}");
    }
}

// --- manifests ---------------------------------------------------------------------------------

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
        "--offline",
        "--locked",
    ]);
    let printed =
        programs::run(command.current_dir(programs::checkout())).expect("cargo metadata answers");
    let metadata: Value = serde_json::from_str(&printed).expect("JSON");
    metadata["packages"].as_array().expect("a list").clone()
}

fn normal_dependencies(package: &Value) -> Vec<Value> {
    let all = package["dependencies"].as_array().expect("a list").iter();
    all.filter(|dependency| dependency["kind"] != "dev")
        .cloned()
        .collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no `{key}` in {value}"))
}

// --- sources -----------------------------------------------------------------------------------

fn own_path(file: &str) -> String {
    let stem = Path::new(file)
        .file_stem()
        .expect("a file")
        .to_string_lossy();
    format!("crate::{stem}")
}

fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Paths that start at `super` or `self`, or at a name that is no crate: a type, an enum, a module
/// that was imported, whose import is judged by itself.
fn is_relative(path: &str) -> bool {
    let first = path.split("::").next().unwrap_or_default();
    first != "crate" && !CRATES.contains(&first) && !is_known_crate(first)
}

/// Crates of the toolchain.
const CRATES: [&str; 3] = ["std", "core", "alloc"];

/// Whether any package of the workspace depends on a crate of this name.
fn is_known_crate(name: &str) -> bool {
    static KNOWN: std::sync::LazyLock<BTreeSet<String>> = std::sync::LazyLock::new(|| {
        let packages = packages();
        let dependencies = packages
            .iter()
            .flat_map(|p| p["dependencies"].as_array().expect("a list"));
        let of_registry = dependencies.map(|d| {
            d["rename"]
                .as_str()
                .unwrap_or_else(|| text(d, "name"))
                .replace('-', "_")
        });
        of_registry
            .chain(packages.iter().map(|p| text(p, "name").replace('-', "_")))
            .collect()
    });
    KNOWN.contains(name)
}

/// Every path that a module and its submodules name outside tests, with the file.
fn paths_named_by(root: &str) -> Vec<(PathBuf, String)> {
    let checkout = programs::checkout();
    let mut found = Vec::new();
    let mut files = vec![PathBuf::from(root)];
    while let Some(file) = files.pop() {
        let source = fs::read_to_string(checkout.join(&file))
            .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let code = code_of(&source);
        let below = file.with_extension("");
        for name in submodules(&code) {
            let flat = below.join(format!("{name}.rs"));
            files.push(if checkout.join(&flat).exists() {
                flat
            } else {
                below.join(name).join("mod.rs")
            });
        }
        found.extend(paths(&code).into_iter().map(|path| (file.clone(), path)));
    }
    assert!(!found.is_empty(), "nothing was read of {root}");
    found
}

/// A source without comments, without the content of strings, and without what is for tests only.
fn code_of(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").map_or(rest.len(), |end| end + 2)
        } else if next == '"' {
            string_length(rest)
        } else if rest.starts_with("'\"'") {
            3
        } else {
            code.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[skipped..];
    }
    without_tests(&code)
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Cuts every item that follows `#[cfg(test)]`: up to its `;`, or to the end of its braces.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        kept.push_str(&rest[..at]);
        rest = &rest[at + MARK.len()..];
        let mut depth = 0_usize;
        let end = rest.char_indices().find_map(|(at, letter)| {
            match letter {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            let ends = depth == 0 && matches!(letter, ';' | '}');
            ends.then_some(at + 1)
        });
        rest = &rest[end.unwrap_or(rest.len())..];
    }
    kept + rest
}

fn submodules(code: &str) -> Vec<String> {
    let words: Vec<String> = tokens(code);
    let named =
        |window: &[String]| (window[0] == "mod" && window[2] == ";").then(|| window[1].clone());
    words.windows(3).filter_map(named).collect()
}

/// All paths of two segments or more, groups of `use` taken apart.
fn paths(code: &str) -> Vec<String> {
    let words = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let starts = is_word(&words[at]) && words.get(at + 1).is_some_and(|next| next == "::");
        at = if starts {
            path(&words, at, "", &mut found)
        } else {
            at + 1
        };
    }
    found
}

/// Reads one path from `at` and answers where it ends.
fn path(words: &[String], mut at: usize, prefix: &str, found: &mut Vec<String>) -> usize {
    let mut so_far = prefix.to_owned();
    while let Some(word) = words.get(at) {
        if word == "{" {
            at += 1;
            while words.get(at).is_some_and(|word| word != "}") {
                let is_start = is_word(&words[at]) || words[at] == "*" || words[at] == "{";
                at = if is_start {
                    path(words, at, &so_far, found)
                } else {
                    at + 1
                };
            }
            return at + 1;
        }
        if !is_word(word) {
            // `::*` or `::<`: what stands before is the path.
            found.push(so_far.trim_end_matches("::").to_owned());
            return at.max(1) + usize::from(word == "*");
        }
        so_far.push_str(word);
        at += 1;
        if words.get(at).is_none_or(|next| next != "::") {
            found.push(so_far);
            let renamed = words.get(at).is_some_and(|word| word == "as");
            return if renamed { at + 2 } else { at };
        }
        so_far.push_str("::");
        at += 1;
    }
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(next) = rest.chars().next() {
        let length = if rest.starts_with("::") {
            2
        } else if next.is_alphanumeric() || next == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len())
        } else {
            next.len_utf8()
        };
        let token = &rest[..length];
        if !token.trim().is_empty() {
            tokens.push(token.to_owned());
        }
        rest = &rest[length..];
    }
    tokens
}
