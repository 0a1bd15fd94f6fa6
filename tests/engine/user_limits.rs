//! Limits on what one user may do at once.

use std::{net::SocketAddr, time::Duration};

use http::{HeaderValue, Method, Request, header};
use tower_proxy_auth::{
    Authenticator, Identity, Realm, Users, authenticator::UserLimits, backend::ByRealm,
};

use crate::support::engine::{Answer, Body, Proxy, basic, realm, request, users};

const HOUR: Duration = Duration::from_secs(3_600);

fn proxy(limits: UserLimits) -> Proxy {
    let builder = Authenticator::builder(realm()).with_basic(users()).with_digest(users());
    Proxy::of(builder.with_user_limits(limits))
}

fn from(peer: &str, user_pass: &str) -> Request<Body> {
    let mut request = request(&Method::GET, "http://example.org/", [basic(user_pass)]);
    request.extensions_mut().insert(SocketAddr::new(peer.parse().unwrap(), 1));
    request
}

/// The reason and `Retry-After` of a refusal; empty if the request was forwarded.
fn outcome(answer: &Answer) -> (&'static str, Vec<&str>) {
    (answer.reason(), answer.fields(header::RETRY_AFTER))
}

const FORWARDED: (&str, Vec<&str>) = ("", Vec::new());

#[test]
fn limits_the_peers_of_a_user_within_a_window() {
    let proxy = proxy(UserLimits::new().with_max_peers(2, HOUR));
    for (at, peer, expected) in [
        (0, "192.0.2.1", FORWARDED),
        (0, "2001:db8::1", FORWARDED),
        (10, "2001:db8::2", FORWARDED), // the same /64
        (20, "192.0.2.2", ("too-many-peers", vec!["3580"])),
        (3_000, "::ffff:192.0.2.1", FORWARDED), // an address that was seen before
        (3_609, "192.0.2.2", ("too-many-peers", vec!["1"])),
        (3_610, "192.0.2.2", FORWARDED),
        (3_610, "2001:db8::1", ("too-many-peers", vec!["2990"])),
    ] {
        proxy.clock.set(at);
        let answer = proxy.send(from(peer, "alice:wonder"));
        assert_eq!(outcome(&answer), expected, "{peer} at {at} s");
    }
    proxy.send(from("192.0.2.9", "bob:builder")).passes("another user", "bob");
    proxy.get(basic("alice:wonder")).passes("an unknown peer", "alice");
    let refused = proxy.send(from("192.0.2.9", "alice:wonder")).refused.unwrap();
    assert_eq!(refused.account().unwrap().user().as_str(), "alice");
}

#[test]
fn a_wrong_password_takes_no_place() {
    let proxy = proxy(UserLimits::new().with_max_peers(1, HOUR));
    proxy.send(from("192.0.2.1", "alice:wrong")).is("wrong", 407, "wrong-password");
    proxy.send(from("192.0.2.2", "alice:wonder")).passes("right", "alice");
    proxy.send(from("192.0.2.1", "alice:wrong")).is("wrong", 407, "wrong-password");
}

#[test]
fn limits_the_rate_of_requests() {
    let proxy = proxy(UserLimits::new().with_max_requests_per_second(2));
    let send = |at| {
        proxy.clock.set(at);
        proxy.get(basic("alice:wonder")).reason()
    };
    assert_eq!([(); 3].map(|()| send(0)), ["", "", "too-many-requests"]);
    assert_eq!([(); 3].map(|()| send(1)), ["", "", "too-many-requests"]);
    let answer = proxy.get(basic("alice:wonder"));
    assert_eq!(outcome(&answer), ("too-many-requests", vec!["1"]));
    proxy.get(basic("bob:builder")).passes("another user", "bob");
}

#[test]
fn regression_a_clock_that_steps_back_locks_nobody_out() {
    let proxy = proxy(UserLimits::new().with_max_peers(1, HOUR).with_max_requests_per_second(1));
    let send = |at, peer| {
        proxy.clock.set(at);
        proxy.send(from(peer, "alice:wonder")).reason()
    };
    assert_eq!(send(100_000, "192.0.2.1"), "");
    assert_eq!(send(99_999, "192.0.2.1"), "too-many-requests");
    assert_eq!(send(50_001, "192.0.2.1"), "");
    assert_eq!(send(50_002, "192.0.2.2"), "too-many-peers");
    assert_eq!(send(53_601, "192.0.2.2"), "");
    assert_eq!(send(10_000, "192.0.2.1"), "too-many-peers");
    assert_eq!(send(13_600, "192.0.2.1"), "");
}

#[test]
fn limits_open_tunnels_until_their_identities_are_dropped() {
    let proxy = proxy(UserLimits::new().with_max_tunnels(2));
    let connect =
        |user_pass| proxy.send(request(&Method::CONNECT, "example.org:443", [basic(user_pass)]));
    let upgrade = |protocol| {
        let mut request = request(&Method::GET, "http://example.org/", [basic("alice:wonder")]);
        request.headers_mut().insert(header::UPGRADE, HeaderValue::from_static(protocol));
        proxy.send(request)
    };
    let (first, second) = (connect("alice:wonder"), upgrade("websocket"));
    assert_eq!([first.reason(), second.reason()], ["", ""]);
    assert_eq!(outcome(&connect("alice:wonder")), ("too-many-tunnels", vec!["5"]));
    upgrade("websocket").is("an upgrade", 429, "too-many-tunnels");
    upgrade("h2c").passes("an upgrade to HTTP/2", "alice");
    proxy.get(basic("alice:wonder")).passes("not a tunnel", "alice");
    connect("bob:builder").passes("another user", "bob");
    let clone = first.identity().cloned();
    drop(first);
    connect("alice:wonder").is("a clone is left", 429, "too-many-tunnels");
    assert_eq!(clone.as_ref().and_then(Identity::user).unwrap().as_str(), "alice");
    drop(clone);
    connect("alice:wonder").passes("one tunnel has ended", "alice");
}

#[test]
fn regression_a_second_upgrade_field_is_a_tunnel() {
    let proxy = proxy(UserLimits::new().with_max_tunnels(1));
    let upgrade = |protocols: &[&'static str]| {
        let mut request = request(&Method::GET, "http://example.org/", [basic("alice:wonder")]);
        for protocol in protocols {
            request.headers_mut().append(header::UPGRADE, HeaderValue::from_static(protocol));
        }
        proxy.send(request)
    };
    let open = upgrade(&["h2c", "websocket"]);
    assert_eq!(open.reason(), "");
    for protocols in [&["h2c", "websocket"][..], &["h2c, websocket"], &["", "websocket"]] {
        assert_eq!(upgrade(protocols).reason(), "too-many-tunnels", "{protocols:?}");
    }
    upgrade(&["h2c", "H2C"]).passes("upgrades to HTTP/2", "alice");
}

#[test]
fn the_same_name_in_another_realm_is_another_user() {
    let [one, other] = ["proxy", "other"].map(|realm| Realm::new(realm).unwrap());
    let in_realm = |realm: &Realm| Users::new(realm).with_user("alice", "wonder").unwrap();
    let users = [&one, &other].map(|realm| (realm.clone(), in_realm(realm)));
    let users =
        users.into_iter().fold(ByRealm::new(), |all, (realm, users)| all.with(&realm, users));
    let realm_of = move |head: &tower_proxy_auth::RequestHead<'_>| {
        (head.target().host() == Some("other.example")).then(|| other.clone())
    };
    let limits = UserLimits::new().with_max_requests_per_second(1);
    let builder = Authenticator::builder(one).with_basic(users).with_realm_of(realm_of);
    let proxy = Proxy::of(builder.with_user_limits(limits));
    let get = |target| proxy.ask(&Method::GET, target, basic("alice:wonder")).reason();
    for host in ["http://example.org/", "http://other.example/"] {
        assert_eq!([get(host), get(host)], ["", "too-many-requests"], "{host}");
    }
}

#[test]
fn names_a_limit_of_zero() {
    for (limits, name) in [
        (UserLimits::new().with_max_peers(0, HOUR), "with_max_peers"),
        (UserLimits::new().with_max_peers(1, Duration::ZERO), "with_max_peers"),
        (UserLimits::new().with_max_tunnels(0), "with_max_tunnels"),
        (UserLimits::new().with_max_requests_per_second(0), "with_max_requests_per_second"),
    ] {
        let builder = Authenticator::builder(realm()).with_basic(users()).with_user_limits(limits);
        let error = builder.build().unwrap_err().to_string();
        let expected = "which refuses everything: use a larger one";
        assert_eq!(error, format!("the limit {name} is 0, {expected}"));
    }
}
