//! Files of profiles: to terminals of the hall, and to nobody else.

use axum::http::StatusCode;
use manyi_collector::hall::HallTables;
use manyi_collector::store::IngestStore;
use manyi_shared::domain::TerminalId;
use manyi_shared::wire::{AssetRequest, SecretKey, TerminalMessage as _, digest};

use crate::hall::files;
use crate::support::{Centre, Tablet, demo_data};

const PATH: &str = "/device/v1/asset";

fn picture() -> Vec<u8> {
    std::fs::read(demo_data().join("pictures/counter.png")).expect("a picture")
}

fn request(tablet: &Tablet, digest: [u8; 32]) -> Vec<u8> {
    let terminal = tablet.terminal;
    AssetRequest { terminal, digest }.seal(&tablet.key)
}

#[tokio::test]
async fn a_terminal_gets_the_file_that_its_profile_names_as_often_as_it_asks() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.profile_version = 0;
    let body = tablet.heartbeat();
    let (_, reply) = centre.exchange(&tablet, body).await;
    let bytes = reply.profile.expect("a profile");
    let profile = manyi_shared::wire::Profile::open(&bytes, &centre.key).expect("signed");
    let [(_, _, named)] = profile.assets()[..] else {
        panic!("one picture in the demo hall")
    };
    let body = request(&tablet, named);
    for _ in 0..2 {
        let answer = centre.post(PATH, body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers["content-type"], "application/octet-stream");
        assert_eq!(answer.body, picture());
    }
}

#[tokio::test]
async fn nobody_else_gets_a_file() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let named = digest(&picture());
    let refused = async |body: Vec<u8>, status: StatusCode, name: &str| {
        let answer = centre.post(PATH, body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, name));
    };
    let unknown = request(&tablet, [0; 32]);
    refused(unknown, StatusCode::NOT_FOUND, "not-found").await;
    refused(Vec::new(), StatusCode::BAD_REQUEST, "malformed").await;
    refused(vec![0; 1025], StatusCode::PAYLOAD_TOO_LARGE, "too-large").await;
    // A genuine message of the terminal's, but for another purpose.
    let heartbeat = tablet.heartbeat();
    refused(heartbeat, StatusCode::BAD_REQUEST, "malformed").await;
    let mine = tablet.terminal;
    tablet.terminal = TerminalId::random();
    let stranger = request(&tablet, named);
    refused(stranger, StatusCode::UNAUTHORIZED, "unknown-signer").await;
    tablet.terminal = mine;
    let genuine = request(&tablet, named);
    tablet.key = SecretKey::from_seed(&[5; 32]);
    let forged = request(&tablet, named);
    refused(forged, StatusCode::UNAUTHORIZED, "bad-signature").await;
    assert!(centre.store.revoke(mine).await.expect("stored"));
    refused(genuine, StatusCode::FORBIDDEN, "revoked").await;
}

#[tokio::test]
async fn a_file_of_another_hall_is_not_given_out() {
    let centre = Centre::new().await;
    let tablet = centre.tablet("A01").await;
    let mut tables = HallTables::read(&demo_data()).expect("whole");
    tables.hall.id = "371581-02".parse().expect("a hall");
    let secret = b"a clerk of the other hall".to_vec();
    let mut asset = tables.assets[0].clone();
    (asset.digest, asset.bytes) = (digest(&secret), secret.clone());
    tables.assets = vec![asset];
    let imported = centre.store.import_hall(tables).await.expect("stored");
    imported.expect("not refused");
    let answer = centre.post(PATH, request(&tablet, digest(&secret))).await;
    assert_eq!(answer.problem(), "not-found");
    // Nor what an import has taken out of the profiles.
    let dir = files();
    std::fs::remove_file(dir.path().join("profile.toml")).expect("removed");
    let tables = HallTables::read(dir.path()).expect("whole");
    let imported = centre.store.import_hall(tables).await.expect("stored");
    imported.expect("not refused");
    let answer = centre
        .post(PATH, request(&tablet, digest(&picture())))
        .await;
    assert_eq!(answer.problem(), "not-found");
}
