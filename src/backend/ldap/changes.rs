//! The attributes that show that the password or the account status of a user has changed.

use ldap3::SearchEntry;
use zeroize::Zeroizing;

use crate::change_stamp::ChangeStamp;

/// The default attributes.
pub(super) const DEFAULT: [&str; 6] = [
    // If the service account may read it.
    "userPassword",
    // Password policies (OpenLDAP, 389 Directory Server).
    "pwdChangedTime",
    PASSWORD_LOCK,
    // Active Directory.
    "pwdLastSet",
    "userAccountControl",
    // 389 Directory Server.
    "nsAccountLock",
];

/// The time since which an account is locked.
const PASSWORD_LOCK: &str = "pwdAccountLockedTime";

/// The value of [`PASSWORD_LOCK`] that only an administrator sets. Others follow wrong passwords:
/// guesses must not end the access of a user, and the next login removes the value.
const LOCKED_BY_ADMINISTRATOR: &[u8] = b"000001010000Z";

/// The names of the attributes.
#[derive(Debug)]
pub(super) struct ChangeAttributes(Box<[Box<str>]>);

impl ChangeAttributes {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self(names.map(Into::into).collect())
    }

    pub(super) fn none() -> Self {
        Self(Box::default())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }

    /// A stamp of all values of the attributes. Their order, and the case of the names, are those of
    /// the server and mean nothing.
    pub(super) fn take(&self, entry: &mut SearchEntry) -> ChangeStamp {
        // A password is hashed in most directories, but not in all.
        let mut values: Vec<(&str, Zeroizing<Vec<u8>>)> = Vec::new();
        for (name, all) in &mut entry.attrs {
            if let Some(name) = self.find(name) {
                let bytes = std::mem::take(all).into_iter().map(String::into_bytes);
                values.extend(bytes.map(|value| (name, value.into())));
            }
        }
        for (name, all) in &mut entry.bin_attrs {
            if let Some(name) = self.find(name) {
                values.extend(std::mem::take(all).into_iter().map(|value| (name, value.into())));
            }
        }
        let is_relevant = |(name, value): &(&str, &[u8])| {
            !name.eq_ignore_ascii_case(PASSWORD_LOCK) || *value == LOCKED_BY_ADMINISTRATOR
        };
        let values = values.iter().map(|(name, value)| (*name, value.as_slice()));
        let mut values: Vec<_> = values.filter(is_relevant).collect();
        values.sort_unstable();
        ChangeStamp::of(values)
    }

    /// The configured spelling of a name, to which a server may add options.
    fn find(&self, name: &str) -> Option<&str> {
        let base = name.split(';').next().unwrap_or_default();
        self.names().find(|known| known.eq_ignore_ascii_case(base))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    type Attribute = (&'static str, &'static [&'static [u8]]);

    fn stamp(attributes: &[Attribute]) -> ChangeStamp {
        let (mut attrs, mut bin_attrs) = (HashMap::new(), HashMap::new());
        for &(name, values) in attributes {
            let texts: Result<Vec<_>, _> =
                values.iter().map(|value| String::from_utf8(value.to_vec())).collect();
            match texts {
                Ok(texts) => drop(attrs.insert(name.to_owned(), texts)),
                Err(_) => {
                    let bytes = values.iter().map(|value| value.to_vec()).collect();
                    bin_attrs.insert(name.to_owned(), bytes);
                }
            }
        }
        let mut entry = SearchEntry { dn: String::new(), attrs, bin_attrs };
        ChangeAttributes::new(DEFAULT.into_iter()).take(&mut entry)
    }

    #[test]
    fn covers_every_value_of_the_attributes() {
        let password: Attribute = ("userPassword", &[b"{SSHA}a", b"{SSHA}b"]);
        let binary: Attribute = ("userPassword", &[b"\xff"]);
        let uid: Attribute = ("uid", &[b"alice"]);
        let table: [(&str, &[Attribute], &[Attribute], bool); 11] = [
            ("nothing", &[], &[uid], true),
            ("the same", &[password], &[uid, password], true),
            ("another order", &[password], &[("userPassword", &[b"{SSHA}b", b"{SSHA}a"])], true),
            ("another case", &[password], &[("userpassword", password.1)], true),
            ("an option", &[password], &[("userPassword;x-a", password.1)], true),
            ("a password less", &[password], &[("userPassword", &[b"{SSHA}a"])], false),
            ("another password", &[binary], &[("userPassword", &[b"\xfe"])], false),
            ("another attribute", &[password], &[("pwdLastSet", password.1)], false),
            ("locked", &[], &[("pwdAccountLockedTime", &[b"000001010000Z"])], false),
            ("locked by guesses", &[], &[("pwdAccountLockedTime", &[b"20260101000000Z"])], true),
            (
                "disabled",
                &[("userAccountControl", &[b"512"])],
                &[("userAccountControl", &[b"514"])],
                false,
            ),
        ];
        for (name, one, other, is_same) in table {
            assert_eq!(stamp(one) == stamp(other), is_same, "{name}");
        }
    }
}
