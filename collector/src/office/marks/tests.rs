//! Marks from the records to the page, on a real database.

use axum::http::StatusCode;
use axum::http::header::COOKIE;

use crate::api::tests::support::{TestApp, ms};
use crate::marks::{file, task};
use crate::store::marks::{Kept, MarkState};
use crate::store::{IngestStore, MarkStore, ScoreStore};

const PASSWORD: &str = "a-long-password";

/// Six ratings in six quarters of an hour; the third was answered after 300 ms.
async fn filled() -> TestApp {
    let app = TestApp::new().await;
    app.sql("UPDATE hall SET hall_id = 'H0'; UPDATE service_window SET hall_id = 'H0'")
        .await;
    let ratings: Vec<_> = [0, 5, 8, 14, 15, 21]
        .map(|slot| (0, slot, 0, 1, 4, 14))
        .into();
    app.ended(&ratings).await;
    app.sql("UPDATE record SET response_ms = 300 + seq * 0 WHERE seq = 2")
        .await;
    app
}

async fn look(app: &TestApp) -> Kept {
    let halls = app.store.halls().await.unwrap();
    let rules = file::load(std::path::Path::new("/nowhere")).unwrap();
    let now = ms(crate::api::tests::support::NOW);
    task::look(app.store.as_ref(), &halls[0], &rules, now)
        .await
        .unwrap()
}

#[tokio::test]
async fn looking_again_gives_the_same_marks_and_only_new_records_are_looked_at() {
    let app = filled().await;
    assert_eq!(
        look(&app).await,
        Kept {
            opened: 1,
            lapsed: 0
        }
    );
    assert_eq!(look(&app).await, Kept::default());
    let halls = app.store.halls().await.unwrap();
    let hall = halls[0].id.clone();
    let now = ms(crate::api::tests::support::NOW);
    assert_eq!(app.store.unmarked(hall.clone(), now).await.unwrap(), None);

    // A record that comes later is looked at with its whole day, and an old mark stays one mark.
    app.sql(
        "UPDATE record SET response_ms = 200, received_ms = received_ms + 500000000 WHERE seq = 4",
    )
    .await;
    assert_eq!(
        look(&app).await,
        Kept {
            opened: 1,
            lapsed: 0
        }
    );
    // Its time to the answer was another after all (other thresholds do the same).
    app.sql(
        "UPDATE record SET response_ms = 2000, received_ms = received_ms + 9000000 WHERE seq = 4",
    )
    .await;
    assert_eq!(
        look(&app).await,
        Kept {
            opened: 0,
            lapsed: 1
        }
    );
    let counts = app.store.mark_counts(hall).await.unwrap();
    let states: Vec<_> = counts.iter().map(|(_, state, n)| (*state, *n)).collect();
    assert_eq!(states, [(MarkState::Lapsed, 1), (MarkState::Open, 1)]);
    // Nothing of it changed a count.
    let token = app.token().await;
    let body = app
        .scores(&token, "from=2026-03-01&to=2026-03-01")
        .await
        .json();
    assert_eq!(body["total"]["counts"]["rated"], 6);
}

#[tokio::test]
async fn a_decision_stands_and_can_be_taken_back_and_each_is_kept() {
    let app = filled().await;
    look(&app).await;
    app.user(PASSWORD, false).await;
    let session = app.log_in(PASSWORD).await;
    let page = app.get_as("/office/marks", &session).await.text;
    assert!(page.contains("response_ms=300 below_ms=1000"), "{page}");
    let (terminal, stream) = (
        "00000000-0000-0000-0000-000000000001",
        "00000000-0000-0000-0000-000000000001",
    );
    let form = |to: &str, why: &str| {
        format!("hall=H0&terminal={terminal}&stream={stream}&seq=2&rule=too_soon&to={to}&why={why}")
    };
    let cookie = [(COOKIE.as_str(), session.as_str())];
    let path = "/office/marks/decide";
    for (form, status) in [
        (form("dismissed", ""), StatusCode::BAD_REQUEST),
        (form("lapsed", "x"), StatusCode::BAD_REQUEST),
        (
            form("dismissed", "x").replace("seq=2", "seq=3"),
            StatusCode::NOT_FOUND,
        ),
        (
            form("dismissed", "x").replace("hall=H0", "hall=H7"),
            StatusCode::NOT_FOUND,
        ),
        (form("dismissed", "regular"), StatusCode::SEE_OTHER),
    ] {
        assert_eq!(
            app.post(path, &form, &cookie).await.status,
            status,
            "{form}"
        );
    }
    // Looking again does not open what was dismissed.
    app.sql("UPDATE record SET received_ms = received_ms + 500000000 WHERE seq = 5")
        .await;
    assert_eq!(look(&app).await, Kept::default());
    let page = app
        .get_as("/office/marks?state=dismissed", &session)
        .await
        .text;
    assert!(page.contains("office · regular"), "{page}");
    assert_eq!(
        app.post(path, &form("open", "mistake"), &cookie)
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    let page = app
        .get_as("/office/marks?state=open&rule=too_soon", &session)
        .await
        .text;
    assert!(page.contains("office · mistake"), "{page}");
    let refused = app.get_as("/office/marks?rule=none", &session).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn scores_without_marked_ratings_are_the_same_counts_less_those() {
    let app = filled().await;
    look(&app).await;
    let token = app.token().await;
    let query = "from=2026-03-01&to=2026-03-01&group=window,level";
    let with = app.scores(&token, query).await.json();
    let without = app
        .scores(&token, &format!("{query}&without_marked=true"))
        .await
        .json();
    assert_eq!(with["total"]["counts"]["rated"], 6);
    assert_eq!(without["total"]["counts"]["rated"], 5);
    assert_eq!(without["total"]["counts"]["levels"]["4"], 5);
    assert_eq!(without["groups"][0]["counts"]["rated"], 5);
    assert_eq!(without["scope"]["without_marked"], true);
    let elsewhere = format!("{query}&without_marked=true&window=A02");
    let body = app.scores(&token, &elsewhere).await.json();
    assert_eq!(body["total"]["counts"]["rated"], 0);
    // Dismissed: it counts again.
    app.sql("UPDATE mark SET state = 'dismissed'").await;
    let again = app
        .scores(&token, &format!("{query}&without_marked=true"))
        .await
        .json();
    assert_eq!(again["total"]["counts"], with["total"]["counts"]);
    assert_eq!(
        app.scores(&token, "without_marked=maybe").await.status,
        StatusCode::BAD_REQUEST
    );
    // The names of the windows are the hall's.
    assert!(
        !app.store
            .names(crate::store::scores::Column::Window)
            .await
            .unwrap()
            .is_empty()
    );
}
