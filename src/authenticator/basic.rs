//! Basic as the engine sees it.

use std::{fmt, num::NonZeroUsize, sync::Arc};

use http::HeaderValue;

use super::{
    refusal::Refusal,
    scheme::{Accepted, AuthScheme, ChallengeContext, ClaimContext, Proof, SentCredentials},
};
use crate::{
    backend::{BasicCredentials, CredentialValidator, Verdict},
    error::{BackendError, ConfigError},
    reason::Reason,
    user_parameters::SplitName,
    wire::{
        Realm,
        basic::{self, Reading, UserPass, UserPassError},
    },
};

/// The Basic scheme over a validator.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Authenticator, BasicScheme, Realm, Users};
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let basic = BasicScheme::new(users).with_latin1();
/// let auth = Authenticator::builder(realm).with_scheme(basic).build()?;
/// # let _ = auth;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BasicScheme<V> {
    validator: V,
    reading: Reading,
}

impl<V: CredentialValidator> BasicScheme<V> {
    /// Basic with the strict way of reading credentials.
    pub fn new(validator: V) -> Self {
        Self { validator, reading: Reading::default() }
    }

    /// Reads as Latin-1 what is not UTF-8, as Qt, libsoup, Java and others send it.
    #[must_use]
    pub const fn with_latin1(mut self) -> Self {
        self.reading.latin1 = true;
        self
    }

    /// Brings user-id and password into Unicode normalization form C before they are checked. What
    /// is stored must be in that form too.
    #[must_use]
    pub const fn with_nfc(mut self) -> Self {
        self.reading.nfc = true;
        self
    }

    /// Lets empty passwords through to the validator.
    ///
    /// # Security
    /// An LDAP server takes a bind with an empty password for an anonymous one, and says yes.
    #[must_use]
    pub const fn allow_empty_passwords(mut self) -> Self {
        self.reading.empty_password = true;
        self
    }

    /// Refuses longer passwords, in bytes of UTF-8, before the validator is asked; 4,096 by
    /// default.
    #[must_use]
    pub const fn with_max_password_length(mut self, length: NonZeroUsize) -> Self {
        self.reading.max_password_length = length.get();
        self
    }
}

/// Credentials as sent, not yet checked.
#[derive(Debug)]
pub struct BasicClaim {
    user_pass: UserPass,
    split: Option<SplitName>,
}

impl BasicClaim {
    /// What the validator is asked about.
    #[inline]
    fn credentials<'a>(&'a self, realm: &'a Realm) -> BasicCredentials<'a> {
        let (name, password) = (self.user_pass.user_id(), self.user_pass.password());
        let user_id = self.split.as_ref().map_or(name, |split| split.user(name));
        BasicCredentials::new(realm, user_id, password)
    }

    // Inlined, so that the proof is not copied.
    #[inline(always)]
    fn proof_of(&self, checked: Result<Verdict, BackendError>) -> Proof {
        let parameters = self.split.as_ref().map(|split| Arc::clone(split.parameters()));
        accepted(checked).map(|accepted| accepted.with_user_parameters(parameters))
    }
}

impl<V: CredentialValidator> AuthScheme for BasicScheme<V> {
    type Claim = BasicClaim;

    fn name(&self) -> &'static str {
        basic::NAME
    }

    fn challenges(&self, context: &ChallengeContext<'_>, add: &mut dyn FnMut(HeaderValue)) {
        if let Some(challenge) = basic::challenge(context.realm()) {
            add(challenge);
        }
    }

    fn claim(
        &self,
        context: &ClaimContext<'_>,
        credentials: SentCredentials,
    ) -> Result<BasicClaim, Refusal> {
        let user_pass = UserPass::decode(credentials.as_bytes(), &self.reading)
            .map_err(|error| Refusal::new(reason_of(error)).with_source(error))?;
        let split = context.split_user(user_pass.user_id())?;
        Ok(BasicClaim { user_pass, split })
    }

    fn prove_now(&self, context: &ClaimContext<'_>, claim: &BasicClaim) -> Option<Proof> {
        let checked = self.validator.validate_now(claim.credentials(context.realm()))?;
        Some(claim.proof_of(checked))
    }

    async fn prove(&self, realm: Realm, claim: BasicClaim) -> Proof {
        claim.proof_of(self.validator.validate(claim.credentials(&realm)).await)
    }

    fn check_user_parameters(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}

const fn reason_of(error: UserPassError) -> Reason {
    match error {
        UserPassError::SeveralCredentials => Reason::Malformed,
        UserPassError::Undecodable | UserPassError::NoColon => Reason::Undecodable,
        UserPassError::EmptyUserId => Reason::EmptyUserId,
        UserPassError::EmptyPassword => Reason::EmptyPassword,
        UserPassError::ControlCharacter => Reason::ControlCharacter,
        UserPassError::PasswordTooLong => Reason::PasswordTooLong,
    }
}

#[inline(always)]
fn accepted(checked: Result<Verdict, BackendError>) -> Proof {
    Err(match checked? {
        Verdict::Accepted(account) => return Ok(Accepted::new(account)),
        Verdict::WrongPassword => Refusal::new(Reason::WrongPassword),
        Verdict::UnknownUser => Refusal::new(Reason::UnknownUser),
        Verdict::Disabled(account) => Refusal::new(Reason::AccountDisabled).with_account(account),
        Verdict::Expired(account) => Refusal::new(Reason::AccountExpired).with_account(account),
    })
}

impl<V> fmt::Debug for BasicScheme<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicScheme").field("reading", &self.reading).finish_non_exhaustive()
    }
}
