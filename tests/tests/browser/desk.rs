//! An office with weeks of ratings, and somebody logged in at it.

use manyi_e2e::browser::Browser;
use manyi_e2e::history::{Past, make};
use manyi_e2e::office::Office;

/// The demo's hall.
pub(crate) const HALL: &str = "371581-01";

/// A password that the rules allow.
const OWN: &str = "correct horse 满意";

/// A running office and a browser in which its first user is logged in.
pub(crate) struct Desk {
    pub(crate) office: Office,
    pub(crate) browser: Browser,
}

impl Desk {
    /// An office whose hall has had citizens for so many days.
    pub(crate) async fn with_days(days: u32) -> Self {
        let mut office = Office::of_the_demo().unwrap();
        if days > 0 {
            let past = Past {
                days,
                citizens: 6,
                seed: 20_261_122,
            };
            make(&office.data_dir(), HALL, past, |_| {}).await.unwrap();
        }
        office.start().unwrap();
        let browser = Browser::start().await.unwrap();
        let desk = Self { office, browser };
        let url = desk.url("");
        let password = desk.office.password();
        let logged_in = desk.browser.first_log_in(&url, "office", password, OWN);
        logged_in.await.unwrap();
        desk
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.office.address())
    }

    pub(crate) async fn leave(mut self) {
        self.browser.quit().await.unwrap();
        self.office.stop().unwrap();
    }
}
