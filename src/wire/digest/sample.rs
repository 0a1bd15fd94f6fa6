//! Credentials for tests: the example of RFC 7616, section 3.9.1, for MD5.

use http::{HeaderValue, Method};

use super::{Credentials, CredentialsError, HashFunction, HashedA1, Username};
use crate::wire::Realm;

pub(super) const PREFIX: &str = "Digest ";

pub(super) const PARAMETERS: [(&str, &str); 10] = [
    ("username", "\"Mufasa\""),
    ("realm", "\"http-auth@example.org\""),
    ("uri", "\"/dir/index.html\""),
    ("algorithm", "MD5"),
    ("nonce", "\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\""),
    ("nc", "00000001"),
    ("cnonce", "\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\""),
    ("qop", "auth"),
    ("response", "\"8ca523f5e9506fed4657c9700eebdbec\""),
    ("opaque", "\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""),
];

/// The parameters of the example, some of them changed.
#[derive(Clone)]
pub(super) struct Sample(Vec<(String, Vec<u8>)>);

impl Sample {
    pub(super) fn new() -> Self {
        Self(PARAMETERS.map(|(name, value)| (name.to_owned(), value.into())).into())
    }

    /// Adds a parameter at the end.
    pub(super) fn and(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self
    }

    /// Replaces a parameter.
    pub(super) fn with(self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.without(name).and(name, value)
    }

    pub(super) fn with_all(self, changes: &[(&str, &str)]) -> Self {
        changes.iter().fold(self, |sample, (name, value)| sample.with(name, *value))
    }

    pub(super) fn try_parse(
        self,
        latin1: bool,
        max_parameters: usize,
    ) -> Result<(Credentials, Username), CredentialsError> {
        let params = self
            .0
            .into_iter()
            .map(|(name, value)| [name.as_bytes(), b"=".as_slice(), value.as_slice()].concat());
        let list = params.collect::<Vec<_>>().join(b", ".as_slice());
        let field = HeaderValue::from_bytes(&[PREFIX.as_bytes(), &list].concat()).unwrap();
        Credentials::parse(field, PREFIX.len(), latin1, max_parameters)
    }

    #[track_caller]
    pub(super) fn parse(self) -> Credentials {
        self.try_parse(false, 32).unwrap().0
    }

    #[track_caller]
    pub(super) fn username(self) -> Username {
        self.try_parse(false, 32).unwrap().1
    }

    #[track_caller]
    pub(super) fn error(self) -> CredentialsError {
        self.try_parse(false, 32).err().unwrap()
    }
}

pub(super) fn realm() -> Realm {
    Realm::new("http-auth@example.org").unwrap()
}

/// The secret of the example's user.
pub(super) fn ha1(function: HashFunction) -> HashedA1 {
    HashedA1::new(function, "Mufasa", &realm(), "Circle of Life")
}

/// Returns whether the credentials were computed from the secret of the example's user.
pub(super) fn is_right(credentials: &Credentials) -> bool {
    let ha1 = ha1(credentials.algorithm().hash_function());
    credentials.is_response_for(&ha1, &Method::GET)
}
