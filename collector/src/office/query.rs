//! The query of an address as a list of names and values: what a page reads, changes and writes back
//! into its links. Pure.

use axum::http::Uri;

/// Names and values in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// The query of an address.
    pub(super) fn of(uri: &Uri) -> Self {
        Self::parse(uri.query().unwrap_or_default())
    }

    /// Reads `a=b&c=d`. Names without a value get an empty one.
    pub(super) fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        };
        Self(pairs.map(pair).collect())
    }

    /// The first value of this name; none when it is missing or empty, as empty fields of a form are.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v);
        values.next().map(String::as_str).filter(|v| !v.is_empty())
    }

    /// Without this name.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(n, _)| n != name);
        self
    }

    /// With this value for this name, and no other; an empty value takes the name away.
    pub(super) fn with(self, name: &str, value: impl Into<String>) -> Self {
        let mut rest = self.without(name);
        let value = value.into();
        if !value.is_empty() {
            rest.0.push((name.to_owned(), value));
        }
        rest
    }

    /// With this value for this name, in front of all others.
    pub(super) fn led_by(self, name: &str, value: &str) -> Self {
        let mut pairs = self.without(name);
        pairs.0.insert(0, (name.to_owned(), value.to_owned()));
        pairs
    }

    /// Only these names, without empty values.
    pub(super) fn only(mut self, names: &[&str]) -> Self {
        self.0
            .retain(|(n, v)| names.contains(&n.as_str()) && !v.is_empty());
        self
    }

    /// A list that was taken apart.
    pub(super) const fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The list itself, for the hidden fields of a form.
    pub(super) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    /// An address with this query; a bare `?` when there is none and no path either.
    pub(super) fn href(&self, path: &str) -> String {
        let query = self.query();
        if query.is_empty() && !path.is_empty() {
            return path.to_owned();
        }
        format!("{path}?{query}")
    }

    /// `a=b&c=d`, encoded.
    pub(super) fn query(&self) -> String {
        let pair =
            |(name, value): &(String, String)| format!("{}={}", encoded(name), encoded(value));
        self.0.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}

/// As forms encode: everything but letters, digits and a few marks as `%XX` of its UTF-8 bytes.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' | b':' => {
                out.push(char::from(byte));
            }
            _ => {
                let digit = |n: u8| {
                    char::from_digit(n.into(), 16)
                        .unwrap_or('0')
                        .to_ascii_uppercase()
                };
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out
}

/// `+` is a space; what is not two hexadecimal digits after `%` stays as it is.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'+', _, _) => out.push(b' '),
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_is_read_changed_and_written() {
        let pairs = Pairs::parse("hall=H1&name=%E6%BB%A1+%E6%84%8F&lang=en&empty=&odd=%zz");
        assert_eq!(pairs.get("name"), Some("满 意"));
        assert_eq!((pairs.get("empty"), pairs.get("gone")), (None, None));
        assert_eq!(pairs.get("odd"), Some("%zz"));
        let changed = pairs.without("lang").with("hall", "H2").with("odd", "");
        assert_eq!(
            changed.href("/office"),
            "/office?name=%E6%BB%A1%20%E6%84%8F&empty=&hall=H2"
        );
        assert_eq!(changed.only(&["hall", "empty"]).href("/x"), "/x?hall=H2");
        assert_eq!(Pairs::default().href("/office"), "/office");
        assert_eq!(Pairs::default().href(""), "?");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(pairs in proptest::collection::vec(("[a-z]{1,8}", ".{0,12}"), 0..6)) {
            let pairs = Pairs(pairs);
            prop_assert_eq!(Pairs::parse(&pairs.query()), pairs);
        }
    }
}
