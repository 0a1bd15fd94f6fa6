//! The events that observers receive, one for each request.

#[cfg(feature = "metrics")]
mod counted;
mod every_reason;
#[cfg(feature = "tracing")]
mod logged;
mod unfinished;

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, SystemTime},
};

use http::{HeaderValue, Method, Response, header};
use http_body_util::Full;
use tower::{Layer, ServiceExt};
use tower_proxy_auth::{
    Account, Authenticator, BasicCredentials, ProxyAuthLayer, Reason, Refusal, UserId, Verdict,
    backend::from_fn,
    event::{AuthEvent, ChannelObserver, ClaimedUser, ClaimedUsers, Outcome},
};

use crate::support::{
    digest::Digest,
    engine::{Proxy, basic, field, request},
    layer::{self, Origin, RIGHT, WRONG, both, get, realm, send},
};

/// The events of a layer.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<AuthEvent>>>);

impl Events {
    /// Adds itself to the layer.
    fn observe(&self, layer: ProxyAuthLayer) -> ProxyAuthLayer {
        let events = self.clone();
        layer.with_observer(move |event: &AuthEvent| events.0.lock().unwrap().push(event.clone()))
    }

    /// The events since the last call.
    fn take(&self) -> Vec<AuthEvent> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The one event since the last call.
    #[track_caller]
    fn one(&self) -> AuthEvent {
        let mut events = self.take();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }
}

fn observed(proxy: Proxy) -> (Proxy, Events) {
    let events = Events::default();
    (proxy.layer(|layer| events.observe(layer)), events)
}

/// Name, status, scheme, algorithm, user and claimed user.
type Row = (&'static str, u16, Option<&'static str>, Option<&'static str>, &'static str);

#[track_caller]
fn assert_shows(event: &AuthEvent, (name, status, scheme, algorithm, user): Row) {
    assert_eq!((event.name(), event.status().map(|one| one.as_u16())), (name, Some(status)));
    assert_eq!((event.scheme(), event.algorithm()), (scheme, algorithm), "{name}");
    let claimed = event.claimed_user().map(|one| format!("claimed {one}"));
    let proved = event.user().map(|one| format!("user {one}"));
    assert!(claimed.is_none() || proved.is_none(), "{name}");
    assert_eq!(claimed.or(proved).unwrap_or_default(), user, "{name}");
}

#[test]
fn shows_who_came_in_and_who_did_not() {
    let (proxy, events) = observed(Proxy::new());
    let right = proxy.fresh();
    let md5 = Digest { algorithm: "MD5", ..proxy.fresh() };
    let wrong = Digest { password: "x".into(), ..md5.clone() };
    events.take();
    let (basic_only, digest) = (Some("Basic"), Some("Digest"));
    let rows: [(Option<HeaderValue>, Row); 9] = [
        (Some(basic("alice:wonder")), ("forwarded", 200, basic_only, None, "user alice")),
        (Some(right.field()), ("forwarded", 200, digest, Some("SHA-256"), "user alice")),
        (Some(md5.field()), ("forwarded", 200, digest, Some("MD5"), "user alice")),
        (Some(right.field()), ("nonce-replayed", 407, digest, Some("SHA-256"), "user alice")),
        (Some(basic("alice:x")), ("wrong-password", 407, basic_only, None, "claimed alice")),
        (Some(wrong.field()), ("wrong-password", 407, digest, Some("MD5"), "claimed alice")),
        (
            Some(basic("carol d:x")),
            ("unknown-user", 407, basic_only, None, r"claimed carol\u{20}d"),
        ),
        (Some(field("Basic !")), ("undecodable", 407, basic_only, None, "")),
        (None, ("missing-credentials", 407, None, None, "")),
    ];
    for (sent, row) in rows {
        proxy.send(request(&Method::GET, "http://example.org/", sent));
        let event = events.one();
        assert_shows(&event, row);
        assert_eq!(event.realm(), Some(&realm()));
        assert_eq!(event.is_guess(), matches!(row.0, "wrong-password" | "unknown-user"));
        // The clock stands still.
        let is_checked = !row.4.is_empty();
        assert_eq!(event.check_time(), is_checked.then_some(Duration::ZERO), "{}", row.0);
    }
}

#[test]
fn tells_anonymous_and_bypassing_requests_from_those_of_users() {
    let builder = Authenticator::builder(realm())
        .with_basic(layer::users())
        .with_anonymous(true)
        .with_bypass(|head| head.target().path() == "/health");
    let (proxy, events) = observed(Proxy::of(builder));
    for (target, outcome, row) in [
        ("http://example.org/", Outcome::Forwarded, ("anonymous", 200, None, None, "")),
        ("http://example.org/health", Outcome::Bypassed, ("bypassed", 200, None, None, "")),
    ] {
        proxy.send(request(&Method::GET, target, []));
        let event = events.one();
        assert_shows(&event, row);
        assert_eq!((event.outcome(), event.reason(), event.is_guess()), (outcome, None, false));
        assert_eq!(event.realm().is_some(), outcome == Outcome::Forwarded);
        assert_eq!(event.check_time(), None);
    }
}

#[tokio::test]
async fn shows_peer_method_target_and_time() {
    let events = Events::default();
    let layer = events.observe(ProxyAuthLayer::new(both()));
    let mut sent = layer::request(Method::CONNECT, "example.org:443");
    sent.extensions_mut().insert(SocketAddr::from(([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201], 9)));
    let start = SystemTime::now();
    send(&layer, &Origin::new(), sent).await;
    let event = events.one();
    assert_eq!(event.peer(), Some(IpAddr::from([192, 0, 2, 1])));
    assert_eq!(
        (event.method(), event.target().to_string()),
        (&Method::CONNECT, "example.org:443".into())
    );
    assert!(start <= event.time() && event.time() <= SystemTime::now());

    send(&layer, &Origin::new(), get(RIGHT)).await;
    let event = events.one();
    assert_eq!(event.peer(), None);
    assert_eq!(event.target().query(), Some("b=c"));
    assert_eq!(event.shown_target().to_string(), "http://example.org/a");
}

#[test]
fn measures_the_check_until_its_verdict() {
    let clock = Proxy::new().clock;
    let moved = clock.clone();
    let validator = from_fn(move |_: &BasicCredentials<'_>| {
        moved.set(3);
        Verdict::WrongPassword
    });
    let builder = Authenticator::builder(realm()).with_basic(validator);
    let (proxy, events) = observed(Proxy::at(clock, builder));
    proxy.get(basic("alice:x")).is("measured", 407, "wrong-password");
    assert_eq!(events.one().check_time(), Some(Duration::from_secs(3)));
}

#[test]
fn names_the_user_of_a_disabled_account() {
    let validator = from_fn(|_: &BasicCredentials<'_>| Verdict::Disabled(Account::new("Alice")));
    let builder = Authenticator::builder(realm()).with_basic(validator);
    let (proxy, events) = observed(Proxy::of(builder));
    proxy.get(basic("alice:wonder"));
    assert_shows(&events.one(), ("account-disabled", 403, Some("Basic"), None, "user Alice"));
}

#[test]
fn refusal_and_event_have_the_same_reference() {
    let (proxy, events) = observed(Proxy::new());
    let mut seen = Vec::new();
    for sent in [None, Some(basic("alice:x")), Some(field("Basic !"))] {
        let answer = proxy.send(request(&Method::GET, "http://example.org/", sent));
        let id = events.one().id();
        assert_eq!(answer.refused.unwrap().reference_id(), Some(id));
        assert!(!seen.contains(&id), "{id} twice");
        seen.push(id);
    }
    // Without observers, a page or a log can show it all the same.
    let refused = Proxy::new().get(basic("alice:x")).refused.unwrap();
    assert!(refused.reference_id().is_some());
}

/// A service that refuses by itself, as rules for targets do.
fn refusing(reason: Reason) -> impl Fn() -> Response<Full<bytes::Bytes>> {
    move || {
        let refusal = Refusal::new(reason).with_source("not on Sundays");
        let mut response = Response::new(Full::default());
        *response.status_mut() = refusal.status();
        response.extensions_mut().insert(refusal);
        response
    }
}

#[tokio::test]
async fn reports_the_refusal_of_a_service_further_in_once() {
    let events = Events::default();
    let origin = Origin::answering(refusing(Reason::AccountDisabled));
    let layer = events.observe(ProxyAuthLayer::new(both()));
    let response = send(&layer, &origin, get(RIGHT)).await;
    let event = events.one();
    assert_shows(&event, ("account-disabled", 403, Some("Basic"), None, "user alice"));
    assert_eq!(event.causes().unwrap().to_string(), "not on Sundays");
    let refusal: &Refusal = response.extensions().get().unwrap();
    assert_eq!(refusal.reference_id(), Some(event.id()));
    // Also without observers.
    let response = send(&ProxyAuthLayer::new(both()), &origin, get(RIGHT)).await;
    assert!(response.extensions().get::<Refusal>().unwrap().reference_id().is_some());
}

#[tokio::test]
async fn an_outer_layer_reports_the_refusal_of_an_inner_one_under_its_reference() {
    let (outside, inside) = (Events::default(), Events::default());
    let open = Authenticator::builder(realm()).with_basic(layer::users()).with_anonymous(true);
    let open = ProxyAuthLayer::new(open.build().unwrap());
    let stack = outside
        .observe(open.allow_chaining(true))
        .layer(inside.observe(ProxyAuthLayer::new(both())).layer(Origin::new()));
    let response = stack.oneshot(layer::request(Method::GET, layer::URL)).await.unwrap();
    assert_eq!(response.status(), 407);
    let (outside, inside) = (outside.one(), inside.one());
    assert_eq!((outside.name(), inside.name()), ("missing-credentials", "missing-credentials"));
    assert_eq!(outside.id(), inside.id());
}

#[tokio::test]
async fn reports_the_challenge_of_an_upstream_once() {
    let challenge = || {
        let response = Response::builder().status(407).header(header::PROXY_AUTHENTICATE, "Basic");
        response.body(Full::default()).unwrap()
    };
    let events = Events::default();
    let layer = events.observe(ProxyAuthLayer::new(both()));
    let response = send(&layer, &Origin::answering(challenge), get(RIGHT)).await;
    assert_eq!(layer::reason(&response), Reason::UpstreamChallenge);
    assert_shows(&events.one(), ("upstream-challenge", 502, Some("Basic"), None, "user alice"));
    send(&layer.allow_chaining(true), &Origin::answering(challenge), get(RIGHT)).await;
    assert_shows(&events.one(), ("forwarded", 407, Some("Basic"), None, "user alice"));
}

#[tokio::test]
async fn a_panic_of_an_observer_hurts_nobody() {
    let events = Events::default();
    let layer = ProxyAuthLayer::new(both());
    let layer = events.observe(layer.with_observer(|_: &AuthEvent| panic!("an observer panics")));
    for _ in 0..2 {
        assert_eq!(send(&layer, &Origin::new(), get(RIGHT)).await.status(), 200);
        assert_eq!(send(&layer, &Origin::new(), get(WRONG)).await.status(), 407);
        let names: Vec<_> = events.take().iter().map(AuthEvent::name).collect();
        assert_eq!(names, ["forwarded", "wrong-password"]);
    }
}

#[tokio::test]
async fn a_full_channel_drops_events_and_counts_them() {
    let (sender, receiver) = mpsc::sync_channel::<AuthEvent>(2);
    let observer = ChannelObserver::new(sender);
    let layer = ProxyAuthLayer::new(both()).with_observer(observer.clone());
    for sent in [RIGHT, WRONG, RIGHT, RIGHT, RIGHT] {
        send(&layer, &Origin::new(), get(sent)).await;
    }
    assert_eq!(observer.dropped(), 3);
    let names: Vec<_> = receiver.try_iter().map(|event| event.name()).collect();
    assert_eq!(names, ["forwarded", "wrong-password"]);
    send(&layer, &Origin::new(), get(RIGHT)).await;
    assert_eq!((receiver.try_iter().count(), observer.dropped()), (1, 3));
    drop(receiver);
    send(&layer, &Origin::new(), get(RIGHT)).await;
    assert_eq!(observer.dropped(), 4);
}

#[test]
fn shows_claimed_names_as_configured() {
    let of = |users| {
        let builder = Authenticator::builder(realm()).with_basic(layer::users());
        let (proxy, events) = observed(Proxy::of(builder.with_claimed_users(users)));
        proxy.get(basic("hunter2:x"));
        events.one().claimed_user().map(ClaimedUser::to_string)
    };
    assert_eq!(of(ClaimedUsers::Name).as_deref(), Some("hunter2"));
    assert_eq!(of(ClaimedUsers::Omitted), None);
    let fingerprint = of(ClaimedUsers::Fingerprint).unwrap();
    assert!(fingerprint.len() == 12 && !fingerprint.contains("hunter"), "{fingerprint}");
}

#[test]
fn debug_shows_neither_names_nor_target() {
    let (proxy, events) = observed(Proxy::new());
    for (sent, target) in [
        (basic("alice:wonder"), "http://me:secret@example.org/hidden?hidden"),
        (basic("carol:x"), "http://example.org/hidden"),
    ] {
        proxy.ask(&Method::GET, target, sent);
        let event = events.one();
        let shown = format!("{event:?}");
        for hidden in ["alice", "carol", "secret", "hidden", "wonder"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        assert!(shown.contains(&event.id().to_string()), "{shown}");
        assert_eq!(event.user().map(UserId::as_str).is_some(), event.reason().is_none());
    }
}
