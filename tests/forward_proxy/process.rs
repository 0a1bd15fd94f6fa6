//! The process: options, output and shutdown.

use std::{
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use crate::{
    open_proxy,
    support::{origin::Origin, proxy::Proxy, wire::Wire},
};

/// The features that some options need. Without the feature, that is the mistake reported.
const FEATURES: [(&str, bool); 6] = [
    ("htpasswd", cfg!(feature = "htpasswd")),
    ("htdigest", cfg!(feature = "htdigest")),
    ("ldap", cfg!(feature = "ldap")),
    ("sql-sqlite", cfg!(feature = "sql")),
    ("cached", cfg!(feature = "cached")),
    ("metrics", cfg!(feature = "metrics")),
];

#[test]
fn reports_a_mistake_in_one_line_with_status_2() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).unwrap();
    let rows: &[(&[&str], &str)] = &[
        (&["--listen", "localhost"], "localhost"),
        (&["--listen", "127.0.0.1:99999"], "127.0.0.1:99999"),
        (&["--listen", &taken.1, "--insecure-no-auth"], &taken.1),
        (&["--realm", ""], "--realm"),
        (&["--realm", "a\"b"], "a\\\"b"),
        (&["--realm", "Büro"], "Büro"),
        (&["--realm", "a\nb"], "a\\nb"),
        (&["--scheme", "ntlm"], "ntlm"),
        (&["--scheme", "a\n\nb"], "'a b'"),
        (&["--user", "alice"], "alice"),
        (&["--user", ":wonder"], "--user"),
        (&["--user", "alice:"], "alice"),
        (&["--user", "ali\nce:wonder"], "ali\\nce"),
        (&["--user", "alice:a", "--user", "alice:b"], "alice"),
        (&["--users-file", "/nowhere/users"], "/nowhere/users"),
        (&["--htpasswd-allow", "apr1"], "--htpasswd"),
        (&["--htpasswd", "/nowhere/users", "--htpasswd-allow", "bcrypt"], "bcrypt"),
        (&["--htpasswd", "/nowhere/users", "--htpasswd-allow", "md4"], "ssha512"),
        (&["--allow-bcrypt-truncation"], "--allow-bcrypt-truncation"),
        (&["--allow-bcrypt-truncation", "--user", "alice:wonder"], "--htpasswd"),
        (&["--allow-empty-passwords", "--scheme", "digest"], "--scheme digest"),
        (&["--allow-empty-passwords", "--htdigest", "users"], "--allow-empty-passwords"),
        (&["--insecure-no-auth", "--allow-empty-passwords"], "--allow-empty-passwords"),
        (&["--insecure-no-auth", "--maintenance", "file"], "--maintenance"),
        (&["--ldap", "ldaps://localhost"], "--ldap-dn"),
        (&["--ldap-dn", "uid={user},o=x"], "--ldap"),
        (&["--ldap", "ldaps://localhost", "--ldap-base", "o=x"], "--ldap-bind-dn"),
        (&["--ldap", "x", "--ldap-dn", "y", "--ldap-base", "z"], "--ldap-base"),
        (&["--htpasswd", "users", "--scheme", "digest"], "Digest"),
        (&["--database-query", "SELECT 1"], "--database"),
        (&["--database-digest", "sha-1", "--database", "sqlite:users"], "sha-1"),
        (&["--database", "sqlite:users", "--database-url-file", "url"], "--database-url-file"),
        (&["--database", "sqlite:users", "--scheme", "digest"], "Digest"),
        (&["--htpasswd", "users", "--nonce-lifetime", "60"], "--nonce-lifetime"),
        (&["--htdigest", "users", "--scheme", "basic"], "Basic"),
        (&["--htdigest", "users", "--cache", "60"], "--cache"),
        (&["--user", "alice:wonder", "--cache", "0"], "--cache"),
        (&["--algorithm", "sha-1"], "sha-1"),
        (&["--algorithm", "md5", "--algorithm", "md5"], "md5"),
        (&["--algorithm", "md5", "--scheme", "basic"], "--algorithm"),
        (&["--nonce-lifetime", "60", "--scheme", "basic"], "--nonce-lifetime"),
        (&["--auth-info", "off", "--scheme", "basic"], "--auth-info"),
        (&["--uri-check", "strict", "--scheme", "basic"], "--uri-check"),
        (&["--nonce-lifetime", "0"], "'0'"),
        (&["--nonce-lifetime", "-1"], "'-1' for '--nonce-lifetime"),
        (&["--max-failures", "-1"], "'-1' for '--max-failures"),
        (&["--max-failures", "few"], "'few' for '--max-failures"),
        (&["--max-tunnels-per-user", "-1"], "'-1' for '--max-tunnels-per-user"),
        (&["--max-tunnels-per-user", "0"], "'0' for '--max-tunnels-per-user"),
        (&["--recheck", "-1"], "'-1' for '--recheck"),
        (&["--claimed-users", "-1"], "'-1' for '--claimed-users"),
        (&["--nonce-lifetime", "soon"], "soon"),
        (&["--nonce-lifetime", "99999999999999999999"], "99999999999999999999"),
        (&["--uri-check", "loose"], "loose"),
        (&["--auth-info", "some"], "some"),
        (&["--htdigest", "sha256=users"], "unknown algorithm"),
        (&["--legacy-rfc2069", "--scheme", "basic"], "--legacy-rfc2069"),
        (&["--legacy-rfc2069", "--algorithm", "sha-256"], "--legacy-rfc2069"),
        (&["--legacy-rfc2069", "--insecure-no-auth"], "--legacy-rfc2069"),
        (&["--latin1", "--insecure-no-auth"], "--latin1"),
        (&["--ldap", "ldap://localhost", "--ldap-dn", "uid={user},o=x"], "--ldap-starttls"),
        (&["--ldap", "ldaps://me@localhost", "--ldap-dn", "uid={user},o=x"], "--ldap-bind-dn"),
        (&["--ldap", "ldaps://localhost", "--ldap-dn", "uid=alice,o=x"], "--ldap-dn:"),
        (
            &["--ldap", "ldaps://h", "--ldap-dn", "uid={user},o=x", "--ldap-ca", "/nowhere"],
            "No such file",
        ),
        (&["--insecure-no-auth", "--user", "alice:wonder"], "--user"),
        (&["--insecure-no-auth", "--scheme", "basic"], "--scheme"),
        (&["--insecure-no-auth", "--claimed-users", "name"], "with '--claimed-users <HOW>'"),
        (&["--insecure-no-auth", "--metrics", "127.0.0.1:0"], "--metrics"),
        (&["--insecure-no-auth", "--audit", "file"], "with '--audit <FILE>'"),
        (&["--audit", "/no\nwhere/file"], "--audit /no\\nwhere/file: "),
        (&["--metrics", "localhost"], "localhost"),
        (&["--metrics", &taken.1], &format!("--metrics {}: ", taken.1)),
        (&["--insecure-no-auth", "--htpasswd", "users"], "--htpasswd"),
        (&["--bogus"], "--bogus"),
        (&["stray"], "stray"),
    ];
    for (options, named) in rows {
        let output = Proxy::run(options);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{options:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{options:?}: {stderr}");
        let lacks_feature = FEATURES
            .iter()
            .any(|(feature, is_on)| !is_on && stderr.contains(&format!("--features {feature}")));
        assert!(stderr.contains(named) || lacks_feature, "{options:?}: {stderr}");
        assert!(!stderr.contains("wonder"), "{options:?}: {stderr}");
        assert!(!stderr.contains("with_"), "names a method: {stderr}");
        assert_eq!(output.stdout, b"", "{options:?}");
    }
}

#[test]
fn names_the_feature_of_an_option_that_lacks_it() {
    // Where the feature is on, each row has another mistake.
    let [htpasswd, htdigest, ldap, sql, cached, metrics] = FEATURES;
    let rows: [(&[&str], _); 12] = [
        (&["--htpasswd", "/nowhere/users"], htpasswd),
        (&["--htpasswd-allow", "apr1"], htpasswd),
        (&["--htdigest", "/nowhere/users"], htdigest),
        (&["--ldap", "nowhere://", "--ldap-dn", "uid={user},o=x"], ldap),
        (&["--ldap-base=o=x"], ldap),
        (&["--ldap-starttls"], ldap),
        (&["--insecure-ldap-plaintext"], ldap),
        (&["--database", "nowhere:"], sql),
        (&["--database-query", "SELECT 1"], sql),
        (&["--user", "alice:wonder", "--cache", "60"], cached),
        (&["--cache", "0"], cached),
        (&["--metrics", "nowhere"], metrics),
    ];
    for (options, (feature, is_on)) in rows {
        let output = Proxy::run(options);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{options:?}: {stderr}");
        let names_it = stderr.contains(&format!("--features {feature}"));
        assert_eq!(names_it, !is_on, "{options:?}: {stderr}");
    }
}

#[test]
fn prints_help_to_stdout() {
    let output = Proxy::run(&["--help"]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    let help = String::from_utf8(output.stdout).unwrap();
    for option in [
        "--listen",
        "--realm",
        "--scheme",
        "--user",
        "--users-file",
        "--htpasswd",
        "--allow-bcrypt-truncation",
        "--allow-empty-passwords",
        "--htdigest",
        "--ldap",
        "--database",
        "--cache",
        "--algorithm",
        "--nonce-lifetime",
        "--uri-check",
        "--auth-info",
        "--latin1",
        "--legacy-rfc2069",
        "--insecure-no-auth",
        "--audit",
        "--metrics",
        "--claimed-users",
        "--version",
    ] {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[test]
fn prints_its_version_to_stdout() {
    let output = Proxy::run(&["--version"]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    let version = concat!("forward_proxy ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), version);
}

#[test]
fn finishes_requests_in_flight_before_it_exits() {
    let (origin, mut proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    wire.send(format!("GET {} HTTP/1.1\r\nHost: o\r\n\r\n", origin.url("/slow")));
    let idle = Wire::connect(proxy.address());
    while origin.requests() == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    proxy.terminate();
    assert_eq!(wire.answer("GET").text(), "at last");
    assert_eq!(wire.rest(), b"");
    drop((wire, idle));
    let status = proxy.ended(Duration::from_secs(4)).expect("no request is in flight");
    assert_eq!(status.code(), Some(0));
    assert!(TcpStream::connect(proxy.address()).is_err(), "the port is closed");
    assert_eq!(proxy.rest_of_stdout(), "");
}

#[test]
fn sighup_ends_neither_the_proxy_nor_a_tunnel() {
    let (origin, mut proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.ask(&format!("CONNECT {} HTTP/1.1\nHost: o", origin.address())).status, 200);
    for _ in 0..3 {
        proxy.hang_up();
    }
    assert_eq!(wire.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
    assert!(proxy.ended(Duration::from_millis(500)).is_none());
}

#[test]
fn closes_tunnels_five_seconds_after_sigterm() {
    let (origin, mut proxy) = (Origin::http(), open_proxy());
    let mut wire = Wire::connect(proxy.address());
    assert_eq!(wire.ask(&format!("CONNECT {} HTTP/1.1\nHost: o", origin.address())).status, 200);
    proxy.terminate();
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(wire.ask("GET / HTTP/1.1\nHost: o").text(), "hello");
    let status = proxy.ended(Duration::from_secs(8)).expect("an end after five seconds");
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() > Duration::from_secs(4));
}
