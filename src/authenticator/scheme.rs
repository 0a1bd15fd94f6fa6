//! The trait that every authentication scheme implements, Basic and Digest included.

use std::{fmt, future::Future, sync::Arc};

use http::HeaderValue;

use super::refusal::Refusal;
use crate::{
    backend::AccountLookup,
    claim::Claim,
    clock::Timestamp,
    error::{BackendError, ConfigError},
    grammar::token68,
    head::RequestHead,
    identity::Account,
    revocation::Revocations,
    throttle::Ticket,
    user_id::UserId,
    user_parameters::{SplitName, UserParameterSyntax, UserParameters},
    wire::Realm,
};

/// An authentication scheme, which makes challenges and checks credentials.
///
/// The engine finds the scheme by name. A request that the scheme refuses is answered with the
/// challenges of all schemes. `examples/bearer_scheme.rs` adds a scheme.
pub trait AuthScheme: Send + Sync + 'static {
    /// Credentials that have been parsed, with everything from the head of the request that is
    /// needed to verify them.
    type Credentials: Send + Sync + 'static;

    /// The name of the scheme, a token. It compares without regard to case.
    fn name(&self) -> &'static str;

    /// Makes the challenges of the scheme, one field line each, the most preferred first.
    ///
    /// # Errors
    /// No challenge can be made now. The response becomes a 503 without challenges.
    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError>;

    /// Parses the credentials.
    ///
    /// # Errors
    /// The credentials are malformed, or do not fit the head of the request. Nothing has been
    /// looked up or recorded.
    fn parse(
        &self,
        context: &RequestContext<'_>,
        credentials: SentCredentials,
    ) -> Result<Self::Credentials, Refusal>;

    /// Returns who the client claims to be, for limits and logs.
    fn claim<'a>(&self, credentials: &'a Self::Credentials) -> Claim<'a>;

    /// Verifies the credentials.
    ///
    /// A back end whose work may outlive the future keeps a clone of the `ticket` until it ends.
    /// There is one if the authenticator has a
    /// [throttle](super::AuthenticatorBuilder::with_throttle).
    fn verify(
        &self,
        credentials: &Self::Credentials,
        ticket: Option<&Ticket>,
    ) -> impl Future<Output = AuthResult> + Send;

    /// Looks up a user without credentials, as
    /// [`CredentialValidator::account`](crate::CredentialValidator::account) does.
    ///
    /// # Errors
    /// The source of users could not answer, which says nothing about the user.
    fn account(
        &self,
        realm: &Realm,
        user: &UserId,
    ) -> impl Future<Output = Result<AccountLookup, BackendError>> + Send {
        let _ = (realm, user);
        async { Ok(AccountLookup::Unsupported) }
    }

    /// Checks the scheme against the options of the authenticator that is built.
    ///
    /// The default is for schemes that do not split user names.
    ///
    /// # Errors
    /// A configuration mistake. The authenticator is not built.
    fn check(&self, setup: &SchemeSetup<'_>) -> Result<(), ConfigError> {
        if setup.splits_user_names {
            let problem = "the scheme does not support it";
            return Err(ConfigError::UserParametersUnsupported { scheme: self.name(), problem });
        }
        Ok(())
    }

    /// Attaches the scheme's source of users to the registry of revocations, after all schemes were
    /// [checked](Self::check). The default is for schemes whose users are never revoked by a
    /// source.
    fn attach(&self, revocations: &Revocations) {
        let _ = revocations;
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
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SchemeSetup<'a> {
    /// The default realm of requests.
    pub realm: &'a Realm,
    /// Whether parameters are split off user names. A scheme that supports it passes each name
    /// through [`RequestContext::split_user_name`].
    pub splits_user_names: bool,
}

/// The values from which challenges are made.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ChallengeContext<'a> {
    /// The protection space of the request.
    pub realm: &'a Realm,
    /// The present time.
    pub now: Timestamp,
    /// Whether only the nonce of the credentials was wrong.
    pub stale: bool,
}

/// The request against which credentials are checked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestContext<'a> {
    /// The head of the request, without `Proxy-Authorization`.
    pub head: &'a RequestHead<'a>,
    /// The protection space of the request.
    pub realm: &'a Realm,
    /// The present time.
    pub now: Timestamp,
    /// Whether user names and passwords that are not UTF-8 are read as Latin-1.
    pub latin1: bool,
    pub(super) user_parameters: Option<&'a UserParameterSyntax>,
}

impl RequestContext<'_> {
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
    /// Where the text after the scheme starts in the field.
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
}

impl fmt::Debug for SentCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SentCredentials(..)")
    }
}
