//! Connections to the server, one after the other.

use std::time::Duration;

use ::redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};

use super::{
    failure::Failure,
    race::{First, race},
    server::Server,
};

/// The time between the starts of two attempts to connect: at least this, and at most a half more,
/// so that many nodes do not connect at the same moment.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);
/// The time between two examinations of a connected server.
const EXAMINE_INTERVAL: Duration = Duration::from_secs(1);

/// Keeps a connection to the server, as long as it is polled.
pub(super) async fn keep_connected(server: &Server) {
    loop {
        let start = Instant::now();
        if let Err(failure) = session(server).await {
            server.down(failure);
        }
        sleep_until(start + PROBE_INTERVAL + jitter()).await;
    }
}

/// Connects, and lets checks use the connection until it fails. Returns an error unless the failed
/// check has reported it.
async fn session(server: &Server) -> Result<(), Failure> {
    server.count_attempt();
    let limit = server.limits.connect;
    let deadline = Instant::now() + limit;
    let connected = timeout(limit, connect(server)).await;
    let (connection, driver) = connected.unwrap_or(Err(Failure::Timeout(limit)))?;
    // The driver sends and receives for all calls.
    match race(hold(server, connection, deadline), driver).await {
        First::Left(ended) => ended,
        First::Right(()) => Err(Failure::Closed),
    }
}

async fn connect(
    server: &Server,
) -> Result<(MultiplexedConnection, impl Future<Output = ()>), Failure> {
    let address = &server.address;
    let stream = TcpStream::connect((address.host(), address.port())).await;
    let stream = stream.map_err(Failure::Connect)?;
    stream.set_nodelay(true).map_err(Failure::Connect)?;
    // Our own limits apply instead.
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    let connection = MultiplexedConnection::new_with_config(address.login(), stream, config).await;
    connection.map_err(|error| Failure::login(&error))
}

/// Examines the server, lets checks use the connection, and examines the server again and again.
async fn hold(
    server: &Server,
    mut connection: MultiplexedConnection,
    deadline: Instant,
) -> Result<(), Failure> {
    let limit = server.limits.connect;
    let examined = tokio::time::timeout_at(deadline, server.examine(&mut connection)).await;
    let epoch = examined.unwrap_or(Err(Failure::Timeout(limit)))?;
    let closed = server.up(connection.clone(), epoch);
    while timeout(EXAMINE_INTERVAL, closed.notified()).await.is_err() {
        let limit = server.limits.call;
        let examined = timeout(limit, server.examine(&mut connection)).await;
        server.learn(examined.unwrap_or(Err(Failure::Timeout(limit)))?);
    }
    Ok(())
}

fn jitter() -> Duration {
    let limit = u64::try_from(PROBE_INTERVAL.as_millis() / 2).unwrap_or(1);
    // Without random bytes, nothing would work anyway.
    Duration::from_millis(getrandom::u64().unwrap_or_default() % limit)
}
