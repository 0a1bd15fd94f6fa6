//! The trait that every authentication scheme implements, Basic and Digest included.

use std::{fmt, future::Future, sync::Arc};

use http::HeaderValue;

use super::refusal::Refusal;
use crate::{
    clock::Timestamp,
    error::{BackendError, ConfigError},
    grammar::token68,
    head::RequestHead,
    identity::Account,
    revocation::Revocations,
    user_parameters::{SplitName, UserParameterSyntax, UserParameters},
    wire::Realm,
};

/// An authentication scheme, which makes challenges and checks credentials.
///
/// The engine finds the scheme by name. A request that the scheme refuses is answered with the
/// challenges of all schemes. `examples/bearer_scheme.rs` adds a scheme.
pub trait AuthScheme: Send + Sync + 'static {
    /// The name of the scheme, a token. It compares without regard to case.
    fn name(&self) -> &'static str;

    /// Makes the challenges of the scheme, one field line each, the most preferred first.
    ///
    /// # Errors
    /// No challenge can be made now. The response becomes a 503 without challenges.
    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError>;

    /// Parses the credentials, and returns a future that verifies them.
    ///
    /// The head of the request is available only until the future is returned.
    ///
    /// # Errors
    /// The credentials are malformed, or do not fit the head of the request. Nothing has been
    /// looked up or recorded.
    fn authenticate(
        self: Arc<Self>,
        context: &RequestContext<'_>,
        credentials: SentCredentials,
    ) -> Result<impl Future<Output = AuthResult> + Send + 'static, Refusal>;

    /// Checks the scheme against the options of the authenticator, which calls it when it is built,
    /// and attaches the scheme's source of users to the registry of revocations.
    ///
    /// The default is for schemes that do not split user names.
    ///
    /// # Errors
    /// A configuration mistake. The authenticator is not built.
    fn configure(&self, setup: &SchemeSetup<'_>) -> Result<(), ConfigError> {
        if setup.splits_user_names() {
            let problem = "the scheme does not support it";
            return Err(ConfigError::UserParametersUnsupported { scheme: self.name(), problem });
        }
        Ok(())
    }
}

/// The result of verifying credentials.
pub type AuthResult = Result<Authenticated, Refusal>;

/// The user of an authenticated request, and the `Proxy-Authentication-Info` of its response.
///
/// The engine makes the [`Identity`](crate::Identity) from it, with the scheme's name and the realm
/// of the request.
#[derive(Debug)]
pub struct Authenticated {
    pub(super) account: Account,
    pub(super) user_parameters: Option<Arc<UserParameters>>,
    pub(super) info: Option<HeaderValue>,
}

impl Authenticated {
    /// The result for a request of the owner of `account`.
    #[must_use]
    pub const fn new(account: Account) -> Self {
        Self { account, user_parameters: None, info: None }
    }

    /// Adds the parameters that were part of the user name.
    #[must_use]
    pub fn with_user_parameters(mut self, parameters: Option<Arc<UserParameters>>) -> Self {
        self.user_parameters = parameters;
        self
    }

    /// Adds the value of `Proxy-Authentication-Info` for the response.
    #[must_use]
    pub fn with_info(mut self, info: Option<HeaderValue>) -> Self {
        self.info = info;
        self
    }
}

/// The options of an authenticator that concern its schemes.
#[derive(Debug)]
pub struct SchemeSetup<'a> {
    pub(super) realm: &'a Realm,
    pub(super) revocations: &'a Revocations,
    pub(super) splits_user_names: bool,
}

impl<'a> SchemeSetup<'a> {
    /// The default realm of requests.
    #[must_use]
    pub const fn realm(&self) -> &'a Realm {
        self.realm
    }

    /// The registry through which sources revoke users.
    #[must_use]
    pub const fn revocations(&self) -> &'a Revocations {
        self.revocations
    }

    /// Whether parameters are split off user names. A scheme that supports it passes each name
    /// through [`RequestContext::split_user_name`].
    #[must_use]
    pub const fn splits_user_names(&self) -> bool {
        self.splits_user_names
    }
}

/// The values from which challenges are made.
#[derive(Clone, Copy, Debug)]
pub struct ChallengeContext<'a> {
    pub(super) realm: &'a Realm,
    pub(super) now: Timestamp,
    pub(super) stale: bool,
}

impl<'a> ChallengeContext<'a> {
    /// The protection space of the request.
    #[must_use]
    pub const fn realm(&self) -> &'a Realm {
        self.realm
    }

    /// The present time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether only the nonce of the credentials was wrong.
    #[must_use]
    pub const fn stale(&self) -> bool {
        self.stale
    }
}

/// The request against which credentials are checked.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    pub(super) head: &'a RequestHead<'a>,
    pub(super) realm: &'a Realm,
    pub(super) now: Timestamp,
    pub(super) user_parameters: Option<&'a UserParameterSyntax>,
}

impl<'a> RequestContext<'a> {
    /// The head of the request, without `Proxy-Authorization`.
    #[must_use]
    pub const fn head(&self) -> &'a RequestHead<'a> {
        self.head
    }

    /// The protection space of the request.
    #[must_use]
    pub const fn realm(&self) -> &'a Realm {
        self.realm
    }

    /// The present time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Splits a user name as sent into the user and the parameters; `None` if names are not split.
    ///
    /// # Errors
    /// The parameters are malformed: 407.
    pub fn split_user_name(&self, name: &str) -> Result<Option<SplitName>, Refusal> {
        self.user_parameters.map(|syntax| syntax.split(name)).transpose().map_err(Refusal::from)
    }
}

/// The credentials of a request: the value of its `Proxy-Authorization` field.
pub struct SentCredentials {
    pub(super) field: HeaderValue,
    pub(super) position: usize,
}

impl SentCredentials {
    /// The text after the scheme, without the spaces around it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.field.as_bytes().get(self.position..).unwrap_or_default().trim_ascii_end()
    }

    /// The text after the scheme if it is a token68, as in `Bearer` credentials: letters, digits
    /// and `-._~+/`, then any number of `=`.
    #[must_use]
    pub fn token68(&self) -> Option<&str> {
        token68(self.as_bytes())
    }

    /// The whole field value.
    pub(super) fn into_field(self) -> HeaderValue {
        self.field
    }

    /// The offset of [`as_bytes`](Self::as_bytes) in the field value.
    pub(super) const fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Debug for SentCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SentCredentials(..)")
    }
}
