//! What is offered to a request depends on its head, and nothing else is accepted.

use http::{HeaderValue, Method};
use tower_proxy_auth::{
    Authenticator, RequestHead,
    authenticator::{AuthenticatorBuilder, Offer},
};

use crate::support::{
    digest::Digest,
    engine::{Answer, Proxy, basic, field, realm, request, users},
};

const TUNNEL: (Method, &str) = (Method::CONNECT, "example.org:443");
const PLAIN: (Method, &str) = (Method::GET, "http://example.org/");

/// A request on a TLS connection.
#[derive(Clone)]
struct OverTls;

fn both() -> AuthenticatorBuilder {
    Authenticator::builder(realm()).with_digest(users()).with_basic(users())
}

/// Only Basic for tunnels.
fn basic_for_tunnels() -> Proxy {
    Proxy::of(both().with_offer_of(|head| match head.is_tunnel() {
        true => Offer::only("Basic"),
        false => Offer::all(),
    }))
}

/// The schemes of the challenges.
fn schemes(answer: &Answer) -> Vec<&str> {
    answer.challenges().into_iter().map(|one| one.split(' ').next().unwrap()).collect()
}

#[track_caller]
fn ask(proxy: &Proxy, (method, target): (Method, &str), field: Option<HeaderValue>) -> Answer {
    proxy.send(request(&method, target, field))
}

#[test]
fn offers_and_accepts_what_the_head_allows() {
    let proxy = basic_for_tunnels();
    let all = ["Digest", "Digest", "Basic"].as_slice();
    for (head, expected) in [(TUNNEL, ["Basic"].as_slice()), (PLAIN, all)] {
        for (name, sent, reason) in [
            ("nothing", None, "missing-credentials"),
            ("a wrong password", Some(basic("alice:other")), "wrong-password"),
            ("an undecodable name", Some(field("Basic =")), "undecodable"),
            ("an unknown scheme", Some(field("Bearer x")), "scheme-not-offered"),
        ] {
            let answer = ask(&proxy, head.clone(), sent);
            answer.is(name, 407, reason);
            assert_eq!(schemes(&answer), expected, "{name} for {head:?}");
        }
        ask(&proxy, head, Some(basic("alice:wonder"))).passes("Basic", "alice");
    }
    let tunnel = Digest { method: Method::CONNECT, uri: TUNNEL.1.into(), ..proxy.fresh() };
    let refused = proxy.login(&tunnel);
    refused.is("Digest for a tunnel", 407, "scheme-not-offered");
    assert_eq!(schemes(&refused), ["Basic"]);
    proxy.login(&proxy.fresh()).passes("Digest elsewhere", "alice");
}

#[test]
fn treats_malformed_credentials_of_another_scheme_as_not_offered() {
    let proxy = basic_for_tunnels();
    for sent in ["Digest", "Digest x=", "digest username=alice", "DIGEST ="] {
        let answer = ask(&proxy, TUNNEL, Some(field(sent)));
        answer.is(sent, 407, "scheme-not-offered");
    }
    let right = || basic("alice:wonder");
    proxy.send(request(&TUNNEL.0, TUNNEL.1, [right(), right()])).is("two", 400, "several-fields");
}

#[test]
fn offers_passwords_over_tls_only() {
    let proxy = Proxy::of(both().with_offer_of(|head| match head.extensions().get::<OverTls>() {
        Some(OverTls) => Offer::only("Basic"),
        None => Offer::only("Digest"),
    }));
    let send = |is_tls: bool, sent: Option<HeaderValue>| {
        let mut request = request(&PLAIN.0, PLAIN.1, sent);
        if is_tls {
            request.extensions_mut().insert(OverTls);
        }
        proxy.send(request)
    };
    assert_eq!(schemes(&send(true, None)), ["Basic"]);
    assert_eq!(schemes(&send(false, None)), ["Digest", "Digest"]);
    let password = || Some(basic("alice:wonder"));
    send(true, password()).passes("a password over TLS", "alice");
    send(false, password()).is("a password in cleartext", 407, "scheme-not-offered");
    let digest = proxy.fresh().field();
    send(true, Some(digest.clone())).is("Digest over TLS", 407, "scheme-not-offered");
    send(false, Some(digest)).passes("Digest in cleartext", "alice");
}

#[test]
fn an_offer_of_missing_schemes_refuses_with_503() {
    let builder = || Authenticator::builder(realm()).with_basic(users());
    let none = Proxy::of(builder().with_offer_of(|_| Offer::only("Digest").and("Bearer")));
    for (name, sent) in [
        ("nothing", None),
        ("the right password", Some(basic("alice:wonder"))),
        ("a wrong password", Some(basic("alice:other"))),
    ] {
        ask(&none, PLAIN, sent).is(name, 503, "backend-failed");
    }
    let some = Proxy::of(builder().with_offer_of(|_| Offer::only("Digest").and("bASIC")));
    assert_eq!(schemes(&some.challenge()), ["Basic"]);
    some.get(basic("alice:wonder")).passes("the scheme that exists", "alice");
}

#[test]
fn bypass_and_anonymous_access_ignore_the_offer() {
    let nothing = |_: &RequestHead<'_>| Offer::only("Bearer");
    let anonymous = Proxy::of(both().with_offer_of(nothing).with_anonymous(true));
    assert!(anonymous.challenge().identity().unwrap().is_anonymous());
    let bypass = Proxy::of(both().with_offer_of(nothing).with_bypass(|_| true));
    assert!(bypass.get(basic("alice:other")).identity().is_none());
}
