//! Tunnels, for CONNECT and for upgraded connections.
//!
//! [RFC 9110, 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6): a 2xx response to
//! CONNECT has neither Content-Length nor Transfer-Encoding; everything after it belongs to the
//! tunnel.

use std::{future, io, time::Duration};

use bytes::Bytes;
use http::{Request, header::TRANSFER_ENCODING};
use http_body::Body;
use hyper::{
    body::Incoming,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade::downcast};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::TcpStream,
};
use tower_proxy_auth::Identity;

use crate::{
    activity::Busy,
    client::{Client, Owner},
    error::ForwardError,
    idle_timer::IdleTimer,
    lingering::Lingering,
    observe::open_count,
    places::Place,
    read_gate::{Gated, ReadGate},
};

/// A tunnel without traffic for this time is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The refusal of a CONNECT on a connection that has failed.
const NO_TUNNEL: ForwardError = ForwardError::BadRequest("this connection cannot become a tunnel");

/// How many bytes are read at once.
const CHUNK: usize = 16 * 1024;

/// The state that is kept until a tunnel ends, some of which can end it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) busy: Option<Busy>,
    /// The tunnel is closed when its connection is evicted.
    pub(crate) client: Option<Client>,
    /// The tunnel is closed when the access of this user is revoked.
    pub(crate) identity: Option<Identity>,
    /// The tunnel is closed when it loses this place. Only a tunnel on HTTP/2 has one; others use
    /// the place of their connection.
    pub(crate) place: Option<Place<Owner>>,
}

impl Session {
    /// Waits until the tunnel must be closed, and returns the reason.
    async fn lost(&self) -> &'static str {
        let revoked = async {
            match &self.identity {
                Some(identity) => identity.revoked().await,
                None => future::pending().await,
            }
        };
        let place = self.place.as_ref().map(Place::evicted);
        let evicted = async {
            match place.or(self.client.as_ref().map(|client| &client.evicted)) {
                Some(evicted) => evicted.cancelled().await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            () = revoked => "the user's access was revoked",
            () = evicted => "other users need its descriptors",
        }
    }
}

/// Takes the client's end of the tunnel out of a CONNECT request.
///
/// # Errors
/// The request has a transfer coding, or its connection cannot become a tunnel.
pub(crate) fn client<B>(request: &mut Request<B>) -> Result<OnUpgrade, ForwardError> {
    if request.headers().contains_key(TRANSFER_ENCODING) {
        return Err(ForwardError::BadRequest("a CONNECT request must not have a transfer coding"));
    }
    request.extensions_mut().remove().ok_or(NO_TUNNEL)
}

/// Takes over the bytes after the head of a CONNECT request, as far as hyper has read them.
///
/// # Errors
/// The connection has failed.
pub(crate) async fn first_bytes(
    body: Incoming,
    gate: Option<&ReadGate>,
) -> Result<Bytes, ForwardError> {
    match gate {
        _ if body.is_end_stream() => Ok(Bytes::new()),
        Some(gate) => gate.take(body).await.map_err(|_| NO_TUNNEL),
        None => Err(NO_TUNNEL),
    }
}

/// Serves a tunnel from the response to CONNECT to its end. `first` was already read from the
/// client.
pub(crate) async fn run(client: OnUpgrade, first: Bytes, origin: TcpStream, session: Session) {
    match client.await {
        Ok(client) => relay(client, first, origin, session).await,
        Err(error) => tracing::debug!(%error, "tunnel not opened"),
    }
}

/// Copies until both sides have finished or the session is lost, and logs the end.
pub(crate) async fn relay(
    client: Upgraded,
    first: Bytes,
    origin: impl AsyncRead + AsyncWrite + Unpin,
    session: Session,
) {
    let _open = open_count::TUNNELS.open();
    let (early, client) = into_stream(client);
    let first = if first.is_empty() { early } else { [first, early].concat().into() };
    tokio::select! {
        end = join(client, first, origin) => match end {
            Ok(Traffic { up, down }) => tracing::debug!(up, down, "tunnel closed"),
            Err(error) => tracing::debug!(%error, "tunnel broken"),
        },
        cause = session.lost() => tracing::debug!(cause, "tunnel closed"),
    }
    // Keeps the whole session until here.
    drop(session.busy);
}

/// A stream for a tunnel.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Returns the stream below an upgraded connection, and the bytes already read from it.
fn into_stream(upgraded: Upgraded) -> (Bytes, Box<dyn Stream>) {
    match downcast::<TokioIo<Gated<Lingering<TcpStream>>>>(upgraded) {
        Ok(parts) => (parts.read_buf, Box::new(parts.io.into_inner().into_inner().into_inner())),
        // A stream of an HTTP/2 connection has no separate socket.
        Err(upgraded) => (Bytes::new(), Box::new(TokioIo::new(upgraded))),
    }
}

/// How many bytes a tunnel has carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Traffic {
    up: u64,
    down: u64,
}

/// Copies in both directions until both sides have finished. `early` was already read from the
/// client.
///
/// The end of one direction is passed on while the other direction continues (half-close).
///
/// # Errors
/// One side failed, or there was no traffic for [`IDLE_TIMEOUT`].
async fn join(
    client: impl AsyncRead + AsyncWrite + Unpin,
    early: Bytes,
    origin: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<Traffic> {
    let timer = IdleTimer::start();
    let (client_read, client_write) = split(client);
    let (origin_read, origin_write) = split(origin);
    let copying = async {
        tokio::try_join!(
            copy(early, client_read, origin_write, &timer),
            copy(Bytes::new(), origin_read, client_write, &timer),
        )
    };
    tokio::select! {
        copied = copying => copied.map(|(up, down)| Traffic { up, down }),
        () = timer.idle_for(IDLE_TIMEOUT) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn copy<R: AsyncRead, W: AsyncWrite>(
    first: Bytes,
    mut from: ReadHalf<R>,
    mut to: WriteHalf<W>,
    timer: &IdleTimer,
) -> io::Result<u64> {
    let mut copied = first.len() as u64;
    to.write_all(&first).await?;
    let mut chunk = vec![0; CHUNK];
    loop {
        to.flush().await?;
        let read = from.read(&mut chunk).await?;
        timer.touch();
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
            to.shutdown().await?;
            return Ok(copied);
        };
        to.write_all(bytes).await?;
        timer.touch();
        copied += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    #[tokio::test]
    async fn the_end_of_one_direction_leaves_the_other_open() {
        let (mut client, client_end) = duplex(64);
        let (mut origin, origin_end) = duplex(64);
        let early = Bytes::from_static(b"hel");
        let tunnel = tokio::spawn(join(client_end, early, origin_end));

        client.write_all(b"lo").await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = String::new();
        origin.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "hello");

        origin.write_all(b"still here").await.unwrap();
        origin.shutdown().await.unwrap();
        heard.clear();
        client.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "still here");
        assert_eq!(tunnel.await.unwrap().unwrap(), Traffic { up: 5, down: 10 });
    }
}
