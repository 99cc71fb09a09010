//! Alerts are told outside: once, signed, again after a failure, not at night, not twice.

use std::path::PathBuf;
use std::sync::Arc;

use manyi_collector::alert::settings::{AlertSettings, MailList, Security, Smtp, Webhook};
use manyi_collector::alert::task::Watcher;
use manyi_collector::alert::webhook::signature;
use manyi_collector::alert::words::Tongue;
use manyi_collector::clock::{Clock as _, SetClock};
use manyi_collector::store::alerts::{AlertStore, WhichAlerts};
use manyi_collector::store::sqlite::SqliteStore;
use manyi_shared::wire::Health;

use crate::receivers::{Hook, Relay};
use crate::states::beat;
use crate::support::{Centre, NOW, Tablet};

const SECRET: &[u8] = b"a secret of thirty-two bytes, say";

fn webhooks(centre: &Centre, url: String) -> AlertSettings {
    let secret_file = centre.dir.path().join("webhook.secret");
    std::fs::write(&secret_file, [SECRET, b"\n"].concat()).unwrap();
    AlertSettings {
        webhooks: vec![Webhook {
            name: "duty".to_owned(),
            url,
            secret_file,
            halls: Vec::new(),
        }],
        ..AlertSettings::default()
    }
}

fn watcher(centre: &Centre, settings: &AlertSettings) -> Watcher {
    Watcher::new(centre.store.clone(), centre.clock.clone(), settings.clone())
}

/// A heartbeat with this trouble, now.
async fn say(centre: &Centre, tablet: &mut Tablet, change: impl FnOnce(&mut Health)) {
    let body = beat(tablet, change);
    centre.exchange(tablet, body).await;
}

fn no_room(health: &mut Health) {
    health.disk_free_bytes = Some(100 << 20);
}

fn cannot_keep(health: &mut Health) {
    health.journal_problem = Some("disk is full".to_owned());
}

async fn open_alerts(centre: &Centre) -> Vec<&'static str> {
    let alerts = centre.store.alerts(WhichAlerts::default()).await.unwrap();
    alerts.iter().map(|alert| alert.kind().name()).collect()
}

#[tokio::test]
async fn an_opening_is_told_once_and_its_signature_is_right() {
    let centre = Centre::new().await;
    let hook = Hook::default();
    let settings = webhooks(&centre, hook.listen().await);
    let mut tablet = centre.tablet("A01").await;
    say(&centre, &mut tablet, cannot_keep).await;
    let mut first = watcher(&centre, &settings);
    for _ in 0..3 {
        first.round().await;
    }
    // Another collector, and one that has just started.
    watcher(&centre, &settings).round().await;
    assert_eq!(open_alerts(&centre).await, ["journal"]);
    let got = hook.got.lock().unwrap().clone();
    assert_eq!(got.len(), 1, "told once");
    let (headers, body) = &got[0];
    let expected = signature(SECRET, NOW / 1000, body);
    assert_eq!(headers["manyi-signature"], expected.as_str());
    let json: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(json["id"], headers["manyi-message"].to_str().unwrap());
    assert_eq!(json["alerts"][0]["kind"], "journal");
    assert_eq!(json["alerts"][0]["window"], "A01");
}

#[tokio::test]
async fn several_collectors_on_one_database_tell_it_once() {
    let centre = Centre::new().await;
    let hook = Hook::default();
    let settings = webhooks(&centre, hook.listen().await);
    for window in ["A01", "A02", "A03"] {
        let mut tablet = centre.tablet(window).await;
        say(&centre, &mut tablet, cannot_keep).await;
    }
    // Each with a connection of its own to the database.
    let mut rounds = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = Arc::new(SqliteStore::open(centre.dir.path()).unwrap());
        let clock = Arc::new(SetClock::at(centre.clock.now_ms()));
        let mut watcher = Watcher::new(store, clock, settings.clone());
        rounds.spawn(async move {
            for _ in 0..3 {
                watcher.round().await;
            }
        });
    }
    rounds.join_all().await;
    let got = hook.got.lock().unwrap().clone();
    let told: Vec<String> = got
        .iter()
        .flat_map(|(_, body)| {
            let json: serde_json::Value = serde_json::from_slice(body).unwrap();
            let alerts = json["alerts"].as_array().unwrap().clone();
            alerts
                .into_iter()
                .map(|a| a["window"].as_str().unwrap().to_owned())
        })
        .collect();
    let mut sorted = told.clone();
    sorted.sort();
    assert_eq!(sorted, ["A01", "A02", "A03"], "{told:?}");
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_later_with_the_same_message() {
    let centre = Centre::new().await;
    let hook = Hook::default();
    let settings = webhooks(&centre, hook.listen().await);
    let mut tablet = centre.tablet("A01").await;
    say(&centre, &mut tablet, cannot_keep).await;
    hook.answer(500);
    hook.answer(503);
    let mut one = watcher(&centre, &settings);
    one.round().await;
    one.round().await;
    assert_eq!(hook.count(), 1, "not at once");
    centre.clock.advance(30_000);
    one.round().await;
    assert_eq!(hook.count(), 2);
    // The collector is started anew meanwhile; the second pause is twice as long.
    let mut other = watcher(&centre, &settings);
    centre.clock.advance(59_999);
    other.round().await;
    assert_eq!(hook.count(), 2);
    centre.clock.advance(1);
    other.round().await;
    other.round().await;
    let got = hook.got.lock().unwrap().clone();
    assert_eq!(got.len(), 3);
    let ids: Vec<_> = got
        .iter()
        .map(|(headers, _)| &headers["manyi-message"])
        .collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    let signatures: std::collections::BTreeSet<_> = got
        .iter()
        .map(|(headers, _)| headers["manyi-signature"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(signatures.len(), 3, "each try says when it is");
}

#[tokio::test]
async fn a_collector_that_dies_with_a_message_in_hand_leaves_it_to_the_next() {
    let centre = Centre::new().await;
    let hook = Hook::default();
    let settings = webhooks(&centre, "http://127.0.0.1:1/hook".to_owned());
    let mut tablet = centre.tablet("A01").await;
    say(&centre, &mut tablet, cannot_keep).await;
    // Opens the alert; nobody is at the address.
    watcher(&centre, &settings).round().await;
    centre.clock.advance(30_000);
    let targets = vec!["webhook:duty".to_owned()];
    let now = centre.clock.now_ms();
    let claimed = centre.store.claim_message(targets, now, now + 60_000);
    assert!(claimed.await.unwrap().is_some(), "and dies");
    let settings = webhooks(&centre, hook.listen().await);
    let mut next = watcher(&centre, &settings);
    next.round().await;
    assert_eq!(hook.count(), 0, "it may still be at it");
    centre.clock.advance(60_000);
    next.round().await;
    next.round().await;
    assert_eq!(hook.count(), 1);
}

#[tokio::test]
async fn what_is_not_urgent_waits_for_the_morning_and_is_not_told_when_it_is_over() {
    let centre = Centre::new().await;
    let hook = Hook::default();
    // Nine in the morning is quiet here; ten is not.
    let settings = AlertSettings {
        quiet_from: Some("20:00".to_owned()),
        quiet_until: Some("10:00".to_owned()),
        ..webhooks(&centre, hook.listen().await)
    };
    let (mut one, mut two) = (centre.tablet("A01").await, centre.tablet("A02").await);
    say(&centre, &mut one, no_room).await;
    say(&centre, &mut two, cannot_keep).await;
    let mut watcher = watcher(&centre, &settings);
    watcher.round().await;
    assert_eq!(open_alerts(&centre).await, ["disk", "journal"]);
    let kinds = |hook: &Hook| {
        let got = hook.got.lock().unwrap().clone();
        let kind = |(_, body): &(_, Vec<u8>)| {
            let json: serde_json::Value = serde_json::from_slice(body).unwrap();
            json["alerts"][0]["kind"].as_str().unwrap().to_owned()
        };
        got.iter().map(kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&hook), ["journal"], "urgent");
    // Somebody clears the card before ten; ten minutes of calm close the alert.
    for _ in 0..30 {
        centre.clock.advance(30_000);
        say(&centre, &mut one, |_| {}).await;
        watcher.round().await;
    }
    assert!(!open_alerts(&centre).await.contains(&"disk"));
    centre.clock.set(NOW + 3_700_000);
    say(&centre, &mut one, |_| {}).await;
    watcher.round().await;
    assert!(
        !kinds(&hook).contains(&"disk".to_owned()),
        "{:?}",
        kinds(&hook)
    );
}

fn mail(relay: std::net::SocketAddr) -> AlertSettings {
    AlertSettings {
        mail: vec![MailList {
            name: "technicians".to_owned(),
            to: vec!["a@example.cn".to_owned(), "Li <b@example.cn>".to_owned()],
            language: Tongue::Chinese,
            halls: Vec::new(),
        }],
        smtp: Some(Smtp {
            host: relay.ip().to_string(),
            port: Some(relay.port()),
            security: Security::None,
            user: None,
            password_file: None::<PathBuf>,
            from: "满意 <manyi@example.cn>".to_owned(),
        }),
        ..AlertSettings::default()
    }
}

/// The text of a mail whose body is base64 or quoted-printable.
fn text_of(data: &str) -> String {
    use base64::Engine as _;
    let (head, body) = data.split_once("\n\n").expect("a head and a body");
    if head.to_ascii_lowercase().contains("base64") {
        let packed: String = body.split_whitespace().collect();
        let bytes = base64::prelude::BASE64_STANDARD.decode(packed).unwrap();
        return String::from_utf8(bytes).unwrap();
    }
    body.to_owned()
}

#[tokio::test]
async fn people_get_one_mail_for_all_that_opened_together_and_again_after_a_refusal() {
    let centre = Centre::new().await;
    let relay = Relay::default();
    let settings = mail(relay.listen().await);
    for window in ["A01", "A02"] {
        let mut tablet = centre.tablet(window).await;
        say(&centre, &mut tablet, cannot_keep).await;
    }
    relay.refusals.lock().unwrap().push_back("451 come back");
    let mut watcher = watcher(&centre, &settings);
    watcher.round().await;
    assert_eq!(relay.got.lock().unwrap().len(), 0);
    centre.clock.advance(30_000);
    watcher.round().await;
    watcher.round().await;
    let got = relay.got.lock().unwrap().clone();
    assert_eq!(got.len(), 1, "one mail");
    let mail = &got[0];
    assert_eq!(mail.from, "manyi@example.cn");
    assert_eq!(mail.to, ["a@example.cn", "b@example.cn"]);
    let text = text_of(&mail.data);
    assert!(text.contains("设备无法保存评价"), "{text}");
    assert!(text.contains("A01") && text.contains("A02"), "{text}");
    assert!(mail.data.contains("Message-ID: <"), "{}", mail.data);
}

#[tokio::test]
async fn a_revoked_tablet_that_goes_on_calling_is_an_alert() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    say(&centre, &mut tablet, |_| {}).await;
    use manyi_collector::store::IngestStore as _;
    assert!(centre.store.revoke(tablet.terminal).await.unwrap());
    let mut watcher = watcher(&centre, &AlertSettings::default());
    for call in 1..=3 {
        watcher.round().await;
        assert_eq!(open_alerts(&centre).await, [""; 0], "before call {call}");
        centre.clock.advance(300_000);
        let body = tablet.heartbeat();
        let (status, _) = centre.exchange(&tablet, body).await;
        assert_eq!(status.as_u16(), 403);
    }
    watcher.round().await;
    assert_eq!(open_alerts(&centre).await, ["revoked_calls"]);
    centre.clock.advance(3_600_001);
    watcher.round().await;
    assert_eq!(open_alerts(&centre).await, [""; 0], "it was switched off");
}

#[tokio::test]
async fn states_are_written_down_when_they_change_and_only_then() {
    use manyi_collector::store::fleet::FleetStore as _;
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let mut watcher = watcher(&centre, &AlertSettings::default());
    watcher.round().await;
    say(&centre, &mut tablet, |_| {}).await;
    centre.clock.advance(1_000);
    watcher.round().await;
    watcher.round().await;
    centre.clock.advance(100_000);
    watcher.round().await;
    let past = centre.store.past_states(tablet.terminal, 10).await.unwrap();
    let states: Vec<_> = past.iter().map(|past| past.state.as_str()).collect();
    assert_eq!(states, ["offline", "ready", "never_seen"]);
}
