//! Reads HTTP/1 messages with as little work as possible. Origin and load generator are not
//! measured, but a proxy that waits for them is.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The end of the head of a message.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Larger than any head here.
const MAX_HEAD: usize = 64 * 1024;

/// One end of a TCP connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: BytesMut,
}

impl Connection {
    /// # Errors
    /// Those of the socket.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: BytesMut::with_capacity(4096) })
    }

    /// # Errors
    /// Those of the socket.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        Self::new(TcpStream::connect(address).await?)
    }

    /// # Errors
    /// Those of the socket.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message).await
    }

    /// Reads the head of the next message with the empty line at its end; `None` if the connection
    /// is closed.
    ///
    /// # Errors
    /// Those of the socket, and a head that is truncated or too long.
    pub async fn head(&mut self) -> io::Result<Option<Bytes>> {
        let mut searched = 0;
        loop {
            let unseen = self.received.get(searched..).unwrap_or_default();
            let found = unseen.windows(END_OF_HEAD.len()).position(|bytes| bytes == END_OF_HEAD);
            if let Some(position) = found {
                let end = searched + position + END_OF_HEAD.len();
                return Ok(Some(self.received.split_to(end).freeze()));
            }
            if self.received.len() > MAX_HEAD {
                return Err(io::Error::new(ErrorKind::InvalidData, "the head is too long"));
            }
            searched = self.received.len().saturating_sub(END_OF_HEAD.len() - 1);
            if self.receive().await? == 0 {
                if self.received.is_empty() {
                    return Ok(None);
                }
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Discards `length` bytes.
    ///
    /// # Errors
    /// Those of the socket, and a truncated body.
    pub async fn skip(&mut self, length: usize) -> io::Result<()> {
        while self.received.len() < length {
            if self.receive().await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        self.received.advance(length);
        Ok(())
    }

    /// Discards everything until the connection is closed.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn skip_to_end(&mut self) -> io::Result<()> {
        while self.receive().await? > 0 {
            self.received.clear();
        }
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<usize> {
        self.received.reserve(1024);
        self.stream.read_buf(&mut self.received).await
    }
}
