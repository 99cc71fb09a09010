//! Every route, asked by every role with a login and with a token, for what is theirs, for another
//! hall's, and for what does not exist.
//!
//! The routes come from the router itself; one without a line in the table fails the test, and so does
//! a line without a route.

mod table;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use axum::http::{Method, Request, StatusCode};

use super::support::{Answer, TestApp};
use crate::access::{PermissionSet, Role};
use table::{Needs, ROUTES, Route};

const OWN: &str = "H1";
const FOREIGN: &str = "H2";
const NOWHERE: &str = "H9";

/// What is only in the names of the foreign hall.
const SECRET: &str = "秘密";

/// A caller with these permissions at the hall [`OWN`].
struct Walker {
    name: String,
    permissions: PermissionSet,
    role: Option<Role>,
}

impl Walker {
    fn all() -> Vec<Self> {
        let people = Role::ALL.map(|role| Self {
            name: format!("{}-h1", role.name()),
            permissions: role.permissions(),
            role: Some(role),
        });
        let programs = Role::ALL.map(|role| Self {
            name: format!("manyi_{}", role.name()),
            permissions: role.permissions(),
            role: None,
        });
        let asking = Self {
            name: "manyi_asking".to_owned(),
            permissions: "ask_citizens".parse().unwrap(),
            role: None,
        };
        people.into_iter().chain(programs).chain([asking]).collect()
    }

    const fn is_program(&self) -> bool {
        self.role.is_none()
    }
}

async fn scene() -> (TestApp, Vec<Walker>) {
    let app = TestApp::new().await;
    app.user("a-long-password", false).await;
    app.hall(FOREIGN, "Asia/Shanghai").await;
    app.sql(format!(
        "UPDATE hall SET name = '{SECRET}大厅' WHERE hall_id = '{FOREIGN}';
         UPDATE department SET name = '{SECRET}部门' WHERE hall_id = '{FOREIGN}';
         UPDATE staff SET name = '{SECRET}人员' WHERE hall_id = '{FOREIGN}';
         UPDATE service_window SET name = '{SECRET}窗口', block = '{SECRET}区' WHERE hall_id = '{FOREIGN}';
         INSERT INTO terminal (hall_id, terminal_id, window_id, public_key, state, enrolled_ms, last_number, software, backlog, profile_version, synchronised, journal_problem)
           VALUES ('{FOREIGN}', x'02020202020202020202020202020202', 'A01', x'02', 'active', 0, 1, '', 0, 1, 1, '{SECRET}故障'),
           ('{OWN}', x'01010101010101010101010101010101', 'A01', x'02', 'active', 0, 1, '', 0, 1, 1, NULL)"
    ))
    .await;
    for hall in [OWN, FOREIGN] {
        let row = ("2026-03-09T01:00:00Z", "A01", "S1", 4, 1, 5, 7);
        app.tally(hall, &[row]).await;
    }
    let (person, token) = (format!("{SECRET}管理员"), format!("manyi_{SECRET}"));
    app.person(&person, "a-long-password", &["administrator@hall:H2"])
        .await;
    app.token_at(&token, "see_scores", "hall:H2").await;
    let walkers = Walker::all();
    for walker in &walkers {
        match walker.role {
            Some(role) => {
                let role = format!("{}@hall:{OWN}", role.name());
                app.person(&walker.name, "a-long-password", &[&role]).await;
            }
            None => {
                let permissions = walker.permissions.to_string();
                let place = format!("hall:{OWN}");
                app.token_at(&walker.name, &permissions, &place).await;
            }
        }
    }
    (app, walkers)
}

/// A route as a request about a hall.
fn request(route: &Route, hall: &str) -> axum::http::request::Builder {
    let path = route.path.replace("{hall}", hall);
    let query = route.query.replace("{hall}", hall);
    let method: Method = route.method.parse().unwrap();
    Request::builder()
        .method(method)
        .uri(format!("{path}{query}"))
        .header(HOST, "office")
}

fn body(route: &Route, hall: &str) -> (&'static str, Body) {
    let text = route.body.replace("{hall}", hall);
    let kind = if text.starts_with('{') {
        "application/json"
    } else {
        "application/x-www-form-urlencoded"
    };
    (kind, Body::from(text))
}

async fn ask(app: &TestApp, walker: &Walker, route: &Route, hall: &str) -> Option<Answer> {
    let mut asked = request(route, hall);
    if walker.is_program() {
        if !route.takes_tokens() {
            return None;
        }
        asked = asked.header(AUTHORIZATION, format!("Bearer {}", walker.name));
    } else {
        asked = asked.header(COOKIE, app.session_of(&walker.name).await);
    }
    let (kind, body) = body(route, hall);
    let asked = asked.header(CONTENT_TYPE, kind).body(body).unwrap();
    Some(app.send_briefly(asked).await)
}

fn is_allowed(status: StatusCode) -> bool {
    !matches!(status.as_u16(), 401 | 403 | 404 | 405 | 429 | 500..)
}

#[tokio::test]
async fn every_route_is_in_the_table_and_every_line_of_the_table_is_a_route() {
    let app = TestApp::new().await;
    let paths = app.paths();
    assert!(
        paths.contains("/office"),
        "the router tells its paths no more"
    );
    let mut found = BTreeSet::new();
    for path in &paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let asked = Request::builder()
                .method(method)
                .uri(path.replace(['{', '}'], "x"))
                .body(Body::empty())
                .unwrap();
            let status = app.send_briefly(asked).await.status;
            if status != StatusCode::METHOD_NOT_ALLOWED {
                found.insert((method.to_owned(), path.clone()));
            }
        }
    }
    let listed: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| (route.method.to_owned(), route.pattern().to_owned()))
        .collect();
    let missing: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(missing.is_empty(), "say in the table who may: {missing:?}");
    assert!(gone.is_empty(), "no such routes: {gone:?}");
    // The document for partner systems describes no path that the router does not have.
    for path in crate::app::openapi(&app.state.config).paths.paths.keys() {
        assert!(paths.contains(path), "{path}");
    }
}

#[tokio::test]
async fn every_role_gets_what_the_table_says_and_nothing_of_another_hall() {
    let (app, walkers) = scene().await;
    let mut wrong = Vec::new();
    for route in ROUTES.iter().filter(|route| !route.is_open()) {
        for walker in &walkers {
            let Some(own) = ask(&app, walker, route, OWN).await else {
                continue;
            };
            let said = format!("{} {} by {}", route.method, route.path, walker.name);
            let may = route.may(walker.permissions, walker.is_program());
            if is_allowed(own.status) != may {
                let text: String = own.text.chars().take(200).collect();
                wrong.push(format!("{said}: {} {text}", own.status));
            }
            if own.text.contains(SECRET) {
                wrong.push(format!("{said} names the other hall"));
            }
            if !route.is_about_a_hall() {
                continue;
            }
            let foreign = ask(&app, walker, route, FOREIGN).await.unwrap();
            let nowhere = ask(&app, walker, route, NOWHERE).await.unwrap();
            if foreign.status.is_success() || foreign.status.is_redirection() {
                wrong.push(format!("{said} for another hall: {}", foreign.status));
            }
            if foreign.text.contains(SECRET) {
                wrong.push(format!("{said} for another hall names it"));
            }
            let alike =
                |answer: &Answer, hall: &str| (answer.status, answer.text.replace(hall, "HALL"));
            if alike(&foreign, FOREIGN) != alike(&nowhere, NOWHERE) {
                wrong.push(format!(
                    "{said} tells another hall ({}) from none ({}): {} / {}",
                    foreign.status,
                    nowhere.status,
                    foreign.text.chars().take(200).collect::<String>(),
                    nowhere.text.chars().take(200).collect::<String>()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn strangers_get_nothing_but_what_is_for_everybody() {
    let (app, _) = scene().await;
    for route in ROUTES {
        let (kind, body) = body(route, OWN);
        let asked = request(route, OWN).header(CONTENT_TYPE, kind);
        let answer = app.send_briefly(asked.body(body).unwrap()).await;
        let said = format!("{} {}: {}", route.method, route.path, answer.status);
        if route.is_open() {
            assert!(!answer.status.is_server_error(), "{said}");
            continue;
        }
        let to_login = answer.status == StatusCode::SEE_OTHER && answer.location() == "/login";
        assert!(
            to_login || answer.status == StatusCode::UNAUTHORIZED,
            "{said}"
        );
        assert!(!answer.text.contains("大厅 H1"), "{said}");
    }
}

/// The table in the decision page is made from the one in the code.
#[test]
fn the_decision_page_shows_the_table_of_the_code() {
    let page = include_str!("../../../../docs/decisions/0032-roles-and-places.md");
    let mut table = String::from("| permission |");
    for role in Role::ALL {
        table += &format!(" {} |", role.name());
    }
    table += "\n|---|---|---|---|---|---|---|---|\n";
    for permission in crate::access::Permission::all() {
        table += &format!("| `{}` |", permission.name());
        for role in Role::ALL {
            table += if role.may(permission) { " ✓ |" } else { " |" };
        }
        table += "\n";
    }
    assert!(
        page.contains(&table),
        "docs/decisions/0032 must show:\n{table}"
    );
}

#[test]
fn every_line_says_what_it_needs() {
    for route in ROUTES {
        if let Needs::All(permissions) = route.needs {
            assert!(!permissions.is_empty(), "{}", route.path);
        }
    }
}
