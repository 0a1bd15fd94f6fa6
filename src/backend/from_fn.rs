//! Validators made from closures.

use std::{fmt, future::Future};

use crate::{
    backend::{BasicCredentials, CredentialValidator, OwnedCredentials, Verdict},
    error::BackendError,
};

/// A validator that calls a closure; see [`from_fn`].
#[derive(Clone, Copy)]
pub struct FromFn<F>(F);

/// A validator that calls a closure and awaits its future; see [`from_async_fn`].
#[derive(Clone, Copy)]
pub struct FromAsyncFn<F>(F);

/// Makes a validator from a closure that does not block.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Account, BasicCredentials, Verdict, backend::from_fn};
///
/// let validator = from_fn(|credentials: &BasicCredentials<'_>| {
///     let stored = (credentials.user_id() == "alice").then_some("wonder");
///     match credentials.verify(stored) {
///         true => Verdict::Accepted(Account::new("alice")),
///         false => Verdict::UnknownUser,
///     }
/// });
/// # let _ = validator;
/// ```
pub const fn from_fn<F>(check: F) -> FromFn<F>
where
    F: Fn(&BasicCredentials<'_>) -> Verdict + Send + Sync + 'static,
{
    FromFn(check)
}

/// Makes a validator from a closure that returns a future.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{BackendError, Verdict, backend::{OwnedCredentials, from_async_fn}};
///
/// let validator = from_async_fn(|credentials: OwnedCredentials| async move {
///     let credentials = credentials.as_borrowed();
///     // ... query a service with `credentials` ...
///     Err::<Verdict, _>(BackendError::new("no service"))
/// });
/// # let _ = validator;
/// ```
pub const fn from_async_fn<F, R>(check: F) -> FromAsyncFn<F>
where
    F: Fn(OwnedCredentials) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Verdict, BackendError>> + Send,
{
    FromAsyncFn(check)
}

impl<F> CredentialValidator for FromFn<F>
where
    F: Fn(&BasicCredentials<'_>) -> Verdict + Send + Sync + 'static,
{
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        Ok((self.0)(&credentials))
    }
}

impl<F, R> CredentialValidator for FromAsyncFn<F>
where
    F: Fn(OwnedCredentials) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Verdict, BackendError>> + Send,
{
    fn validate(
        &self,
        credentials: BasicCredentials<'_>,
    ) -> impl Future<Output = Result<Verdict, BackendError>> + Send {
        (self.0)(credentials.to_owned())
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromFn(..)")
    }
}

impl<F> fmt::Debug for FromAsyncFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromAsyncFn(..)")
    }
}
