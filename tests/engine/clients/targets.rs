//! What clients put into `uri`.

use http::Method;
use tower_proxy_auth::digest::UriCheck;

use crate::support::{
    digest::Digest,
    engine::{Answer, Proxy},
};

fn ask(proxy: &Proxy, method: Method, target: &str, uri: &str) -> Answer {
    let digest = Digest { method: method.clone(), uri: uri.into(), ..proxy.fresh() };
    proxy.ask(&method, target, digest.field())
}

#[test]
fn a_plain_request_is_named_by_its_path_or_its_absolute_uri() {
    let proxy = Proxy::new();
    let target = "http://example.org/a?b=c";
    for uri in ["/a?b=c", target, "HTTP://EXAMPLE.org/a?b=c"] {
        ask(&proxy, Method::GET, target, uri).passes(uri, "alice");
    }
    let with_port = "http://example.org:8080/";
    ask(&proxy, Method::GET, with_port, with_port).passes(with_port, "alice");
    ask(&proxy, Method::GET, "/a", "/a").passes("origin-form", "alice");
    ask(&proxy, Method::OPTIONS, "*", "*").passes("asterisk-form", "alice");
}

#[test]
fn a_tunnel_to_an_ipv6_address_is_named_with_or_without_brackets() {
    let proxy = Proxy::new();
    let target = "[2001:db8::1]:443";
    for uri in [target, "2001:db8::1:443", "[2001:DB8::1]:443"] {
        ask(&proxy, Method::CONNECT, target, uri).passes(uri, "alice");
    }
    for uri in ["[2001:db8::1]:80", "2001:db8::1", "[2001:db8::2]:443", "2001:db8::1]:443"] {
        ask(&proxy, Method::CONNECT, target, uri).is(uri, 400, "other-resource");
    }
}

#[test]
fn an_extended_connect_is_named_by_its_path() {
    let proxy = Proxy::new();
    let target = "https://example.org/chat?room=1";
    for uri in ["/chat?room=1", target] {
        ask(&proxy, Method::CONNECT, target, uri).passes(uri, "alice");
    }
    let answer = ask(&proxy, Method::CONNECT, target, "example.org:443");
    answer.is("host and port", 400, "other-resource");
}

#[test]
fn the_path_of_a_later_request_and_the_proxy_s_own_address_pass_leniently_alone() {
    let own = "127.0.0.1:3128";
    let strict = Proxy::with_digest(|digest| {
        digest.with_uri_check(UriCheck::strict().with_proxy_address(own))
    });
    let lenient = Proxy::with_digest(|digest| {
        digest.with_uri_check(UriCheck::lenient().with_proxy_address(own))
    });
    let (tunnel, plain) = ("example.org:443", "http://example.org/a");
    for (name, method, target, uri) in [
        ("libsoup", Method::CONNECT, tunnel, "/later?x"),
        ("w3m, tunnel", Method::CONNECT, tunnel, own),
        ("w3m, plain", Method::GET, plain, own),
        ("w3m, as a URL", Method::GET, plain, "http://127.0.0.1:3128/"),
    ] {
        ask(&lenient, method.clone(), target, uri).passes(name, "alice");
        ask(&strict, method, target, uri).is(name, 400, "other-resource");
    }
    for (name, method, target, uri) in [
        ("another path", Method::GET, plain, "/b"),
        ("the root", Method::GET, plain, "/"),
        ("another host", Method::CONNECT, tunnel, "example.com:443"),
        ("another proxy", Method::CONNECT, tunnel, "127.0.0.1:3129"),
        ("a path on the proxy", Method::GET, plain, "http://127.0.0.1:3128/b"),
    ] {
        ask(&lenient, method, target, uri).is(name, 400, "other-resource");
    }
}

#[test]
fn the_uri_is_hashed_as_it_was_sent() {
    let proxy = Proxy::new();
    // The same resource, hashed in one form and sent in the other.
    let hashed = Digest { uri: "/a".into(), ..proxy.fresh() };
    let sent = hashed.params().with("uri", "\"http://example.org/a\"");
    let answer = proxy.ask(&Method::GET, "http://example.org/a", sent.field());
    answer.is("hashed as a path, sent as a URL", 407, "wrong-password");
    let hashed = Digest { uri: "http://example.org".into(), ..proxy.fresh() };
    let sent = hashed.params().with("uri", "\"http://example.org/\"");
    proxy.get(sent.field()).is("with and without a slash", 407, "wrong-password");
}

#[test]
fn a_backslash_in_the_uri_passes_escaped_or_not() {
    let proxy = Proxy::new();
    let path = r"/a\b";
    let digest = Digest { uri: path.into(), ..proxy.fresh() };
    proxy.login(&digest).passes("escaped", "alice");
    let raw = Digest { uri: path.into(), ..proxy.fresh() };
    let raw = raw.params().with("uri", format!("\"{path}\""));
    proxy.ask(&Method::GET, r"http://example.org/a\b", raw.field()).passes("raw", "alice");
}
