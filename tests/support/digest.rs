//! The client's half of Digest, computed here from RFC 7616 alone: it shares nothing with the
//! library but the hash functions.

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};

use super::wire::Answer;

/// One Digest challenge of a 407.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    text: String,
}

/// A user who answers challenges; the nonce-count rises with each answer.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    user: &'static str,
    password: &'static str,
    challenge: Challenge,
    count: u32,
}

/// What goes out with one request, and what is to come back.
#[derive(Debug)]
pub(crate) struct Login {
    /// The whole line `Proxy-Authorization: Digest ...`.
    pub(crate) line: String,
    /// The rspauth by which the proxy shows that it knows the password.
    pub(crate) rspauth: String,
    pub(crate) cnonce: String,
    pub(crate) count: String,
}

impl Challenge {
    /// The challenge for `algorithm` in `answer`.
    #[track_caller]
    pub(crate) fn of(answer: &Answer, algorithm: &str) -> Self {
        assert_eq!(answer.status, 407, "{answer:?}");
        all(answer)
            .into_iter()
            .find(|challenge| challenge.value("algorithm").as_deref() == Some(algorithm))
            .unwrap_or_else(|| panic!("no challenge for {algorithm}: {answer:?}"))
    }

    /// The value of the parameter `name`, without its quotes.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        parameter(&self.text, name)
    }

    /// The same challenge with another nonce, such as a nextnonce.
    #[track_caller]
    pub(crate) fn with_nonce(&self, nonce: &str) -> Self {
        Self { text: self.text.replace(&self.needed("nonce"), nonce) }
    }

    #[track_caller]
    fn needed(&self, name: &str) -> String {
        self.value(name).unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }
}

/// All Digest challenges of an answer, in their order.
pub(crate) fn all(answer: &Answer) -> Vec<Challenge> {
    let lines = answer.fields.iter().filter(|(name, _)| name == "proxy-authenticate");
    lines
        .filter_map(|(_, value)| value.strip_prefix("Digest "))
        .map(|text| Challenge { text: text.to_owned() })
        .collect()
}

/// The value of `name` in a list of parameters of which none has a comma in its value.
pub(crate) fn parameter(list: &str, name: &str) -> Option<String> {
    let parameters = list.split(", ").filter_map(|parameter| parameter.split_once('='));
    let mut found = parameters.filter(|(found, _)| *found == name);
    let (_, value) = found.next()?;
    assert!(found.next().is_none(), "{name} occurs twice in {list}");
    Some(value.trim_matches('"').to_owned())
}

impl Client {
    /// alice, whose password is wonder.
    pub(crate) fn alice(challenge: Challenge) -> Self {
        Self::new("alice", "wonder", challenge)
    }

    pub(crate) fn new(user: &'static str, password: &'static str, challenge: Challenge) -> Self {
        Self { user, password, challenge, count: 0 }
    }

    /// Answers the challenge for a request of `method` to the resource that `uri` names.
    pub(crate) fn login(&mut self, method: &str, uri: &str) -> Login {
        self.count += 1;
        let Self { user, password, challenge, count } = self;
        let count = format!("{count:08x}");
        let cnonce = format!("cnonce-of-request-{count}");
        let [realm, nonce, opaque, algorithm, qop] =
            ["realm", "nonce", "opaque", "algorithm", "qop"].map(|name| challenge.needed(name));
        assert_eq!(qop, "auth");

        let mut a1 = format!("{user}:{realm}:{password}");
        if algorithm.ends_with("-sess") {
            a1 = format!("{}:{nonce}:{cnonce}", hash(&algorithm, &a1));
        }
        let secret = hash(&algorithm, &a1);
        let digest = |a2: String| {
            let a2 = hash(&algorithm, &a2);
            hash(&algorithm, &format!("{secret}:{nonce}:{count}:{cnonce}:auth:{a2}"))
        };
        let response = digest(format!("{method}:{uri}"));
        let line = format!(
            "Proxy-Authorization: Digest username=\"{user}\", realm=\"{realm}\", \
             nonce=\"{nonce}\", uri=\"{uri}\", algorithm={algorithm}, qop=auth, nc={count}, \
             cnonce=\"{cnonce}\", response=\"{response}\", opaque=\"{opaque}\""
        );
        Login { line, rspauth: digest(format!(":{uri}")), cnonce, count }
    }
}

#[track_caller]
fn hash(algorithm: &str, text: &str) -> String {
    fn hex<D: Digest>(text: &str) -> String {
        D::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
    match algorithm.strip_suffix("-sess").unwrap_or(algorithm) {
        "MD5" => hex::<Md5>(text),
        "SHA-256" => hex::<Sha256>(text),
        "SHA-512-256" => hex::<Sha512_256>(text),
        other => panic!("unknown algorithm {other}"),
    }
}
