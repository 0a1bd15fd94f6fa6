//! Decides about a request again, once the address of its host is known.

use std::{fmt, iter, net::IpAddr, sync::Arc};

use http::{Method, Uri};

use super::{
    Access, AccessRequest,
    erased::{Decision, DynPolicy},
};
use crate::{authenticator::Refusal, identity::Identity, reason::Reason};

/// Decides about a forwarded request for the address to which the proxy connects. The
/// [`AccessLayer`](super::AccessLayer) puts it into the extensions of each request that it forwards.
///
/// Call [`check`](Self::check) for each address before connecting to it, and for each request that
/// uses an existing connection.
#[derive(Clone)]
pub struct AddressCheck(Arc<Facts>);

/// What the policy needs to know about the request.
struct Facts {
    policy: Arc<dyn DynPolicy>,
    identity: Option<Identity>,
    method: Method,
    target: Uri,
    peer: Option<IpAddr>,
    /// The check of a layer further out, which has left its decision to the address as well.
    outer: Option<AddressCheck>,
}

impl AddressCheck {
    pub(super) fn new(
        policy: &Arc<dyn DynPolicy>,
        request: AccessRequest<'_>,
        outer: Option<Self>,
    ) -> Self {
        Self(Arc::new(Facts {
            policy: Arc::clone(policy),
            identity: request.identity().cloned(),
            method: request.method().clone(),
            target: request.target().clone(),
            peer: request.peer(),
            outer,
        }))
    }

    /// Whether the proxy may connect to this address for the request. With several layers, the
    /// policy of each must allow it.
    ///
    /// # Errors
    /// The [`Refusal`]: 403, or 503 if the policy could not decide. Put it into the extensions of
    /// any response, such as an empty one: the layer then makes the response that the client gets.
    pub async fn check(&self, address: IpAddr) -> Result<(), Refusal> {
        for check in iter::successors(Some(self), |check| check.0.outer.as_ref()) {
            match check.decide(Some(address.to_canonical())).await? {
                Access::Allowed => {}
                Access::Denied(cause) => return Err(refusal(&cause)),
                Access::AddressNeeded => {
                    return Err(refusal("the policy does not decide about an address"));
                }
            }
        }
        Ok(())
    }

    /// Decides about the request, with an address if it is known.
    pub(super) fn decide(&self, address: Option<IpAddr>) -> Decision<'_> {
        let Facts { policy, identity, method, target, peer, outer: _ } = &*self.0;
        let request = AccessRequest::new(method, target)
            .with_identity(identity.as_ref())
            .with_peer(*peer)
            .with_address(address);
        policy.decide(request)
    }
}

/// The refusal of a request for a cause, which only the operator's log shows.
pub(super) fn refusal(cause: &str) -> Refusal {
    Refusal::new(Reason::Forbidden).with_source(cause)
}

impl fmt::Debug for AddressCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressCheck(..)")
    }
}
