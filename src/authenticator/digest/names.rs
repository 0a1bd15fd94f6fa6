//! The users that the `username` of a request may name.

use std::sync::Arc;

use crate::{
    authenticator::{refusal::Refusal, scheme::RequestContext},
    backend::{DigestName, DigestUser},
    claim::Claimant,
    user_parameters::{SplitName, UserParameters},
    wire::{
        Realm,
        digest::{HashFunction, Userhash, Username},
    },
};

/// A user to look up.
pub(super) enum Candidate {
    /// The name as the client hashed it, and its parts if names are split.
    Name { name: String, split: Option<SplitName> },
    /// The hash of the name.
    Userhash(Userhash),
}

impl Candidate {
    pub(super) fn user<'a>(&'a self, realm: &'a Realm, function: HashFunction) -> DigestUser<'a> {
        let user = |name| DigestUser::new(realm, function, name);
        match self {
            Self::Name { name, split: None } => user(DigestName::UserId(name)),
            Self::Name { name, split: Some(split) } => {
                user(DigestName::UserId(split.user())).with_hashed_name(name)
            }
            Self::Userhash(hash) => user(DigestName::Userhash(hash)),
        }
    }

    /// The user that the client claims to be.
    pub(super) fn claimant(&self) -> Claimant<'_> {
        match self {
            Self::Name { name, split } => {
                Claimant::Name(split.as_ref().map_or(name, SplitName::user))
            }
            Self::Userhash(hash) => Claimant::Userhash(hash),
        }
    }

    /// The parameters that were part of the name.
    pub(super) fn user_parameters(&self) -> Option<Arc<UserParameters>> {
        match self {
            Self::Name { split, .. } => split.as_ref().map(|split| Arc::clone(split.parameters())),
            Self::Userhash(_) => None,
        }
    }
}

/// The users to look up, in the order in which they are tried. Readings of the name that cannot be
/// split are left out.
///
/// # Errors
/// No reading can be split.
pub(super) fn candidates(
    context: &RequestContext<'_>,
    username: Username,
) -> Result<Vec<Candidate>, Refusal> {
    let names = match username {
        Username::Names(names) => names,
        Username::Userhash(hash) => return Ok(vec![Candidate::Userhash(hash)]),
    };
    let (mut candidates, mut mistake) = (Vec::with_capacity(1), None);
    for name in names.into_iter().flatten() {
        match context.split_user_name(&name) {
            Ok(split) => candidates.push(Candidate::Name { name, split }),
            Err(refusal) => mistake = mistake.or(Some(refusal)),
        }
    }
    match mistake {
        Some(refusal) if candidates.is_empty() => Err(refusal),
        _ => Ok(candidates),
    }
}
