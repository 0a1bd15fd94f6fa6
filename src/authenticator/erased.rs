//! A scheme without its type, so that the engine has no type parameters.
//!
//! The claim stays on the stack where the scheme answers at once: nothing is boxed then.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use http::HeaderValue;

use super::scheme::{AuthScheme, ChallengeContext, ClaimContext, Proof, SentCredentials};
use crate::error::ConfigError;

pub(super) type PendingProof = Pin<Box<dyn Future<Output = Proof> + Send>>;

/// How far a check got.
pub(super) enum Progress {
    Done(Proof),
    Pending(PendingProof),
}

pub(super) trait AnyScheme: Send + Sync {
    fn name(&self) -> &'static str;
    fn challenges(&self, context: &ChallengeContext<'_>, add: &mut dyn FnMut(HeaderValue));
    fn check_user_parameters(&self) -> Result<(), ConfigError>;
    fn check(&self, context: &ClaimContext<'_>, credentials: SentCredentials) -> Progress;
}

pub(super) struct Erased<S>(Arc<S>);

impl<S> Erased<S> {
    pub(super) fn new(scheme: S) -> Self {
        Self(Arc::new(scheme))
    }
}

impl<S: AuthScheme> AnyScheme for Erased<S> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn challenges(&self, context: &ChallengeContext<'_>, add: &mut dyn FnMut(HeaderValue)) {
        self.0.challenges(context, add);
    }

    fn check_user_parameters(&self) -> Result<(), ConfigError> {
        self.0.check_user_parameters()
    }

    fn check(&self, context: &ClaimContext<'_>, credentials: SentCredentials) -> Progress {
        let claimed = self.0.claim(context, credentials);
        // The claim is large: it is moved only where the proof has to wait.
        if let Ok(claim) = &claimed
            && let Some(proof) = self.0.prove_now(context, claim)
        {
            return Progress::Done(proof);
        }
        let claim = match claimed {
            Ok(claim) => claim,
            Err(refusal) => return Progress::Done(Err(refusal)),
        };
        let (scheme, realm) = (Arc::clone(&self.0), context.realm().clone());
        Progress::Pending(Box::pin(async move { scheme.prove(realm, claim).await }))
    }
}

impl fmt::Debug for dyn AnyScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
