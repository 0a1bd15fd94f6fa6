//! From the head of a request to a decision.

use std::{fmt, net::IpAddr, sync::Arc};

use http::HeaderValue;

use super::{
    builder::{AuthenticatorBuilder, Bypass, RealmOf},
    decision::{Authentication, Decision, Grant, PendingDecision},
    erased::{AnyScheme, Progress},
    field::ProxyAuthorization,
    refusal::Refusal,
    rejection::Rejection,
    scheme::{Accepted, ChallengeContext, ClaimContext, Proof, SentCredentials},
};
use crate::{
    authenticator::stale_limit::{Client, StaleLimit},
    clock::{Clock, Moment},
    grammar::split_scheme,
    head::RequestHead,
    identity::{Account, Identity},
    reason::Reason,
    user_parameters::UserParameterSyntax,
    wire::Realm,
};

/// Decides whether requests may be forwarded. Cloning is cheap, and clones are one.
///
/// # Examples
/// ```
/// use http::Request;
/// use tower_proxy_auth::{Authenticator, Realm, Reason, RequestHead, Users, authenticator::{Authentication, Decision, ProxyAuthorization}};
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let auth = Authenticator::builder(realm).with_digest(users.clone()).with_basic(users).build()?;
///
/// let mut request = Request::get("http://example.org/").body(())?;
/// let field = ProxyAuthorization::take(request.headers_mut());
/// match auth.authenticate(&RequestHead::of_request(&request), field) {
///     Authentication::Ready(Decision::Reject(rejection)) => {
///         let (status, headers, refusal) = rejection.into_parts();
///         assert_eq!(status, 407);
///         assert_eq!(refusal.reason(), Reason::MissingCredentials);
///         assert_eq!(headers.get_all("proxy-authenticate").iter().count(), 3);
///     }
///     _ => unreachable!("there were no credentials"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Authenticator(pub(super) Arc<Engine>);

pub(super) struct Engine {
    pub(super) realm: Realm,
    pub(super) realm_of: Option<RealmOf>,
    pub(super) schemes: Vec<Arc<dyn AnyScheme>>,
    pub(super) bypass: Option<Bypass>,
    pub(super) allow_anonymous: bool,
    pub(super) max_field_length: usize,
    pub(super) user_parameters: Option<UserParameterSyntax>,
    pub(super) stale_limit: StaleLimit,
    pub(super) clock: Arc<dyn Clock>,
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
        let moment = Moment::of(&*engine.clock);
        let refused = |refusal| Authentication::Ready(engine.reject(refusal, None, realm, &moment));
        let value = match field {
            ProxyAuthorization::Absent if engine.allow_anonymous => {
                let identity = Some(Identity::anonymous(realm.clone()));
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
        let user_parameters = engine.user_parameters.as_ref();
        let context = ClaimContext { head, realm, moment: &moment, user_parameters };
        let source = Source { scheme: scheme.name(), realm, peer: head.peer() };
        match scheme.check(&context, credentials) {
            Progress::Done(proof) => Authentication::Ready(engine.conclude(proof, source, &moment)),
            Progress::Pending(proof) => Authentication::Pending(PendingDecision {
                engine: Arc::clone(engine),
                proof,
                scheme: source.scheme,
                realm: realm.clone(),
                peer: source.peer,
            }),
        }
    }
}

/// Where a proof comes from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) scheme: &'static str,
    pub(super) realm: &'a Realm,
    pub(super) peer: Option<IpAddr>,
}

impl Source<'_> {
    fn client(&self, account: &Account) -> Client {
        Client { realm: self.realm.clone(), peer: self.peer, user: account.user().clone() }
    }
}

impl Engine {
    /// Finds the scheme that the field names.
    fn route(&self, field: HeaderValue) -> Result<(&dyn AnyScheme, SentCredentials), Refusal> {
        if field.len() > self.max_field_length {
            return Err(Refusal::new(Reason::FieldTooLong));
        }
        let parts = split_scheme(field.as_bytes())
            .map_err(|error| Refusal::new(Reason::Malformed).with_source(error))?;
        let is_named = |scheme: &&Arc<dyn AnyScheme>| {
            let name = scheme.name().as_bytes();
            // Nearly all clients write it as we do, and that is the quicker comparison.
            name == parts.scheme || name.eq_ignore_ascii_case(parts.scheme)
        };
        let scheme = self.schemes.iter().find(is_named);
        let scheme = scheme.ok_or_else(|| Refusal::new(Reason::SchemeNotOffered))?;
        let position = parts.rest_position;
        Ok((scheme.as_ref(), SentCredentials { field, position }))
    }

    // Inlined, so that neither the proof nor the decision is copied.
    #[inline(always)]
    pub(super) fn conclude(
        &self,
        proof: Proof,
        source: Source<'_>,
        moment: &Moment<'_>,
    ) -> Decision {
        let Source { scheme, realm, .. } = source;
        match proof {
            Ok(Accepted { account, info, user_parameters }) => {
                self.stale_limit.clear(|| source.client(&account));
                let mut identity = Identity::new(account, scheme, realm.clone());
                if let Some(parameters) = user_parameters {
                    identity = identity.with_user_parameters(parameters);
                }
                Decision::Forward(Grant { identity: Some(identity), info })
            }
            Err(refusal) => {
                self.reject(self.limit_stale(refusal, source, moment), Some(scheme), realm, moment)
            }
        }
    }

    /// A client that is told "stale" time and again will not find the end by itself.
    fn limit_stale(
        &self,
        mut refusal: Refusal,
        source: Source<'_>,
        moment: &Moment<'_>,
    ) -> Refusal {
        if let (Some(sent), Some(account)) = (&refusal.stale_credentials, &refusal.account)
            && self.stale_limit.strike(source.client(account), **sent, moment.now())
        {
            refusal.reason = Reason::TooManyStale;
        }
        refusal
    }

    fn reject(
        &self,
        refusal: Refusal,
        scheme: Option<&'static str>,
        realm: &Realm,
        moment: &Moment<'_>,
    ) -> Decision {
        let context = ChallengeContext { realm, moment, stale: refusal.reason.is_stale() };
        let refusal = Refusal { scheme, realm: Some(realm.clone()), ..refusal };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Users;

    #[test]
    fn a_scheme_is_found_where_the_grammar_finds_it_however_it_is_written() {
        let realm = Realm::new("proxy").unwrap();
        let users = Users::new(&realm);
        let auth = Authenticator::builder(realm).with_digest(users.clone()).with_basic(users);
        let auth = auth.build().unwrap();
        for field in [
            "Basic YTpi",
            "Basic YTpi ",
            "Basic  YTpi",
            "Basic \tYTpi",
            "Basic \t",
            "Basic ",
            "Basic",
            " Basic YTpi",
            "basic YTpi",
            "Digest a=b",
            "DIGEST a=b",
        ] {
            let expected = split_scheme(field.as_bytes()).unwrap();
            let (scheme, sent) = auth.0.route(HeaderValue::from_static(field)).ok().unwrap();
            assert!(scheme.name().as_bytes().eq_ignore_ascii_case(expected.scheme), "{field:?}");
            assert_eq!(sent.position, expected.rest_position, "{field:?}");
            assert_eq!(sent.as_bytes(), expected.rest, "{field:?}");
        }
        for field in ["Basicx YTpi", "Basi YTpi", "Basic,YTpi", "Bearer YTpi", ""] {
            assert!(auth.0.route(HeaderValue::from_static(field)).is_err(), "{field:?}");
        }
    }
}
