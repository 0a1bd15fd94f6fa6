//! Ordered rules.

mod document;
mod host;
#[cfg(test)]
mod model;
mod rule;
mod safe;

use std::sync::{Arc, PoisonError, RwLock};

pub use document::RulesError;

use self::{
    host::Destination,
    rule::{Action, Match, Rule},
};
use super::{Access, AccessPolicy, AccessRequest};
use crate::error::BackendError;

/// Ordered rules about who may go where. The first that matches decides, and where none matches,
/// the request is refused. Clones share the rules.
///
/// # Rules
/// Rules are a TOML document of `[[rule]]` tables:
///
/// | key | values | matches |
/// |---|---|---|
/// | `action` | `"allow"` or `"deny"` | required |
/// | `users` | user-ids | the user, byte for byte |
/// | `groups` | groups | a group of the user, byte for byte |
/// | `anonymous` | `true` or `false` | requests without a user, or with one |
/// | `hosts` | `"host.example"`, `"*.example"` for all names below it | the name in the target |
/// | `networks` | `"10.0.0.0/8"`, `"::1"` | the address of the host |
/// | `ports` | `443`, `"8000-8999"` | the port of the target |
/// | `methods` | `"GET"` | the method |
/// | `peers` | as `networks` | the address of the client |
///
/// A rule matches if all of its keys match, and a key matches if one of its values does. A rule
/// with `peers` does not match if the peer is unknown.
///
/// Names of hosts compare without regard to case and to a dot at the end, and may be Unicode. An
/// IPv4 address counts as an address in every notation that name look-ups accept, and if it is
/// mapped to IPv6. The addresses `0.0.0.0` and `::`, by which operating systems reach the machine
/// itself, are always denied.
///
/// # Examples
/// ```
/// use tower_proxy_auth::access::AccessRules;
///
/// let rules = AccessRules::parse(
///     r#"
///     [[rule]]
///     action = "deny"
///     networks = ["127.0.0.0/8", "::1"]
///
///     [[rule]]
///     action = "allow"
///     groups = ["staff"]
///     hosts = ["*.example.org"]
///     ports = [443]
///     "#,
/// )?;
/// # let _ = rules;
/// # Ok::<(), tower_proxy_auth::access::RulesError>(())
/// ```
///
/// # Security
/// Put rules with `networks` before those that allow names: the owner of a domain decides to which
/// address its names resolve. A rule with `networks` can only decide about a name once it has been
/// resolved.
#[derive(Clone, Debug, Default)]
pub struct AccessRules(Arc<RwLock<Arc<[Rule]>>>);

impl AccessRules {
    /// Parses a document.
    ///
    /// # Errors
    /// The first mistake, with its line: also an unknown key.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        document::parse(text).map(Self::of)
    }

    /// Rules for a safe forward proxy: users who have logged in reach public addresses, with tunnels
    /// to port 443 and to `connect_ports`, and with other requests to every port.
    ///
    /// Denied are:
    /// - requests without a user, also anonymous and bypassed ones;
    /// - loopback, private, shared, link-local, multicast, unspecified, broadcast, documentation,
    ///   benchmark and reserved addresses, and all IPv6 addresses outside of 2000::/3;
    /// - IPv6 addresses that contain IPv4 addresses: those of NAT64, 6to4 and Teredo. IPv4 that is
    ///   mapped to IPv6 counts as IPv4.
    ///
    /// The file `docs/operate/safe-rules.toml` of this crate has the same rules, with comments.
    /// To change them, start from a copy of it.
    ///
    /// # Errors
    /// A port is 0.
    ///
    /// # Security
    /// The rules do not know the public addresses of the proxy and of its network: services there
    /// can be reached, such as the proxy's own. They decide about the address of a name, so the
    /// proxy needs an [`AddressCheck`](super::AddressCheck).
    ///
    /// # Examples
    /// ```
    /// use tower_proxy_auth::access::{AccessLayer, AccessRules};
    ///
    /// // Tunnels to mail servers, too.
    /// let rules = AccessRules::safe([465, 993])?;
    /// let layer = AccessLayer::new(rules).with_address_check(true);
    /// # let _ = layer;
    /// # Ok::<(), tower_proxy_auth::access::RulesError>(())
    /// ```
    pub fn safe(connect_ports: impl IntoIterator<Item = u16>) -> Result<Self, RulesError> {
        safe::rules(connect_ports).map(Self::of)
    }

    /// Puts the rules of `new` in force, in all clones, for instance when a file has changed. The
    /// access of requests that have been forwarded does not end.
    pub fn replace(&self, new: &Self) {
        let rules = new.current();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// Decides about a request.
    #[must_use]
    pub fn decide(&self, request: &AccessRequest<'_>) -> Access {
        let Some(destination) = Destination::of(request.method(), request.target()) else {
            return Access::denied("the target has no valid host");
        };
        // The address that is dialled counts, even for a host that is an address.
        let address = request.address().or(destination.host.address());
        let address = address.map(|address| address.to_canonical());
        if address.is_some_and(|address| address.is_unspecified()) {
            return Access::denied("the unspecified address, which reaches the proxy's machine");
        }
        for rule in &*self.current() {
            match rule.matches(request, &destination, address) {
                Match::No => {}
                Match::AddressNeeded => return Access::AddressNeeded,
                Match::Yes => {
                    return match rule.action {
                        Action::Allow => Access::Allowed,
                        Action::Deny => Access::denied(format!("the rule in {}", rule.place)),
                    };
                }
            }
        }
        Access::denied("no rule matches")
    }

    fn of(rules: Vec<Rule>) -> Self {
        Self(Arc::new(RwLock::new(rules.into())))
    }

    fn current(&self) -> Arc<[Rule]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AccessPolicy for AccessRules {
    async fn decide(&self, request: AccessRequest<'_>) -> Result<Access, BackendError> {
        Ok(Self::decide(self, &request))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use http::{Method, Uri};

    use super::*;
    use crate::{
        identity::{Account, Identity},
        wire::Realm,
    };

    fn identity(name: &str) -> Option<Identity> {
        let realm = Realm::new("proxy").unwrap();
        match name {
            "" => None,
            "anonymous" => Some(Identity::anonymous(realm)),
            name => {
                let account = Account::new(name).with_group("users").with_group(format!("{name}s"));
                Some(Identity::new(account, "Basic", realm))
            }
        }
    }

    /// `user METHOD target peer address`, with `-` for an unknown address.
    #[track_caller]
    fn decide(rules: &AccessRules, request: &str) -> &'static str {
        let [user, method, target, peer, address] = *request.split(' ').collect::<Vec<_>>() else {
            panic!("{request}")
        };
        let identity = identity(if user == "-" { "" } else { user });
        let address_of = |text: &str| (text != "-").then(|| text.parse::<IpAddr>().unwrap());
        let (method, target) = (method.parse::<Method>().unwrap(), target.parse::<Uri>().unwrap());
        let request = AccessRequest::new(&method, &target)
            .with_identity(identity.as_ref())
            .with_peer(address_of(peer))
            .with_address(address_of(address));
        match rules.decide(&request) {
            Access::Allowed => "allowed",
            Access::Denied(_) => "denied",
            Access::AddressNeeded => "address needed",
        }
    }

    #[track_caller]
    fn table(rules: &str, requests: &[(&str, &str)]) {
        let rules = AccessRules::parse(rules).unwrap();
        for (request, expected) in requests {
            assert_eq!(decide(&rules, request), *expected, "{request}");
        }
    }

    #[test]
    fn no_rule_denies_everything() {
        table("", &[("alice GET http://example.test/ - -", "denied")]);
        assert_eq!(decide(&AccessRules::default(), "alice GET http://a.test/ - -"), "denied");
    }

    #[test]
    fn regression_the_unspecified_address_is_this_machine() {
        const RULES: &str = r#"
            [[rule]]
            action = "deny"
            networks = ["127.0.0.0/8", "::1"]

            [[rule]]
            action = "allow"
        "#;
        for target in ["http://0.0.0.0/", "http://0/", "http://[::]/", "http://[::ffff:0.0.0.0]/"] {
            table(RULES, &[(&format!("alice GET {target} - -"), "denied")]);
        }
        for address in ["0.0.0.0", "::", "::ffff:0.0.0.0"] {
            table(RULES, &[(&format!("alice GET http://a.test/ - {address}"), "denied")]);
        }
        table(RULES, &[("alice GET http://a.test/ - 192.0.2.1", "allowed")]);
    }

    #[test]
    fn clones_share_the_rules() {
        let request = "alice GET http://a.test/ - -";
        let rules = AccessRules::default();
        let clone = rules.clone();
        rules.replace(&AccessRules::parse("[[rule]]\naction = \"allow\"").unwrap());
        assert_eq!([&rules, &clone].map(|rules| decide(rules, request)), ["allowed"; 2]);
        clone.replace(&rules);
        clone.replace(&AccessRules::default());
        assert_eq!([&rules, &clone].map(|rules| decide(rules, request)), ["denied"; 2]);
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        table(
            r#"
            [[rule]]
            action = "deny"
            hosts = ["secret.example.test"]
            [[rule]]
            action = "allow"
            hosts = ["*.example.test"]
            [[rule]]
            action = "deny"
            "#,
            &[
                ("alice GET http://www.example.test/ - -", "allowed"),
                ("alice GET http://secret.example.test/ - -", "denied"),
                ("alice GET http://SECRET.example.test./ - -", "denied"),
                ("alice GET http://example.test/ - -", "denied"),
            ],
        );
    }

    #[test]
    fn all_keys_of_a_rule_must_match() {
        table(
            r#"
            [[rule]]
            action = "allow"
            users = ["alice", "bob"]
            groups = ["alices", "admins"]
            methods = ["GET", "CONNECT"]
            ports = [443, "8000-8999"]
            peers = ["192.0.2.0/24", "2001:db8::1"]
            "#,
            &[
                ("alice GET https://a.test/ 192.0.2.7 -", "allowed"),
                ("alice CONNECT a.test:8000 2001:db8::1 -", "allowed"),
                ("alice GET http://a.test:8999/ ::ffff:192.0.2.7 -", "allowed"),
                ("bob GET https://a.test/ 192.0.2.7 -", "denied"),
                ("alices GET https://a.test/ 192.0.2.7 -", "denied"),
                ("- GET https://a.test/ 192.0.2.7 -", "denied"),
                ("anonymous GET https://a.test/ 192.0.2.7 -", "denied"),
                ("alice POST https://a.test/ 192.0.2.7 -", "denied"),
                ("alice GET http://a.test/ 192.0.2.7 -", "denied"),
                ("alice GET http://a.test:9000/ 192.0.2.7 -", "denied"),
                ("alice GET https://a.test/ 192.0.3.7 -", "denied"),
                ("alice GET https://a.test/ 2001:db8::2 -", "denied"),
                ("alice GET https://a.test/ - -", "denied"),
            ],
        );
    }

    #[test]
    fn anonymous_requests_have_no_user() {
        let requests =
            ["alice", "anonymous", "-"].map(|user| format!("{user} GET http://a.test/ - -"));
        for (value, expected) in
            [("true", ["denied", "allowed", "allowed"]), ("false", ["allowed", "denied", "denied"])]
        {
            let rules = format!("[[rule]]\naction = \"allow\"\nanonymous = {value}");
            let rules = AccessRules::parse(&rules).unwrap();
            assert_eq!(requests.each_ref().map(|request| decide(&rules, request)), expected);
        }
    }

    #[test]
    fn networks_need_the_address_of_a_name() {
        table(
            r#"
            [[rule]]
            action = "deny"
            networks = ["127.0.0.0/8", "::1", "10.0.0.1"]
            ports = [80]
            [[rule]]
            action = "allow"
            hosts = ["*.example.test"]
            [[rule]]
            action = "allow"
            networks = ["192.0.2.0/24"]
            "#,
            &[
                ("alice GET http://www.example.test/ - -", "address needed"),
                ("alice GET http://www.example.test/ - 127.0.0.9", "denied"),
                ("alice GET http://www.example.test/ - ::ffff:127.0.0.9", "denied"),
                ("alice GET http://www.example.test/ - 198.51.100.1", "allowed"),
                ("alice GET http://www.example.test:81/ - -", "allowed"),
                ("alice GET http://other.test:81/ - -", "address needed"),
                ("alice GET http://other.test:81/ - 192.0.2.1", "allowed"),
                ("alice GET http://other.test:81/ - 192.0.3.1", "denied"),
                ("alice GET http://127.0.0.1/ - -", "denied"),
                ("alice GET http://2130706433/ - -", "denied"),
                ("alice GET http://0177.1/ - -", "denied"),
                ("alice GET http://[::ffff:7f00:1]/ - -", "denied"),
                ("alice GET http://[::1]/ - -", "denied"),
                ("alice GET http://10.0.0.1/ - -", "denied"),
                ("alice GET http://10.0.0.2/ - -", "denied"),
                ("alice GET http://192.0.2.1/ - -", "allowed"),
                ("alice GET / - -", "denied"),
            ],
        );
    }
}
