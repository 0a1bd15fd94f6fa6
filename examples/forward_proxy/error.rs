//! The proxy's own responses to requests that it cannot forward.
//!
//! One line of plain text states the problem. Every text is a constant and repeats nothing that the
//! client or the origin sent. The access layer makes the responses to requests that the rules deny.

use std::{error::Error, io, iter, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use http_body_util::Full;
use thiserror::Error;
use tower::timeout::error::Elapsed;
use tower_proxy_auth::Refusal;

use crate::{
    connector::{CONNECT_TIMEOUT, UnknownHost},
    headers::MAX_FIELDS,
};

/// How long an origin may take for the head of its response.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// An error and its sources.
pub(crate) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| error.source())
}

/// Why a request was not forwarded.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Proxy(#[from] ForwardError),
    /// The rules deny every address of the origin.
    #[error(transparent)]
    Denied(Box<Refusal>),
}

impl Failure {
    /// Makes the response to a request with `method`.
    pub(crate) fn into_response(self, method: &Method) -> Response<Full<Bytes>> {
        match self {
            Self::Proxy(error) => error.into_response(method),
            Self::Denied(refusal) => {
                // The layer for the rules puts its own response in the place of this one.
                let mut response = Response::new(Full::default());
                *response.status_mut() = refusal.status();
                response.extensions_mut().insert(*refusal);
                response
            }
        }
    }
}

/// What is wrong with a request or an origin. It is in the extensions of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum ForwardError {
    #[error("{0}")]
    BadRequest(&'static str),
    #[error("the proxy does not answer this method itself")]
    MethodNotAllowed,
    #[error("chunked is the only transfer coding served")]
    TransferCoding,
    #[error("this user has too many connections and tunnels")]
    TooManySessions,
    #[error("the access of this user has ended")]
    AccessEnded,
    #[error("the name of the origin could not be resolved")]
    UnknownHost,
    #[error("the origin refused the connection")]
    Refused,
    #[error("the origin cannot be reached")]
    Unreachable,
    #[error("no connection to the origin within {} s", CONNECT_TIMEOUT.as_secs())]
    ConnectTimeout,
    #[error("the origin closed the connection without an answer")]
    NoResponse,
    #[error("the origin's answer is not valid HTTP/1")]
    InvalidResponse,
    #[error("the origin's answer has a head that is too large or more than {MAX_FIELDS} fields")]
    LargeHead,
    #[error("the origin did not answer within {} s", HEAD_TIMEOUT.as_secs())]
    HeadTimeout,
}

impl ForwardError {
    /// Classifies an error of the connector or the pooled client.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        for error in chain(error) {
            if error.is::<Elapsed>() {
                return Self::ConnectTimeout;
            }
            if error.is::<UnknownHost>() {
                return Self::UnknownHost;
            }
            if let Some(http) = error.downcast_ref::<hyper::Error>() {
                return match http {
                    http if http.is_parse_too_large() => Self::LargeHead,
                    http if http.is_parse() => Self::InvalidResponse,
                    _ => Self::NoResponse,
                };
            }
            if let Some(error) = error.downcast_ref::<io::Error>() {
                return match error.kind() {
                    io::ErrorKind::ConnectionRefused => Self::Refused,
                    io::ErrorKind::TimedOut => Self::ConnectTimeout,
                    _ => Self::Unreachable,
                };
            }
        }
        Self::NoResponse
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::TooManySessions | Self::AccessEnded => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnknownHost
            | Self::Refused
            | Self::Unreachable
            | Self::NoResponse
            | Self::InvalidResponse
            | Self::LargeHead => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout | Self::HeadTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Makes the response to a request with `method`.
    fn into_response(self, method: &Method) -> Response<Full<Bytes>> {
        let status = self.status();
        let title = status.canonical_reason().unwrap_or_default();
        let text = format!("{} {title}: {self}\n", status.as_u16());
        let length = HeaderValue::from(text.len());
        let body = match *method {
            // HTTP/2 would send the text although a response to HEAD has none.
            Method::HEAD => Full::default(),
            _ => Full::from(text),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, length);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self == Self::MethodNotAllowed {
            headers.insert(ALLOW, HeaderValue::from_static("OPTIONS"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_status_and_text() {
        for (error, status, text) in [
            (ForwardError::BadRequest("no"), 400, "400 Bad Request: no\n"),
            (ForwardError::MethodNotAllowed, 405, "405 Method Not Allowed: the proxy"),
            (ForwardError::TransferCoding, 501, "501 Not Implemented: chunked"),
            (ForwardError::TooManySessions, 503, "503 Service Unavailable: this user"),
            (ForwardError::AccessEnded, 503, "503 Service Unavailable: the access"),
            (ForwardError::UnknownHost, 502, "502 Bad Gateway: the name"),
            (ForwardError::Refused, 502, "502 Bad Gateway: the origin refused"),
            (ForwardError::Unreachable, 502, "502 Bad Gateway: the origin cannot"),
            (ForwardError::NoResponse, 502, "502 Bad Gateway: the origin closed"),
            (ForwardError::InvalidResponse, 502, "502 Bad Gateway: the origin's"),
            (ForwardError::LargeHead, 502, "502 Bad Gateway: the origin's answer has a head"),
            (ForwardError::ConnectTimeout, 504, "504 Gateway Timeout: no connection"),
            (ForwardError::HeadTimeout, 504, "504 Gateway Timeout: the origin did not"),
        ] {
            let response = error.into_response(&Method::GET);
            assert_eq!(response.status(), status, "{error:?}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
            let body = format!("{:?}", response.into_body());
            assert!(body.contains(text.trim_end()), "{error:?}: {body}");
        }
    }
}
