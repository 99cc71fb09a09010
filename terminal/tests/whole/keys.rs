//! Asking twice, and asking a window that pauses.

use manyi_shared::domain::Outcome;
use manyi_terminal::flow::Target;

use crate::terminal::{enrolled, kinds, ready, records};

#[test]
fn a_key_that_is_sent_again_asks_the_citizen_once() {
    let folder = enrolled();
    let mut terminal = ready(&folder);
    let body = r#"{"case_number":"C-1"}"#;
    let (status, first) = terminal.post_with_key("k-1", body);
    assert_eq!((status, &first["state"]), (201, &"asking".into()));
    let (status, again) = terminal.post_with_key("k-1", body);
    assert_eq!((status, &again), (200, &first));
    let (status, other) = terminal.post_with_key("k-1", r#"{"case_number":"C-2"}"#);
    assert_eq!(
        (status, &other["type"]),
        (409, &"urn:manyi:problem:key-reused".into())
    );
    terminal.touch("ask", Target::Decline);
    terminal.wait_page("idle");
    let (status, ended) = terminal.post_with_key("k-1", body);
    assert_eq!((status, &ended["id"]), (200, &first["id"]));
    assert_eq!(ended["recorded"], true);
    let data = terminal.data.clone();
    assert_eq!(terminal.stop(), 0);
    assert_eq!(kinds(&records(&data).concat()), [&Outcome::Declined]);
}

#[test]
fn a_key_that_was_refused_can_be_sent_again() {
    let folder = enrolled();
    let mut terminal = ready(&folder);
    terminal.call("PUT", "/v1/pause", r#"{"paused":true}"#);
    let (status, refused) = terminal.post_with_key("k-1", "{}");
    assert_eq!(
        (status, &refused["type"]),
        (503, &"urn:manyi:problem:paused".into())
    );
    assert_eq!(terminal.health()["paused"], true);
    terminal.call("PUT", "/v1/pause", r#"{"paused":false}"#);
    assert_eq!(terminal.post_with_key("k-1", "{}").0, 201);
    terminal.wait_page("ask");
    terminal.stop();
}

#[test]
fn a_key_of_an_earlier_start_asks_nobody_twice() {
    let folder = enrolled();
    let mut terminal = ready(&folder);
    let body = r#"{"case_number":"C-1"}"#;
    let (_, first) = terminal.post_with_key("k-1", body);
    terminal.touch("ask", Target::Decline);
    terminal.wait_page("idle");
    terminal.stop();

    let terminal = ready(&folder);
    let (status, again) = terminal.post_with_key("k-1", body);
    assert_eq!((status, &again["id"]), (200, &first["id"]));
    assert_eq!(again["recorded"], true);
    let data = terminal.data.clone();
    terminal.stop();
    assert_eq!(kinds(&records(&data).concat()), [&Outcome::Declined]);
}
