//! The pause.

use manyi_ui::{Page, PausedAdapter};
use slint::Global as _;

use crate::glass::{SIZES, buttons, labels, listen, settle, tap, window_at};

#[test]
fn only_a_clerk_who_paused_can_end_it_here() {
    for size in SIZES {
        let window = window_at(size, Page::Paused);
        let heard = listen(&window);
        assert_eq!(buttons(&window), Vec::<String>::new());
        PausedAdapter::get(&window).set_clerk_may_end(true);
        settle();
        tap(&window, "恢复服务");
        assert_eq!(heard.take(), ["end"]);
        window.set_input_enabled(false);
        settle();
        tap(&window, "恢复服务");
        assert_eq!(heard.take(), Vec::<String>::new());
    }
}

#[test]
fn the_page_says_where_one_is_and_where_to_go_instead() {
    let window = window_at(SIZES[0], Page::Paused);
    let said = labels(&window);
    for words in [
        "暂停服务",
        "12号窗口　综合服务窗口",
        "请到 13 号窗口办理",
        "请联系：信息科 0571-0000 0000",
    ] {
        assert!(
            said.iter().any(|label| label == words),
            "{words} in {said:?}"
        );
    }
    let paused = PausedAdapter::get(&window);
    paused.set_text("".into());
    paused.set_contact("".into());
    paused.set_window_number("".into());
    settle();
    assert_eq!(labels(&window), ["暂停服务", "综合服务窗口"]);
}
