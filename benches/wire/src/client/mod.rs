//! A client of a proxy on one connection: asks, checks the status, follows challenges.

mod answer;
mod digest;
mod login;

use std::{io, net::SocketAddr};

pub use answer::Answer;
pub use digest::DigestSession;
pub use login::Login;

use crate::connection::Connection;

/// How often one request may be challenged: once at first, once more for a nonce that ran out.
const MAX_CHALLENGES: u64 = 2;

/// Sends one request after the other.
#[derive(Debug)]
pub struct Client {
    proxy: SocketAddr,
    /// The request without its last empty line, to which the credentials are added.
    request: Vec<u8>,
    expected: u16,
    login: Login,
    connection: Option<Connection>,
    counts: Counts,
}

/// What happened beside the requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Connections that were opened.
    pub connections: u64,
    /// Challenges that were answered; each cost a request of its own.
    pub challenges: u64,
}

impl Client {
    /// Will ask `proxy` for `http://{authority}/`.
    pub fn new(proxy: SocketAddr, authority: &str, login: Login, expected: u16) -> Self {
        let request = format!(
            "GET http://{authority}/ HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: wire/0\r\n\
             Accept: */*\r\n"
        );
        let request = request.into_bytes();
        Self { proxy, request, expected, login, connection: None, counts: Counts::default() }
    }

    /// What has happened so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// When the answer is another than the one expected, or none.
    pub async fn ask(&mut self) -> io::Result<()> {
        for _ in 0..=MAX_CHALLENGES {
            let answer = self.exchange().await?;
            if answer.status == self.expected {
                return self.login.accepted(&answer);
            }
            if !self.login.challenged(&answer)? {
                let (expected, found) = (self.expected, answer.status);
                return Err(io::Error::other(format!("expected {expected}, found {found}")));
            }
            self.counts.challenges += 1;
        }
        Err(io::Error::other("challenged again and again"))
    }

    async fn exchange(&mut self) -> io::Result<Answer> {
        let head = self.request.len();
        self.login.write_field(&mut self.request);
        self.request.extend_from_slice(b"\r\n");
        let answer = self.exchange_on_some_connection().await;
        self.request.truncate(head);
        answer
    }

    async fn exchange_on_some_connection(&mut self) -> io::Result<Answer> {
        // Some proxies close a connection without having announced it.
        if let Some(kept) = self.connection.take()
            && let Some(answer) = self.exchange_on(kept).await?
        {
            return Ok(answer);
        }
        self.counts.connections += 1;
        let fresh = Connection::open(self.proxy).await?;
        self.exchange_on(fresh).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// `None` if the proxy has closed the connection.
    async fn exchange_on(&mut self, mut connection: Connection) -> io::Result<Option<Answer>> {
        let head = match connection.send(&self.request).await {
            Ok(()) => connection.head().await,
            Err(error) => Err(error),
        };
        let head = match head {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(None),
            Err(error) if is_closed(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let answer = Answer::parse(&head)?;
        match answer.length {
            Some(length) => connection.skip(length).await?,
            None => connection.skip_to_end().await?,
        }
        if answer.length.is_some() && !answer.closes {
            self.connection = Some(connection);
        }
        Ok(Some(answer))
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}
