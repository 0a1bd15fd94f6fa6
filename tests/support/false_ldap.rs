//! An LDAP server with prepared answers, or without answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
    time,
};

/// A server on the loopback address. It ends when this is dropped.
pub(crate) struct FalseLdap {
    port: u16,
    connections: watch::Receiver<usize>,
    accepted: Arc<AtomicUsize>,
    /// The number of times that it was frozen.
    ages: Arc<AtomicUsize>,
    task: AbortHandle,
}

/// The protocol operations of the answers to a request, for the tag of the request's.
type Answer = Arc<dyn Fn(u8) -> Vec<Vec<u8>> + Send + Sync>;

pub(crate) const BIND: u8 = 0x60;
pub(crate) const SEARCH: u8 = 0x63;

impl FalseLdap {
    /// Answers every bind and search with this result and text.
    pub(crate) async fn with_result(code: u8, text: &'static str) -> Self {
        Self::answering(move |request| vec![result(request, code, text)]).await
    }

    /// Accepts connections, reads from them, and never answers.
    pub(crate) async fn silent() -> Self {
        Self::answering(|_| Vec::new()).await
    }

    pub(crate) async fn answering(
        answer: impl Fn(u8) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::answering_after(Duration::ZERO, answer).await
    }

    /// Answers each request after `delay`.
    pub(crate) async fn answering_after(
        delay: Duration,
        answer: impl Fn(u8) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let answer: Answer = Arc::new(answer);
        let ages = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&ages);
        let server = Self::start(move |stream| {
            let (answer, ages, born) =
                (Arc::clone(&answer), Arc::clone(&seen), seen.load(Ordering::SeqCst));
            let alive = move |request| match ages.load(Ordering::SeqCst) == born {
                true => answer(request),
                false => Vec::new(),
            };
            async move { serve(stream, delay, alive).await }
        });
        let mut server = server.await;
        server.ages = ages;
        server
    }

    /// Answers everything with these bytes.
    pub(crate) async fn sending(bytes: &'static [u8]) -> Self {
        Self::start(move |mut stream| async move {
            let mut seen = [0; 1_024];
            while stream.read(&mut seen).await? > 0 {
                stream.write_all(bytes).await?;
            }
            Ok(())
        })
        .await
    }

    /// Forwards everything to the server at `port`, after a delay.
    pub(crate) async fn slow(port: u16, delay: Duration) -> Self {
        Self::start(move |mut stream| async move {
            time::sleep(delay).await;
            let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
            copy_bidirectional(&mut stream, &mut server).await.map(|_| ())
        })
        .await
    }

    async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (open, connections) = watch::channel(0);
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                open.send_modify(|open| *open += 1);
                let (serving, open) = (serve(stream), open.clone());
                tokio::spawn(async move {
                    let _ = serving.await;
                    open.send_modify(|open| *open -= 1);
                });
            }
        });
        Self { port, connections, accepted, ages: Arc::default(), task: task.abort_handle() }
    }

    /// `ldap://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// `ldaps://localhost:PORT`
    pub(crate) fn tls_url(&self) -> String {
        format!("ldaps://localhost:{}", self.port)
    }

    /// Stops answering on the connections that are open now.
    pub(crate) fn freeze(&self) {
        self.ages.fetch_add(1, Ordering::SeqCst);
    }

    /// The number of connections accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Waits until `count` connections are open.
    pub(crate) async fn has_open(&self, count: usize) {
        let mut connections = self.connections.clone();
        let waiting = connections.wait_for(|open| *open == count);
        let waited = time::timeout(Duration::from_secs(10), waiting).await;
        assert!(waited.is_ok(), "{} are open, not {count}", *self.connections.borrow());
    }
}

impl Drop for FalseLdap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    delay: Duration,
    answer: impl Fn(u8) -> Vec<Vec<u8>>,
) -> std::io::Result<()> {
    loop {
        let message = message(&mut stream).await?;
        time::sleep(delay).await;
        // INTEGER of the message's number, then the operation.
        let number_length = usize::from(message[1]);
        let (number, operation) = message.split_at(2 + number_length);
        for answer in answer(operation[0]) {
            let content = [number, &answer].concat();
            stream.write_all(&element(0x30, &content)).await?;
        }
    }
}

/// The content of one message.
async fn message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    stream.read_u8().await?;
    let mut length = usize::from(stream.read_u8().await?);
    if length >= 0x80 {
        let bytes = length - 0x80;
        length = 0;
        for _ in 0..bytes {
            length = (length << 8) | usize::from(stream.read_u8().await?);
        }
    }
    let mut content = vec![0; length];
    stream.read_exact(&mut content).await?;
    Ok(content)
}

/// A result as the answer to a request with this tag.
pub(crate) fn result(request: u8, code: u8, text: &str) -> Vec<u8> {
    let tag = match request {
        BIND => 0x61,
        SEARCH => 0x65,
        _ => 0x78,
    };
    let content = [&[0x0a, 1, code, 0x04, 0][..], &element(0x04, text.as_bytes())].concat();
    element(tag, &content)
}

/// Tag, length and content, which is shorter than 64 KiB.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("less than 64 KiB").to_be_bytes();
    let header = match content.len() {
        0..0x80 => vec![tag, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [&header, content].concat()
}
