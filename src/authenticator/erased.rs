//! Type-erased schemes, so that the engine has no type parameters.

use std::{fmt, pin::Pin, sync::Arc};

use http::HeaderValue;

use super::{
    decision::{Authentication, Check, PendingDecision},
    engine::Engine,
    scheme::{AuthScheme, ChallengeContext, RequestContext, SchemeSetup, SentCredentials},
};
use crate::{
    backend::AccountLookup,
    error::{BackendError, ConfigError},
    revocation::Revocations,
    user_id::UserId,
    wire::Realm,
};

pub(super) type PendingLookup<'a> =
    Pin<Box<dyn Future<Output = Result<AccountLookup, BackendError>> + Send + 'a>>;

/// [`AuthScheme`] without associated types, and with boxed futures.
pub(super) trait DynScheme: Send + Sync {
    fn name(&self) -> &'static str;

    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError>;

    /// Parses the credentials and decides, or returns a future that verifies them and decides.
    fn authenticate(
        self: Arc<Self>,
        engine: &Arc<Engine>,
        context: &RequestContext<'_>,
        credentials: SentCredentials,
        check: Check,
    ) -> Authentication;

    fn check(&self, setup: &SchemeSetup<'_>) -> Result<(), ConfigError>;

    fn account<'a>(&'a self, realm: &'a Realm, user: &'a UserId) -> PendingLookup<'a>;

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
        engine: &Arc<Engine>,
        context: &RequestContext<'_>,
        credentials: SentCredentials,
        check: Check,
    ) -> Authentication {
        let credentials = match self.parse(context, credentials) {
            Ok(credentials) => credentials,
            Err(refusal) => {
                return Authentication::Ready(engine.refuse_credentials(refusal, &check));
            }
        };
        let (scheme, engine) = (check.scheme, Arc::clone(engine));
        let decision = Box::pin(async move {
            let claim = self.claim(&credentials);
            let ticket = match engine.enter(claim, &check).await {
                Ok(ticket) => ticket,
                Err(refusal) => return engine.conclude(Err(refusal), claim, None, &check),
            };
            let result = self.verify(&credentials, ticket.as_ref()).await;
            engine.conclude(result, claim, ticket, &check)
        });
        Authentication::Pending(PendingDecision { scheme, decision })
    }

    fn check(&self, setup: &SchemeSetup<'_>) -> Result<(), ConfigError> {
        AuthScheme::check(self, setup)
    }

    fn account<'a>(&'a self, realm: &'a Realm, user: &'a UserId) -> PendingLookup<'a> {
        Box::pin(AuthScheme::account(self, realm, user))
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
