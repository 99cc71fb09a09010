//! People: the list, one user, and what an administrator does to them.

use std::collections::BTreeSet;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};

use super::words::{AdminWords, grant_views};
use super::{SecretPage, Tabs, is_login_name, is_name};
use crate::access::{Access, Grant, Permission, Place, RegionCode, Role};
use crate::app::AppState;
use crate::audit::{Action, Note};
use crate::office::account::SessionView;
use crate::office::error::{PageError, draw};
use crate::office::format::moment;
use crate::office::frame::{Frame, Section};
use crate::office::language::Language;
use crate::office::password::refused_change;
use crate::office::session::{self, LoggedIn};
use crate::office::{malformed, secret};
use crate::problem::Problem;
use crate::store::users::{OfficeUser, Organisation, UserChange};

/// The most roles of one user: more are a mistake.
const MAX_GRANTS: usize = 50;

/// Empty rows for further roles.
const SPARE_ROWS: usize = 2;

#[derive(Debug, Template)]
#[template(path = "admin_people.html")]
struct PeoplePage {
    frame: Frame,
    tabs: Tabs,
    people: Vec<PersonView>,
    form: GrantForm,
}

#[derive(Debug, Template)]
#[template(path = "admin_person.html")]
struct PersonPage {
    frame: Frame,
    tabs: Tabs,
    person: PersonView,
    form: GrantForm,
    sessions: Vec<SessionView>,
}

/// A user in a list.
#[derive(Debug)]
struct PersonView {
    name: String,
    full_name: String,
    grants: Vec<(&'static str, String)>,
    disabled: bool,
    second_factor: bool,
    last_login: Option<String>,
    version: i64,
}

/// Fields for roles and places.
#[derive(Debug)]
struct GrantForm {
    labels: &'static AdminWords,
    /// Roles to choose from: name, words.
    roles: Vec<(&'static str, &'static str)>,
    /// Places to choose from: text form, words.
    places: Vec<(String, String)>,
    /// Role and place of each row.
    rows: Vec<(String, String)>,
}

impl PersonView {
    fn of(user: OfficeUser, labels: &'static AdminWords) -> Self {
        Self {
            grants: grant_views(&user.grants, labels),
            disabled: user.disabled_ms.is_some(),
            second_factor: user.second_factor.is_some(),
            last_login: user.last_login_ms.map(moment),
            version: user.version,
            name: user.name,
            full_name: user.full_name,
        }
    }
}

impl GrantForm {
    fn of(
        access: &Access,
        organisation: &Organisation,
        grants: &[Grant],
        labels: &'static AdminWords,
    ) -> Self {
        let row = |grant: &Grant| {
            let role = grant.as_role().map_or("", Role::name);
            (role.to_owned(), grant.place.to_string())
        };
        let spare = std::iter::repeat_with(|| (String::new(), String::new())).take(SPARE_ROWS);
        Self {
            labels,
            roles: Role::ALL
                .map(|role| (role.name(), labels.role_name(role)))
                .into(),
            places: places(access, organisation, labels),
            rows: grants.iter().map(row).chain(spare).collect(),
        }
    }
}

/// The places at which the caller may give roles.
fn places(
    access: &Access,
    organisation: &Organisation,
    labels: &AdminWords,
) -> Vec<(String, String)> {
    let mut all = vec![(Place::Everywhere, String::new())];
    let mut regions = BTreeSet::new();
    for (_, _, code) in &organisation.halls {
        let region = RegionCode::new(code);
        let significant = region.map(|region| region.significant().to_owned());
        for digits in [2, 4, 6, 9, 12] {
            let part = significant.as_ref().and_then(|text| text.get(..digits));
            regions.extend(part.and_then(RegionCode::new));
        }
    }
    all.extend(
        regions
            .into_iter()
            .map(|region| (Place::Region(region), String::new())),
    );
    for (hall, name, _) in &organisation.halls {
        if let Ok(hall) = hall.parse() {
            all.push((Place::Hall(hall), name.clone()));
        }
    }
    for (hall, department, name) in &organisation.departments {
        if let (Ok(hall), Ok(department)) = (hall.parse(), department.parse()) {
            all.push((Place::Department(hall, department), name.clone()));
        }
    }
    all.retain(|(place, _)| access.allows(Permission::ManagePeople, place));
    let named = |(place, name): (Place, String)| {
        let words = format!("{} {name}", labels.place_name(&place));
        (place.to_string(), words.trim().to_owned())
    };
    all.into_iter().map(named).collect()
}

/// Whether the caller manages this user: all of the user's roles lie where the caller does.
fn manages(access: &Access, user: &OfficeUser) -> bool {
    let allows = |place: &Place| access.allows(Permission::ManagePeople, place);
    if user.grants.is_empty() {
        return allows(&Place::Everywhere);
    }
    user.grants.iter().all(|grant| allows(&grant.place))
}

/// The user of this name, for whoever manages them; others find nobody.
async fn managed(state: &AppState, access: &Access, name: &str) -> Result<OfficeUser, Problem> {
    access.require_somewhere(Permission::ManagePeople)?;
    if !is_login_name(name) {
        return Err(Problem::not_found());
    }
    let user = state.store.user(name.to_owned()).await?;
    user.filter(|user| manages(access, user))
        .ok_or_else(Problem::not_found)
}

// needs: ManagePeople somewhere
/// `GET /office/admin/people`.
pub(in crate::office) async fn list(
    State(state): State<AppState>,
    logged_in: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    let listed = async {
        let access = &logged_in.0.access;
        access.require_somewhere(Permission::ManagePeople)?;
        let labels = AdminWords::of(language);
        let mut users = state.store.users().await.map_err(Problem::from)?;
        users.retain(|user| manages(access, user));
        let object = format!("users:{}", users.len());
        let by = logged_in.0.by.clone();
        let note = Note::new(by, Action::SeePeople, Place::Everywhere, object);
        let noted = state.store.note(note, state.clock.now_ms());
        noted.await.map_err(Problem::from)?;
        let organisation = state.store.organisation().await.map_err(Problem::from)?;
        let page = PeoplePage {
            frame: Frame::of(&logged_in, language, Section::Administration, &uri),
            tabs: Tabs::of(access, labels, "people"),
            people: users
                .into_iter()
                .map(|user| PersonView::of(user, labels))
                .collect(),
            form: GrantForm::of(access, &organisation, &[], labels),
        };
        draw(StatusCode::OK, &page)
    };
    listed
        .await
        .map_err(|error: PageError| error.speaking(language))
}

// needs: ManagePeople at all places of the user
/// `GET /office/admin/people/{name}`.
pub(in crate::office) async fn page(
    State(state): State<AppState>,
    logged_in: LoggedIn,
    language: Language,
    uri: Uri,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let shown = async {
        let access = &logged_in.0.access;
        let user = managed(&state, access, &name).await?;
        let labels = AdminWords::of(language);
        let organisation = state.store.organisation().await.map_err(Problem::from)?;
        let sessions = session::list(&state, &name).await?;
        let by = logged_in.0.by.clone();
        let object = format!("user:{name}");
        let note = Note::new(by, Action::SeePeople, Place::Everywhere, object);
        let noted = state.store.note(note, state.clock.now_ms());
        noted.await.map_err(Problem::from)?;
        let own = &logged_in.0.session;
        let page = PersonPage {
            frame: Frame::of(&logged_in, language, Section::Administration, &uri),
            tabs: Tabs::of(access, labels, "people"),
            form: GrantForm::of(access, &organisation, &user.grants, labels),
            person: PersonView::of(user, labels),
            sessions: sessions
                .into_iter()
                .map(|session| SessionView::of(session, own))
                .collect(),
        };
        draw(StatusCode::OK, &page)
    };
    shown
        .await
        .map_err(|error: PageError| error.speaking(language))
}

/// A form whose fields may come several times.
type Fields = Form<Vec<(String, String)>>;

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let mut values = fields.iter().filter(|(n, _)| n == name);
    values.next().map_or("", |(_, value)| value.trim())
}

/// Roles and places of a form; rows without a role are left out.
fn grants(access: &Access, fields: &[(String, String)]) -> Result<Vec<Grant>, Problem> {
    let values = |name: &'static str| {
        let of_name = fields.iter().filter(move |(n, _)| n == name);
        of_name.map(|(_, value)| value.trim())
    };
    let mut grants = Vec::new();
    for (role, place) in values("role").zip(values("place")) {
        if role.is_empty() {
            continue;
        }
        let role = Role::from_name(role).ok_or_else(|| malformed("`role` is not a role"))?;
        let place: Place = place
            .parse()
            .map_err(|error: crate::access::InvalidPlace| malformed(&error.to_string()))?;
        // A place where the caller manages nobody is told as one that does not exist.
        if !access.allows(Permission::ManagePeople, &place) {
            let refused = crate::store::users::UserRefused::NoSuchPlace;
            return Err(malformed(&refused.to_string()));
        }
        grants.push(Grant::role(role, place));
    }
    grants.sort();
    grants.dedup();
    if grants.len() > MAX_GRANTS {
        return Err(malformed("more than 50 roles for one user"));
    }
    Ok(grants)
}

fn full_name(fields: &[(String, String)]) -> Result<String, Problem> {
    let full_name = field(fields, "full_name");
    if full_name.is_empty() || is_name(full_name) {
        return Ok(full_name.to_owned());
    }
    Err(malformed(
        "`full_name` must have at most 64 printable characters",
    ))
}

// needs: ManagePeople at all places of the new user
/// `POST /office/admin/people`: a new user, with a one-time password that is shown once.
pub(in crate::office) async fn add(
    State(state): State<AppState>,
    logged_in: LoggedIn,
    language: Language,
    uri: Uri,
    Form(fields): Fields,
) -> Result<Response, PageError> {
    let added = async {
        let access = &logged_in.0.access;
        access.require_somewhere(Permission::ManagePeople)?;
        let name = field(&fields, "user").to_owned();
        if !is_login_name(&name) {
            let rule = "`user` must have 1 to 64 letters, digits, `.`, `_`, `-` or `@`";
            return Err(malformed(rule).into());
        }
        let grants = grants(access, &fields)?;
        if grants.is_empty() && !access.allows(Permission::ManagePeople, &Place::Everywhere) {
            return Err(malformed("a user needs a role at a place that you manage").into());
        }
        let password = secret::one_time_password()?;
        let user = OfficeUser {
            name: name.clone(),
            full_name: full_name(&fields)?,
            password_hash: secret::hash(password.clone()).await?,
            must_change: true,
            grants,
            ..OfficeUser::default()
        };
        change(&state, &logged_in, &name, UserChange::Add(Box::new(user))).await?;
        let labels = AdminWords::of(language);
        show_password(&logged_in, language, &uri, labels.added, &name, password)
    };
    added
        .await
        .map_err(|error: PageError| error.speaking(language))
}

fn show_password(
    logged_in: &LoggedIn,
    language: Language,
    uri: &Uri,
    words: &str,
    name: &str,
    secret: String,
) -> Result<Response, PageError> {
    let labels = AdminWords::of(language);
    let page = SecretPage {
        frame: Frame::of(logged_in, language, Section::Administration, uri),
        tabs: Tabs::of(&logged_in.0.access, labels, "people"),
        title: format!("{words}{name}"),
        advice: labels.password_advice,
        secret,
        back: "/office/admin/people".to_owned(),
    };
    draw(StatusCode::OK, &page)
}

async fn change(
    state: &AppState,
    logged_in: &LoggedIn,
    name: &str,
    wanted: UserChange,
) -> Result<(), Problem> {
    let by = logged_in.0.by.clone();
    let now_ms = state.clock.now_ms();
    let changed = state.store.change_user(name.to_owned(), wanted, by, now_ms);
    changed.await?.map_err(refused_change)?;
    state.live.session_ended();
    Ok(())
}

// needs: ManagePeople at all places of the user, before and after
/// `POST /office/admin/people/{name}`: what the form's button says.
pub(in crate::office) async fn act(
    State(state): State<AppState>,
    logged_in: LoggedIn,
    language: Language,
    uri: Uri,
    headers: HeaderMap,
    Path(name): Path<String>,
    Form(fields): Fields,
) -> Result<Response, PageError> {
    let acted = async {
        let access = &logged_in.0.access;
        managed(&state, access, &name).await?;
        let version = field(&fields, "version").parse().unwrap_or_default();
        let wanted = match field(&fields, "do") {
            "save" => UserChange::Edit {
                version,
                full_name: full_name(&fields)?,
                grants: grants(access, &fields)?,
            },
            "disable" => UserChange::Disable { version },
            "enable" => UserChange::Enable { version },
            "reset" => {
                let password = secret::one_time_password()?;
                let password_hash = secret::hash(password.clone()).await?;
                change(
                    &state,
                    &logged_in,
                    &name,
                    UserChange::Reset { password_hash },
                )
                .await?;
                let words = AdminWords::of(language).reset_done;
                return show_password(&logged_in, language, &uri, words, &name, password);
            }
            "end_sessions" => {
                end_sessions(&state, &logged_in, &headers, &name).await?;
                return Ok(Redirect::to(&path(&name)).into_response());
            }
            _ => return Err(malformed("`do` is not an action").into()),
        };
        change(&state, &logged_in, &name, wanted).await?;
        Ok(Redirect::to(&path(&name)).into_response())
    };
    acted
        .await
        .map_err(|error: PageError| error.speaking(language))
}

async fn end_sessions(
    state: &AppState,
    logged_in: &LoggedIn,
    headers: &HeaderMap,
    name: &str,
) -> Result<u64, Problem> {
    if name == logged_in.0.name {
        return session::end_others(state, headers, &logged_in.0, None).await;
    }
    let by = logged_in.0.by.clone();
    let now_ms = state.clock.now_ms();
    let ended = state
        .store
        .end_sessions(name.to_owned(), None, None, by, now_ms);
    let ended = ended.await?;
    state.live.session_ended();
    Ok(ended)
}

/// Where a user's page is.
fn path(name: &str) -> String {
    let escaped: String = name
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@') {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    format!("/office/admin/people/{escaped}")
}
