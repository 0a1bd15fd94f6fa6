//! Decides about requests from their heads.

use std::{fmt, sync::Arc, time::SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    builder::{AuthenticatorBuilder, Condition, OfferOf, RealmOf},
    decision::{Authentication, Check, Decision},
    erased::DynScheme,
    field::ProxyAuthorization,
    maintenance::{Maintenance, MaintenanceSwitch},
    offer::Offer,
    refusal::Refusal,
    scheme::{AuthResult, Authenticated, ChallengeContext, RequestContext, SentCredentials},
    stale_limit::{Client, StaleLimit},
    user_limits::{UserRequest, UserUsage, asks_for_tunnel},
};
use crate::{
    claim::Claim,
    clock::{Clock, Timestamp},
    error::BackendError,
    event::ClaimedUserMaker,
    grammar::split_scheme,
    head::RequestHead,
    identity::Identity,
    reason::Reason,
    revocation::Revocations,
    throttle::{Admission, Attempt, DynThrottle, Settlement, Ticket},
    user_id::UserId,
    user_parameters::UserParameterSyntax,
    wire::Realm,
};

/// Decides whether requests may be forwarded. Cloning is cheap, and clones share everything.
///
/// # Examples
/// ```
/// use http::Request;
/// use tower_proxy_auth::{
///     Authenticator, Realm, Reason, RequestHead, Users,
///     authenticator::{Authentication, Decision, ProxyAuthorization},
/// };
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let auth = Authenticator::builder(realm).with_digest(users.clone()).with_basic(users).build()?;
///
/// let mut request = Request::get("http://example.org/").body(())?;
/// let field = ProxyAuthorization::take(request.headers_mut());
/// match auth.authenticate(&RequestHead::of_request(&request), field) {
///     Authentication::Ready(Decision::Refuse(refusal, headers)) => {
///         assert_eq!(refusal.status(), 407);
///         assert_eq!(headers.get_all("proxy-authenticate").iter().count(), 3);
///         assert_eq!(refusal.reason(), Reason::MissingCredentials);
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
    pub(super) schemes: Vec<Arc<dyn DynScheme>>,
    pub(super) offer_of: Option<OfferOf>,
    pub(super) bypass: Option<Condition>,
    pub(super) anonymous_for: Option<Condition>,
    pub(super) allows_anonymous: bool,
    pub(super) max_field_length: usize,
    pub(super) latin1: bool,
    pub(super) user_parameters: Option<UserParameterSyntax>,
    pub(super) stale_limit: StaleLimit,
    pub(super) claimed_users: ClaimedUserMaker,
    pub(super) user_usage: Option<UserUsage>,
    pub(super) throttle: Option<Box<dyn DynThrottle>>,
    pub(super) revocations: Revocations,
    pub(super) has_rechecks: bool,
    pub(super) maintenance: MaintenanceSwitch,
    pub(super) clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// Creates a builder for the protection space `realm`.
    pub fn builder(realm: Realm) -> AuthenticatorBuilder {
        AuthenticatorBuilder::new(realm)
    }

    /// Decides about a request, from its head and the `Proxy-Authorization` removed from it.
    #[must_use]
    pub fn authenticate(
        &self,
        head: &RequestHead<'_>,
        field: ProxyAuthorization,
    ) -> Authentication {
        let engine = &self.0;
        if let Some(maintenance) = engine.maintenance.current() {
            let refusal = maintenance.refusal(SystemTime::now());
            let headers = refusal.headers();
            return Authentication::Ready(Decision::Refuse(refusal, headers));
        }
        if engine.bypass.as_ref().is_some_and(|bypass| bypass(head)) {
            return Authentication::Ready(Decision::Bypass);
        }
        let chosen = engine.realm_of.as_ref().and_then(|realm_of| realm_of(head));
        let realm = chosen.as_ref().unwrap_or(&engine.realm);
        let now = engine.clock.now();
        let offer = engine.offer_of.as_ref().map_or(Offer::all(), |offer_of| offer_of(head));
        let refuse = |refusal| {
            let context = ChallengeContext { realm, now, stale: false };
            Authentication::Ready(engine.refuse(refusal, None, &offer, &context))
        };
        let field = match field {
            ProxyAuthorization::One(field) => field,
            ProxyAuthorization::Absent if engine.allows_anonymous(head) => {
                let identity = Identity::anonymous(realm.clone());
                return Authentication::Ready(Decision::Forward { identity, info: None });
            }
            ProxyAuthorization::Absent => {
                return refuse(Refusal::new(Reason::MissingCredentials));
            }
            ProxyAuthorization::Several => {
                return refuse(Refusal::new(Reason::SeveralFields));
            }
        };
        let (scheme, credentials) = match engine.route(field, &offer) {
            Ok(routed) => routed,
            Err(refusal) => return refuse(refusal),
        };
        let check = Check {
            scheme: scheme.name(),
            realm: realm.clone(),
            peer: head.peer(),
            field: credentials.field.clone(),
            offer,
            start: engine.revocations.start_check(),
            now,
            is_tunnel: engine.user_usage.is_some() && asks_for_tunnel(head),
        };
        let user_parameters = engine.user_parameters.as_ref();
        let latin1 = engine.latin1;
        let context = RequestContext { head, realm, now, latin1, user_parameters };
        Arc::clone(scheme).authenticate(engine, &context, credentials, check)
    }

    /// Starts maintenance: every request is refused with 503 and `Retry-After`, also one that would
    /// bypass authentication or be anonymous. Nobody is asked for a password, and neither the
    /// throttle nor a back end is called. Requests that were forwarded before, such as tunnels, and
    /// checks that are running go on.
    ///
    /// `until` is the announced end, by the system's clock; `None` announces none. It is an estimate
    /// for clients: maintenance lasts until [`end_maintenance`](Self::end_maintenance). `Retry-After`
    /// is the time until the announced end, but at least 30 s; without one, it is 30 s. Call it again
    /// to announce another end.
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use tower_proxy_auth::{Authenticator, Realm, Users};
    ///
    /// let realm = Realm::new("proxy")?;
    /// let users = Users::new(&realm).with_user("alice", "wonder")?;
    /// let auth = Authenticator::builder(realm).with_basic(users).build()?;
    ///
    /// auth.set_maintenance(Some(SystemTime::now() + Duration::from_secs(3_600)));
    /// assert!(auth.maintenance().is_some());
    /// // The work is done.
    /// auth.end_maintenance();
    /// assert!(auth.maintenance().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_maintenance(&self, until: Option<SystemTime>) {
        self.0.maintenance.set(until, SystemTime::now());
    }

    /// Ends maintenance, if there is any.
    pub fn end_maintenance(&self) {
        self.0.maintenance.end();
    }

    /// The current maintenance.
    #[must_use]
    pub fn maintenance(&self) -> Option<Maintenance> {
        self.0.maintenance.current()
    }

    /// The time of the authenticator's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Ends the access of a user: revokes every live [`Identity`] of theirs, and voids their cached
    /// verdicts. It does not keep the user from logging in again.
    pub fn revoke(&self, realm: &Realm, user: &UserId) {
        self.0.revocations.revoke(realm, user);
    }
}

impl Engine {
    fn allows_anonymous(&self, head: &RequestHead<'_>) -> bool {
        self.allows_anonymous || self.anonymous_for.as_ref().is_some_and(|allows| allows(head))
    }

    /// The schemes of an offer, in the order of their challenges.
    fn offered<'a>(&'a self, offer: &Offer) -> impl Iterator<Item = &'a Arc<dyn DynScheme>> {
        self.schemes.iter().filter(|scheme| offer.includes(scheme.name()))
    }

    /// Finds the scheme that the field names.
    fn route(
        &self,
        field: HeaderValue,
        offer: &Offer,
    ) -> Result<(&Arc<dyn DynScheme>, SentCredentials), Refusal> {
        if field.len() > self.max_field_length {
            return Err(Refusal::new(Reason::FieldTooLong));
        }
        let parts = split_scheme(field.as_bytes())
            .map_err(|error| Refusal::new(Reason::Malformed).with_source(error))?;
        let is_named =
            |one: &&Arc<dyn DynScheme>| one.name().as_bytes().eq_ignore_ascii_case(parts.scheme);
        let scheme = self.offered(offer).find(is_named);
        let scheme = scheme.ok_or_else(|| Refusal::new(Reason::SchemeNotOffered))?;
        let position = parts.rest_position;
        Ok((scheme, SentCredentials { field, position }))
    }

    /// Waits until the throttle, if there is one, admits the attempt.
    pub(super) async fn enter(
        &self,
        claim: Claim<'_>,
        check: &Check,
    ) -> Result<Option<Ticket>, Refusal> {
        let Some(throttle) = &self.throttle else { return Ok(None) };
        let attempt = Attempt::new(&check.realm, claim, check.now).with_peer(check.peer);
        match throttle.admit(attempt).await? {
            Admission::Allowed(ticket) => Ok(Some(ticket)),
            Admission::Refused(overload) => Err(overload.into()),
        }
    }

    /// Turns the result of a check into a decision, and settles the ticket.
    pub(super) fn conclude(
        &self,
        result: AuthResult,
        claim: Claim<'_>,
        ticket: Option<Ticket>,
        check: &Check,
    ) -> Decision {
        let result = result.and_then(|authenticated| self.admit(authenticated, claim, check));
        if let Some(ticket) = ticket {
            ticket.settle(settlement(&result));
        }
        match result {
            Ok((identity, info)) => Decision::Forward { identity, info },
            Err(refusal) => {
                self.refuse_credentials(refusal.with_claim(claim, &self.claimed_users), check)
            }
        }
    }

    /// Makes the identity. Its scheme and realm are those of the check, not what a scheme says, so
    /// that revocation always finds it.
    fn admit(
        &self,
        authenticated: Authenticated,
        claim: Claim<'_>,
        check: &Check,
    ) -> Result<(Identity, Option<HeaderValue>), Refusal> {
        let Authenticated { account, user_parameters, info } = authenticated;
        let user = account.user();
        let record = (&check.realm, user, account.change_stamp());
        let scheme = self.has_rechecks.then_some(check.scheme);
        let Some(access) = self.revocations.access(record, check.start, scheme) else {
            let error = "the user was changed or removed while the credentials were checked";
            return Err(BackendError::transient(error).into());
        };
        self.stale_limit.clear(|| Client::new(&check.realm, check.peer, user));
        let tunnel_place = match &self.user_usage {
            Some(usage) => {
                let &Check { ref realm, peer, is_tunnel, now, .. } = check;
                let entered = usage.enter(&UserRequest { realm, user, peer, is_tunnel, now });
                entered.map_err(|refusal| refusal.with_account(account.clone()))?
            }
            None => None,
        };
        let identity = Identity::new(account, check.scheme, check.realm.clone())
            .with_algorithm(claim.algorithm())
            .with_access(access)
            .with_tunnel_place(tunnel_place);
        let identity = match user_parameters {
            Some(parameters) => identity.with_user_parameters(parameters),
            None => identity,
        };
        Ok((identity, info))
    }

    /// Refuses credentials: adds `stale` if only their nonce is wrong.
    pub(super) fn refuse_credentials(&self, refusal: Refusal, check: &Check) -> Decision {
        let (realm, now) = (&check.realm, self.clock.now());
        let stale = refusal.reason().is_stale() && self.may_say_stale(&refusal, check, now);
        let context = ChallengeContext { realm, now, stale };
        self.refuse(refusal, Some(check.scheme), &check.offer, &context)
    }

    /// Counts a stale answer to a user who has proved to know the password, and returns whether
    /// there were not too many in a row.
    fn may_say_stale(&self, refusal: &Refusal, check: &Check, now: Timestamp) -> bool {
        refusal.account().is_some_and(|account| {
            let client = Client::new(&check.realm, check.peer, account.user());
            self.stale_limit.allows(client, &check.field, now)
        })
    }

    /// Adds the scheme, the realm and the challenges.
    fn refuse(
        &self,
        refusal: Refusal,
        scheme: Option<&'static str>,
        offer: &Offer,
        context: &ChallengeContext<'_>,
    ) -> Decision {
        let (mut refusal, headers) = match self.headers(&refusal, offer, context) {
            Ok(headers) => (refusal, headers),
            Err(error) => {
                let failed = Refusal::from(error);
                let headers = failed.headers();
                (failed, headers)
            }
        };
        refusal.scheme = scheme;
        refusal.realm = Some(context.realm.clone());
        Decision::Refuse(refusal, headers)
    }

    /// The header fields of the response, which include challenges if it is a 407.
    fn headers(
        &self,
        refusal: &Refusal,
        offer: &Offer,
        context: &ChallengeContext<'_>,
    ) -> Result<HeaderMap, BackendError> {
        let mut headers = refusal.headers();
        if refusal.status() != StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Ok(headers);
        }
        for scheme in self.offered(offer) {
            for challenge in scheme.challenges(context)? {
                headers.append(header::PROXY_AUTHENTICATE, challenge);
            }
        }
        // A client cannot answer a 407 without a challenge. After a reload, a source may have
        // secrets for none of the configured algorithms; or the offered schemes are not configured.
        if !headers.contains_key(header::PROXY_AUTHENTICATE) {
            return Err(BackendError::new("no scheme can be offered for this request at present"));
        }
        Ok(headers)
    }
}

/// The outcome of an attempt, for the throttle.
fn settlement<T>(result: &Result<(Identity, T), Refusal>) -> Settlement<'_> {
    match result {
        Ok((identity, _)) => match (identity.user(), identity.revocation()) {
            (Some(user), Some(revocation)) => Settlement::Accepted { user, revocation },
            _ => Settlement::Neutral,
        },
        Err(refusal) if refusal.reason().is_guess() => {
            Settlement::Strike { user: refusal.suspect.as_deref() }
        }
        Err(_) => Settlement::Neutral,
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
    fn finds_a_scheme_however_it_is_written() {
        let realm = Realm::new("proxy").unwrap();
        let users = Users::new(&realm);
        let auth = Authenticator::builder(realm).with_digest(users.clone()).with_basic(users);
        let auth = auth.build().unwrap();
        for (field, scheme, rest) in [
            ("Basic YTpi", "Basic", "YTpi"),
            ("Basic YTpi ", "Basic", "YTpi"),
            ("Basic  YTpi", "Basic", "YTpi"),
            ("Basic \tYTpi", "Basic", "\tYTpi"),
            ("Basic", "Basic", ""),
            (" Basic YTpi", "Basic", "YTpi"),
            ("bAsIc YTpi", "Basic", "YTpi"),
            ("DIGEST a=b", "Digest", "a=b"),
        ] {
            let (found, sent) =
                auth.0.route(HeaderValue::from_static(field), &Offer::all()).ok().unwrap();
            assert_eq!((found.name(), sent.as_bytes()), (scheme, rest.as_bytes()), "{field:?}");
        }
        for field in ["Basicx YTpi", "Basi YTpi", "Basic,YTpi", "Bearer YTpi", ""] {
            assert!(
                auth.0.route(HeaderValue::from_static(field), &Offer::all()).is_err(),
                "{field:?}"
            );
        }
    }
}
