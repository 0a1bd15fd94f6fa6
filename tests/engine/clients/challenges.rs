//! Challenges: order, case, and what they share.

use tower_proxy_auth::{
    Authenticator, BackendError, DigestAccount, DigestScheme, DigestSecrets, DigestUser, Users,
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
fn the_order_does_not_hang_on_the_order_of_the_options() {
    let expected = ["Digest SHA-256", "Digest MD5", "Basic"];
    let builder = || Authenticator::builder(realm());
    for builder in [
        builder().with_basic(users()).with_digest(users()),
        builder().with_digest(users()).with_basic(users()),
    ] {
        assert_eq!(order(&Proxy::of(builder)), expected);
    }
    let (sha256, sha512, md5) = (Algorithm::Sha256, Algorithm::Sha512_256, Algorithm::Md5);
    let all = ["Digest SHA-256", "Digest SHA-512-256", "Digest MD5", "Basic"];
    for algorithms in [[md5, sha512, sha256], [sha512, md5, sha256], [sha256, sha512, md5]] {
        let digest = digest().with_algorithms(algorithms).build().unwrap();
        let builder = builder().with_basic(users()).with_scheme(digest);
        assert_eq!(order(&Proxy::of(builder)), all, "{algorithms:?}");
    }
    let sess = [Algorithm::Md5, Algorithm::Md5Sess, Algorithm::Sha256Sess, Algorithm::Sha256];
    let digest = digest().with_algorithms(sess).build().unwrap();
    assert_eq!(
        order(&Proxy::of(builder().with_scheme(digest))),
        ["Digest SHA-256", "Digest SHA-256-sess", "Digest MD5", "Digest MD5-sess"]
    );
}

#[test]
fn another_order_can_be_forced() {
    let forced = [Algorithm::Md5, Algorithm::Sha512_256, Algorithm::Sha256];
    let digest = digest().with_algorithms_in_order(forced).build().unwrap();
    let builder = Authenticator::builder(realm()).with_basic(users()).with_scheme(digest);
    assert_eq!(
        order(&Proxy::of(builder.keep_scheme_order())),
        ["Basic", "Digest MD5", "Digest SHA-512-256", "Digest SHA-256"]
    );
    let again = self::digest().with_algorithms_in_order(forced).with_algorithms(forced);
    let builder = Authenticator::builder(realm()).with_scheme(again.build().unwrap());
    assert_eq!(
        order(&Proxy::of(builder)),
        ["Digest SHA-256", "Digest SHA-512-256", "Digest MD5"],
        "the last call counts"
    );
}

#[test]
fn an_algorithm_that_is_not_held_leaves_no_gap() {
    struct Md5Only;
    impl DigestSecrets for Md5Only {
        fn hash_functions(&self) -> HashFunctions {
            HashFunctions::NONE.with(HashFunction::Md5)
        }
        async fn secret(&self, _: DigestUser<'_>) -> Result<Option<DigestAccount>, BackendError> {
            Ok(None)
        }
    }
    let proxy = Proxy::of(Authenticator::builder(realm()).with_digest(Md5Only).with_basic(users()));
    assert_eq!(order(&proxy), ["Digest MD5", "Basic"]);
    proxy.login(&proxy.fresh()).is("SHA-256", 407, "algorithm-not-offered");
}

#[test]
fn schemes_alone_are_offered_alone() {
    let builder = || Authenticator::builder(realm());
    assert_eq!(order(&Proxy::of(builder().with_basic(users()))), ["Basic"]);
    let digest = builder().with_digest(users());
    assert_eq!(order(&Proxy::of(digest)), ["Digest SHA-256", "Digest MD5"]);
}

#[test]
fn names_are_in_the_case_that_clients_compare_with() {
    let proxy = Proxy::new();
    let answer = proxy.challenge();
    let nonce = answer.nonce();
    let opaque = parameter(answer.challenges()[0], "opaque").unwrap();
    let digest = |algorithm| {
        format!(
            "Digest realm=\"proxy\", qop=\"auth\", algorithm={algorithm}, nonce=\"{nonce}\", \
             opaque=\"{opaque}\", charset=UTF-8"
        )
    };
    assert_eq!(
        answer.challenges(),
        [&digest("SHA-256"), &digest("MD5"), "Basic realm=\"proxy\", charset=\"UTF-8\""]
    );
}

#[test]
fn a_client_that_takes_the_last_challenge_with_the_first_one_s_nonce_gets_in() {
    let proxy = Proxy::new();
    let answer = proxy.challenge();
    let nonces: Vec<_> =
        answer.challenges().iter().filter_map(|one| parameter(one, "nonce")).collect();
    assert_eq!(nonces.len(), 2);
    let crossed = Digest { algorithm: "MD5", ..Digest::new(&nonces[0]) };
    proxy.login(&crossed).passes("MD5 with the nonce of SHA-256", "alice");
    let crossed = Digest { algorithm: "SHA-256", ..Digest::new(&nonces[1]) };
    proxy.login(&crossed.count(2)).passes("SHA-256 with the nonce of MD5", "alice");
}

#[test]
fn a_sha_256_digest_under_the_label_of_sha_512_256_is_refused() {
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms(Algorithm::all()));
    let mislabelled = proxy.fresh().params().with("algorithm", "SHA-512-256");
    proxy.get(mislabelled.field()).is("curl up to 8.6", 407, "wrong-password");
}

#[test]
fn neither_auth_int_nor_userhash_nor_sess_is_offered_by_itself() {
    let answer = Proxy::new().challenge();
    for challenge in answer.challenges() {
        for absent in ["auth-int", "userhash", "-sess", "SHA-512-256", "domain", "stale"] {
            assert!(!challenge.contains(absent), "{challenge}");
        }
    }
    let offered = Proxy::with_digest(|digest| digest.with_userhash()).challenge();
    let offers = |one: &&&str| one.ends_with(", userhash=true");
    assert_eq!(offered.challenges().iter().filter(offers).count(), 2);
}

#[test]
fn a_right_digest_over_a_bad_nonce_says_stale_in_every_challenge() {
    let proxy = Proxy::new();
    let answer = proxy.login(&Digest::new("made up"));
    answer.is("stale", 407, "nonce-unknown");
    let stale = |one: &&&str| one.starts_with("Digest ") && one.ends_with(", stale=true");
    assert_eq!(answer.challenges().iter().filter(stale).count(), 2);
    proxy.login(&Digest::new(answer.nonce())).passes("nobody was asked again", "alice");
}
