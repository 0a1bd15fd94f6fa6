//! A client that computes Digest by itself, and whose parameters can be tampered with.

use http::{HeaderValue, Method};
use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512_256};

use super::engine::field;

/// The value of a parameter, without quotes. Good for fields without commas and escapes in values.
pub(crate) fn parameter(field: &str, name: &str) -> Option<String> {
    let list = field.strip_prefix("Digest ").unwrap_or(field);
    let mut pairs = list.split(", ").filter_map(|param| param.split_once('='));
    pairs.find(|(other, _)| *other == name).map(|(_, value)| value.trim_matches('"').to_owned())
}

/// What a client puts into Digest credentials. Everything in it is hashed as it is.
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
}

impl Digest {
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
        }
    }

    /// The same with another nonce-count.
    pub(crate) fn count(&self, count: u32) -> Self {
        Self { nc: format!("{count:08x}"), ..self.clone() }
    }

    pub(crate) fn hash(&self, text: impl AsRef<[u8]>) -> String {
        fn hex(bytes: &[u8]) -> String {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        match self.algorithm.trim_end_matches("-sess") {
            "MD5" => hex(&Md5::digest(text)),
            "SHA-256" => hex(&Sha256::digest(text)),
            "SHA-512-256" => hex(&Sha512_256::digest(text)),
            other => panic!("no such algorithm: {other}"),
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

    /// The parameters as they are printed, to be tampered with.
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
        params
    }

    pub(crate) fn field(&self) -> HeaderValue {
        self.params().field()
    }
}

pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
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

    /// Changes each parameter as it is printed.
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

    pub(crate) fn field(&self) -> HeaderValue {
        field([b"Digest ", self.list().as_slice()].concat())
    }
}
