//! What the layer makes of a response: its own for a refusal, or the inner service's, cleaned.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header,
};
use http_body::Body;

use super::{
    body::ResponseBody,
    built_in_page::{Form, Rendered, built_in_page},
    layer::{Options, PageOf},
    page::{PageRequest, Wishes},
};
use crate::{
    authenticator::{Refusal, Rejection},
    head::RequestHead,
    identity::Identity,
    reason::Reason,
};

const PROXY_AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");

/// Removes what only this proxy says to its client.
pub(super) fn remove_upstream_fields(headers: &mut HeaderMap) {
    headers.remove(header::PROXY_AUTHENTICATE);
    headers.remove(PROXY_AUTHENTICATION_INFO);
}

/// What has to be known of a request when its response is made and the request is gone.
#[derive(Debug)]
pub(super) struct Asked {
    form: Form,
    /// Whether the body is left out: servers do so on HTTP/1 alone.
    is_head: bool,
    /// Whether HTTP/1 has to be told that the connection ends with a refusal.
    must_close: bool,
    /// For a page of the user's own. In a box, for this goes through many hands with each request.
    wishes: Option<Box<Wishes>>,
}

impl Asked {
    pub(super) fn of<B: Body>(request: &Request<B>, options: &Options) -> Self {
        let head = RequestHead::of_request(request);
        let has_own_pages = options.page.is_some();
        let wishes = has_own_pages.then(|| Wishes::of(request.method(), request.headers()).into());
        Self {
            form: Form::of(&head),
            is_head: request.method() == Method::HEAD,
            must_close: must_close(request),
            wishes,
        }
    }

    fn page(self, own: Option<&PageOf>, refusal: &Refusal) -> Rendered {
        let own = own
            .zip(self.wishes)
            .and_then(|(page, wishes)| page(&PageRequest::new(refusal.clone(), *wishes)));
        own.map_or_else(|| built_in_page(refusal.reason(), self.form), Rendered::from)
    }
}

/// HTTP/1 ends a connection on which a body is left unread, and HTTP/1.0 every one that it is not
/// asked to keep. Servers do so without a word, but curl retries a refused `CONNECT` on the same
/// connection unless it is told.
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

/// The response to a request that was not forwarded.
pub(super) fn refuse(rejection: Rejection, asked: Asked, options: &Options) -> Response<Bytes> {
    let (_, mut headers, refusal) = rejection.into_parts();
    if asked.must_close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    respond(refusal, headers, asked, options.page.as_ref())
}

fn respond(
    refusal: Refusal,
    mut headers: HeaderMap,
    asked: Asked,
    own_page: Option<&PageOf>,
) -> Response<Bytes> {
    let is_head = asked.is_head;
    let page = asked.page(own_page, &refusal);
    headers.insert(header::CONTENT_TYPE, page.content_type);
    headers.insert(header::CONTENT_LENGTH, page.content_length);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let mut response = Response::new(if is_head { Bytes::new() } else { page.body });
    *response.status_mut() = refusal.reason().status();
    *response.headers_mut() = headers;
    response.extensions_mut().insert(refusal);
    response
}

/// What has to be done to the response of a request that was forwarded.
pub(super) struct Forwarded {
    asked: Asked,
    info: Option<HeaderValue>,
    /// Set where the response is to carry the identity.
    identity: Option<Box<Identity>>,
    /// Taken along, with the page, so that the future need not hold all options.
    allow_chaining: bool,
    page: Option<PageOf>,
}

impl Forwarded {
    pub(super) fn new(
        asked: Asked,
        identity: Option<&Identity>,
        info: Option<HeaderValue>,
        options: &Options,
    ) -> Self {
        Self {
            asked,
            info,
            identity: identity.filter(|_| options.identity_in_response).cloned().map(Box::new),
            allow_chaining: options.allow_chaining,
            page: options.page.clone(),
        }
    }

    pub(super) fn finish<B>(self, mut response: Response<B>) -> Response<ResponseBody<B>> {
        let Self { asked, info, identity, allow_chaining, page } = self;
        let asks_for_credentials = response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let mut response = if !asks_for_credentials {
            remove_upstream_fields(response.headers_mut());
            response.map(ResponseBody::inner)
        } else if allow_chaining {
            // The challenge is meant for the client.
            response.headers_mut().remove(PROXY_AUTHENTICATION_INFO);
            response.map(ResponseBody::inner)
        } else {
            let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            let mut headers = HeaderMap::from_iter([no_store]);
            // The inner service alone knows what is left of the request's body.
            if has_connection_option(response.headers(), b"close") {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            let refusal = Refusal::new(Reason::UpstreamChallenge);
            respond(refusal, headers, asked, page.as_ref()).map(ResponseBody::own)
        };
        if let Some(info) = info {
            response.headers_mut().insert(PROXY_AUTHENTICATION_INFO, info);
        }
        if let Some(identity) = identity {
            response.extensions_mut().insert(*identity);
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
            unreachable!("nobody reads it")
        }

        fn is_end_stream(&self) -> bool {
            !self.0
        }
    }

    #[test]
    fn says_that_the_connection_ends_where_it_does() {
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
