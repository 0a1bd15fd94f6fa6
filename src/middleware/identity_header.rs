//! The header field that tells the upstream server the user-id.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{error::ConfigError, identity::Identity};

/// The name of the field that carries the user-id.
#[derive(Clone, Debug)]
pub(super) struct IdentityHeader(HeaderName);

impl IdentityHeader {
    /// Refuses names that have a meaning for proxies or servers.
    pub(super) fn new(name: HeaderName) -> Result<Self, ConfigError> {
        let reserved = [
            header::AUTHORIZATION,
            header::CONNECTION,
            header::CONTENT_LENGTH,
            header::COOKIE,
            header::EXPECT,
            header::HOST,
            header::PROXY_AUTHENTICATE,
            header::PROXY_AUTHORIZATION,
            header::TE,
            header::TRAILER,
            header::TRANSFER_ENCODING,
            header::UPGRADE,
            HeaderName::from_static("keep-alive"),
            HeaderName::from_static("proxy-connection"),
        ];
        if reserved.contains(&name) {
            return Err(ConfigError::ReservedIdentityHeader { name: name.to_string() });
        }
        Ok(Self(name))
    }

    pub(super) const fn name(&self) -> &HeaderName {
        &self.0
    }

    /// Replaces the fields of this name with the user-id, or removes them.
    pub(super) fn set(&self, headers: &mut HeaderMap, identity: Option<&Identity>) {
        headers.remove(&self.0);
        let user = identity.and_then(Identity::user).map(|user| percent_encode(user.as_str()));
        if let Some(Ok(value)) = user.map(HeaderValue::try_from) {
            headers.insert(self.0.clone(), value);
        }
    }
}

/// Percent-encodes the percent sign and everything except printable ASCII, so that a field can have
/// any name.
fn percent_encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::Account, wire::Realm};

    #[test]
    fn the_field_can_have_any_name() {
        for (name, expected) in [
            ("alice", "alice"),
            ("J\u{e4}son Doe", "J%C3%A4son%20Doe"),
            ("100%", "100%25"),
            ("a\r\nb: c", "a%0D%0Ab:%20c"),
        ] {
            assert_eq!(percent_encode(name), expected);
        }
    }

    #[test]
    fn replaces_or_removes_the_fields_of_the_client() {
        let header = IdentityHeader::new(HeaderName::from_static("x-user")).unwrap();
        let realm = Realm::new("proxy").unwrap();
        let identities = [
            (Some(Identity::new(Account::new("alice"), "Basic", realm.clone())), vec!["alice"]),
            (Some(Identity::anonymous(realm)), vec![]),
            (None, vec![]),
        ];
        for (identity, expected) in identities {
            let mut headers = HeaderMap::new();
            headers.append("x-user", HeaderValue::from_static("root"));
            headers.append("x-user", HeaderValue::from_static("admin"));
            header.set(&mut headers, identity.as_ref());
            assert_eq!(headers.get_all("x-user").iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn refuses_a_field_that_has_a_meaning_in_http() {
        let error = IdentityHeader::new(header::CONNECTION).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the header field connection has a meaning in HTTP: choose another for the identity"
        );
    }
}
