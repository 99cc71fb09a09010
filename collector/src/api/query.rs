//! A query string of figures as a thing of its own: read once, changed for a link, written the same
//! way whoever wrote it first.

use std::fmt;

/// Parameters in the order in which they are written.
const ORDER: [&str; 22] = [
    "region",
    "hall",
    "department",
    "window",
    "staff",
    "item",
    "tag",
    "channel",
    "from",
    "to",
    "tz",
    "group",
    "region_digits",
    "rounding",
    "digits",
    "before",
    "by",
    "figure",
    "min_ratings",
    "without_marked",
    "sort",
    "lang",
];

/// A query's parameters. Two queries that say the same are written the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScoreQuery(Vec<(String, String)>);

impl ScoreQuery {
    /// Takes a query string apart; empty parameters say nothing and are left out.
    #[must_use]
    pub fn read(query: &str) -> Self {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(query.trim_start_matches('?')).unwrap_or_default();
        let mut read = Self::default();
        for (name, value) in pairs {
            read = read.set(&name, &value);
        }
        read
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The same query with this parameter; an empty value takes it away.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(n, _)| n != name);
        if !value.is_empty() {
            self.0.push((name.to_owned(), value.to_owned()));
            self.0.sort_by_key(|(name, _)| {
                let known = ORDER.iter().position(|known| known == name);
                (known.unwrap_or(ORDER.len()), name.clone())
            });
        }
        self
    }

    /// The same query without this parameter.
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        self.set(name, "")
    }
}

impl fmt::Display for ScoreQuery {
    /// The query string, without `?`; empty when nothing is asked for in particular.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Commas, colons and slashes may stand in a query as they are (RFC 3986, 3.4).
        let text = serde_urlencoded::to_string(&self.0).map_err(|_| fmt::Error)?;
        let text = text.replace("%2C", ",").replace("%3A", ":");
        f.write_str(&text.replace("%2F", "/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("group=window&hall=H1", "hall=H1&group=window")]
    #[case("?window=A01%2CA02&hall=", "window=A01,A02")]
    #[case(
        "from=2026-01-05T09%3A00%3A00%2B08%3A00",
        "from=2026-01-05T09:00:00%2B08:00"
    )]
    #[case("", "")]
    fn a_query_is_written_the_same_whoever_wrote_it(#[case] query: &str, #[case] written: &str) {
        let read = ScoreQuery::read(query);
        assert_eq!(read.to_string(), written);
        assert_eq!(ScoreQuery::read(written), read);
    }

    #[test]
    fn a_link_changes_one_parameter_and_keeps_the_rest() {
        let query = ScoreQuery::read("hall=H1&group=window&window=A01");
        assert_eq!(query.get("window"), Some("A01"));
        let link = query.set("window", "A02").without("group");
        assert_eq!(link.to_string(), "hall=H1&window=A02");
    }
}
