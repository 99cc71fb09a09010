//! What is typed: the collector's address and the one-time code.

use manyi_shared::tablet::EnrolProblem;
use manyi_shared::wire::EnrolmentCode;
use url::Url;

/// What the address field begins with.
const ADDRESS_START: &str = "https://";
/// Characters of an address; far more than any collector's has.
pub const LONGEST_ADDRESS: usize = 200;
/// Letters and digits of a code, without the `G` in front that says `gm`.
const CODE_SYMBOLS: usize = 8;
/// What a code for the suite `gm` begins with.
const GM: char = 'G';
/// The two fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Field {
    /// The collector's address.
    #[default]
    Address,
    /// The one-time code.
    Code,
}

/// The two fields as they stand.
pub(super) struct Form {
    /// Where the keys go.
    pub(super) field: Field,
    /// The address as typed.
    pub(super) address: String,
    /// Letters and digits of the code, in capitals.
    symbols: String,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            field: Field::default(),
            address: ADDRESS_START.to_owned(),
            symbols: String::new(),
        }
    }
}

impl Form {
    /// Takes what the field takes of these keys.
    pub(super) fn type_keys(&mut self, keys: &str) {
        keys.chars().for_each(|key| self.type_one(key));
    }

    fn type_one(&mut self, key: char) {
        match self.field {
            Field::Address if is_url_character(key) && self.address.len() < LONGEST_ADDRESS => {
                self.address.push(key);
            }
            Field::Code
                if key.is_ascii_alphanumeric() && self.symbols.len() < self.longest_code() =>
            {
                self.symbols.push(key.to_ascii_uppercase());
            }
            Field::Address | Field::Code => {}
        }
    }

    pub(super) fn erase(&mut self) {
        match self.field {
            Field::Address => self.address.pop(),
            Field::Code => self.symbols.pop(),
        };
    }

    pub(super) fn clear(&mut self) {
        match self.field {
            Field::Address => ADDRESS_START.clone_into(&mut self.address),
            Field::Code => self.forget_code(),
        }
    }

    pub(super) fn forget_code(&mut self) {
        self.symbols.clear();
    }

    /// A code that begins with G may have a character more.
    fn longest_code(&self) -> usize {
        CODE_SYMBOLS + usize::from(self.symbols.starts_with(GM))
    }

    /// The code with its hyphens.
    pub(super) fn code(&self) -> String {
        let mut code = self.symbols.clone();
        let prefix = usize::from(code.len() > CODE_SYMBOLS);
        if code.len() >= CODE_SYMBOLS / 2 {
            code.insert(prefix + CODE_SYMBOLS / 2, '-');
        }
        if prefix > 0 {
            code.insert(prefix, '-');
        }
        code
    }

    /// Whether both fields have the right shape.
    pub(super) fn is_whole(&self) -> bool {
        is_collector_address(&self.address) && self.symbols.parse::<EnrolmentCode>().is_ok()
    }

    /// What is wrong with the shapes, as far as the technician can be told before they are done
    /// typing: an address that they have left, a code that has all its characters.
    pub(super) fn misshapen(&self) -> Option<EnrolProblem> {
        if self.field == Field::Code && !is_collector_address(&self.address) {
            return Some(EnrolProblem::AddressMalformed);
        }
        let typed = self.symbols.len() >= CODE_SYMBOLS;
        (typed && self.symbols.parse::<EnrolmentCode>().is_err())
            .then_some(EnrolProblem::CodeMalformed)
    }
}

/// What may stand in an address (RFC 3986).
const fn is_url_character(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '-' | '.'
                | '_'
                | '~'
                | ':'
                | '/'
                | '?'
                | '#'
                | '['
                | ']'
                | '@'
                | '!'
                | '$'
                | '&'
                | '\''
                | '('
                | ')'
                | '*'
                | '+'
                | ','
                | ';'
                | '='
                | '%'
        )
}

/// Whether the daemon will take this for a collector's address: http or https, a host, and no more
/// than a path.
#[must_use]
pub fn is_collector_address(text: &str) -> bool {
    // The parser also takes `https:rate.example.cn` and `https:///rate.example.cn`, which nobody means.
    let host_follows = ["https://", "http://"].iter().any(|scheme| {
        text.split_at_checked(scheme.len())
            .is_some_and(|(head, rest)| head.eq_ignore_ascii_case(scheme) && !rest.starts_with('/'))
    });
    host_follows
        && Url::parse(text).is_ok_and(|url| {
            url.host_str().is_some_and(|host| !host.is_empty())
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        })
}
