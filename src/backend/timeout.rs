//! Limits how long a back end may take.

use std::time::Duration;

use crate::{
    backend::{
        AccountLookup, BasicCredentials, CredentialValidator, DigestSecrets, DigestUser,
        SecretLookup, Verdict, runtime::within,
    },
    error::{BackendError, ConfigError},
    revocation::Revocations,
    user_id::UserId,
    wire::{Realm, digest::HashFunctions},
};

/// Wraps a validator, or a source of Digest secrets, and limits how long each call may take.
///
/// A call that takes longer is dropped and fails with a [transient](BackendError::is_transient)
/// error. Prefer timeouts of the back end itself, if it has any.
///
/// It needs a tokio runtime. Without one, every call fails.
///
/// # Panics
/// A call panics on a runtime without a timer.
///
/// # Security
/// - It ends a wait, not a computation: a validator that hashes on the calling thread is not
///   interrupted.
/// - A long wait in the queue of the back end is reported like an outage, during which a cache may
///   use an expired verdict. The back ends of this crate have their own timeouts, which distinguish
///   overload from outage: use those instead.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use tower_proxy_auth::{BackendError, Verdict, backend::{OwnedCredentials, Timeout, from_async_fn}};
///
/// let directory = from_async_fn(|credentials: OwnedCredentials| async move {
///     // ... query a directory ...
///     # let _ = credentials;
///     Err::<Verdict, _>(BackendError::transient("the directory is down"))
/// });
/// let validator = Timeout::new(directory, Duration::from_secs(5));
/// # let _ = validator;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timeout<T> {
    inner: T,
    limit: Duration,
}

impl<T> Timeout<T> {
    /// Limits each call of `inner` to `limit`.
    #[must_use]
    pub const fn new(inner: T, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<V: CredentialValidator> CredentialValidator for Timeout<V> {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        within(self.limit, self.inner.validate(credentials)).await
    }

    fn version(&self) -> u64 {
        self.inner.version()
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        self.inner.serves(realm)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        within(self.limit, self.inner.account(realm, user)).await
    }

    fn attach(&self, revocations: &Revocations) {
        self.inner.attach(revocations);
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: DigestSecrets> DigestSecrets for Timeout<S> {
    fn hash_functions(&self) -> HashFunctions {
        self.inner.hash_functions()
    }

    fn holds_passwords(&self) -> bool {
        self.inner.holds_passwords()
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        within(self.limit, self.inner.secret(user)).await
    }

    fn version(&self) -> u64 {
        self.inner.version()
    }

    fn serves(&self, realm: &Realm) -> Result<(), ConfigError> {
        self.inner.serves(realm)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        within(self.limit, self.inner.account(realm, user)).await
    }

    fn attach(&self, revocations: &Revocations) {
        self.inner.attach(revocations);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error,
        future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use tokio::time;

    use super::*;
    use crate::{
        Users,
        backend::{DigestName, OwnedCredentials, from_async_fn},
        wire::{Realm, digest::HashFunction},
    };

    const LIMIT: Duration = Duration::from_secs(5);

    /// Answers after a delay.
    struct Late(Users, Duration);

    impl CredentialValidator for Late {
        async fn validate(&self, sent: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
            time::sleep(self.1).await;
            self.0.validate(sent).await
        }
    }

    impl DigestSecrets for Late {
        fn hash_functions(&self) -> HashFunctions {
            HashFunctions::ALL
        }

        async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
            time::sleep(self.1).await;
            self.0.secret(user).await
        }
    }

    fn realm() -> Realm {
        Realm::new("proxy").unwrap()
    }

    fn users() -> Users {
        Users::new(&realm()).with_user("alice", "wonder").unwrap()
    }

    fn late(answered_after: Duration) -> Timeout<Late> {
        Timeout::new(Late(users(), answered_after), LIMIT)
    }

    #[track_caller]
    fn is_too_late<T: std::fmt::Debug>(answer: Result<T, BackendError>) {
        let error = answer.unwrap_err();
        assert!(error.is_transient());
        assert_eq!(error.source().unwrap().to_string(), "no answer within 5s");
    }

    #[tokio::test(start_paused = true)]
    async fn passes_on_an_answer_in_time_only() {
        let realm = realm();
        let credentials = BasicCredentials::new(&realm, "alice", "wonder");
        let user = DigestUser::new(&realm, HashFunction::Sha256, DigestName::UserId("alice"));
        let moment = Duration::from_millis(1);
        let timely = late(LIMIT - moment);
        assert!(matches!(timely.validate(credentials).await, Ok(Verdict::Accepted(_))));
        assert!(matches!(timely.secret(user).await, Ok(SecretLookup::Found(_))));
        let too_late = late(LIMIT + moment);
        is_too_late(too_late.validate(credentials).await);
        is_too_late(too_late.secret(user).await);
    }

    #[tokio::test(start_paused = true)]
    async fn each_call_has_the_whole_time() {
        let start = time::Instant::now();
        let validator = Timeout::new(from_async_fn(|_: OwnedCredentials| future::pending()), LIMIT);
        let realm = realm();
        for asked in 1..=3 {
            is_too_late(validator.validate(BasicCredentials::new(&realm, "alice", "x")).await);
            assert_eq!(start.elapsed().as_secs(), asked * LIMIT.as_secs());
        }
    }

    #[track_caller]
    fn at_once<T>(answer: impl Future<Output = T>) -> T {
        match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn fails_outside_a_tokio_runtime() {
        let (timed, realm) = (Timeout::new(users(), LIMIT), realm());
        let credentials = BasicCredentials::new(&realm, "alice", "wonder");
        let user = DigestUser::new(&realm, HashFunction::Sha256, DigestName::UserId("alice"));
        let verdict = at_once(timed.validate(credentials)).map(drop);
        let secret = at_once(timed.secret(user)).map(drop);
        for error in [verdict.unwrap_err(), secret.unwrap_err()] {
            assert!(!error.is_transient());
            assert_eq!(error.source().unwrap().to_string(), "the back end needs a tokio runtime");
        }
    }

    #[test]
    fn forwards_the_synchronous_methods() {
        let users = users();
        let timed = Timeout::new(users.clone(), LIMIT);
        assert_eq!(DigestSecrets::hash_functions(&timed), HashFunctions::ALL);
        let before = CredentialValidator::version(&timed);
        users.set("alice", "changed").unwrap();
        assert_ne!(CredentialValidator::version(&timed), before);
        assert_eq!(DigestSecrets::version(&timed), CredentialValidator::version(&users));
        let other = Realm::new("other").unwrap();
        assert!(CredentialValidator::serves(&timed, &other).is_err());
        assert!(DigestSecrets::serves(&timed, &other).is_err());
    }
}
