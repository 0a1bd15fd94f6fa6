//! Passwords that are stored as one SHA-1 without a salt, or as they are.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{HashKind, PasswordHashError, work};
use crate::secret::constant_time_eq;

/// The hash after `{SHA}`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct OneSha1(Zeroizing<[u8; 20]>);

impl OneSha1 {
    pub(super) fn parse(text: &str) -> Result<Self, PasswordHashError> {
        let mut hash = Zeroizing::new([0; 20]);
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
        constant_time_eq(&*self.0, &sha1(password))
    }
}

/// Does the work of a check against `{SHA}`.
pub(super) fn burn_sha1(password: &[u8]) {
    std::hint::black_box(sha1(password));
}

fn sha1(password: &[u8]) -> [u8; 20] {
    work::count(HashKind::Sha1.name(), 1);
    Sha1::digest(password).into()
}

/// A password that was stored in plain text. Only a hash of it is kept, which hides its length.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PlainText(Zeroizing<[u8; 32]>);

impl PlainText {
    pub(super) fn new(password: &str) -> Self {
        Self(Zeroizing::new(Sha256::digest(password).into()))
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        constant_time_eq(&*self.0, &sha256(password))
    }
}

/// Does the work of a check against plain text.
pub(super) fn burn_plain(password: &[u8]) {
    std::hint::black_box(sha256(password));
}

fn sha256(password: &[u8]) -> [u8; 32] {
    work::count(HashKind::PlainText.name(), 1);
    Sha256::digest(password).into()
}
