//! Limits on guessing passwords: the trait, and the implementation in memory.
//!
//! The engine calls [`Throttle::admit`] after it has parsed credentials and before it calls a back
//! end. The throttle admits the attempt with a [`Ticket`], or refuses it with 429 and `Retry-After`.
//! The engine settles the ticket with the outcome.

mod attempt;
mod erased;
mod ticket;

use std::{future::Future, sync::Arc};

pub use attempt::{Admission, Attempt, Overload};
pub(crate) use erased::DynThrottle;
pub use ticket::{Settle, Settlement, Ticket};

use crate::error::BackendError;

/// Limits attempts to log in.
///
/// A *strike* is a wrong password, an unknown user, or a user whose record cannot be used. Nothing
/// else counts: not missing or malformed credentials, a stale nonce, a disabled account, or the
/// failure of a back end.
pub trait Throttle: Send + Sync + 'static {
    /// Decides whether credentials may be checked. It may wait, for a limited time.
    ///
    /// # Errors
    /// The throttle could not decide. The request is refused with 503.
    fn admit(
        &self,
        attempt: Attempt<'_>,
    ) -> impl Future<Output = Result<Admission, BackendError>> + Send;
}

impl<T: Throttle> Throttle for Arc<T> {
    fn admit(
        &self,
        attempt: Attempt<'_>,
    ) -> impl Future<Output = Result<Admission, BackendError>> + Send {
        T::admit(self, attempt)
    }
}
