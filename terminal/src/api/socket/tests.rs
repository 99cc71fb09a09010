use std::sync::Arc;
use std::sync::mpsc::channel;

use axum::Router;
use axum::routing::get;
use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::Message as Frame;

use super::*;
use crate::registry::Registry;

/// A socket whose heart beats as told; it answers whether the other side was there to the end.
async fn dial(rhythm: Rhythm) -> (TcpStreamSocket, tokio::sync::oneshot::Receiver<bool>) {
    let (conductor, _inbox) = channel();
    let api = Api::new(conductor, Arc::<Registry>::default());
    let (ended, end) = tokio::sync::oneshot::channel();
    let ended = Arc::new(std::sync::Mutex::new(Some(ended)));
    let open = move |upgrade: WebSocketUpgrade| async move {
        upgrade.on_upgrade(async move |socket| {
            let well = converse(socket, &api, rhythm).await.is_ok();
            let ended = ended.lock().unwrap().take().unwrap();
            ended.send(well).unwrap();
        })
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(open));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}/");
    let (socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    (socket, end)
}

type TcpStreamSocket = tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>;

#[tokio::test]
async fn a_connection_that_stays_silent_is_told_goodbye() {
    let rhythm = Rhythm {
        ping: Duration::from_secs(3600),
        silence: Duration::from_millis(1),
    };
    let (mut socket, end) = dial(rhythm).await;
    let mut closed = false;
    while let Some(Ok(frame)) = socket.next().await {
        if let Frame::Close(Some(why)) = frame {
            closed = why.reason.as_str() == "nothing was heard for too long";
        }
    }
    assert!(closed);
    assert!(end.await.unwrap());
}

#[tokio::test]
async fn a_connection_that_only_answers_pings_is_pinged_on() {
    let rhythm = Rhythm {
        ping: Duration::from_millis(1),
        silence: Duration::from_secs(3600),
    };
    let (mut socket, _end) = dial(rhythm).await;
    let mut pings = 0;
    while pings < 3 {
        pings += usize::from(matches!(socket.next().await, Some(Ok(Frame::Ping(_)))));
    }
}
