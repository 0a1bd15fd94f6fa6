//! A gate between a server and its clients.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net,
    sync::watch,
    task::JoinSet,
};

/// Forwards bytes to and from a server while it is open.
pub(crate) struct Gate {
    pub(crate) port: u16,
    accepted: Arc<AtomicUsize>,
    is_open: watch::Sender<bool>,
    is_silent: Arc<AtomicBool>,
    _tasks: JoinSet<()>,
}

impl Gate {
    pub(crate) async fn before(server: u16) -> Self {
        let listener = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_open, open) = watch::channel(true);
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let is_silent = Arc::new(AtomicBool::new(false));
        let silent = Arc::clone(&is_silent);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut tasks = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let server = net::TcpStream::connect(("127.0.0.1", server)).await;
                // Without a server, the client is disconnected.
                let Ok(server) = server else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tasks.spawn(pass(from_client, to_server, open.clone(), Arc::clone(&silent)));
                tasks.spawn(pass(from_server, to_client, open.clone(), Arc::clone(&silent)));
            }
        });
        Self { port, accepted, is_open, is_silent, _tasks: tasks }
    }

    /// The number of connections that were accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn set_open(&self, is_open: bool) {
        self.is_open.send_replace(is_open);
    }

    /// While it is silent, bytes are lost.
    pub(crate) fn set_silent(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::SeqCst);
    }
}

async fn pass(
    mut from: net::tcp::OwnedReadHalf,
    mut to: net::tcp::OwnedWriteHalf,
    mut open: watch::Receiver<bool>,
    is_silent: Arc<AtomicBool>,
) {
    let mut buffer = [0; 4_096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if is_silent.load(Ordering::SeqCst) {
            continue;
        }
        if open.wait_for(|is_open| *is_open).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
}
