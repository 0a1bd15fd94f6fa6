//! The origin of all proxies: every response is the same small 200, on kept-alive connections.
//!
//! It prints its address. `/accepted` returns how many connections it has accepted, which shows
//! whether a proxy reuses them.

use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::net::TcpListener;
use wire::connection::Connection;

const BODY_LENGTH: usize = 128;

/// The request for the number of connections.
const ACCEPTED: &[u8] = b"GET /accepted ";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let small: Arc<[u8]> = answer(&"x".repeat(BODY_LENGTH)).into();
    let accepted = Arc::new(AtomicU64::new(0));
    loop {
        let connection = Connection::new(listener.accept().await?.0)?;
        accepted.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(serve(connection, Arc::clone(&small), Arc::clone(&accepted)));
    }
}

/// Serves one connection. The proxy may reset it.
async fn serve(
    mut connection: Connection,
    small: Arc<[u8]>,
    accepted: Arc<AtomicU64>,
) -> io::Result<()> {
    while let Some(head) = connection.head().await? {
        if head.starts_with(ACCEPTED) {
            let number = accepted.load(Ordering::Relaxed).to_string();
            connection.send(&answer(&number)).await?;
        } else {
            connection.send(&small).await?;
        }
        if asks_to_close(&head) {
            break;
        }
    }
    Ok(())
}

fn answer(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Whether the connection ends after this request, by its `Connection` field or its version.
fn asks_to_close(head: &[u8]) -> bool {
    let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let old = lines.next().is_some_and(|line| line.ends_with(b"HTTP/1.0"));
    let field = lines.find_map(|line| {
        let (name, value) = line.split_at_checked("connection:".len())?;
        name.eq_ignore_ascii_case(b"connection:").then(|| value.trim_ascii())
    });
    match field {
        Some(value) if value.eq_ignore_ascii_case(b"close") => true,
        Some(value) => old && !value.eq_ignore_ascii_case(b"keep-alive"),
        None => old,
    }
}
