//! Logins that succeed.

use super::{path, trusted_origin};
use crate::{
    proxy_of_alice,
    support::{
        curl::{Run, curl, curl_from_shell},
        digest::parameter,
        origin::Origin,
        proxy::Proxy,
    },
};

const ALICE: [&str; 2] = ["--proxy-user", "alice:wonder"];

/// Checks the credentials of the last request to the proxy: `Basic` or an algorithm.
#[track_caller]
fn check_credentials(run: &Run, wanted: &str) {
    let last = run.credentials().pop().unwrap_or_else(|| panic!("no credentials: {}", run.log));
    let (scheme, parameters) = last.split_once(' ').expect("a scheme");
    match wanted {
        "Basic" => assert_eq!(last, "Basic YWxpY2U6d29uZGVy"),
        algorithm => {
            assert_eq!(scheme, "Digest", "{last}");
            assert_eq!(parameter(parameters, "algorithm").as_deref(), Some(algorithm), "{last}");
        }
    }
}

#[test]
#[ignore = "needs curl"]
fn accepts_each_login_for_http_and_https() {
    let http = Origin::http();
    let (https, certificate) = trusted_origin();
    let trust = ["--cacert", path(&certificate)];
    let rows: &[(&[&str], &str, &str)] = &[
        (&[], "--proxy-basic", "Basic"),
        (&[], "--proxy-digest", "SHA-256"),
        (&[], "--proxy-anyauth", "SHA-256"),
        (&["--scheme", "basic"], "--proxy-basic", "Basic"),
        (&["--scheme", "basic"], "--proxy-anyauth", "Basic"),
        (&["--scheme", "digest"], "--proxy-digest", "SHA-256"),
        (&["--scheme", "digest"], "--proxy-anyauth", "SHA-256"),
        (&["--scheme", "both"], "--proxy-anyauth", "SHA-256"),
        (&["--algorithm", "md5"], "--proxy-digest", "MD5"),
        (&["--algorithm", "md5"], "--proxy-anyauth", "MD5"),
        (&["--algorithm", "sha-256"], "--proxy-digest", "SHA-256"),
        (&["--algorithm", "md5-sess"], "--proxy-digest", "MD5-sess"),
        (&["--algorithm", "sha-256-sess"], "--proxy-digest", "SHA-256-sess"),
    ];
    for (options, way, sent) in rows {
        let proxy = proxy_of_alice(options);
        for origin in [&http, &https] {
            let url = origin.url("/seen");
            let run = curl(&proxy, &[&ALICE, &trust[..], &[way, &url]].concat());
            run.expect(run.text());
            // The example removes the field too; the layer's own tests show that the layer does.
            let seen = run.text();
            assert!(seen.starts_with("GET /seen HTTP/1.1\n"), "{options:?} {way}: {seen}");
            assert!(!seen.contains("proxy-auth"), "{options:?} {way}: {seen}");
            check_credentials(&run, sent);
        }
    }
}

#[test]
#[ignore = "needs curl"]
fn opens_a_tunnel_to_an_http_url() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    for way in ["--proxy-basic", "--proxy-digest", "--proxy-anyauth"] {
        let run = curl(&proxy, &[&ALICE[..], &["--proxytunnel", way, &origin.url("/")]].concat());
        run.expect("hello");
        let connect = format!("CONNECT {} HTTP/1.1", origin.address());
        assert_eq!(run.requests[0].first_line, connect);
        let inner = run.requests.last().expect("a request");
        assert_eq!(inner.first_line, "GET / HTTP/1.1");
        assert_eq!(inner.all("proxy-authorization"), [""; 0]);
    }
}

#[test]
#[ignore = "needs curl"]
fn opens_a_tunnel_over_http_1_0() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    for way in ["--proxy-basic", "--proxy-digest"] {
        let url = origin.url("/");
        // --proxy1.0 overrides --proxy.
        let proxy_url = proxy.url();
        let how = ["--proxy1.0", &proxy_url, "--proxytunnel", way, &url];
        let run = curl(&proxy, &[&ALICE[..], &how].concat());
        run.expect("hello");
        assert_eq!(run.requests[0].first_line, format!("CONNECT {} HTTP/1.0", origin.address()));
    }
}

#[test]
#[ignore = "needs curl"]
fn prints_a_command_that_works_unchanged() {
    let origin = Origin::http();
    for options in [&[][..], &["--scheme", "basic"], &["--scheme", "digest"]] {
        let mut proxy = Proxy::start(options);
        let line = proxy.line();
        let command = line.strip_suffix("http://example.com/").expect("a URL at the end");
        let run = curl_from_shell(&format!("{command}{}", origin.url("/")));
        run.expect("hello");
        assert_eq!(run.statuses().first(), Some(&407), "the request went to the proxy");
    }
}
