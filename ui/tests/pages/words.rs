//! The exact words the field requires, and a glyph for every character that can be shown.

use std::path::Path;

use manyi_ui::fonts::{Coverage, locate};
use manyi_ui::{OutOfServiceAdapter, OutOfServiceReason, Page};
use slint::Global as _;

use crate::glass::{SIZES, labels, settle, slint_files, window_at};

fn shipped() -> Coverage {
    Coverage::read(&locate(None).expect("the fonts are in the source tree"))
        .expect("the fonts are readable")
}

/// Comments count too: a word may move from there to the screen.
#[test]
fn every_character_of_every_slint_file_has_a_glyph() {
    let coverage = shipped();
    for file in slint_files() {
        let text = std::fs::read_to_string(&file).expect("a readable .slint file");
        assert_eq!(
            coverage.missing_glyphs(&text),
            Vec::<char>::new(),
            "{}",
            file.display()
        );
    }
}

#[test]
fn every_character_of_every_national_tag_has_a_glyph() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/tags.csv");
    let text = std::fs::read_to_string(&path).expect("the national tags");
    assert!(text.lines().count() > 40, "five levels of eight tags");
    assert_eq!(shipped().missing_glyphs(&text), Vec::<char>::new());
}

/// Rare characters of real given names and place names, from the third level of the standard table.
#[test]
fn rare_characters_of_names_have_a_glyph_and_a_missing_one_is_named_once() {
    let coverage = shipped();
    assert_eq!(
        coverage.missing_glyphs("李玥婳 赵翀 王喆 张燊 刘垚 陈昉昉 邓稼轩 阿依古丽·买买提"),
        Vec::<char>::new()
    );
    assert_eq!(
        coverage.missing_glyphs("陈\u{20BB7}\u{20BB7}明\n"),
        ['\u{20BB7}']
    );
    assert!(coverage.len() > 11_000 && !coverage.is_empty());
}

#[test]
fn the_invitation_is_the_sentence_of_the_field() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Ask);
    let labels = labels(&window);
    let invitation = "您好，您的业务已全部办结，请对我们的服务进行评价，谢谢！";
    assert!(labels.iter().any(|label| label == invitation), "{labels:?}");
    for part in ["居民身份证到期换领", "王晓梅", "0127", "12", "综合服务窗口"] {
        assert!(
            labels.iter().any(|label| label.contains(part)),
            "{part} in {labels:?}"
        );
    }
}

#[test]
fn each_reason_for_standing_still_has_its_own_words() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::OutOfService);
    let adapter = OutOfServiceAdapter::get(&window);
    adapter.set_detail("E-17".into());
    adapter.set_contact("信息科".into());
    let mut seen: Vec<Vec<String>> = Vec::new();
    for reason in [
        OutOfServiceReason::NotEnrolled,
        OutOfServiceReason::JournalUnreadable,
        OutOfServiceReason::JournalNewerVersion,
        OutOfServiceReason::StorageFull,
        OutOfServiceReason::Revoked,
        OutOfServiceReason::FontMissing,
        OutOfServiceReason::NotKept,
        OutOfServiceReason::Other,
    ] {
        adapter.set_reason(reason);
        settle();
        let labels = labels(&window);
        assert!(labels.iter().any(|label| label == "E-17"), "{reason:?}");
        assert!(
            labels.iter().any(|label| label == "请联系：信息科"),
            "{reason:?}"
        );
        assert!(
            !seen.contains(&labels),
            "{reason:?} says what another reason says"
        );
        seen.push(labels);
    }
    adapter.set_reason(OutOfServiceReason::NotKept);
    settle();
    let told = "抱歉，您的评价未能保存，请告知工作人员";
    assert!(labels(&window).iter().any(|label| label == told));
}
