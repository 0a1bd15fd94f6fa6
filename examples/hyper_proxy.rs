//! A complete forward proxy on hyper: absolute-form requests, CONNECT, HTTP/1 and 2, and TLS towards
//! the client.
//!
//!     cargo run --example hyper_proxy [ADDRESS [CERTIFICATE.pem KEY.pem]]
//!     curl --proxy-anyauth -U alice:wonder -x http://127.0.0.1:PORT http://example.org/
//!
//! With a certificate for `localhost`: `curl --proxy-cacert CERTIFICATE.pem -x https://localhost:PORT`.

use std::{env, error::Error, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
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
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};
use tower::{ServiceBuilder, service_fn};
use tower_proxy_auth::{Authenticator, Identity, ProxyAuthLayer, Realm, UserId, Users};

/// How long the proxy waits for a TLS handshake, a request head, a connection or a response.
const LIMIT: Duration = Duration::from_secs(30);

type BoxError = Box<dyn Error + Send + Sync>;
type HttpClient = Client<HttpConnector, Incoming>;
type ProxyResponse = Response<Either<Incoming, Full<Bytes>>>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
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
    let client = Client::builder(TokioExecutor::new()).build_http();

    let listener =
        TcpListener::bind(&address).await.map_err(|error| format!("{address}: {error}"))?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    println!("listening on {scheme}://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Usually, too many files are open.
                eprintln!("cannot accept a connection: {error}");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (client, tls, layer) = (client.clone(), tls.clone(), ProxyAuthLayer::new(auth.clone()));
        tokio::spawn(async move {
            let result = match tls {
                None => serve(stream, peer, client, layer).await,
                Some(tls) => match timeout(LIMIT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve(stream, peer, client, layer).await,
                    Ok(Err(error)) => Err(error.into()),
                    Err(elapsed) => Err(elapsed.into()),
                },
            };
            if let Err(error) = result {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

fn tls(certificate: &str, key: &str) -> Result<TlsAcceptor, BoxError> {
    let certificates = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| format!("{certificate}: {error}"))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("{key}: {error}"))?;
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    client: HttpClient,
    layer: ProxyAuthLayer,
) -> Result<(), BoxError> {
    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request<Incoming>| {
            // The layer takes the address of the peer from here.
            request.extensions_mut().insert(peer);
            request
        })
        .layer(layer)
        .service(service_fn(move |request| forward(request, peer, client.clone())));
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
    let Some(identity) = request.extensions().get::<Identity>().cloned() else {
        return Err("the request has not passed the layer".into());
    };
    let user = identity.user().map_or("-", UserId::as_str);
    println!("{peer} {user:?} {} {}", request.method(), request.uri().host().unwrap_or("-"));
    if request.method() == Method::CONNECT {
        return Ok(connect(request, identity).await);
    }
    if request.uri().authority().is_none() {
        return Ok(text(StatusCode::BAD_REQUEST, "this is a proxy: name a host\n"));
    }
    remove_hop_by_hop(request.headers_mut());
    *request.version_mut() = http::Version::HTTP_11;
    Ok(match timeout(LIMIT, client.request(request)).await {
        Ok(Ok(mut response)) => {
            remove_hop_by_hop(response.headers_mut());
            response.map(Either::Left)
        }
        Ok(Err(error)) => text(StatusCode::BAD_GATEWAY, &format!("{error}\n")),
        Err(_) => text(StatusCode::GATEWAY_TIMEOUT, "the origin does not answer\n"),
    })
}

/// Opens a tunnel. Its bytes follow the response.
async fn connect(request: Request<Incoming>, identity: Identity) -> ProxyResponse {
    let Some(target) = request.uri().authority().map(ToString::to_string) else {
        return text(StatusCode::BAD_REQUEST, "CONNECT needs a host and a port\n");
    };
    let mut origin = match timeout(LIMIT, TcpStream::connect(&target)).await {
        Ok(Ok(origin)) => origin,
        Ok(Err(error)) => return text(StatusCode::BAD_GATEWAY, &format!("{error}\n")),
        Err(_) => return text(StatusCode::GATEWAY_TIMEOUT, "the origin does not answer\n"),
    };
    tokio::spawn(async move {
        let tunnel = async {
            let mut client = TokioIo::new(hyper::upgrade::on(request).await?);
            copy_bidirectional(&mut client, &mut origin).await?;
            Ok::<_, BoxError>(())
        };
        tokio::select! {
            result = tunnel => if let Err(error) = result {
                eprintln!("tunnel to {target}: {error}");
            },
            // The user was removed or has a new password.
            () = identity.revoked() => {}
        }
    });
    Response::new(Either::Right(Full::default()))
}

/// Removes the fields that are for one connection only, RFC 9110, section 7.6.1.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<_> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(|name| name.trim().to_owned()))
        .collect();
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
