//! A collector on a real database in a temporary directory, asked without a socket.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use manyi_shared::wire::SecretKey;
use tower::ServiceExt;

use crate::access::{Grant, Role};
use crate::app::{AppState, router};
use crate::audit::By;
use crate::clock::SetClock;
use crate::config::Config;
use crate::office::{secret, session};
use crate::store::sql::Db;
use crate::store::sqlite::SqliteStore;
use crate::store::users::{NewSession, NewToken, OfficeUser, UserChange, UserRefused};
use crate::store::{StoreError, UserStore};

/// Monday 2026-03-09, 12:00 in Shanghai, the day after New York sets its clocks forward.
pub(crate) const NOW: &str = "2026-03-09T04:00:00Z";

pub(crate) struct TestApp {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) state: AppState,
    pub(crate) clock: Arc<SetClock>,
    router: Router,
    _directory: tempfile::TempDir,
}

/// One row of the tally: instant, window, staff, channel, outcome, level, count.
pub(crate) type Row<'a> = (&'a str, &'a str, &'a str, i64, i64, i64, i64);

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The session's cookie as the browser sends it back.
    pub(crate) fn session(&self) -> String {
        let cookies = self
            .headers
            .get_all(SET_COOKIE)
            .into_iter()
            .map(|value| value.to_str().unwrap());
        let mut sessions = cookies.filter(|cookie| cookie.starts_with(session::COOKIE_NAME));
        sessions
            .next()
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned()
    }
}

/// The header that names a token.
pub(crate) fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

pub(crate) fn ms(instant: &str) -> i64 {
    instant.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::configured(|_| {}).await
    }

    /// With another configuration than the default.
    pub(crate) async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::create(directory.path()).unwrap());
        let mut config = Config::load(None, |_| None, Some(directory.path())).unwrap();
        change(&mut config);
        let clock = Arc::new(SetClock::at(ms(NOW)));
        let key = SecretKey::from_seed(&[7; 32]);
        let state = AppState::new(
            store.clone(),
            Arc::new(config),
            clock.clone(),
            Arc::new(key),
        );
        let app = Self {
            router: router(state.clone()),
            store,
            state,
            clock,
            _directory: directory,
        };
        app.hall("H1", "Asia/Shanghai").await;
        app
    }

    pub(crate) async fn sql(&self, sql: impl Into<String>) {
        let sql = sql.into();
        let job = move |db: &Db<'_>| -> Result<(), StoreError> {
            let mut statements = sql.split(';').filter(|one| !one.trim().is_empty());
            statements.try_for_each(|one| db.execute(one, &[]).map(drop))
        };
        self.store.write(job).await.unwrap();
    }

    /// A hall with windows A01 and A02.
    pub(crate) async fn hall(&self, id: &str, zone: &str) {
        self.sql(format!(
            "INSERT INTO hall VALUES ('{id}', '大厅 {id}', '371581', '{zone}', '', 1);
             INSERT INTO department VALUES ('{id}', 'D1', '行政审批服务局');
             INSERT INTO staff (hall_id, staff_id, name, post, department_id) VALUES ('{id}', 'S1', '李文静', '综合受理岗', 'D1');
             INSERT INTO service_window VALUES ('{id}', 'A01', '综合受理区', 'A01', 'A01 综合受理窗口', 'D1', 'S1');
             INSERT INTO service_window VALUES ('{id}', 'A02', '综合受理区', 'A02', 'A02 综合受理窗口', 'D1', '');"
        ))
        .await;
    }

    pub(crate) async fn tally(&self, hall: &str, rows: &[Row<'_>]) {
        let mut sql = String::new();
        for (instant, window, staff, channel, outcome, level, n) in rows {
            let slot = ms(instant).div_euclid(900_000);
            sql += &format!(
                "INSERT INTO tally VALUES ('{hall}', {slot}, '{window}', 'D1', '{staff}', '', {channel}, {outcome}, {level}, {n});"
            );
        }
        self.sql(sql).await;
    }

    /// Prompts that ended, as records and in the tally. Hall `H0` is the first of the test's; the
    /// outcome 15 is a rating of level 5, 2 to 5 are outcomes without a rating.
    pub(crate) async fn ended(&self, prompts: &[(usize, i64, usize, usize, i64, i64)]) {
        let start = ms("2026-03-01T00:00:00Z");
        let mut sql = String::new();
        for (seq, (hall, slot, window, staff, channel, outcome)) in prompts.iter().enumerate() {
            let (outcome, level) = match *outcome {
                rated if rated > 10 => (1, rated - 10),
                other => (other, 0),
            };
            let (window, staff) = (["A01", "A02"][*window], ["", "S1"][*staff]);
            let at = start + slot * 900_000 + 61_000;
            let tally = at.div_euclid(900_000);
            let stored = if level == 0 {
                "NULL".to_owned()
            } else {
                level.to_string()
            };
            sql += &format!(
                "INSERT INTO record (hall_id, terminal_id, stream_id, seq, bytes, received_ms, kind, ordinal, at_ms, \
                 earliest_ms, latest_ms, window_id, department_id, staff_id, item_code, channel, outcome, level) VALUES \
                 ('H{hall}', x'{:032x}', x'{:032x}', {seq}, x'00', {at} + 900, 2, {seq}, {at}, {at} - 5, {at} + 5, \
                 '{window}', 'D1', '{staff}', '', {channel}, {outcome}, {stored});\
                 INSERT INTO tally VALUES ('H{hall}', {tally}, '{window}', 'D1', '{staff}', '', {channel}, {outcome}, \
                 {level}, 1) ON CONFLICT DO UPDATE SET n = n + 1;",
                1, 1
            );
        }
        self.sql(sql).await;
    }

    /// A user with this password, which need not be changed unless said so.
    pub(crate) async fn user(&self, password: &str, must_change: bool) {
        let user = OfficeUser {
            name: "office".to_owned(),
            password_hash: secret::hash(password.to_owned()).await.unwrap(),
            must_change,
            ..OfficeUser::default()
        };
        assert!(self.store.add_first_user(user, ms(NOW)).await.unwrap());
    }

    /// Another user with this password and these roles, as `role@place`.
    pub(crate) async fn person(&self, name: &str, password: &str, roles: &[&str]) {
        let grant = |text: &&str| {
            let (role, place) = text.split_once('@').unwrap();
            Grant::role(Role::from_name(role).unwrap(), place.parse().unwrap())
        };
        let user = OfficeUser {
            name: name.to_owned(),
            password_hash: secret::hash(password.to_owned()).await.unwrap(),
            grants: roles.iter().map(grant).collect(),
            ..OfficeUser::default()
        };
        let wanted = UserChange::Add(Box::new(user));
        self.change(name, wanted).await.unwrap();
    }

    /// A change by an operator.
    pub(crate) async fn change(&self, name: &str, wanted: UserChange) -> Result<(), UserRefused> {
        let by = By::operator("test".to_owned());
        let changed = self.store.change_user(name.to_owned(), wanted, by, ms(NOW));
        changed.await.unwrap()
    }

    /// A session of a user, without the login page.
    pub(crate) async fn session_of(&self, name: &str) -> String {
        let token = secret::token().unwrap();
        let session = NewSession {
            digest: secret::digest(&token),
            id: token.clone(),
            user: name.to_owned(),
            expires_ms: ms(NOW) + 3_600_000,
            device: String::new(),
            network: String::new(),
            waits: false,
        };
        self.store
            .add_session(session, None, ms(NOW))
            .await
            .unwrap();
        format!("{}={token}", session::COOKIE_NAME)
    }

    /// A valid API token.
    pub(crate) async fn token(&self) -> String {
        let token = "manyi_test".to_owned();
        let permissions = "see_scores,see_clerks,export,see_fleet,ask_citizens";
        self.token_at(&token, permissions, "everywhere").await;
        token
    }

    /// A valid API token, called as its text is, with these permissions at this place.
    pub(crate) async fn token_at(&self, token: &str, permissions: &str, place: &str) {
        let new = NewToken {
            digest: secret::digest(token),
            name: token.trim_start_matches("manyi_").to_owned(),
            permissions: permissions.parse().unwrap(),
            place: place.parse().unwrap(),
            expires_ms: None,
        };
        let by = By::operator("test".to_owned());
        self.store
            .add_token(new, by, ms(NOW))
            .await
            .unwrap()
            .unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (mut parts, body) = request.into_parts();
        parts
            .extensions
            .insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 40_000))));
        let response = self
            .router
            .clone()
            .oneshot(Request::from_parts(parts, body))
            .await
            .unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        Answer {
            status,
            headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Status, headers and the body as it is.
    pub(crate) async fn bytes(
        &self,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        let peer = ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 40_000)));
        request.extensions_mut().insert(peer);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, bytes.to_vec())
    }

    /// Like [`Self::send`], but of a page that does not end by itself only the first piece.
    pub(crate) async fn send_briefly(&self, request: Request<Body>) -> Answer {
        let (mut parts, body) = request.into_parts();
        let address = SocketAddr::from(([192, 0, 2, 1], 40_000));
        parts.extensions.insert(ConnectInfo(address));
        let request = Request::from_parts(parts, body);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
        let text = if kind == Some(b"text/event-stream") {
            String::new()
        } else {
            let bytes = axum::body::to_bytes(response.into_body(), usize::MAX);
            String::from_utf8_lossy(&bytes.await.unwrap()).into_owned()
        };
        Answer {
            status,
            headers,
            text,
        }
    }

    /// Every path that the router has, as it tells them when asked to describe itself.
    pub(crate) fn paths(&self) -> BTreeSet<String> {
        let told = format!("{:?}", self.router);
        let quoted = told.split('"').skip(1).step_by(2);
        quoted
            .filter(|text| text.starts_with('/') && !text.contains("{*__private"))
            .map(str::to_owned)
            .collect()
    }

    /// The body of a page that does not end by itself.
    pub(crate) async fn stream(&self, path: &str, session: &str) -> BodyDataStream {
        let request = Request::get(path)
            .header(COOKIE, session)
            .body(Body::empty())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body().into_data_stream()
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request =
            Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(form.to_owned())).unwrap())
            .await
    }

    /// Logs in and gives the session's cookie.
    pub(crate) async fn log_in(&self, password: &str) -> String {
        let answer = self
            .post("/login", &format!("user=office&password={password}"), &[])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.session()
    }

    pub(crate) async fn get_as(&self, path: &str, session: &str) -> Answer {
        self.get(path, &[(COOKIE.as_str(), session)]).await
    }

    /// The scores of a query, asked for with a token.
    pub(crate) async fn scores(&self, token: &str, query: &str) -> Answer {
        self.get(
            &format!("/api/v1/scores?{query}"),
            &[("authorization", &format!("Bearer {token}"))],
        )
        .await
    }
}
