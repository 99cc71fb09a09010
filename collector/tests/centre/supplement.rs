//! The page behind the code: what a citizen's own telephone is told.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use manyi_shared::domain::{Level, Outcome, Seq, ServiceEvent, TerminalId};
use manyi_shared::wire::TerminalMessage as _;
use manyi_shared::wire::{SecretKey, Supplement};

use crate::rules::send;
use crate::support::{Answer, Centre, Tablet, seq};

const HOUR: i64 = 3_600_000;

fn token(tablet: &Tablet, target: Seq) -> String {
    let token = Supplement {
        terminal: tablet.terminal,
        stream: tablet.stream,
        target,
        hours: 48,
    };
    URL_SAFE_NO_PAD.encode(token.seal(&tablet.key))
}

async fn page(centre: &Centre, token: &str) -> (StatusCode, String, Answer) {
    let answer = centre.get(&format!("/s/{token}")).await;
    let text = String::from_utf8(answer.body.clone()).expect("text");
    (answer.status, text, answer)
}

#[tokio::test]
async fn the_page_tells_whether_the_rating_has_arrived_and_until_when_it_may_be_added_to() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::VeryDissatisfied);
    let token = token(&tablet, seq(2));

    let (status, text, _) = page(&centre, &token).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        text.contains("正在传送") && text.contains("on its way"),
        "{text}"
    );
    assert!(text.contains("http-equiv=\"refresh\""), "{text}");

    send(&centre, &mut tablet, 1, 2).await;
    let (status, text, answer) = page(&centre, &token).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("已收到您的评价"), "{text}");
    assert!(
        text.contains("has arrived") && text.contains("大厅服务台"),
        "{text}"
    );
    assert!(!text.contains("http-equiv=\"refresh\""), "{text}");
    // Nothing of the rating, nothing to remember anybody by.
    for word in ["非常不满意", "★", "level", "<script", "A01"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(answer.headers["cache-control"], "no-store");

    centre.clock.advance(48 * HOUR - 1);
    assert_eq!(page(&centre, &token).await.0, StatusCode::OK);
    centre.clock.advance(1);
    let (status, text, _) = page(&centre, &token).await;
    assert_eq!(status, StatusCode::GONE);
    assert!(text.contains("期限已过"), "{text}");
}

#[tokio::test]
async fn a_code_that_is_not_ours_opens_nothing() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::Satisfied);
    tablet.end(Outcome::Declined, ServiceEvent::default());
    send(&centre, &mut tablet, 1, 3).await;
    let mut wrong = vec![
        "hello".to_owned(),
        "%20".to_owned(),
        "A".repeat(601),
        // The opening of the stream, and a prompt that nobody rated.
        token(&tablet, seq(1)),
        token(&tablet, seq(3)),
    ];
    let key = std::mem::replace(&mut tablet.key, SecretKey::from_seed(&[8; 32]));
    wrong.push(token(&tablet, seq(2)));
    (tablet.key, tablet.terminal) = (key, TerminalId::random());
    wrong.push(token(&tablet, seq(2)));
    for token in wrong {
        let (status, text, _) = page(&centre, &token).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{token}");
        assert!(
            text.contains("无法识别") && text.contains("not known"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_to_wait() {
    let centre = Centre::new().await;
    let mut last = StatusCode::OK;
    for _ in 0..=60 {
        let answer = centre.get("/s/nothing").await;
        last = answer.status;
        if last == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.headers.contains_key("retry-after"));
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}
