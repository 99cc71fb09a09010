//! Prompts that the office asks for, with a terminal's API in place.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use manyi_shared::wire::{OfficePrompt, Profile, ProfileOptions};
use manyi_sync::daemon::Options;
use manyi_sync::uplink::Pace;

use crate::collector::profile;
use crate::tablet::{Hall, Running, pace};
use crate::wait_for;

/// A terminal's API that takes prompts and remembers them.
#[derive(Debug, Clone)]
struct Api {
    address: SocketAddr,
    state: Arc<Mutex<Asked>>,
}

#[derive(Debug)]
struct Asked {
    status: StatusCode,
    prompts: Vec<(HeaderMap, serde_json::Value)>,
}

impl Api {
    async fn start(status: StatusCode) -> Self {
        let asked = Asked {
            status,
            prompts: Vec::new(),
        };
        let state = Arc::new(Mutex::new(asked));
        let router = Router::new()
            .route("/v1/prompts", post(take))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, state }
    }

    fn count(&self) -> usize {
        self.state.lock().unwrap().prompts.len()
    }
}

async fn take(
    State(state): State<Arc<Mutex<Asked>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let mut state = state.lock().unwrap();
    let body = serde_json::from_slice(&body).unwrap();
    state.prompts.push((headers, body));
    (state.status, "{}")
}

fn prompt(id: u8, valid_ms: u64) -> OfficePrompt {
    OfficePrompt {
        id: [id; 16],
        valid_ms,
        window: "A01".to_owned(),
        staff: Some("LQ0101".to_owned()),
        item: None,
        case_number: Some("LQ-2026-7".to_owned()),
        item_name: None,
        staff_name: Some("王芳".to_owned()),
    }
}

impl Hall {
    fn receipts(&self) -> Vec<(u8, bool)> {
        let centre = self.collector.centre();
        let receipts = centre.receipts.iter();
        receipts
            .map(|receipt| (receipt.id[0], receipt.taken))
            .collect()
    }

    fn daemon_beside(&self, api: SocketAddr, pace: Pace) -> Running {
        self.tablet.daemon_with(Options {
            prompt_api: format!("http://{api}/v1/prompts"),
            ..self.tablet.options(pace)
        })
    }
}

#[tokio::test]
async fn a_prompt_is_handed_over_with_its_key_and_the_receipt_follows_at_once() {
    let hall = Hall::new().await;
    let api = Api::start(StatusCode::CREATED).await;
    hall.collector.centre().prompts = vec![prompt(1, 60_000), prompt(2, 60_000)];
    // After the first exchange no heartbeat is due for ten minutes.
    let slow = Pace {
        heartbeat: Duration::from_secs(600),
        ..pace()
    };
    let daemon = hall.daemon_beside(api.address, slow);
    wait_for("both receipts", || hall.receipts().len() >= 2).await;
    wait_for("the centre carries none", || {
        hall.collector.centre().prompts.is_empty()
    })
    .await;
    daemon.stop().await;
    let asked = api.state.lock().unwrap();
    assert_eq!(asked.prompts.len(), 2, "each once");
    let (headers, body) = &asked.prompts[0];
    assert_eq!(
        headers["idempotency-key"],
        "office-01010101010101010101010101010101"
    );
    assert_eq!(headers["manyi-trigger"], "office");
    assert_eq!(headers["content-type"], "application/json");
    let expected = serde_json::json!({
        "window": "A01", "staff": "LQ0101", "case_number": "LQ-2026-7", "staff_name": "王芳",
    });
    assert_eq!(*body, expected);
    assert!(hall.receipts().iter().all(|(_, taken)| *taken));
}

#[rstest::rstest]
#[case::another_window(StatusCode::UNPROCESSABLE_ENTITY)]
#[case::out_of_service(StatusCode::SERVICE_UNAVAILABLE)]
#[tokio::test]
async fn a_refused_prompt_is_told_and_not_asked_again(#[case] status: StatusCode) {
    let hall = Hall::new().await;
    let api = Api::start(status).await;
    let daemon = hall.daemon_beside(api.address, pace());
    hall.collector.centre().prompts = vec![prompt(1, 60_000)];
    wait_for("the receipt", || !hall.receipts().is_empty()).await;
    // An office that was put back in time carries it again.
    hall.collector.centre().receipts.clear();
    hall.collector.centre().prompts = vec![prompt(1, 60_000)];
    wait_for("the same receipt", || !hall.receipts().is_empty()).await;
    daemon.stop().await;
    assert!(hall.receipts().iter().all(|receipt| *receipt == (1, false)));
    assert_eq!(api.count(), 1);
}

#[tokio::test]
async fn a_terminal_that_is_away_is_tried_until_the_prompt_makes_no_sense_any_more() {
    let hall = Hall::new().await;
    let api = Api::start(StatusCode::INTERNAL_SERVER_ERROR).await;
    hall.collector.centre().prompts = vec![prompt(1, 400)];
    let daemon = hall.daemon_beside(api.address, pace());
    wait_for("the receipt", || hall.receipts() == [(1, false)]).await;
    daemon.stop().await;
    assert!(api.count() > 1, "{}", api.count());
}

#[tokio::test]
async fn a_terminal_that_comes_back_in_time_is_asked() {
    let hall = Hall::new().await;
    let api = Api::start(StatusCode::INTERNAL_SERVER_ERROR).await;
    hall.collector.centre().prompts = vec![prompt(1, 60_000)];
    let daemon = hall.daemon_beside(api.address, pace());
    wait_for("two tries", || api.count() >= 2).await;
    api.state.lock().unwrap().status = StatusCode::CREATED;
    wait_for("the receipt", || hall.receipts() == [(1, true)]).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_profile_sets_the_pace_of_heartbeats() {
    let hall = Hall::new().await;
    let never = Pace {
        heartbeat: Duration::from_secs(600),
        ..pace()
    };
    hall.collector.centre().profile = Profile {
        options: Some(ProfileOptions {
            heartbeat_seconds: Some(2),
            ..ProfileOptions::default()
        }),
        ..profile(2)
    };
    let daemon = hall.tablet.daemon_at(never);
    wait_for("the next heartbeats", || {
        hall.collector.centre().heads.len() >= 3
    })
    .await;
    daemon.stop().await;
}
