//! The Basic scheme over a validator.

use std::{fmt, sync::Arc};

use http::HeaderValue;

use super::{
    refusal::Refusal,
    scheme::{
        AuthResult, AuthScheme, Authenticated, ChallengeContext, RequestContext, SchemeSetup,
        SentCredentials,
    },
};
use crate::{
    backend::{AccountLookup, BasicCredentials, CredentialValidator, Verdict},
    claim::{Claim, Claimant},
    error::{BackendError, ConfigError},
    identity::Account,
    reason::Reason,
    revocation::Revocations,
    throttle::Ticket,
    user_id::UserId,
    user_parameters::SplitName,
    wire::{
        Realm,
        basic::{self, DecodeOptions, UserPass},
    },
};

/// The Basic scheme over a [`CredentialValidator`].
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Authenticator, BasicScheme, Realm, Users};
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let basic = BasicScheme::new(users).with_nfc(true);
/// let auth = Authenticator::builder(realm).with_scheme(basic).build()?;
/// # let _ = auth;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BasicScheme<V> {
    validator: V,
    options: DecodeOptions,
}

impl<V: CredentialValidator> BasicScheme<V> {
    /// Creates the scheme with the strictest options.
    pub fn new(validator: V) -> Self {
        Self { validator, options: DecodeOptions::default() }
    }

    /// Normalizes user-id and password to Unicode NFC before they are checked. The validator must
    /// have them in that form.
    #[must_use]
    pub const fn with_nfc(mut self, normalize: bool) -> Self {
        self.options.nfc = normalize;
        self
    }

    /// Passes empty passwords on to the validator.
    ///
    /// # Security
    /// LDAP servers treat a bind with an empty password as anonymous, and accept it.
    #[must_use]
    pub const fn allow_empty_passwords(mut self, allow: bool) -> Self {
        self.options.empty_password = allow;
        self
    }

    /// Limits the length of passwords, in bytes of UTF-8; 4,096 by default. Longer passwords are
    /// refused without calling the validator.
    #[must_use]
    pub const fn with_max_password_length(mut self, length: usize) -> Self {
        self.options.max_password_length = length;
        self
    }
}

/// The decoded credentials of a request.
#[expect(unnameable_types, reason = "opaque outside of the scheme")]
pub struct ParsedBasic {
    realm: Realm,
    user_pass: UserPass,
    split_name: Option<SplitName>,
}

impl ParsedBasic {
    /// The user-id without parameters.
    fn user_id(&self) -> &str {
        self.split_name.as_ref().map_or(self.user_pass.user_id(), SplitName::user)
    }
}

impl<V: CredentialValidator> AuthScheme for BasicScheme<V> {
    type Credentials = ParsedBasic;

    fn name(&self) -> &'static str {
        basic::NAME
    }

    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError> {
        Ok(basic::challenge(context.realm).into_iter().collect())
    }

    fn parse(
        &self,
        context: &RequestContext<'_>,
        credentials: SentCredentials,
    ) -> Result<ParsedBasic, Refusal> {
        let user_pass = UserPass::decode(credentials.as_bytes(), context.latin1, &self.options)
            .map_err(Refusal::new)?;
        let split_name = context.split_user_name(user_pass.user_id())?;
        Ok(ParsedBasic { realm: context.realm.clone(), user_pass, split_name })
    }

    fn claim<'a>(&self, credentials: &'a ParsedBasic) -> Claim<'a> {
        Claim::new(Claimant::Name(credentials.user_id()))
            .with_fixed_secret(credentials.user_pass.password())
    }

    async fn verify(&self, sent: &ParsedBasic, ticket: Option<&Ticket>) -> AuthResult {
        let credentials =
            BasicCredentials::new(&sent.realm, sent.user_id(), sent.user_pass.password())
                .with_ticket(ticket);
        let account = accepted(self.validator.validate(credentials).await?)?;
        let parameters = sent.split_name.as_ref().map(|split| Arc::clone(split.parameters()));
        Ok(Authenticated::new(account).with_user_parameters(parameters))
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        self.validator.account(realm, user).await
    }

    fn check(&self, setup: &SchemeSetup<'_>) -> Result<(), ConfigError> {
        let no_passwords = self.options.max_password_length == 0;
        ConfigError::refuse_zero([("with_max_password_length", no_passwords)])?;
        self.validator.serves(setup.realm)
    }

    fn attach(&self, revocations: &Revocations) {
        self.validator.attach(revocations);
    }
}

fn accepted(verdict: Verdict) -> Result<Account, Refusal> {
    Err(match verdict {
        Verdict::Accepted(account) => return Ok(account),
        Verdict::WrongPassword => Refusal::new(Reason::WrongPassword),
        Verdict::WrongPasswordOf(user) => Refusal::new(Reason::WrongPassword).with_suspect(user),
        Verdict::PasswordTooLong => Refusal::new(Reason::PasswordTooLong),
        Verdict::UnknownUser => Refusal::new(Reason::UnknownUser),
        Verdict::Disabled(account) => Refusal::new(Reason::AccountDisabled).with_account(account),
        Verdict::Expired(account) => Refusal::new(Reason::AccountExpired).with_account(account),
        Verdict::Unusable(record) => record.into(),
    })
}

impl fmt::Debug for ParsedBasic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ParsedBasic(..)")
    }
}

impl<V> fmt::Debug for BasicScheme<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicScheme").field("options", &self.options).finish_non_exhaustive()
    }
}
