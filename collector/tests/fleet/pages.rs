//! The pages and the API, as a browser and a program meet them.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use axum::http::{Request, StatusCode};
use manyi_collector::access::{Grant, Place, Role};
use manyi_collector::alert::settings::AlertSettings;
use manyi_collector::alert::task::Watcher;
use manyi_collector::clock::Clock as _;
use manyi_collector::store::UserStore;
use manyi_collector::store::users::{NewSession, OfficeUser};
use manyi_shared::wire::{EnrolmentCode, SecretKey, digest};

use crate::states::beat;
use crate::support::{Centre, Tablet, enrol_request, suite};

struct Office {
    centre: Centre,
    tablet: Tablet,
    cookie: String,
}

impl Office {
    /// A centre, a logged-in user, and a terminal that cannot keep its records.
    async fn new() -> Self {
        let centre = Centre::new().await;
        let token = "t".repeat(43);
        let now_ms = centre.clock.now_ms();
        let user = OfficeUser {
            name: "office".to_owned(),
            grants: vec![Grant::role(Role::Administrator, Place::Everywhere)],
            ..OfficeUser::default()
        };
        assert!(centre.store.add_first_user(user, now_ms).await.unwrap());
        let session = NewSession {
            digest: digest(token.as_bytes()),
            id: "session".to_owned(),
            user: "office".to_owned(),
            expires_ms: now_ms + 3_600_000,
            device: String::new(),
            network: String::new(),
            waits: false,
        };
        let added = centre.store.add_session(session, None, now_ms);
        added.await.unwrap();
        let mut tablet = centre.tablet("A01").await;
        let body = beat(&mut tablet, |health| {
            health.journal_problem = Some("disk is full".to_owned());
        });
        centre.exchange(&tablet, body).await;
        Self {
            centre,
            tablet,
            cookie: format!("manyi_session={token}"),
        }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(COOKIE, &self.cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, form: &str) -> (StatusCode, String) {
        let request = Request::post(path)
            .header(COOKIE, &self.cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap())
            .await
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let answer = self.centre.request(request, [127, 0, 0, 1]).await;
        let text = String::from_utf8(answer.body).unwrap();
        (answer.status, text)
    }
}

#[tokio::test]
async fn the_list_shows_the_trouble_in_both_languages_and_can_be_narrowed() {
    let office = Office::new().await;
    let id = office.tablet.terminal.to_string();
    let (status, zh) = office.get("/office/fleet").await;
    assert_eq!(status, StatusCode::OK);
    assert!(zh.contains("无法保存评价") && zh.contains(&id), "{zh}");
    let (_, en) = office.get("/office/fleet?lang=en").await;
    assert!(en.contains("cannot keep ratings"), "{en}");
    let (_, ready) = office.get("/office/fleet?state=ready&lang=en").await;
    assert!(
        !ready.contains(&id) && ready.contains("No terminals"),
        "{ready}"
    );
    let (status, _) = office.get("/office/fleet?hall=000000-00").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, part) = office.get("/office/fleet/list").await;
    assert_eq!(status, StatusCode::OK);
    assert!(part.contains(&id) && !part.contains("<html"), "{part}");
}

#[tokio::test]
async fn a_terminals_page_tells_all_and_takes_it_out_of_use_after_asking_again() {
    let office = Office::new().await;
    let path = format!("/office/fleet/{}", office.tablet.terminal);
    let (status, page) = office.get(&format!("{path}?lang=en")).await;
    assert_eq!(status, StatusCode::OK);
    for text in [
        "disk is full",
        "48 °C",
        "32 GiB",
        "manyi-terminal 0.1.0",
        "6 / 6",
        "idle",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    let (status, _) = office.post(&format!("{path}/rotate"), "").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (_, page) = office.get(&format!("{path}?lang=en")).await;
    assert!(page.contains("A new key is wanted"), "{page}");
    let (_, ask) = office.get(&format!("{path}/revoke?lang=en")).await;
    assert!(ask.contains("Take this terminal out of use?"), "{ask}");
    let (_, list) = office.get("/office/fleet").await;
    assert!(list.contains(&path), "asking changes nothing");
    office.post(&format!("{path}/revoke"), "").await;
    let (_, list) = office.get("/office/fleet").await;
    assert!(!list.contains(&path), "{list}");
    let (_, retired) = office.get("/office/fleet?state=retired").await;
    assert!(retired.contains(&path), "{retired}");
    let (status, _) = office.get("/office/fleet/nobody").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_code_is_shown_once_and_enrols() {
    let office = Office::new().await;
    let (status, form) = office.get("/office/fleet/codes?lang=en").await;
    assert_eq!(status, StatusCode::OK);
    assert!(form.contains("371581-01 A02"), "{form}");
    let asked = "place=371581-01+A02&valid=10m&collector=https%3A%2F%2Frate.example.cn";
    let (status, page) = office.post("/office/fleet/codes", asked).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("<svg") && page.contains("https://rate.example.cn"));
    let start = page.find("fleet-code-text\">").unwrap() + "fleet-code-text\">".len();
    let text = &page[start..];
    let code: EnrolmentCode = text[..text.find('<').unwrap()].parse().unwrap();
    let (_, again) = office.get("/office/fleet/codes").await;
    assert!(!again.contains(&code.to_string()), "shown once");
    let key = SecretKey::generate(suite()).unwrap();
    let enrolled = enrol_request(&code, &key);
    let answer = office.centre.post("/device/v1/enrol", enrolled).await;
    assert_eq!(answer.status, StatusCode::OK);
    for wrong in [
        "place=371581-01+Z99&valid=10m&collector=x",
        "place=371581-01+A02&valid=99d&collector=x",
        "place=nowhere&valid=10m&collector=x",
    ] {
        let (status, _) = office.post("/office/fleet/codes", wrong).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

#[tokio::test]
async fn an_alert_is_taken_in_hand_on_its_page() {
    let office = Office::new().await;
    let (_, page) = office.get("/office/alerts?lang=en").await;
    assert!(page.contains("No alerts"), "{page}");
    let centre = &office.centre;
    let settings = AlertSettings::default();
    let mut watcher = Watcher::new(centre.store.clone(), centre.clock.clone(), settings);
    watcher.round().await;
    let (_, page) = office.get("/office/alerts?lang=en").await;
    assert!(page.contains("the terminal cannot keep ratings"), "{page}");
    let start = page.find("action=\"/office/alerts/").unwrap() + "action=\"".len();
    let action = &page[start..start + page[start..].find('"').unwrap()];
    let (status, _) = office.post(action, "").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (_, page) = office.get("/office/alerts?lang=en").await;
    assert!(
        !page.contains("I am on it") && page.contains("office 2026-"),
        "{page}"
    );
}

#[tokio::test]
async fn a_program_reads_the_fleet_with_a_token() {
    let office = Office::new().await;
    let token = office.centre.token().await;
    let ask = |path: String| {
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
        office.centre.ask(request.body(Body::empty()).unwrap())
    };
    let (status, fleet) = ask("/api/v1/fleet".to_owned()).await;
    assert_eq!(status, StatusCode::OK);
    let terminal = &fleet["terminals"][0];
    assert_eq!(terminal["state"], "degraded");
    assert_eq!(terminal["reasons"][0], "journal");
    assert_eq!(terminal["screen"]["painting"], "paints");
    assert_eq!(terminal["screen"]["page"], "idle");
    let id = office.tablet.terminal;
    let (status, one) = ask(format!("/api/v1/fleet/{id}")).await;
    assert_eq!(
        (status, &one["terminal"]),
        (StatusCode::OK, &id.to_string().into())
    );
    let (status, none) = ask("/api/v1/fleet?state=ready".to_owned()).await;
    assert_eq!(
        (status, &none["terminals"]),
        (StatusCode::OK, &serde_json::json!([]))
    );
    for wrong in [
        "/api/v1/fleet?state=fine",
        "/api/v1/fleet?hall=none",
        "/api/v1/fleet/7",
    ] {
        let (status, _) = ask(wrong.to_owned()).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{wrong}");
    }
}
