//! Why a request is refused, and the status of its response.

use std::{error::Error, fmt, num::NonZeroU32, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::Maintenance;
use crate::{
    backend::UnusableRecord,
    claim::Claim,
    error::{BackendError, Causes},
    event::{ClaimedUser, ClaimedUserMaker, ReferenceId},
    identity::Account,
    reason::Reason,
    throttle::Overload,
    user_id::UserId,
    user_parameters::UserParameterError,
    wire::Realm,
};

/// The `Retry-After` of a 429 or 503 without a time of its own, in seconds.
const RETRY_AFTER: u32 = 5;

/// Room for all names of header fields in a 407, so that the map does not grow.
const FIELDS: usize = 12;

/// Why a request is refused, with details for the operator.
///
/// The layer adds it to the extensions of each response that it makes itself, for logs and metrics.
/// `Display` shows the reason; the source is for the operator's log only.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub(super) reason: Reason,
    pub(super) account: Option<Account>,
    pub(crate) source: Option<Arc<dyn Error + Send + Sync>>,
    pub(super) scheme: Option<&'static str>,
    pub(super) realm: Option<Realm>,
    algorithm: Option<&'static str>,
    claimed_user: Option<ClaimedUser>,
    /// In seconds.
    retry_after: Option<NonZeroU32>,
    /// Boxed, because most refusals have none.
    pub(super) maintenance: Option<Box<Maintenance>>,
    /// The user whose password was wrong, if the source knows the canonical name. Boxed as well.
    pub(super) suspect: Option<Box<UserId>>,
    /// The layer gives it to each refusal that becomes a response.
    pub(crate) reference_id: Option<ReferenceId>,
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
            algorithm: None,
            claimed_user: None,
            retry_after: None,
            maintenance: None,
            suspect: None,
            reference_id: None,
        }
    }

    /// Adds the account of a user who has proved to know the password. Without it, a 407 never
    /// contains `stale=true`.
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Adds the cause, for the operator's log.
    ///
    /// # Security
    /// Its text must not contain anything that the client sent.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Sets the `Retry-After` of a 429 or 503, which is rounded up to seconds, at least one; 5 s by
    /// default.
    #[must_use]
    pub fn with_retry_after(mut self, time: Duration) -> Self {
        let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.retry_after = Some(NonZeroU32::new(seconds).unwrap_or(NonZeroU32::MIN));
        self
    }

    /// Adds the canonical name of the user whose password was wrong, so that the throttle counts
    /// failures under all spellings of the name together.
    #[must_use]
    pub fn with_suspect(mut self, user: UserId) -> Self {
        self.suspect = Some(Box::new(user));
        self
    }

    /// Adds what the refused credentials claimed.
    pub(super) fn with_claim(mut self, claim: Claim<'_>, users: &ClaimedUserMaker) -> Self {
        self.algorithm = claim.algorithm();
        self.claimed_user = users.make(claim.claimant());
        self
    }

    /// Why the request was refused.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The user's account; `None` unless the user proved to know the password.
    #[must_use]
    pub const fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// The scheme that refused the request; `None` if no scheme was reached.
    #[must_use]
    pub const fn scheme(&self) -> Option<&'static str> {
        self.scheme
    }

    /// The algorithm of the credentials, such as `MD5`; `None` if the scheme has only one, or the
    /// credentials could not be parsed.
    #[must_use]
    pub const fn algorithm(&self) -> Option<&'static str> {
        self.algorithm
    }

    /// The user that the client claims to be, as [`ClaimedUsers`] allows; `None` if the credentials
    /// could not be parsed or have no name. Unless there is an [`account`](Self::account), nobody
    /// has proved to be this user.
    ///
    /// [`ClaimedUsers`]: crate::event::ClaimedUsers
    #[must_use]
    pub const fn claimed_user(&self) -> Option<&ClaimedUser> {
        self.claimed_user.as_ref()
    }

    /// When the client may try again, on 429 and 503.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_seconds().map(|seconds| Duration::from_secs(seconds.into()))
    }

    fn retry_after_seconds(&self) -> Option<u32> {
        matches!(self.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
            .then(|| self.retry_after.map_or(RETRY_AFTER, NonZeroU32::get))
    }

    /// The maintenance for which every request is refused, if that is the reason.
    #[must_use]
    pub fn maintenance(&self) -> Option<Maintenance> {
        self.maintenance.as_deref().copied()
    }

    /// Displays the causes of the refusal, such as those of a back end's failure, in the form
    /// `timeout: caused by: no route`. `None` if there is none.
    ///
    /// # Security
    /// They are for the operator's log only, and must not be sent to a client. A log should limit
    /// their rate: clients can repeat the request.
    pub fn causes(&self) -> Option<impl fmt::Display + '_> {
        self.source.as_deref().map(|source| Causes(source))
    }

    /// The reference of the request, by which it is found in logs; `None` until the layer has made
    /// the response.
    #[must_use]
    pub const fn reference_id(&self) -> Option<ReferenceId> {
        self.reference_id
    }

    /// The protection space of the request; `None` unless the engine has set it.
    #[must_use]
    pub const fn realm(&self) -> Option<&Realm> {
        self.realm.as_ref()
    }

    /// The status of the response: 400, 403, 407, 429, 431, 502 or 503.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.reason.status()
    }

    /// The header fields of the response, without challenges: `Cache-Control: no-store`, and
    /// `Retry-After` on 429 and 503.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(FIELDS);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        headers
    }
}

impl From<BackendError> for Refusal {
    fn from(error: BackendError) -> Self {
        Self::new(Reason::BackendFailed).with_source(error)
    }
}

impl From<Overload> for Refusal {
    fn from(overload: Overload) -> Self {
        let (reason, retry_after) = match overload {
            Overload::Failures(time) => (Reason::TooManyFailures, time),
            Overload::Checks(time) => (Reason::TooManyChecks, time),
        };
        Self::new(reason).with_retry_after(retry_after)
    }
}

impl From<UnusableRecord> for Refusal {
    fn from(record: UnusableRecord) -> Self {
        Self::new(Reason::UnusableRecord).with_source(record)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_whole_chain_of_causes() {
        let refusal = Refusal::from(BackendError::new(BackendError::new("no connection")));
        let failed = "the authentication back end failed: caused by: ";
        let causes = refusal.causes().map(|causes| causes.to_string());
        assert_eq!(causes, Some(format!("{failed}{failed}no connection")));
        assert!(Refusal::new(Reason::WrongPassword).causes().is_none());
    }
}
