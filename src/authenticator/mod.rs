//! The engine: from the head of a request to a decision.
//!
//! It knows no tower, no body and no runtime. A proxy that is not built on tower calls
//! [`Authenticator::authenticate`] with a head and gets a [`Decision`]; the
//! [`middleware`](crate::middleware) does just that.

mod basic;
mod builder;
mod decision;
mod digest;
mod erased;
mod field;
mod rejection;
mod scheme;

use std::{fmt, net::IpAddr, sync::Arc};

pub use basic::{BasicClaim, BasicScheme};
pub use builder::AuthenticatorBuilder;
use builder::{Bypass, RealmOf};
pub use decision::{Authentication, Decision, Grant, PendingDecision};
pub use digest::{AuthInfo, DigestBuilder, DigestClaim, DigestScheme, NonceKeys};
use erased::{AnyScheme, Progress};
pub use field::ProxyAuthorization;
use http::HeaderValue;
pub use rejection::{Refused, Rejection};
pub use scheme::{
    Accepted, AuthScheme, ChallengeContext, ClaimContext, Credentials, Proof, Refusal,
};

use crate::{
    clock::Clock, grammar::split_scheme, head::RequestHead, identity::Identity, policy::StaleLimit,
    reason::Reason, scheme::Realm,
};

/// Decides whether requests may be forwarded. Cloning is cheap, and clones are one.
///
/// # Examples
/// ```
/// use http::Request;
/// use tower_proxy_auth::{
///     authenticator::{Authentication, Authenticator, Decision, ProxyAuthorization},
///     head::RequestHead,
///     reason::Reason,
///     scheme::Realm,
///     validator::Users,
/// };
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let auth = Authenticator::builder(realm).with_digest(users.clone()).with_basic(users).build()?;
///
/// let mut request = Request::get("http://example.org/").body(())?;
/// let field = ProxyAuthorization::take(request.headers_mut());
/// match auth.authenticate(&RequestHead::of_request(&request), field) {
///     Authentication::Ready(Decision::Reject(rejection)) => {
///         let (status, headers, refused) = rejection.into_parts();
///         assert_eq!(status, 407);
///         assert_eq!(refused.reason(), Reason::MissingCredentials);
///         assert_eq!(headers.get_all("proxy-authenticate").iter().count(), 3);
///     }
///     _ => unreachable!("there were no credentials"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Authenticator(Arc<Engine>);

struct Engine {
    realm: Realm,
    realm_of: Option<RealmOf>,
    schemes: Vec<Arc<dyn AnyScheme>>,
    bypass: Option<Bypass>,
    allow_anonymous: bool,
    max_field_length: usize,
    stale_limit: StaleLimit,
    clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// Collects schemes and options for the protection space `realm`.
    pub fn builder(realm: Realm) -> AuthenticatorBuilder {
        AuthenticatorBuilder::new(realm)
    }

    /// Decides about a request, from its head and the `Proxy-Authorization` that was taken out.
    #[must_use]
    pub fn authenticate(
        &self,
        head: &RequestHead<'_>,
        field: ProxyAuthorization,
    ) -> Authentication {
        let engine = &self.0;
        if engine.bypass.as_ref().is_some_and(|bypass| bypass(head)) {
            return Authentication::Ready(Decision::Forward(Grant { identity: None, info: None }));
        }
        let chosen = engine.realm_of.as_ref().and_then(|realm_of| realm_of(head));
        let realm = chosen.as_ref().unwrap_or(&engine.realm);
        let refused = |refusal| Authentication::Ready(engine.reject(refusal, realm));
        let value = match field {
            ProxyAuthorization::Absent if engine.allow_anonymous => {
                let identity = Some(Identity::anonymous());
                return Authentication::Ready(Decision::Forward(Grant { identity, info: None }));
            }
            ProxyAuthorization::Absent => return refused(Refusal::new(Reason::MissingCredentials)),
            ProxyAuthorization::Several => return refused(Refusal::new(Reason::SeveralFields)),
            ProxyAuthorization::One(value) => value,
        };
        let (scheme, credentials) = match engine.route(value) {
            Ok(routed) => routed,
            Err(refusal) => return refused(refusal),
        };
        let context = ClaimContext { head, realm, now: engine.clock.now() };
        match scheme.check(&context, credentials) {
            Progress::Done(proof) => {
                Authentication::Ready(engine.conclude(proof, scheme.name(), realm, head.peer()))
            }
            Progress::Pending(proof) => Authentication::Pending(PendingDecision {
                engine: Arc::clone(engine),
                proof,
                scheme: scheme.name(),
                realm: realm.clone(),
                peer: head.peer(),
            }),
        }
    }
}

impl Engine {
    /// Finds the scheme that the field names.
    fn route(&self, field: HeaderValue) -> Result<(&dyn AnyScheme, Credentials), Refusal> {
        if field.len() > self.max_field_length {
            return Err(Refusal::new(Reason::FieldTooLong));
        }
        let parts = split_scheme(field.as_bytes())
            .map_err(|error| Refusal::new(Reason::Malformed).with_source(error))?;
        let is_named = |scheme: &&Arc<dyn AnyScheme>| {
            scheme.name().as_bytes().eq_ignore_ascii_case(parts.scheme)
        };
        let scheme = self.schemes.iter().find(is_named);
        let scheme = scheme.ok_or_else(|| Refusal::new(Reason::SchemeNotOffered))?;
        let position = parts.rest_position;
        Ok((scheme.as_ref(), Credentials { field, position }))
    }

    fn conclude(
        &self,
        proof: Proof,
        scheme: &'static str,
        realm: &Realm,
        peer: Option<IpAddr>,
    ) -> Decision {
        match proof {
            Ok(Accepted { account, info }) => {
                self.stale_limit.clear(peer, account.user());
                let identity = Some(Identity::new(account, scheme));
                Decision::Forward(Grant { identity, info })
            }
            Err(refusal) => self.reject(self.limit_stale(refusal, peer), realm),
        }
    }

    /// A client that is told "stale" time and again will not find the end by itself.
    fn limit_stale(&self, mut refusal: Refusal, peer: Option<IpAddr>) -> Refusal {
        if let (true, Some(account)) = (refusal.reason.is_stale(), &refusal.account)
            && self.stale_limit.strike(peer, account.user(), self.clock.now())
        {
            refusal.reason = Reason::TooManyStale;
        }
        refusal
    }

    fn reject(&self, refusal: Refusal, realm: &Realm) -> Decision {
        let context =
            ChallengeContext { realm, now: self.clock.now(), stale: refusal.reason.is_stale() };
        Decision::Reject(Rejection::new(refusal, |add| {
            for scheme in &self.schemes {
                scheme.challenges(&context, add);
            }
        }))
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("realm", &self.0.realm)
            .field("schemes", &self.0.schemes)
            .finish_non_exhaustive()
    }
}
