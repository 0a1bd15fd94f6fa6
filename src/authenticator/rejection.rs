//! The one place where a refusal becomes a status and header fields.

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::refusal::Refusal;
use crate::{authenticator::stale_limit::QUIET as STALE_QUIET, error::BackendError};

/// A request that is not forwarded, with all that its answer must say.
#[derive(Debug)]
pub struct Rejection {
    refusal: Refusal,
    headers: HeaderMap,
}

/// Room for the fields of a 407, with those that the layer adds, so that the map need not grow. One
/// more would double the room, to more than common allocators hand out quickly.
const FIELDS: usize = 6;

/// How long a client should leave a failed back end alone, in seconds.
const BACKEND_PAUSE: u64 = 5;

impl Rejection {
    /// `challenges` adds one field line each; it is asked on 407 alone.
    pub(super) fn new(
        mut refusal: Refusal,
        challenges: impl FnOnce(&mut dyn FnMut(HeaderValue)),
    ) -> Self {
        let mut headers = HeaderMap::with_capacity(FIELDS);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if refusal.reason.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let mut asks_for_something = false;
            challenges(&mut |challenge| {
                headers.append(header::PROXY_AUTHENTICATE, challenge);
                asks_for_something = true;
            });
            // A 407 that asks for nothing cannot be answered. It is the back end's fault: after a
            // reload it may hold nothing that could be offered.
            if !asks_for_something {
                let error = BackendError::new("no scheme can be offered at present");
                refusal = Refusal { realm: refusal.realm, ..error.into() };
            }
        }
        let pause = match refusal.reason.status() {
            StatusCode::TOO_MANY_REQUESTS => Some(STALE_QUIET.as_secs()),
            StatusCode::SERVICE_UNAVAILABLE => Some(BACKEND_PAUSE),
            _ => None,
        };
        if let Some(seconds) = pause {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        Self { refusal, headers }
    }

    /// Why the request was refused, and whose it was.
    #[must_use]
    pub const fn refusal(&self) -> &Refusal {
        &self.refusal
    }

    /// The status: 400, 403, 407, 429, 431 or 503.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.refusal.reason.status()
    }

    /// The fields that the response must have: `Cache-Control: no-store`, on 407 the challenges,
    /// on 429 and 503 `Retry-After`.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Status, fields and refusal, to which a body can be added.
    #[must_use]
    pub fn into_parts(self) -> (StatusCode, HeaderMap, Refusal) {
        (self.status(), self.headers, self.refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;

    #[test]
    fn a_407_that_asks_for_nothing_is_a_failed_back_end() {
        let rejection = Rejection::new(Refusal::new(Reason::WrongPassword), |_| {});
        assert_eq!(rejection.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(rejection.refusal().reason(), Reason::BackendFailed);
        assert_eq!(rejection.headers()[header::RETRY_AFTER], "5");
    }

    #[test]
    fn only_a_407_has_challenges() {
        for (reason, expected) in [
            (Reason::MissingCredentials, 2),
            (Reason::Malformed, 0),
            (Reason::AccountDisabled, 0),
            (Reason::TooManyStale, 0),
            (Reason::FieldTooLong, 0),
            (Reason::BackendFailed, 0),
        ] {
            let rejection = Rejection::new(Refusal::new(reason), |add| {
                add(HeaderValue::from_static("One"));
                add(HeaderValue::from_static("Two"));
            });
            let challenges = rejection.headers().get_all(header::PROXY_AUTHENTICATE);
            assert_eq!(challenges.iter().count(), expected, "{reason}");
        }
    }
}
