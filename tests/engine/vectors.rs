//! Digest against the values of `vectors.json`, which another implementation computed.

use http::{HeaderValue, Method};
use serde_json::Value;
use tower_proxy_auth::{
    HashedA1,
    digest::{Algorithm, InvalidHashedA1, Userhash},
    wire::digest::Credentials,
};

const PREFIX: &str = "Digest ";

/// One answer of a vector: its own members come before those that it shares with the others.
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

    fn ha1(&self) -> HashedA1 {
        let function = self.algorithm().hash_function();
        let [user, realm, password] = ["username", "realm", "password"].map(|name| self.text(name));
        HashedA1::new(function, user, realm, password)
    }

    fn stored_ha1(&self) -> Option<Result<HashedA1, InvalidHashedA1>> {
        let hex = self.own.get("ha1")?.as_str().unwrap();
        Some(HashedA1::from_hex(self.algorithm().hash_function(), hex))
    }

    /// The credentials as a client would print them.
    fn credentials(&self, username: &str) -> Credentials {
        let quoted = ["realm", "nonce", "uri", "cnonce", "opaque", "response"];
        let quoted =
            quoted.iter().filter_map(|name| Some(format!("{name}=\"{}\"", self.find(name)?)));
        let plain = ["algorithm", "qop", "nc"];
        let plain = plain.iter().filter_map(|name| Some(format!("{name}={}", self.find(name)?)));
        let list: Vec<_> = [username.to_owned()].into_iter().chain(quoted).chain(plain).collect();
        let field = format!("{PREFIX}{}", list.join(", "));
        let field = HeaderValue::from_maybe_shared(bytes::Bytes::from(field)).unwrap();
        Credentials::parse(field, PREFIX.len(), 32)
            .unwrap_or_else(|error| panic!("{self}: {error}"))
    }

    fn named(&self) -> Credentials {
        self.credentials(&format!("username=\"{}\"", self.text("username")))
    }
}

impl std::fmt::Display for Sample<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.shared["name"], self.own)
    }
}

/// Runs over all answers of one kind, and says to how many the check applied.
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
fn every_response_is_proved_by_the_password() {
    let count = each("expect", |sample| {
        assert!(sample.named().prove(&sample.ha1(), &sample.method()), "{sample}");
        true
    });
    assert_eq!(count, 17);
}

#[test]
fn every_response_is_proved_by_the_stored_secret() {
    let count = each("expect", |sample| {
        let Some(stored) = sample.stored_ha1() else { return false };
        assert!(sample.named().prove(&stored.unwrap(), &sample.method()), "{sample}");
        true
    });
    assert_eq!(count, 5);
}

#[test]
fn no_response_is_proved_by_anything_else() {
    let count = each("expect", |sample| {
        let credentials = sample.named();
        assert!(!credentials.prove(&sample.ha1(), &Method::TRACE), "{sample}");
        let function = sample.algorithm().hash_function();
        let [user, realm, password] =
            ["username", "realm", "password"].map(|name| sample.text(name));
        for (user, realm, password) in [
            ("Nala", realm, password),
            (user, "other", password),
            (user, realm, "other"),
            (user, realm, ""),
        ] {
            let other = HashedA1::new(function, user, realm, password);
            assert!(!credentials.prove(&other, &sample.method()), "{sample}");
        }
        true
    });
    assert_eq!(count, 17);
}

#[test]
fn every_userhash_is_computed_read_and_proved() {
    let count = each("expect", |sample| {
        let Some(hash) = sample.userhash() else { return false };
        let function = sample.algorithm().hash_function();
        let computed = Userhash::new(function, sample.text("username"), sample.text("realm"));
        assert_eq!(Userhash::from_hex(function, hash.as_bytes()), Some(computed), "{sample}");
        let hashed = sample.credentials(&format!("username=\"{hash}\", userhash=true"));
        assert!(hashed.has_userhash());
        assert!(hashed.prove(&sample.ha1(), &sample.method()), "{sample}");
        true
    });
    assert_eq!(count, 3);
}

#[test]
fn what_must_be_refused_is_refused() {
    let count = each("must_reject", |sample| {
        assert!(!sample.named().prove(&sample.ha1(), &sample.method()), "{sample}");
        if let Some(hash) = sample.userhash() {
            let function = sample.algorithm().hash_function();
            let computed = Userhash::new(function, sample.text("username"), sample.text("realm"));
            assert_ne!(Userhash::from_hex(function, hash.as_bytes()), Some(computed), "{sample}");
        }
        true
    });
    assert_eq!(count, 2);
}
