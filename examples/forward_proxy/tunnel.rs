//! CONNECT, and the copying of bytes that it comes down to.
//!
//! [RFC 9110, 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6): a 2xx answer to
//! CONNECT has neither Content-Length nor Transfer-Encoding; all that follows it is the tunnel's.

use std::{io, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use hyper::upgrade::OnUpgrade;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::TcpStream,
};

use crate::{
    activity::Busy, connector::dial, error::Failure, idle_timer::Stopwatch,
    lingering::without_linger, shutdown::Tasks, target::Place,
};

/// A tunnel through which nothing has gone for this long is closed.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// Opens the tunnel that `request` asks for; it lives on its own when the answer is out.
///
/// # Errors
/// When there is no connection to the other end.
pub(crate) async fn open<B: http_body::Body>(
    mut request: Request<B>,
    place: &Place,
    busy: Option<Busy>,
    tasks: &Tasks,
) -> Result<Response<()>, Failure> {
    if !request.body().is_end_stream() {
        return Err(Failure::BadRequest("CONNECT has no body"));
    }
    let client = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or(Failure::BadRequest("this connection cannot become a tunnel"))?;
    let origin = dial(&place.host, place.port).await.map_err(Failure::Dial)?;
    tasks.spawn(async move {
        report(run(client, origin).await);
        drop(busy);
    });
    Ok(Response::new(()))
}

async fn run(client: OnUpgrade, origin: TcpStream) -> io::Result<Traffic> {
    let (early, client) = without_linger(client.await.map_err(io::Error::other)?);
    join(client, early, origin).await
}

/// How many bytes went through a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) up: u64,
    pub(crate) down: u64,
}

/// Notes the end of a tunnel in the log.
pub(crate) fn report(end: io::Result<Traffic>) {
    match end {
        Ok(Traffic { up, down }) => tracing::debug!(up, down, "tunnel closed"),
        Err(error) => tracing::debug!(%error, "tunnel broken"),
    }
}

/// Copies both ways until both sides are done. What the client sent before comes first.
///
/// The end of one direction is passed on, and the other direction goes on (half-close).
///
/// # Errors
/// When one side fails, or after [`IDLE_TIMEOUT`].
pub(crate) async fn join(
    client: impl AsyncRead + AsyncWrite + Unpin,
    early: Bytes,
    origin: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<Traffic> {
    let watch = Stopwatch::start();
    let (client_read, client_write) = split(client);
    let (origin_read, origin_write) = split(origin);
    let copying = async {
        tokio::try_join!(
            copy(early, client_read, origin_write, &watch),
            copy(Bytes::new(), origin_read, client_write, &watch),
        )
    };
    tokio::select! {
        copied = copying => copied.map(|(up, down)| Traffic { up, down }),
        () = watch.idle_for(IDLE_TIMEOUT) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn copy<R: AsyncRead, W: AsyncWrite>(
    first: Bytes,
    mut from: ReadHalf<R>,
    mut to: WriteHalf<W>,
    watch: &Stopwatch,
) -> io::Result<u64> {
    let mut copied = first.len() as u64;
    to.write_all(&first).await?;
    let mut chunk = vec![0; CHUNK];
    loop {
        to.flush().await?;
        let read = from.read(&mut chunk).await?;
        watch.touch();
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
            to.shutdown().await?;
            return Ok(copied);
        };
        to.write_all(bytes).await?;
        watch.touch();
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
