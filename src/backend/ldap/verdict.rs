//! Checks a password on one server, or looks up a user.

use super::{
    failure::Failure,
    groups::{Groups, Reader},
    lookup::{DirectBind, Lookup, LookupError, UserSearch, own_entry},
    outcome::Outcome,
    server::{Bound, Server},
};
use crate::{
    backend::{AccountLookup, BasicCredentials, Verdict},
    identity::Account,
    user_id::UserId,
};

impl Lookup {
    /// Makes the searches of a login for a user who need not exist. With a template, it only
    /// connects.
    pub(super) async fn test(&self, server: &Server, groups: &Groups) -> Result<(), Failure> {
        const USER: &str = "nobody";
        let Self::Search(search) = self else { return server.connect().await };
        search.entry(server, groups, USER).await.map(drop).or_else(|error| error.answer(drop))?;
        let mut reader = Reader::Service(server, &search.account);
        groups
            .names(&mut reader, USER, &search.decoy)
            .await
            .map(drop)
            .or_else(|error| error.answer(drop))
    }

    /// Looks up a user by the user-id.
    pub(super) async fn account(
        &self,
        server: &Server,
        groups: &Groups,
        user: &str,
    ) -> Result<AccountLookup, LookupError> {
        let Self::Search(search) = self else { return Ok(AccountLookup::Unsupported) };
        if !search.finds_user_ids() {
            return Ok(AccountLookup::Unsupported);
        }
        let entry = search.entry(server, groups, user).await?;
        let Some(entry) = entry.filter(|entry| entry.user == user) else {
            return Ok(AccountLookup::Unknown);
        };
        let reader = Reader::Service(server, &search.account);
        Ok(match groups.account(reader, entry).await? {
            (account, true) => AccountLookup::Known(account),
            (_, false) => AccountLookup::Unknown,
        })
    }

    pub(super) async fn check(
        &self,
        server: &Server,
        groups: &Groups,
        credentials: BasicCredentials<'_>,
    ) -> Result<Verdict, LookupError> {
        match self {
            Self::Direct(bind) => bind.check(server, groups, credentials).await,
            Self::Search(search) => search.check(server, groups, credentials).await,
        }
    }
}

impl DirectBind {
    async fn check(
        &self,
        server: &Server,
        groups: &Groups,
        credentials: BasicCredentials<'_>,
    ) -> Result<Verdict, LookupError> {
        let sent = credentials.user_id();
        let dn = self.template.fill(sent);
        let (answer, mut bound) = server.bind(&dn, credentials.password()).await?;
        let outcome = Outcome::of(&answer);
        if !matches!(outcome, Ok(Outcome::Right)) {
            bound.done();
            return Ok(verdict_without_groups(outcome?, sent, Verdict::WrongPassword));
        }
        let verdict = self.verdict_of_right(&mut bound, &dn, groups, sent).await;
        if !matches!(verdict, Err(LookupError::Failure(_))) {
            bound.done();
        }
        verdict
    }

    async fn verdict_of_right(
        &self,
        bound: &mut Bound<'_>,
        dn: &str,
        groups: &Groups,
        sent: &str,
    ) -> Result<Verdict, LookupError> {
        let entry = own_entry(bound, dn, &self.name, groups, sent).await?;
        let Some(entry) = entry else { return Ok(Verdict::UnknownUser) };
        Ok(verdict_of_right(groups.account(Reader::User(bound), entry).await?))
    }
}

impl UserSearch {
    async fn check(
        &self,
        server: &Server,
        groups: &Groups,
        credentials: BasicCredentials<'_>,
    ) -> Result<Verdict, LookupError> {
        let found = match self.entry(server, groups, credentials.user_id()).await {
            Err(LookupError::Failure(failure)) => return Err(failure.into()),
            found => found,
        };
        // Users who are unknown or have an unusable record cost as many round trips as others.
        let dn = match &found {
            Ok(Some(entry)) => &*entry.dn,
            _ => &*self.decoy,
        };
        let (answer, bound) = server.bind(dn, credentials.password()).await?;
        bound.done();
        // What a server answers to the decoy says nothing about the user.
        let Some(entry) = found? else { return Ok(Verdict::UnknownUser) };
        match Outcome::of(&answer)? {
            Outcome::Right => {
                let reader = Reader::Service(server, &self.account);
                Ok(verdict_of_right(groups.account(reader, entry).await?))
            }
            outcome => {
                let wrong = match self.name.is_from_directory {
                    true => Verdict::WrongPasswordOf(UserId::new(&*entry.user)),
                    false => Verdict::WrongPassword,
                };
                Ok(verdict_without_groups(outcome, &entry.user, wrong))
            }
        }
    }
}

/// The verdict for a right password. The flag is whether the user is in the required group.
fn verdict_of_right((account, is_member): (Account, bool)) -> Verdict {
    if is_member { Verdict::Accepted(account) } else { Verdict::Disabled(account) }
}

fn verdict_without_groups(outcome: Outcome, user: &str, wrong: Verdict) -> Verdict {
    match outcome {
        Outcome::Disabled => Verdict::Disabled(Account::new(user)),
        Outcome::Expired => Verdict::Expired(Account::new(user)),
        Outcome::Unknown => Verdict::UnknownUser,
        Outcome::Right | Outcome::Wrong => wrong,
    }
}
