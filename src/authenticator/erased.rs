//! Type-erased schemes, so that the engine has no type parameters.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use http::HeaderValue;

use super::{
    refusal::Refusal,
    scheme::{
        AuthResult, AuthScheme, ChallengeContext, RequestContext, SchemeSetup, SentCredentials,
    },
};
use crate::{
    error::{BackendError, ConfigError},
    revocation::Revocations,
};

pub(super) type PendingResult = Pin<Box<dyn Future<Output = AuthResult> + Send>>;

/// [`AuthScheme`] with a boxed future.
pub(super) trait DynScheme: Send + Sync {
    fn name(&self) -> &'static str;

    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError>;

    fn authenticate(
        self: Arc<Self>,
        context: &RequestContext<'_>,
        credentials: SentCredentials,
    ) -> Result<PendingResult, Refusal>;

    fn check(&self, setup: &SchemeSetup<'_>) -> Result<(), ConfigError>;

    fn attach(&self, revocations: &Revocations);
}

impl<S: AuthScheme> DynScheme for S {
    fn name(&self) -> &'static str {
        AuthScheme::name(self)
    }

    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError> {
        AuthScheme::challenges(self, context)
    }

    fn authenticate(
        self: Arc<Self>,
        context: &RequestContext<'_>,
        credentials: SentCredentials,
    ) -> Result<PendingResult, Refusal> {
        Ok(Box::pin(AuthScheme::authenticate(self, context, credentials)?))
    }

    fn check(&self, setup: &SchemeSetup<'_>) -> Result<(), ConfigError> {
        AuthScheme::check(self, setup)
    }

    fn attach(&self, revocations: &Revocations) {
        AuthScheme::attach(self, revocations);
    }
}

impl fmt::Debug for dyn DynScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
