//! Relays an HTTP upgrade, such as that to WebSocket.
//!
//! The upgrade is asked for on the one side and granted on the other; when the origin switches
//! protocols (101), the proxy does so towards the client and then copies bytes.

use http::{
    HeaderMap, HeaderValue, Request, Response, Version,
    header::{CONNECTION, UPGRADE},
};
use http_body::Body;
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;

use crate::{
    activity::Busy,
    error::Failure,
    headers::{lists, tokens},
    lingering::without_linger,
    shutdown::Tasks,
    tunnel,
};

/// An upgrade that a client has asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    protocols: HeaderValue,
    client: OnUpgrade,
}

impl Wanted {
    /// Takes the wish for an upgrade out of `request`, if there is one.
    ///
    /// An upgrade to HTTP/2 is not relayed: the origin may go on with HTTP/1.1, and requests that
    /// this proxy cannot see would be none of its business any more. Nor is one with a body: a
    /// client that does not send all of it would keep a switched connection waiting for ever. Such
    /// a request goes on as if it had not asked; nobody needs to grant an upgrade
    /// ([RFC 9110, 7.8](https://www.rfc-editor.org/rfc/rfc9110#section-7.8)).
    pub(crate) fn take_from<B: Body>(request: &mut Request<B>) -> Option<Self> {
        let headers = request.headers();
        if request.version() != Version::HTTP_11
            || !lists(headers, CONNECTION, "upgrade")
            || !request.body().is_end_stream()
        {
            return None;
        }
        let protocols = relayed(headers)?;
        let client = request.extensions_mut().remove::<OnUpgrade>()?;
        Some(Self { protocols, client })
    }

    /// Asks the origin for the same, after hop-by-hop fields have been removed.
    pub(crate) fn ask(&self, headers: &mut HeaderMap) {
        headers.append(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, self.protocols.clone());
    }

    /// Makes the 101 for the client from that of the origin, and starts the copying.
    ///
    /// # Errors
    /// When the origin switches without saying to which protocol.
    pub(crate) fn switch(
        self,
        origin: &mut Response<Incoming>,
        busy: Option<Busy>,
        tasks: &Tasks,
    ) -> Result<HeaderValue, Failure> {
        let protocol = origin.headers().get(UPGRADE).cloned().ok_or(Failure::NotHttp)?;
        let origin = hyper::upgrade::on(origin);
        tasks.spawn(async move {
            let copied = async {
                let origin = origin.await?;
                Ok::<_, hyper::Error>((self.client.await?, origin))
            };
            match copied.await {
                Ok((client, origin)) => {
                    let (early, client) = without_linger(client);
                    let origin = TokioIo::new(origin);
                    tunnel::report(tunnel::join(client, early, origin).await);
                }
                Err(error) => tracing::debug!(%error, "upgrade broken off"),
            }
            drop(busy);
        });
        Ok(protocol)
    }
}

/// Says in a 101 for the client what the origin has switched to.
pub(crate) fn announce(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// The protocols asked for, without HTTP/2 and what is no name of a protocol.
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
    fn http_2_is_not_relayed() {
        for (asked, passed_on) in [
            ("websocket", Some("websocket")),
            ("h2c", None),
            ("H2C, websocket", Some("websocket")),
            ("a/1, b/2", Some("a/1, b/2")),
            ("\u{ff}, websocket", Some("websocket")),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(UPGRADE, HeaderValue::from_bytes(asked.as_bytes()).expect("a value"));
            let found = relayed(&headers);
            assert_eq!(found.as_ref().map(HeaderValue::as_bytes), passed_on.map(str::as_bytes));
        }
    }
}
