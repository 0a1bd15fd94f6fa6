//! The parameters of Digest credentials, told apart by name.

use super::CredentialsError;
use crate::grammar::{AuthParams, Value};

/// The parameters that Digest knows, each at most once.
#[derive(Default)]
pub(super) struct Parameters<'a> {
    pub(super) username: Option<Value<'a>>,
    pub(super) username_extended: Option<Value<'a>>,
    pub(super) userhash: Option<Value<'a>>,
    pub(super) realm: Option<Value<'a>>,
    pub(super) nonce: Option<Value<'a>>,
    pub(super) uri: Option<Value<'a>>,
    pub(super) response: Option<Value<'a>>,
    pub(super) algorithm: Option<Value<'a>>,
    pub(super) opaque: Option<Value<'a>>,
    pub(super) qop: Option<Value<'a>>,
    pub(super) nc: Option<Value<'a>>,
    pub(super) cnonce: Option<Value<'a>>,
}

impl<'a> Parameters<'a> {
    /// Reads `list`, which begins `position` bytes into its field, up to `maximum` parameters.
    ///
    /// # Errors
    /// The first mistake in the grammar, or the first name that occurs twice, known or not.
    pub(super) fn read(
        list: &'a [u8],
        position: usize,
        maximum: usize,
    ) -> Result<Self, CredentialsError> {
        let mut found = Self::default();
        // Clients hardly ever send any, and there are `maximum` at most.
        let mut unknown: Vec<&[u8]> = Vec::new();
        for param in AuthParams::new(list, position).with_limit(maximum) {
            let param = param?;
            match found.slot(param.name()) {
                Some((_, slot @ None)) => *slot = Some(param.value()),
                Some((name, Some(_))) => return Err(CredentialsError::Duplicate(name)),
                None if unknown.iter().any(|name| name.eq_ignore_ascii_case(param.name())) => {
                    return Err(CredentialsError::Duplicate("other"));
                }
                None => unknown.push(param.name()),
            }
        }
        Ok(found)
    }

    /// Where the parameter `name`, written in whatever case, belongs.
    fn slot(&mut self, name: &[u8]) -> Option<(&'static str, &mut Option<Value<'a>>)> {
        // By length first: names of a known length compare as numbers, all their bytes at once.
        Some(match name.len() {
            2 if lower(name) == Some(*b"nc") => ("nc", &mut self.nc),
            3 => match &lower(name)? {
                b"qop" => ("qop", &mut self.qop),
                b"uri" => ("uri", &mut self.uri),
                _ => return None,
            },
            5 => match &lower(name)? {
                b"nonce" => ("nonce", &mut self.nonce),
                b"realm" => ("realm", &mut self.realm),
                _ => return None,
            },
            6 => match &lower(name)? {
                b"cnonce" => ("cnonce", &mut self.cnonce),
                b"opaque" => ("opaque", &mut self.opaque),
                _ => return None,
            },
            8 => match &lower(name)? {
                b"response" => ("response", &mut self.response),
                b"userhash" => ("userhash", &mut self.userhash),
                b"username" => ("username", &mut self.username),
                _ => return None,
            },
            9 => match &lower(name)? {
                b"algorithm" => ("algorithm", &mut self.algorithm),
                b"username*" => ("username*", &mut self.username_extended),
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// The name in lower case, if it is of this length.
fn lower<const LENGTH: usize>(name: &[u8]) -> Option<[u8; LENGTH]> {
    // In a token this turns upper case into lower, and nothing else into a letter or an asterisk.
    <&[u8; LENGTH]>::try_from(name).ok().map(|name| name.map(|byte| byte | 0x20))
}
