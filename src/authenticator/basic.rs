//! The Basic scheme over a validator.

use std::{fmt, future::Future, sync::Arc};

use http::HeaderValue;

use super::{
    refusal::Refusal,
    scheme::{
        AuthResult, AuthScheme, Authenticated, ChallengeContext, RequestContext, SchemeSetup,
        SentCredentials,
    },
};
use crate::{
    backend::{BasicCredentials, CredentialValidator, Verdict},
    error::{BackendError, ConfigError},
    identity::Account,
    reason::Reason,
    revocation::Revocations,
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

    async fn verify(
        &self,
        realm: Realm,
        user_pass: UserPass,
        split_name: Option<SplitName>,
    ) -> AuthResult {
        let user_id = split_name.as_ref().map_or(user_pass.user_id(), SplitName::user);
        let credentials = BasicCredentials::new(&realm, user_id, user_pass.password());
        let account = accepted(self.validator.validate(credentials).await?)?;
        let parameters = split_name.map(|split| Arc::clone(split.parameters()));
        Ok(Authenticated::new(account).with_user_parameters(parameters))
    }
}

impl<V: CredentialValidator> AuthScheme for BasicScheme<V> {
    fn name(&self) -> &'static str {
        basic::NAME
    }

    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError> {
        Ok(basic::challenge(context.realm).into_iter().collect())
    }

    fn authenticate(
        self: Arc<Self>,
        context: &RequestContext<'_>,
        credentials: SentCredentials,
    ) -> Result<impl Future<Output = AuthResult> + Send + 'static, Refusal> {
        let user_pass = UserPass::decode(credentials.as_bytes(), context.latin1, &self.options)
            .map_err(Refusal::new)?;
        let split_name = context.split_user_name(user_pass.user_id())?;
        let realm = context.realm.clone();
        Ok(async move { self.verify(realm, user_pass, split_name).await })
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
        Verdict::WrongPassword | Verdict::WrongPasswordOf(_) => Refusal::new(Reason::WrongPassword),
        Verdict::PasswordTooLong => Refusal::new(Reason::PasswordTooLong),
        Verdict::UnknownUser => Refusal::new(Reason::UnknownUser),
        Verdict::Disabled(account) => Refusal::new(Reason::AccountDisabled).with_account(account),
        Verdict::Expired(account) => Refusal::new(Reason::AccountExpired).with_account(account),
        Verdict::Unusable(record) => record.into(),
    })
}

impl<V> fmt::Debug for BasicScheme<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicScheme").field("options", &self.options).finish_non_exhaustive()
    }
}
