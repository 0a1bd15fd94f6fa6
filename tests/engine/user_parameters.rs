//! Parameters in user names are taken out before the back end is asked, and reach the inner
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
    engine::{Answer, Proxy, Waiting, basic, realm, users},
};

fn syntax() -> UserParameterSyntax {
    let syntax = UserParameterSyntax::builder().with_prefix("customer");
    let syntax = syntax.with_text("country").with_text("session").with_flag("sticky");
    syntax.with_number("minutes", 1..=60).build().unwrap()
}

/// The passwords of `alice` and `bob`, as they are.
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

fn proxies() -> [(&'static str, Proxy); 2] {
    let builder = || Authenticator::builder(realm()).with_user_parameters(syntax());
    let each = [Algorithm::Sha256, Algorithm::Md5, Algorithm::Md5Sess];
    let ready = DigestScheme::builder(Passwords).with_algorithms(each).build().unwrap();
    let waiting = DigestScheme::builder(Waiting(Passwords)).with_algorithms(each).build().unwrap();
    [
        ("ready", Proxy::of(builder().with_scheme(ready).with_basic(users()))),
        ("waiting", Proxy::of(builder().with_scheme(waiting).with_basic(Waiting(users())))),
    ]
}

/// What the inner service is told of the wishes.
#[track_caller]
fn wishes(answer: &Answer) -> (Option<&str>, Option<&str>, Option<u64>, bool) {
    let wishes = answer.identity().expect("forwarded").user_parameters();
    let (country, session) = (wishes.text("country"), wishes.text("session"));
    (country, session, wishes.number("minutes"), wishes.flag("sticky"))
}

const NAME: &str = "customer-alice-country-jp-session-x1-minutes-30-sticky";
const WISHES: (Option<&str>, Option<&str>, Option<u64>, bool) =
    (Some("jp"), Some("x1"), Some(30), true);

#[test]
fn with_basic_the_back_end_is_asked_about_the_user_alone() {
    for (name, proxy) in proxies() {
        let answer = proxy.get(basic(format!("{NAME}:wonder")));
        answer.passes(name, "alice");
        assert_eq!(wishes(&answer), WISHES, "{name}");
        let answer = proxy.get(basic("customer-bob-sticky:builder"));
        answer.passes(name, "bob");
        assert_eq!(wishes(&answer), (None, None, None, true), "{name}");
        let answer = proxy.get(basic("alice:wonder"));
        answer.passes(name, "alice");
        assert!(answer.identity().unwrap().user_parameters().is_empty(), "{name}");
        proxy.get(basic(format!("{NAME}:builder"))).is(name, 407, "wrong-password");
        proxy.get(basic("customer-mallory-sticky:wonder")).is(name, 407, "unknown-user");
    }
}

#[test]
fn a_name_that_cannot_be_split_is_refused_and_no_back_end_is_asked() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let validator = {
        let asked = Arc::clone(&asked);
        from_fn(move |credentials: &BasicCredentials<'_>| {
            asked.lock().unwrap().push(credentials.user_id().to_owned());
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
        assert_eq!(*asked.lock().unwrap(), [""; 0], "{name}");
    }
    proxy.get(basic("customer-alice-sticky:wonder")).passes("at last", "alice");
    assert_eq!(*asked.lock().unwrap(), ["alice"]);
}

#[test]
fn with_digest_the_whole_name_is_hashed_and_the_user_looked_up() {
    for (name, proxy) in proxies() {
        for algorithm in ["SHA-256", "MD5", "MD5-sess"] {
            let alice = Digest { user: NAME.into(), algorithm, ..proxy.fresh() };
            let answer = proxy.login(&alice);
            answer.passes(name, "alice");
            assert_eq!(wishes(&answer), WISHES, "{name}");
            assert_eq!(answer.info("rspauth"), Some(alice.rspauth()), "{name}");
            // The next count takes the way of known nonces.
            let answer = proxy.login(&alice.count(2));
            answer.passes(name, "alice");
            assert_eq!(wishes(&answer), WISHES, "{name}");
            proxy.login(&alice.count(2)).is(name, 407, "nonce-replayed");
            let wrong = Digest { password: "builder".into(), ..alice.count(3) };
            proxy.login(&wrong).is(name, 407, "wrong-password");
            let plain = Digest { user: "alice".into(), ..alice.count(3) };
            proxy.login(&plain).passes(name, "alice");
        }
    }
}

#[test]
fn with_digest_the_wishes_cannot_be_changed_on_the_way() {
    for (name, proxy) in proxies() {
        let params = Digest { user: NAME.into(), ..proxy.fresh() }.params();
        let change = |user: &str| -> Params { params.clone().with("username", quoted(user)) };
        for other in ["customer-alice-country-fr-session-x1-minutes-30-sticky", "alice"] {
            proxy.get(change(other).field()).is(name, 407, "wrong-password");
        }
        proxy.get(change("customer-alice-city-kyoto").field()).is(name, 407, "user-parameters");
        proxy.get(params.field()).passes(name, "alice");
    }
}

#[test]
fn a_nonce_belongs_to_the_user_whatever_the_wishes() {
    for (name, proxy) in proxies() {
        let alice = Digest { user: NAME.into(), ..proxy.fresh() };
        proxy.login(&alice).passes(name, "alice");
        let other = Digest { user: "customer-alice-country-fr".into(), ..alice.count(2) };
        let answer = proxy.login(&other);
        answer.passes(name, "alice");
        assert_eq!(wishes(&answer).0, Some("fr"), "{name}");
        let bob = "customer-bob-country-jp".into();
        let bob = Digest { user: bob, password: "builder".into(), ..alice.count(3) };
        proxy.login(&bob).is(name, 407, "nonce-of-other-user");
    }
}

#[test]
fn a_name_sent_in_other_ways_is_split_too() {
    for (name, proxy) in proxies() {
        let digest = Digest { user: "customer-alice-session-\u{e4}\\b".into(), ..proxy.fresh() };
        // Escaped as the RFC asks, raw as many clients send it, and as an extended value.
        let answer = proxy.login(&digest);
        answer.passes(name, "alice");
        assert_eq!(wishes(&answer).1, Some("\u{e4}\\b"), "{name}");
        let raw = digest.count(2).params().with("username", format!("\"{}\"", digest.user));
        proxy.get(raw.field()).passes(name, "alice");
        let extended = "UTF-8''customer-alice-session-%C3%A4%5Cb";
        let params = digest.count(3).params().without("username").and("username*", extended);
        proxy.get(params.field()).passes(name, "alice");
    }
}

/// Names that differ in their wishes alone have different secrets, and none is taken for another.
#[cfg(feature = "cached")]
#[test]
fn a_cache_of_secrets_keeps_names_with_other_wishes_apart() {
    use tower_proxy_auth::backend::cached::Cached;

    let secrets = Cached::new(Waiting(Passwords)).unwrap();
    let builder = Authenticator::builder(realm()).with_user_parameters(syntax());
    let proxy = Proxy::of(builder.with_digest(secrets));
    let alice = proxy.fresh();
    let names = ["alice", "customer-alice-country-jp", "customer-alice-country-fr"];
    for (count, name) in (1..).zip(names.into_iter().cycle().take(6)) {
        proxy.login(&Digest { user: name.into(), ..alice.count(count) }).passes(name, "alice");
    }
}

#[test]
fn digest_needs_a_source_that_holds_passwords() {
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
fn with_userhash_a_name_cannot_be_read() {
    let builder = Authenticator::builder(realm()).with_user_parameters(syntax());
    let digest = DigestScheme::builder(Passwords).with_userhash(true).build().unwrap();
    let error = builder.with_scheme(digest).build().unwrap_err();
    assert!(matches!(error, ConfigError::UserParametersUnsupported { scheme: "Digest", .. }));
    assert!(
        error.to_string().ends_with("a name cannot be read from a userhash: leave userhash out")
    );
}
