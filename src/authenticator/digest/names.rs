//! The users that the `username` of a request may refer to.

use std::sync::Arc;

use crate::{
    authenticator::{refusal::Refusal, scheme::RequestContext},
    backend::{DigestName, DigestUser},
    user_parameters::{SplitName, UserParameters},
    wire::{
        Realm,
        digest::{Claimed, Credentials, HashFunction},
    },
};

/// The split form of each reading of a name; `None` if it cannot be split.
pub(super) type SplitNames = [Option<SplitName>; 3];

/// A user to look up.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    name: DigestName<'a>,
    /// The name as the client hashed it, if parameters were split off.
    hashed_name: Option<&'a str>,
    pub(super) user_parameters: Option<&'a Arc<UserParameters>>,
}

impl<'a> Candidate<'a> {
    const fn whole(name: DigestName<'a>) -> Self {
        Self { name, hashed_name: None, user_parameters: None }
    }

    fn split(name: &'a str, split: &'a SplitName) -> Self {
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

/// Splits the readings of a name, if user names have parameters.
///
/// # Errors
/// No reading can be split.
pub(super) fn split(
    context: &RequestContext<'_>,
    credentials: &Credentials,
) -> Result<Option<SplitNames>, Refusal> {
    let Claimed::Names(readings) = credentials.claimed() else { return Ok(None) };
    let mut names = SplitNames::default();
    let mut mistake = None;
    for (name, reading) in names.iter_mut().zip(readings.iter().flatten()) {
        match context.split_user_name(reading) {
            Ok(None) => return Ok(None),
            Ok(split) => *name = split,
            Err(refusal) => mistake = mistake.or(Some(refusal)),
        }
    }
    match mistake {
        Some(refusal) if names.iter().all(Option::is_none) => Err(refusal),
        _ => Ok(Some(names)),
    }
}

/// The users to look up, in the order in which they are tried.
pub(super) fn candidates<'a>(
    claimed: &'a Claimed<'_>,
    splits: Option<&'a SplitNames>,
) -> impl Iterator<Item = Candidate<'a>> {
    let (readings, hash) = match claimed {
        Claimed::Names(readings) => (readings.as_slice(), None),
        Claimed::Userhash(hash) => {
            ([].as_slice(), Some(Candidate::whole(DigestName::Userhash(hash))))
        }
    };
    let readings =
        readings.iter().flatten().enumerate().filter_map(move |(at, name)| match splits {
            None => Some(Candidate::whole(DigestName::UserId(name))),
            Some(splits) => Some(Candidate::split(name, splits.get(at)?.as_ref()?)),
        });
    readings.chain(hash)
}
