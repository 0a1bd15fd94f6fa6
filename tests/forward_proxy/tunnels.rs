//! CONNECT and upgrades.

#[cfg(feature = "htpasswd")]
use std::time::{Duration, Instant};
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

#[cfg(feature = "htpasswd")]
use crate::{
    BASIC,
    support::{proxy::Proxy, user_file::UserFile},
};
use crate::{
    open_proxy,
    support::{
        origin::{Origin, closed_port},
        wire::Wire,
    },
};

/// A tunnel ends within this time after its user has been removed from the file.
#[cfg(feature = "htpasswd")]
const ENDS_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test]
async fn tunnels_tls() {
    let (origin, proxy) = (Origin::https(), open_proxy());
    let authority = format!("localhost:{}", origin.address().port());
    let mut wire = Wire::connect(proxy.address());
    let answer = wire.ask(&format!("CONNECT {authority} HTTP/1.1\nHost: {authority}"));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("content-length"), None);
    assert_eq!(answer.field("transfer-encoding"), None);

    let mut roots = RootCertStore::empty();
    roots.add(origin.certificate().der.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = wire.into_stream();
    stream.set_nonblocking(true).unwrap();
    let stream = tokio::net::TcpStream::from_std(stream).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();

    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/").header("host", authority).body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.headers().get("via"), None, "the proxy does not read inside a tunnel");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
}

#[test]
fn accepts_an_http_1_0_connect_without_host() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    let answer = wire.ask(&format!("CONNECT {} HTTP/1.0", origin.address()));
    assert_eq!(answer.status, 200);
    assert_eq!(wire.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
}

#[test]
fn forwards_bytes_sent_right_after_connect() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!(
        "CONNECT {} HTTP/1.1\r\nHost: o\r\n\r\nGET / HTTP/1.1\r\nHost: o\r\n\r\n",
        origin.address()
    ));
    assert_eq!(wire.answer("CONNECT").status, 200);
    assert_eq!(wire.answer("GET").text(), "hello");
}

/// node's `request` sends the length of the later request, and no content.
#[test]
fn bytes_after_a_connect_with_a_length_belong_to_the_tunnel() {
    const GET: &str = "GET / HTTP/1.1\r\nHost: o\r\n\r\n";
    let (origin, proxy) = (Origin::http(), open_proxy());
    for version in ["1.0", "1.1"] {
        for length in [0, 5, GET.len(), 100_000] {
            for early in [0, 3, 5, 10, GET.len()] {
                let case = format!("HTTP/{version}, length {length}, {early} bytes at once");
                let (at_once, later) = GET.split_at(early);
                let mut wire = Wire::connect(proxy.address());
                wire.send(format!(
                    "CONNECT {} HTTP/{version}\r\nHost: o\r\nContent-Length: {length}\r\n\r\n\
                     {at_once}",
                    origin.address()
                ));
                let answer = wire.answer("CONNECT");
                assert_eq!((answer.status, answer.field("connection")), (200, None), "{case}");
                wire.send(later);
                assert_eq!(wire.answer("GET").text(), "hello", "{case}");
                wire.send(GET);
                assert_eq!(wire.answer("GET").text(), "hello", "{case}");
            }
        }
    }
}

/// The tunnel must carry everything, in both directions at a time.
#[test]
fn a_connect_with_a_length_loses_no_byte() {
    const LENGTH: usize = 300_000;
    let proxy = open_proxy();
    let sent: Vec<u8> = (0_u32..LENGTH as u32).flat_map(|n| n.to_be_bytes()).collect();
    for length in [5, 70_000, LENGTH, 100 * LENGTH] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let origin = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).unwrap();
            heard
        });
        let mut wire = Wire::connect(proxy.address());
        wire.send(format!(
            "CONNECT {address} HTTP/1.1\r\nHost: o\r\nContent-Length: {length}\r\n\r\n"
        ));
        wire.send(&sent);
        wire.finish();
        assert_eq!(wire.answer("CONNECT").status, 200, "{length}");
        assert!(origin.join().unwrap() == sent, "{length}");
    }
}

#[cfg(feature = "htpasswd")]
#[test]
fn a_tunnel_ends_when_its_user_is_removed() {
    // The password is wonder.
    let alice = "alice:{SHA}w3QkzGJswDXW5OKZHAJw0FELjfM=\n";
    let file = UserFile::new(format!("{alice}bob:{{SHA}}w3QkzGJswDXW5OKZHAJw0FELjfM=\n"));
    let path = file.path().display().to_string();
    let proxy = Proxy::start(&["--htpasswd", &path, "--htpasswd-allow", "sha"]);
    let origin = Origin::http();
    let open = |credentials: &str| {
        let mut wire = Wire::connect(proxy.address());
        let head = format!("CONNECT {} HTTP/1.1\nHost: o", origin.address());
        assert_eq!(wire.login(&head, credentials).status, 200);
        assert_eq!(wire.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
        wire
    };
    let (mut of_alice, mut of_bob) = (open(BASIC), open("Basic Ym9iOndvbmRlcg=="));
    file.replace(alice);
    let start = Instant::now();
    assert_eq!(of_bob.rest(), b"");
    assert!(start.elapsed() < ENDS_WITHIN, "{:?}", start.elapsed());
    assert_eq!(of_alice.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
}

#[test]
fn keeps_the_other_direction_of_a_tunnel_open() {
    let proxy = open_proxy();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let origin = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        stream.write_all(&[b'y'; 1_000_000]).unwrap();
        heard
    });
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.ask(&format!("CONNECT {address} HTTP/1.1\nHost: o")).status, 200);
    wire.send(vec![b'x'; 1_000_000]);
    wire.finish();
    assert_eq!(wire.rest().len(), 1_000_000);
    assert_eq!(origin.join().unwrap().len(), 1_000_000);
}

#[tokio::test]
async fn tunnels_over_http_2() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let stream = tokio::net::TcpStream::connect(proxy.address()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    // A failure between two tunnels does not affect the connection.
    for (target, status) in [
        (origin.address().to_string(), 200),
        (closed_port().to_string(), 502),
        ("o.example:0".to_owned(), 400),
        (origin.address().to_string(), 200),
    ] {
        let request = Request::builder()
            .method(Method::CONNECT)
            .uri(&target)
            .body(Empty::<Bytes>::new())
            .unwrap();
        let mut response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), status, "{target}");
        if status != 200 {
            let reason = response.into_body().collect().await.unwrap().to_bytes();
            assert!(reason.starts_with(status.to_string().as_bytes()), "{reason:?}");
            continue;
        }
        let mut tunnel = TokioIo::new(hyper::upgrade::on(&mut response).await.unwrap());
        let request = b"GET / HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n";
        tunnel.write_all(request).await.unwrap();
        let mut answer = String::new();
        tunnel.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    }
}

#[test]
fn regression_does_not_relay_an_upgrade_with_a_body() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!(
        "POST {} HTTP/1.1\r\nHost: o\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Content-Length: 5\r\n\r\nhel",
        origin.url("/switch")
    ));
    // The origin would answer 101 at once; now it waits for the rest of the body.
    wire.send("lo");
    let answer = wire.answer("POST");
    assert_eq!((answer.status, answer.text()), (200, "hello"));
}

#[test]
fn relays_an_upgrade() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!(
        "GET {} HTTP/1.1\r\nHost: o\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly",
        origin.url("/switch")
    ));
    let answer = wire.answer("GET");
    assert_eq!(answer.status, 101);
    assert_eq!(answer.field("upgrade").as_deref(), Some("websocket"));
    assert_eq!(answer.field("connection").as_deref(), Some("upgrade"));
    assert_eq!(wire.exactly(5), b"early");
    wire.send("later");
    wire.finish();
    assert_eq!(wire.rest(), b"later");
}

#[test]
fn removes_an_upgrade_that_it_does_not_relay() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    for fields in [
        "Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABk",
        "Upgrade: websocket",
    ] {
        let mut wire = Wire::connect(proxy.address());
        let url = origin.url("/seen");
        let answer = wire.ask(&format!("GET {url} HTTP/1.1\nHost: o\n{fields}"));
        assert_eq!(answer.status, 200, "{fields}");
        let seen = answer.text();
        assert!(!seen.contains("upgrade") && !seen.contains("http2-settings"), "{seen}");
    }
}

#[test]
fn lets_an_origin_decline_an_upgrade() {
    let (origin, proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    let url = origin.url("/");
    let head = format!("GET {url} HTTP/1.1\nHost: o\nConnection: upgrade\nUpgrade: websocket");
    assert_eq!(wire.ask(&head).text(), "hello");
    assert_eq!(wire.ask(&format!("GET {url} HTTP/1.1\nHost: o")).text(), "hello");
}
