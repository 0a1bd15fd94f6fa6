//! Origin servers on the loopback address.

use std::{
    convert::Infallible,
    net::{SocketAddr, TcpListener as StdListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::oneshot,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

/// A running origin; it ends when this is dropped.
///
/// | path | answer |
/// |---|---|
/// | `/echo` | the request body, as it comes |
/// | `/length` | the length of the request body |
/// | `/seen` | the head of the request, as text |
/// | `/peer` | the address that the connection comes from |
/// | `/private` | with hop-by-hop fields |
/// | `/early` | 413 before the body has been read |
/// | `/slow` | after half a second |
/// | `/moved` | 302 to `/` |
/// | `/moved-late` | 302 to `/` after one and a half seconds |
/// | `/switch` | 101, and then everything comes back |
/// | anything else | `hello` |
pub(crate) struct Origin {
    address: SocketAddr,
    scheme: &'static str,
    certificate: Option<Certificate>,
    requests: Arc<AtomicUsize>,
    _stop: oneshot::Sender<()>,
}

/// A certificate that makes clients trust the origin.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) der: CertificateDer<'static>,
    /// For `curl --cacert`.
    pub(crate) pem: String,
}

type Body = Either<Incoming, Full<Bytes>>;

impl Origin {
    /// `http://127.0.0.1:PORT`
    pub(crate) fn http() -> Self {
        Self::start("http", None, "127.0.0.1:0")
    }

    /// `https://localhost:PORT`, with its own certificate.
    pub(crate) fn https() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate can be made");
        let der = made.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![der.clone()], key)
            .expect("certificate and key go together");
        let certificate = Certificate { der, pem: made.cert.pem() };
        let tls = Some((certificate, TlsAcceptor::from(Arc::new(config))));
        Self::start("https", tls, "127.0.0.1:0")
    }

    /// `http://[::1]:PORT`
    pub(crate) fn http_on_ipv6() -> Self {
        Self::start("http", None, "[::1]:0")
    }

    fn start(
        scheme: &'static str,
        tls: Option<(Certificate, TlsAcceptor)>,
        address: &'static str,
    ) -> Self {
        let (certificate, acceptor) = tls.unzip();
        let requests = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let counter = Arc::clone(&requests);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = StdListener::bind(address).expect("a free port");
                listener.set_nonblocking(true).expect("a socket");
                let listener = TcpListener::from_std(listener).expect("a socket");
                tell.send(listener.local_addr().expect("an address")).expect("the test waits");
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, acceptor, counter) => {}
                }
            });
        });
        let address = told.recv().expect("the origin listens");
        Self { address, scheme, certificate, requests, _stop: stop }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of `path`, which starts with a slash.
    pub(crate) fn url(&self, path: &str) -> String {
        match self.scheme {
            "https" => format!("https://localhost:{}{path}", self.address.port()),
            scheme => format!("{scheme}://{}{path}", self.address),
        }
    }

    /// The number of requests received.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    #[track_caller]
    pub(crate) fn certificate(&self) -> &Certificate {
        self.certificate.as_ref().expect("an https origin")
    }
}

/// An address on which no process listens.
pub(crate) fn closed_port() -> SocketAddr {
    let listener = StdListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, requests: Arc<AtomicUsize>) {
    loop {
        let (stream, peer) = listener.accept().await.expect("connections can be accepted");
        let (tls, requests) = (tls.clone(), Arc::clone(&requests));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, peer, requests).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, peer, requests).await;
                    }
                }
            }
        });
    }
}

async fn serve<S>(stream: S, peer: SocketAddr, requests: Arc<AtomicUsize>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        requests.fetch_add(1, Ordering::SeqCst);
        async move { Ok::<_, Infallible>(answer(request, peer).await) }
    });
    let connection =
        http1::Builder::new().max_headers(512).serve_connection(TokioIo::new(stream), service);
    // Clients may close the connection at any time.
    let _ = connection.with_upgrades().await;
}

async fn answer(mut request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
    match request.uri().path() {
        "/echo" => Response::new(Either::Left(request.into_body())),
        "/length" => {
            let body = request.into_body().collect().await.map(|body| body.to_bytes());
            text(body.map_or_else(|error| error.to_string(), |body| body.len().to_string()))
        }
        "/seen" => text(seen(&request)),
        "/peer" => text(peer.to_string()),
        "/private" => {
            let mut response = text("hello");
            for (name, value) in [
                ("connection", "x-private"),
                ("x-private", "1"),
                ("keep-alive", "timeout=5"),
                ("proxy-connection", "keep-alive"),
                ("x-public", "1"),
            ] {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            response
        }
        "/early" => {
            // Closing with unread bytes could reset the connection before the answer is read.
            tokio::spawn(request.into_body().collect());
            let mut response = text("too much");
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            response
        }
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(500)).await;
            text("at last")
        }
        "/moved" => moved(),
        "/moved-late" => {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            moved()
        }
        "/switch" if request.headers().contains_key(header::UPGRADE) => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let upgraded = upgrade.await.expect("the proxy upgrades");
                let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
                let mut chunk = [0; 1024];
                while let Ok(count @ 1..) = read.read(&mut chunk).await {
                    let bytes = chunk.get(..count).expect("as much as was read");
                    write.write_all(bytes).await.expect("the proxy reads");
                }
                let _ = write.shutdown().await;
            });
            let mut response = text("");
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let protocol = request.headers()[header::UPGRADE].clone();
            response.headers_mut().insert(header::UPGRADE, protocol);
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            response
        }
        _ => {
            let _ = request.into_body().collect().await;
            text("hello")
        }
    }
}

fn text(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(Either::Right(Full::new(text.into())))
}

fn moved() -> Response<Body> {
    let mut response = text("");
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/"));
    response
}

/// The request line and the fields, one per line, names in lower case.
fn seen(request: &Request<Incoming>) -> String {
    let mut text = format!("{} {} {:?}\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    }
    text
}
