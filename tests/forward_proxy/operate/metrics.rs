//! The endpoint for Prometheus, and the dashboard that reads it.

use std::{net::SocketAddr, thread, time::Duration, time::Instant};

use crate::{
    BASIC,
    support::{digest::Digest, origin::Origin, proxy::Proxy, wire::Wire},
};

const LIMIT: Duration = Duration::from_secs(10);

/// The address of the endpoint. The log is written in the background.
#[track_caller]
pub(super) fn endpoint(proxy: &Proxy) -> SocketAddr {
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
pub(super) fn scrape(address: SocketAddr) -> String {
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
fn busy_proxy(options: &[&str]) -> (Proxy, SocketAddr, Wire) {
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
            #[cfg(feature = "password-hash")]
            "proxy_auth_hashes_waiting 0",
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

/// The queries of the dashboard.
fn queries() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operate/grafana/dashboard.json");
    let text = std::fs::read_to_string(path).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The words of a query, outside of strings.
fn words(query: &str) -> Vec<&str> {
    let outside: Vec<&str> = query.split('"').step_by(2).collect();
    let is_part = |char: char| char == '_' || char == '$' || char.is_alphanumeric();
    let words = outside.into_iter().flat_map(|text| text.split(move |char| !is_part(char)));
    words.filter(|word| !word.is_empty()).collect()
}

/// What PromQL itself defines, of what the queries use.
const PROMQL: [&str; 6] = ["sum", "by", "rate", "histogram_quantile", "$__rate_interval", "le"];

#[test]
fn the_dashboard_reads_metrics_and_labels_that_exist() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let (_proxy, address, _tunnel) = busy_proxy(&["--audit", audit.to_str().unwrap()]);
    let text = scrape(address);
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let has_label = |sample: &str, label: &str| {
        [format!("{{{label}=\""), format!(",{label}=\"")].iter().any(|part| sample.contains(part))
    };
    let queries = queries();
    assert!(queries.len() >= 15, "{queries:?}");
    for query in &queries {
        let words = words(query);
        let is_metric = |word: &&str| word.starts_with("proxy_");
        let metrics: Vec<&str> = words.iter().copied().filter(is_metric).collect();
        assert!(!metrics.is_empty(), "{query}");
        for metric in &metrics {
            let of = |sample: &&&str| {
                sample.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' ']))
            };
            let samples: Vec<_> = samples.iter().filter(of).collect();
            assert!(!samples.is_empty(), "{metric} is missing in {text}");
            let labels = words.iter().filter(|word| {
                !is_metric(word) && !PROMQL.contains(word) && word.parse::<f64>().is_err()
            });
            for label in labels {
                assert!(samples.iter().all(|sample| has_label(sample, label)), "{label}: {query}");
            }
        }
        // The values of labels.
        for value in query.split('"').skip(1).step_by(2).flat_map(|values| values.split('|')) {
            let is_outcome = tower_proxy_auth::Reason::ALL.iter().any(|one| one.as_str() == value);
            let is_known = ["forwarded", "Basic", "MD5", "MD5-sess"].contains(&value);
            assert!(is_outcome || is_known, "{value}: {query}");
        }
    }
}
