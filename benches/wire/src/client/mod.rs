//! A client of a proxy on one connection: sends requests and answers challenges.

mod digest;
mod login;
mod response;

use std::{io, net::SocketAddr};

pub use digest::DigestSession;
pub use login::Login;
pub use response::Response;

use crate::connection::Connection;

/// How often one request may be challenged: at first, and again for a stale nonce.
const MAX_CHALLENGES: u64 = 2;

/// Sends one request after another.
#[derive(Debug)]
pub struct Client {
    proxy: SocketAddr,
    /// The request without its final empty line; the credentials are appended.
    head: Vec<u8>,
    expected: u16,
    login: Login,
    connection: Option<Connection>,
    counts: Counts,
}

/// What happened in addition to the requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// How many connections were opened.
    pub connections: u64,
    /// How many challenges were answered, each with an additional request.
    pub challenges: u64,
}

impl Client {
    /// A client that requests `http://{authority}/` from `proxy`.
    pub fn new(proxy: SocketAddr, authority: &str, login: Login, expected: u16) -> Self {
        let head = format!(
            "GET http://{authority}/ HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: wire/0\r\n\
             Accept: */*\r\n"
        );
        let head = head.into_bytes();
        Self { proxy, head, expected, login, connection: None, counts: Counts::default() }
    }

    /// The counts so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Sends one request and reads the whole response.
    ///
    /// # Errors
    /// There is no response, or not the expected one.
    pub async fn request(&mut self) -> io::Result<()> {
        for _ in 0..=MAX_CHALLENGES {
            let response = self.exchange().await?;
            if response.status == self.expected {
                return self.login.accepted(&response);
            }
            if !self.login.challenged(&response)? {
                let (expected, found) = (self.expected, response.status);
                return Err(io::Error::other(format!("expected {expected}, found {found}")));
            }
            self.counts.challenges += 1;
        }
        Err(io::Error::other("too many challenges"))
    }

    async fn exchange(&mut self) -> io::Result<Response> {
        let head = self.head.len();
        self.login.write_field(&mut self.head);
        self.head.extend_from_slice(b"\r\n");
        let response = self.exchange_on_any().await;
        self.head.truncate(head);
        response
    }

    async fn exchange_on_any(&mut self) -> io::Result<Response> {
        // Some proxies close a connection without announcing it.
        if let Some(kept) = self.connection.take()
            && let Some(response) = self.exchange_on(kept).await?
        {
            return Ok(response);
        }
        self.counts.connections += 1;
        let fresh = Connection::open(self.proxy).await?;
        self.exchange_on(fresh).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Returns `None` if the proxy has closed the connection.
    async fn exchange_on(&mut self, mut connection: Connection) -> io::Result<Option<Response>> {
        let head = match connection.send(&self.head).await {
            Ok(()) => connection.head().await,
            Err(error) => Err(error),
        };
        let head = match head {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(None),
            Err(error) if is_closed(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let response = Response::parse(&head)?;
        match response.length {
            Some(length) => connection.skip(length).await?,
            None => connection.skip_to_end().await?,
        }
        if response.length.is_some() && !response.closes {
            self.connection = Some(connection);
        }
        Ok(Some(response))
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}
