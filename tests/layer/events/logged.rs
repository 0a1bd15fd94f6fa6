//! The observer that logs.

use std::net::SocketAddr;

use http::Method;
use tower_proxy_auth::{
    Authenticator, ProxyAuthLayer,
    event::{AuthEvent, TracingObserver},
};

use crate::support::{
    digest::{Digest, quoted},
    engine::{Proxy, basic, field, realm, request, users},
    layer::{self, Origin, RIGHT, both, get, send},
    log::Log,
};

fn logged(proxy: Proxy) -> Proxy {
    proxy.layer(|layer| layer.with_observer(TracingObserver::new()))
}

#[tokio::test]
async fn shows_everything_about_a_forwarded_request() {
    let (log, _guard) = Log::capture();
    let layer = ProxyAuthLayer::new(both()).with_observer(TracingObserver::new());
    let mut sent = get(RIGHT);
    sent.extensions_mut().insert(SocketAddr::from(([192, 0, 2, 1], 9)));
    send(&layer, &Origin::new(), sent).await;
    let line = log.line();
    let expected = "request forwarded outcome=\"forwarded\" status=200 scheme=\"Basic\" user=alice \
                    peer=192.0.2.1 method=GET host=example.org check_us=";
    assert!(line.trim_start().starts_with("INFO ") && line.contains(expected), "{line}");
    assert!(line.contains(" id=") && !line.contains("claimed="), "{line}");
}

#[test]
fn shows_algorithm_claimed_name_and_cause() {
    let (log, _guard) = Log::capture();
    let proxy = logged(Proxy::new());
    let md5 = Digest { algorithm: "MD5", password: "x".into(), ..proxy.fresh() };
    log.take();
    proxy.login(&md5);
    let line = log.line();
    assert!(line.contains("scheme=\"Digest\" algorithm=\"MD5\" claimed=alice "), "{line}");
    assert!(!line.contains("peer=") && !line.contains("user=") && !line.contains("cause="));
    proxy.get(field("Digest ="));
    assert!(log.line().contains(" cause="), "a malformed field has a cause");
}

#[test]
fn a_hostile_client_cannot_forge_or_fill_the_log() {
    let (log, _guard) = Log::capture();
    let proxy = logged(Proxy::of(Authenticator::builder(realm()).with_basic(users())));
    let names = [
        "a\u{2028}b\u{202e}c outcome=\"forwarded\"".to_owned(),
        "J\u{fc}rgen \u{e9}'\"\\".to_owned(),
        "\u{feff}\u{200b}".to_owned(),
        "x".repeat(8_000),
    ];
    for name in &names {
        proxy.get(basic(format!("{name}:wonder")));
        let text = log.take();
        assert!(text.is_ascii(), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(text.matches("outcome=\"").count(), 1, "{text}");
        assert!(text.len() < 1_000, "{} bytes", text.len());
    }
    let host = format!("http://user:secret@{}.example/\u{fc}?secret", "h".repeat(10_000));
    let method = Method::from_bytes("M".repeat(10_000).as_bytes()).unwrap();
    proxy.send(request(&method, &host.replace('\u{fc}', "x"), [basic("alice:x")]));
    let text = log.take();
    assert!(text.len() < 1_200 && !text.contains("secret"), "{text}");
}

#[test]
fn holds_no_secret() {
    let (log, _guard) = Log::capture();
    let proxy = logged(Proxy::new());
    let right = proxy.fresh();
    let wrong = Digest { password: "hunter2".into(), ..right.clone() };
    for sent in [
        basic("alice:wonder"),
        basic("alice:hunter2"),
        right.field(),
        right.field(),
        wrong.field(),
        right.params().with("uri", quoted("/hunter2")).field(),
        right.params().and("hunter2", "1").and("hunter2", "2").field(),
        field("Basic hunter2"),
        field("hunter2"),
    ] {
        proxy.get(sent);
    }
    let text = log.take();
    assert!(text.lines().count() >= 9, "{text}");
    for secret in [
        "wonder",
        "hunter2",
        "YWxpY2U6",
        &right.response(),
        &wrong.response(),
        &right.ha1(),
        &right.nonce,
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn logs_an_anonymous_request_without_a_user() {
    let (log, _guard) = Log::capture();
    let builder = Authenticator::builder(realm()).with_basic(layer::users()).with_anonymous(true);
    logged(Proxy::of(builder)).send(request(&Method::GET, "http://example.org/", []));
    let line = log.line();
    assert!(line.contains("request forwarded outcome=\"anonymous\" status=200 method="), "{line}");
}

#[test]
fn other_observers_see_the_event_too() {
    let (log, _guard) = Log::capture();
    let (sender, seen) = std::sync::mpsc::channel();
    let proxy = logged(Proxy::new()).layer(|layer| {
        layer.with_observer(move |event: &AuthEvent| sender.send(event.id().to_string()).unwrap())
    });
    proxy.challenge();
    assert!(log.line().contains(&seen.recv().unwrap()));
}
