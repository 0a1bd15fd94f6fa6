//! The binding of credentials to resource, method and realm.

use http::Method;
use tower_proxy_auth::{Authenticator, Realm, Users, backend::SecretsChain, digest::UriCheck};

use crate::support::{
    digest::Digest,
    engine::{Answer, Proxy, realm, request, users},
};

fn ask(proxy: &Proxy, method: Method, target: &str, uri: &str) -> Answer {
    let digest = Digest { method: method.clone(), uri: uri.into(), ..proxy.fresh() };
    proxy.ask(&method, target, digest.field())
}

#[test]
fn accepts_the_path_or_the_absolute_uri() {
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
fn accepts_an_ipv6_address_without_brackets() {
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
fn accepts_the_path_of_an_extended_connect() {
    let proxy = Proxy::new();
    let target = "https://example.org/chat?room=1";
    for uri in ["/chat?room=1", target] {
        ask(&proxy, Method::CONNECT, target, uri).passes(uri, "alice");
    }
    let answer = ask(&proxy, Method::CONNECT, target, "example.org:443");
    answer.is("host and port", 400, "other-resource");
}

#[test]
fn accepts_other_targets_only_if_lenient() {
    let own = "127.0.0.1:3128";
    let strict = Proxy::new();
    let lenient =
        Proxy::with_digest(|digest| digest.with_uri_check(UriCheck::lenient([own.to_owned()])));
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
fn hashes_the_uri_as_sent() {
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
fn accepts_a_backslash_escaped_or_not() {
    let proxy = Proxy::new();
    let path = r"/a\b";
    let digest = Digest { uri: path.into(), ..proxy.fresh() };
    proxy.login(&digest).passes("escaped", "alice");
    let raw = Digest { uri: path.into(), ..proxy.fresh() };
    let raw = raw.params().with("uri", format!("\"{path}\""));
    proxy.ask(&Method::GET, r"http://example.org/a\b", raw.field()).passes("raw", "alice");
}

#[test]
fn refuses_another_resource() {
    let proxy = Proxy::new();
    let table = [
        ("another path", "/b", "/a"),
        ("root for anything deeper", "/a", "/"),
        ("a prefix", "/ab", "/a"),
        ("a longer path", "/a", "/ab"),
        ("query dropped", "/a?b=c", "/a"),
        ("query changed", "/a?b=c", "/a?b=d"),
        ("query added", "/a", "/a?b=c"),
        ("query reordered", "/a?b&c", "/a?c&b"),
        ("percent-decoded", "/%61", "/a"),
        ("percent-encoded", "/a", "/%61"),
        ("case of the escapes", "/%c3%a4", "/%C3%A4"),
        ("case of the path", "/a", "/A"),
        ("dot segments", "/a/../b", "/b"),
        ("another host", "/a", "http://example.com/a"),
        ("another scheme", "/a", "https://example.org/a"),
        ("an asterisk", "/a", "*"),
    ];
    for (name, path, uri) in table {
        let target = format!("http://example.org{path}");
        ask(&proxy, Method::GET, &target, uri).is(name, 400, "other-resource");
    }
}

#[test]
fn treats_an_empty_path_as_a_slash() {
    let proxy = Proxy::new();
    for target in ["http://example.org", "http://example.org/"] {
        for uri in ["/", "http://example.org", "http://example.org/"] {
            let name = format!("{target} {uri}");
            ask(&proxy, Method::GET, target, uri).passes(&name, "alice");
        }
    }
    ask(&proxy, Method::GET, "http://example.org?x", "/?x").passes("with a query", "alice");
}

#[test]
fn accepts_only_host_and_port_for_a_tunnel() {
    let proxy = Proxy::new();
    let ask = |uri: &str| ask(&proxy, Method::CONNECT, "example.org:443", uri);
    ask("example.org:443").passes("host and port", "alice");
    for uri in ["example.org:80", "example.com:443", "example.org", "/", "https://example.org:443/"]
    {
        ask(uri).is(uri, 400, "other-resource");
    }
}

#[test]
fn refuses_a_response_for_another_method() {
    let proxy = Proxy::new();
    for method in [Method::POST, Method::HEAD, Method::OPTIONS] {
        let answer = proxy.ask(&method, "http://example.org/", proxy.fresh().field());
        answer.is(method.as_str(), 407, "wrong-password");
        let right = Digest { method: method.clone(), ..proxy.fresh() };
        proxy.login(&right).passes(method.as_str(), "alice");
    }
    let tunnel = Digest { uri: "example.org:443".into(), ..proxy.fresh() };
    let answer = proxy.ask(&Method::CONNECT, "example.org:443", tunnel.field());
    answer.is("GET for CONNECT", 407, "wrong-password");
}

#[test]
fn refuses_a_consistent_response_for_another_realm() {
    let proxy = Proxy::new();
    for realm in ["other", "Proxy", "proxy ", ""] {
        let digest = Digest { realm: realm.into(), ..proxy.fresh() };
        proxy.login(&digest).is(realm, 407, "other-realm");
    }
}

#[test]
fn does_not_let_user_and_realm_move_across_a_colon() {
    let realm = Realm::new("x:proxy").unwrap();
    let users = Users::new(&realm).with_user("alice", "wonder").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm).with_digest(users));
    let ask = |user: &str, realm: &str, password: &str| {
        let (user, realm, password) = (user.into(), realm.into(), password.into());
        proxy.login(&Digest { user, realm, password, ..proxy.fresh() })
    };
    ask("alice", "x:proxy", "wonder").passes("as it is", "alice");
    // All three hash to the same H(A1).
    ask("alice:x", "proxy", "wonder").is("towards the user", 407, "other-realm");
    ask("alice", "x", "proxy:wonder").is("towards the password", 407, "other-realm");
    ask("alice:x", "x:proxy", "wonder").is("an unknown user", 407, "unknown-user");
}

#[test]
fn uses_the_realm_of_the_request() {
    let staff = Realm::new("staff").unwrap();
    let of_staff = Users::new(&staff).with_user("alice", "wonder").unwrap();
    let chosen = staff.clone();
    let both = SecretsChain::new().with(of_staff).with(users());
    let builder = Authenticator::builder(realm()).with_digest(both).with_basic(users());
    let proxy = Proxy::of(builder.with_realm_of(move |head| {
        (head.target().host() == Some("staff.example.org")).then(|| chosen.clone())
    }));
    let target = "http://staff.example.org/";
    let challenge = proxy.send(request(&Method::GET, target, []));
    for (answer, realm) in
        [(&proxy.challenge(), "realm=\"proxy\""), (&challenge, "realm=\"staff\"")]
    {
        let challenges = answer.challenges();
        assert_eq!(challenges.len(), 3);
        assert!(challenges.iter().all(|one| one.contains(realm)), "{challenges:?}");
    }

    let digest = Digest { realm: "staff".into(), ..Digest::new(challenge.nonce()) };
    proxy.ask(&Method::GET, target, digest.field()).passes("its own realm", "alice");
    proxy.login(&digest.count(2)).is("another realm's request", 407, "other-realm");
    let other_nonce = Digest { realm: "staff".into(), ..proxy.fresh() };
    let answer = proxy.ask(&Method::GET, target, other_nonce.field());
    answer.is("a nonce of the other realm", 407, "nonce-unknown");
}

#[test]
fn regression_refuses_a_used_nonce_in_another_realm() {
    let (north, south) = (Realm::new("north").unwrap(), Realm::new("south").unwrap());
    let users = |realm| Users::new(realm).with_user("alice", "wonder").unwrap();
    let both = SecretsChain::new().with(users(&north)).with(users(&south));
    let builder = Authenticator::builder(north).with_digest(both);
    let proxy = Proxy::of(builder.with_realm_of(move |head| {
        (head.target().host() == Some("south.example.org")).then(|| south.clone())
    }));
    let (there, here) = ("http://north.example.org/", "http://south.example.org/");
    let nonce = proxy.send(request(&Method::GET, there, [])).nonce();
    let digest = |realm: &str| Digest { realm: realm.into(), ..Digest::new(&nonce) };
    proxy.ask(&Method::GET, there, digest("north").field()).passes("where it was issued", "alice");
    let answer = proxy.ask(&Method::GET, here, digest("south").count(2).field());
    answer.is("elsewhere", 407, "nonce-unknown");
}
