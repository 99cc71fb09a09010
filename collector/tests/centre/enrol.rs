//! Enrolment: one code, one identity.

use axum::http::StatusCode;
use manyi_shared::wire::{EnrolReply, EnrolmentCode, Profile, SecretKey, Suite, digest};

use crate::support::{Centre, enrol_request};

const PATH: &str = "/device/v1/enrol";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

#[tokio::test]
async fn a_code_becomes_an_identity_with_the_windows_profile() {
    let centre = Centre::new().await;
    let request = enrol_request(&centre.code("B03").await, &key(1));
    let answer = centre.post(PATH, request.clone()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let reply = EnrolReply::open(&answer.body, &digest(&request)).expect("signed");
    assert_eq!(reply.collector, centre.key);
    assert_eq!(reply.window.as_str(), "B03");
    let profile = Profile::open(&reply.profile, &centre.key).expect("signed profile");
    assert_eq!(profile.hall_name, "临清市政务服务中心");
    assert_eq!(profile.window_id, "B03");
    assert_eq!(profile.version, 1);
    assert!(!profile.items.is_empty() && !profile.staff.is_empty());
    let on_duty = profile.staff_on_duty.expect("somebody");
    assert!(profile.staff.iter().any(|s| s.id == on_duty));
}

#[tokio::test]
async fn the_same_key_may_ask_again_and_stays_the_same_terminal() {
    let centre = Centre::new().await;
    let request = enrol_request(&centre.code("A01").await, &key(1));
    let mut terminals = Vec::new();
    for _ in 0..2 {
        let answer = centre.post(PATH, request.clone()).await;
        let reply = EnrolReply::open(&answer.body, &digest(&request)).expect("signed");
        terminals.push(reply.terminal);
    }
    assert_eq!(terminals[0], terminals[1]);
    assert_eq!(centre.number("SELECT COUNT(*) FROM terminal"), 1);
}

#[tokio::test]
async fn wrong_expired_and_used_codes_are_refused_with_one_text() {
    let centre = Centre::new().await;
    let used = centre.code("A01").await;
    assert_eq!(
        centre
            .post(PATH, enrol_request(&used, &key(1)))
            .await
            .status,
        StatusCode::OK
    );
    let wrong = EnrolmentCode::generate(Suite::Ed25519Sha256).expect("randomness");
    let mut answers = vec![
        centre.post(PATH, enrol_request(&used, &key(2))).await,
        centre.post(PATH, enrol_request(&wrong, &key(2))).await,
    ];
    let expired = centre.code("A02").await;
    centre.clock.advance(600_000);
    answers.push(centre.post(PATH, enrol_request(&expired, &key(2))).await);
    // Also for the key that used it: afterwards nobody learns which codes there were.
    answers.push(centre.post(PATH, enrol_request(&used, &key(1))).await);
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.problem(), "enrolment-refused");
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(centre.number("SELECT COUNT(*) FROM terminal"), 1);
}

#[tokio::test]
async fn a_code_is_good_until_the_last_millisecond() {
    let centre = Centre::new().await;
    let code = centre.code("A01").await;
    centre.clock.advance(599_999);
    assert_eq!(
        centre
            .post(PATH, enrol_request(&code, &key(1)))
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn codes_are_not_kept_in_the_database() {
    let centre = Centre::new().await;
    let code = centre.code("A01").await;
    let digest: Vec<u8> = centre.sql("SELECT code_digest FROM enrolment_code");
    assert_eq!(digest, code.digest());
}

#[tokio::test]
async fn a_request_signed_with_another_key_than_it_brings_is_refused() {
    let centre = Centre::new().await;
    let mut request = enrol_request(&centre.code("A01").await, &key(1));
    let last = request.len() - 1;
    request[last] ^= 1;
    let answer = centre.post(PATH, request).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::UNAUTHORIZED, "bad-signature".into())
    );
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let centre = Centre::new().await;
    let whole = enrol_request(&centre.code("A01").await, &key(1));
    for body in [
        Vec::new(),
        b"hello".to_vec(),
        whole[..whole.len() / 2].to_vec(),
    ] {
        let answer = centre.post(PATH, body).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (StatusCode::BAD_REQUEST, "malformed".into())
        );
    }
    let answer = centre.post(PATH, vec![0; 5000]).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too-large".into())
    );
}

#[tokio::test]
async fn the_eleventh_try_of_a_minute_from_one_address_must_wait() {
    let centre = Centre::new().await;
    let wrong = EnrolmentCode::generate(Suite::Ed25519Sha256).expect("randomness");
    for _ in 0..10 {
        let answer = centre.post(PATH, enrol_request(&wrong, &key(1))).await;
        assert_eq!(answer.problem(), "enrolment-refused");
    }
    let answer = centre.post(PATH, enrol_request(&wrong, &key(1))).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.problem(), "too-many-requests");
    assert!(answer.headers.contains_key("retry-after"));
    // Another address still may; exchanges are not limited.
    let other = centre
        .post_from([10, 0, 0, 2], PATH, enrol_request(&wrong, &key(1)))
        .await;
    assert_eq!(other.problem(), "enrolment-refused");
    assert_eq!(
        centre
            .post("/device/v1/exchange", Vec::new())
            .await
            .problem(),
        "malformed"
    );
}

#[tokio::test]
async fn many_addresses_together_are_limited_too() {
    let centre = Centre::new().await;
    let wrong = EnrolmentCode::generate(Suite::Ed25519Sha256).expect("randomness");
    for n in 0..60 {
        let answer = centre
            .post_from([10, 1, 0, n], PATH, enrol_request(&wrong, &key(1)))
            .await;
        assert_eq!(answer.problem(), "enrolment-refused", "try {n}");
    }
    let answer = centre
        .post_from([10, 1, 0, 99], PATH, enrol_request(&wrong, &key(1)))
        .await;
    assert_eq!(answer.problem(), "too-many-requests");
}
