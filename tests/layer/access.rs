//! The layer for access policies, behind the layer for authentication.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::Full;
use tokio::sync::mpsc;
use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimit, service_fn};
use tower_proxy_auth::{
    BackendError, Identity, Reason, Refusal, UserId,
    access::{Access, AccessLayer, AccessPolicy, AccessRequest, AddressCheck},
    middleware::{Pages, ResponseBody},
};

use crate::support::layer::{
    Origin, RIGHT, URL, WRONG, challenges, get, layer, reason, request, text, with_credentials,
};

/// A policy from a function.
struct Policy<F>(F);

impl<F> AccessPolicy for Policy<F>
where
    F: Fn(AccessRequest<'_>) -> Result<Access, BackendError> + Send + Sync + 'static,
{
    async fn decide(&self, request: AccessRequest<'_>) -> Result<Access, BackendError> {
        (self.0)(request)
    }
}

type Sent = Response<ResponseBody<ResponseBody<Full<Bytes>>>>;

/// Sends a request through both layers.
async fn send(access: &AccessLayer, origin: &Origin, request: Request<Full<Bytes>>) -> Sent {
    layer().layer(access.layer(origin.clone())).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn refuses_with_403_and_forwards_the_rest() {
    let table = [
        ("allowed", Ok(Access::Allowed), 200, None),
        ("denied", Ok(Access::denied("because")), 403, Some((Reason::Forbidden, "because"))),
        (
            "an address is needed",
            Ok(Access::AddressNeeded),
            403,
            Some((
                Reason::Forbidden,
                "the decision depends on the address of the host, which is not known here",
            )),
        ),
        (
            "a failure",
            Err(BackendError::new("no rules")),
            503,
            Some((
                Reason::BackendFailed,
                "the authentication back end failed: caused by: no rules",
            )),
        ),
    ];
    for (name, decision, status, refused) in table {
        let access = AccessLayer::new(Policy(move |_: AccessRequest<'_>| decision.clone()));
        let origin = Origin::new();
        let response = send(&access, &origin, get(RIGHT)).await;
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(origin.calls(), usize::from(refused.is_none()), "{name}");
        let Some((expected, cause)) = refused else {
            assert_eq!(text(response).await, "forwarded");
            continue;
        };
        let refusal = response.extensions().get::<Refusal>().unwrap();
        assert_eq!(refusal.reason(), expected, "{name}");
        assert_eq!(refusal.causes().unwrap().to_string(), cause, "{name}");
        assert!(challenges(response.headers()).is_empty(), "{name}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store", "{name}");
        let retries = response.headers().contains_key(header::RETRY_AFTER);
        assert_eq!(retries, status == 503, "{name}");
        let body = text(response).await;
        assert!(!body.is_empty() && !body.contains(cause), "{name}: {body}");
    }
}

#[tokio::test]
async fn the_policy_sees_only_authenticated_requests() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = Arc::clone(&seen);
    let access = AccessLayer::new(Policy(move |request: AccessRequest<'_>| {
        let user = request.identity().and_then(Identity::user).map_or("-", UserId::as_str);
        let (method, target, peer) = (request.method(), request.target(), request.peer());
        assert_eq!(request.address(), None);
        note.lock().unwrap().push(format!("{user} {method} {target} {peer:?}"));
        Ok(Access::Allowed)
    }));
    let origin = Origin::new();
    let response = send(&access, &origin, get(WRONG)).await;
    assert_eq!((response.status().as_u16(), reason(&response)), (407, Reason::WrongPassword));
    assert!(seen.lock().unwrap().is_empty());
    let mut sent = with_credentials(request(Method::POST, URL), RIGHT);
    sent.extensions_mut().insert(SocketAddr::new("::ffff:192.0.2.1".parse().unwrap(), 1));
    assert_eq!(send(&access, &origin, sent).await.status(), 200);
    assert_eq!(*seen.lock().unwrap(), [format!("alice POST {URL} Some(192.0.2.1)")]);
}

#[tokio::test]
async fn the_outer_layer_adds_proxy_status() {
    let access = AccessLayer::new(Policy(|_: AccessRequest<'_>| Ok(Access::denied("because"))));
    let layer = layer().with_proxy_status("proxy.example.org").unwrap();
    let response = layer.layer(access.layer(Origin::new())).oneshot(get(RIGHT)).await.unwrap();
    assert_eq!(response.status(), 403);
    let expected = "\"proxy.example.org\"; error=http_request_denied";
    assert_eq!(response.headers()["proxy-status"], expected);
}

#[tokio::test]
async fn works_without_authentication() {
    let access = AccessLayer::new(Policy(|request: AccessRequest<'_>| {
        assert!(request.identity().is_none());
        Ok(match request.peer() {
            Some(peer) if peer.is_loopback() => Access::Allowed,
            _ => Access::denied("a stranger"),
        })
    }));
    let access = access.with_peer_address(|head| {
        head.headers().get("x-peer").and_then(|peer| peer.to_str().ok()?.parse().ok())
    });
    for (peer, status) in [("127.0.0.1", 200), ("::ffff:127.0.0.1", 200), ("192.0.2.1", 403)] {
        let mut sent = request(Method::GET, URL);
        sent.headers_mut().insert("x-peer", peer.parse().unwrap());
        let response = access.layer(Origin::new()).oneshot(sent).await.unwrap();
        assert_eq!(response.status(), status, "{peer}");
    }
}

#[tokio::test]
async fn answers_a_denied_address_without_authentication() {
    let access = AccessLayer::new(Policy(|request: AccessRequest<'_>| {
        Ok(match request.address() {
            None => Access::AddressNeeded,
            Some(_) => Access::denied("a private address"),
        })
    }));
    let pages = Pages::builder().with_contact("desk 4").build().unwrap();
    let access = access.with_address_check(true).with_pages(pages);
    let proxy = access.layer(service_fn(|sent: Request<Full<Bytes>>| async move {
        let check: &AddressCheck = sent.extensions().get().unwrap();
        let refusal = check.check(IpAddr::from([10, 0, 0, 1])).await.unwrap_err();
        let mut response = Response::new(Full::<Bytes>::default());
        response.extensions_mut().insert(refusal);
        Ok::<_, Infallible>(response)
    }));
    let response = proxy.oneshot(request(Method::GET, URL)).await.unwrap();
    assert_eq!((response.status().as_u16(), reason(&response)), (403, Reason::Forbidden));
    let page = text(response).await;
    assert!(page.starts_with("403 Forbidden: ") && page.contains("desk 4"), "{page}");
}

#[tokio::test]
async fn the_proxy_checks_each_address_of_a_name() {
    let policy = |request: AccessRequest<'_>| {
        let user = request.identity().and_then(Identity::user).map_or("-", UserId::as_str);
        assert_eq!((user, request.target().to_string().as_str()), ("alice", URL));
        Ok(match request.address() {
            None => Access::AddressNeeded,
            Some(address) if address.is_loopback() => Access::denied("loopback"),
            Some(address) if address.is_ipv6() => Access::AddressNeeded,
            Some(_) => Access::Allowed,
        })
    };
    let access = AccessLayer::new(Policy(policy)).with_address_check(true);
    let origin = Origin::new();
    assert_eq!(send(&access, &origin, get(RIGHT)).await.status(), 200);
    let check: AddressCheck = origin.head().extensions.get().cloned().unwrap();
    for (address, expected) in [
        ("192.0.2.1", None),
        ("127.0.0.1", Some("loopback")),
        ("::ffff:127.0.0.1", Some("loopback")),
        ("2001:db8::1", Some("the policy does not decide about an address")),
    ] {
        let checked = check.check(address.parse::<IpAddr>().unwrap()).await;
        let cause = checked.err().map(|refusal| {
            assert_eq!(refusal.reason(), Reason::Forbidden);
            refusal.causes().unwrap().to_string()
        });
        assert_eq!(cause.as_deref(), expected, "{address}");
    }
}

#[tokio::test]
async fn regression_the_outer_policy_checks_addresses_as_well() {
    fn denying(denied: &'static str) -> AccessLayer {
        let policy = move |request: AccessRequest<'_>| {
            Ok(match request.address() {
                None => Access::AddressNeeded,
                Some(address) if address.to_string() == denied => Access::denied(denied),
                Some(_) => Access::Allowed,
            })
        };
        AccessLayer::new(Policy(policy)).with_address_check(true)
    }
    let origin = Origin::new();
    let inner = denying("192.0.2.2").layer(origin.clone());
    let sent = denying("192.0.2.1").layer(inner).oneshot(get(RIGHT)).await.unwrap();
    assert_eq!(sent.status(), 200);
    let check: AddressCheck = origin.head().extensions.get().cloned().unwrap();
    for (address, is_allowed) in [("192.0.2.1", false), ("192.0.2.2", false), ("192.0.2.3", true)] {
        let checked = check.check(address.parse::<IpAddr>().unwrap()).await;
        assert_eq!(checked.is_ok(), is_allowed, "{address}");
    }
}

/// Waits for its decisions.
struct Waiting(tokio::sync::Mutex<mpsc::UnboundedReceiver<Access>>);

impl AccessPolicy for Waiting {
    async fn decide(&self, _: AccessRequest<'_>) -> Result<Access, BackendError> {
        Ok(self.0.lock().await.recv().await.expect("a decision"))
    }
}

#[tokio::test]
async fn a_pending_decision_holds_no_permit() {
    let (decide, decisions) = mpsc::unbounded_channel();
    let access = AccessLayer::new(Waiting(tokio::sync::Mutex::new(decisions)));
    let origin = Origin::new();
    let mut service = access.layer(ConcurrencyLimit::new(origin.clone(), 1));
    let mut cx = Context::from_waker(Waker::noop());
    let sent = || request(Method::GET, URL);
    let mut first =
        pin!(ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap().call(sent()));
    assert!(first.as_mut().poll(&mut cx).is_pending());
    // The permit of the first request is free again.
    let mut second =
        pin!(ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap().call(sent()));
    assert!(second.as_mut().poll(&mut cx).is_pending());
    decide.send(Access::Allowed).unwrap();
    let Poll::Ready(response) = first.as_mut().poll(&mut cx) else { panic!("it waits") };
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(origin.calls(), 1);
    decide.send(Access::denied("no")).unwrap();
    let Poll::Ready(response) = second.as_mut().poll(&mut cx) else { panic!("it waits") };
    assert_eq!((response.unwrap().status().as_u16(), origin.calls()), (403, 1));
}
