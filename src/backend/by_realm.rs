//! A source of users for each realm.

use std::fmt;

use super::{
    AccountLookup, BasicCredentials, CredentialValidator, DigestSecrets, DigestUser, SecretLookup,
    Verdict, chain::combined,
};
use crate::{
    error::{BackendError, ConfigError},
    revocation::Revocations,
    user_id::UserId,
    wire::{Realm, digest::HashFunctions},
};

/// A source of users for each realm, for proxies that serve several tenants.
///
/// Credentials for a realm reach only the source of that realm, so a user of one realm cannot log
/// in to another, and no source gets the passwords of another realm. A realm without a source knows
/// no users. Choose the realm of a request with [`with_realm_of`].
///
/// It implements [`CredentialValidator`] and [`DigestSecrets`] if its sources do. Digest offers the
/// algorithms for which the sources of all realms have secrets. For sources of different types, use
/// [`AnyValidator`](super::AnyValidator) or [`AnySecrets`](super::AnySecrets).
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Authenticator, Realm, RequestHead, Users, backend::ByRealm};
///
/// let (red, blue) = (Realm::new("red")?, Realm::new("blue")?);
/// let users = ByRealm::new()
///     .with(&red, Users::new(&red).with_user("alice", "wonder")?)
///     .with(&blue, Users::new(&blue).with_user("alice", "another")?);
/// // In the extensions of each request: the tenant whose listener accepted the connection.
/// struct Listener(Realm);
/// let realm_of = |head: &RequestHead<'_>| {
///     head.extensions().get::<Listener>().map(|listener| listener.0.clone())
/// };
/// let auth = Authenticator::builder(red)
///     .with_realm_of(realm_of)
///     .with_digest(users.clone())
///     .with_basic(users)
///     .build()?;
/// # let _ = auth;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`with_realm_of`]: crate::authenticator::AuthenticatorBuilder::with_realm_of
#[derive(Clone)]
pub struct ByRealm<T>(Vec<(Realm, T)>);

impl<T> ByRealm<T> {
    /// Creates an empty value, which knows no users. Add at least the source of the authenticator's
    /// own realm, or the authenticator cannot be built.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the source of the users of `realm`. It can revoke the users of that realm only. With
    /// two sources for one realm, the authenticator cannot be built.
    #[must_use]
    pub fn with(mut self, realm: &Realm, source: T) -> Self {
        self.0.push((realm.clone(), source));
        self
    }

    /// The source of the users of `realm`.
    fn source(&self, realm: &Realm) -> Option<&T> {
        self.0.iter().find(|(own, _)| own == realm).map(|(_, source)| source)
    }

    fn sources(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, source)| source)
    }

    /// Checks the realms, and each source against its own realm.
    fn check(
        &self,
        realm: &Realm,
        serves: impl Fn(&T, &Realm) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        for (position, (own, source)) in self.0.iter().enumerate() {
            if self.0.iter().take(position).any(|(before, _)| before == own) {
                return Err(ConfigError::DuplicateRealm { realm: own.to_string() });
            }
            serves(source, own)?;
        }
        if self.source(realm).is_none() {
            let served = self.0.iter().map(|(own, _)| own.to_string()).collect();
            return Err(ConfigError::RealmWithoutSource { realm: realm.to_string(), served });
        }
        Ok(())
    }

    /// Attaches each source to the users of its own realm.
    fn attach_each(&self, revocations: &Revocations, attach: impl Fn(&T, &Revocations)) {
        for (realm, source) in &self.0 {
            attach(source, &revocations.for_realm(realm));
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<V: CredentialValidator> CredentialValidator for ByRealm<V> {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        match self.source(credentials.realm()) {
            Some(source) => source.validate(credentials).await,
            None => Ok(Verdict::UnknownUser),
        }
    }

    fn version(&self) -> u64 {
        combined(self.sources().map(V::version))
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        self.check(realm, V::serves)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        match self.source(realm) {
            Some(source) => source.account(realm, user).await,
            None => Ok(AccountLookup::Unknown),
        }
    }

    fn attach(&self, revocations: &Revocations) {
        self.attach_each(revocations, V::attach);
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: DigestSecrets> DigestSecrets for ByRealm<S> {
    fn hash_functions(&self) -> HashFunctions {
        let held = self.sources().map(S::hash_functions);
        held.reduce(HashFunctions::intersection).unwrap_or(HashFunctions::NONE)
    }

    fn holds_passwords(&self) -> bool {
        self.sources().all(S::holds_passwords)
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        match self.source(user.realm()) {
            Some(source) => source.secret(user).await,
            None => Ok(SecretLookup::Unknown),
        }
    }

    fn version(&self) -> u64 {
        combined(self.sources().map(S::version))
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        self.check(realm, S::serves)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        match self.source(realm) {
            Some(source) => source.account(realm, user).await,
            None => Ok(AccountLookup::Unknown),
        }
    }

    fn attach(&self, revocations: &Revocations) {
        self.attach_each(revocations, S::attach);
    }
}

impl<T> Default for ByRealm<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for ByRealm<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByRealm")
            .field(&self.0.iter().map(|(realm, _)| realm).collect::<Vec<_>>())
            .finish()
    }
}
