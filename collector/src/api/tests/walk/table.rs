//! Who may ask what. A new route gets its line here.

use crate::access::{Permission, PermissionSet};

use Permission as P;

/// A route of the collector.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// As the router has it; names in braces are put in.
    pub(super) path: &'static str,
    /// `{hall}` is the hall that is asked about.
    pub(super) query: &'static str,
    pub(super) body: &'static str,
    pub(super) needs: Needs,
    callers: Callers,
}

/// What is needed.
#[derive(Clone, Copy)]
pub(super) enum Needs {
    /// Nothing: it is for everybody, or guarded by its own signatures and codes.
    Nothing,
    /// To be logged in.
    Login,
    /// All of these.
    All(&'static [Permission]),
    /// One of these.
    One(&'static [Permission]),
}

#[derive(Clone, Copy, PartialEq)]
enum Callers {
    People,
    Programs,
    Both,
}

impl Route {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.needs, Needs::Nothing)
    }

    /// The path as the router has it.
    pub(super) fn pattern(&self) -> &'static str {
        match self.path {
            "/office/admin/people/nobody-{hall}" => "/office/admin/people/{name}",
            "/api/v1/prompts/00000000-0000-4000-8000-000000000000" => "/api/v1/prompts/{id}",
            "/office/alerts/{hall}/0101/acknowledge" => "/office/alerts/{hall}/{alert}/acknowledge",
            "/api/v1/fleet/01010101-0101-0101-0101-010101010101" => "/api/v1/fleet/{terminal}",
            "/office/fleet/01010101-0101-0101-0101-010101010101" => "/office/fleet/{terminal}",
            "/office/fleet/01010101-0101-0101-0101-010101010101/rotate" => {
                "/office/fleet/{terminal}/rotate"
            }
            "/office/fleet/01010101-0101-0101-0101-010101010101/revoke" => {
                "/office/fleet/{terminal}/revoke"
            }
            "/office/fleet/01010101-0101-0101-0101-010101010101/incidents/01/clear" => {
                "/office/fleet/{terminal}/incidents/{incident}/clear"
            }
            path => path,
        }
    }

    pub(super) fn is_about_a_hall(&self) -> bool {
        [self.path, self.query, self.body]
            .iter()
            .any(|text| text.contains("{hall}"))
    }

    pub(super) const fn takes_tokens(&self) -> bool {
        !matches!(self.callers, Callers::People)
    }

    pub(super) fn may(&self, held: PermissionSet, is_program: bool) -> bool {
        let fits = is_program || self.callers != Callers::Programs;
        fits && match self.needs {
            Needs::Nothing | Needs::Login => true,
            Needs::All(permissions) => permissions.iter().all(|p| held.contains(*p)),
            Needs::One(permissions) => permissions.iter().any(|p| held.contains(*p)),
        }
    }
}

const fn open(method: &'static str, path: &'static str) -> Route {
    Route {
        method,
        path,
        query: "",
        body: "",
        needs: Needs::Nothing,
        callers: Callers::Both,
    }
}

/// A page for people.
const fn page(path: &'static str, query: &'static str, needs: Needs) -> Route {
    Route {
        method: "GET",
        path,
        query,
        body: "",
        needs,
        callers: Callers::People,
    }
}

/// What people and programs may read.
const fn data(path: &'static str, query: &'static str, needs: Needs) -> Route {
    Route {
        callers: Callers::Both,
        ..page(path, query, needs)
    }
}

/// A form that people send.
const fn form(path: &'static str, body: &'static str, needs: Needs) -> Route {
    Route {
        method: "POST",
        body,
        ..page(path, "", needs)
    }
}

const HALL: &str = "?hall={hall}";
const SCORES: Needs = Needs::All(&[P::SeeScores]);
const FILES: Needs = Needs::All(&[P::SeeScores, P::Export]);
const PEOPLE: Needs = Needs::All(&[P::ManagePeople]);
const TOKENS: Needs = Needs::All(&[P::ManageTokens]);
const AUDIT: Needs = Needs::All(&[P::SeeAudit]);

const FLEET: Needs = Needs::All(&[P::SeeFleet]);
const TERMINALS: Needs = Needs::All(&[P::EnrolTerminals]);
const INCIDENTS: Needs = Needs::All(&[P::ClearIncidents]);

pub(super) const ROUTES: &[Route] = &[
    page("/office/fleet", HALL, FLEET),
    data("/office/fleet/list", HALL, FLEET),
    page("/office/fleet/codes", "", TERMINALS),
    form(
        "/office/fleet/codes",
        "place={hall}+A01&valid=10m&collector=x",
        TERMINALS,
    ),
    page(
        "/office/fleet/01010101-0101-0101-0101-010101010101",
        "",
        FLEET,
    ),
    form(
        "/office/fleet/01010101-0101-0101-0101-010101010101/rotate",
        "",
        TERMINALS,
    ),
    page(
        "/office/fleet/01010101-0101-0101-0101-010101010101/revoke",
        "",
        TERMINALS,
    ),
    form(
        "/office/fleet/01010101-0101-0101-0101-010101010101/revoke",
        "",
        TERMINALS,
    ),
    form(
        "/office/fleet/01010101-0101-0101-0101-010101010101/incidents/01/clear",
        "",
        INCIDENTS,
    ),
    page("/office/alerts", HALL, FLEET),
    form("/office/alerts/{hall}/0101/acknowledge", "", INCIDENTS),
    data("/api/v1/fleet", HALL, FLEET),
    data(
        "/api/v1/fleet/01010101-0101-0101-0101-010101010101",
        "",
        FLEET,
    ),
    open("GET", "/"),
    open("GET", "/login"),
    open("POST", "/login"),
    open("GET", "/login/code"),
    open("POST", "/login/code"),
    open("GET", "/login/oidc"),
    open("GET", "/login/oidc/callback"),
    open("POST", "/logout"),
    open("GET", "/public"),
    open("GET", "/public/v1/figures.csv"),
    open("GET", "/public/v1/figures.json"),
    open("GET", "/public/v1/roots"),
    open("GET", "/s/{token}"),
    open("GET", "/openapi.json"),
    open("GET", "/healthz"),
    open("GET", "/readyz"),
    open("GET", "/metrics"),
    open("POST", "/device/v1/enrol"),
    open("POST", "/device/v1/exchange"),
    open("POST", "/device/v1/rotate"),
    open("POST", "/device/v1/asset"),
    open("GET", "/assets/fleet.css"),
    open("GET", "/assets/fleet.js"),
    open("GET", "/assets/tokens.css"),
    open("GET", "/assets/frame.css"),
    open("GET", "/assets/parts.css"),
    open("GET", "/assets/office.css"),
    open("GET", "/assets/bulletin.css"),
    open("GET", "/assets/live.js"),
    open("GET", "/assets/mark.svg"),
    // Figures.
    page("/office", HALL, SCORES),
    page("/office/trends", HALL, SCORES),
    page("/office/compare", HALL, SCORES),
    page("/office/items", HALL, SCORES),
    page("/office/clerks", HALL, Needs::All(&[P::SeeClerks])),
    page("/office/windows", HALL, SCORES),
    data("/office/windows/now", HALL, SCORES),
    page("/office/views", "", Needs::Login),
    form("/office/views", "name=a&address=/office", Needs::Login),
    form("/office/views/forget", "name=a", Needs::Login),
    data("/office/today", HALL, SCORES),
    data("/office/live", HALL, SCORES),
    page("/office/definitions", "", Needs::Login),
    page("/office/indicators", "", Needs::Login),
    page("/office/bulletin", HALL, SCORES),
    data("/office/bulletin.csv", HALL, FILES),
    data("/office/bulletin.xlsx", HALL, FILES),
    form(
        "/office/bulletin/publish",
        "month=2026-02&hall={hall}",
        Needs::All(&[P::SeeScores, P::Publish]),
    ),
    page("/office/marks", HALL, Needs::All(&[P::SeeClerks])),
    form(
        "/office/marks/decide",
        "hall={hall}&terminal=x&stream=x&seq=1&rule=x&to=open&why=a",
        Needs::All(&[P::MarkRatings]),
    ),
    data("/api/v1/scores", HALL, SCORES),
    data("/api/v1/scores.csv", HALL, FILES),
    data("/api/v1/scores.xlsx", HALL, FILES),
    data(
        "/api/v1/records.csv",
        HALL,
        Needs::All(&[P::Export, P::SeeClerks]),
    ),
    data("/api/v1/indicators", "", Needs::Login),
    // The fleet.
    data("/api/v1/alarms", "", Needs::All(&[P::SeeFleet])),
    Route {
        method: "POST",
        path: "/api/v1/prompts",
        query: "",
        body: r#"{"hall":"{hall}","window":"A01"}"#,
        needs: Needs::All(&[P::AskCitizens]),
        callers: Callers::Programs,
    },
    // There is no such question, and nobody may tell that from one of another hall.
    data(
        "/api/v1/prompts/00000000-0000-4000-8000-000000000000",
        "",
        Needs::One(&[]),
    ),
    // 管理.
    page(
        "/office/admin",
        "",
        Needs::One(&[P::ManagePeople, P::ManageTokens, P::SeeAudit]),
    ),
    page("/office/admin/people", "", PEOPLE),
    form(
        "/office/admin/people",
        "user=new-{hall}&role=office&place=hall:{hall}",
        PEOPLE,
    ),
    // There is no such user in either hall; the people that are there are asked for in other tests.
    page("/office/admin/people/nobody-{hall}", "", Needs::One(&[])),
    form(
        "/office/admin/people/nobody-{hall}",
        "do=disable&version=1",
        Needs::One(&[]),
    ),
    page("/office/admin/tokens", "", TOKENS),
    form(
        "/office/admin/tokens",
        "name=new-{hall}&place=hall:{hall}&permission=see_scores",
        TOKENS,
    ),
    form(
        "/office/admin/tokens/revoke",
        "name=nothing-{hall}",
        Needs::One(&[]),
    ),
    page("/office/admin/audit", "", AUDIT),
    page("/office/admin/audit.csv", "", AUDIT),
    // 我的账号.
    page("/account", "", Needs::Login),
    form("/account/link", "", Needs::One(&[])),
    form("/account/language", "language=en", Needs::Login),
    form("/account/sessions/end", "", Needs::Login),
    page("/account/password", "", Needs::Login),
    form(
        "/account/password",
        "current=a&new=b&repeat=c",
        Needs::Login,
    ),
    form("/account/second-factor", "password=wrong", Needs::Login),
    form(
        "/account/second-factor/confirm",
        "code=000000",
        Needs::Login,
    ),
    form(
        "/account/second-factor/remove",
        "password=wrong",
        Needs::Login,
    ),
];
