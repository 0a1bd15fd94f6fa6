//! What can be asked, and what may come of it.

use std::sync::Arc;

use super::{
    check::Checked,
    key::{Keys, MacKey},
    rooms::Rooms,
    state::State,
};
use crate::{
    backend::{
        AccountStatus, BasicCredentials, CredentialValidator, DigestName, DigestSecrets,
        DigestUser, SecretLookup, Verdict,
    },
    identity::Account,
    wire::digest::HashFunction,
};

/// A question to a `T`, as borrowed from a request.
pub(super) trait Question<T>: Copy {
    type Answer: Answer;

    /// Where the answers are kept.
    fn rooms(state: &State<T>) -> &Rooms<Self::Answer>;

    /// What the answer is found by.
    fn keys(&self, mac_key: &MacKey) -> Keys;

    /// The name as sent; empty if it was not.
    fn name(&self) -> &str;

    /// What `T` says of the state of the user.
    fn revision(&self, inner: &T) -> u64;

    /// Asks; the future owns what it needs.
    fn ask(
        &self,
        state: Arc<State<T>>,
    ) -> impl Future<Output = Checked<Self::Answer>> + Send + 'static;
}

/// An answer that can be kept.
pub(super) trait Answer: Clone + Send + Sync + 'static {
    fn finding(&self) -> Finding<'_>;

    /// The refusal, again.
    fn refused(is_unknown: bool) -> Self;
}

/// What an answer says.
pub(super) enum Finding<'a> {
    /// Somebody who may get in.
    Usable(&'a Account),
    /// Somebody who may not, for now.
    Unusable(&'a Account),
    /// A wrong password, or nobody of that name.
    Refused { is_unknown: bool },
    /// A record that cannot be used: not kept.
    Broken,
}

impl<V: CredentialValidator> Question<V> for BasicCredentials<'_> {
    type Answer = Verdict;

    fn rooms(state: &State<V>) -> &Rooms<Verdict> {
        &state.verdicts
    }

    fn keys(&self, mac_key: &MacKey) -> Keys {
        let named = [self.realm().as_str(), "Basic", self.user_id()].map(str::as_bytes);
        mac_key.of(&named, Some(self.password().as_bytes()))
    }

    fn name(&self) -> &str {
        self.user_id()
    }

    fn revision(&self, inner: &V) -> u64 {
        inner.version()
    }

    fn ask(&self, state: Arc<State<V>>) -> impl Future<Output = Checked<Verdict>> + Send + 'static {
        let credentials = self.to_owned();
        async move { state.inner.validate(credentials.as_borrowed()).await }
    }
}

impl Answer for Verdict {
    fn finding(&self) -> Finding<'_> {
        match self {
            Self::Accepted(account) => Finding::Usable(account),
            Self::Disabled(account) | Self::Expired(account) => Finding::Unusable(account),
            Self::WrongPassword => Finding::Refused { is_unknown: false },
            Self::UnknownUser => Finding::Refused { is_unknown: true },
            Self::Unusable(_) => Finding::Broken,
        }
    }

    fn refused(is_unknown: bool) -> Self {
        if is_unknown { Self::UnknownUser } else { Self::WrongPassword }
    }
}

impl<S: DigestSecrets> Question<S> for DigestUser<'_> {
    type Answer = SecretLookup;

    fn rooms(state: &State<S>) -> &Rooms<SecretLookup> {
        &state.secrets
    }

    fn keys(&self, mac_key: &MacKey) -> Keys {
        let (kind, name) = match self.name() {
            DigestName::UserId(name) => ("user-id", name.as_bytes()),
            DigestName::Userhash(hash) => ("userhash", hash.as_bytes()),
        };
        let [realm, scheme, function, kind] =
            [self.realm().as_str(), "Digest", label(self.function()), kind].map(str::as_bytes);
        mac_key.of(&[realm, scheme, function, kind, name], None)
    }

    fn name(&self) -> &str {
        match DigestUser::name(self) {
            DigestName::UserId(name) => name,
            DigestName::Userhash(_) => "",
        }
    }

    fn revision(&self, inner: &S) -> u64 {
        inner.version()
    }

    fn ask(
        &self,
        state: Arc<State<S>>,
    ) -> impl Future<Output = Checked<SecretLookup>> + Send + 'static {
        let (realm, function) = (self.realm().clone(), self.function());
        let name = match DigestUser::name(self) {
            DigestName::UserId(name) => Ok(name.to_owned()),
            DigestName::Userhash(hash) => Err(hash.clone()),
        };
        async move {
            let name = match &name {
                Ok(name) => DigestName::UserId(name),
                Err(hash) => DigestName::Userhash(hash),
            };
            state.inner.secret(DigestUser::new(&realm, function, name)).await
        }
    }
}

const fn label(function: HashFunction) -> &'static str {
    match function {
        HashFunction::Sha256 => "SHA-256",
        HashFunction::Sha512_256 => "SHA-512-256",
        HashFunction::Md5 => "MD5",
    }
}

impl Answer for SecretLookup {
    fn finding(&self) -> Finding<'_> {
        match self {
            Self::Unknown => Finding::Refused { is_unknown: true },
            Self::Unusable(_) => Finding::Broken,
            Self::Found(found) => match found.status() {
                AccountStatus::Active => Finding::Usable(found.account()),
                AccountStatus::Disabled | AccountStatus::Expired => {
                    Finding::Unusable(found.account())
                }
            },
        }
    }

    fn refused(_: bool) -> Self {
        Self::Unknown
    }
}
