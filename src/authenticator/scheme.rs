//! The port that every scheme goes through, ours included.

use std::{fmt, future::Future, sync::Arc};

use http::HeaderValue;

use super::refusal::Refusal;
use crate::{
    clock::{Moment, Timestamp},
    error::ConfigError,
    head::RequestHead,
    identity::Account,
    user_parameters::{SplitName, UserParameterSyntax, UserParameters},
    wire::Realm,
};

/// An authentication scheme: what it asks for, and how it checks what it gets.
///
/// The engine finds the scheme by name, calls [`claim`](Self::claim), then asks
/// [`prove_now`](Self::prove_now) and, only where that cannot answer, [`prove`](Self::prove).
/// Whatever is refused is answered with the challenges of all schemes.
///
/// `examples/bearer_scheme.rs` adds a scheme of its own.
pub trait AuthScheme: Send + Sync + 'static {
    /// What was read from a field: who says what, and not yet whether it is true.
    type Claim: Send + 'static;

    /// The name of the scheme, a token. It compares without regard to case.
    fn name(&self) -> &'static str;

    /// Adds the challenges, one field line each, the most preferred first.
    fn challenges(&self, context: &ChallengeContext<'_>, add: &mut dyn FnMut(HeaderValue));

    /// Reads the credentials and checks all that the request alone shows. Touches nothing else.
    ///
    /// # Errors
    /// What is wrong with them.
    fn claim(
        &self,
        context: &ClaimContext<'_>,
        credentials: SentCredentials,
    ) -> Result<Self::Claim, Refusal>;

    /// Checks the claim at once, in the context that it was made in, where nothing has to be waited
    /// for. `None` means that nothing was done and nothing recorded, and [`prove`](Self::prove) is
    /// to be called.
    fn prove_now(&self, context: &ClaimContext<'_>, claim: &Self::Claim) -> Option<Proof> {
        let _ = (context, claim);
        None
    }

    /// Checks the claim, which was made for `realm`. The head of the request is gone by then: what
    /// is needed of it belongs into the claim.
    fn prove(&self, realm: Realm, claim: Self::Claim) -> impl Future<Output = Proof> + Send;

    /// Whether the scheme can be offered where parameters are taken out of user names. Then its
    /// claims are about the user that [`ClaimContext::split_user`] leaves, and what it accepts has
    /// the parameters. A scheme that says nothing about it cannot.
    ///
    /// # Errors
    /// [`ConfigError::UserParametersUnsupported`], which ends the building of the engine.
    fn check_user_parameters(&self) -> Result<(), ConfigError> {
        let problem = "the scheme does not say that it splits names";
        Err(ConfigError::UserParametersUnsupported { scheme: self.name(), problem })
    }
}

/// What challenges are made from.
#[derive(Clone, Copy, Debug)]
pub struct ChallengeContext<'a> {
    pub(super) realm: &'a Realm,
    pub(super) moment: &'a Moment<'a>,
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
    pub fn now(&self) -> Timestamp {
        self.moment.now()
    }

    /// Whether the client proved itself over a nonce that cannot be used.
    #[must_use]
    pub const fn stale(&self) -> bool {
        self.stale
    }
}

/// What credentials are read and checked against.
#[derive(Clone, Copy, Debug)]
pub struct ClaimContext<'a> {
    pub(super) head: &'a RequestHead<'a>,
    pub(super) realm: &'a Realm,
    pub(super) moment: &'a Moment<'a>,
    pub(super) user_parameters: Option<&'a UserParameterSyntax>,
}

impl<'a> ClaimContext<'a> {
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
    pub fn now(&self) -> Timestamp {
        self.moment.now()
    }
}

impl ClaimContext<'_> {
    /// Whether names may hold parameters.
    #[must_use]
    pub const fn splits_users(&self) -> bool {
        self.user_parameters.is_some()
    }

    /// The user in a name as sent, and the parameters beside it; `None` where names are not split.
    ///
    /// # Errors
    /// The parameters are not what they should be: the claim is to be refused for it.
    pub fn split_user(&self, name: &str) -> Result<Option<SplitName>, Refusal> {
        self.user_parameters.map(|syntax| syntax.split(name)).transpose().map_err(Refusal::from)
    }
}

/// The credentials of a request: a field value, and where the part after the scheme starts.
pub struct SentCredentials {
    pub(super) field: HeaderValue,
    pub(super) position: usize,
}

impl SentCredentials {
    /// What follows the scheme, without the spaces around it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.field.as_bytes().get(self.position..).unwrap_or_default().trim_ascii_end()
    }

    /// The whole field value, for a scheme that keeps offsets into it.
    #[must_use]
    pub fn into_field(self) -> HeaderValue {
        self.field
    }

    /// Where in the field value [`as_bytes`](Self::as_bytes) starts, in bytes.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Debug for SentCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SentCredentials(..)")
    }
}

/// What the check of a claim came to.
pub type Proof = Result<Accepted, Refusal>;

/// A claim that is true.
#[derive(Debug)]
pub struct Accepted {
    pub(super) account: Account,
    pub(super) info: Option<HeaderValue>,
    pub(super) user_parameters: Option<Arc<UserParameters>>,
}

impl Accepted {
    /// The request comes from the owner of `account`.
    #[must_use]
    pub const fn new(account: Account) -> Self {
        Self { account, info: None, user_parameters: None }
    }

    /// Adds the value of `Proxy-Authentication-Info` for the response.
    #[must_use]
    pub fn with_info(mut self, info: Option<HeaderValue>) -> Self {
        self.info = info;
        self
    }

    /// Adds what stood in the user name beside the user.
    #[must_use]
    pub fn with_user_parameters(mut self, parameters: Option<Arc<UserParameters>>) -> Self {
        self.user_parameters = parameters;
        self
    }
}
