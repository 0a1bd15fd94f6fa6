//! The client side of Digest (RFC 7616) with `qop=auth`: one challenge, then rising nonce counts.

use std::{io, str};

use md5::Md5;
use sha2::{Digest, Sha256};
use tower_proxy_auth::{HashedA1, Realm};

use crate::auth::{Algorithm, User};

/// As long as curl's. It is constant, which makes no difference to a proxy.
const CNONCE: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A client, with the challenge that it answers once it has one.
#[derive(Clone, Debug)]
pub struct DigestSession {
    user: User,
    algorithm: Algorithm,
    uri: String,
    hashed_a2: String,
    challenge: Option<Accepted>,
}

/// A challenge that the client answers.
#[derive(Clone, Debug)]
struct Accepted {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    hashed_a1: String,
    count: u32,
}

impl DigestSession {
    pub fn new(user: User, algorithm: Algorithm, uri: String) -> Self {
        let hashed_a2 = hash(algorithm, &["GET:", &uri]);
        Self { user, algorithm, uri, hashed_a2, challenge: None }
    }

    /// Adds the field line with the next nonce count to a request.
    pub(super) fn write_field(&mut self, request: &mut Vec<u8>) {
        let Self { user, algorithm, uri, hashed_a2, challenge: Some(challenge) } = self else {
            return;
        };
        challenge.count += 1;
        let Accepted { realm, nonce, opaque, hashed_a1, count } = challenge;
        let count = format!("{count:08x}");
        let response = hash(
            *algorithm,
            &[hashed_a1, ":", nonce, ":", &count, ":", CNONCE, ":auth:", hashed_a2],
        );
        let parts = [
            "Proxy-Authorization: Digest username=\"",
            &user.name,
            "\", realm=\"",
            realm,
            "\", nonce=\"",
            nonce,
            "\", uri=\"",
            uri,
            "\", cnonce=\"",
            CNONCE,
            "\", nc=",
            &count,
            ", qop=auth, response=\"",
            &response,
            "\", algorithm=",
            algorithm.name(),
        ];
        for part in parts {
            request.extend_from_slice(part.as_bytes());
        }
        if let Some(opaque) = opaque {
            for part in [", opaque=\"", opaque, "\""] {
                request.extend_from_slice(part.as_bytes());
            }
        }
        request.extend_from_slice(b"\r\n");
    }

    /// Accepts the first challenge for the algorithm. Returns false if there is none, or if the
    /// credentials were refused for another reason than a stale nonce.
    ///
    /// # Errors
    /// A challenge is not valid.
    pub fn challenged<'a>(
        &mut self,
        lines: impl IntoIterator<Item = &'a [u8]>,
    ) -> io::Result<bool> {
        for line in lines {
            let line = str::from_utf8(line).map_err(io::Error::other)?;
            if let Some(list) = line.strip_prefix("Digest ")
                && let Some((challenge, is_stale)) = self.read(list)?
            {
                let can_answer = is_stale || self.challenge.is_none();
                self.challenge = Some(challenge);
                return Ok(can_answer);
            }
        }
        Ok(false)
    }

    /// Returns the challenge and whether it is for a stale nonce; `None` for another algorithm.
    fn read(&self, list: &str) -> io::Result<Option<(Accepted, bool)>> {
        // A challenge without an algorithm is for MD5.
        let algorithm = parameter(list, "algorithm").unwrap_or(Algorithm::Md5.name());
        if !algorithm.eq_ignore_ascii_case(self.algorithm.name()) {
            return Ok(None);
        }
        let missing = || io::Error::other("a Digest challenge without realm or nonce");
        let realm = parameter(list, "realm").ok_or_else(missing)?;
        let User { name, password } = &self.user;
        let realm = Realm::new(realm).map_err(io::Error::other)?;
        let hashed_a1 = HashedA1::new(self.algorithm.function(), name, &realm, password);
        let stale = parameter(list, "stale");
        let challenge = Accepted {
            realm: realm.to_string(),
            nonce: parameter(list, "nonce").ok_or_else(missing)?.to_owned(),
            opaque: parameter(list, "opaque").map(str::to_owned),
            hashed_a1: hashed_a1.expose_hex().to_string(),
            count: 0,
        };
        Ok(Some((challenge, stale.is_some_and(|stale| stale.eq_ignore_ascii_case("true")))))
    }

    /// Continues with the nonce in `Proxy-Authentication-Info`, if it has one.
    pub(super) fn follow_nextnonce(&mut self, info: &[u8]) -> io::Result<()> {
        let info = str::from_utf8(info).map_err(io::Error::other)?;
        if let Some(challenge) = &mut self.challenge
            && let Some(nonce) = parameter(info, "nextnonce")
        {
            challenge.nonce = nonce.to_owned();
            challenge.count = 0;
        }
        Ok(())
    }
}

/// Returns the value of a parameter without quotes. No proxy here sends escapes.
fn parameter<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut is_quoted = false;
    let params = list.split(|character| {
        is_quoted ^= character == '"';
        character == ',' && !is_quoted
    });
    let mut pairs = params.filter_map(|param| param.trim().split_once('='));
    let (_, value) = pairs.find(|(other, _)| other.eq_ignore_ascii_case(name))?;
    Some(value.trim_matches('"'))
}

/// The hash of the concatenation of `parts`, in hex.
fn hash(algorithm: Algorithm, parts: &[&str]) -> String {
    fn run<D: Digest>(parts: &[&str]) -> Vec<u8> {
        let mut digest = D::new();
        parts.iter().for_each(|part| digest.update(part));
        digest.finalize().to_vec()
    }
    let bytes = match algorithm {
        Algorithm::Md5 => run::<Md5>(parts),
        Algorithm::Sha256 => run::<Sha256>(parts),
    };
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(hex_digit).collect()
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).expect("four bits")
}
