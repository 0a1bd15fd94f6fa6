//! Type-erased policies, so that layers and requests have no type parameters.

use std::{future::Future, pin::Pin};

use super::{Access, AccessPolicy, AccessRequest};
use crate::error::BackendError;

/// [`AccessPolicy`] with a boxed future.
pub(super) trait DynPolicy: Send + Sync {
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> Decision<'a>;
}

pub(super) type Decision<'a> =
    Pin<Box<dyn Future<Output = Result<Access, BackendError>> + Send + 'a>>;

impl<P: AccessPolicy> DynPolicy for P {
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> Decision<'a> {
        Box::pin(AccessPolicy::decide(self, request))
    }
}
