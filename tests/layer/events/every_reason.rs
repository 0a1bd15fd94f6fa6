//! Every reason, through the whole stack, under one name everywhere.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, CredentialValidator, DigestScheme,
    ProxyAuthLayer, Reason, Verdict,
    access::{Access, AccessLayer, AccessPolicy, AccessRequest},
    authenticator::UserLimits,
    backend::UnusableRecord,
    nonce_store::MemoryNonceStore,
    throttle::{Admission, Attempt, Overload, Throttle},
    user_parameters::UserParameterSyntax,
};

use super::Events;
use crate::support::{
    digest::{Digest, quoted},
    engine::{Answer, Body, Proxy, basic, field, now, realm, request, users},
};

/// A proxy, and a request that it refuses for the reason.
struct Scene {
    proxy: Proxy,
    request: Request<Body>,
    /// An open tunnel.
    _held: Option<Answer>,
}

impl Scene {
    fn of(proxy: Proxy, fields: impl IntoIterator<Item = HeaderValue>) -> Self {
        Self::sending(proxy, request(&Method::GET, "http://example.org/", fields))
    }

    fn sending(proxy: Proxy, request: Request<Body>) -> Self {
        Self { proxy, request, _held: None }
    }

    #[track_caller]
    fn play(self, options: impl FnOnce(ProxyAuthLayer) -> ProxyAuthLayer) -> Answer {
        self.proxy.layer(options).send(self.request)
    }
}

/// The scene of each reason.
#[track_caller]
fn scene(reason: Reason) -> Scene {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    let one = |proxy, field| Scene::of(proxy, [field]);
    match reason {
        Reason::MissingCredentials => Scene::of(proxy, []),
        Reason::SchemeNotOffered => one(proxy, field("Bearer x")),
        Reason::AlgorithmNotOffered => {
            one(proxy, Digest { algorithm: "SHA-512-256", ..digest }.field())
        }
        Reason::Undecodable => one(proxy, field("Basic !")),
        Reason::EmptyUserId => one(proxy, basic(":wonder")),
        Reason::EmptyPassword => one(proxy, basic("alice:")),
        Reason::ControlCharacter => one(proxy, basic("al\tice:wonder")),
        Reason::PasswordTooLong => judged(|| Ok(Verdict::PasswordTooLong)),
        Reason::UserParameters => {
            let syntax = UserParameterSyntax::builder().with_number("minutes", 1..=60);
            let builder = Authenticator::builder(realm()).with_basic(users());
            let builder = builder.with_user_parameters(syntax.build().unwrap());
            one(Proxy::of(builder), basic("alice-minutes-61:wonder"))
        }
        Reason::UnknownUser => one(proxy, basic("carol:wonder")),
        Reason::WrongPassword => one(proxy, Digest { password: "x".into(), ..digest }.field()),
        Reason::UnusableRecord => judged(|| Ok(Verdict::Unusable(UnusableRecord::new("locked")))),
        Reason::OtherRealm => one(proxy, Digest { realm: "other".into(), ..digest }.field()),
        Reason::NonceExpired => {
            proxy.clock.set(301);
            one(proxy, digest.field())
        }
        Reason::NonceUnknown => one(proxy, Digest::new("unknown").field()),
        Reason::NonceForgotten => forgotten(),
        Reason::NonceReplayed => {
            proxy.login(&digest).passes("first", "alice");
            one(proxy, digest.field())
        }
        Reason::NonceOfOtherUser => {
            proxy.login(&digest).passes("first", "alice");
            let (user, password) = ("bob".into(), "builder".into());
            one(proxy, Digest { user, password, ..digest }.field())
        }
        Reason::SeveralFields => Scene::of(proxy, [basic("alice:wonder"), digest.field()]),
        Reason::Malformed => one(proxy, field("Digest =")),
        Reason::DuplicateParameter => one(proxy, digest.params().and("nc", "00000001").field()),
        Reason::MissingParameter => one(proxy, digest.params().without("nc").field()),
        Reason::ImproperParameter => one(proxy, digest.params().with("nc", "1").field()),
        Reason::OtherResource => one(proxy, digest.params().with("uri", quoted("/other")).field()),
        Reason::AccountDisabled => judged(|| Ok(Verdict::Disabled(Account::new("alice")))),
        Reason::AccountExpired => judged(|| Ok(Verdict::Expired(Account::new("alice")))),
        Reason::Forbidden => one(proxy.inner(|_| denied()), basic("alice:wonder")),
        Reason::TooManyFailures => throttled(Overload::Failures(Duration::from_secs(7))),
        Reason::TooManyChecks => throttled(Overload::Checks(Duration::from_secs(7))),
        Reason::TooManyPeers => many_peers(),
        Reason::TooManyTunnels => many_tunnels(),
        Reason::TooManyRequests => many_requests(),
        Reason::FieldTooLong => one(proxy, field("x".repeat(20_000))),
        Reason::BackendFailed => judged(|| Err(BackendError::transient("no route"))),
        Reason::Maintenance => {
            proxy.authenticator().set_maintenance(None);
            one(proxy, basic("alice:wonder"))
        }
        Reason::UpstreamChallenge => {
            let challenge = |_: &http::request::Parts| {
                Response::builder().status(407).body(Full::default()).unwrap()
            };
            one(proxy.inner(challenge), basic("alice:wonder"))
        }
        other => panic!("no scene produces {other}: add one"),
    }
}

/// A scene with this verdict about every password.
fn judged(verdict: fn() -> Result<Verdict, BackendError>) -> Scene {
    let builder = Authenticator::builder(realm()).with_basic(Judge(verdict));
    Scene::of(Proxy::of(builder), [basic("alice:wonder")])
}

struct Judge(fn() -> Result<Verdict, BackendError>);

impl CredentialValidator for Judge {
    async fn validate(&self, _: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        (self.0)()
    }
}

/// The response of a layer inside of the one for authentication.
fn denied() -> Response<Body> {
    let service = service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Body::default()))
    });
    let sent = request(&Method::GET, "http://example.org/", []);
    let response = now(AccessLayer::new(Nobody).layer(service).oneshot(sent)).unwrap();
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, Full::from(now(body.collect()).unwrap().to_bytes()))
}

struct Nobody;

impl AccessPolicy for Nobody {
    async fn decide(&self, _: AccessRequest<'_>) -> Result<Access, BackendError> {
        Ok(Access::denied("nobody may go anywhere"))
    }
}

/// A store with room for one nonce, which has had to forget that of bob.
fn forgotten() -> Scene {
    let store = MemoryNonceStore::builder().with_capacity(1).build().unwrap();
    let digest = DigestScheme::builder(users()).with_nonce_store(store).build().unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_scheme(digest));
    let first = proxy.fresh();
    proxy.login(&first).passes("first", "alice");
    proxy.clock.set(1);
    let second = Digest { user: "bob".into(), password: "builder".into(), ..proxy.fresh() };
    proxy.login(&second).passes("second", "bob");
    Scene::of(proxy, [first.field()])
}

/// A scene whose throttle refuses everything.
fn throttled(overload: Overload) -> Scene {
    let builder =
        Authenticator::builder(realm()).with_basic(users()).with_throttle(Closed(overload));
    Scene::of(Proxy::of(builder), [basic("alice:wonder")])
}

struct Closed(Overload);

impl Throttle for Closed {
    async fn admit(&self, _: Attempt<'_>) -> Result<Admission, BackendError> {
        Ok(Admission::Refused(self.0))
    }
}

/// Scenes of a user who has reached a limit.
fn many_peers() -> Scene {
    let proxy = limited(UserLimits::new().with_max_peers(1, Duration::from_secs(60)));
    let from = |last| {
        let mut request = request(&Method::GET, "http://example.org/", [basic("alice:wonder")]);
        request.extensions_mut().insert(SocketAddr::from(([192, 0, 2, last], 1)));
        request
    };
    proxy.send(from(1)).passes("first", "alice");
    Scene::sending(proxy, from(2))
}

fn many_tunnels() -> Scene {
    let proxy = limited(UserLimits::new().with_max_tunnels(1));
    let connect = || request(&Method::CONNECT, "example.org:443", [basic("alice:wonder")]);
    let first = proxy.send(connect());
    first.passes("first", "alice");
    Scene { _held: Some(first), ..Scene::sending(proxy, connect()) }
}

fn many_requests() -> Scene {
    let proxy = limited(UserLimits::new().with_max_requests_per_second(1));
    proxy.get(basic("alice:wonder")).passes("first", "alice");
    Scene::of(proxy, [basic("alice:wonder")])
}

fn limited(limits: UserLimits) -> Proxy {
    let builder = Authenticator::builder(realm()).with_basic(users());
    Proxy::of(builder.with_user_limits(limits))
}

#[test]
fn is_in_response_and_event() {
    for &reason in Reason::ALL {
        let events = Events::default();
        let answer = scene(reason).play(|layer| events.observe(layer));
        let event = events.one();
        assert_eq!(answer.reason(), reason.as_str());
        assert_eq!((event.reason(), event.name()), (Some(reason), reason.as_str()));
        assert_eq!(event.status(), Some(reason.status()));
        assert_eq!(event.is_guess(), reason.is_guess());
        let has_claim = event.claimed_user().is_some() || event.user().is_some();
        assert!(has_claim || !reason.is_guess(), "{reason} without a name");
    }
}

#[cfg(feature = "tracing")]
#[test]
fn is_in_the_log() {
    use crate::support::log::Log;
    use tower_proxy_auth::event::TracingObserver;

    let (log, _guard) = Log::capture();
    for &reason in Reason::ALL {
        let answer = scene(reason).play(|layer| layer.with_observer(TracingObserver::new()));
        let line = log.line();
        let (status, id) = (reason.status(), answer.refused.unwrap().reference_id().unwrap());
        let level = match reason {
            Reason::MissingCredentials | Reason::Maintenance => "DEBUG",
            _ if status.is_server_error() => "ERROR",
            _ if reason.is_stale() => "DEBUG",
            _ => "WARN",
        };
        assert!(line.trim_start().starts_with(level), "{line}");
        for part in [
            format!("request refused outcome=\"{reason}\" status={} ", status.as_u16()),
            " host=example.org ".to_owned(),
            format!(" id={id}"),
        ] {
            assert!(line.contains(&part), "{part} is missing in {line}");
        }
        let has_name = line.contains(" claimed=") || line.contains(" user=");
        assert!(has_name || !reason.is_guess(), "{line}");
    }
}

#[cfg(feature = "metrics")]
#[test]
fn is_counted() {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use tower_proxy_auth::event::MetricsObserver;

    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        let observer = MetricsObserver::new();
        for &reason in Reason::ALL {
            scene(reason).play(|layer| layer.with_observer(observer.clone()));
        }
    });
    let rendered = recorder.handle().render();
    for &reason in Reason::ALL {
        let labels = format!("proxy_auth_requests_total{{outcome=\"{reason}\",");
        let mut lines = rendered.lines().filter(|line| line.starts_with(&labels));
        let line = lines.next().unwrap_or_else(|| panic!("{reason} is missing: {rendered}"));
        assert!(line.ends_with(" 1") && lines.next().is_none(), "{line}");
    }
    for secret in ["alice", "wonder", "carol", "example.org"] {
        assert!(!rendered.contains(secret), "{secret}: {rendered}");
    }
}
