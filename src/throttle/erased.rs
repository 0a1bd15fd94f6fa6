//! Type-erased throttles, so that the engine has no type parameters.

use std::{future::Future, pin::Pin};

use super::{Admission, Attempt, Throttle};
use crate::error::BackendError;

/// [`Throttle`] with a boxed future.
pub(crate) trait DynThrottle: Send + Sync {
    fn admit<'a>(&'a self, attempt: Attempt<'a>) -> AdmissionFuture<'a>;
}

pub(crate) type AdmissionFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Admission, BackendError>> + Send + 'a>>;

impl<T: Throttle> DynThrottle for T {
    fn admit<'a>(&'a self, attempt: Attempt<'a>) -> AdmissionFuture<'a> {
        Box::pin(Throttle::admit(self, attempt))
    }
}
