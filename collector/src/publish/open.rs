//! What everybody may read of the publications: the newest version of each month, and only its
//! public tables.

use serde::Serialize;
use utoipa::ToSchema;

use super::Content;
use crate::app::AppState;
use crate::export::{Cell, Note, Table, Text};
use crate::problem::{Problem, ProblemType};
use crate::roots::proof::hex;
use crate::store::publications::Published;

/// A place that something was published of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OpenPlace {
    /// The hall; empty: all halls together.
    #[schema(example = "371581-01")]
    pub hall: String,
    /// What it is called.
    #[schema(value_type = Object)]
    pub name: Text,
}

/// One month of one place.
#[derive(Debug, Clone)]
pub struct Open {
    /// Where something was published, and which of them this is.
    pub places: Vec<OpenPlace>,
    /// The months of the place, the newest first.
    pub months: Vec<String>,
    /// The publication; none when there is none yet.
    pub shown: Option<(Published, Content)>,
}

/// Reads the publication of a month, or the newest one, of a place, or of the first there is.
///
/// # Errors
/// A problem when there is no such publication or the database fails.
pub async fn open(
    state: &AppState,
    hall: Option<&str>,
    month: Option<&str>,
) -> Result<Open, Problem> {
    let keys = state.store.published_places().await?;
    let halls = state.store.halls().await?;
    let name = |key: &str| {
        let found = halls.iter().find(|hall| hall.id.as_str() == key);
        found.map_or_else(
            || Text::new("全部大厅", "All halls"),
            |hall| Text::new(hall.name.clone(), hall.name.clone()),
        )
    };
    let places: Vec<OpenPlace> = keys
        .iter()
        .map(|key| OpenPlace {
            hall: key.clone(),
            name: name(key),
        })
        .collect();
    let key = match hall {
        Some(hall) => keys
            .iter()
            .find(|key| *key == hall)
            .ok_or_else(Problem::not_found)?,
        None => match keys.first() {
            Some(first) => first,
            None => {
                return Ok(Open {
                    places,
                    months: Vec::new(),
                    shown: None,
                });
            }
        },
    };
    let all = state.store.publications(key.clone()).await?;
    let mut numbers: Vec<u32> = all.iter().map(|published| published.month).collect();
    numbers.dedup();
    let wanted = match month {
        None => numbers.first().copied(),
        Some(text) => {
            let number = super::month_of(text).and_then(|_| text.replace('-', "").parse().ok());
            Some(number.ok_or_else(|| {
                let detail = "`month` must be a month such as 2026-10";
                Problem::new(ProblemType::Malformed, detail)
            })?)
        }
    };
    let shown = match wanted {
        Some(number) => state.store.publication(key.clone(), number, None).await?,
        None => None,
    };
    let (published, content) = shown.ok_or_else(Problem::not_found)?;
    let content: Content = serde_json::from_str(&content).map_err(|error| {
        tracing::error!(%error, "a publication cannot be read");
        Problem::internal()
    })?;
    Ok(Open {
        places,
        months: numbers
            .iter()
            .map(|n| format!("{:04}-{:02}", n / 100, n % 100))
            .collect(),
        shown: Some((published, content)),
    })
}

/// Published figures as JSON.
#[derive(Debug, Serialize, ToSchema)]
pub struct FiguresBody {
    /// Where something was published.
    places: Vec<OpenPlace>,
    /// The months that were published of this place, the newest first.
    months: Vec<String>,
    /// The publication; `null` when nothing was published yet.
    publication: Option<PublicationBody>,
}

/// One publication.
#[derive(Debug, Serialize, ToSchema)]
struct PublicationBody {
    /// The hall; `null`: all halls together.
    hall: Option<String>,
    #[schema(example = "2026-10")]
    month: String,
    /// From 1; a correction is another version.
    version: u32,
    #[schema(example = "2026-11-02T01:00:00Z")]
    published_at: String,
    /// Why it corrects the version before; empty for the first.
    why: String,
    /// SHA-256 of everything that was frozen, hexadecimal.
    digest: String,
    /// Smaller groups are withheld.
    min_group: u32,
    /// The tables: each row is an object of column names and printed cells; `null`: withheld or
    /// without a value, and `remarks` says which.
    #[schema(value_type = Vec<Object>)]
    tables: Vec<serde_json::Value>,
}

impl FiguresBody {
    /// The JSON of a publication.
    #[must_use]
    pub fn of(open: &Open) -> Self {
        let body = |(published, content): &(Published, Content)| PublicationBody {
            hall: content.hall.clone(),
            month: content.month.clone(),
            version: published.version,
            published_at: at(published),
            why: published.why.clone(),
            digest: hex(&published.digest),
            min_group: content.min_group,
            tables: content.public.iter().map(table).collect(),
        };
        Self {
            places: open.places.clone(),
            months: open.months.clone(),
            publication: open.shown.as_ref().map(body),
        }
    }
}

fn at(published: &Published) -> String {
    jiff::Timestamp::from_millisecond(published.published_ms)
        .map_or_else(|_| String::new(), |at| format!("{at:.0}"))
}

fn table(table: &Table) -> serde_json::Value {
    let row = |row: &crate::export::Row| {
        let mut object = serde_json::Map::new();
        object.insert("row".to_owned(), row.kind.name().into());
        for (index, column) in table.columns.iter().enumerate() {
            let value = match row.cells.get(index).unwrap_or(&Cell::Empty) {
                Cell::Empty => serde_json::Value::Null,
                Cell::Count(n) => u64::try_from(*n).map_or(serde_json::Value::Null, Into::into),
                cell => cell.text().into(),
            };
            object.insert(column.name.clone(), value);
        }
        serde_json::Value::Object(object)
    };
    serde_json::json!({
        "title": &table.title,
        "rows": table.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

/// The public tables of a publication with what must be known to read them.
#[must_use]
pub fn with_notes((published, content): (Published, Content)) -> Vec<Table> {
    let mut tables = content.public;
    if let Some(first) = tables.first_mut() {
        first.notes.extend([
            Note::value("scope", "month", content.month),
            Note::new("scope", "place", content.place),
            Note::value("time_zone", "", content.time_zone),
            Note::value("published", "at", at(&published)),
            Note::value("published", "version", published.version.to_string()),
            Note::value("published", "sha256", hex(&published.digest)),
        ]);
        let definitions = content.tables.into_iter().flat_map(|table| table.notes);
        first
            .notes
            .extend(definitions.filter(|note| note.about == "definition"));
    }
    tables
}
