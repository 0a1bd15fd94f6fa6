//! Opens connections to origins.

use std::{io, net::SocketAddr, time::Duration};

use http::{Uri, uri::Authority};
use hyper_util::{
    client::legacy::connect::{
        HttpConnector,
        dns::{GaiResolver, Name},
    },
    rt::TokioIo,
};
use thiserror::Error;
use tokio::net::TcpStream;
use tower::{BoxError, Service, ServiceExt, timeout::Timeout, util::BoxCloneSyncService};

use crate::addresses::AllowedAddresses;

/// How long name look-up and connecting may take together.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Looks up a name, tries its addresses and gives up after [`CONNECT_TIMEOUT`].
pub(crate) type Connector = BoxCloneSyncService<Uri, TokioIo<TcpStream>, BoxError>;

/// The name of the origin could not be resolved.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct UnknownHost(io::Error);

pub(crate) fn connector() -> Connector {
    connector_with(GaiResolver::new(), CONNECT_TIMEOUT)
}

/// A connector for the names that [`addresses::allowed`] makes.
///
/// [`addresses::allowed`]: crate::addresses::allowed
pub(crate) fn connector_of_allowed() -> Connector {
    connector_with(AllowedAddresses, CONNECT_TIMEOUT)
}

fn connector_with<R>(resolver: R, limit: Duration) -> Connector
where
    R: Service<Name, Error = io::Error> + Clone + Send + Sync + 'static,
    R::Response: Iterator<Item = SocketAddr> + Send,
    R::Future: Unpin + Send,
{
    let mut connector = HttpConnector::new_with_resolver(resolver.map_err(UnknownHost));
    // Without this a small write would wait for the acknowledgement of the one before.
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(limit));
    BoxCloneSyncService::new(Timeout::new(connector, limit))
}

/// Opens a connection for a tunnel.
///
/// # Errors
/// Those of the connector; see [`ForwardError::of`](crate::error::ForwardError::of).
pub(crate) async fn connect(
    connector: Connector,
    authority: &Authority,
) -> Result<TcpStream, BoxError> {
    let uri = Uri::builder().scheme("http").authority(authority.as_str()).path_and_query("/");
    connector.oneshot(uri.build()?).await.map(TokioIo::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ForwardError;
    use tokio::net::{TcpListener, TcpSocket};

    async fn failure(connector: Connector, authority: &str) -> ForwardError {
        let error = connect(connector, &authority.parse().unwrap()).await.unwrap_err();
        ForwardError::of(&*error)
    }

    #[tokio::test]
    async fn connects_to_a_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let authority = address.to_string().parse().unwrap();
        let stream = connect(connector(), &authority).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
    }

    #[tokio::test]
    async fn tells_a_refused_connection_from_an_unknown_host() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert_eq!(failure(connector(), &closed.to_string()).await, ForwardError::Refused);
        assert_eq!(failure(connector(), "unknown.invalid:80").await, ForwardError::UnknownHost);
    }

    #[tokio::test]
    async fn gives_up_after_the_timeout() {
        // A full accept queue leaves further connections without an answer.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let authority: Authority = listener.local_addr().unwrap().to_string().parse().unwrap();
        let connector = connector_with(GaiResolver::new(), Duration::from_millis(200));
        let mut queue = Vec::new();
        let error = loop {
            match connect(connector.clone(), &authority).await {
                Ok(stream) => queue.push(stream),
                Err(error) => break error,
            }
            assert!(queue.len() < 64, "the queue never filled up");
        };
        assert_eq!(ForwardError::of(&*error), ForwardError::ConnectTimeout);
    }
}
