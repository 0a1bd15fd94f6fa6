//! The content and the order of challenges.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tower_proxy_auth::{
    Authenticator, BackendError, DigestScheme, DigestSecrets, DigestUser, SecretLookup, Users,
    digest::{Algorithm, DigestBuilder, HashFunction, HashFunctions},
};

use crate::support::{
    digest::{Digest, parameter},
    engine::{Proxy, realm, users},
};

/// Scheme and algorithm of each challenge.
fn order(proxy: &Proxy) -> Vec<String> {
    let answer = proxy.challenge();
    let name = |one: &&str| {
        let scheme = one.split(' ').next().unwrap();
        let algorithm = parameter(one, "algorithm").unwrap_or_default();
        format!("{scheme} {algorithm}").trim().to_owned()
    };
    answer.challenges().iter().map(name).collect()
}

fn digest() -> DigestBuilder<Users> {
    DigestScheme::builder(users())
}

#[test]
fn sends_the_exact_text_that_clients_compare() {
    let proxy = Proxy::new();
    let answer = proxy.challenge();
    let nonce = answer.nonce();
    let digest = |algorithm| {
        format!(
            "Digest realm=\"proxy\", qop=\"auth\", algorithm={algorithm}, nonce=\"{nonce}\", \
             opaque=\"70726f7879\", charset=UTF-8"
        )
    };
    assert_eq!(
        answer.challenges(),
        [&digest("SHA-256"), &digest("MD5"), "Basic realm=\"proxy\", charset=\"UTF-8\""]
    );
}

#[test]
fn quotes_the_parameters_of_rfc_7616() {
    let proxy = Proxy::with_digest(|digest| digest.with_userhash(true));
    let answer = proxy.login(&Digest::new("unknown"));
    let digests: Vec<_> =
        answer.challenges().into_iter().filter_map(|one| one.strip_prefix("Digest ")).collect();
    assert_eq!(digests.len(), 2);
    for challenge in digests {
        for param in challenge.split(", ") {
            let (name, value) = param.split_once('=').unwrap();
            let is_quoted = value.starts_with('"') && value.ends_with('"');
            let expected = match name {
                "realm" | "nonce" | "opaque" | "qop" => true,
                "stale" | "algorithm" | "charset" | "userhash" => false,
                other => panic!("{other} in {challenge}"),
            };
            assert_eq!(is_quoted, expected, "{param}");
        }
        assert_eq!(parameter(challenge, "userhash").as_deref(), Some("true"));
    }
}

#[test]
fn offers_schemes_in_order_of_strength() {
    let expected = ["Digest SHA-256", "Digest MD5", "Basic"];
    let builder = || Authenticator::builder(realm());
    for builder in [
        builder().with_basic(users()).with_digest(users()),
        builder().with_digest(users()).with_basic(users()),
    ] {
        assert_eq!(order(&Proxy::of(builder)), expected);
    }
    let all = digest().with_algorithms(Algorithm::ALL.iter().copied()).build().unwrap();
    assert_eq!(
        order(&Proxy::of(builder().with_scheme(all))).join(" ").replace("Digest ", ""),
        "SHA-256 SHA-256-sess SHA-512-256 SHA-512-256-sess MD5 MD5-sess"
    );
}

#[test]
fn keeps_an_explicit_order() {
    let (sha256, sha512, md5) = (Algorithm::Sha256, Algorithm::Sha512_256, Algorithm::Md5);
    for algorithms in [[md5, sha512, sha256], [sha512, md5, sha256], [sha256, sha512, md5]] {
        let digest = digest().with_algorithms(algorithms).build().unwrap();
        let builder = Authenticator::builder(realm()).with_basic(users()).with_scheme(digest);
        let mut expected: Vec<_> = algorithms.iter().map(|one| format!("Digest {one}")).collect();
        expected.push("Basic".to_owned());
        assert_eq!(order(&Proxy::of(builder)), expected, "{algorithms:?}");
    }
    let digest = digest().with_algorithms([md5, sha256]).build().unwrap();
    let builder = Authenticator::builder(realm()).with_basic(users()).with_scheme(digest);
    assert_eq!(
        order(&Proxy::of(builder.keep_scheme_order(true))),
        ["Basic", "Digest MD5", "Digest SHA-256"]
    );
}

#[test]
fn skips_an_algorithm_without_secrets() {
    struct Md5Only;
    impl DigestSecrets for Md5Only {
        fn hash_functions(&self) -> HashFunctions {
            HashFunctions::NONE.with(HashFunction::Md5)
        }
        async fn secret(&self, _: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
            Ok(SecretLookup::Unknown)
        }
    }
    let proxy = Proxy::of(Authenticator::builder(realm()).with_digest(Md5Only).with_basic(users()));
    assert_eq!(order(&proxy), ["Digest MD5", "Basic"]);
    proxy.login(&proxy.fresh()).is("SHA-256", 407, "algorithm-not-offered");
}

#[test]
fn offers_a_single_scheme() {
    let builder = || Authenticator::builder(realm());
    assert_eq!(order(&Proxy::of(builder().with_basic(users()))), ["Basic"]);
    let digest = builder().with_digest(users());
    assert_eq!(order(&Proxy::of(digest)), ["Digest SHA-256", "Digest MD5"]);
}

#[test]
fn shares_one_nonce_across_algorithms() {
    let proxy = Proxy::new();
    let answer = proxy.challenge();
    // Some clients read the first challenge and take the nonce of the last, or the reverse.
    let nonces: Vec<_> =
        answer.challenges().iter().filter_map(|one| parameter(one, "nonce")).collect();
    assert_eq!(nonces.len(), 2);
    let crossed = Digest { algorithm: "MD5", ..Digest::new(&nonces[0]) };
    proxy.login(&crossed).passes("MD5 with the nonce of SHA-256", "alice");
    let crossed = Digest { algorithm: "SHA-256", ..Digest::new(&nonces[1]) };
    proxy.login(&crossed.count(2)).passes("SHA-256 with the nonce of MD5", "alice");
}

#[test]
fn refuses_a_sha_256_response_as_sha_512_256() {
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms(Algorithm::ALL.iter().copied()));
    let mislabelled = proxy.fresh().params().with("algorithm", "SHA-512-256");
    proxy.get(mislabelled.field()).is("curl up to 8.6", 407, "wrong-password");
}

/// Holds secrets for all hash functions until it loses them.
struct Forgetful(Arc<AtomicBool>);

impl DigestSecrets for Forgetful {
    fn hash_functions(&self) -> HashFunctions {
        match self.0.load(Ordering::SeqCst) {
            true => HashFunctions::NONE,
            false => HashFunctions::ALL,
        }
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        users().secret(user).await
    }
}

#[test]
fn regression_never_sends_a_407_without_a_challenge() {
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
    alone.login(&digest).is("credentials change nothing", 503, "backend-failed");
    lost.store(false, Ordering::SeqCst);
    alone.login(&digest).passes("it came back", "alice");
}
