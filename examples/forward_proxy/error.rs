//! The answers that the proxy gives itself when it cannot pass an answer on.
//!
//! One line of plain text that says what went wrong. Every text is a constant: nothing that the
//! client or the origin sent is in it.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use http_body_util::Full;

use crate::connector::{CONNECT_TIMEOUT, DialError};

/// How long an origin may take for the head of its answer, once the request is with it.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a request got no answer from its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The request makes no sense to a proxy.
    BadRequest(&'static str),
    /// The proxy does not do this itself.
    MethodNotAllowed,
    /// The request body is coded in a way that would be lost on the way.
    TransferCoding,
    /// There is no connection to the origin.
    Dial(DialError),
    /// The connection ended before the head of the answer was there.
    NoAnswer,
    /// What came back is not HTTP, or not as HTTP wants it.
    NotHttp,
    /// The head of the answer did not come in time.
    HeadTimeout,
}

impl Failure {
    /// What an error of the pooled client means.
    pub(crate) fn of_client(error: &hyper_util::client::legacy::Error) -> Self {
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(dial) = error.downcast_ref::<DialError>() {
                return Self::Dial(*dial);
            }
            if let Some(http) = error.downcast_ref::<hyper::Error>()
                && http.is_parse()
            {
                return Self::NotHttp;
            }
            next = error.source();
        }
        Self::NoAnswer
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Dial(DialError::TimedOut) | Self::HeadTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Dial(_) | Self::NoAnswer | Self::NotHttp => StatusCode::BAD_GATEWAY,
        }
    }

    fn reason(self) -> String {
        match self {
            Self::BadRequest(what) => what.to_owned(),
            Self::MethodNotAllowed => "the proxy does not answer this method itself".to_owned(),
            Self::TransferCoding => "chunked is the only transfer coding served".to_owned(),
            Self::Dial(DialError::TimedOut) => {
                format!("no connection to the origin within {} s", CONNECT_TIMEOUT.as_secs())
            }
            Self::Dial(error) => error.to_string(),
            Self::NoAnswer => "the origin closed the connection without an answer".to_owned(),
            Self::NotHttp => "the origin's answer is not valid HTTP/1".to_owned(),
            Self::HeadTimeout => {
                format!("the origin did not answer within {} s", HEAD_TIMEOUT.as_secs())
            }
        }
    }

    /// The answer to a request of `method`.
    pub(crate) fn into_response(self, method: &Method) -> Response<Full<Bytes>> {
        let status = self.status();
        let title = status.canonical_reason().unwrap_or_default();
        let text = format!("{} {title}: {}\n", status.as_u16(), self.reason());
        let length = HeaderValue::from(text.len());
        let body = match *method {
            // HTTP/2 would send the text although a HEAD has none.
            Method::HEAD => Full::default(),
            _ => Full::from(text),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, length);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_tell_a_failure_from_a_timeout() {
        for (failure, status) in [
            (Failure::BadRequest("no"), 400),
            (Failure::MethodNotAllowed, 405),
            (Failure::TransferCoding, 501),
            (Failure::Dial(DialError::Refused), 502),
            (Failure::Dial(DialError::UnknownHost), 502),
            (Failure::Dial(DialError::Unreachable), 502),
            (Failure::NoAnswer, 502),
            (Failure::NotHttp, 502),
            (Failure::Dial(DialError::TimedOut), 504),
            (Failure::HeadTimeout, 504),
        ] {
            let response = failure.into_response(&Method::GET);
            assert_eq!(response.status(), status, "{failure:?}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
    }

    #[test]
    fn the_two_timeouts_have_different_texts() {
        let reasons =
            [Failure::Dial(DialError::TimedOut), Failure::HeadTimeout].map(Failure::reason);
        assert_eq!(
            reasons,
            ["no connection to the origin within 10 s", "the origin did not answer within 60 s"]
        );
    }
}
