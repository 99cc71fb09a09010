//! `GET /office/definitions`: what every figure means, for whoever looks at one.

use askama::Template;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use manyi_shared::domain::Level;

use super::error::{PageError, draw};
use super::figures::rounding_text;
use super::frame::{Frame, Section};
use super::language::Language;
use super::session::LoggedIn;
use super::words::Words;
use crate::score::{FigureKind, Rounding};

/// The figures of the pages, in their order there.
const KINDS: [FigureKind; 5] = [
    FigureKind::Mean,
    FigureKind::SatisfactionRate,
    FigureKind::BadRate,
    FigureKind::Participation,
    FigureKind::LevelShare(Level::VerySatisfied),
];

#[derive(Debug, Template)]
#[template(path = "definitions.html")]
struct DefinitionsPage {
    frame: Frame,
    words: &'static Words,
    rounding: String,
    definitions: Vec<DefinitionView>,
}

#[derive(Debug)]
struct DefinitionView {
    name: &'static str,
    title: String,
    formula: String,
    scope: String,
    /// The formula over the counts of the API.
    code: &'static str,
}

impl DefinitionView {
    fn of(kind: FigureKind, language: Language) -> Self {
        let definition = kind.definition();
        Self {
            name: kind.name(),
            title: language.pick(definition.title),
            formula: language.pick(definition.formula),
            scope: language.pick(definition.scope),
            code: kind.formula(),
        }
    }
}

/// The page. It shows no counts, so whoever is logged in may read it.
pub(super) async fn page(
    user: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    let page = DefinitionsPage {
        frame: Frame::of(&user, language, Section::Overview, &uri),
        words: language.words(),
        rounding: rounding_text(Rounding::default(), language),
        definitions: KINDS
            .into_iter()
            .map(|kind| DefinitionView::of(kind, language))
            .collect(),
    };
    draw(StatusCode::OK, &page)
}
