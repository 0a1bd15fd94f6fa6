//! libsoup 3 with the offer that the guide recommends. The proxy runs in the process of the test.

use std::{convert::Infallible, net::SocketAddr, sync::mpsc, thread};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::{body::Incoming, server::conn::http1, upgrade};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceBuilder;
use tower_proxy_auth::{
    Authenticator, ProxyAuthLayer, Realm, RequestHead, Users, authenticator::Offer,
};

use crate::{programs::output, support::origin::Origin};

/// Gets the URL of the second argument through the proxy of the first, and prints status and body.
const SCRIPT: &str = "
import sys, gi
gi.require_version('Soup', '3.0')
from gi.repository import Gio, Soup
proxy, url = sys.argv[1:]
session = Soup.Session(timeout=10, proxy_resolver=Gio.SimpleProxyResolver.new(proxy, None))
message = Soup.Message.new('GET', url)
message.connect('accept-certificate', lambda *_: True)
def authenticate(message, auth, retrying):
    if not retrying:
        auth.authenticate('alice', 'wonder')
    return not retrying
message.connect('authenticate', authenticate)
body = session.send_and_read(message, None).get_data()
print(int(message.get_status()), body.decode(), end='')
";

/// The system's Python, which has the bindings.
const PYTHON: &str = "/usr/bin/python3";

/// Starts a proxy for CONNECT.
fn start(offer_of: fn(&RequestHead<'_>) -> Offer) -> SocketAddr {
    let realm = Realm::new("proxy").unwrap();
    let users = Users::new(&realm).with_user("alice", "wonder").unwrap();
    let auth = Authenticator::builder(realm).with_digest(users.clone()).with_basic(users);
    let layer = ProxyAuthLayer::new(auth.with_offer_of(offer_of).build().unwrap());
    let service = ServiceBuilder::new().layer(layer).service_fn(tunnel);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = TowerToHyperService::new(service.clone());
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection.with_upgrades());
            }
        });
    });
    told.recv().unwrap()
}

async fn tunnel(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    tokio::spawn(async move {
        let authority = request.uri().authority().unwrap().to_string();
        let mut origin = TcpStream::connect(authority).await.unwrap();
        let mut client = TokioIo::new(upgrade::on(request).await.unwrap());
        // It ends with an error if one side is closed.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut origin).await;
    });
    Ok(Response::new(Empty::new()))
}

#[test]
#[ignore = "needs libsoup 3 with its bindings for Python"]
fn logs_in_to_a_tunnel_if_basic_alone_is_offered_there() {
    let origin = Origin::https();
    let url = origin.url("/");
    let get = |proxy: SocketAddr| {
        output(PYTHON, &["-c", SCRIPT, &format!("http://{proxy}"), &url], &[], "")
    };
    let basic_for_tunnels = |head: &RequestHead<'_>| match head.is_tunnel() {
        true => Offer::only("Basic"),
        false => Offer::all(),
    };
    assert_eq!(get(start(basic_for_tunnels)), "200 hello");
    assert_eq!(origin.requests(), 1);
    // It hashes the path of the later request.
    assert_eq!(get(start(|_| Offer::all())), "400 ");
    assert_eq!(origin.requests(), 1);
}
