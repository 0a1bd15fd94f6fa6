//! Connections to origins: looks the name up, tries its addresses, gives up in time.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::Service;

/// How long name look-up and connecting may take together.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one address has the field to itself before the next one is tried beside it.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum DialError {
    #[error("the name of the origin could not be resolved")]
    UnknownHost,
    #[error("the origin refused the connection")]
    Refused,
    #[error("the origin cannot be reached")]
    Unreachable,
    #[error("no connection to the origin in time")]
    TimedOut,
}

/// Opens a connection to `host`, a name or an IP address without brackets.
///
/// # Errors
/// [`DialError`], after [`CONNECT_TIMEOUT`] at the latest.
pub(crate) async fn dial(host: &str, port: u16) -> Result<TcpStream, DialError> {
    dial_within(host, port, CONNECT_TIMEOUT).await
}

async fn dial_within(host: &str, port: u16, limit: Duration) -> Result<TcpStream, DialError> {
    let connecting = async {
        let addresses = lookup_host((host, port)).await.map_err(|_| DialError::UnknownHost)?;
        first_of(addresses).await
    };
    timeout(limit, connecting).await.unwrap_or(Err(DialError::TimedOut))
}

/// The first address that answers; each has a head start on the next one.
async fn first_of(addresses: impl Iterator<Item = SocketAddr>) -> Result<TcpStream, DialError> {
    let mut addresses = addresses.peekable();
    let mut attempts = JoinSet::new();
    let mut error = DialError::UnknownHost;
    loop {
        if let Some(address) = addresses.next() {
            attempts.spawn(TcpStream::connect(address));
        }
        tokio::select! {
            attempt = attempts.join_next() => match attempt {
                None => return Err(error),
                Some(Ok(Ok(stream))) => {
                    // Without this a small write would wait for the other side's acknowledgement.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Some(Ok(Err(cause))) => error = reason(&cause),
                Some(Err(_panicked)) => error = DialError::Unreachable,
            },
            () = sleep(NEXT_ADDRESS), if addresses.peek().is_some() => {}
        }
    }
}

fn reason(error: &io::Error) -> DialError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => DialError::Refused,
        io::ErrorKind::TimedOut => DialError::TimedOut,
        _ => DialError::Unreachable,
    }
}

/// [`dial`] as the connector of hyper-util's pooled client.
#[derive(Clone, Debug)]
pub(crate) struct Dialer;

impl Service<Uri> for Dialer {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DialError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, origin: Uri) -> Self::Future {
        Box::pin(async move {
            let host = origin.host().unwrap_or_default().trim_matches(['[', ']']);
            let stream = dial(host, origin.port_u16().unwrap_or(80)).await?;
            Ok(TokioIo::new(stream))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpSocket};

    #[tokio::test]
    async fn connects_to_who_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(dial("127.0.0.1", port).await.is_ok());
    }

    #[tokio::test]
    async fn a_later_address_is_tried_when_an_earlier_one_refuses() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = listener.local_addr().unwrap();
        let stream = first_of([gone, alive].into_iter()).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
    }

    #[tokio::test]
    async fn tells_refusal_from_an_unknown_name() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert_eq!(dial("127.0.0.1", gone.port()).await.unwrap_err(), DialError::Refused);
        assert_eq!(dial("no such name", 80).await.unwrap_err(), DialError::UnknownHost);
    }

    #[tokio::test]
    async fn gives_up_in_time() {
        // A full accept queue leaves further connections without an answer.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut queue = Vec::new();
        let error = loop {
            match dial_within("127.0.0.1", port, Duration::from_millis(200)).await {
                Ok(stream) => queue.push(stream),
                Err(error) => break error,
            }
            assert!(queue.len() < 64, "the queue never filled up");
        };
        assert_eq!(error, DialError::TimedOut);
    }
}
