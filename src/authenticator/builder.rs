//! The options of the authenticator.

use std::{fmt, sync::Arc};

use super::{
    AuthScheme, Authenticator, BasicScheme, DigestScheme, Offer,
    engine::Engine,
    erased::DynScheme,
    maintenance::MaintenanceSwitch,
    scheme::SchemeSetup,
    scheme_names,
    stale_limit::StaleLimit,
    user_limits::{UserLimits, UserUsage},
};
use crate::{
    backend::{CredentialValidator, DigestSecrets},
    clock::{Clock, SystemClock},
    error::ConfigError,
    event::{ClaimedUserMaker, ClaimedUsers},
    head::RequestHead,
    revocation::Revocations,
    throttle::{DynThrottle, Throttle},
    user_parameters::UserParameterSyntax,
    wire::Realm,
};

const DEFAULT_MAX_FIELD_LENGTH: usize = 16 * 1_024;
/// A browser has fewer requests in flight when a restart makes all of its nonces stale.
const DEFAULT_MAX_CONSECUTIVE_STALE: u32 = 100;

/// Collects the schemes and options of an [`Authenticator`].
///
/// [`build`](Self::build) reports the first mistake.
#[must_use]
pub struct AuthenticatorBuilder {
    realm: Realm,
    realm_of: Option<RealmOf>,
    schemes: Vec<Arc<dyn DynScheme>>,
    keeps_scheme_order: bool,
    offer_of: Option<OfferOf>,
    bypass: Option<Condition>,
    anonymous_for: Option<Condition>,
    allows_anonymous: bool,
    max_field_length: usize,
    latin1: bool,
    max_consecutive_stale: u32,
    claimed_users: ClaimedUsers,
    user_limits: UserLimits,
    throttle: Option<Box<dyn DynThrottle>>,
    user_parameters: Option<UserParameterSyntax>,
    revocations: Revocations,
    has_rechecks: bool,
    clock: Arc<dyn Clock>,
    mistake: Option<ConfigError>,
}

pub(super) type RealmOf = Box<dyn Fn(&RequestHead<'_>) -> Option<Realm> + Send + Sync>;
pub(super) type OfferOf = Box<dyn Fn(&RequestHead<'_>) -> Offer + Send + Sync>;
pub(super) type Condition = Box<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;

impl AuthenticatorBuilder {
    pub(super) fn new(realm: Realm) -> Self {
        Self {
            realm,
            realm_of: None,
            schemes: Vec::new(),
            keeps_scheme_order: false,
            offer_of: None,
            bypass: None,
            anonymous_for: None,
            allows_anonymous: false,
            max_field_length: DEFAULT_MAX_FIELD_LENGTH,
            latin1: false,
            max_consecutive_stale: DEFAULT_MAX_CONSECUTIVE_STALE,
            claimed_users: ClaimedUsers::Name,
            user_limits: UserLimits::new(),
            throttle: None,
            user_parameters: None,
            revocations: Revocations::new(),
            has_rechecks: false,
            clock: Arc::new(SystemClock::new()),
            mistake: None,
        }
    }

    /// Offers Basic with its default options.
    pub fn with_basic(self, validator: impl CredentialValidator) -> Self {
        self.with_scheme(BasicScheme::new(validator))
    }

    /// Offers Digest with its default options.
    pub fn with_digest(mut self, secrets: impl DigestSecrets) -> Self {
        match DigestScheme::builder(secrets).build() {
            Ok(scheme) => return self.with_scheme(scheme),
            Err(mistake) => self.mistake = self.mistake.or(Some(mistake)),
        }
        self
    }

    /// Offers a scheme: [`BasicScheme`] or [`DigestScheme`] with options, or a custom one.
    pub fn with_scheme(mut self, scheme: impl AuthScheme) -> Self {
        self.schemes.push(Arc::new(scheme));
        self
    }

    /// Keeps the order in which the schemes were added, instead of sending Digest first and Basic
    /// last, which is what real clients need.
    pub const fn keep_scheme_order(mut self, keep: bool) -> Self {
        self.keeps_scheme_order = keep;
        self
    }

    /// Chooses the realm of each request by its head; `None` means the realm of the builder.
    ///
    /// Nonces, H(A1)s and the users of [`Users`](crate::Users) belong to one realm each. The users
    /// of other back ends, such as a file of password hashes, belong to every realm: keep the users
    /// of several realms apart with [`ByRealm`](crate::backend::ByRealm). Its example chooses a
    /// realm.
    pub fn with_realm_of(
        mut self,
        realm_of: impl Fn(&RequestHead<'_>) -> Option<Realm> + Send + Sync + 'static,
    ) -> Self {
        self.realm_of = Some(Box::new(realm_of));
        self
    }

    /// Chooses the schemes that are offered for each request by its head; by default, all are.
    ///
    /// Credentials of a scheme that is not offered are refused like those of an unknown scheme:
    /// with 407 and the challenges of the offered schemes. If the authenticator has none of the
    /// offered schemes, the request is refused with 503.
    ///
    /// # Security
    /// Base the choice on the connection or the method. A misconfigured client, or an attacker who
    /// can modify requests in transit, controls the other parts of the head, and can thereby choose
    /// the weakest offer.
    ///
    /// # Examples
    /// Accepts Basic over TLS only:
    /// ```
    /// use tower_proxy_auth::{Authenticator, Realm, RequestHead, Users, authenticator::Offer};
    ///
    /// /// In the extensions of each request on a TLS connection, where the server puts it.
    /// #[derive(Clone)]
    /// struct OverTls;
    ///
    /// let realm = Realm::new("proxy")?;
    /// let users = Users::new(&realm).with_user("alice", "wonder")?;
    /// let offer_of = |head: &RequestHead<'_>| match head.extensions().get::<OverTls>() {
    ///     Some(OverTls) => Offer::only("Basic"),
    ///     None => Offer::only("Digest"),
    /// };
    /// let auth = Authenticator::builder(realm)
    ///     .with_digest(users.clone())
    ///     .with_basic(users)
    ///     .with_offer_of(offer_of)
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// libsoup 3 cannot answer Digest challenges for tunnels:
    /// ```
    /// # use tower_proxy_auth::{RequestHead, authenticator::Offer};
    /// let offer_of = |head: &RequestHead<'_>| match head.is_tunnel() {
    ///     true => Offer::only("Basic"),
    ///     false => Offer::all(),
    /// };
    /// # let _ = offer_of;
    /// ```
    pub fn with_offer_of(
        mut self,
        offer_of: impl Fn(&RequestHead<'_>) -> Offer + Send + Sync + 'static,
    ) -> Self {
        self.offer_of = Some(Box::new(offer_of));
        self
    }

    /// Forwards requests for which `bypass` returns `true`, such as health checks or requests of
    /// [trusted peers](RequestHead::peer), with or without credentials. They have no identity.
    ///
    /// # Security
    /// The client controls everything in the head but the peer address. If you compare the path,
    /// compare the authority too, or `GET http://example.org/health` bypasses authentication.
    ///
    /// # Examples
    /// ```
    /// use tower_proxy_auth::{Authenticator, Realm, RequestHead, Users};
    ///
    /// let realm = Realm::new("proxy")?;
    /// let users = Users::new(&realm).with_user("alice", "wonder")?;
    /// let is_health_check = |head: &RequestHead<'_>| {
    ///     // Without an authority, the request is for the proxy itself.
    ///     head.target().authority().is_none() && head.target().path() == "/health"
    /// };
    /// let auth = Authenticator::builder(realm)
    ///     .with_basic(users)
    ///     .with_bypass(is_health_check)
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_bypass(
        mut self,
        bypass: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.bypass = Some(Box::new(bypass));
        self
    }

    /// Forwards requests without credentials, as [`Identity::anonymous`]. Malformed or wrong
    /// credentials are still refused.
    ///
    /// [`Identity::anonymous`]: crate::Identity::anonymous
    pub const fn with_anonymous(mut self, allow: bool) -> Self {
        self.allows_anonymous = allow;
        self
    }

    /// Forwards requests without credentials for which `allows` returns `true`, as
    /// [`with_anonymous`](Self::with_anonymous) does for all requests. A request needs only one of
    /// the two options.
    ///
    /// # Security
    /// As for [`with_bypass`](Self::with_bypass).
    ///
    /// # Examples
    /// ```
    /// use tower_proxy_auth::{Authenticator, Realm, RequestHead, Users};
    ///
    /// let realm = Realm::new("proxy")?;
    /// let users = Users::new(&realm).with_user("alice", "wonder")?;
    /// // Everyone can fetch updates. Users who log in are identified there too.
    /// let is_update = |head: &RequestHead<'_>| head.target().host() == Some("updates.example.org");
    /// let auth = Authenticator::builder(realm)
    ///     .with_basic(users)
    ///     .with_anonymous_for(is_update)
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_anonymous_for(
        mut self,
        allows: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.anonymous_for = Some(Box::new(allows));
        self
    }

    /// Sets whether user names and passwords that are not valid UTF-8 are read as Latin-1, which
    /// requests, pip, libsoup, Qt, Java and other clients send; `false` by default: they are
    /// refused with 407. It applies to Basic and Digest.
    ///
    /// Back ends get the name in UTF-8. A Digest client that hashes the name in Latin-1 as well is
    /// accepted only if the stored H(A1) was computed from the same bytes.
    pub const fn with_latin1(mut self, allow: bool) -> Self {
        self.latin1 = allow;
        self
    }

    /// Limits the length of `Proxy-Authorization`, 16,384 bytes by default. Longer fields are
    /// refused with 431.
    pub const fn with_max_field_length(mut self, length: usize) -> Self {
        self.max_field_length = length;
        self
    }

    /// Limits how many responses in a row send `stale=true` to a user at one address; 100 by
    /// default. After that the 407 omits it, to end loops. A success resets the count, as do
    /// 10 s without such a response.
    pub const fn with_max_consecutive_stale(mut self, responses: u32) -> Self {
        self.max_consecutive_stale = responses;
        self
    }

    /// Sets what refusals and events contain of the user name that a refused client sent;
    /// [`ClaimedUsers::Name`] by default.
    pub const fn with_claimed_users(mut self, users: ClaimedUsers) -> Self {
        self.claimed_users = users;
        self
    }

    /// Limits failed attempts and running checks; no limit by default. Requests above a limit are
    /// refused with 429 and `Retry-After`, without calling a back end.
    pub fn with_throttle(mut self, throttle: impl Throttle) -> Self {
        self.throttle = Some(Box::new(throttle));
        self
    }

    /// Limits the peers, tunnels and requests of each user; no limits by default. Requests above a
    /// limit are refused with 429 and `Retry-After`.
    pub const fn with_user_limits(mut self, limits: UserLimits) -> Self {
        self.user_limits = limits;
        self
    }

    /// Splits parameters off user names. Back ends get the rest of the name, and the inner service
    /// finds the parameters in [`Identity::user_parameters`]. Names that cannot be split are
    /// refused with 407.
    ///
    /// A client hashes the whole name into H(A1), so Digest works only with a source that
    /// [holds passwords](DigestSecrets::holds_passwords), and without userhash.
    ///
    /// [`Identity::user_parameters`]: crate::Identity::user_parameters
    pub fn with_user_parameters(mut self, syntax: UserParameterSyntax) -> Self {
        self.user_parameters = Some(syntax);
        self
    }

    /// Uses a registry of revocations that other parts of the program share.
    pub fn with_revocations(mut self, revocations: Revocations) -> Self {
        self.revocations = revocations;
        self
    }

    /// Sets whether users who are logged in are recorded for [`Authenticator::recheck`]; `false` by
    /// default. A user is logged in for as long as a clone of an [`Identity`] is in use, so keep one
    /// with each tunnel and stream.
    ///
    /// [`Identity`]: crate::Identity
    pub const fn with_rechecks(mut self, record: bool) -> Self {
        self.has_rechecks = record;
        self
    }

    /// Sets the clock; [`SystemClock`] by default.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the options, attaches the sources of users to the registry of revocations, and builds
    /// the authenticator.
    ///
    /// # Errors
    /// The first mistake in the options: no scheme, a duplicate one, one whose name is not a
    /// token, a limit of zero, a mistake that [`with_digest`](Self::with_digest) found, users of
    /// another realm, or user parameters with a scheme that cannot split names.
    pub fn build(mut self) -> Result<Authenticator, ConfigError> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        scheme_names::check(&self.schemes)?;
        ConfigError::refuse_zero([
            ("with_max_field_length", self.max_field_length == 0),
            ("with_max_consecutive_stale", self.max_consecutive_stale == 0),
        ])?;
        self.user_limits.check()?;
        let splits_user_names = self.user_parameters.is_some();
        let setup = SchemeSetup { realm: &self.realm, splits_user_names };
        self.schemes.iter().try_for_each(|scheme| scheme.check(&setup))?;
        let claimed_users = ClaimedUserMaker::new(self.claimed_users)?;
        self.schemes.iter().for_each(|scheme| scheme.attach(&self.revocations));
        if !self.keeps_scheme_order {
            self.schemes.sort_by_key(|scheme| scheme_names::preference(scheme.name()));
        }
        Ok(Authenticator(Arc::new(Engine {
            realm: self.realm,
            realm_of: self.realm_of,
            schemes: self.schemes,
            offer_of: self.offer_of,
            bypass: self.bypass,
            anonymous_for: self.anonymous_for,
            allows_anonymous: self.allows_anonymous,
            max_field_length: self.max_field_length,
            latin1: self.latin1,
            user_parameters: self.user_parameters,
            stale_limit: StaleLimit::new(self.max_consecutive_stale),
            claimed_users,
            user_usage: UserUsage::new(self.user_limits),
            throttle: self.throttle,
            revocations: self.revocations,
            has_rechecks: self.has_rechecks,
            maintenance: MaintenanceSwitch::default(),
            clock: self.clock,
        })))
    }
}

impl fmt::Debug for AuthenticatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticatorBuilder")
            .field("realm", &self.realm)
            .field("schemes", &self.schemes)
            .finish_non_exhaustive()
    }
}
