//! The limit of open files, and clients that need many.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{net::TcpSocket, runtime::Builder, task::JoinSet, time::timeout};

use crate::{
    BASIC,
    support::{origin::Origin, proxy::Proxy, wire::Wire},
};

const BOB: &str = "Basic Ym9iOmJ1aWxkZXI=";

/// How long a user waits at most.
const SOON: Duration = Duration::from_secs(3);

/// The descriptors that this process needs for both ends of all connections.
const OPEN_FILES: u64 = 8_192;

/// A connection to `address` from 127.0.0.`host`.
fn connect_from(host: u8, address: SocketAddr) -> Wire {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
        socket.connect(address).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    Wire::new(stream)
}

/// Lets this process open [`OPEN_FILES`].
#[track_caller]
fn open_many_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    assert!(maximum.is_none_or(|maximum| maximum >= OPEN_FILES), "this test opens many files");
    setrlimit(Resource::Nofile, Rlimit { current: Some(OPEN_FILES), maximum }).unwrap();
}

const USERS: [&str; 4] = ["--user", "alice:wonder", "--user", "bob:builder"];

/// A proxy of alice and bob, with 1,100 idle connections and as many of 600 tunnels of alice as it
/// allows.
fn crowded(limit: &str, origin: &Origin) -> (Proxy, Vec<Wire>, Vec<Wire>) {
    open_many_files();
    let proxy = Proxy::start_with_ulimit(limit, &USERS);
    let idle = (0..1_100).map(|_| connect_from(1, proxy.address())).collect();
    let connect = format!("CONNECT {} HTTP/1.1\nHost: o", origin.address());
    let mut tunnels = Vec::new();
    for _ in 0..600 {
        let mut wire = connect_from(3, proxy.address());
        match wire.login(&connect, BASIC).status {
            200 => tunnels.push(wire),
            status => assert_eq!(status, 503),
        }
    }
    (proxy, idle, tunnels)
}

#[track_caller]
fn serves_bob(proxy: &Proxy, origin: &Origin) {
    let start = Instant::now();
    let mut wire = connect_from(2, proxy.address());
    let get = format!("GET {} HTTP/1.1\nHost: o", origin.url("/"));
    assert_eq!(wire.login(&get, BOB).text(), "hello");
    let connect = format!("CONNECT {} HTTP/1.1\nHost: o", origin.address());
    assert_eq!(wire.login(&connect, BOB).status, 200);
    assert_eq!(wire.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[test]
fn a_low_soft_limit_of_open_files_is_raised() {
    let origin = Origin::http();
    let (proxy, _idle, mut tunnels) = crowded("-Sn 1024", &origin);
    assert_eq!(tunnels.len(), 600);
    serves_bob(&proxy, &origin);
    for tunnel in &mut tunnels {
        assert_eq!(tunnel.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
    }
}

#[test]
fn a_low_hard_limit_of_open_files_is_shared_fairly() {
    let origin = Origin::http();
    let (proxy, _idle, mut tunnels) = crowded("-n 1024", &origin);
    assert!((100..600).contains(&tunnels.len()), "{}", tunnels.len());
    serves_bob(&proxy, &origin);
    for tunnel in &mut tunnels {
        assert_eq!(tunnel.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
    }
    assert!(!proxy.stderr().contains("cannot accept connections"), "{}", proxy.stderr());
}

#[test]
fn regression_connections_kept_for_many_origins_leave_descriptors_for_others() {
    open_many_files();
    let (origin, proxy) = (Origin::http(), Proxy::start_with_ulimit("-n 1024", &USERS));
    let mut wire = connect_from(3, proxy.address());
    let mut kept = Vec::new();
    for number in 0..1_100 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let get = format!("GET http://{}/ HTTP/1.1\nHost: o", listener.local_addr().unwrap());
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert_ne!(stream.read(&mut [0; 4_096]).unwrap(), 0);
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            stream
        });
        assert_eq!(wire.login(&get, BASIC).status, 204, "{number}");
        kept.push(answering.join().unwrap());
    }
    serves_bob(&proxy, &origin);
}

#[test]
fn regression_http_2_requests_of_one_user_leave_descriptors_for_others() {
    open_many_files();
    let (origin, proxy) = (Origin::http(), Proxy::start_with_ulimit("-n 1024", &USERS));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    thread::spawn(move || silent.incoming().collect::<Vec<_>>());

    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut requests = JoinSet::new();
    let answered = runtime.block_on(async {
        for _ in 0..10 {
            let stream = tokio::net::TcpStream::connect(proxy.address()).await.unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                    .await
                    .unwrap();
            tokio::spawn(connection);
            for _ in 0..100 {
                let request = Request::get(&url).header("proxy-authorization", BASIC);
                sender.ready().await.unwrap();
                requests.spawn(sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()));
            }
        }
        let mut answered = Vec::new();
        while let Ok(Some(answer)) = timeout(SOON, requests.join_next()).await {
            answered.push(answer.unwrap().unwrap().status().as_u16());
        }
        answered
    });
    serves_bob(&proxy, &origin);
    assert!(!proxy.stderr().contains("cannot accept connections"), "{}", proxy.stderr());
    assert!(!answered.is_empty() && answered.iter().all(|&status| status == 503), "{answered:?}");
}
