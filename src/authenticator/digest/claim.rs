//! What a client claims, and what comes of it where it cannot be used.

use std::hash::{DefaultHasher, Hasher as _};

use http::Method;

use crate::{
    authenticator::refusal::Refusal,
    clock::Timestamp,
    policy::StaleCredentials,
    ports::{DigestAccount, DigestName},
    reason::Reason,
    scheme::digest::{Claimed, Credentials, CredentialsError, NonceCount, SealedNonce},
};

/// What a client sent, with all that its proof will need.
#[derive(Debug)]
pub struct DigestClaim {
    pub(super) credentials: Credentials,
    pub(super) method: Method,
    pub(super) now: Timestamp,
    /// `None` if it cannot be one of ours.
    pub(super) nonce: Option<SealedNonce>,
    /// Stands for the seal, the realm and the keys of the day. Taken before the seal is checked: keys
    /// that change in between make it another number.
    pub(super) seal: u32,
    pub(super) count: NonceCount,
}

impl DigestClaim {
    /// Refuses what is right but for its account or its nonce.
    pub(super) fn refuse(
        &self,
        reason: Reason,
        issued: Option<Timestamp>,
        found: DigestAccount,
    ) -> Refusal {
        let mut refusal = Refusal::new(reason).with_account(found.into_account());
        if reason.is_stale() {
            refusal.stale_credentials = Some(StaleCredentials {
                header: hash_of(self.credentials.field()),
                nonce: hash_of(&self.credentials.nonce()),
                issued,
                count: self.count.as_u32(),
            });
        }
        refusal
    }
}

fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Whom to look up, in the order in which it is tried.
pub(super) fn names<'a>(claimed: &'a Claimed<'_>) -> impl Iterator<Item = DigestName<'a>> {
    let (readings, hash) = match claimed {
        Claimed::Names(readings) => (readings.as_slice(), None),
        Claimed::Userhash(hash) => ([].as_slice(), Some(*hash)),
    };
    let readings = readings.iter().flatten().map(|name| DigestName::UserId(name));
    readings.chain(hash.map(DigestName::Userhash))
}

pub(super) const fn reason_of(error: CredentialsError) -> Reason {
    match error {
        CredentialsError::Syntax(_) => Reason::Malformed,
        CredentialsError::Duplicate(_) => Reason::DuplicateParameter,
        CredentialsError::Missing(_) => Reason::MissingParameter,
        CredentialsError::Improper(_) => Reason::ImproperParameter,
    }
}
