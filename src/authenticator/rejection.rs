//! The one place where a refusal becomes a status and header fields.

use std::{error::Error, fmt, sync::Arc};

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::scheme::Refusal;
use crate::{identity::Account, policy::STALE_QUIET, reason::Reason};

/// Why a request was refused and whose it was. The layer leaves it in the extensions of each
/// response that it makes itself, for logs and metrics.
///
/// Its `Display` names the reason; its source is for the operator's log alone.
#[derive(Clone, Debug)]
pub struct Refused {
    reason: Reason,
    account: Option<Account>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Refused {
    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Whose request it was; `None` unless the password had been proved.
    #[must_use]
    pub const fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request refused: {}", self.reason)
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// A request that is not forwarded, with all that its answer must say.
#[derive(Debug)]
pub struct Rejection {
    refused: Refused,
    headers: HeaderMap,
}

/// Room for the fields that the layer adds, so that the map need not grow.
const FIELDS: usize = 10;

/// How long a client should leave a failed back end alone, in seconds.
const BACKEND_PAUSE: u64 = 5;

impl Rejection {
    /// `challenges` adds one field line each; it is asked on 407 alone.
    pub(super) fn new(
        refusal: Refusal,
        challenges: impl FnOnce(&mut dyn FnMut(HeaderValue)),
    ) -> Self {
        let Refusal { reason, account, source } = refusal;
        let mut headers = HeaderMap::with_capacity(FIELDS);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match reason.status() {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => challenges(&mut |challenge| {
                headers.append(header::PROXY_AUTHENTICATE, challenge);
            }),
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, STALE_QUIET.as_secs().into());
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, BACKEND_PAUSE.into());
            }
            _ => {}
        }
        let source = source.map(Arc::from);
        Self { refused: Refused { reason, account, source }, headers }
    }

    /// Why, and whose request it was.
    #[must_use]
    pub const fn refused(&self) -> &Refused {
        &self.refused
    }

    /// The status: 400, 403, 407, 429, 431 or 503.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.refused.reason.status()
    }

    /// The fields that the response must have: `Cache-Control: no-store`, on 407 the challenges,
    /// on 429 and 503 `Retry-After`.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Status, fields and reason, to which a body can be added.
    #[must_use]
    pub fn into_parts(self) -> (StatusCode, HeaderMap, Refused) {
        (self.status(), self.headers, self.refused)
    }
}
