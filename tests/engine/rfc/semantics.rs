//! RFC 9110, by section.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::{HeaderValue, Method, Request, Response, Version, header};
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, DigestAccount, DigestSecrets,
    DigestUser, Verdict, backend::from_fn, digest::HashFunctions, grammar::Challenges,
};

use crate::support::{
    digest::{Digest, Params, parameter},
    engine::{Body, INFO, Proxy, basic, field, realm, request, users},
};

#[test]
fn scheme_and_parameter_names_compare_without_regard_to_case_11_1() {
    let proxy = Proxy::new();
    for scheme in ["basic", "BASIC", "bAsIc"] {
        proxy.get(field(format!("{scheme} YWxpY2U6d29uZGVy"))).passes(scheme, "alice");
    }
    for scheme in ["digest", "DIGEST", "dIgEsT"] {
        let Params(params) = proxy.fresh().params();
        let upper = params.into_iter().map(|(name, value)| (name.to_uppercase(), value));
        let list = Params(upper.collect()).list();
        let sent = [scheme.as_bytes(), b" ", &list].concat();
        proxy.get(field(sent)).passes(scheme, "alice");
    }
}

#[test]
fn a_parameter_occurs_once_as_token_or_quoted_string_with_blanks_round_the_equals_sign_11_2() {
    let proxy = Proxy::new();
    let params = proxy.fresh().params();
    let twice = params.clone().and("Realm", "\"proxy\"");
    proxy.get(twice.field()).is("twice", 400, "duplicate-parameter");
    let text = String::from_utf8(params.list()).unwrap();
    let spaced = text.replace("realm=\"proxy\"", "realm \t= \tproxy");
    proxy.get(field(format!("Digest {spaced}"))).passes("a token with blanks", "alice");
}

#[test]
fn missing_invalid_or_partial_credentials_are_asked_for_and_insufficient_ones_forbidden_11_4() {
    let proxy = Proxy::new();
    proxy.challenge().is("missing", 407, "missing-credentials");
    proxy.get(basic("alice:other")).is("invalid", 407, "wrong-password");
    proxy.get(basic("alice")).is("partial", 407, "undecodable");
    proxy.get(field("Basic")).is("partial", 407, "undecodable");
    let standing = from_fn(|credentials: &BasicCredentials<'_>| match credentials.user_id() {
        user @ "disabled" => Verdict::Disabled(Account::new(user)),
        user @ "expired" => Verdict::Expired(Account::new(user)),
        user => Verdict::Accepted(Account::new(user)),
    });
    let proxy = Proxy::of(Authenticator::builder(realm()).with_basic(standing));
    proxy.get(basic("disabled:x")).is("disabled", 403, "account-disabled");
    proxy.get(basic("expired:x")).is("expired", 403, "account-expired");
    proxy.get(basic("alice:x")).passes("neither", "alice");
}

#[test]
fn the_realm_is_always_a_quoted_string_11_5() {
    for challenge in Proxy::new().challenge().challenges() {
        assert!(challenge.contains(" realm=\"proxy\", "), "{challenge}");
    }
}

#[test]
fn the_fields_between_client_and_origin_are_never_changed_11_6() {
    let fields = [
        (header::WWW_AUTHENTICATE, "Digest realm=\"origin\", nonce=\"n\""),
        ("authentication-info".parse().unwrap(), "nextnonce=\"n\""),
    ];
    let of_origin = fields.clone();
    let proxy = Proxy::new().inner(move |parts| {
        assert_eq!(parts.headers[header::AUTHORIZATION], "Digest username=\"origin\"");
        let mut response = Response::builder().status(401);
        for (name, value) in &of_origin {
            response = response.header(name, *value);
        }
        response.body(Body::default()).unwrap()
    });
    for credentials in [basic("alice:wonder"), proxy.fresh().field()] {
        let mut request = request(&Method::GET, "http://example.org/", [credentials]);
        let own = HeaderValue::from_static("Digest username=\"origin\"");
        request.headers_mut().insert(header::AUTHORIZATION, own);
        let answer = proxy.send(request);
        answer.passes("401", "alice");
        assert_eq!(answer.status, 401);
        for (name, value) in &fields {
            assert_eq!(answer.fields(name), [*value]);
        }
    }
}

#[test]
fn there_is_one_challenge_to_a_field_line_11_6_1() {
    let answer = Proxy::new().challenge();
    assert_eq!(answer.challenges().len(), 3);
    for line in answer.challenges() {
        let challenges: Vec<_> = Challenges::new(line.as_bytes()).collect();
        assert!(matches!(challenges[..], [Ok(_)]), "{line}");
    }
}

/// Holds everything until it is told that it lost it.
struct Forgetful(Arc<AtomicBool>);

impl DigestSecrets for Forgetful {
    fn hash_functions(&self) -> HashFunctions {
        match self.0.load(Ordering::SeqCst) {
            true => HashFunctions::NONE,
            false => HashFunctions::ALL,
        }
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<Option<DigestAccount>, BackendError> {
        users().secret(user).await
    }
}

#[test]
fn regression_a_407_carries_a_challenge_or_is_none_11_7_1() {
    let lost = Arc::new(AtomicBool::new(false));
    let secrets = || Forgetful(Arc::clone(&lost));
    let alone = Proxy::of(Authenticator::builder(realm()).with_digest(secrets()));
    let both = Authenticator::builder(realm()).with_digest(secrets()).with_basic(users());
    let both = Proxy::of(both);
    assert_eq!(alone.challenge().challenges().len(), 2);
    assert_eq!(both.challenge().challenges().len(), 3);
    let digest = alone.fresh();
    lost.store(true, Ordering::SeqCst);
    assert_eq!(both.challenge().challenges().len(), 1);
    alone.challenge().is("nothing is left to offer", 503, "backend-failed");
    alone.login(&digest).is("whoever asks", 503, "backend-failed");
    lost.store(false, Ordering::SeqCst);
    alone.login(&digest).passes("it came back", "alice");
}

#[test]
fn the_proxy_that_asked_consumes_the_credentials_and_relays_them_by_agreement_11_7_2() {
    let proxy = Proxy::new();
    proxy.get(basic("alice:wonder")).passes("consumed", "alice");
    let proxy = proxy.layer(|layer| layer.relay_credentials());
    let answer = proxy.get(basic("alice:wonder"));
    let forwarded = answer.forwarded.unwrap();
    assert_eq!(forwarded.headers[header::PROXY_AUTHORIZATION], basic("alice:wonder"));
}

#[test]
fn the_info_goes_on_any_final_response_11_7_3() {
    for status in [200, 206, 302, 404, 407, 500] {
        let proxy = Proxy::new()
            .inner(move |_| Response::builder().status(status).body(Body::default()).unwrap());
        let digest = proxy.fresh();
        let answer = proxy.login(&digest);
        assert_eq!(answer.info("rspauth"), Some(digest.rspauth()), "{status}");
        assert_eq!(answer.fields(INFO).len(), 1);
    }
}

#[test]
fn a_tunnel_that_is_opened_has_no_length_and_one_that_is_refused_is_not_cached_9_3_6() {
    let proxy = Proxy::new().inner(|_| Response::new(Body::default()));
    let uri = "example.org:443".to_owned();
    let digest = Digest { method: Method::CONNECT, uri, ..proxy.fresh() };
    let opened = proxy.login(&digest);
    opened.passes("opened", "alice");
    assert!(!opened.headers.contains_key(header::CONTENT_LENGTH));
    assert!(!opened.headers.contains_key(header::TRANSFER_ENCODING));
    let refused = proxy.login(&Digest { password: "other".into(), ..digest });
    refused.is("refused", 407, "wrong-password");
    assert_eq!(refused.headers[header::CACHE_CONTROL], "no-store");
}

#[test]
fn no_refusal_is_stored_15_1() {
    let proxy = Proxy::new();
    for answer in [proxy.challenge(), proxy.get(field("")), proxy.get(field("x".repeat(20_000)))] {
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{}", answer.status);
    }
}

#[test]
fn http_2_knows_no_connection_fields() {
    let post = Request::post("http://example.org/").version(Version::HTTP_2);
    let answer = Proxy::new().send(post.body(Body::from("unread")).unwrap());
    answer.is("RFC 9113, section 8.2.2", 407, "missing-credentials");
    for name in ["connection", "proxy-connection", "keep-alive", "transfer-encoding"] {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
    assert!(parameter(answer.challenges()[0], "nonce").is_some());
}
