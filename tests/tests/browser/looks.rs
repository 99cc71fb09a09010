//! How pages look and whether everybody can use them.

use std::path::PathBuf;

use manyi_e2e::browser::{Browser, Finding, Scheme, Size};

use crate::desk::Desk;

/// Pages that a logged-in office sees, by the name of their picture.
const PAGES: &[(&str, &str)] = &[("overview", "/office"), ("password", "/account/password")];

/// Pages for everybody.
const OPEN: &[(&str, &str)] = &[("login", "/login"), ("not-found", "/nothing-here")];

const LOOKS: [(&str, Size, Scheme); 3] = [
    ("desk", Size::DESK, Scheme::Light),
    ("desk-dark", Size::DESK, Scheme::Dark),
    ("phone", Size::PHONE, Scheme::Light),
];

#[tokio::test]
async fn every_page_fits_desk_and_phone_and_axe_finds_nothing_serious_on_it() {
    let desk = Desk::with_days(9).await;
    let mut faults = Vec::new();
    for (name, path) in PAGES {
        faults.extend(look_at(&desk, name, path).await);
    }
    desk.browser.client().delete_all_cookies().await.unwrap();
    for (name, path) in OPEN {
        faults.extend(look_at(&desk, name, path).await);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    desk.leave().await;
}

#[tokio::test]
async fn a_hall_without_any_rating_has_pages_that_say_so_and_can_be_used() {
    let desk = Desk::with_days(0).await;
    let mut faults = Vec::new();
    for (name, path) in PAGES {
        faults.extend(look_at(&desk, &format!("{name}-empty"), path).await);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    desk.leave().await;
}

/// What is wrong with a page, in every look and both languages.
async fn look_at(desk: &Desk, name: &str, path: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (look, size, scheme) in LOOKS {
        let language = if look == "desk-dark" { "en" } else { "zh" };
        let joint = if path.contains('?') { '&' } else { '?' };
        let url = desk.url(&format!("{path}{joint}lang={language}"));
        desk.browser.show_as(size, scheme).await.unwrap();
        desk.browser.open(&url).await.unwrap();
        let found = check(&desk.browser).await;
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("{name} ({look}): {fault}")),
        );
        keep_picture(&desk.browser, &format!("{name}-{look}")).await;
    }
    faults
}

async fn check(browser: &Browser) -> Vec<String> {
    let mut faults = Vec::new();
    let wider = browser.sticks_out().await.unwrap();
    if wider > 0 {
        faults.push(format!("it is {wider} px wider than the window"));
    }
    for complaint in browser.complaints().await.unwrap() {
        // The browser tells of every answer of 400 and above; the page may be meant to be one.
        if !complaint.contains("the server responded with a status of") {
            faults.push(complaint);
        }
    }
    let serious = |finding: &Finding| matches!(finding.impact.as_str(), "serious" | "critical");
    for finding in browser.axe().await.unwrap() {
        if serious(&finding) {
            faults.push(format!(
                "{} [{}] {}",
                finding.rule, finding.impact, finding.what
            ));
        }
    }
    faults
}

async fn keep_picture(browser: &Browser, name: &str) {
    let Some(folder) = std::env::var_os("MANYI_PICTURES").map(PathBuf::from) else {
        return;
    };
    let picture = browser.picture().await.unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
}
