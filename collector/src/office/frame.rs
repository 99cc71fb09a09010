//! What stands around every page: head, navigation, place, language, account, footer.
//!
//! **Invariants**
//! 1. A section is in the navigation only when it has a page; nobody is sent to a dead end.
//! 2. Going from section to section, or to the other language, keeps place and range of time.

mod words;

use axum::http::Uri;

use super::language::Language;
use super::query::Pairs;
use super::session::LoggedIn;
use super::words::Words;
use crate::access::{Access, Permission};
use crate::store::HallSummary;
use words::FrameWords;

/// A part of the office's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// 概览
    Overview,
    /// 趋势
    Trends,
    /// 对比
    Compare,
    /// 窗口
    Windows,
    /// 事项
    Items,
    /// 差评原因
    Tags,
    /// 人员
    Clerks,
    /// 设备
    Fleet,
    /// 通报
    Bulletin,
    /// 管理
    Administration,
    /// 我的账号
    Account,
}

impl Section {
    /// All sections, in the order of the navigation.
    const ALL: [Self; 11] = [
        Self::Overview,
        Self::Trends,
        Self::Compare,
        Self::Windows,
        Self::Items,
        Self::Tags,
        Self::Clerks,
        Self::Fleet,
        Self::Bulletin,
        Self::Administration,
        Self::Account,
    ];

    /// Whether it has a page. Whoever builds the page says so here.
    const fn is_built(self) -> bool {
        matches!(
            self,
            Self::Overview
                | Self::Trends
                | Self::Compare
                | Self::Windows
                | Self::Items
                | Self::Clerks
                | Self::Fleet
                | Self::Bulletin
                | Self::Administration
                | Self::Account
        )
    }

    /// Whether somebody may open it; nobody is sent to a page that refuses.
    fn is_open_to(self, access: &Access) -> bool {
        let needed: &[Permission] = match self {
            Self::Account => return true,
            Self::Clerks => &[Permission::SeeClerks],
            Self::Fleet => &[Permission::SeeFleet],
            Self::Administration => &[
                Permission::ManagePeople,
                Permission::ManageTokens,
                Permission::SeeAudit,
            ],
            _ => &[Permission::SeeScores],
        };
        needed
            .iter()
            .any(|permission| access.somewhere(*permission))
    }

    /// Its first page.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/office",
            Self::Trends => "/office/trends",
            Self::Compare => "/office/compare",
            Self::Windows => "/office/windows",
            Self::Items => "/office/items",
            Self::Tags => "/office/tags",
            Self::Clerks => "/office/clerks",
            Self::Fleet => "/office/fleet",
            Self::Bulletin => "/office/bulletin",
            Self::Administration => "/office/admin",
            Self::Account => "/account",
        }
    }

    const fn name(self, labels: &'static FrameWords) -> &'static str {
        match self {
            Self::Overview => labels.overview,
            Self::Trends => labels.trends,
            Self::Compare => labels.compare,
            Self::Windows => labels.windows,
            Self::Items => labels.items,
            Self::Tags => labels.tags,
            Self::Clerks => labels.clerks,
            Self::Fleet => labels.fleet,
            Self::Bulletin => labels.bulletin,
            Self::Administration => labels.administration,
            Self::Account => labels.account,
        }
    }

    /// Whether its pages show counts of a place and a range, which then go along.
    const fn has_scope(self) -> bool {
        !matches!(self, Self::Administration | Self::Account)
    }
}

/// One entry of the navigation.
#[derive(Debug)]
pub(super) struct NavItem {
    pub(super) name: &'static str,
    pub(super) href: String,
    pub(super) current: bool,
}

/// One place to choose.
#[derive(Debug)]
pub(super) struct PlaceChoice {
    /// The hall's id; empty for all halls.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) current: bool,
}

/// The choice of a hall. A form, so it works without a script.
#[derive(Debug)]
pub(super) struct PlacePicker {
    pub(super) action: String,
    /// What the form sends along.
    pub(super) kept: Vec<(String, String)>,
    pub(super) places: Vec<PlaceChoice>,
}

/// What a page needs to be drawn inside the frame.
#[derive(Debug)]
pub(super) struct Frame {
    /// The words that all pages share.
    pub(super) words: &'static Words,
    /// The frame's own words.
    pub(super) labels: &'static FrameWords,
    pub(super) language: Language,
    /// Who is logged in; none on pages for everybody.
    pub(super) user: Option<String>,
    /// Empty where nobody may go anywhere yet.
    pub(super) navigation: Vec<NavItem>,
    /// The name of the section the page is in, for the menu of small screens.
    pub(super) here: &'static str,
    pub(super) picker: Option<PlacePicker>,
    /// The same page in the other language.
    pub(super) other_language: String,
    pub(super) version: &'static str,
    uri: Uri,
}

/// What goes along from page to page.
const KEPT: [&str; 6] = ["hall", "region", "range", "from", "to", "without_marked"];

impl Frame {
    /// The frame of a page for everybody, such as login and errors.
    pub(super) fn bare(language: Language, uri: &Uri) -> Self {
        let query = Pairs::of(uri).without("lang");
        let words = language.words();
        Self {
            words,
            labels: FrameWords::of(language),
            language,
            user: None,
            navigation: Vec::new(),
            here: "",
            picker: None,
            other_language: query.with("lang", words.other_code).href(""),
            version: env!("CARGO_PKG_VERSION"),
            uri: uri.clone(),
        }
    }

    /// The frame of a page for somebody who must do something else first.
    pub(super) fn waiting(language: Language, uri: &Uri, user: &str) -> Self {
        Self {
            user: Some(user.to_owned()),
            ..Self::bare(language, uri)
        }
    }

    /// The frame of a page in a section.
    pub(super) fn of(user: &LoggedIn, language: Language, section: Section, uri: &Uri) -> Self {
        let bare = Self::waiting(language, uri, &user.0.name);
        let kept = Pairs::of(uri).only(&KEPT);
        let item = |shown: Section| NavItem {
            name: shown.name(bare.labels),
            href: if shown.has_scope() {
                kept.href(shown.path())
            } else {
                shown.path().to_owned()
            },
            current: shown == section,
        };
        Self {
            navigation: Section::ALL
                .into_iter()
                .filter(|section| section.is_built() && section.is_open_to(&user.0.access))
                .map(item)
                .collect(),
            here: section.name(bare.labels),
            ..bare
        }
    }

    /// The same with a choice among these halls; `all` also offers all of them together.
    pub(super) fn with_halls(
        mut self,
        halls: &[HallSummary],
        current: Option<&str>,
        all: bool,
    ) -> Self {
        if halls.len() < 2 {
            return self;
        }
        let whole = all.then(|| PlaceChoice {
            id: String::new(),
            name: FrameWords::of(self.language).all_halls.to_owned(),
            current: current.is_none(),
        });
        let hall = |hall: &HallSummary| PlaceChoice {
            id: hall.id.as_str().to_owned(),
            name: hall.name.clone(),
            current: current == Some(hall.id.as_str()),
        };
        self.picker = Some(PlacePicker {
            action: self.uri.path().to_owned(),
            kept: Pairs::of(&self.uri)
                .only(&["range", "from", "to", "by"])
                .into_pairs(),
            places: whole.into_iter().chain(halls.iter().map(hall)).collect(),
        });
        self
    }
}
