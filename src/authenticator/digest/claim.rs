//! What a client claims, and what comes of it where it cannot be used.

use std::{
    hash::{DefaultHasher, Hasher as _},
    sync::Arc,
};

use http::Method;

use crate::{
    authenticator::{refusal::Refusal, scheme::ClaimContext, stale_limit::StaleCredentials},
    backend::{DigestAccount, DigestName, DigestUser},
    clock::Timestamp,
    reason::Reason,
    user_parameters::{SplitName, UserParameters},
    wire::{
        Realm,
        digest::{Claimed, Credentials, CredentialsError, HashFunction, NonceCount, SealedNonce},
    },
};

/// What a client sent, with all that its proof will need.
#[derive(Debug)]
pub struct DigestClaim {
    pub(super) credentials: Credentials,
    pub(super) method: Method,
    pub(super) now: Timestamp,
    /// `None` if it cannot be one of ours.
    pub(super) nonce: Option<SealedNonce>,
    /// Stands for the seal, the realm and the keys of the day. Taken before the seal is checked:
    /// keys that change in between make it another number.
    pub(super) seal: u32,
    pub(super) count: NonceCount,
    /// What each reading of the name says; `None` where names are not split.
    pub(super) splits: Option<Box<Splits>>,
}

/// What each reading of a name says; `None` for one that cannot be split.
type Splits = [Option<SplitName>; 3];

/// Whom to look up.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    name: DigestName<'a>,
    /// The name as the client hashed it, where it was split.
    hashed_name: Option<&'a str>,
    pub(super) user_parameters: Option<&'a Arc<UserParameters>>,
}

impl<'a> Candidate<'a> {
    const fn whole(name: DigestName<'a>) -> Self {
        Self { name, hashed_name: None, user_parameters: None }
    }

    fn of_split(name: &'a str, split: &'a SplitName) -> Self {
        Self {
            name: DigestName::UserId(split.user(name)),
            hashed_name: Some(name),
            user_parameters: Some(split.parameters()),
        }
    }

    pub(super) fn user(self, realm: &'a Realm, function: HashFunction) -> DigestUser<'a> {
        let user = DigestUser::new(realm, function, self.name);
        self.hashed_name.map_or(user, |name| user.with_hashed_name(name))
    }
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
            refusal.stale_credentials = Some(Box::new(StaleCredentials {
                header: hash_of(self.credentials.field()),
                nonce: hash_of(&self.credentials.nonce()),
                issued,
                count: self.count.as_u32(),
            }));
        }
        refusal
    }
}

fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Splits the readings of a name where that is asked for.
///
/// # Errors
/// None of them can be split.
pub(super) fn split(
    context: &ClaimContext<'_>,
    credentials: &Credentials,
) -> Result<Option<Box<Splits>>, Refusal> {
    if !context.splits_users() {
        return Ok(None);
    }
    let Claimed::Names(readings) = credentials.claimed() else { return Ok(None) };
    let mut mistake = None;
    let splits = readings.map(|reading| {
        let split = context.split_user(&reading?);
        split.map_err(|refusal| mistake.get_or_insert(refusal).reason()).ok().flatten()
    });
    match mistake {
        Some(refusal) if splits.iter().all(Option::is_none) => Err(refusal),
        _ => Ok(Some(Box::new(splits))),
    }
}

/// Whom to look up, in the order in which it is tried.
pub(super) fn candidates<'a>(
    claimed: &'a Claimed<'_>,
    splits: Option<&'a Splits>,
) -> impl Iterator<Item = Candidate<'a>> {
    let (readings, hash) = match claimed {
        Claimed::Names(readings) => (readings.as_slice(), None),
        Claimed::Userhash(hash) => {
            ([].as_slice(), Some(Candidate::whole(DigestName::Userhash(hash))))
        }
    };
    let readings = readings.iter().enumerate().filter_map(move |(at, reading)| {
        let name = reading.as_deref()?;
        match splits {
            None => Some(Candidate::whole(DigestName::UserId(name))),
            Some(splits) => Some(Candidate::of_split(name, splits.get(at)?.as_ref()?)),
        }
    });
    readings.chain(hash)
}

pub(super) const fn reason_of(error: CredentialsError) -> Reason {
    match error {
        CredentialsError::Syntax(_) => Reason::Malformed,
        CredentialsError::Duplicate(_) => Reason::DuplicateParameter,
        CredentialsError::Missing(_) => Reason::MissingParameter,
        CredentialsError::Improper(_) => Reason::ImproperParameter,
    }
}
