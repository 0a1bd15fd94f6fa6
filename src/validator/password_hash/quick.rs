//! What takes no time to check: one SHA-1, and the password itself.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{HashKind, PasswordHashError, meter};
use crate::secret::constant_time_eq;

/// What follows `{SHA}`.
#[derive(Clone)]
pub(super) struct OneSha1(Zeroizing<[u8; 20]>);

impl OneSha1 {
    pub(super) fn parse(text: &str) -> Result<Self, PasswordHashError> {
        let mut hash = Zeroizing::new([0; 20]);
        // With room to spare for what is too long.
        let decoded = STANDARD.decode(text).map(Zeroizing::new);
        let decoded = decoded.ok().filter(|decoded| decoded.len() == hash.len());
        let decoded = decoded.ok_or(PasswordHashError::Malformed {
            kind: HashKind::Sha1,
            problem: "it is not 20 bytes in base 64",
        })?;
        hash.copy_from_slice(&decoded);
        Ok(Self(hash))
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        meter::add(HashKind::Sha1.name(), 1);
        constant_time_eq(&*self.0, &Sha1::digest(password))
    }
}

/// A password that was stored as it is, of which a hash is kept: that has the same length for all.
#[derive(Clone)]
pub(super) struct PlainText(Zeroizing<[u8; 32]>);

impl PlainText {
    pub(super) fn new(password: &str) -> Self {
        Self(Zeroizing::new(Sha256::digest(password).into()))
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        meter::add(HashKind::PlainText.name(), 1);
        constant_time_eq(&*self.0, &Sha256::digest(password))
    }
}
