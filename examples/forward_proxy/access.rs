//! The access of the user of a request, which can end while the request is served.

use std::{
    future::{self, Future},
    pin::Pin,
    task::{Context, Poll},
};

use tower_proxy_auth::{Identity, revocation::Revoked};

use crate::error::{Failure, ForwardError};

/// The access of a user. As long as it is held, re-checks look the user up.
#[derive(Debug)]
pub(crate) struct Access {
    identity: Identity,
    revoked: Revoked,
}

impl Access {
    pub(crate) fn of(identity: &Identity) -> Self {
        Self { identity: identity.clone(), revoked: identity.revoked() }
    }

    /// Whether the access has ended. If not, the task is woken when it does.
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.revoked).poll(cx)
    }
}

impl Clone for Access {
    fn clone(&self) -> Self {
        Self::of(&self.identity)
    }
}

/// Waits for `answer`, unless the access ends before.
///
/// # Errors
/// [`ForwardError::AccessEnded`], or that of the answer.
pub(crate) async fn while_allowed<T>(
    access: Option<Access>,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(mut access) = access else { return answer.await };
    tokio::select! {
        biased;
        () = future::poll_fn(|cx| access.poll_ended(cx)) => Err(ForwardError::AccessEnded.into()),
        answer = answer => answer,
    }
}
