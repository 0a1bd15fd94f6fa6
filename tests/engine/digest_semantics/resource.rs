//! What a response was made for: resource, method, realm.

use http::Method;
use tower_proxy_auth::{Authenticator, Realm, Users, backend::SecretsChain};

use crate::support::{
    digest::Digest,
    engine::{Proxy, request},
};

fn with_uri(proxy: &Proxy, uri: &str) -> Digest {
    Digest { uri: uri.into(), ..proxy.fresh() }
}

#[test]
fn credentials_for_another_resource_are_refused() {
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
        let sent = with_uri(&proxy, uri).field();
        let answer = proxy.ask(&Method::GET, &format!("http://example.org{path}"), sent);
        answer.is(name, 400, "other-resource");
    }
}

#[test]
fn an_empty_path_and_a_slash_are_the_same_resource() {
    let proxy = Proxy::new();
    for target in ["http://example.org", "http://example.org/"] {
        for uri in ["/", "http://example.org", "http://example.org/"] {
            let sent = with_uri(&proxy, uri).field();
            proxy.ask(&Method::GET, target, sent).passes(&format!("{target} {uri}"), "alice");
        }
    }
    let sent = with_uri(&proxy, "/?x").field();
    proxy.ask(&Method::GET, "http://example.org?x", sent).passes("with a query", "alice");
}

#[test]
fn a_tunnel_is_named_by_host_and_port_alone() {
    let proxy = Proxy::new();
    let ask = |uri: &str| {
        let digest = Digest { method: Method::CONNECT, ..with_uri(&proxy, uri) };
        proxy.ask(&Method::CONNECT, "example.org:443", digest.field())
    };
    ask("example.org:443").passes("host and port", "alice");
    for uri in ["example.org:80", "example.com:443", "example.org", "/", "https://example.org:443/"]
    {
        ask(uri).is(uri, 400, "other-resource");
    }
}

#[test]
fn a_response_for_another_method_is_wrong() {
    let proxy = Proxy::new();
    for method in [Method::POST, Method::HEAD, Method::OPTIONS] {
        let answer = proxy.ask(&method, "http://example.org/", proxy.fresh().field());
        answer.is(method.as_str(), 407, "wrong-password");
        let right = Digest { method: method.clone(), ..proxy.fresh() };
        proxy.login(&right).passes(method.as_str(), "alice");
    }
    let tunnel = with_uri(&proxy, "example.org:443");
    let answer = proxy.ask(&Method::CONNECT, "example.org:443", tunnel.field());
    answer.is("GET for CONNECT", 407, "wrong-password");
}

#[test]
fn a_router_s_change_of_the_target_can_be_undone() {
    let nested = Proxy::new().layer(|layer| {
        layer.with_request_target(|head| format!("/api{}", head.target()).parse().ok())
    });
    let sent = with_uri(&nested, "/api/a").field();
    nested.ask(&Method::GET, "/a", sent).passes("the target before the router", "alice");
    let sent = with_uri(&nested, "/a").field();
    nested.ask(&Method::GET, "/a", sent).is("the one after it", 400, "other-resource");
}

#[test]
fn a_consistent_response_for_another_realm_is_refused() {
    let proxy = Proxy::new();
    for realm in ["other", "Proxy", "proxy ", ""] {
        let digest = Digest { realm: realm.into(), ..proxy.fresh() };
        proxy.login(&digest).is(realm, 407, "other-realm");
    }
}

#[test]
fn the_split_of_user_and_realm_can_not_be_moved_over_a_colon() {
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
fn the_realm_can_hang_on_the_request() {
    let staff = Realm::new("staff").unwrap();
    let users = Users::new(&staff).with_user("alice", "wonder").unwrap();
    let chosen = staff.clone();
    let builder = Authenticator::builder(Realm::new("proxy").unwrap()).with_digest(users);
    let proxy = Proxy::of(builder.with_realm_of(move |head| {
        (head.target().host() == Some("staff.example.org")).then(|| chosen.clone())
    }));
    let target = "http://staff.example.org/";
    let challenge = proxy.send(request(&Method::GET, target, []));
    let challenges = challenge.challenges();
    assert!(challenges.iter().all(|one| one.contains("realm=\"staff\"")), "{challenges:?}");

    let digest = Digest { realm: "staff".into(), ..Digest::new(challenge.nonce()) };
    proxy.ask(&Method::GET, target, digest.field()).passes("its own realm", "alice");
    proxy.login(&digest.count(2)).is("another realm's request", 407, "other-realm");
    let other_nonce = Digest { realm: "staff".into(), ..proxy.fresh() };
    let answer = proxy.ask(&Method::GET, target, other_nonce.field());
    answer.is("a nonce of the other realm", 407, "nonce-unknown");
}

#[test]
fn regression_a_nonce_on_record_is_good_in_its_own_realm_alone() {
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
