//! The client side of Digest.
//!
//! Computes responses as in RFC 7616, with hash functions only and no code of this crate, so that
//! tests can compare the two.

use http::{HeaderMap, HeaderValue, Method, header};
use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512_256};

const ALGORITHMS: [&str; 6] =
    ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"];

/// The values in the credentials of one request. They are hashed unchanged.
#[derive(Clone, Debug)]
pub(crate) struct Digest {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) realm: String,
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) nonce: String,
    pub(crate) nc: String,
    pub(crate) cnonce: String,
    /// Without it, neither `qop` nor `nc` and `cnonce` are sent.
    pub(crate) qop: Option<&'static str>,
    pub(crate) algorithm: &'static str,
    pub(crate) opaque: Option<String>,
}

impl Digest {
    /// The first request of alice over a nonce: a GET of `/` by SHA-256.
    pub(crate) fn new(nonce: impl Into<String>) -> Self {
        Self {
            user: "alice".into(),
            password: "wonder".into(),
            realm: "proxy".into(),
            method: Method::GET,
            uri: "/".into(),
            nonce: nonce.into(),
            nc: "00000001".into(),
            cnonce: "0a4f113b".into(),
            qop: Some("auth"),
            algorithm: "SHA-256",
            opaque: None,
        }
    }

    /// Alice, about to [`answer`](Self::answer) the first of these challenges that is for Digest.
    #[track_caller]
    pub(crate) fn of<'a>(challenges: impl IntoIterator<Item = &'a str>) -> Self {
        let challenge = challenges.into_iter().find(|one| one.starts_with("Digest "));
        let challenge = challenge.expect("a challenge for Digest");
        let find = |name: &str| parameter(challenge, name);
        assert_eq!(find("qop").as_deref(), Some("auth"), "{challenge}");
        let algorithm = find("algorithm").unwrap();
        Self {
            realm: find("realm").unwrap(),
            nc: "00000000".into(),
            algorithm: ALGORITHMS.into_iter().find(|known| *known == algorithm).unwrap(),
            opaque: find("opaque"),
            ..Self::new(find("nonce").unwrap())
        }
    }

    /// The same for the challenges of a response.
    #[track_caller]
    pub(crate) fn of_headers(headers: &HeaderMap) -> Self {
        let challenges = headers.get_all(header::PROXY_AUTHENTICATE).iter();
        Self::of(challenges.map(|challenge| challenge.to_str().unwrap()))
    }

    /// The credentials for the next request. They have the next nonce count.
    pub(crate) fn answer(&mut self, method: &str, uri: &str) -> String {
        let count = u32::from_str_radix(&self.nc, 16).unwrap() + 1;
        *self = Self { method: method.parse().unwrap(), uri: uri.into(), ..self.count(count) };
        String::from_utf8(self.params().print()).unwrap()
    }

    /// The same with another nonce count.
    pub(crate) fn count(&self, count: u32) -> Self {
        Self { nc: format!("{count:08x}"), ..self.clone() }
    }

    pub(crate) fn hash(&self, text: impl AsRef<[u8]>) -> String {
        match self.algorithm.trim_end_matches("-sess") {
            "MD5" => hex(&Md5::digest(text)),
            "SHA-256" => hex(&Sha256::digest(text)),
            "SHA-512-256" => hex(&Sha512_256::digest(text)),
            other => panic!("unknown algorithm {other}"),
        }
    }

    pub(crate) fn ha1(&self) -> String {
        self.hash(format!("{}:{}:{}", self.user, self.realm, self.password))
    }

    /// The digest for a method, by H(A1); an empty method yields `rspauth`.
    pub(crate) fn digest(&self, ha1: &str, method: &str) -> String {
        let Self { nonce, nc, cnonce, uri, .. } = self;
        let session = self.algorithm.ends_with("-sess");
        let key =
            if session { self.hash(format!("{ha1}:{nonce}:{cnonce}")) } else { ha1.to_owned() };
        let a2 = self.hash(format!("{method}:{uri}"));
        match self.qop {
            Some(qop) => self.hash(format!("{key}:{nonce}:{nc}:{cnonce}:{qop}:{a2}")),
            None => self.hash(format!("{key}:{nonce}:{a2}")),
        }
    }

    pub(crate) fn response(&self) -> String {
        self.digest(&self.ha1(), self.method.as_str())
    }

    pub(crate) fn rspauth(&self) -> String {
        self.digest(&self.ha1(), "")
    }

    /// The parameters as they are sent, to be tampered with.
    pub(crate) fn params(&self) -> Params {
        let mut params = Params(Vec::new())
            .and("username", quoted(&self.user))
            .and("realm", quoted(&self.realm))
            .and("nonce", quoted(&self.nonce))
            .and("uri", quoted(&self.uri))
            .and("algorithm", self.algorithm)
            .and("response", quoted(&self.response()));
        if let Some(qop) = self.qop {
            let cnonce = quoted(&self.cnonce);
            params = params.and("qop", qop).and("nc", self.nc.as_str()).and("cnonce", cnonce);
        }
        match &self.opaque {
            Some(opaque) => params.and("opaque", quoted(opaque)),
            None => params,
        }
    }

    pub(crate) fn field(&self) -> HeaderValue {
        self.params().field()
    }
}

/// Parameters as they go over the wire, quotes included.
#[derive(Clone, Debug)]
pub(crate) struct Params(pub(crate) Vec<(String, Vec<u8>)>);

impl Params {
    pub(crate) fn and(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self
    }

    pub(crate) fn with(self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.without(name).and(name, value)
    }

    /// Changes the value of each parameter.
    pub(crate) fn map(self, change: impl Fn(&str, String) -> String) -> Self {
        let change = |(name, value): (String, Vec<u8>)| {
            let value = change(&name, String::from_utf8(value).unwrap());
            (name, value.into_bytes())
        };
        Self(self.0.into_iter().map(change).collect())
    }

    pub(crate) fn list(&self) -> Vec<u8> {
        let print = |(name, value): &(String, Vec<u8>)| [name.as_bytes(), b"=", value].concat();
        self.0.iter().map(print).collect::<Vec<_>>().join(b", ".as_slice())
    }

    /// The scheme and the parameters.
    pub(crate) fn print(&self) -> Vec<u8> {
        [b"Digest ", self.list().as_slice()].concat()
    }

    pub(crate) fn field(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.print()).unwrap()
    }
}

/// The value of a parameter, without quotes. Good for lists without commas and escapes in values.
#[track_caller]
pub(crate) fn parameter(list: &str, name: &str) -> Option<String> {
    let list = list.strip_prefix("Digest ").unwrap_or(list);
    let pairs = list.split(", ").filter_map(|param| param.split_once('='));
    let mut found = pairs.filter(|(other, _)| *other == name);
    let (_, value) = found.next()?;
    assert!(found.next().is_none(), "{name} occurs twice in {list}");
    Some(value.trim_matches('"').to_owned())
}

pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
