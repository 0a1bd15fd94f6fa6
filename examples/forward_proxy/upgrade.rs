//! Relays an HTTP upgrade, such as that to WebSocket.
//!
//! When the origin switches protocols (101), the proxy sends the client a 101 too and then copies
//! bytes.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response, Version,
    header::{CONNECTION, UPGRADE},
};
use http_body::Body;
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio_util::task::TaskTracker;
use tower_proxy_auth::Identity;

use crate::{
    activity::Busy,
    client::Client,
    error::ForwardError,
    headers::{lists, tokens},
    tunnel::{self, Session},
};

/// An upgrade that a client has requested.
#[derive(Debug)]
pub(crate) struct UpgradeRequest {
    protocols: HeaderValue,
    upgrade: OnUpgrade,
    client: Option<Client>,
    identity: Option<Identity>,
}

impl UpgradeRequest {
    /// Takes the upgrade out of `request`, if it requests one that is relayed.
    ///
    /// An upgrade to HTTP/2 is not relayed, since the proxy would not see the following requests.
    /// Nor is one with a body: a client that does not send all of it would keep a switched
    /// connection waiting indefinitely. Such a request is forwarded without the upgrade, which is
    /// optional for the server ([RFC 9110,
    /// 7.8](https://www.rfc-editor.org/rfc/rfc9110#section-7.8)).
    pub(crate) fn take_from<B: Body>(request: &mut Request<B>) -> Option<Self> {
        let headers = request.headers();
        if request.version() != Version::HTTP_11
            || !lists(headers, CONNECTION, "upgrade")
            || !request.body().is_end_stream()
        {
            return None;
        }
        let protocols = relayed(headers)?;
        let extensions = request.extensions_mut();
        let upgrade = extensions.remove()?;
        let (client, identity) = (extensions.remove(), extensions.remove());
        Some(Self { protocols, upgrade, client, identity })
    }

    /// Requests the same upgrade from the origin, after hop-by-hop fields have been removed.
    pub(crate) fn write_to(&self, headers: &mut HeaderMap) {
        headers.append(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, self.protocols.clone());
    }

    /// Starts copying after the origin's 101, and returns the protocol for the client's 101.
    ///
    /// # Errors
    /// The origin does not name the protocol.
    pub(crate) fn switch(
        self,
        response: &mut Response<Incoming>,
        busy: Option<Busy>,
        tasks: &TaskTracker,
    ) -> Result<HeaderValue, ForwardError> {
        let protocol =
            response.headers().get(UPGRADE).cloned().ok_or(ForwardError::InvalidResponse)?;
        let origin = hyper::upgrade::on(response);
        let session = Session { busy, client: self.client, identity: self.identity, place: None };
        tasks.spawn(async move {
            match tokio::try_join!(self.upgrade, origin) {
                Ok((client, origin)) => {
                    tunnel::relay(client, Bytes::new(), TokioIo::new(origin), session).await;
                }
                Err(error) => tracing::debug!(%error, "upgrade failed"),
            }
        });
        Ok(protocol)
    }
}

/// Adds the protocol that the origin has switched to, to a 101 for the client.
pub(crate) fn announce(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// The requested protocols, without HTTP/2 and invalid names.
fn relayed(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocols: Vec<&[u8]> = tokens(headers, UPGRADE)
        .filter(|protocol| protocol.is_ascii() && !protocol.eq_ignore_ascii_case(b"h2c"))
        .collect();
    if protocols.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&protocols.join(&b", "[..])).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_not_relay_http_2() {
        for (requested, forwarded) in [
            ("websocket", Some("websocket")),
            ("h2c", None),
            ("H2C, websocket", Some("websocket")),
            ("a/1, b/2", Some("a/1, b/2")),
            ("\u{ff}, websocket", Some("websocket")),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers
                .insert(UPGRADE, HeaderValue::from_bytes(requested.as_bytes()).expect("a value"));
            let found = relayed(&headers);
            assert_eq!(found.as_ref().map(HeaderValue::as_bytes), forwarded.map(str::as_bytes));
        }
    }
}
