//! The computation that proves the knowledge of H(A1), [RFC 7616, section 3.4.1].
//!
//! [RFC 7616, section 3.4.1]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4.1

use super::{
    Algorithm, HashFunction, HashedA1,
    algorithm::{Hash, Hex},
};

/// What goes into a digest beside the secret, each part as the client sent it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) nonce: &'a [u8],
    /// `None` for RFC 2069, which has neither qop nor a count.
    pub(crate) protection: Option<ProtectionInput<'a>>,
    pub(crate) uri: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ProtectionInput<'a> {
    pub(crate) qop: &'a [u8],
    pub(crate) count: &'a [u8],
    pub(crate) cnonce: &'a [u8],
}

/// H(A1) in the form that enters the digest: for a `-sess` algorithm, with nonce and cnonce.
pub(crate) struct Key {
    function: HashFunction,
    hex: Hex,
}

impl Key {
    /// `None` if the secret was made for another hash function.
    pub(crate) fn new(ha1: &HashedA1, input: &Input<'_>) -> Option<Self> {
        let function = input.algorithm.hash_function();
        if ha1.function() != function {
            return None;
        }
        let hex = ha1.hash().to_hex();
        if !input.algorithm.is_session() {
            return Some(Self { function, hex });
        }
        // The RFC fixes nonce and cnonce when the session starts; here each request is one.
        let cnonce = input.protection?.cnonce;
        let session = function.hash(&[hex.as_bytes(), b":", input.nonce, b":", cnonce]);
        Some(Self { function, hex: session.to_hex() })
    }

    /// The `response` that a client sends for `method`.
    pub(crate) fn response(&self, method: &str, input: &Input<'_>) -> Hash {
        self.digest(method.as_bytes(), input)
    }

    /// The `rspauth` by which the server proves that it knows the secret too: A2 has no method.
    pub(crate) fn rspauth(&self, input: &Input<'_>) -> Hash {
        self.digest(b"", input)
    }

    fn digest(&self, method: &[u8], input: &Input<'_>) -> Hash {
        let ha2 = self.function.hash(&[method, b":", input.uri]).to_hex();
        let key = self.hex.as_bytes();
        match input.protection {
            Some(ProtectionInput { qop, count, cnonce }) => self.function.hash(&[
                key,
                b":",
                input.nonce,
                b":",
                count,
                b":",
                cnonce,
                b":",
                qop,
                b":",
                ha2.as_bytes(),
            ]),
            None => self.function.hash(&[key, b":", input.nonce, b":", ha2.as_bytes()]),
        }
    }
}

/// The hash of `user-id:realm` that may stand in for the user-id, [RFC 7616, section 3.4.4].
///
/// [RFC 7616, section 3.4.4]: https://www.rfc-editor.org/rfc/rfc7616#section-3.4.4
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Userhash(Box<[u8]>);

impl Userhash {
    /// Computes the hash.
    #[must_use]
    pub fn new(function: HashFunction, user_id: &str, realm: &str) -> Self {
        let hash = function.hash(&[user_id.as_bytes(), b":", realm.as_bytes()]);
        Self(hash.as_bytes().into())
    }

    /// Reads what a client sent: 32 or 64 hex digits, in either case.
    #[must_use]
    pub fn from_hex(function: HashFunction, hex: &[u8]) -> Option<Self> {
        Hash::from_hex(function, hex).map(|hash| Self(hash.as_bytes().into()))
    }

    /// The 16 or 32 bytes of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
