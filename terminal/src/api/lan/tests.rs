use std::sync::mpsc::channel;

use super::*;
use crate::registry::{Health, Registry};

struct Pair {
    folder: tempfile::TempDir,
    certificate: PathBuf,
    key: PathBuf,
    der: CertificateDer<'static>,
}

fn pair() -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = folder.path().join("lan.crt");
    let key = folder.path().join("lan.key");
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    Pair {
        folder,
        certificate,
        key,
        der: made.cert.der().clone(),
    }
}

#[tokio::test]
async fn the_door_speaks_tls_with_its_own_certificate() {
    let pair = pair();
    let registry = Arc::<Registry>::default();
    let window = WindowId::new("A01").unwrap();
    registry.set_health(Health {
        window: Some(window.clone()),
        ..Health::default()
    });
    let data = DataDir::new(pair.folder.path());
    let token = LanToken::make(&data, window).unwrap();
    let (conductor, _inbox) = channel();
    let router = router(Api::new(conductor, registry), &data);
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = tls(&pair.certificate, &pair.key).unwrap();
    tokio::spawn(serve_on(listener, Some(tls), router));

    let mut roots = rustls::RootCertStore::empty();
    roots.add(pair.der).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trusting = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(trusting)
        .build()
        .unwrap();
    let url = format!("https://localhost:{port}/v1/health");
    let answer = client.get(&url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer = client.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 401);
}

#[test]
fn a_certificate_that_cannot_be_used_is_named() {
    let (one, other) = (pair(), pair());
    let nowhere = Path::new("/nowhere/lan.crt");
    let missing = chain(&tls(nowhere, &one.key).unwrap_err());
    assert!(missing.contains("/nowhere/lan.crt"), "{missing}");
    let swapped = chain(&tls(&one.key, &one.certificate).unwrap_err());
    assert!(swapped.contains("lan."), "{swapped}");
    let foreign = chain(&tls(&one.certificate, &other.key).unwrap_err());
    assert!(foreign.contains("cannot be used with its key"), "{foreign}");
}
