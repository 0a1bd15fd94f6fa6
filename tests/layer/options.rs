//! The options of the engine and of the layer that concern a request's head.

use std::net::{IpAddr, SocketAddr};

use http::{Method, Response, Uri};
use tower::{Layer, ServiceExt};
use tower_proxy_auth::{
    Authenticator, BasicScheme, ConfigError, DigestScheme, ProxyAuthLayer, Realm, Reason,
    RequestHead, Users,
    authenticator::AuthenticatorBuilder,
    backend::ValidatorChain,
    clock::{Clock, Timestamp},
};

use crate::support::{
    digest::Digest,
    layer::{
        Origin, RIGHT, URL, both, challenges, get, realm, reason, request, schemes, send, users,
    },
};

fn options() -> AuthenticatorBuilder {
    Authenticator::builder(realm()).with_basic(users())
}

/// Whether alice may come in from `peer` when only peers of 192.0.2.0/24 bypass.
async fn comes_in(layer: &ProxyAuthLayer, peer: Option<&str>) -> bool {
    let mut sent = request(Method::GET, URL);
    if let Some(peer) = peer {
        sent.extensions_mut().insert(peer.parse::<SocketAddr>().unwrap());
    }
    send(layer, &Origin::new(), sent).await.status() == 200
}

fn of_a_trusted_net() -> Authenticator {
    let trusted = |head: &RequestHead<'_>| match head.peer() {
        Some(IpAddr::V4(peer)) => peer.octets().starts_with(&[192, 0, 2]),
        _ => false,
    };
    options().with_bypass(trusted).build().unwrap()
}

#[tokio::test]
async fn the_peer_address_is_the_socket_address_in_the_extensions() {
    let layer = ProxyAuthLayer::new(of_a_trusted_net());
    assert!(comes_in(&layer, Some("192.0.2.7:4711")).await);
    assert!(!comes_in(&layer, Some("198.51.100.7:4711")).await);
    assert!(!comes_in(&layer, None).await);
}

#[tokio::test]
async fn the_peer_address_can_come_from_elsewhere() {
    let layer = ProxyAuthLayer::new(of_a_trusted_net()).with_peer_address(|head| {
        // As after a proxy that swaps the last octets.
        let address = head.extensions().get::<SocketAddr>()?;
        (address.port() == 1).then_some(IpAddr::from([192, 0, 2, 1]))
    });
    assert!(comes_in(&layer, Some("198.51.100.7:1")).await);
    assert!(!comes_in(&layer, Some("192.0.2.7:2")).await);
}

#[tokio::test]
async fn digest_proves_the_target_from_before_the_router() {
    #[derive(Clone)]
    struct Original(Uri);

    let plain = ProxyAuthLayer::new(both());
    let layer = plain
        .clone()
        .with_request_target(|head| head.extensions().get().map(|Original(target)| target.clone()));
    let origin = Origin::new();
    let refused = send(&layer, &origin, request(Method::GET, "/a")).await;
    let mut client = Digest::of_headers(refused.headers());
    let mut routed = |target: &str, original: Option<&str>, uri: &str| {
        let mut sent = request(Method::GET, target);
        if let Some(original) = original {
            sent.extensions_mut().insert(Original(original.parse().unwrap()));
        }
        crate::support::layer::with_credentials(sent, &client.answer("GET", uri))
    };
    let sent = routed("/a", Some("/api/a"), "/api/a");
    assert_eq!(send(&layer, &origin, sent).await.status(), 200);
    // The inner service goes on with the target that the router made.
    assert_eq!(origin.head().uri, "/a");
    let sent = routed("/a", Some("/api/a"), "/a");
    assert_eq!(reason(&send(&layer, &origin, sent).await), Reason::OtherResource);
    let sent = routed("/a", None, "/a");
    assert_eq!(send(&layer, &origin, sent).await.status(), 200);
    let sent = routed("/a", Some("/api/a"), "/api/a");
    assert_eq!(reason(&send(&plain, &origin, sent).await), Reason::OtherResource);
}

#[tokio::test]
async fn each_request_can_have_its_own_realm() {
    let north = Realm::new("north").unwrap();
    let northerners = Users::new(&north).with_user("alice", "wonder").unwrap();
    let of_host = move |head: &RequestHead<'_>| {
        let is_north = head.target().host().is_some_and(|host| host.ends_with(".north"));
        is_north.then(|| north.clone())
    };
    let auth = Authenticator::builder(realm())
        .with_digest(users())
        .with_basic(ValidatorChain::new().with(users()).with(northerners))
        .with_realm_of(of_host)
        .build()
        .unwrap();
    let (layer, origin) = (ProxyAuthLayer::new(auth), Origin::new());
    for (url, expected) in [(URL, "realm=\"proxy\""), ("http://a.north/", "realm=\"north\"")] {
        // Again and again, since the challenge of the realm that came first is kept.
        for _ in 0..2 {
            let response = send(&layer, &origin, request(Method::GET, url)).await;
            let challenges = challenges(response.headers());
            assert_eq!(challenges.len(), 3);
            assert!(challenges.iter().all(|one| one.contains(expected)), "{challenges:?}");
        }
    }
    for url in [URL, "http://a.north/"] {
        let sent = crate::support::layer::with_credentials(request(Method::GET, url), RIGHT);
        assert_eq!(send(&layer, &origin, sent).await.status(), 200, "{url}");
    }
    // A nonce of one realm is none in the other.
    let refused = send(&layer, &origin, request(Method::GET, URL)).await;
    let answer = Digest::of_headers(refused.headers()).answer("GET", "/");
    let sent =
        crate::support::layer::with_credentials(request(Method::GET, "http://a.north/"), &answer);
    assert_eq!(reason(&send(&layer, &origin, sent).await), Reason::OtherRealm);
}

#[tokio::test]
async fn users_of_one_realm_are_nobody_in_another() {
    let auth = options().with_realm_of(|_| Realm::new("north").ok()).build().unwrap();
    let response = send(&ProxyAuthLayer::new(auth), &Origin::new(), get(RIGHT)).await;
    assert_eq!(reason(&response), Reason::UnknownUser);
    assert_eq!(challenges(response.headers()), ["Basic realm=\"north\", charset=\"UTF-8\""]);
}

#[tokio::test]
async fn a_field_past_the_limit_is_not_looked_at() {
    let layer =
        |limit| ProxyAuthLayer::new(options().with_max_field_length(limit).build().unwrap());
    let origin = Origin::new();
    assert_eq!(send(&layer(RIGHT.len()), &origin, get(RIGHT)).await.status(), 200);
    let response = send(&layer(RIGHT.len() - 1), &origin, get(RIGHT)).await;
    assert_eq!(response.status(), 431);
    assert_eq!(reason(&response), Reason::FieldTooLong);
    assert!(schemes(response.headers()).is_empty());
    let by_default = ProxyAuthLayer::new(options().build().unwrap());
    let field = |length: usize| format!("Basic {}", "A".repeat(length - 6));
    let response = send(&by_default, &origin, get(&field(16_384))).await;
    assert_eq!(response.status(), 407);
    let response = send(&by_default, &origin, get(&field(16_385))).await;
    assert_eq!(response.status(), 431);
}

#[tokio::test]
async fn stale_answers_without_end_are_cut_short() {
    #[derive(Debug)]
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(1_700_000_000_000_000)
        }
    }

    let auth = Authenticator::builder(realm())
        .with_digest(users())
        .with_max_consecutive_stale(2)
        .with_clock(Still)
        .build()
        .unwrap();
    let (layer, origin) = (ProxyAuthLayer::new(auth), Origin::new());
    let refused = send(&layer, &origin, request(Method::GET, URL)).await;
    let mut client = Digest::of_headers(refused.headers());
    let used = client.answer("GET", "/a?b=c");
    assert_eq!(send(&layer, &origin, get(&used)).await.status(), 200);
    // Another spelling makes another field of the same credentials.
    let repeat = |blanks: usize| get(&used.replacen(", ", &format!(",{}", " ".repeat(blanks)), 1));
    let mut stale = Vec::new();
    for blanks in 2..6 {
        let response = send(&layer, &origin, repeat(blanks)).await;
        assert_eq!(reason(&response), Reason::NonceReplayed);
        stale.push(challenges(response.headers())[0].ends_with("stale=true"));
    }
    assert_eq!(stale, [true, true, false, false]);
    // Another address has a count of its own, and a success ends this one.
    let is_stale =
        |response: &Response<_>| challenges(response.headers())[0].ends_with("stale=true");
    let mut elsewhere = repeat(6);
    elsewhere.extensions_mut().insert("192.0.2.7:1".parse::<SocketAddr>().unwrap());
    assert!(is_stale(&send(&layer, &origin, elsewhere).await));
    assert_eq!(send(&layer, &origin, get(&client.answer("GET", "/a?b=c"))).await.status(), 200);
    assert!(is_stale(&send(&layer, &origin, repeat(7)).await));
}

#[test]
fn limits_of_zero_and_no_scheme_are_mistakes() {
    let zero = |builder: AuthenticatorBuilder| match builder.build().unwrap_err() {
        ConfigError::ZeroLimit { name } => name,
        other => panic!("{other}"),
    };
    assert_eq!(zero(options().with_max_field_length(0)), "max_field_length");
    assert_eq!(zero(options().with_max_consecutive_stale(0)), "max_consecutive_stale");
    let error = Authenticator::builder(realm()).build().unwrap_err();
    assert!(matches!(error, ConfigError::NoScheme));
    let error = options().with_basic(users()).build().unwrap_err();
    assert!(matches!(error, ConfigError::DuplicateScheme { name: "Basic" }));
}

#[tokio::test]
async fn digest_comes_first_unless_the_order_is_kept() {
    let with = || options().with_digest(users());
    let order = async |builder: AuthenticatorBuilder| {
        let layer = ProxyAuthLayer::new(builder.build().unwrap());
        let response = send(&layer, &Origin::new(), request(Method::GET, URL)).await;
        schemes(response.headers()).join(" ")
    };
    assert_eq!(order(with()).await, "Digest Digest Basic");
    assert_eq!(order(with().keep_scheme_order(true)).await, "Basic Digest Digest");
}

#[tokio::test]
async fn schemes_can_have_options_of_their_own() {
    let digest = DigestScheme::builder(users()).with_userhash(true).build().unwrap();
    let basic = BasicScheme::new(users()).with_max_password_length(5.try_into().unwrap());
    let auth = Authenticator::builder(realm()).with_scheme(digest).with_scheme(basic);
    let layer = ProxyAuthLayer::new(auth.build().unwrap());
    let response = send(&layer, &Origin::new(), get(RIGHT)).await;
    assert_eq!(reason(&response), Reason::PasswordTooLong);
    assert!(challenges(response.headers())[0].ends_with(", userhash=true"));
}

#[tokio::test]
async fn options_of_a_layer_do_not_reach_its_clones() {
    let first = ProxyAuthLayer::new(of_a_trusted_net());
    let service = first.layer(Origin::new());
    let second = first.clone().with_peer_address(|_| Some(IpAddr::from([192, 0, 2, 1])));
    assert!(comes_in(&second, None).await);
    assert!(!comes_in(&first, None).await);
    let response = service.oneshot(request(Method::GET, URL)).await.unwrap();
    assert_eq!(response.status(), 407);
}
