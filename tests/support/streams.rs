//! What a user has open at a proxy when their access ends: a tunnel, a WebSocket, downloads, an
//! upload, and a request without a response.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    origin::Origin,
    proxy::Proxy,
    user_file::wait_until,
    wire::{Wire, basic},
};

/// An origin that pauses in the middle of each response until it is told to continue.
///
/// | path | response |
/// |---|---|
/// | `/length` | `first`, a pause, `later`, with Content-Length |
/// | `/chunked` | the same in chunks |
/// | `/silent` | a pause, `hello` |
/// | `/upload` | after ten bytes, `10` |
pub(crate) struct PausingOrigin {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The number of requests so far.
    requests: AtomicUsize,
    is_resumed: Mutex<bool>,
    resumed: Condvar,
}

impl PausingOrigin {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&accepting);
                // The proxy may close the connection at any time.
                thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of requests whose head has arrived, which have passed authentication then.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn resume(&self) {
        *self.shared.is_resumed.lock().unwrap() = true;
        self.shared.resumed.notify_all();
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut from = BufReader::new(stream.try_clone()?);
    let mut to = stream;
    let pause = || {
        let is_resumed = shared.is_resumed.lock().unwrap();
        drop(shared.resumed.wait_while(is_resumed, |is_resumed| !*is_resumed).unwrap());
    };
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    shared.requests.fetch_add(1, Ordering::SeqCst);
    match head.split(' ').nth(1).unwrap_or_default() {
        "/length" => {
            to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")?;
            pause();
            to.write_all(b"later")
        }
        "/chunked" => {
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
            to.write_all(head)?;
            pause();
            to.write_all(b"5\r\nlater\r\n0\r\n\r\n")
        }
        "/upload" => {
            from.read_exact(&mut [0; 10])?;
            to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n10")
        }
        _ => {
            pause();
            to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        }
    }?;
    // Keeps the connection until the proxy closes it.
    from.read_to_end(&mut Vec::new()).map(drop)
}

/// One of everything that a user can have open over HTTP/1, each on its own connection.
pub(crate) struct Streams {
    tunnel: Wire,
    web_socket: Wire,
    length: Wire,
    chunked: Wire,
    upload: Wire,
    silent: Wire,
    _echo: Origin,
}

impl Streams {
    #[track_caller]
    pub(crate) fn open(proxy: &Proxy, origin: &PausingOrigin, user_pass: &str) -> Self {
        let credentials = format!("Proxy-Authorization: {}", basic(user_pass));
        let address = origin.address();
        let (echo, earlier) = (Origin::http(), origin.requests());
        let start = |head: &str, body: &str| {
            let mut wire = Wire::connect(proxy.address());
            wire.send(format!("{head}\r\nHost: o\r\n{credentials}\r\n\r\n{body}"));
            wire
        };
        let get = |path: &str| start(&format!("GET http://{address}{path} HTTP/1.1"), "");

        let mut tunnel = start(&format!("CONNECT {address} HTTP/1.1"), "");
        assert_eq!(tunnel.answer("CONNECT").status, 200);
        tunnel.send("GET /length HTTP/1.1\r\n\r\n");
        let [mut length, mut chunked] = ["/length", "/chunked"].map(get);
        for wire in [&mut tunnel, &mut length, &mut chunked] {
            while !wire.line().is_empty() {}
        }
        assert_eq!(chunked.line(), "5");
        for wire in [&mut tunnel, &mut length, &mut chunked] {
            assert_eq!(wire.exactly(5), b"first");
        }
        assert_eq!(chunked.line(), "");
        let head = format!("GET {} HTTP/1.1", echo.url("/switch"));
        let mut web_socket = start(&format!("{head}\r\nConnection: Upgrade\r\nUpgrade: a"), "");
        assert_eq!(web_socket.answer("GET").status, 101);
        web_socket.send("first");
        assert_eq!(web_socket.exactly(5), b"first");
        let head = format!("POST http://{address}/upload HTTP/1.1\r\nContent-Length: 10");
        let (upload, silent) = (start(&head, "first"), get("/silent"));
        wait_until(|| origin.requests() == earlier + 5);
        Self { tunnel, web_socket, length, chunked, upload, silent, _echo: echo }
    }

    /// Waits until everything has ended, as an error that the client can see, and returns for how
    /// long.
    #[track_caller]
    pub(crate) fn end(mut self) -> Duration {
        let start = Instant::now();
        for (name, wire) in [
            ("tunnel", &mut self.tunnel),
            ("WebSocket", &mut self.web_socket),
            // Without the rest of the length, and without the last chunk.
            ("length", &mut self.length),
            ("chunked", &mut self.chunked),
        ] {
            assert_eq!(wire.rest(), b"", "{name}");
        }
        for (method, wire) in [("POST", &mut self.upload), ("GET", &mut self.silent)] {
            let answer = wire.answer(method);
            let text = "503 Service Unavailable: the access of this user has ended\n";
            assert_eq!((answer.status, answer.text()), (503, text), "{method}");
        }
        start.elapsed()
    }

    /// Checks that everything continues, after the origin was resumed.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        self.upload.send("later");
        assert_eq!(self.upload.answer("POST").text(), "10");
        assert_eq!(self.silent.answer("GET").text(), "hello");
        assert_eq!(self.chunked.line(), "5");
        for wire in [&mut self.tunnel, &mut self.length, &mut self.chunked] {
            assert_eq!(wire.exactly(5), b"later");
        }
        assert_eq!([(); 3].map(|()| self.chunked.line()), ["", "0", ""]);
        self.web_socket.send("later");
        assert_eq!(self.web_socket.exactly(5), b"later");
    }
}
