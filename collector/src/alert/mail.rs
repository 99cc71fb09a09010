//! Telling people: one mail over the office's relay.
//!
//! A mail that is sent again has the same Message-ID, so that mail programs show it once.

use std::time::{Duration, SystemTime};

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use uuid::Uuid;

use super::message::Message;
use super::settings::{MailList, Security, Smtp};
use super::webhook::Undelivered;

/// A relay that thinks longer is asked again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends a message to a list; returns when the relay has taken it.
///
/// # Errors
/// [`Undelivered`]; the relay may have taken it all the same.
pub async fn send(
    smtp: &Smtp,
    list: &MailList,
    message: &Message,
    now_ms: i64,
) -> Result<(), Undelivered> {
    let mail = write(smtp, list, message, now_ms)?;
    let transport = transport(smtp)?;
    let sent = transport.send(mail).await;
    sent.map(drop)
        .map_err(|error| Undelivered::Transport(Box::new(error)))
}

fn write(
    smtp: &Smtp,
    list: &MailList,
    message: &Message,
    now_ms: i64,
) -> Result<lettre::Message, Undelivered> {
    let unwritten = |error: &dyn std::fmt::Display| Undelivered::Unwritten(error.to_string());
    let address = |text: &str| text.parse::<Mailbox>().map_err(|error| unwritten(&error));
    let from = address(&smtp.from)?;
    let id = Uuid::from_bytes(message.id);
    let sent = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    let mut mail: MessageBuilder = lettre::Message::builder()
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .date(sent)
        .from(from);
    for to in &list.to {
        mail = mail.to(address(to)?);
    }
    mail.subject(message.subject(list.language))
        .header(ContentType::TEXT_PLAIN)
        .body(message.text(list.language))
        .map_err(|error| unwritten(&error))
}

fn transport(smtp: &Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, Undelivered> {
    type Relay = AsyncSmtpTransport<Tokio1Executor>;
    let set_up = |error: lettre::transport::smtp::Error| Undelivered::SetUp(error.to_string());
    let mut relay = match smtp.security {
        Security::Tls => Relay::relay(&smtp.host).map_err(set_up)?,
        Security::Starttls => Relay::starttls_relay(&smtp.host).map_err(set_up)?,
        Security::None => Relay::builder_dangerous(&smtp.host),
    };
    if let Some(port) = smtp.port {
        relay = relay.port(port);
    }
    if let Some(user) = &smtp.user {
        let password = match &smtp.password_file {
            Some(path) => std::fs::read_to_string(path).map_err(|source| Undelivered::Secret {
                path: path.clone(),
                source,
            })?,
            None => String::new(),
        };
        let password = password.trim_end().to_owned();
        relay = relay.credentials(Credentials::new(user.clone(), password));
    }
    Ok(relay.timeout(Some(PATIENCE)).build())
}
