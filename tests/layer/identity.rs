//! Who the inner service is told that a request comes from, and what it is not told.

use http::{HeaderName, Method, Request, header};
use tower_proxy_auth::{
    Account, Authenticator, BasicCredentials, ConfigError, Identity, ProxyAuthLayer, Realm, Reason,
    RequestHead, UserId, Users, Verdict,
    authenticator::AuthenticatorBuilder,
    backend::{ValidatorChain, from_fn},
};

use crate::support::{
    digest::Digest,
    layer::{
        Origin, RIGHT, URL, WRONG, alice, basic, both, get, layer, realm, reason, request, send,
        users, waiting, with_credentials, with_field,
    },
};

const USER: HeaderName = HeaderName::from_static("x-user");

fn options() -> AuthenticatorBuilder {
    Authenticator::builder(realm()).with_basic(users())
}

fn open() -> ProxyAuthLayer {
    ProxyAuthLayer::new(options().with_anonymous(true).build().unwrap())
}

/// Lets all requests for `/health` bypass.
fn with_health() -> ProxyAuthLayer {
    let is_health = |head: &RequestHead<'_>| head.target().path() == "/health";
    ProxyAuthLayer::new(options().with_bypass(is_health).build().unwrap())
}

fn health() -> Request<http_body_util::Full<bytes::Bytes>> {
    request(Method::GET, "http://example.org/health")
}

#[tokio::test]
async fn the_identity_goes_with_the_request_and_the_credentials_do_not() {
    let (layer, origin) = (ProxyAuthLayer::new(both()), Origin::new());
    let refused = send(&layer, &origin, request(Method::GET, URL)).await;
    let digest = Digest::of_headers(refused.headers()).answer("GET", "/a?b=c");
    for (credentials, scheme) in [(RIGHT, "Basic"), (digest.as_str(), "Digest")] {
        let mut sent = with_field(get(credentials), "x-other", "kept");
        // What a client cannot do, a layer further out could: it has no say either.
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
async fn the_inner_service_reads_what_the_back_end_knows() {
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
async fn a_request_that_bypasses_has_no_identity_and_no_credentials() {
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
async fn nobody_is_anonymous_who_was_not_allowed_to_be_or_sent_anything() {
    let (layer, origin) = (open().with_identity_header(USER).unwrap(), Origin::new());
    let sent = with_field(request(Method::GET, URL), USER, "root");
    assert_eq!(send(&layer, &origin, sent).await.status(), 200);
    let identity = origin.identity().unwrap();
    assert!(identity.is_anonymous());
    assert_eq!((identity.user().map(UserId::as_str), identity.scheme()), (None, "anonymous"));
    assert!(!origin.head().headers.contains_key(USER));

    assert_eq!(send(&layer, &origin, get(RIGHT)).await.status(), 200);
    assert_eq!(origin.identity().unwrap().user().map(UserId::as_str), Some("alice"));

    let twice = with_credentials(get(RIGHT), RIGHT);
    let table = [
        ("wrong", get(WRONG), 407, Reason::WrongPassword),
        ("undecodable", get("Basic ?"), 407, Reason::Undecodable),
        ("of another scheme", get("Bearer a"), 407, Reason::SchemeNotOffered),
        ("empty", get(""), 400, Reason::Malformed),
        ("several", twice, 400, Reason::SeveralFields),
    ];
    for (name, sent, status, expected) in table {
        let response = send(&layer, &origin, sent).await;
        assert_eq!((response.status().as_u16(), reason(&response)), (status, expected), "{name}");
    }
    assert_eq!(origin.calls(), 2);
    let closed = with_health();
    let refused = send(&closed, &origin, request(Method::GET, URL)).await;
    assert_eq!(reason(&refused), Reason::MissingCredentials);
}

#[tokio::test]
async fn the_identity_header_is_ours_alone() {
    let (waits, answers) = waiting();
    answers.send(Ok(alice())).unwrap();
    for layer in [layer(), waits] {
        let (layer, origin) = (layer.with_identity_header(USER).unwrap(), Origin::new());
        let sent = with_field(with_field(get(RIGHT), USER, "root"), USER, "admin");
        let sent = with_field(sent, header::CONNECTION, "close, X-User");
        assert_eq!(send(&layer, &origin, sent).await.status(), 200);
        let headers = origin.head().headers;
        assert_eq!(headers.get_all(USER).iter().collect::<Vec<_>>(), ["alice"]);
        assert_eq!(headers[header::CONNECTION], "close");
    }
}

#[tokio::test]
async fn any_name_can_stand_in_the_identity_header() {
    for (name, expected) in [
        ("J\u{e4}son Doe", "J%C3%A4son%20Doe"),
        ("a\r\nx-admin: yes", "a%0D%0Ax-admin:%20yes"),
        ("50%", "50%25"),
    ] {
        let validator =
            from_fn(move |_: &BasicCredentials<'_>| Verdict::Accepted(Account::new(name)));
        let auth = Authenticator::builder(realm()).with_basic(validator).build().unwrap();
        let layer = ProxyAuthLayer::new(auth).with_identity_header(USER).unwrap();
        let origin = Origin::new();
        send(&layer, &origin, get(RIGHT)).await;
        assert_eq!(origin.head().headers[USER], expected);
    }
}

#[test]
fn a_field_that_means_something_already_can_not_carry_the_identity() {
    for name in [header::HOST, header::PROXY_AUTHORIZATION, header::AUTHORIZATION] {
        let error = layer().with_identity_header(name.clone()).unwrap_err();
        assert!(matches!(error, ConfigError::ReservedIdentityHeader { name: its } if *its == name));
    }
}

#[tokio::test]
async fn credentials_are_relayed_once_they_are_proved_and_only_then() {
    let (waits, answers) = waiting();
    answers.send(Ok(alice())).unwrap();
    for layer in [ProxyAuthLayer::new(basic()), waits] {
        let (layer, origin) = (layer.relay_credentials(true), Origin::new());
        let sent = with_field(get(RIGHT), header::CONNECTION, "Proxy-Authorization, keep-alive");
        assert_eq!(send(&layer, &origin, sent).await.status(), 200);
        let headers = origin.head().headers;
        let relayed = &headers[header::PROXY_AUTHORIZATION];
        assert_eq!(relayed, RIGHT);
        assert!(relayed.is_sensitive());
        // The client cannot have it removed as hop-by-hop.
        assert_eq!(headers[header::CONNECTION].to_str().unwrap().trim(), "keep-alive");
    }
    let origin = Origin::new();
    let bypassing = with_credentials(health(), RIGHT);
    send(&with_health().relay_credentials(true), &origin, bypassing).await;
    assert!(!origin.head().headers.contains_key(header::PROXY_AUTHORIZATION));
    send(&open().relay_credentials(true), &origin, request(Method::GET, URL)).await;
    assert!(!origin.head().headers.contains_key(header::PROXY_AUTHORIZATION));
    assert_eq!(send(&layer().relay_credentials(true), &origin, get(WRONG)).await.status(), 407);
    assert_eq!(origin.calls(), 2);
}

#[tokio::test]
async fn a_connection_option_alone_proves_nothing() {
    let origin = Origin::new();
    let sent = with_field(request(Method::GET, URL), header::CONNECTION, "proxy-authorization");
    let response = send(&layer().relay_credentials(true), &origin, sent).await;
    assert_eq!(response.status(), 407);
    assert_eq!(origin.calls(), 0);
}

#[tokio::test]
async fn the_response_has_the_identity_where_that_was_asked_for() {
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
async fn regression_a_bypassed_request_has_no_identity_from_further_out() {
    let auth = Authenticator::builder(realm()).with_basic(users()).with_bypass(|_| true);
    let (layer, origin) = (ProxyAuthLayer::new(auth.build().unwrap()), Origin::new());
    let mut sent = request(Method::GET, URL);
    sent.extensions_mut().insert(Identity::new(Account::new("mallory"), "Basic", realm()));
    assert_eq!(send(&layer, &origin, sent).await.status(), 200);
    assert!(origin.identity().is_none());
}

#[tokio::test]
async fn the_same_name_in_another_realm_is_another_identity() {
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
