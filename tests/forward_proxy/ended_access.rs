//! The access of users ends while they use the proxy.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, header::PROXY_AUTHORIZATION};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::support::{
    proxy::Proxy,
    slapd::{GROUPS, PEOPLE, SERVICE, Setup, Slapd, dn_of},
    streams::{PausingOrigin, Streams},
    user_file::{UserFile, wait_until},
    wire::basic,
};

/// The access ends within this time after a file has changed.
const OF_FILES: Duration = Duration::from_millis(2_500);

/// The access ends within this time after a directory has changed: the interval and two seconds.
const OF_OTHERS: Duration = Duration::from_secs(3);

const USERS: &str = "alice:wonder\nbob:builder\n";
const BOB_ALONE: &str = "bob:builder\n";

fn proxy_with_file(file: &UserFile) -> Proxy {
    let path = file.path().display().to_string();
    Proxy::start(&["--htpasswd", &path, "--htpasswd-allow", "plain"])
}

#[test]
fn removal_from_a_file_ends_tunnels_and_streams_of_that_user_alone() {
    let (file, origin) = (UserFile::new(USERS), PausingOrigin::start());
    let proxy = proxy_with_file(&file);
    let [alice, bob] =
        ["alice:wonder", "bob:builder"].map(|user_pass| Streams::open(&proxy, &origin, user_pass));
    file.replace(BOB_ALONE);
    let took = alice.end();
    assert!(took < OF_FILES, "{took:?}");
    origin.resume();
    bob.finish();
}

type Sender = SendRequest<Empty<Bytes>>;

async fn send(
    sender: &mut Sender,
    method: Method,
    target: &str,
    user_pass: &str,
) -> http::Response<hyper::body::Incoming> {
    let request = Request::builder().method(method).uri(target);
    let request = request.header(PROXY_AUTHORIZATION, basic(user_pass)).body(Empty::new());
    sender.send_request(request.unwrap()).await.unwrap()
}

/// The first five bytes of a body, and the rest of it.
async fn download(
    sender: &mut Sender,
    origin: &PausingOrigin,
    user_pass: &str,
) -> hyper::body::Incoming {
    let url = format!("http://{}/length", origin.address());
    let mut body = send(sender, Method::GET, &url, user_pass).await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
    body
}

async fn tunnel(
    sender: &mut Sender,
    origin: &PausingOrigin,
    user_pass: &str,
) -> TokioIo<hyper::upgrade::Upgraded> {
    let target = origin.address().to_string();
    let mut response = send(sender, Method::CONNECT, &target, user_pass).await;
    assert_eq!(response.status(), 200);
    let mut tunnel = TokioIo::new(hyper::upgrade::on(&mut response).await.unwrap());
    tunnel.write_all(b"GET /length HTTP/1.1\r\n\r\n").await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"first") {
        seen.push(tunnel.read_u8().await.unwrap());
    }
    tunnel
}

#[tokio::test]
async fn two_users_on_one_http_2_connection_end_separately() {
    let (file, origin) = (UserFile::new(USERS), PausingOrigin::start());
    let proxy = proxy_with_file(&file);
    let stream = tokio::net::TcpStream::connect(proxy.address()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let (alice, bob) = ("alice:wonder", "bob:builder");
    let mut downloads =
        [download(&mut sender, &origin, alice).await, download(&mut sender, &origin, bob).await];
    let mut tunnels =
        [tunnel(&mut sender, &origin, alice).await, tunnel(&mut sender, &origin, bob).await];
    let silent = format!("http://{}/silent", origin.address());
    let mut other = sender.clone();
    let waiting = tokio::spawn(async move { send(&mut other, Method::GET, &silent, alice).await });
    while origin.requests() < 5 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    file.replace(BOB_ALONE);
    let start = Instant::now();
    let end = timeout(OF_FILES, downloads[0].frame()).await.expect("it ends");
    assert!(end.expect("not as if it were complete").is_err());
    let mut rest = Vec::new();
    let _ = timeout(OF_FILES, tunnels[0].read_to_end(&mut rest)).await.expect("it ends");
    assert_eq!(rest, b"");
    let response = timeout(OF_FILES, waiting).await.expect("it ends").unwrap();
    assert_eq!(response.status(), 503);
    assert!(start.elapsed() < OF_FILES, "{:?}", start.elapsed());

    origin.resume();
    assert_eq!(downloads[1].frame().await.unwrap().unwrap().into_data().unwrap(), "later");
    let mut later = [0; 5];
    tunnels[1].read_exact(&mut later).await.unwrap();
    assert_eq!(&later, b"later");
    let response = send(&mut sender, Method::GET, "http://o.example:0/", alice).await;
    assert_eq!(response.status(), 407);
    let response = send(&mut sender, Method::CONNECT, &origin.address().to_string(), bob).await;
    assert_eq!(response.status(), 200);
}

#[test]
fn sighup_reads_the_files_again() {
    let file = UserFile::new(USERS);
    let proxy = proxy_with_file(&file);
    proxy.hang_up();
    wait_until(|| proxy.stderr().contains("SIGHUP: the files of users are read again"));
    let origin = PausingOrigin::start();
    let alice = Streams::open(&proxy, &origin, "alice:wonder");
    file.replace(BOB_ALONE);
    proxy.hang_up();
    let took = alice.end();
    assert!(took < OF_FILES, "{took:?}");
    wait_until(|| proxy.stderr().contains("--htpasswd reloaded"));
}

/// A proxy with users of a directory, who are re-checked every second.
fn proxy_with_directory(slapd: &Slapd, secret: &UserFile, more: &[&str]) -> Proxy {
    let (url, secret) = (slapd.url(), secret.path().display().to_string());
    let options = [
        ["--ldap", &url],
        ["--ldap-base", PEOPLE],
        ["--ldap-bind-dn", SERVICE.0],
        ["--ldap-password-file", &secret],
        ["--recheck", "1"],
    ];
    let options = [options.concat(), vec!["--insecure-ldap-plaintext"], more.to_vec()].concat();
    Proxy::start(&options)
}

fn people() -> Setup {
    Setup::new().user("alice", "wonder").user("bob", "builder").passwords_readable()
}

#[test]
#[ignore = "needs slapd"]
fn removal_from_a_directory_ends_tunnels_and_streams_of_that_user_alone() {
    let (slapd, secret) = (people().start(), UserFile::new(SERVICE.1));
    let (proxy, origin) = (proxy_with_directory(&slapd, &secret, &[]), PausingOrigin::start());
    let [alice, bob] =
        ["alice:wonder", "bob:builder"].map(|user_pass| Streams::open(&proxy, &origin, user_pass));
    slapd.delete("alice");
    let took = alice.end();
    assert!(took < OF_OTHERS, "{took:?}");
    wait_until(|| proxy.stderr().contains("access ended users=alice count=1"));
    // Further re-checks find nothing new.
    wait_until(|| proxy.stderr().matches("re-checked checked=1").count() >= 2);
    origin.resume();
    bob.finish();
    assert_eq!(proxy.stderr().matches("access ended").count(), 1);
}

#[test]
#[ignore = "needs slapd"]
fn a_changed_entry_of_a_directory_ends_access() {
    type Change = fn(&Slapd);
    let table: [(&str, Change, &[&str]); 4] = [
        ("password", |slapd| slapd.set_password("alice", "changed"), &[]),
        (
            "any change",
            |slapd| slapd.modify(&dn_of("alice"), "replace: sn\nsn: Liddell"),
            &["--ldap-change-attribute", "entryCSN"],
        ),
        (
            "group",
            |slapd| {
                let dn = dn_of("alice");
                slapd.modify(
                    &format!("cn=staff,{GROUPS}"),
                    &format!("delete: member\nmember: {dn}"),
                );
            },
            &["--ldap-groups", "memberOf"],
        ),
        (
            "required group",
            |slapd| {
                let dn = dn_of("alice");
                slapd.modify(
                    &format!("cn=staff,{GROUPS}"),
                    &format!("delete: member\nmember: {dn}"),
                );
            },
            &["--ldap-groups", "memberOf", "--ldap-required-group", STAFF],
        ),
    ];
    const STAFF: &str = "cn=staff,ou=groups,dc=example,dc=org";
    for (name, change, options) in table {
        let (alice, bob) = (dn_of("alice"), dn_of("bob"));
        let members = [
            ("objectClass", "groupOfNames"),
            ("cn", "staff"),
            ("member", &*alice),
            ("member", &*bob),
        ];
        let slapd = people().option("overlay memberof").start();
        slapd.add(STAFF, &members);
        let secret = UserFile::new(SERVICE.1);
        let proxy = proxy_with_directory(&slapd, &secret, options);
        let origin = PausingOrigin::start();
        let [alice, bob] = ["alice:wonder", "bob:builder"]
            .map(|user_pass| Streams::open(&proxy, &origin, user_pass));
        change(&slapd);
        let took = alice.end();
        assert!(took < OF_OTHERS, "{name}: {took:?}");
        origin.resume();
        bob.finish();
    }
}

#[test]
#[ignore = "needs slapd"]
fn an_outage_of_a_directory_ends_no_tunnel() {
    let (slapd, secret) = (people().start(), UserFile::new(SERVICE.1));
    let (proxy, origin) = (proxy_with_directory(&slapd, &secret, &[]), PausingOrigin::start());
    let [alice, bob] =
        ["alice:wonder", "bob:builder"].map(|user_pass| Streams::open(&proxy, &origin, user_pass));
    slapd.kill();
    wait_until(|| proxy.stderr().matches("--recheck: 2 users were not looked up").count() >= 3);
    slapd.restart();
    slapd.delete("bob");
    // After its rest, the server is tried again.
    bob.end();
    origin.resume();
    alice.finish();
}

#[test]
#[ignore = "needs slapd"]
fn warns_once_about_users_who_cannot_be_looked_up() {
    let slapd = people().start();
    let (url, template) = (slapd.url(), format!("uid={{user}},{PEOPLE}"));
    let options = ["--ldap", &url, "--insecure-ldap-plaintext", "--ldap-dn", &template];
    let proxy = Proxy::start(&[&options[..], &["--recheck", "1"]].concat());
    let origin = PausingOrigin::start();
    let alice = Streams::open(&proxy, &origin, "alice:wonder");
    wait_until(|| proxy.stderr().matches("re-checked checked=0").count() >= 3);
    let warning = "--recheck: a source cannot look up users without a password";
    assert_eq!(proxy.stderr().matches(warning).count(), 1, "{}", proxy.stderr());
    origin.resume();
    alice.finish();
}
