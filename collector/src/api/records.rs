//! `GET /api/v1/records.csv`: what was counted, one by one, for whoever counts it again.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use manyi_shared::domain::{Channel, HallId, OutcomeKind, StreamId, TerminalId};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::auth::Caller;
use super::scores::files::CSV;
use super::{ScoreRequest, visible_halls};
use crate::access::{Permission, Place};
use crate::app::AppState;
use crate::export::csv::{BOM, line};
use crate::problem::{Problem, ProblemBody, ProblemType};
use crate::roots::proof::hex;
use crate::store::records::{CountedFold, CountedRecord, RecordPlace};

/// Records of one read. The file is written while they are read: memory holds two reads.
const PAGE: u32 = 2_000;

/// The columns, in the order of [`Line`].
const COLUMNS: [&str; 21] = [
    "row",
    "hall",
    "window",
    "department",
    "staff",
    "item",
    "channel",
    "outcome",
    "level",
    "tags",
    "count",
    "at",
    "earliest",
    "latest",
    "received",
    "terminal",
    "stream",
    "seq",
    "amended_by",
    "bytes",
    "sha256",
];

/// Counted records as a CSV file
///
/// Every record of one hall that is counted in the range, with what it counts as and with the
/// digest of its signed bytes: adding up `count` gives the answer of `/api/v1/scores` to the same
/// range. `record` is one prompt; `fold` is a number of prompts that a full card had to turn into
/// counts. Nothing in it names a citizen: case numbers, messages and call-back numbers stay out. The
/// file is written while it is read and has no limit; its last line is `end` with the number of
/// lines, and without it the file is not whole.
#[utoipa::path(
    get,
    path = "/api/v1/records.csv",
    tag = "scores",
    params(
        ("hall" = Option<String>, Query, description = "The hall; may be left out where there is just one", example = "371581-01"),
        ("from" = Option<String>, Query, description = "As for `/api/v1/scores`", example = "2026-01-05"),
        ("to" = Option<String>, Query, description = "As for `/api/v1/scores`", example = "2026-01-31"),
        ("tz" = Option<String>, Query, description = "As for `/api/v1/scores`", example = "Asia/Shanghai"),
    ),
    responses(
        (status = 200, description = "The list", content_type = "text/csv"),
        (status = 400, description = "A parameter is wrong; `detail` names it and what is allowed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "Neither session nor valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
// needs: Export and SeeClerks at the hall
pub(super) async fn records(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    allowed_only(&query)?;
    let now = Timestamp::from_millisecond(state.clock.now_ms()).map_err(|_| Problem::internal())?;
    let halls = visible_halls(&state, &caller.access, Permission::Export).await?;
    let request = ScoreRequest::parse(&query, &halls, now)?;
    let hall = request.hall.clone().ok_or_else(|| {
        let detail = "`hall` is missing: the list is of one hall";
        Problem::new(ProblemType::Malformed, detail)
    })?;
    let place = Place::Hall(hall.clone());
    caller.access.require(Permission::Export, &place)?;
    caller.access.require(Permission::SeeClerks, &place)?;
    let (from, to) = (request.range.from(), request.range.to());
    let name = format!("records_{hall}_{}_{}.csv", from.date(), to.date());
    let list = List {
        hall,
        from_ms: from.timestamp().as_millisecond(),
        to_ms: to.timestamp().as_millisecond(),
        zone: from.time_zone().clone(),
    };
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(list.write(state, sender));
    let headers = [
        (CONTENT_TYPE, CSV.to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, Body::from_stream(Pieces(receiver))).into_response())
}

/// Filters of scores that this list does not know are refused, not ignored.
fn allowed_only(query: &str) -> Result<(), Problem> {
    let names = query.split('&').filter(|pair| !pair.is_empty());
    let mut names = names.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    let known = ["hall", "from", "to", "tz"];
    match names.find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let shown: String = name.chars().take(40).collect();
            let detail = format!("`{shown}` is no parameter; there are: {}", known.join(", "));
            Err(Problem::new(ProblemType::Malformed, detail))
        }
    }
}

/// A piece of the file, or that reading failed: the connection then ends in the middle, which no
/// program takes for the end of the file.
type Piece = Result<Bytes, std::io::Error>;

struct Pieces(mpsc::Receiver<Piece>);

impl Stream for Pieces {
    type Item = Piece;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.0.poll_recv(context)
    }
}

/// What is listed.
struct List {
    hall: HallId,
    from_ms: i64,
    to_ms: i64,
    zone: TimeZone,
}

impl List {
    /// Writes the file, piece by piece, as fast as it is taken.
    async fn write(self, state: AppState, to: mpsc::Sender<Piece>) {
        let mut text = BOM.to_owned();
        line(&mut text, COLUMNS.into_iter(), COLUMNS.len());
        let mut lines = 0_u64;
        let mut after: Option<RecordPlace> = None;
        let range = self.from_ms..self.to_ms;
        loop {
            let read = state
                .store
                .counted_records(self.hall.clone(), range.clone(), after, PAGE);
            let records = match read.await {
                Ok(records) => records,
                Err(error) => return fail(&to, &error).await,
            };
            for record in &records {
                self.line_of(&mut text, &Line::of(record));
            }
            lines += records.len() as u64;
            after = records.last().map(|record| record.place);
            if to.send(Ok(std::mem::take(&mut text).into())).await.is_err() {
                // Whoever asked has gone.
                return;
            }
            if after.is_none() {
                break;
            }
        }
        match state.store.counted_folds(self.hall.clone(), range).await {
            Ok(folds) => {
                for fold in &folds {
                    self.line_of(&mut text, &Line::of_fold(fold));
                }
                lines += folds.len() as u64;
            }
            Err(error) => return fail(&to, &error).await,
        }
        let lines = lines.to_string();
        line(&mut text, ["end", &lines].into_iter(), COLUMNS.len());
        // An error means that whoever asked has gone.
        drop(to.send(Ok(text.into())).await);
    }

    fn line_of(&self, text: &mut String, shown: &Line<'_>) {
        let channel = u8::try_from(shown.channel)
            .ok()
            .and_then(Channel::from_number);
        let outcome = u8::try_from(shown.outcome)
            .ok()
            .and_then(OutcomeKind::from_number);
        let level = match shown.level {
            0 => String::new(),
            level => level.to_string(),
        };
        let (terminal, stream, seq) = shown.place;
        let (at, earliest, latest) = shown.at_ms;
        let fields = [
            shown.row.to_owned(),
            self.hall.to_string(),
            shown.window.to_owned(),
            shown.department.to_owned(),
            shown.staff.to_owned(),
            shown.item.to_owned(),
            channel.map_or(String::new(), |channel| channel.name().to_owned()),
            outcome.map_or(String::new(), |outcome| outcome.name().to_owned()),
            level,
            shown.tags.to_owned(),
            shown.n.to_string(),
            self.moment(at),
            self.moment(earliest),
            self.moment(latest),
            self.moment(shown.received_ms),
            TerminalId::from_bytes(terminal).to_string(),
            StreamId::from_bytes(stream).to_string(),
            seq.to_string(),
            shown
                .amended_by
                .map_or(String::new(), |seq| seq.to_string()),
            shown.bytes.len().to_string(),
            hex(&Sha256::digest(shown.bytes)),
        ];
        line(text, fields.iter().map(String::as_str), COLUMNS.len());
    }

    /// `2026-03-24T09:00:00.123+08:00`.
    fn moment(&self, ms: i64) -> String {
        Timestamp::from_millisecond(ms).map_or_else(
            |_| String::new(),
            |at| {
                let at = at.to_zoned(self.zone.clone());
                at.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
            },
        )
    }
}

async fn fail(to: &mpsc::Sender<Piece>, error: &crate::store::StoreError) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "could not go on with a list of records"
    );
    let broken = std::io::Error::other("the database failed");
    // An error means that whoever asked has gone.
    drop(to.send(Err(broken)).await);
}

/// One line of the file.
struct Line<'r> {
    row: &'static str,
    place: RecordPlace,
    window: &'r str,
    department: &'r str,
    staff: &'r str,
    item: &'r str,
    channel: i64,
    outcome: i64,
    level: i64,
    tags: &'r str,
    n: i64,
    at_ms: (i64, i64, i64),
    received_ms: i64,
    amended_by: Option<i64>,
    bytes: &'r [u8],
}

impl<'r> Line<'r> {
    fn of(record: &'r CountedRecord) -> Self {
        Self {
            row: "record",
            place: record.place,
            window: &record.window,
            department: &record.department,
            staff: &record.staff,
            item: &record.item,
            channel: record.channel,
            outcome: record.outcome,
            level: record.level,
            tags: &record.tags,
            n: 1,
            at_ms: record.at_ms,
            received_ms: record.received_ms,
            amended_by: record.amended_by,
            bytes: &record.bytes,
        }
    }

    fn of_fold(fold: &'r CountedFold) -> Self {
        Self {
            row: "fold",
            place: fold.place,
            window: &fold.window,
            department: &fold.department,
            staff: "",
            item: "",
            channel: fold.channel,
            outcome: fold.outcome,
            level: fold.level,
            tags: "",
            n: fold.n,
            at_ms: fold.at_ms,
            received_ms: fold.received_ms,
            amended_by: None,
            bytes: &fold.bytes,
        }
    }
}
