//! Makes the responses of refusals, and finishes those of the inner service.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header,
};
use http_body::Body;

use super::{
    body::ResponseBody,
    built_in_page::{Form, built_in_page},
    layer::{Options, PageOf},
    page::{Page, PageRequest, Wishes},
};
use crate::{authenticator::Refusal, identity::Identity, reason::Reason};

const PROXY_AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");

/// Removes the authentication fields of upstream proxies.
pub(super) fn remove_upstream_fields(headers: &mut HeaderMap) {
    headers.remove(header::PROXY_AUTHENTICATE);
    headers.remove(PROXY_AUTHENTICATION_INFO);
}

/// The facts about a request that its response depends on.
#[derive(Debug)]
pub(super) struct RequestFacts {
    form: Form,
    /// Whether the body must be omitted. Servers omit it by themselves on HTTP/1 only.
    is_head: bool,
    /// Whether a refusal must announce that the connection closes.
    must_close: bool,
    /// For custom pages only, so boxed.
    wishes: Option<Box<Wishes>>,
    /// The `Proxy-Authorization` field, if it is relayed.
    pub(super) relayed_credentials: Option<HeaderValue>,
}

impl RequestFacts {
    pub(super) fn new<B: Body>(
        request: &Request<B>,
        relayed_credentials: Option<HeaderValue>,
        options: &Options,
    ) -> Self {
        let (method, headers) = (request.method(), request.headers());
        Self {
            form: Form::of(method, headers),
            is_head: method == Method::HEAD,
            must_close: must_close(request),
            wishes: options.page.as_ref().map(|_| Wishes::of(method, headers).into()),
            relayed_credentials,
        }
    }

    fn page(self, custom: Option<&PageOf>, refusal: &Refusal) -> Page {
        let page = custom
            .zip(self.wishes)
            .and_then(|(page, wishes)| page(&PageRequest::new(refusal.clone(), *wishes)));
        page.unwrap_or_else(|| built_in_page(refusal.reason(), self.form))
    }
}

/// Whether the server closes the connection after a refusal: on HTTP/1 if the body is unread, on
/// HTTP/1.0 unless the client asked to keep it. hyper does not announce that, and without `close`,
/// curl retries a refused `CONNECT` on the same connection.
fn must_close<B: Body>(request: &Request<B>) -> bool {
    match request.version() {
        Version::HTTP_09 | Version::HTTP_10 => {
            !request.body().is_end_stream()
                || !has_connection_option(request.headers(), b"keep-alive")
        }
        Version::HTTP_11 => !request.body().is_end_stream(),
        _ => false,
    }
}

fn has_connection_option(headers: &HeaderMap, wanted: &[u8]) -> bool {
    let lines = headers.get_all(header::CONNECTION).into_iter();
    let mut options = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(wanted))
}

/// The response to a request that is not forwarded.
pub(super) fn refuse(
    refusal: Refusal,
    headers: HeaderMap,
    facts: RequestFacts,
    options: &Options,
) -> Response<Bytes> {
    let must_close = facts.must_close;
    respond(refusal, headers, facts, must_close, options.page.as_ref())
}

fn respond(
    refusal: Refusal,
    mut headers: HeaderMap,
    facts: RequestFacts,
    must_close: bool,
    custom_page: Option<&PageOf>,
) -> Response<Bytes> {
    let is_head = facts.is_head;
    let page = facts.page(custom_page, &refusal);
    headers.insert(header::CONTENT_TYPE, page.content_type);
    headers.insert(header::CONTENT_LENGTH, page.body.len().into());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if must_close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let mut response = Response::new(if is_head { Bytes::new() } else { page.body });
    *response.status_mut() = refusal.status();
    *response.headers_mut() = headers;
    response.extensions_mut().insert(refusal);
    response
}

/// Finishes the response to a forwarded request.
pub(super) struct Forwarded {
    facts: RequestFacts,
    info: Option<HeaderValue>,
    /// The identity, if the response carries it.
    identity: Option<Identity>,
    allow_chaining: bool,
    custom_page: Option<PageOf>,
}

impl Forwarded {
    pub(super) fn new(
        facts: RequestFacts,
        identity: Option<&Identity>,
        info: Option<HeaderValue>,
        options: &Options,
    ) -> Self {
        Self {
            facts,
            info,
            identity: identity.filter(|_| options.identity_in_response).cloned(),
            allow_chaining: options.allow_chaining,
            custom_page: options.page.clone(),
        }
    }

    pub(super) fn finish<B>(self, mut response: Response<B>) -> Response<ResponseBody<B>> {
        let is_challenge = response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let mut response = if !is_challenge {
            remove_upstream_fields(response.headers_mut());
            response.map(ResponseBody::inner)
        } else if self.allow_chaining {
            // The challenge is meant for the client.
            response.headers_mut().remove(PROXY_AUTHENTICATION_INFO);
            response.map(ResponseBody::inner)
        } else {
            // Only the inner service knows whether the request's body was read to its end.
            let must_close = has_connection_option(response.headers(), b"close");
            let refusal = Refusal::new(Reason::UpstreamChallenge);
            let (headers, page) = (refusal.headers(), self.custom_page.as_ref());
            respond(refusal, headers, self.facts, must_close, page).map(ResponseBody::own)
        };
        if let Some(info) = self.info {
            response.headers_mut().insert(PROXY_AUTHENTICATION_INFO, info);
        }
        if let Some(identity) = self.identity {
            response.extensions_mut().insert(identity);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
    };

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
