//! Configuration mistakes: building fails, and the error names the remedy.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderName, HeaderValue};
use tower_proxy_auth::{
    Authenticator, BackendError, BasicCredentials, BasicScheme, ConfigError, CredentialValidator,
    DigestScheme, DigestSecrets, DigestUser, ProxyAuthLayer, Realm, Reason, Refusal, SecretLookup,
    Users, Verdict,
    backend::{SecretsChain, UserError, ValidatorChain},
    digest::{Algorithm, DigestBuilder, HashFunction, HashFunctions, NonceKey},
    revocation::Revocations,
    scheme::{
        AuthResult, AuthScheme, ChallengeContext, Claim, Claimant, RequestContext, SentCredentials,
    },
    throttle::Ticket,
    user_parameters::UserParameterSyntax,
};

fn realm() -> Realm {
    Realm::new("proxy").unwrap()
}

fn users() -> Users {
    Users::new(&realm())
}

fn digest() -> DigestBuilder<Users> {
    DigestScheme::builder(users())
}

#[track_caller]
fn refuses<T>(built: Result<T, ConfigError>, message: &str) {
    match built {
        Ok(_) => panic!("built instead of: {message}"),
        Err(error) => assert_eq!(error.to_string(), message),
    }
}

/// A scheme with nothing but a name.
struct Named(&'static str);

impl AuthScheme for Named {
    type Credentials = ();

    fn name(&self) -> &'static str {
        self.0
    }

    fn challenges(&self, _: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError> {
        Ok(vec![HeaderValue::from_static(self.0)])
    }

    fn parse(&self, _: &RequestContext<'_>, _: SentCredentials) -> Result<(), Refusal> {
        Ok(())
    }

    fn claim<'a>(&self, (): &'a ()) -> Claim<'a> {
        Claim::new(Claimant::Unnamed)
    }

    async fn verify(&self, (): &(), _: Option<&Ticket>) -> AuthResult {
        Err(Refusal::new(Reason::UnknownUser))
    }
}

/// A source without users for these hash functions.
struct Holds(HashFunctions);

impl DigestSecrets for Holds {
    fn hash_functions(&self) -> HashFunctions {
        self.0
    }

    async fn secret(&self, _: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        Ok(SecretLookup::Unknown)
    }
}

#[test]
fn rejects_user_parameters_that_a_scheme_does_not_split() {
    let syntax = UserParameterSyntax::builder().with_flag("sticky").build().unwrap();
    let builder = Authenticator::builder(realm()).with_user_parameters(syntax);
    refuses(
        builder.with_basic(users()).with_scheme(Named("Token")).build(),
        "Token cannot split parameters off user names: the scheme does not support it",
    );
}

#[test]
fn rejects_a_realm_that_clients_fail_on() {
    refuses(
        Realm::new(""),
        "the realm is empty: give the protection space a name that users recognize",
    );
    for (realm, shown, position) in [
        ("a\"b", r#""a\"b" contains '"'"#, 1),
        ("a\\", r#""a\\" contains '\\'"#, 1),
        ("corp\nproxy", r#""corp\nproxy" contains '\n'"#, 4),
        ("\u{7f}", r#""\u{7f}" contains '\u{7f}'"#, 0),
        ("caf\u{e9}", "\"caf\u{e9}\" contains '\u{e9}'", 3),
    ] {
        refuses(
            Realm::new(realm),
            &format!(
                "the realm {shown} at byte {position}: use printable ASCII without quote and \
                 backslash, since some clients fail on the rest"
            ),
        );
    }
    refuses(Realm::new("x".repeat(513)), "the realm is 513 bytes long: use at most 512");
    assert!(Realm::new("x".repeat(512)).is_ok());
}

#[test]
fn rejects_schemes_missing_doubled_or_misnamed() {
    let builder = || Authenticator::builder(realm());
    refuses(
        builder().build(),
        "no authentication scheme is offered: add with_basic, with_digest or with_scheme",
    );
    refuses(
        builder().with_basic(users()).with_digest(users()).with_basic(users()).build(),
        "the scheme Basic is offered twice: add it once",
    );
    refuses(
        builder().with_digest(users()).with_scheme(Named("DIGEST")).build(),
        "the scheme DIGEST is offered twice: add it once",
    );
    for name in ["", "My Scheme", "a,b", "\u{e9}", "a\n"] {
        refuses(
            builder().with_scheme(Named(name)).build(),
            &format!("the scheme name {name:?} is not a token: use letters, digits and hyphens"),
        );
    }
    assert!(builder().with_scheme(Named("Bearer")).build().is_ok());
}

#[test]
fn rejects_algorithms_missing_doubled_or_not_held() {
    refuses(
        digest().with_algorithms([]).build(),
        "no Digest algorithm is offered: name at least one, such as SHA-256",
    );
    let twice = [Algorithm::Md5, Algorithm::Sha256, Algorithm::Md5];
    refuses(
        digest().with_algorithms(twice).build(),
        "the Digest algorithm MD5 is offered twice: name it once",
    );
    refuses(
        DigestScheme::builder(Holds(HashFunctions::NONE)).build(),
        "none of the Digest algorithms SHA-256, MD5 can be offered: the source of secrets has \
         H(A1) for none; name an algorithm that it has, or offer Basic instead",
    );
    let sha512 = HashFunctions::NONE.with(HashFunction::Sha512_256);
    refuses(
        DigestScheme::builder(Holds(sha512)).with_algorithms([Algorithm::Md5Sess]).build(),
        "none of the Digest algorithms MD5 can be offered: the source of secrets has H(A1) for \
         SHA-512-256; name an algorithm that it has, or offer Basic instead",
    );
    refuses(
        DigestScheme::builder(SecretsChain::new()).build(),
        "none of the Digest algorithms SHA-256, MD5 can be offered: the source of secrets has \
         H(A1) for none; name an algorithm that it has, or offer Basic instead",
    );
    assert!(
        DigestScheme::builder(Holds(sha512))
            .with_algorithms(Algorithm::ALL.iter().copied())
            .build()
            .is_ok()
    );
}

#[test]
fn rejects_a_mistake_in_digest_at_the_authenticator() {
    refuses(
        Authenticator::builder(realm())
            .with_digest(Holds(HashFunctions::NONE))
            .with_basic(users())
            .with_basic(users())
            .build(),
        "none of the Digest algorithms SHA-256, MD5 can be offered: the source of secrets has \
         H(A1) for none; name an algorithm that it has, or offer Basic instead",
    );
}

#[test]
fn rejects_rfc_2069_without_md5_or_with_its_sessions() {
    let message = "legacy_rfc2069 needs the algorithm MD5: add it, or leave the option off";
    let sha256 = [Algorithm::Sha256, Algorithm::Md5Sess];
    refuses(digest().legacy_rfc2069(true).with_algorithms(sha256).build(), message);
    assert!(digest().legacy_rfc2069(true).build().is_ok());

    let message = "legacy_rfc2069 makes MD5-sess forgeable: leave one of them off";
    let sess = [Algorithm::Md5, Algorithm::Md5Sess];
    refuses(digest().legacy_rfc2069(true).with_algorithms(sess).build(), message);
    assert!(digest().with_algorithms(sess).build().is_ok());
}

#[test]
fn rejects_a_nonce_key_under_32_bytes() {
    for length in [0, 1, 31] {
        refuses(
            NonceKey::new(&vec![7; length]),
            &format!("the nonce key is {length} bytes long: use at least 32 random bytes"),
        );
    }
    assert!(NonceKey::new(&[7; 32]).is_ok());
}

#[test]
fn rejects_a_realm_without_users() {
    let authenticator = || Authenticator::builder(Realm::new("Proxy").unwrap());
    let message = "the authenticator's realm is \"Proxy\", and its users belong to the realm \
                   \"proxy\": make both the same";
    refuses(authenticator().with_basic(users()).build(), message);
    refuses(authenticator().with_digest(users()).build(), message);
    let chain = ValidatorChain::new().with(users());
    refuses(authenticator().with_basic(chain).build(), message);
    refuses(authenticator().with_basic(Arc::new(users())).build(), message);
    let chain = SecretsChain::new().with(users());
    refuses(authenticator().with_digest(chain).build(), message);
    #[cfg(feature = "cached")]
    {
        let cached = || tower_proxy_auth::backend::cached::Cached::new(users()).unwrap();
        refuses(authenticator().with_basic(cached()).build(), message);
        refuses(authenticator().with_digest(cached()).build(), message);
    }
    let other = Users::new(&Realm::new("Proxy").unwrap());
    let chain = ValidatorChain::new().with(users()).with(other);
    assert!(authenticator().with_basic(chain).build().is_ok());
}

#[test]
fn rejects_a_nonce_lifetime_out_of_range() {
    let lifetime = |lifetime| digest().with_nonce_lifetime(lifetime).build();
    for (out_of_range, shown) in [
        (Duration::ZERO, "0ns"),
        (Duration::from_millis(999), "999ms"),
        (Duration::from_secs(86_401), "86401s"),
    ] {
        let message = format!("the nonce lifetime is {shown}: use 1s to 86400s");
        refuses(lifetime(out_of_range), &message);
    }
    assert!(lifetime(Duration::from_secs(1)).is_ok());
    assert!(lifetime(Duration::from_secs(86_400)).is_ok());
}

#[test]
fn rejects_a_limit_of_zero() {
    let builder = || Authenticator::builder(realm()).with_basic(users());
    refuses(
        builder().with_max_field_length(0).build(),
        "the limit with_max_field_length is 0, which refuses everything: use a larger one",
    );
    refuses(
        builder().with_max_consecutive_stale(0).build(),
        "the limit with_max_consecutive_stale is 0, which refuses everything: use a larger one",
    );
    refuses(
        digest().with_max_parameters(0).build(),
        "the limit with_max_parameters is 0, which refuses everything: use a larger one",
    );
    let basic = BasicScheme::new(users()).with_max_password_length(0);
    refuses(
        Authenticator::builder(realm()).with_scheme(basic).build(),
        "the limit with_max_password_length is 0, which refuses everything: use a larger one",
    );
    assert!(builder().with_max_field_length(1).with_max_consecutive_stale(1).build().is_ok());
}

/// A validator that counts the registries that it is attached to.
#[derive(Clone, Default)]
struct Attachable(Arc<AtomicUsize>);

impl CredentialValidator for Attachable {
    async fn validate(&self, _: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        Ok(Verdict::UnknownUser)
    }

    fn attach(&self, _: &Revocations) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn attaches_sources_only_if_all_schemes_pass() {
    let source = Attachable::default();
    let elsewhere = Users::new(&Realm::new("elsewhere").unwrap());
    for (users, attached) in [(elsewhere, 0), (users(), 1)] {
        let builder = Authenticator::builder(realm()).with_basic(source.clone());
        assert_eq!(builder.with_digest(users).build().is_ok(), attached == 1);
        assert_eq!(source.0.load(Ordering::Relaxed), attached);
    }
}

#[test]
fn rejects_a_reserved_field_for_the_identity() {
    let layer =
        ProxyAuthLayer::new(Authenticator::builder(realm()).with_basic(users()).build().unwrap());
    for name in [
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ] {
        refuses(
            layer.clone().with_identity_header(HeaderName::from_static(name)),
            &format!(
                "the header field {name} has a meaning in HTTP: choose another for the identity"
            ),
        );
    }
    assert!(layer.with_identity_header(HeaderName::from_static("x-user")).is_ok());
}

#[test]
fn rejects_a_user_who_could_never_log_in() {
    let table = [
        (users().with_user("", "wonder"), "the user name \"\" is empty: choose another"),
        (
            users().with_user("a:b", "wonder"),
            "the user name \"a:b\" contains a colon: choose another",
        ),
        (
            users().with_user("a\u{85}", "wonder"),
            "the user name \"a\\u{85}\" contains a control character: choose another",
        ),
        (
            users().with_user("alice", ""),
            "the password of the user \"alice\" is empty: choose another",
        ),
        (
            users().with_user("alice", "wonder\n"),
            "the password of the user \"alice\" contains a control character: choose another",
        ),
    ];
    for (built, message) in table {
        let error: UserError = built.unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(!format!("{error:?}").contains("wonder"));
    }
}
