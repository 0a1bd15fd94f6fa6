//! The identity that the inner service and the response get.

use http::{HeaderName, Method, Request, header};
use tower_proxy_auth::{
    Account, Authenticator, Identity, ProxyAuthLayer, Realm, Reason, RequestHead, UserId, Users,
    authenticator::AuthenticatorBuilder, backend::ValidatorChain,
};

use crate::support::{
    digest::Digest,
    layer::{
        Origin, RIGHT, URL, WRONG, alice, both, get, layer, realm, reason, request, send, users,
        waiting, with_credentials, with_field,
    },
};

const USER: HeaderName = HeaderName::from_static("x-user");

fn options() -> AuthenticatorBuilder {
    Authenticator::builder(realm()).with_basic(users())
}

fn open() -> ProxyAuthLayer {
    ProxyAuthLayer::new(options().with_anonymous(true).build().unwrap())
}

/// Lets requests for `/health` bypass.
fn with_health() -> ProxyAuthLayer {
    let is_health = |head: &RequestHead<'_>| head.target().path() == "/health";
    ProxyAuthLayer::new(options().with_bypass(is_health).build().unwrap())
}

fn health() -> Request<http_body_util::Full<bytes::Bytes>> {
    request(Method::GET, "http://example.org/health")
}

#[tokio::test]
async fn attaches_the_identity_and_removes_the_credentials() {
    let (layer, origin) = (ProxyAuthLayer::new(both()), Origin::new());
    let refused = send(&layer, &origin, request(Method::GET, URL)).await;
    let digest = Digest::of_headers(refused.headers()).answer("GET", "/a?b=c");
    for (credentials, scheme) in [(RIGHT, "Basic"), (digest.as_str(), "Digest")] {
        let mut sent = with_field(get(credentials), "x-other", "kept");
        // An outer layer could attach one: it is replaced.
        sent.extensions_mut().insert(Identity::new(Account::new("mallory"), "Basic", realm()));
        assert_eq!(send(&layer, &origin, sent).await.status(), 200);
        let identity = origin.identity().unwrap();
        assert_eq!(
            (identity.user().map(UserId::as_str), identity.scheme()),
            (Some("alice"), scheme)
        );
        let head = origin.head();
        assert!(!head.headers.contains_key(header::PROXY_AUTHORIZATION));
        assert_eq!(head.headers["x-other"], "kept");
        assert_eq!(head.uri, URL);
    }
}

#[tokio::test]
async fn passes_on_groups_and_data_of_the_account() {
    #[derive(Clone, Debug, PartialEq)]
    struct Desk(u32);

    let users = Users::new(&realm());
    let account = Account::new("alice").with_group("staff").with_data(Desk(7));
    users.set_account(account, "wonder").unwrap();
    let auth = Authenticator::builder(realm()).with_basic(users).build().unwrap();
    let origin = Origin::new();
    send(&ProxyAuthLayer::new(auth), &origin, get(RIGHT)).await;
    let identity = origin.identity().unwrap();
    let account = identity.account().unwrap();
    assert_eq!(account.groups().collect::<Vec<_>>(), ["staff"]);
    assert_eq!(account.data::<Desk>(), Some(&Desk(7)));
}

#[tokio::test]
async fn attaches_none_to_a_bypassed_request() {
    let layer = with_health().with_identity_header(USER).unwrap().with_identity_in_response(true);
    let layer = layer.relay_credentials(true);
    for credentials in [[].as_slice(), &[RIGHT], &[WRONG], &["Basic ?"], &[RIGHT, "x"]] {
        let origin = Origin::new();
        let mut sent = with_field(health(), USER, "root");
        for credentials in credentials {
            sent = with_credentials(sent, credentials);
        }
        let response = send(&layer, &origin, sent).await;
        assert_eq!(response.status(), 200, "{credentials:?}");
        assert!(origin.identity().is_none());
        assert!(response.extensions().get::<Identity>().is_none());
        assert!(origin.head().headers.is_empty(), "{:?}", origin.head().headers);
    }
    let origin = Origin::new();
    assert_eq!(send(&layer, &origin, request(Method::GET, URL)).await.status(), 407);
    assert_eq!(origin.calls(), 0);
}

#[tokio::test]
async fn marks_requests_without_credentials_anonymous() {
    let (layer, origin) = (open().with_identity_header(USER).unwrap(), Origin::new());
    let sent = with_field(request(Method::GET, URL), USER, "root");
    assert_eq!(send(&layer, &origin, sent).await.status(), 200);
    let identity = origin.identity().unwrap();
    assert!(identity.is_anonymous());
    assert_eq!((identity.user().map(UserId::as_str), identity.scheme()), (None, "anonymous"));
    assert!(!origin.head().headers.contains_key(USER));

    assert_eq!(send(&layer, &origin, get(RIGHT)).await.status(), 200);
    assert_eq!(origin.identity().unwrap().user().map(UserId::as_str), Some("alice"));
    let refused = send(&with_health(), &origin, request(Method::GET, URL)).await;
    assert_eq!(reason(&refused), Reason::MissingCredentials);
}

#[tokio::test]
async fn attaches_the_identity_to_the_response_by_option() {
    let (waits, answers) = waiting();
    answers.send(Ok(alice())).unwrap();
    for layer in [layer(), waits] {
        let response =
            send(&layer.with_identity_in_response(true), &Origin::new(), get(RIGHT)).await;
        let identity = response.extensions().get::<Identity>().unwrap();
        assert_eq!(
            (identity.user().map(UserId::as_str), identity.scheme()),
            (Some("alice"), "Basic")
        );
    }
    let response = send(&open().with_identity_in_response(true), &Origin::new(), health()).await;
    assert!(response.extensions().get::<Identity>().unwrap().is_anonymous());
    let response = send(&layer(), &Origin::new(), get(RIGHT)).await;
    assert!(response.extensions().get::<Identity>().is_none());
    let response = send(&layer().with_identity_in_response(true), &Origin::new(), get(WRONG)).await;
    assert!(response.extensions().get::<Identity>().is_none());
}

#[tokio::test]
async fn regression_removes_an_identity_from_a_bypass() {
    let auth = Authenticator::builder(realm()).with_basic(users()).with_bypass(|_| true);
    let (layer, origin) = (ProxyAuthLayer::new(auth.build().unwrap()), Origin::new());
    let mut sent = request(Method::GET, URL);
    sent.extensions_mut().insert(Identity::new(Account::new("mallory"), "Basic", realm()));
    assert_eq!(send(&layer, &origin, sent).await.status(), 200);
    assert!(origin.identity().is_none());
}

#[tokio::test]
async fn keeps_identities_of_realms_apart() {
    let realms = ["a", "b"].map(|name| Realm::new(name).unwrap());
    let [a, b] = realms.clone();
    let users = ValidatorChain::new()
        .with(Users::new(&a).with_user("alice", "secret of a").unwrap())
        .with(Users::new(&b).with_user("alice", "secret of b").unwrap());
    let auth = Authenticator::builder(a)
        .with_basic(users)
        .with_realm_of(move |head| (head.target().host() == Some("b.example")).then(|| b.clone()));
    let (layer, origin) = (ProxyAuthLayer::new(auth.build().unwrap()), Origin::new());
    for (realm, credentials) in
        realms.iter().zip(["Basic YWxpY2U6c2VjcmV0IG9mIGE=", "Basic YWxpY2U6c2VjcmV0IG9mIGI="])
    {
        let target = format!("http://{realm}.example/");
        let sent = with_credentials(request(Method::GET, &target), credentials);
        assert_eq!(send(&layer, &origin, sent).await.status(), 200, "{realm}");
        let identity = origin.identity().unwrap();
        assert_eq!((identity.user().map(UserId::as_str), identity.realm()), (Some("alice"), realm));
    }
}
