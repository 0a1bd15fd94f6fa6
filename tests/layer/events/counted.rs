//! The observer that counts.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http::Method;
use metrics_exporter_prometheus::PrometheusBuilder;
use tower_proxy_auth::{
    Authenticator, BasicCredentials, Verdict, backend::from_fn, event::MetricsObserver,
};

use crate::support::{
    digest::Digest,
    engine::{Proxy, basic, realm, request},
};

/// The metrics after `work`, which gets the observer.
fn rendered(work: impl FnOnce(MetricsObserver)) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || work(MetricsObserver::new()));
    recorder.handle().render()
}

#[track_caller]
fn assert_has(rendered: &str, lines: &[&str]) {
    for line in lines {
        assert!(rendered.lines().any(|one| one == *line), "{line} is missing in {rendered}");
    }
}

#[test]
fn shows_how_many_clients_use_basic_or_md5() {
    let rendered = rendered(|observer| {
        let proxy = Proxy::new();
        let [sha, md5] = ["SHA-256", "MD5"].map(|algorithm| Digest { algorithm, ..proxy.fresh() });
        let proxy = proxy.layer(|layer| layer.with_observer(observer));
        proxy.get(basic("alice:wonder"));
        proxy.get(basic("alice:wonder"));
        proxy.login(&sha);
        proxy.login(&md5);
        proxy.login(&md5.count(2));
        proxy.login(&md5.count(3));
        proxy.login(&Digest { password: "x".into(), ..md5.count(4) });
        proxy.challenge();
    });
    let count = |outcome, scheme, algorithm, count| {
        let labels = format!("outcome=\"{outcome}\",scheme=\"{scheme}\",algorithm=\"{algorithm}\"");
        format!("proxy_auth_requests_total{{{labels}}} {count}")
    };
    assert_has(
        &rendered,
        &[
            &count("forwarded", "Basic", "none", 2),
            &count("forwarded", "Digest", "SHA-256", 1),
            &count("forwarded", "Digest", "MD5", 3),
            &count("wrong-password", "Digest", "MD5", 1),
            &count("missing-credentials", "none", "none", 1),
            "# TYPE proxy_auth_requests_total counter",
        ],
    );
    assert!(rendered.contains("# HELP proxy_auth_requests_total Requests by"), "{rendered}");
}

#[test]
fn records_the_time_of_checks_in_seconds() {
    let rendered = rendered(|observer| {
        let clock = Proxy::new().clock;
        let moved = clock.clone();
        let validator = from_fn(move |_: &BasicCredentials<'_>| {
            moved.set(3);
            Verdict::WrongPassword
        });
        let builder = Authenticator::builder(realm()).with_basic(validator);
        let proxy = Proxy::at(clock, builder).layer(|layer| layer.with_observer(observer));
        proxy.get(basic("alice:x"));
        // Nothing is checked.
        proxy.challenge();
    });
    assert_has(
        &rendered,
        &[
            "proxy_auth_check_duration_seconds_sum{scheme=\"Basic\"} 3",
            "proxy_auth_check_duration_seconds_count{scheme=\"Basic\"} 1",
        ],
    );
}

#[test]
fn reads_other_values_when_it_is_updated() {
    let value = Arc::new(AtomicU64::new(7));
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let [one, other] = [Arc::clone(&value), Arc::clone(&value)];
        let observer = MetricsObserver::builder()
            .with_counter("dropped_total", "Dropped", move || one.load(Ordering::Relaxed))
            .with_gauge("entries", "Entries", move || other.load(Ordering::Relaxed) as f64)
            .build();
        observer.update();
        assert_has(&handle.render(), &["dropped_total 7", "entries 7", "# HELP entries Entries"]);
        value.store(9, Ordering::Relaxed);
        assert_has(&handle.render(), &["dropped_total 7", "entries 7"]);
        observer.clone().update();
        assert_has(&handle.render(), &["dropped_total 9", "entries 9"]);
    });
}

#[test]
fn strangers_cannot_add_time_series() {
    let rendered = rendered(|observer| {
        let proxy = Proxy::new().layer(|layer| layer.with_observer(observer));
        for number in 0..1_000 {
            let method = Method::from_bytes(format!("M{number}").as_bytes()).unwrap();
            let target = format!("http://host{number}.example/{number}");
            proxy.send(request(&method, &target, [basic(format!("user{number}:x"))]));
        }
    });
    let series = rendered.lines().filter(|line| line.starts_with("proxy_auth_requests_total{"));
    assert_eq!(series.count(), 1, "{rendered}");
}
