//! Parameters in user names: they are split off before the back end is called, and reach the inner
//! service.

use std::sync::{Arc, Mutex};

use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, ConfigError, DigestAccount,
    DigestScheme, DigestSecrets, DigestUser, SecretLookup, Verdict,
    backend::{DigestName, SecretsChain, from_fn},
    digest::{Algorithm, HashFunctions},
    user_parameters::UserParameterSyntax,
};

use crate::support::{
    digest::{Digest, Params, quoted},
    engine::{Answer, Proxy, basic, realm, users},
};

fn syntax() -> UserParameterSyntax {
    let syntax = UserParameterSyntax::builder().with_prefix("customer");
    let syntax = syntax.with_text("country").with_text("session").with_flag("sticky");
    syntax.with_number("minutes", 1..=60).build().unwrap()
}

/// A source with the passwords of `alice` and `bob`.
#[derive(Clone, Debug)]
struct Passwords;

impl Passwords {
    fn find(user: DigestUser<'_>) -> Option<DigestAccount> {
        let DigestName::UserId(name) = user.name() else { return None };
        let password = match name {
            "alice" => "wonder",
            "bob" => "builder",
            _ => return None,
        };
        Some(DigestAccount::new(Account::new(name), user.ha1_of(password)?))
    }
}

impl DigestSecrets for Passwords {
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::ALL
    }

    fn holds_passwords(&self) -> bool {
        true
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        Ok(Self::find(user).into())
    }
}

/// A proxy with both schemes.
fn proxy() -> Proxy {
    let digest = DigestScheme::builder(Passwords);
    let digest = digest.with_algorithms([Algorithm::Sha256, Algorithm::Md5, Algorithm::Md5Sess]);
    let builder = Authenticator::builder(realm()).with_user_parameters(syntax());
    Proxy::of(builder.with_scheme(digest.build().unwrap()).with_basic(users()))
}

/// The parameters that the inner service sees.
#[track_caller]
fn parameters(answer: &Answer) -> (Option<&str>, Option<&str>, Option<u64>, bool) {
    let parameters = answer.identity().expect("forwarded").user_parameters();
    let (country, session) = (parameters.text("country"), parameters.text("session"));
    (country, session, parameters.number("minutes"), parameters.flag("sticky"))
}

const NAME: &str = "customer-alice-country-jp-session-x1-minutes-30-sticky";
const ALL: (Option<&str>, Option<&str>, Option<u64>, bool) =
    (Some("jp"), Some("x1"), Some(30), true);

#[test]
fn splits_parameters_off_with_basic() {
    let proxy = proxy();
    let answer = proxy.get(basic(format!("{NAME}:wonder")));
    answer.passes("alice", "alice");
    assert_eq!(parameters(&answer), ALL);
    let answer = proxy.get(basic("customer-bob-sticky:builder"));
    answer.passes("bob", "bob");
    assert_eq!(parameters(&answer), (None, None, None, true));
    let answer = proxy.get(basic("alice:wonder"));
    answer.passes("alice", "alice");
    assert!(answer.identity().unwrap().user_parameters().is_empty());
    proxy.get(basic(format!("{NAME}:builder"))).is("alice", 407, "wrong-password");
    proxy.get(basic("customer-mallory-sticky:wonder")).is("mallory", 407, "unknown-user");
}

#[test]
fn refuses_a_name_that_cannot_be_split() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let validator = {
        let seen = Arc::clone(&seen);
        from_fn(move |credentials: &BasicCredentials<'_>| {
            seen.lock().unwrap().push(credentials.user_id().to_owned());
            Verdict::Accepted(Account::new(credentials.user_id()))
        })
    };
    let builder = Authenticator::builder(realm()).with_user_parameters(syntax());
    let proxy = Proxy::of(builder.with_basic(validator));
    for name in [
        "customer-alice-city-kyoto",
        "customer-alice-country",
        "customer-alice-country-",
        "customer--country-jp",
        "customer-alice-minutes-61",
        "customer-alice-sticky-sticky",
        &format!("customer-alice-session-{}", "x".repeat(256)),
    ] {
        let answer = proxy.get(basic(format!("{name}:wonder")));
        answer.is(name, 407, "user-parameters");
        assert!(!String::from_utf8_lossy(&answer.body).contains("alice"), "{name}");
        assert_eq!(*seen.lock().unwrap(), [""; 0], "{name}");
    }
    proxy.get(basic("customer-alice-sticky:wonder")).passes("a valid one", "alice");
    assert_eq!(*seen.lock().unwrap(), ["alice"]);
}

#[test]
fn hashes_the_whole_name_and_splits_it_with_digest() {
    let proxy = proxy();
    for algorithm in ["SHA-256", "MD5", "MD5-sess"] {
        let alice = Digest { user: NAME.into(), algorithm, ..proxy.fresh() };
        let answer = proxy.login(&alice);
        answer.passes(algorithm, "alice");
        assert_eq!(parameters(&answer), ALL, "{algorithm}");
        assert_eq!(answer.info("rspauth"), Some(alice.rspauth()), "{algorithm}");
        let answer = proxy.login(&alice.count(2));
        answer.passes(algorithm, "alice");
        assert_eq!(parameters(&answer), ALL, "{algorithm}");
        proxy.login(&alice.count(2)).is(algorithm, 407, "nonce-replayed");
        let wrong = Digest { password: "builder".into(), ..alice.count(3) };
        proxy.login(&wrong).is(algorithm, 407, "wrong-password");
        let plain = Digest { user: "alice".into(), ..alice.count(3) };
        proxy.login(&plain).passes(algorithm, "alice");
    }
}

#[test]
fn refuses_changed_parameters_with_digest() {
    let proxy = proxy();
    let params = Digest { user: NAME.into(), ..proxy.fresh() }.params();
    let change = |user: &str| -> Params { params.clone().with("username", quoted(user)) };
    for other in ["customer-alice-country-fr-session-x1-minutes-30-sticky", "alice"] {
        proxy.get(change(other).field()).is(other, 407, "wrong-password");
    }
    proxy.get(change("customer-alice-city-kyoto").field()).is("city", 407, "user-parameters");
    proxy.get(params.field()).passes("unchanged", "alice");
}

#[test]
fn binds_a_nonce_to_the_user_without_parameters() {
    let proxy = proxy();
    let alice = Digest { user: NAME.into(), ..proxy.fresh() };
    proxy.login(&alice).passes("jp", "alice");
    let other = Digest { user: "customer-alice-country-fr".into(), ..alice.count(2) };
    let answer = proxy.login(&other);
    answer.passes("fr", "alice");
    assert_eq!(parameters(&answer).0, Some("fr"));
    let bob = "customer-bob-country-jp".into();
    let bob = Digest { user: bob, password: "builder".into(), ..alice.count(3) };
    proxy.login(&bob).is("bob", 407, "nonce-of-other-user");
}

#[test]
fn splits_every_form_of_a_name() {
    let proxy = proxy();
    let digest = Digest { user: "customer-alice-session-\u{e4}\\b".into(), ..proxy.fresh() };
    // Escaped as in the RFC, raw as many clients send it, and as an extended value.
    let answer = proxy.login(&digest);
    answer.passes("escaped", "alice");
    assert_eq!(parameters(&answer).1, Some("\u{e4}\\b"));
    let raw = digest.count(2).params().with("username", format!("\"{}\"", digest.user));
    proxy.get(raw.field()).passes("raw", "alice");
    let extended = "UTF-8''customer-alice-session-%C3%A4%5Cb";
    let params = digest.count(3).params().without("username").and("username*", extended);
    proxy.get(params.field()).passes("extended", "alice");
}

/// Names that differ only in parameters have different secrets.
#[cfg(feature = "cached")]
#[test]
fn keeps_names_apart_in_a_cache() {
    use tower_proxy_auth::backend::cached::Cached;

    let secrets = Cached::new(Passwords).unwrap();
    let builder = Authenticator::builder(realm()).with_user_parameters(syntax());
    let proxy = Proxy::of(builder.with_digest(secrets));
    let alice = proxy.fresh();
    let names = ["alice", "customer-alice-country-jp", "customer-alice-country-fr"];
    for (count, name) in (1..).zip(names.into_iter().cycle().take(6)) {
        proxy.login(&Digest { user: name.into(), ..alice.count(count) }).passes(name, "alice");
    }
}

#[test]
fn requires_a_source_with_passwords_for_digest() {
    #[track_caller]
    fn error(digest: impl DigestSecrets) -> String {
        let builder = Authenticator::builder(realm()).with_user_parameters(syntax());
        builder.with_digest(digest).build().unwrap_err().to_string()
    }
    let expected = "Digest cannot split parameters off user names: clients hash the whole name, \
                    so the source of secrets must hold passwords";
    assert_eq!(error(users()), expected);
    assert_eq!(error(SecretsChain::new().with(Passwords).with(users())), expected);
    let builder = Authenticator::builder(realm()).with_user_parameters(syntax());
    let all = SecretsChain::new().with(Passwords).with(Arc::new(Passwords));
    assert!(builder.with_digest(all).build().is_ok());
}

#[test]
fn rejects_userhash() {
    let builder = Authenticator::builder(realm()).with_user_parameters(syntax());
    let digest = DigestScheme::builder(Passwords).with_userhash(true).build().unwrap();
    let error = builder.with_scheme(digest).build().unwrap_err();
    assert!(matches!(error, ConfigError::UserParametersUnsupported { scheme: "Digest", .. }));
    assert!(
        error.to_string().ends_with("a name cannot be read from a userhash: leave userhash out")
    );
}
