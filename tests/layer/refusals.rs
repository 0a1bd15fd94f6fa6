//! The content of refusals, and what they must not contain.

use http::{HeaderValue, Method, Request, Response, Version, header};
use tower_proxy_auth::{
    Authenticator, BasicCredentials, DigestScheme, DigestUser, Realm, SecretLookup, Users, Verdict,
    backend::{DigestName, SecretsChain, UnusableRecord, ValidatorChain, from_fn},
    digest::Algorithm,
    middleware::Page,
};

use crate::support::{
    digest::Digest,
    engine::{Answer, Body, Proxy, Secrets, basic, field, realm, request, users},
};

/// A text that the client sends wherever it can.
const MARK: &str = "<script>mark</script>";

/// Answers of every kind to requests that contain the mark everywhere.
fn refusals(proxy: &Proxy) -> Vec<Answer> {
    let marked = Digest { user: MARK.into(), ..proxy.fresh() };
    let fields = [
        vec![],
        vec![basic(format!("{MARK}:{MARK}"))],
        vec![basic(format!("alice:{MARK}"))],
        vec![field(format!("Basic {MARK}"))],
        vec![field(MARK)],
        vec![field(format!("Digest {MARK}"))],
        vec![field(format!("Digest username=\"{MARK}\""))],
        vec![marked.field()],
        vec![marked.params().and("x", "1").and("x", "2").field()],
        vec![Digest { nonce: MARK.into(), ..proxy.fresh() }.field()],
        vec![Digest { uri: format!("/{MARK}"), ..proxy.fresh() }.field()],
        vec![Digest { realm: MARK.into(), ..proxy.fresh() }.field()],
        vec![field(format!("{MARK}{}", "x".repeat(20_000)))],
        vec![basic("alice:wonder"), field(MARK)],
    ];
    let accepts = ["text/html", "*/*"];
    let methods = [Method::GET, Method::POST, Method::CONNECT];
    let mut answers = Vec::new();
    for fields in fields {
        for (accept, method) in accepts.iter().flat_map(|one| methods.iter().map(move |m| (one, m)))
        {
            let target = match *method {
                Method::CONNECT => "mark.example.org:443",
                _ => "http://mark.example.org/mark?mark",
            };
            let mut request = request(method, target, fields.clone());
            request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(accept));
            for name in ["accept-language", "user-agent", "referer", "x-mark"] {
                request.headers_mut().insert(name, HeaderValue::from_static(MARK));
            }
            answers.push(proxy.send(request));
        }
    }
    answers
}

#[test]
fn contains_nothing_that_the_client_sent() {
    let answers = refusals(&Proxy::new());
    for status in [400, 407, 431] {
        assert!(answers.iter().any(|answer| answer.status == status), "{status}");
    }
    for answer in answers {
        let shown = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
        assert!(!shown.contains("mark"), "{shown}");
    }
}

#[test]
fn keeps_status_and_challenges_with_a_custom_page() {
    let proxy = Proxy::new().layer(|layer| {
        layer.with_page(|request| {
            let (status, reason) = (request.status().as_u16(), request.reason().as_str());
            let json = HeaderValue::from_static("application/json");
            Some(Page::new(json, format!("{{{status:?}: {reason:?}}}")))
        })
    });
    // `Proxy` checks status, challenges and length in each answer.
    for answer in refusals(&proxy) {
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
        let expected = format!("{{{}: {:?}}}", answer.status, answer.reason());
        assert_eq!(answer.body, expected);
    }
}

#[test]
fn does_not_distinguish_unknown_users() {
    let locked = || UnusableRecord::new("locked");
    let validator =
        from_fn(move |credentials: &BasicCredentials<'_>| match credentials.user_id() {
            "dave" => Verdict::Unusable(locked()),
            "erin" => Verdict::PasswordTooLong,
            _ => Verdict::UnknownUser,
        });
    let secrets = Secrets(move |user: DigestUser<'_>| {
        Ok(match user.name() {
            DigestName::UserId("dave") => SecretLookup::Unusable(locked()),
            _ => SecretLookup::Unknown,
        })
    });
    let builder = Authenticator::builder(realm())
        .with_basic(ValidatorChain::new().with(validator).with(users()))
        .with_digest(SecretsChain::new().with(secrets).with(users()));
    let proxy = Proxy::of(builder);
    let nonce = proxy.nonce();
    let shown = |answer: Answer, reason: &str| {
        answer.is(reason, 407, reason);
        // Only the nonce and the reference differ between two answers.
        let headers = format!("{:?}", answer.headers).replace(&answer.nonce(), "");
        let reference = answer.refused.as_ref().unwrap().reference_id().unwrap().to_string();
        assert!(answer.text().ends_with(&format!("Reference: {reference}\n")), "{reason}");
        (answer.status, headers, answer.text().replace(&reference, ""))
    };
    let digest = |user: &str, reason| {
        let (user, password) = (user.to_owned(), "other".to_owned());
        shown(proxy.login(&Digest { user, password, ..Digest::new(&nonce) }), reason)
    };
    let basic = |user: &str, reason| shown(proxy.get(basic(format!("{user}:other"))), reason);
    let [by_digest, by_basic] = [digest("carol", "unknown-user"), basic("carol", "unknown-user")];
    for (user, reason) in [("alice", "wrong-password"), ("dave", "unusable-record")] {
        assert_eq!(digest(user, reason), by_digest, "{user}");
        assert_eq!(basic(user, reason), by_basic, "{user}");
    }
    assert_eq!(basic("erin", "password-too-long"), by_basic);
}

#[test]
fn sends_no_connection_field_on_http_2() {
    let proxy = Proxy::new();
    for version in [Version::HTTP_2, Version::HTTP_3] {
        for body in ["", "an unread body"] {
            for sent in [field("Basic"), field("Digest"), field("x".repeat(20_000))] {
                let post = Request::post("http://example.org/").version(version);
                let post = post.header(header::PROXY_AUTHORIZATION, sent);
                let answer = proxy.send(post.body(Body::from(body)).unwrap());
                for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding"] {
                    assert!(!answer.headers.contains_key(name), "{version:?} {name}");
                }
            }
        }
    }
}

#[test]
fn keeps_each_parameter_under_one_kibibyte() {
    let realm = Realm::new("~".repeat(Realm::MAX_LENGTH)).unwrap();
    let users = Users::new(&realm).with_user("alice", "wonder").unwrap();
    let digest =
        DigestScheme::builder(users.clone()).with_algorithms(Algorithm::ALL.iter().copied());
    let digest = digest.with_userhash(true).build().unwrap();
    let builder = Authenticator::builder(realm.clone()).with_scheme(digest).with_basic(users);
    let proxy = Proxy::of(builder);
    let digest = Digest { realm: realm.to_string(), ..Digest::new("unknown") };
    let answer = proxy.login(&digest);
    answer.is("with stale=true", 407, "nonce-unknown");
    assert_eq!(answer.challenges().len(), 7);
    for challenge in answer.challenges() {
        for param in challenge.split(", ") {
            assert!(param.len() < 1_024, "{}", param.len());
        }
    }
}

#[test]
fn adds_no_length_to_an_opened_tunnel() {
    let proxy = Proxy::new().inner(|_| Response::new(Body::default()));
    let uri = "example.org:443".to_owned();
    let answer = proxy.login(&Digest { method: Method::CONNECT, uri, ..proxy.fresh() });
    answer.passes("opened", "alice");
    assert!(!answer.headers.contains_key(header::CONTENT_LENGTH));
    assert!(!answer.headers.contains_key(header::TRANSFER_ENCODING));
}
