//! Clients other than curl, with the options that the guide names for them.
//!
//! All of them read only the first Digest challenge, and support only MD5.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    proxy_of_alice,
    support::{certificates, origin::Origin, proxy::Proxy},
};

/// The longest that a program may take.
const LIMIT: Duration = Duration::from_secs(20);

#[track_caller]
fn proxy_with_md5_first() -> Proxy {
    proxy_of_alice(&["--scheme", "digest", "--algorithm", "md5", "--algorithm", "sha-256"])
}

/// A program that is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program with `input`, and returns its standard output.
#[track_caller]
pub(crate) fn output(
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
    input: &str,
) -> String {
    let home = TempDir::new().expect("a folder can be made");
    let limit = LIMIT.as_secs().to_string();
    let mut child = Command::new("timeout")
        .args([&limit, program])
        .args(arguments)
        .envs(environment.iter().copied())
        // No settings of the person who runs the test.
        .env("HOME", home.path())
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("timeout can be run");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(input.as_bytes()).expect("the program reads its input");
    drop(stdin);
    let output = child.wait_with_output().expect("the output can be read");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{stderr}", output.status);
    String::from_utf8(output.stdout).expect("the program prints text")
}

#[test]
#[ignore = "needs openvpn"]
fn openvpn_opens_a_tunnel() {
    let folder = TempDir::new().unwrap();
    certificates::write(folder.path(), &["vpn.example.org".to_owned()]);
    fs::write(folder.path().join("login"), "alice\nwonder\n").unwrap();

    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let (proxy, vpn) = (proxy_with_md5_first(), server.local_addr().unwrap());
    let port = |address: SocketAddr| address.port().to_string();
    let program = Command::new("openvpn")
        .current_dir(folder.path())
        .args(["--client", "--dev", "null", "--proto", "tcp-client", "--nobind"])
        .args(["--ca", "authority.pem", "--cert", "server.pem", "--key", "key.pem"])
        .args(["--remote", "127.0.0.1", &port(vpn), "--connect-retry-max", "3"])
        .args(["--http-proxy", "127.0.0.1", &port(proxy.address()), "auto"])
        .args(["--http-proxy-user-pass", "login"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openvpn can be run");
    let mut program = Running(program);
    let mut log = String::new();
    let first = accept(&server);
    if first.is_none() {
        let _ = program.0.kill();
        program.0.stdout.take().unwrap().read_to_string(&mut log).unwrap();
    }
    let first = first.unwrap_or_else(|| panic!("no connection: {log}"));
    // The length of a packet, then the operation that starts a TLS session, with key 0.
    assert_eq!(first[2] >> 3, 7, "{first:?}");
}

/// The first three bytes of the next connection; `None` if there is none in time.
fn accept(server: &TcpListener) -> Option<[u8; 3]> {
    server.set_nonblocking(true).expect("a socket");
    let end = Instant::now() + LIMIT;
    let mut connection = loop {
        match server.accept() {
            Ok((connection, _)) => break connection,
            Err(_) if Instant::now() < end => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(_) => return None,
        }
    };
    connection.set_nonblocking(false).expect("a socket");
    connection.set_read_timeout(Some(LIMIT)).expect("a socket");
    let mut first = [0; 3];
    connection.read_exact(&mut first).ok()?;
    Some(first)
}

#[test]
#[ignore = "needs ncat"]
fn ncat_opens_a_tunnel() {
    let (origin, proxy) = (Origin::http(), proxy_with_md5_first());
    let (proxy_address, port) = (proxy.address().to_string(), origin.address().port().to_string());
    // Without the first one, it may close the tunnel before the answer.
    let arguments = ["--no-shutdown", "--proxy", &proxy_address, "--proxy-type", "http"];
    let arguments =
        [&arguments[..], &["--proxy-auth", "alice:wonder", "127.0.0.1", &port]].concat();
    let request = "GET / HTTP/1.1\r\nHost: origin\r\nConnection: close\r\n\r\n";
    let answer = output("ncat", &arguments, &[], request);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("hello"), "{answer}");
}

#[test]
#[ignore = "needs lftp"]
fn lftp_gets_a_file() {
    let (origin, proxy) = (Origin::http(), proxy_with_md5_first());
    let url = format!("http://alice:wonder@{}", proxy.address());
    let script = format!("set net:max-retries 1; set net:timeout 5; cat {}", origin.url("/"));
    assert_eq!(output("lftp", &["-c", &script], &[("http_proxy", &url)], ""), "hello");
}

#[test]
#[ignore = "needs python3"]
fn urllib_gets_a_file() {
    const SCRIPT: &str = "
import sys, urllib.request as request
proxy, url = sys.argv[1:]
passwords = request.HTTPPasswordMgrWithDefaultRealm()
passwords.add_password(None, url, 'alice', 'wonder')
handlers = [request.ProxyHandler({'http': proxy}), request.ProxyDigestAuthHandler(passwords)]
print(request.build_opener(*handlers).open(url, timeout=10).read().decode(), end='')
";
    let (origin, proxy) = (Origin::http(), proxy_with_md5_first());
    let arguments = ["-c", SCRIPT, &proxy.url(), &origin.url("/")];
    assert_eq!(output("python3", &arguments, &[], ""), "hello");
}
