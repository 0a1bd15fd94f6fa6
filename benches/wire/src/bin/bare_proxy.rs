//! The smallest fair forward proxy on hyper, as the baseline: alone, with `ProxyAuthLayer` around
//! it, or answering with a fixed 407 itself.
//!
//! It forwards requests in absolute form over pooled connections and removes hop-by-hop fields,
//! including `Proxy-Authorization`. It has no CONNECT, no log, no limits and no timeouts.

use std::{
    convert::Infallible,
    error::Error,
    future::{Ready, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use clap::Parser;
use futures_util::{TryFutureExt, future::MapOk};
use http::{HeaderMap, HeaderName, Request, Response, header};
use http_body_util::Full;
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
};
use hyper_util::{
    client::legacy::{self, Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::{Layer, Service};
use wire::auth::{Protection, refusal};

/// The hop-by-hop fields that are always removed, in addition to those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    protection: Protection,
    /// Answer every request with a prepared copy of the layer's 407, without the layer.
    #[arg(long)]
    answer_407: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let forward = Forward::new();
    match options.protection.layer()? {
        Some(layer) if options.answer_407 => {
            let answer = refusal(&layer).await.map(Full::new);
            serve(listener, Refuse { answer }).await
        }
        None if options.answer_407 => Err("--answer-407 needs --auth".into()),
        Some(layer) => serve(listener, layer.layer(forward)).await,
        None => serve(listener, forward).await,
    }
}

async fn serve<S, B>(listener: TcpListener, service: S) -> Result<(), Box<dyn Error>>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Error + Send + Sync,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Error + Send + Sync> + Send + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("{error}");
            }
        });
    }
}

/// Forwards requests. A failure closes the connection, which is an error for the load generator.
#[derive(Clone, Debug)]
struct Forward {
    client: Client<HttpConnector, Incoming>,
}

impl Forward {
    fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector) }
    }
}

impl Service<Request<Incoming>> for Forward {
    type Response = Response<Incoming>;
    type Error = legacy::Error;
    type Future = MapOk<legacy::ResponseFuture, fn(Response<Incoming>) -> Response<Incoming>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        remove_hop_by_hop(request.headers_mut());
        self.client.request(request).map_ok(|mut response| {
            remove_hop_by_hop(response.headers_mut());
            response
        })
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if let Some(named) = headers.remove(header::CONNECTION)
        && let Ok(named) = named.to_str()
    {
        for name in named.split(',') {
            headers.remove(name.trim());
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Refuses every request at the least possible cost: nothing is parsed or computed.
#[derive(Clone, Debug)]
struct Refuse {
    answer: Response<Full<Bytes>>,
}

impl Service<Request<Incoming>> for Refuse {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Incoming>) -> Self::Future {
        let mut response = Response::new(self.answer.body().clone());
        *response.status_mut() = self.answer.status();
        response.headers_mut().clone_from(self.answer.headers());
        ready(Ok(response))
    }
}
