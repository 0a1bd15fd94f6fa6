//! The endpoint for Prometheus, and the dashboard that reads it.

use std::{net::SocketAddr, thread, time::Duration, time::Instant};

use crate::{
    BASIC,
    support::{digest::Digest, origin::Origin, proxy::Proxy, wire::Wire},
};

const LIMIT: Duration = Duration::from_secs(10);

/// The address of the endpoint. The log is written in the background.
#[track_caller]
fn endpoint(proxy: &Proxy) -> SocketAddr {
    let end = Instant::now() + LIMIT;
    loop {
        let log = proxy.stderr();
        if let Some(rest) = log.split("metrics at http://").nth(1)
            && let Some((address, _)) = rest.split_once("/metrics")
        {
            return address.parse().expect("an address");
        }
        assert!(Instant::now() < end, "{log}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn scrape(address: SocketAddr) -> String {
    let answer = Wire::connect(address).ask("GET /metrics HTTP/1.1\nHost: m");
    assert_eq!(answer.status, 200);
    let content_type = answer.field("content-type").unwrap();
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    answer.text().to_owned()
}

/// Waits until the metrics have all of these lines.
#[track_caller]
fn wait_for(address: SocketAddr, lines: &[&str]) -> String {
    let end = Instant::now() + LIMIT;
    loop {
        let text = scrape(address);
        match lines.iter().find(|line| !text.lines().any(|one| one == **line)) {
            None => return text,
            Some(missing) => assert!(Instant::now() < end, "{missing} is missing in {text}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// A proxy after traffic of all kinds, and its endpoint. The connection is an open tunnel.
pub(super) fn busy_proxy(options: &[&str]) -> (Proxy, SocketAddr, Wire) {
    let own = ["--user", "alice:wonder", "--metrics", "127.0.0.1:0"];
    let proxy = Proxy::start(&[&own, options].concat());
    let origin = Origin::http();
    let head = format!("GET {} HTTP/1.1\nHost: o", origin.url("/secret?secret"));
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.login(&head, BASIC).status, 200);
    assert_eq!(wire.login(&head, "Basic YWxpY2U6eA==").status, 407);
    let challenges = wire.ask(&head);
    let mut md5 = Digest { algorithm: "MD5", ..Digest::of(challenges.challenges()) };
    for _ in 0..2 {
        let field = md5.answer("GET", "/secret?secret");
        assert_eq!(wire.login(&head, &field).status, 200);
    }
    let connect = format!("CONNECT {} HTTP/1.1\nHost: o", origin.address());
    assert_eq!(wire.login(&connect, BASIC).status, 200);
    assert_eq!(wire.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
    let address = endpoint(&proxy);
    (proxy, address, wire)
}

#[test]
fn counts_requests_checks_nonces_and_tunnels() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let (proxy, address, tunnel) = busy_proxy(&["--audit", audit.to_str().unwrap()]);
    let requests = |outcome, scheme, algorithm, count| {
        let labels = format!("outcome=\"{outcome}\",scheme=\"{scheme}\",algorithm=\"{algorithm}\"");
        format!("proxy_auth_requests_total{{{labels}}} {count}")
    };
    let text = wait_for(
        address,
        &[
            // Who still uses Basic or MD5.
            &requests("forwarded", "Basic", "none", 2),
            &requests("forwarded", "Digest", "MD5", 2),
            &requests("wrong-password", "Basic", "none", 1),
            &requests("missing-credentials", "none", "none", 1),
            "proxy_auth_check_duration_seconds_count{scheme=\"Basic\"} 3",
            "proxy_auth_check_duration_seconds_bucket{scheme=\"Digest\",le=\"+Inf\"} 2",
            "proxy_auth_nonces 1",
            "proxy_auth_checks_running 0",
            "proxy_auth_checks_waiting 0",
            "proxy_connections 0",
            "proxy_tunnels 1",
            "proxy_audit_dropped_total 0",
        ],
    );
    for secret in ["alice", "wonder", "secret", "127.0.0.1", "YWxpY2U6"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    drop(tunnel);
    let idle = Wire::connect(proxy.address());
    wait_for(address, &["proxy_tunnels 0", "proxy_connections 1"]);
    drop(idle);
    wait_for(address, &["proxy_connections 0"]);
}

#[test]
fn serves_nothing_else() {
    let (_proxy, address, _tunnel) = busy_proxy(&[]);
    for (head, status) in [
        ("GET / HTTP/1.1", 404),
        ("GET /metrics/x HTTP/1.1", 404),
        ("POST /metrics HTTP/1.1\nContent-Length: 0", 405),
        ("GET /metrics?x HTTP/1.1", 200),
    ] {
        assert_eq!(Wire::connect(address).ask(&format!("{head}\nHost: m")).status, status);
    }
}

#[test]
fn idle_readers_do_not_lock_out_others_for_long() {
    let (_proxy, address, _tunnel) = busy_proxy(&[]);
    let idle: Vec<Wire> = (0..20).map(|_| Wire::connect(address)).collect();
    let start = Instant::now();
    scrape(address);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    drop(idle);
}
