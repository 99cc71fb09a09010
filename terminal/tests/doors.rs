//! The prompt API's sockets and its door in the hall's network, over real connections.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "common/served.rs"]
mod served;

use std::net::SocketAddr;

use axum::Router;
use futures_util::{SinkExt, StreamExt};
use manyi_shared::domain::WindowId;
use manyi_shared::tablet::DataDir;
use manyi_terminal::api::lan;
use manyi_terminal::api::token::{LanToken, path};
use manyi_terminal::flow::Trigger;
use manyi_terminal::registry::{Health, PromptState};
use serde_json::{Value, json};
use served::{Served, id, served};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// An API on a port of its own.
struct Open {
    served: Served,
    address: SocketAddr,
    data: tempfile::TempDir,
}

async fn local() -> Open {
    let served = served(true);
    let router = served.router();
    open(served, router, tempfile::tempdir().unwrap()).await
}

async fn in_the_hall() -> Open {
    let (served, data) = (served(true), tempfile::tempdir().unwrap());
    let router = served.door(|api| lan::router(api, &DataDir::new(data.path())));
    open(served, router, data).await
}

async fn open(served: Served, router: Router, data: tempfile::TempDir) -> Open {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    Open {
        served,
        address,
        data,
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Open {
    fn token(&self, window: &str) -> String {
        let window = WindowId::new(window).unwrap();
        LanToken::make(&DataDir::new(self.data.path()), window).unwrap()
    }

    async fn try_dial(&self, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
        let url = format!("ws://{}/v1/socket", self.address);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(socket)
    }

    /// A socket that has said how the terminal is.
    async fn dial(&self) -> Socket {
        let mut socket = self.try_dial(&[]).await.unwrap();
        assert_eq!(hear(&mut socket).await["type"], "health");
        socket
    }

    /// One request by hand; answers the head's first line and headers in lower case.
    async fn get(&self, path: &str, headers: &str) -> (u16, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: tablet\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        (status, text.to_lowercase())
    }
}

async fn say(socket: &mut Socket, frame: Value) {
    let text = Message::text(frame.to_string());
    socket.send(text).await.unwrap();
}

/// The next frame that is not a ping.
async fn hear(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(text.as_str()).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_prompt_goes_over_a_socket_from_its_key_to_its_end() {
    let open = local().await;
    let mut socket = open.dial().await;
    let prompt = json!({"type": "prompt", "key": "k", "staff": "LQ0101", "window": "A01"});
    say(&mut socket, prompt.clone()).await;
    let name = id(1).to_string();
    let asking = json!({"type": "state", "id": name, "state": "asking", "recorded": false});
    let accepted = json!({"type": "accepted", "key": "k", "id": name});
    assert_eq!(hear(&mut socket).await, accepted);
    assert_eq!(hear(&mut socket).await, asking);
    open.served.registry.note(id(1), PromptState::Ended);
    let ended = json!({"type": "state", "id": name, "state": "ended", "recorded": true});
    assert_eq!(hear(&mut socket).await, ended);
    // Asked again after a lost connection: the same prompt, and where it stands.
    let mut another = open.dial().await;
    say(&mut another, prompt).await;
    assert_eq!(hear(&mut another).await, accepted);
    assert_eq!(hear(&mut another).await, ended);
    let asked = open.served.asked.lock().unwrap().clone();
    assert_eq!(asked[0].0, Trigger::WebSocket);
}

#[tokio::test]
async fn a_prompt_is_taken_back_over_a_socket() {
    let open = local().await;
    let mut socket = open.dial().await;
    say(&mut socket, json!({"type": "prompt"})).await;
    let accepted = hear(&mut socket).await;
    assert_eq!(
        (&accepted["type"], &accepted["key"]),
        (&json!("accepted"), &Value::Null)
    );
    hear(&mut socket).await;
    for _ in 0..2 {
        say(&mut socket, json!({"type": "cancel", "id": accepted["id"]})).await;
        let state = hear(&mut socket).await;
        assert_eq!(
            (&state["type"], &state["state"]),
            (&json!("state"), &json!("ended"))
        );
    }
    say(&mut socket, json!({"type": "cancel", "id": "none"})).await;
    let refused = hear(&mut socket).await;
    assert_eq!(refused["id"], "none");
    assert_eq!(refused["problem"]["type"], "urn:manyi:problem:not-found");
}

#[tokio::test]
async fn every_socket_is_told_of_a_pause() {
    let open = local().await;
    let (mut one, mut other) = (open.dial().await, open.dial().await);
    say(&mut one, json!({"type": "pause", "paused": true})).await;
    for socket in [&mut one, &mut other] {
        let health = hear(socket).await;
        assert_eq!(
            (&health["type"], &health["paused"]),
            (&json!("health"), &json!(true))
        );
    }
    // The change itself may come after the answer.
    say(&mut other, json!({"type": "prompt", "key": "k"})).await;
    let refused = hear(&mut other).await;
    assert_eq!(refused["key"], "k");
    assert_eq!(refused["problem"]["type"], "urn:manyi:problem:paused");
    assert_eq!(refused["problem"]["status"], 503);
}

#[tokio::test]
async fn a_refused_frame_ends_nothing() {
    let open = local().await;
    let mut socket = open.dial().await;
    let frames = [
        Message::text("levels!"),
        Message::text(r#"{"type":"levels"}"#),
        Message::text(r#"{"type":"prompt","level":5}"#),
        Message::text(r#"{"type":"prompt","window":"B02"}"#),
        Message::binary(vec![1_u8, 2, 3]),
    ];
    let mut problems = Vec::new();
    for frame in frames {
        socket.send(frame).await.unwrap();
        let refused = hear(&mut socket).await;
        assert_eq!(refused["type"], "refused");
        problems.push(refused["problem"]["type"].as_str().unwrap().to_owned());
    }
    let malformed = "urn:manyi:problem:malformed";
    let window = "urn:manyi:problem:unknown-window";
    assert_eq!(
        problems,
        [malformed, malformed, malformed, window, malformed]
    );
    say(&mut socket, json!({"type": "prompt"})).await;
    assert_eq!(hear(&mut socket).await["type"], "accepted");
}

#[tokio::test]
async fn a_frame_that_is_too_large_is_said_before_the_goodbye() {
    let open = local().await;
    let mut socket = open.dial().await;
    let text = format!(r#"{{"type":"prompt","item_name":"{}"}}"#, "x".repeat(9000));
    socket.send(Message::text(text)).await.unwrap();
    let refused = hear(&mut socket).await;
    assert_eq!(refused["problem"]["type"], "urn:manyi:problem:too-large");
    assert!(matches!(
        socket.next().await.unwrap().unwrap(),
        Message::Close(Some(_))
    ));
    assert!(open.served.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_ninth_socket_finds_no_seat_and_a_freed_one_is_taken() {
    let open = local().await;
    let mut sockets = Vec::new();
    for _ in 0..8 {
        sockets.push(open.dial().await);
    }
    let Err(Error::Http(refused)) = open.try_dial(&[]).await else {
        panic!("a ninth socket was opened");
    };
    assert_eq!(refused.status().as_u16(), 429);
    let mut last = sockets.pop().unwrap();
    last.close(None).await.unwrap();
    // The server has answered the goodbye when the stream ends; its seat is free right after.
    while let Some(Ok(_)) = last.next().await {}
    let freed = async {
        while open.try_dial(&[]).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), freed)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_page_of_another_origin_opens_no_socket() {
    let open = local().await;
    let Err(Error::Http(refused)) = open.try_dial(&[("origin", "https://evil.example")]).await
    else {
        panic!("a socket was opened");
    };
    assert_eq!(refused.status().as_u16(), 403);
}

#[tokio::test]
async fn the_socket_says_what_it_is_to_a_plain_request() {
    let open = in_the_hall().await;
    let token = open.token("A01");
    let (status, text) = open
        .get("/v1/socket", &format!("Authorization: Bearer {token}\r\n"))
        .await;
    assert_eq!(status, 400);
    assert!(text.contains("urn:manyi:problem:malformed"), "{text}");
}

#[tokio::test]
async fn the_hall_s_door_opens_for_the_token_only() {
    let open = in_the_hall().await;
    let (status, text) = open.get("/v1/health", "").await;
    assert_eq!(status, 401);
    assert!(text.contains("www-authenticate: bearer"), "{text}");
    let (_, text) = open.get("/v1/health", "Authorization: Bearer x\r\n").await;
    assert!(text.contains("lan-token new"), "{text}");
    let token = open.token("A01");
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    for (sent, status) in [
        (bearer(&token), 200),
        (format!("authorization: bearer {token}\r\n"), 200),
        (bearer(&token[1..]), 401),
        (bearer(&format!("{token}x")), 401),
        (bearer(""), 401),
        (format!("Authorization: Basic {token}\r\n"), 401),
        (format!("Authorization: {token}\r\n"), 401),
    ] {
        assert_eq!(open.get("/v1/health", &sent).await.0, status, "{sent}");
        assert_eq!(open.get("/openapi.json", &sent).await.0, status, "{sent}");
    }
    std::fs::remove_file(path(&DataDir::new(open.data.path()))).unwrap();
    assert_eq!(open.get("/v1/health", &bearer(&token)).await.0, 401);
}

#[tokio::test]
async fn a_token_made_for_another_window_opens_nothing() {
    let open = in_the_hall().await;
    let token = open.token("A01");
    let bearer = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(open.get("/v1/health", &bearer).await.0, 200);
    let health = open.served.registry.health();
    open.served.registry.set_health(Health {
        window: WindowId::new("A02").ok(),
        ..health
    });
    let (status, text) = open.get("/v1/health", &bearer).await;
    assert_eq!(status, 401);
    assert!(
        text.contains("made for window a01") && text.contains("window a02"),
        "{text}"
    );
}

#[tokio::test]
async fn an_address_that_asks_without_end_is_slowed_down() {
    let open = in_the_hall().await;
    let mut last = 0;
    for _ in 0..200 {
        last = open
            .get("/v1/health", "Authorization: Bearer guess\r\n")
            .await
            .0;
        if last == 429 {
            break;
        }
        assert_eq!(last, 401);
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn a_socket_in_the_hall_needs_the_token() {
    let open = in_the_hall().await;
    let bearer = format!("Bearer {}", open.token("A01"));
    assert!(matches!(open.try_dial(&[]).await, Err(Error::Http(_))));
    let mut socket = open.try_dial(&[("authorization", &bearer)]).await.unwrap();
    assert_eq!(hear(&mut socket).await["type"], "health");
    say(&mut socket, json!({"type": "prompt"})).await;
    assert_eq!(hear(&mut socket).await["type"], "accepted");
}
