//! Tunnels, for CONNECT and for upgraded connections.
//!
//! [RFC 9110, 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6): a 2xx response to
//! CONNECT has neither Content-Length nor Transfer-Encoding; everything after it belongs to the
//! tunnel.

use std::{io, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use hyper::upgrade::OnUpgrade;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::TcpStream,
};

use crate::{
    activity::Busy, error::ForwardError, idle_timer::IdleTimer, lingering::without_lingering,
};

/// A tunnel without traffic for this time is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// How many bytes are read at once.
const CHUNK: usize = 16 * 1024;

/// Takes the client's end of the tunnel out of a CONNECT request.
///
/// # Errors
/// The request has a body, or its connection cannot become a tunnel.
pub(crate) fn client<B: Body>(request: &mut Request<B>) -> Result<OnUpgrade, ForwardError> {
    if !request.body().is_end_stream() {
        return Err(ForwardError::BadRequest("CONNECT has no body"));
    }
    request
        .extensions_mut()
        .remove()
        .ok_or(ForwardError::BadRequest("this connection cannot become a tunnel"))
}

/// Serves a tunnel from the response to CONNECT to its end.
pub(crate) async fn run(client: OnUpgrade, origin: TcpStream, busy: Option<Busy>) {
    match client.await {
        Ok(client) => {
            let (early, client) = without_lingering(client);
            report(join(client, early, origin).await);
        }
        Err(error) => tracing::debug!(%error, "tunnel not opened"),
    }
    drop(busy);
}

/// How many bytes a tunnel has carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    up: u64,
    down: u64,
}

/// Logs the end of a tunnel.
pub(crate) fn report(end: io::Result<Traffic>) {
    match end {
        Ok(Traffic { up, down }) => tracing::debug!(up, down, "tunnel closed"),
        Err(error) => tracing::debug!(%error, "tunnel broken"),
    }
}

/// Copies in both directions until both sides have finished. `early` was already read from the
/// client.
///
/// The end of one direction is passed on while the other direction continues (half-close).
///
/// # Errors
/// One side failed, or there was no traffic for [`IDLE_TIMEOUT`].
pub(crate) async fn join(
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
