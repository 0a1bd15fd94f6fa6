//! The parameters of Digest credentials, found in the list and not yet read.

use super::{CredentialsError, part::Part};
use crate::grammar::{AuthParams, Place, read_plain_params};

/// The parameters that Digest knows.
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
    const COUNT: usize = Self::UsernameExtended as usize + 1;

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// The name in lower case.
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

    /// The parameter of that name, in whatever case.
    #[inline(always)]
    fn of(name: &[u8]) -> Option<Self> {
        // By length first: names of a known length compare as numbers, all their bytes at once.
        Some(match name.len() {
            2 if lower(name) == Some(*b"nc") => Self::Nc,
            3 => match &lower(name)? {
                b"qop" => Self::Qop,
                b"uri" => Self::Uri,
                _ => return None,
            },
            5 => match &lower(name)? {
                b"nonce" => Self::Nonce,
                b"realm" => Self::Realm,
                _ => return None,
            },
            6 => match &lower(name)? {
                b"cnonce" => Self::Cnonce,
                b"opaque" => Self::Opaque,
                _ => return None,
            },
            8 => match &lower(name)? {
                b"response" => Self::Response,
                b"userhash" => Self::Userhash,
                b"username" => Self::Username,
                _ => return None,
            },
            9 => match &lower(name)? {
                b"algorithm" => Self::Algorithm,
                b"username*" => Self::UsernameExtended,
                _ => return None,
            },
            _ => return None,
        })
    }

    /// The parameter that `list` begins with, written as nearly all clients write it, and what
    /// follows. To compare with what is known is quicker than to look for the end of the name.
    #[inline]
    fn take(list: &[u8]) -> Option<(Self, &[u8])> {
        Some(match list {
            [b'a', ..] => (Self::Algorithm, list.strip_prefix(b"algorithm")?),
            [b'c', ..] => (Self::Cnonce, list.strip_prefix(b"cnonce")?),
            [b'n', b'c', rest @ ..] => (Self::Nc, rest),
            [b'n', ..] => (Self::Nonce, list.strip_prefix(b"nonce")?),
            [b'o', ..] => (Self::Opaque, list.strip_prefix(b"opaque")?),
            [b'q', ..] => (Self::Qop, list.strip_prefix(b"qop")?),
            [b'r', b'e', b'a', ..] => (Self::Realm, list.strip_prefix(b"realm")?),
            [b'r', ..] => (Self::Response, list.strip_prefix(b"response")?),
            [b'u', b'r', ..] => (Self::Uri, list.strip_prefix(b"uri")?),
            [b'u', b's', b'e', b'r', b'h', ..] => (Self::Userhash, list.strip_prefix(b"userhash")?),
            [b'u', ..] => (Self::Username, list.strip_prefix(b"username")?),
            _ => return None,
        })
    }
}

/// The name in lower case, if it is of that length.
#[inline]
fn lower<const LENGTH: usize>(name: &[u8]) -> Option<[u8; LENGTH]> {
    // In a field, which holds no line break, this makes no letter or asterisk of anything else.
    <&[u8; LENGTH]>::try_from(name).ok().map(|name| name.map(|byte| byte | 0x20))
}

/// Where each parameter stands in the field, at most once each.
pub(super) struct Parameters<'a> {
    field: &'a [u8],
    parts: [Part; Name::COUNT],
    /// A bit for each that was found.
    found: u16,
}

impl<'a> Parameters<'a> {
    /// Nothing found yet. Filled in place, because it is large.
    pub(super) const fn none(field: &'a [u8]) -> Self {
        Self { field, parts: [Part::NOWHERE; Name::COUNT], found: 0 }
    }

    /// Reads the list that begins at `position` in the field, of `maximum` parameters at most.
    /// Unknown ones are left out.
    #[inline]
    pub(super) fn read(&mut self, position: usize, maximum: usize) -> Result<(), CredentialsError> {
        if self.read_plain(position, maximum) {
            return Ok(());
        }
        self.found = 0;
        self.read_any(position, maximum)
    }

    /// Reads a list that holds known parameters alone, each once, and nothing unusual. Says whether
    /// it is such a list.
    #[inline]
    fn read_plain(&mut self, position: usize, maximum: usize) -> bool {
        let mut remaining = maximum;
        let list = self.field.get(position..).unwrap_or_default();
        read_plain_params(list, Name::take, |name, Place { start, length }| {
            let Some(left) = remaining.checked_sub(1) else { return false };
            remaining = left;
            self.add(name, Part::new(position.saturating_add(start), length))
        })
    }

    #[cold]
    fn read_any(&mut self, position: usize, maximum: usize) -> Result<(), CredentialsError> {
        let list = self.field.get(position..).unwrap_or_default();
        // Clients hardly ever send any, and there are `maximum` at most.
        let mut unknown: Vec<&[u8]> = Vec::new();
        for param in AuthParams::new(list, position).with_limit(maximum) {
            let param = param?;
            let Some(name) = Name::of(param.name()) else {
                if unknown.iter().any(|name| name.eq_ignore_ascii_case(param.name())) {
                    return Err(CredentialsError::Duplicate("other"));
                }
                unknown.push(param.name());
                continue;
            };
            if !self.add(name, Part::of(param.value())) {
                return Err(CredentialsError::Duplicate(name.as_str()));
            }
        }
        Ok(())
    }

    /// Says whether the parameter is the first of its name.
    #[inline]
    fn add(&mut self, name: Name, part: Part) -> bool {
        let is_new = self.found & name.bit() == 0;
        self.found |= name.bit();
        if let Some(slot) = self.parts.get_mut(name as usize) {
            *slot = part;
        }
        is_new
    }

    /// The part of that name, if there is one.
    #[inline]
    pub(super) fn get(&self, name: Name) -> Option<Part> {
        let is_there = self.found & name.bit() != 0;
        self.parts.get(name as usize).copied().filter(|_| is_there)
    }

    /// The part of that name.
    #[inline]
    pub(super) fn required(&self, name: Name) -> Result<Part, CredentialsError> {
        self.get(name).ok_or(CredentialsError::Missing(name.as_str()))
    }

    /// The field that they stand in.
    #[inline]
    pub(super) const fn field(&self) -> &'a [u8] {
        self.field
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EACH: [Name; Name::COUNT] = [
        Name::Algorithm,
        Name::Cnonce,
        Name::Nc,
        Name::Nonce,
        Name::Opaque,
        Name::Qop,
        Name::Realm,
        Name::Response,
        Name::Uri,
        Name::Userhash,
        Name::Username,
        Name::UsernameExtended,
    ];

    /// What a list of this one parameter is taken for at first, and in the end.
    fn read(name: &str) -> [Option<Name>; 2] {
        let list = format!("{name}=x");
        let plain = Name::take(list.as_bytes()).filter(|(_, rest)| *rest == b"=x");
        let mut found = Parameters::none(list.as_bytes());
        found.read(0, 1).unwrap();
        let in_the_end = EACH.into_iter().find(|&name| found.get(name).is_some());
        [plain.map(|(name, _)| name), in_the_end]
    }

    #[test]
    fn a_name_is_found_however_it_is_written() {
        for name in EACH {
            let lower = name.as_str();
            // The extended name is left to the full grammar.
            let plain = Some(name).filter(|_| name != Name::UsernameExtended);
            assert_eq!(read(lower), [plain, Some(name)], "{lower}");
            assert_eq!(read(&lower.to_uppercase()), [None, Some(name)], "{lower}");
            let mixed = lower.replacen('n', "N", 1).replacen('u', "U", 1);
            assert_eq!(read(&mixed)[1], Some(name), "{mixed}");
        }
    }

    #[test]
    fn a_name_that_only_begins_like_another_is_unknown() {
        for name in EACH.map(Name::as_str) {
            for unknown in [format!("{name}x"), format!("x{name}"), name[..1].to_owned()] {
                assert_eq!(read(&unknown), [None, None], "{unknown}");
            }
        }
    }

    /// What is found of each name, or that it is another list.
    fn parts(found: &Parameters<'_>) -> Vec<Option<(usize, Vec<u8>)>> {
        let part =
            |name| found.get(name).map(|part| (part.position(), part.raw(found.field).into()));
        EACH.into_iter().map(part).collect()
    }

    proptest! {
        #[test]
        fn what_the_quick_way_reads_the_full_grammar_reads_the_same(
            params in prop::collection::vec(
                (
                    prop::sample::select(EACH.map(Name::as_str).to_vec()),
                    r#"("[a-z ,=]{0,20}"|[a-z0-9]{0,9}|"[a-z\\"]{0,5}")"#,
                    r"(, ?|,  | ,|,,)",
                ),
                0..6,
            ),
            start in 0..3_usize,
            maximum in 0..7_usize,
        ) {
            let list = params.iter().map(|(name, value, end)| format!("{name}={value}{end}"));
            let field = "-".repeat(start) + list.collect::<String>().trim_end_matches([',', ' ']);
            let (mut plain, mut any) =
                (Parameters::none(field.as_bytes()), Parameters::none(field.as_bytes()));
            if plain.read_plain(start, maximum) {
                prop_assert_eq!(any.read_any(start, maximum), Ok(()));
                prop_assert_eq!(parts(&plain), parts(&any));
            }
        }
    }
}
