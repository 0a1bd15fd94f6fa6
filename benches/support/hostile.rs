//! Fields that are made to be expensive to read.

use http::HeaderValue;

/// The lengths, which show whether the cost is linear.
const KIBIBYTES: [usize; 4] = [1, 4, 16, 64];

/// A kind of field, in any length.
pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    pub(crate) scheme: &'static str,
    begin: &'static str,
    repeat: fn(usize) -> String,
    end: &'static str,
}

/// Credentials of every kind.
pub(crate) const KINDS: [Hostile; 5] = [
    Hostile {
        name: "many parameters",
        scheme: "Digest",
        begin: "",
        // The names differ, since a duplicate ends parsing.
        repeat: |number| format!("a{number:05}=b,"),
        end: "c=d",
    },
    Hostile {
        name: "empty list members",
        scheme: "Digest",
        begin: "",
        repeat: |_| " ,\t,".to_owned(),
        end: "c=d",
    },
    BACKSLASHES,
    Hostile { name: "an open quote", end: "", ..BACKSLASHES },
    BASE64,
];

pub(crate) const BACKSLASHES: Hostile = Hostile {
    name: "quotes and backslashes",
    scheme: "Digest",
    begin: "a=\"",
    repeat: |_| r#"\"\\"#.to_owned(),
    end: "\"",
};

/// A user-pass without a colon.
pub(crate) const BASE64: Hostile = Hostile {
    name: "base64",
    scheme: "Basic",
    begin: "",
    repeat: |_| "YWFh".to_owned(),
    end: "YWFh",
};

impl Hostile {
    /// The text after the scheme in each length, with a name for the benchmark.
    pub(crate) fn in_each_length(&self) -> impl Iterator<Item = (String, String)> {
        KIBIBYTES.iter().map(|length| (format!("{length} KiB"), self.rest(length << 10)))
    }

    /// The text after the scheme in a field of at most `length` bytes, and less than one repetition
    /// shorter.
    pub(crate) fn rest(&self, length: usize) -> String {
        let room = length - [self.scheme, " ", self.begin, self.end].concat().len();
        let repeated = (0..room / (self.repeat)(0).len()).map(self.repeat);
        [self.begin.to_owned(), repeated.collect(), self.end.to_owned()].concat()
    }

    /// The whole field with this text after the scheme.
    pub(crate) fn field(&self, rest: &str) -> HeaderValue {
        let field = format!("{} {rest}", self.scheme);
        HeaderValue::try_from(field).expect("no control character but the tab")
    }
}
