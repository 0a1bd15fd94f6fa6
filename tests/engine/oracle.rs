//! The engine and the `digest_auth` crate, which share no code, agree.

use digest_auth::{AuthContext, AuthorizationHeader, HttpMethod, WwwAuthenticateHeader};
use http::{HeaderValue, Method};
use proptest::{prelude::*, sample::select};
use tower_proxy_auth::{Authenticator, DigestScheme, Users, digest::Algorithm};

use crate::support::{
    digest::{Digest, Params, quoted},
    engine::{Answer, INFO, Proxy, field, realm},
};

/// A request and its credentials.
#[derive(Clone, Debug)]
struct Sample {
    user: String,
    password: String,
    method: &'static str,
    path: String,
    cnonce: String,
    count: u32,
    algorithm: &'static str,
    userhash: bool,
}

fn sample() -> impl Strategy<Value = Sample> {
    (
        "[^\\pC:]{1,16}",
        "[^\\pC]{1,24}",
        select(vec!["GET", "CONNECT", "POST", "HEAD"]),
        "/[a-zA-Z0-9._~!$&'()*+,;=:@/-]{0,24}(\\?[a-zA-Z0-9=&?/%]{0,12})?",
        "[ -~]{1,44}",
        1..=u32::MAX,
        select(Algorithm::ALL.iter().copied().map(Algorithm::as_str).collect::<Vec<_>>()),
        any::<bool>(),
    )
        .prop_map(|(user, password, method, path, cnonce, count, algorithm, userhash)| {
            // A session's cnonce has no colon.
            let cnonce =
                if algorithm.ends_with("-sess") { cnonce.replace(':', ".") } else { cnonce };
            Sample { user, password, method, path, cnonce, count, algorithm, userhash }
        })
}

impl Sample {
    fn proxy(&self) -> Proxy {
        let users = Users::new(&realm()).with_user(&self.user, &self.password).unwrap();
        let digest = DigestScheme::builder(users).with_algorithms(Algorithm::ALL.iter().copied());
        let digest = if self.userhash { digest.with_userhash(true) } else { digest };
        Proxy::of(Authenticator::builder(realm()).with_scheme(digest.build().unwrap()))
    }

    fn uri(&self) -> &str {
        if self.method == "CONNECT" { "example.org:443" } else { &self.path }
    }

    fn ask(&self, proxy: &Proxy, field: HeaderValue) -> Answer {
        let method: Method = self.method.parse().unwrap();
        match method {
            Method::CONNECT => proxy.ask(&method, "example.org:443", field),
            _ => proxy.ask(&method, &format!("http://example.org{}", self.path), field),
        }
    }

    /// The parameters by the client of these tests, to be tampered with.
    fn params(&self, proxy: &Proxy) -> Params {
        let digest = Digest {
            user: self.user.clone(),
            password: self.password.clone(),
            method: self.method.parse().unwrap(),
            uri: self.uri().into(),
            cnonce: self.cnonce.clone(),
            algorithm: self.algorithm,
            ..proxy.fresh().count(self.count)
        };
        let params = digest.params();
        if !self.userhash {
            return params;
        }
        let hash = digest.hash(format!("{}:{}", self.user, digest.realm));
        params.with("username", quoted(&hash)).and("userhash", "true")
    }

    fn context<'a>(&'a self, method: &'a str) -> AuthContext<'a> {
        let method = HttpMethod(method.into());
        let (user, password) = (self.user.as_str(), self.password.as_str());
        let mut context =
            AuthContext::new_with_method(user, password, self.uri(), Option::<&[u8]>::None, method);
        context.set_custom_cnonce(self.cnonce.as_str());
        context
    }

    /// The answer of `digest_auth` to the challenge for its algorithm.
    fn answer(&self, proxy: &Proxy) -> AuthorizationHeader {
        let answer = proxy.challenge();
        let wanted = format!(", algorithm={}, ", self.algorithm);
        let challenge = answer.challenges().into_iter().find(|one| one.contains(&wanted));
        let challenge = challenge.unwrap();
        assert!(challenge.is_ascii(), "its parser panics on anything else");
        let mut prompt = WwwAuthenticateHeader::parse(challenge).unwrap();
        assert_eq!(prompt.userhash, self.userhash);
        prompt.nc = self.count - 1;
        prompt.respond(&self.context(self.method)).unwrap()
    }
}

/// A value without quotes and backslashes.
fn unescaped(value: &[u8]) -> Vec<u8> {
    let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    let mut bytes = inner.unwrap_or(value).iter().copied();
    let next = || match bytes.next() {
        Some(b'\\') => bytes.next(),
        byte => byte,
    };
    std::iter::from_fn(next).collect()
}

proptest! {
    #[test]
    fn accepts_responses_of_another_client_once(sample in sample()) {
        let proxy = sample.proxy();
        let header = sample.answer(&proxy);
        let sent = field(header.to_header_string());
        let answer = sample.ask(&proxy, sent.clone());
        prop_assert_eq!(answer.reason(), "");
        prop_assert_eq!(answer.user(), Some(sample.user.as_str()));
        prop_assert_eq!(sample.ask(&proxy, sent).reason(), "nonce-replayed");
    }

    #[test]
    fn sends_the_rspauth_that_another_client_computes(sample in sample()) {
        let proxy = sample.proxy();
        let mut header = sample.answer(&proxy);
        let answer = sample.ask(&proxy, field(header.to_header_string()));
        let info = answer.headers[INFO].to_str().unwrap().to_owned();
        // A2 of rspauth is that of a request without a method.
        header.digest(&sample.context(""));
        let expected = format!(
            "rspauth={}, cnonce={}, nc={:08x}, qop=auth",
            quoted(&header.response),
            quoted(&sample.cnonce),
            sample.count,
        );
        prop_assert_eq!(info, expected);
    }

    #[test]
    fn refuses_a_change_of_any_parameter(
        sample in sample(),
        name in select(vec![
            "username", "realm", "nonce", "uri", "response", "cnonce", "nc", "qop", "algorithm",
        ]),
        position in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
    ) {
        let proxy = sample.proxy();
        let right = sample.params(&proxy);
        let (_, value) = right.0.iter().find(|(other, _)| other == name).unwrap();
        let inside = if value.starts_with(b"\"") { 1..value.len() - 1 } else { 0..value.len() };
        let mut changed = value.clone();
        let at = inside.start + position.index(inside.len());
        changed[at] ^= change;
        // A needless backslash is not a change, and neither is the case of hex and of algorithms.
        let any_case = ["response", "algorithm"].contains(&name)
            || (name == "username" && sample.userhash);
        let meant = |value: &[u8]| {
            let meant = unescaped(value);
            if any_case { meant.to_ascii_lowercase() } else { meant }
        };
        prop_assume!(meant(&changed) != meant(value));
        prop_assume!(HeaderValue::from_bytes(&changed).is_ok());
        let sent = right.clone().with(name, changed).field();
        let answer = sample.ask(&proxy, sent);
        prop_assert!(answer.forwarded.is_none(), "{} {:?}", name, answer);
        prop_assert!([400, 407].contains(&answer.status));
        prop_assert_eq!(sample.ask(&proxy, right.field()).reason(), "", "the count is still unused");
    }

    #[test]
    fn refuses_a_missing_parameter(
        sample in sample(),
        name in select(vec![
            "username", "realm", "nonce", "uri", "response", "cnonce", "nc", "qop",
        ]),
    ) {
        let proxy = sample.proxy();
        let right = sample.params(&proxy);
        let answer = sample.ask(&proxy, right.clone().without(name).field());
        prop_assert_eq!((answer.status, answer.reason()), (400, "missing-parameter"));
    }

    #[test]
    fn refuses_another_password_method_or_user(
        sample in sample(),
        other in "[^\\pC:]{1,16}",
        method in select(vec!["GET", "CONNECT", "POST", "HEAD"]),
    ) {
        let proxy = sample.proxy();
        for wrong in [
            Sample { password: other.clone(), ..sample.clone() },
            Sample { user: other, ..sample.clone() },
        ] {
            prop_assume!((&wrong.user, &wrong.password) != (&sample.user, &sample.password));
            let header = wrong.answer(&proxy);
            let answer = sample.ask(&proxy, field(header.to_header_string()));
            prop_assert_eq!(answer.status, 407, "{:?}", answer);
            prop_assert!(["wrong-password", "unknown-user"].contains(&answer.reason()));
        }
        prop_assume!(method != sample.method);
        let mut header = sample.answer(&proxy);
        header.digest(&sample.context(method));
        let answer = sample.ask(&proxy, field(header.to_header_string()));
        prop_assert_eq!(answer.reason(), "wrong-password");
    }
}
