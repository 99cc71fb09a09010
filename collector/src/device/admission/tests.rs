//! The gates with a handler that takes as long as the test wants.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::HttpBody as _;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::routing::post;
use http_body_util::channel::Channel;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::*;

/// Gates before a handler that waits until it is opened, and counts who is inside.
struct Hall {
    router: Router,
    admission: Arc<Admission>,
    open: watch::Sender<bool>,
    most: Arc<AtomicUsize>,
}

impl Hall {
    fn new(slots: u32, memory_mib: u32) -> Self {
        let config = Config {
            exchange_slots: slots,
            exchange_memory_mib: memory_mib,
            ..Config::load(None, |_| None, None).expect("defaults")
        };
        let admission = Arc::new(Admission::new(&config));
        let (open, opened) = watch::channel(false);
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counting, highest) = (Arc::clone(&inside), Arc::clone(&most));
        let handler = move |body: Bytes| {
            let (mut opened, counting) = (opened.clone(), Arc::clone(&counting));
            let highest = Arc::clone(&highest);
            async move {
                let now = counting.fetch_add(1, Ordering::SeqCst) + 1;
                highest.fetch_max(now, Ordering::SeqCst);
                let waited = opened.wait_for(|open| *open).await.map(drop);
                tokio::time::sleep(Duration::from_millis(20)).await;
                counting.fetch_sub(1, Ordering::SeqCst);
                waited.expect("the test goes on");
                body
            }
        };
        let gates = axum::middleware::from_fn_with_state(Arc::clone(&admission), admit);
        Self {
            router: Router::new().route("/", post(handler)).layer(gates),
            admission,
            open,
            most,
        }
    }

    /// Sends a body and lets things happen until nothing more does.
    async fn send(&self, body: Body) -> tokio::task::JoinHandle<Response> {
        let length = body.size_hint().exact();
        let mut request = Request::post("/").body(body).expect("a request");
        if let Some(length) = length {
            request.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        let router = self.router.clone();
        let sent = tokio::spawn(async move {
            let Ok::<_, Infallible>(response) = router.oneshot(request).await;
            response
        });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        sent
    }

    fn held(&self) -> usize {
        self.admission.memory_bytes - self.admission.memory.available_permits()
    }
}

fn wish(response: &Response) -> u64 {
    let wish = response.headers().get(RETRY_AFTER).expect("a wish");
    wish.to_str().expect("text").parse().expect("seconds")
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_slots_are_worked_on_and_who_waits_gets_a_turn() {
    let hall = Hall::new(3, 64);
    let mut sent = Vec::new();
    for n in 0..20_u8 {
        sent.push(hall.send(Body::from(vec![n; 100])).await);
    }
    assert_eq!(hall.held(), 2000);
    hall.open.send_replace(true);
    for (n, sent) in sent.into_iter().enumerate() {
        let response = sent.await.expect("answered");
        assert_eq!(response.status(), StatusCode::OK);
        let body = axum::body::to_bytes(response.into_body(), 1000).await;
        assert!(
            body.expect("a body")
                .iter()
                .all(|byte| usize::from(*byte) == n)
        );
    }
    assert_eq!(hall.most.load(Ordering::SeqCst), 3);
    assert_eq!(hall.held(), 0);
    assert_eq!(hall.admission.pace().waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn when_the_line_is_long_the_others_are_told_to_come_back_at_different_times() {
    let hall = Hall::new(1, 64);
    let mut sent = Vec::new();
    // At the guessed pace of 100 a second the line holds 200.
    for _ in 0..600 {
        sent.push(hall.send(Body::from(vec![1; 100])).await);
    }
    hall.open.send_replace(true);
    let (mut served, mut wishes) = (0, Vec::new());
    for sent in sent {
        let response = sent.await.expect("answered");
        match response.status() {
            StatusCode::OK => served += 1,
            StatusCode::SERVICE_UNAVAILABLE => wishes.push(wish(&response)),
            other => panic!("{other}"),
        }
    }
    assert!((200..=203).contains(&served), "{served}");
    wishes.sort_unstable();
    // The line takes 2 s and 75 of a second's 100 are promised: 400 take five seconds more.
    assert!(
        wishes.first().is_some_and(|first| (2..=3).contains(first)),
        "{wishes:?}"
    );
    assert!(
        wishes.last().is_some_and(|last| (7..=8).contains(last)),
        "{wishes:?}"
    );
    assert_eq!(hall.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_has_no_room_is_told_before_the_body_is_read() {
    let hall = Hall::new(4, 1);
    let first = hall.send(Body::from(vec![1; 700_000])).await;
    let second = hall.send(Body::from(vec![2; 700_000])).await;
    let response = second.await.expect("answered");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(wish(&response) >= 1);
    let third = hall.send(Body::from(vec![3; 100])).await;
    hall.open.send_replace(true);
    assert_eq!(first.await.expect("answered").status(), StatusCode::OK);
    assert_eq!(third.await.expect("answered").status(), StatusCode::OK);
    assert_eq!(hall.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn bodies_that_never_arrive_hold_no_slot_and_only_what_has_arrived_of_them() {
    let hall = Hall::new(1, 1);
    let mut open = Vec::new();
    let mut stalled = Vec::new();
    for _ in 0..50 {
        let (mut sender, body) = Channel::<Bytes>::new(4);
        sender
            .send_data(Bytes::from(vec![7; 10]))
            .await
            .expect("taken");
        stalled.push(hall.send(Body::new(body)).await);
        open.push(sender);
    }
    assert_eq!(hall.held(), 500);
    hall.open.send_replace(true);
    let honest = hall.send(Body::from(vec![1; 100])).await;
    assert_eq!(honest.await.expect("answered").status(), StatusCode::OK);
    for stalled in stalled {
        let response = stalled.await.expect("answered");
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    }
    assert_eq!(hall.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_is_refused_whether_it_says_so_or_not() {
    let hall = Hall::new(1, 64);
    hall.open.send_replace(true);
    let long = vec![1; MAX_EXCHANGE_BYTES + 1];
    let said = hall.send(Body::from(long.clone())).await;
    assert_eq!(
        said.await.expect("answered").status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let (mut sender, body) = Channel::<Bytes>::new(100);
    for part in long.chunks(10_000) {
        let part = Bytes::copy_from_slice(part);
        sender.send_data(part).await.expect("taken");
    }
    drop(sender);
    let unsaid = hall.send(Body::new(body)).await;
    assert_eq!(
        unsaid.await.expect("answered").status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(hall.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_sender_who_goes_away_leaves_its_place_in_the_line() {
    let hall = Hall::new(1, 64);
    let first = hall.send(Body::from("one")).await;
    let second = hall.send(Body::from("two")).await;
    assert_eq!(hall.admission.pace().waiting(), 1);
    second.abort();
    second.await.expect_err("gone");
    assert_eq!(hall.admission.pace().waiting(), 0);
    assert_eq!(hall.held(), 3);
    hall.open.send_replace(true);
    assert_eq!(first.await.expect("answered").status(), StatusCode::OK);
}
