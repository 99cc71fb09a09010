//! Every word of the pages in every language: none missing, none unfinished, each drawable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use manyi_ui::fonts::{Coverage, locate};
use manyi_ui::languages::{LANGUAGES, LanguageInfo, select};
use manyi_ui::{Page, ReasonsAdapter, Tag};
use rspolib::POEntry;
use slint::{Global as _, ModelRc, VecModel};

use crate::glass::{SIZES, element, labels, settle, slint_files, window_at};

/// One `@tr` of the pages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    context: Option<String>,
    singular: String,
    plural: Option<String>,
}

/// The next string literal of Slint source, unescaped, and what follows it.
fn literal(source: &str) -> Option<(String, &str)> {
    let mut characters = source.trim_start().strip_prefix('"')?.char_indices();
    let start = source.trim_start().get(1..)?;
    let mut text = String::new();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((text, start.get(at..)?)),
            '\\' => match characters.next()?.1 {
                'n' => text.push('\n'),
                plain => text.push(plain),
            },
            plain => text.push(plain),
        }
    }
    None
}

/// `@tr("words")`, `@tr("context" => "words")` and `@tr("one" | "many" % n)`.
fn messages_of(source: &str) -> BTreeSet<Message> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut found = BTreeSet::new();
    for call in code.split("@tr(").skip(1) {
        let (first, rest) = literal(call).expect("@tr begins with a string");
        let rest = rest.strip_prefix('"').unwrap_or(rest).trim_start();
        let (context, singular, rest) = match rest.strip_prefix("=>") {
            Some(words) => {
                let (singular, rest) = literal(words).expect("a string after the context");
                (Some(first), singular, rest)
            }
            None => (None, first, rest),
        };
        let rest = rest.strip_prefix('"').unwrap_or(rest).trim_start();
        let plural = rest
            .strip_prefix('|')
            .map(|words| literal(words).expect("a string after the bar").0);
        found.insert(Message {
            context,
            singular,
            plural,
        });
    }
    found
}

fn all_messages() -> BTreeSet<Message> {
    let mut found = BTreeSet::new();
    for file in slint_files() {
        let source = std::fs::read_to_string(&file).expect("a readable .slint file");
        found.extend(messages_of(&source));
    }
    found
}

fn path_of(language: &LanguageInfo) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("translations")
        .join(language.catalogue)
        .join("LC_MESSAGES/manyi-ui.po")
}

fn translated() -> impl Iterator<Item = &'static LanguageInfo> {
    LANGUAGES
        .iter()
        .filter(|language| !language.catalogue.is_empty())
}

fn catalogue(language: &LanguageInfo) -> Vec<POEntry> {
    let path = path_of(language);
    let file = rspolib::pofile(path.as_path())
        .unwrap_or_else(|error| panic!("could not read {}: {error}", path.display()));
    file.entries
}

/// The places to fill: `{}`, `{0}`, `{n}`, in sorted order.
fn places(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = text
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(place, _)| place))
        .collect();
    found.sort_unstable();
    found
}

/// What is wrong with the translation of one message, for whoever has to write it.
fn fault(message: &Message, entries: &[POEntry]) -> Option<String> {
    let entry = entries
        .iter()
        .find(|entry| entry.msgid == message.singular && entry.msgctxt == message.context);
    let Some(entry) = entry else {
        return Some("is missing".into());
    };
    if entry.obsolete || entry.flags.iter().any(|flag| flag == "fuzzy") {
        return Some("is fuzzy or obsolete".into());
    }
    let forms: Vec<&str> = match &message.plural {
        None => entry.msgstr.as_deref().into_iter().collect(),
        Some(_) => entry.msgstr_plural.iter().map(String::as_str).collect(),
    };
    if forms.is_empty() || forms.iter().any(|form| form.trim().is_empty()) {
        return Some("is empty".into());
    }
    // A singular may say "one" instead of the number.
    let wanted = places(message.plural.as_ref().unwrap_or(&message.singular));
    forms
        .iter()
        .find(|form| message.plural.is_none() && places(form) != wanted)
        .map(|form| format!("has other places to fill: `{form}`"))
}

#[test]
fn every_word_of_the_pages_is_translated_into_every_language() {
    let messages = all_messages();
    assert!(
        messages.len() > 90,
        "only {} messages found",
        messages.len()
    );
    let mut faults = Vec::new();
    for language in translated() {
        let entries = catalogue(language);
        for message in &messages {
            if let Some(fault) = fault(message, &entries) {
                faults.push(format!(
                    "{}: msgid {:?} {fault}",
                    path_of(language).display(),
                    message.singular
                ));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn the_reader_of_sources_knows_contexts_escapes_and_plurals() {
    let source = r#"
        // @tr("a comment")
        text: @tr("two\n\"lines\"") + @tr("menu" => "open {}", x);
        @tr("one file" | "{n} files" % count)
    "#;
    let message = |context: Option<&str>, singular: &str, plural: Option<&str>| Message {
        context: context.map(Into::into),
        singular: singular.into(),
        plural: plural.map(Into::into),
    };
    let expected = BTreeSet::from([
        message(None, "two\n\"lines\"", None),
        message(Some("menu"), "open {}", None),
        message(None, "one file", Some("{n} files")),
    ]);
    assert_eq!(messages_of(source), expected);
}

/// The check above must see each kind of fault.
#[test]
fn a_missing_fuzzy_empty_or_misfilled_translation_is_a_fault() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.po");
    std::fs::write(
        &path,
        "msgid \"\"\nmsgstr \"\"\n\nmsgid \"good {}\"\nmsgstr \"gut {}\"\n\n\
         #, fuzzy\nmsgid \"unsure\"\nmsgstr \"unsicher\"\n\nmsgid \"empty\"\nmsgstr \"\"\n\n\
         msgid \"lost {}\"\nmsgstr \"verloren\"\n",
    )
    .expect("a written file");
    let entries = rspolib::pofile(path.as_path())
        .expect("a catalogue")
        .entries;
    let fault_of = |singular: &str| {
        let message = Message {
            context: None,
            singular: singular.into(),
            plural: None,
        };
        fault(&message, &entries)
    };
    assert_eq!(fault_of("good {}"), None);
    for singular in ["unsure", "empty", "lost {}", "never heard of"] {
        assert!(fault_of(singular).is_some(), "{singular}");
    }
}

#[test]
fn every_character_of_every_catalogue_has_a_glyph() {
    let shipped = Coverage::read(&locate(None).expect("the fonts are in the source tree"))
        .expect("the fonts are readable");
    for language in &LANGUAGES {
        assert_eq!(
            shipped.missing_glyphs(language.own_name),
            Vec::<char>::new(),
            "{}",
            language.code
        );
    }
    for language in translated() {
        for entry in catalogue(language) {
            for form in entry.msgstr.iter().chain(&entry.msgstr_plural) {
                assert_eq!(
                    shipped.missing_glyphs(form),
                    Vec::<char>::new(),
                    "{}: {form}",
                    language.code
                );
            }
        }
    }
}

/// Every Uyghur letter, Arabic with its marks, and the Devanagari signs of conjuncts.
#[test]
fn every_letter_of_the_joined_scripts_has_a_glyph() {
    let shipped = Coverage::read(&locate(None).expect("the fonts are in the source tree"))
        .expect("the fonts are readable");
    for letters in [
        "ئابپتجچخدرزژسشغفقكگڭلمنھوۇۆۈۋېىيە",
        "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيًٌٍَُِّْ،؛؟",
        "अआइईउऊऋएऐओऔकखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहक़ख़ग़ज़ड़ढ़फ़ंःँ़्ािीुूृेैोौ।",
        "àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜ«»",
    ] {
        assert_eq!(shipped.missing_glyphs(letters), Vec::<char>::new());
    }
}

/// Code and Chinese name of each national tag.
fn national_tags() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/tags.csv");
    let text = std::fs::read_to_string(path).expect("the national tags");
    text.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',').skip(2);
            let mut field = || fields.next().expect("a code and a name").to_owned();
            (field(), field())
        })
        .collect()
}

fn show_tags(window: &manyi_ui::KioskWindow, tags: Vec<Tag>) {
    ReasonsAdapter::get(window).set_tags(ModelRc::new(VecModel::from(tags)));
    settle();
}

fn national(code: &str) -> Tag {
    Tag {
        code: code.into(),
        text: "".into(),
        chosen: false,
    }
}

#[test]
fn a_national_tag_shows_the_words_of_its_code_in_the_language_of_the_page() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Reasons);
    let national_tags = national_tags();
    assert_eq!(national_tags.len(), 40);
    for language in &LANGUAGES {
        select(language.code).expect("a known language");
        let entries = if language.catalogue.is_empty() {
            Vec::new()
        } else {
            catalogue(language)
        };
        for (code, name) in &national_tags {
            let words = entries
                .iter()
                .find(|entry| entry.msgid == *name)
                .and_then(|entry| entry.msgstr.clone())
                .unwrap_or_else(|| name.clone());
            show_tags(&window, vec![national(code)]);
            element(&window, &words);
        }
    }
}

#[test]
fn the_words_of_the_office_win_over_those_of_the_code() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Reasons);
    let own = Tag {
        text: "等候时间太长".into(),
        ..national("214")
    };
    show_tags(&window, vec![own]);
    element(&window, "等候时间太长");
    assert!(!labels(&window).iter().any(|label| label == "服务态度生硬"));
}

#[test]
fn selecting_a_language_changes_the_words_at_once_and_back() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Ask);
    for (code, word) in [
        ("en", "Very satisfied"),
        ("ug", "ناھايىتى رازى"),
        ("zh-Hant", "非常滿意"),
        ("zh-Hans", "非常满意"),
    ] {
        select(code).expect("a known language");
        settle();
        element(&window, word);
    }
    assert!(select("xx").is_err());
    settle();
    element(&window, "非常满意");
}
