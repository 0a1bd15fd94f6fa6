//! The parameters of Digest credentials by name.

use std::{borrow::Cow, collections::HashSet};

use super::CredentialsError;
use crate::grammar::{AuthParam, AuthParams, Value};

/// A parameter that Digest defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Algorithm,
    Cnonce,
    Nc,
    Nonce,
    Opaque,
    Qop,
    Realm,
    Response,
    Uri,
    Userhash,
    Username,
    UsernameExtended,
}

impl Name {
    const ALL: [Self; 12] = [
        Self::Algorithm,
        Self::Cnonce,
        Self::Nc,
        Self::Nonce,
        Self::Opaque,
        Self::Qop,
        Self::Realm,
        Self::Response,
        Self::Uri,
        Self::Userhash,
        Self::Username,
        Self::UsernameExtended,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Cnonce => "cnonce",
            Self::Nc => "nc",
            Self::Nonce => "nonce",
            Self::Opaque => "opaque",
            Self::Qop => "qop",
            Self::Realm => "realm",
            Self::Response => "response",
            Self::Uri => "uri",
            Self::Userhash => "userhash",
            Self::Username => "username",
            Self::UsernameExtended => "username*",
        }
    }

    /// Returns the parameter with this name, in any case.
    fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|known| name.eq_ignore_ascii_case(known.as_str().as_bytes()))
    }
}

/// The values of the parameters that Digest defines, each at most once.
pub(super) struct Parameters<'a> {
    field: &'a [u8],
    values: [Option<Value>; Name::ALL.len()],
}

impl<'a> Parameters<'a> {
    /// Reads the list from `position` to the end of `field`, of at most `limit` parameters.
    /// Unknown parameters are ignored, but must not occur twice either.
    pub(super) fn read(
        field: &'a [u8],
        position: usize,
        limit: usize,
    ) -> Result<Self, CredentialsError> {
        let mut values = [None; Name::ALL.len()];
        let mut unknown = HashSet::new();
        for param in AuthParams::new(field, position, limit) {
            let AuthParam { name, value } = param?;
            match Name::parse(name) {
                Some(name) => {
                    if let Some(slot) = values.get_mut(name as usize)
                        && slot.replace(value).is_some()
                    {
                        return Err(CredentialsError::Duplicate(name.as_str()));
                    }
                }
                None if unknown.insert(name.to_ascii_lowercase()) => {}
                None => return Err(CredentialsError::Duplicate("other")),
            }
        }
        Ok(Self { field, values })
    }

    pub(super) fn get(&self, name: Name) -> Option<Value> {
        self.values.get(name as usize).copied().flatten()
    }

    pub(super) fn required(&self, name: Name) -> Result<Value, CredentialsError> {
        self.get(name).ok_or(CredentialsError::Missing(name.as_str()))
    }

    /// Returns the unescaped bytes of a value.
    pub(super) fn text(&self, value: Value) -> Cow<'a, [u8]> {
        value.unescaped(self.field)
    }

    /// Returns the field that the parameters were read from.
    pub(super) const fn field(&self) -> &'a [u8] {
        self.field
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::sample::{PARAMETERS, Sample, is_right},
        *,
    };

    /// Reads a list of one parameter and returns its name.
    fn read(name: &str) -> Option<Name> {
        let list = format!("{name}=x");
        let parameters = Parameters::read(list.as_bytes(), 0, 1).unwrap();
        Name::ALL.into_iter().find(|&name| parameters.get(name).is_some())
    }

    #[test]
    fn finds_names_in_any_case() {
        for name in Name::ALL {
            let lower = name.as_str();
            let mixed = lower.replacen('n', "N", 1).replacen('u', "U", 1);
            for sent in [lower, &lower.to_uppercase(), &mixed] {
                assert_eq!(read(sent), Some(name), "{sent}");
            }
        }
    }

    #[test]
    fn ignores_names_that_only_resemble_a_known_one() {
        for name in Name::ALL.map(Name::as_str) {
            for unknown in [format!("{name}x"), format!("x{name}"), name[..1].to_owned()] {
                assert_eq!(read(&unknown), None, "{unknown}");
            }
        }
    }

    #[test]
    fn refuses_a_duplicate_parameter_in_any_case() {
        let known = PARAMETERS.map(|(name, _)| name).into_iter().chain(["username*", "userhash"]);
        for name in known {
            let twice = || Sample::new().with(name, "x");
            let expected = CredentialsError::Duplicate(name);
            assert_eq!(twice().and(name, "x").error(), expected, "{name}");
            assert_eq!(twice().and(&name.to_uppercase(), "\"x\"").error(), expected, "{name}");
        }
        let other = || Sample::new().and("x", "1").and("y", "1");
        assert_eq!(other().and("x", "1").error(), CredentialsError::Duplicate("other"));
        assert_eq!(other().and("Y", "2").error(), CredentialsError::Duplicate("other"));
        assert!(is_right(&other().and("z", "1").parse()));
    }

    #[test]
    fn refuses_more_parameters_than_allowed() {
        let parse = |max_parameters| Sample::new().try_parse(false, max_parameters);
        assert!(parse(10).is_ok());
        let error = parse(9).err().unwrap();
        let CredentialsError::Syntax(error) = error else { panic!("{error:?}") };
        assert!(error.to_string().starts_with("too many parameters at byte "), "{error}");
    }
}
