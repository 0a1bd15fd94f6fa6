//! Digest against the values of `vectors.json`, which another implementation computed.
//!
//! The engine has not issued the nonces of the vectors. It refuses a right response over such a
//! nonce as stale, and a wrong one for its password.

use http::{HeaderValue, Method};
use serde_json::Value;
use tower_proxy_auth::{
    Account, Authenticator, DigestAccount, DigestScheme, DigestSecrets, DigestUser, HashedA1,
    Realm, SecretLookup, Users,
    digest::{Algorithm, Userhash},
};

use crate::support::{
    digest::quoted,
    engine::{Proxy, Secrets, field},
};

const RIGHT: &str = "nonce-unknown";
const WRONG: &str = "wrong-password";

/// One response of a vector. Its own members override those that it shares with the others.
#[derive(Clone, Copy)]
struct Sample<'a> {
    shared: &'a Value,
    own: &'a Value,
}

impl<'a> Sample<'a> {
    fn find(&self, name: &str) -> Option<&'a str> {
        let value = self.own.get(name).or_else(|| self.shared.get(name))?;
        value.as_str()
    }

    #[track_caller]
    fn text(&self, name: &str) -> &'a str {
        self.find(name).unwrap_or_else(|| panic!("{self}: no {name}"))
    }

    /// The hash of the name. The shared member of that name only says that one is sent.
    fn userhash(&self) -> Option<&'a str> {
        self.own.get("userhash")?.as_str()
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::from_name(self.text("algorithm")).unwrap()
    }

    fn method(&self) -> Method {
        self.text("method").parse().unwrap()
    }

    /// The user with its password.
    fn users(&self) -> Users {
        let realm = Realm::new(self.text("realm")).unwrap();
        Users::new(&realm).with_user(self.text("username"), self.text("password")).unwrap()
    }

    /// The credentials as a client would print them.
    fn credentials(&self, username: &str) -> HeaderValue {
        let quoted = ["realm", "nonce", "uri", "cnonce", "opaque", "response"];
        let quoted =
            quoted.iter().filter_map(|name| Some(format!("{name}=\"{}\"", self.find(name)?)));
        let plain = ["algorithm", "qop", "nc"];
        let plain = plain.iter().filter_map(|name| Some(format!("{name}={}", self.find(name)?)));
        let list: Vec<_> = [username.to_owned()].into_iter().chain(quoted).chain(plain).collect();
        field(format!("Digest {}", list.join(", ")))
    }

    fn named(&self) -> HeaderValue {
        self.credentials(&format!("username={}", quoted(self.text("username"))))
    }

    /// Returns why a proxy with these secrets refuses the credentials.
    fn reason(
        &self,
        secrets: impl DigestSecrets,
        method: &Method,
        credentials: HeaderValue,
    ) -> &'static str {
        let is_legacy = self.find("qop").is_none();
        let algorithms =
            Algorithm::ALL.iter().copied().filter(|&one| !is_legacy || one != Algorithm::Md5Sess);
        let digest = DigestScheme::builder(secrets).with_algorithms(algorithms);
        let digest = digest.with_userhash(true).legacy_rfc2069(is_legacy).build().unwrap();
        let realm = Realm::new(self.text("realm")).unwrap();
        let proxy = Proxy::of(Authenticator::builder(realm).with_scheme(digest));
        let target = match self.text("uri") {
            path if path.starts_with('/') => format!("http://example.org{path}"),
            uri => uri.to_owned(),
        };
        proxy.ask(method, &target, credentials).reason()
    }

    fn reason_by_password(&self, credentials: HeaderValue) -> &'static str {
        self.reason(self.users(), &self.method(), credentials)
    }

    /// Returns why a proxy that has this secret stored refuses the credentials.
    fn reason_by_secret(&self, ha1: HashedA1) -> &'static str {
        let account = DigestAccount::new(Account::new(self.text("username")), ha1);
        let secrets = Secrets(move |_: DigestUser<'_>| Ok(SecretLookup::Found(account.clone())));
        self.reason(secrets, &self.method(), self.named())
    }
}

impl std::fmt::Display for Sample<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.shared["name"], self.own)
    }
}

/// Checks all responses of one kind and returns how many the check applied to.
fn each(kind: &str, check: impl Fn(Sample<'_>) -> bool) -> usize {
    let vectors: Value = serde_json::from_str(include_str!("../support/vectors.json")).unwrap();
    let vectors = vectors["digest"].as_array().unwrap();
    let mut count = 0;
    for shared in vectors {
        for own in shared.get(kind).and_then(Value::as_array).into_iter().flatten() {
            count += usize::from(check(Sample { shared, own }));
        }
    }
    count
}

#[test]
fn accepts_every_response_by_the_password() {
    let count = each("expect", |sample| {
        assert_eq!(sample.reason_by_password(sample.named()), RIGHT, "{sample}");
        true
    });
    assert_eq!(count, 17);
}

#[test]
fn accepts_every_response_by_the_stored_secret() {
    let count = each("expect", |sample| {
        let Some(stored) = sample.own.get("ha1") else { return false };
        let function = sample.algorithm().hash_function();
        let stored = HashedA1::from_hex(function, stored.as_str().unwrap()).unwrap();
        assert_eq!(sample.reason_by_secret(stored), RIGHT, "{sample}");
        true
    });
    assert_eq!(count, 5);
}

#[test]
fn refuses_every_response_by_another_secret_or_method() {
    let count = each("expect", |sample| {
        // With another method, the `uri` of a tunnel would name another resource.
        if sample.method() != Method::CONNECT {
            let reason = sample.reason(sample.users(), &Method::TRACE, sample.named());
            assert_eq!(reason, WRONG, "{sample}");
        }
        let function = sample.algorithm().hash_function();
        let [user, realm, password] =
            ["username", "realm", "password"].map(|name| sample.text(name));
        for (user, realm, password) in [
            ("Nala", realm, password),
            (user, "other", password),
            (user, realm, "other"),
            (user, realm, ""),
        ] {
            let other = HashedA1::new(function, user, &Realm::new(realm).unwrap(), password);
            assert_eq!(sample.reason_by_secret(other), WRONG, "{sample}");
        }
        true
    });
    assert_eq!(count, 17);
}

#[test]
fn accepts_every_userhash() {
    let count = each("expect", |sample| {
        let Some(hash) = sample.userhash() else { return false };
        let function = sample.algorithm().hash_function();
        let realm = Realm::new(sample.text("realm")).unwrap();
        let computed = Userhash::new(function, sample.text("username"), &realm);
        assert_eq!(Userhash::from_hex(function, hash.as_bytes()), Some(computed), "{sample}");
        let hashed = sample.credentials(&format!("username=\"{hash}\", userhash=true"));
        assert_eq!(sample.reason_by_password(hashed), RIGHT, "{sample}");
        true
    });
    assert_eq!(count, 3);
}

#[test]
fn refuses_the_vectors_to_refuse() {
    let count = each("must_reject", |sample| {
        assert_eq!(sample.reason_by_password(sample.named()), WRONG, "{sample}");
        if let Some(hash) = sample.userhash() {
            let hashed = sample.credentials(&format!("username=\"{hash}\", userhash=true"));
            assert_eq!(sample.reason_by_password(hashed), "unknown-user", "{sample}");
        }
        true
    });
    assert_eq!(count, 2);
}
