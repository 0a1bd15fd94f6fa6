//! The facts about a request that its response depends on.

use http::{HeaderValue, Request, Version};
use http_body::Body;

use super::{connection, report::Report};

/// What is kept of a request until its response is made.
#[derive(Debug)]
pub(super) struct RequestFacts {
    pub(super) version: Version,
    /// Whether a refusal must announce that the connection closes.
    pub(super) must_close: bool,
    /// The `Proxy-Authorization` field, if it is relayed.
    pub(super) relayed_credentials: Option<HeaderValue>,
    /// For observers only, so boxed.
    pub(super) report: Option<Box<Report>>,
}

impl RequestFacts {
    pub(super) fn new<B: Body>(
        request: &Request<B>,
        relayed_credentials: Option<HeaderValue>,
    ) -> Self {
        Self {
            version: request.version(),
            must_close: must_close(request),
            relayed_credentials,
            report: None,
        }
    }
}

/// Whether the server closes the connection after a refusal: on HTTP/1 if the body is unread, on
/// HTTP/1.0 unless the client asked to keep it. hyper does not announce that, and without `close`,
/// curl retries a refused `CONNECT` on the same connection.
fn must_close<B: Body>(request: &Request<B>) -> bool {
    match request.version() {
        Version::HTTP_09 | Version::HTTP_10 => {
            !request.body().is_end_stream()
                || !connection::has_option(request.headers(), b"keep-alive")
        }
        Version::HTTP_11 => !request.body().is_end_stream(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
    };

    use bytes::Bytes;
    use http::header;
    use http_body::Frame;

    use super::*;

    /// A body that is empty, or has not been read yet.
    struct Unread(bool);

    impl Body for Unread {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            unreachable!("the body is not read")
        }

        fn is_end_stream(&self) -> bool {
            !self.0
        }
    }

    #[test]
    fn announces_that_the_connection_closes() {
        const NO: bool = false;
        const YES: bool = true;
        for (version, connection, unread, expected) in [
            (Version::HTTP_10, None, NO, YES),
            (Version::HTTP_10, Some("close"), NO, YES),
            (Version::HTTP_10, Some("x, Keep-Alive"), NO, NO),
            (Version::HTTP_10, Some("keep-alive"), YES, YES),
            (Version::HTTP_11, None, NO, NO),
            (Version::HTTP_11, None, YES, YES),
            (Version::HTTP_11, Some("keep-alive"), YES, YES),
            (Version::HTTP_2, None, NO, NO),
            (Version::HTTP_2, None, YES, NO),
        ] {
            let mut request = Request::new(Unread(unread));
            *request.version_mut() = version;
            if let Some(connection) = connection {
                let connection = HeaderValue::from_static(connection);
                request.headers_mut().insert(header::CONNECTION, connection);
            }
            assert_eq!(must_close(&request), expected, "{version:?} {connection:?} {unread}");
        }
    }
}
