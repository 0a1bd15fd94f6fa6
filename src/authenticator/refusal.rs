//! Why a request is refused, and what only the operator should see of it.

use std::{error::Error, fmt, sync::Arc};

use crate::{
    authenticator::stale_limit::StaleCredentials, error::BackendError, identity::Account,
    reason::Reason, user_parameters::UserParameterError, wire::Realm,
};

/// Why a request was refused, by which scheme, and whose it was.
///
/// A scheme makes it, and the layer leaves it in the extensions of each response that it makes
/// itself, for logs and metrics. Its `Display` names the reason; its source is for the operator's
/// log alone.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub(super) reason: Reason,
    pub(super) account: Option<Account>,
    pub(super) source: Option<Arc<dyn Error + Send + Sync>>,
    pub(super) scheme: Option<&'static str>,
    pub(super) realm: Option<Realm>,
    /// In a box, for they are rare, and proofs of all kinds have room for a refusal.
    pub(super) stale_credentials: Option<Box<StaleCredentials>>,
}

impl Refusal {
    /// A refusal for `reason`, which also fixes the status.
    #[must_use]
    pub const fn new(reason: Reason) -> Self {
        Self {
            reason,
            account: None,
            source: None,
            scheme: None,
            realm: None,
            stale_credentials: None,
        }
    }

    /// Adds whose account it is, once the password has been proved and never before.
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Adds what lies behind it, for the log.
    ///
    /// # Security
    /// Its text must hold nothing that the client sent.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Why the request was refused.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Whose request it was; `None` unless the password had been proved.
    #[must_use]
    pub const fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// The scheme that refused the request; `None` where it did not come to that.
    #[must_use]
    pub const fn scheme(&self) -> Option<&'static str> {
        self.scheme
    }

    /// The protection space of the request; `None` for a refusal that the engine has not seen.
    #[must_use]
    pub const fn realm(&self) -> Option<&Realm> {
        self.realm.as_ref()
    }
}

impl From<BackendError> for Refusal {
    fn from(error: BackendError) -> Self {
        Self::new(Reason::BackendFailed).with_source(error)
    }
}

impl From<UserParameterError> for Refusal {
    fn from(error: UserParameterError) -> Self {
        Self::new(Reason::UserParameters).with_source(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request refused: {}", self.reason)
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
