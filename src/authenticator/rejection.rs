//! The one place where a refusal becomes a status and header fields.

use std::{error::Error, fmt};

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::scheme::Refusal;
use crate::{identity::Account, policy::STALE_QUIET, reason::Reason};

/// A request that is not forwarded, with all that its answer must say.
///
/// Its `Display` names the reason; its source is for the operator's log alone.
#[derive(Debug)]
pub struct Rejection {
    reason: Reason,
    headers: HeaderMap,
    account: Option<Account>,
    source: Option<Box<dyn Error + Send + Sync>>,
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
        Self { reason, headers, account, source }
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The status: 400, 403, 407, 429, 431 or 503.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.reason.status()
    }

    /// Whose request it was; `None` unless the password had been proved.
    #[must_use]
    pub const fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// The fields that the response must have: `Cache-Control: no-store`, on 407 the challenges,
    /// on 429 and 503 `Retry-After`.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Status and fields, to which a body can be added.
    #[must_use]
    pub fn into_parts(self) -> (StatusCode, HeaderMap) {
        (self.status(), self.headers)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request refused: {}", self.reason)
    }
}

impl Error for Rejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
