//! A complete forward proxy on hyper: absolute-form requests and CONNECT, over HTTP/1 and 2, with
//! or without TLS.
//!
//!     cargo run --example hyper_proxy [ADDRESS [CERTIFICATE.pem KEY.pem]]
//!     curl --proxy-anyauth -U alice:wonder -x http://127.0.0.1:PORT http://example.org/
//!
//! With a certificate for `localhost`:
//!
//!     curl --proxy-cacert CERTIFICATE.pem -U alice:wonder -x https://localhost:PORT http://example.org

use std::{env, error::Error, iter, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, header};
use http_body_util::{Either, Full};
use hyper::{body::Incoming, upgrade};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::pem::PemObject},
};
use tower::ServiceBuilder;
use tower_proxy_auth::{Authenticator, Identity, ProxyAuthLayer, Realm, UserId, Users};

/// How long the proxy waits for a TLS handshake, a request head, a connection or a response.
const LIMIT: Duration = Duration::from_secs(30);

type BoxError = Box<dyn Error + Send + Sync>;
type HttpClient = Client<HttpConnector, Incoming>;
type ProxyResponse = Response<Either<Incoming, Full<Bytes>>>;

/// A connection with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run().await else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    for cause in iter::successors(error.source(), |&cause| cause.source()) {
        eprintln!("caused by: {cause}");
    }
    ExitCode::from(2)
}

async fn run() -> Result<(), BoxError> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let tls = match (arguments.next(), arguments.next()) {
        (Some(certificate), Some(key)) => Some(tls(&certificate, &key)?),
        (None, _) => None,
        (Some(_), None) => return Err("name the file of the key after the certificate".into()),
    };

    let realm = Realm::new("corp proxy")?;
    let users = Users::new(&realm).with_user("alice", "wonder")?;
    let auth =
        Authenticator::builder(realm).with_digest(users.clone()).with_basic(users).build()?;
    let layer = ProxyAuthLayer::new(auth);
    let client = Client::builder(TokioExecutor::new()).build_http();

    let listener =
        TcpListener::bind(&address).await.map_err(|error| format!("{address}: {error}"))?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    println!("listening on {scheme}://{}", listener.local_addr()?);
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Usually, too many files are open.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (tls, layer, client) = (tls.clone(), layer.clone(), client.clone());
        tokio::spawn(async move {
            if let Err(error) = serve(stream, peer, tls, layer, client).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

fn tls(certificate: &str, key: &str) -> Result<TlsAcceptor, BoxError> {
    let certificates = PemObject::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| format!("{certificate}: {error}"))?;
    let key = PemObject::from_pem_file(key).map_err(|error| format!("{key}: {error}"))?;
    // Names the crypto provider, because dependencies can add another one.
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    layer: ProxyAuthLayer,
    client: HttpClient,
) -> Result<(), BoxError> {
    let stream: Box<dyn Stream> = match tls {
        Some(tls) => Box::new(timeout(LIMIT, tls.accept(stream)).await??),
        None => Box::new(stream),
    };
    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request<Incoming>| {
            // The layer takes the address of the peer from here.
            request.extensions_mut().insert(peer);
            request
        })
        .layer(layer)
        .service_fn(move |request| forward(request, peer, client.clone()));
    let mut server = auto::Builder::new(TokioExecutor::new());
    // Some old clients expect the traditional case of field names.
    server.http1().timer(TokioTimer::new()).header_read_timeout(LIMIT).title_case_headers(true);
    let service = TowerToHyperService::new(service);
    server.serve_connection_with_upgrades(TokioIo::new(stream), service).await
}

async fn forward(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    client: HttpClient,
) -> Result<ProxyResponse, BoxError> {
    let identity = request.extensions().get::<Identity>().cloned().ok_or("no identity")?;
    let user = identity.user().map_or("-", UserId::as_str);
    println!("{peer} {user:?} {} {}", request.method(), request.uri().host().unwrap_or("-"));
    let Some(authority) = request.uri().authority().cloned() else {
        return Ok(text(StatusCode::BAD_REQUEST, "this is a proxy: the target must have a host\n"));
    };
    if request.method() == Method::CONNECT {
        return Ok(match timeout(LIMIT, TcpStream::connect(authority.as_str())).await {
            Ok(Ok(origin)) => {
                tokio::spawn(tunnel(request, origin, identity));
                text(StatusCode::OK, "")
            }
            Ok(Err(error)) => text(StatusCode::BAD_GATEWAY, &format!("{error}\n")),
            Err(_) => text(StatusCode::GATEWAY_TIMEOUT, "the origin does not answer\n"),
        });
    }
    remove_hop_by_hop(request.headers_mut());
    *request.version_mut() = Version::HTTP_11;
    Ok(match timeout(LIMIT, client.request(request)).await {
        Ok(Ok(mut response)) => {
            remove_hop_by_hop(response.headers_mut());
            response.map(Either::Left)
        }
        Ok(Err(error)) => text(StatusCode::BAD_GATEWAY, &format!("{error}\n")),
        Err(_) => text(StatusCode::GATEWAY_TIMEOUT, "the origin does not answer\n"),
    })
}

/// Copies in both directions until one side fails, both have finished, or the user's access ends.
async fn tunnel(request: Request<Incoming>, mut origin: TcpStream, identity: Identity) {
    let Ok(client) = upgrade::on(request).await else { return };
    let mut client = TokioIo::new(client);
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut origin) => {}
        () = identity.revoked() => {}
    }
}

/// Removes the fields that are for one connection only: RFC 9110, section 7.6.1.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let listed: Vec<String> =
        lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_owned()).collect();
    let known =
        ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];
    for name in listed.iter().map(String::as_str).chain(known) {
        headers.remove(name);
    }
}

fn text(status: StatusCode, body: &str) -> ProxyResponse {
    let mut response = Response::new(Either::Right(Full::from(body.to_owned())));
    *response.status_mut() = status;
    response
}
