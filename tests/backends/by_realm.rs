//! A source of users for each realm.

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
};

use http::Method;
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, ConfigError, CredentialValidator,
    DigestSecrets, DigestUser, Realm, RequestHead, SecretLookup, UserId, Users, Verdict,
    authenticator::AuthenticatorBuilder,
    backend::{AccountLookup, ByRealm, ValidatorChain, from_fn},
    digest::{HashFunction, HashFunctions},
    revocation::Revocations,
};

use crate::support::{
    digest::Digest,
    engine::{Answer, Proxy, basic, now, request},
};

fn realm(name: &'static str) -> Realm {
    Realm::from_static(name)
}

/// Chooses the realm by the host; red is the default.
fn realm_of(head: &RequestHead<'_>) -> Option<Realm> {
    let host = head.target().host()?;
    [realm("blue"), realm("green")].into_iter().find(|realm| realm.as_str() == host)
}

fn tenants() -> AuthenticatorBuilder {
    Authenticator::builder(realm("red")).with_realm_of(realm_of)
}

fn users(realm: &Realm, name: &str, password: &str) -> Users {
    Users::new(realm).with_user(name, password).unwrap()
}

/// Alice with two passwords, and a user of each realm alone.
fn both() -> ByRealm<Users> {
    let red = users(&realm("red"), "alice", "wonder").with_user("rose", "thorn").unwrap();
    let blue = users(&realm("blue"), "alice", "another").with_user("bob", "builder").unwrap();
    ByRealm::new().with(&realm("red"), red).with(&realm("blue"), blue)
}

/// The realms, users and passwords of logins, and whether they succeed.
const LOGINS: [(&str, &str, &str, bool); 10] = [
    ("red", "alice", "wonder", true),
    ("blue", "alice", "another", true),
    ("red", "rose", "thorn", true),
    ("blue", "bob", "builder", true),
    ("red", "alice", "another", false),
    ("blue", "alice", "wonder", false),
    ("blue", "rose", "thorn", false),
    ("red", "bob", "builder", false),
    ("green", "alice", "wonder", false),
    ("green", "alice", "another", false),
];

#[track_caller]
fn decides(answer: &Answer, (realm, user, password, succeeds): (&str, &str, &str, bool)) {
    let name = format!("{user} with {password} in {realm}");
    match succeeds {
        true => answer.passes(&name, user),
        false => assert_eq!(answer.status, 407, "{name}: {}", answer.reason()),
    }
}

#[track_caller]
fn log_in_with_basic(proxy: &Proxy) {
    for login @ (realm, user, password, _) in LOGINS {
        let credentials = basic(format!("{user}:{password}"));
        decides(&proxy.ask(&Method::GET, &format!("http://{realm}/"), credentials), login);
    }
}

#[track_caller]
fn log_in_with_digest(proxy: &Proxy) {
    for (realm, user, password, succeeds) in LOGINS {
        for sent in ["red", "blue", "green"] {
            let challenge = proxy.send(request(&Method::GET, &format!("http://{sent}/"), []));
            let digest = Digest {
                user: user.into(),
                password: password.into(),
                realm: sent.into(),
                ..Digest::new(challenge.nonce())
            };
            let answer = proxy.ask(&Method::GET, &format!("http://{realm}/"), digest.field());
            decides(&answer, (realm, user, password, succeeds && sent == realm));
        }
    }
}

#[test]
fn keeps_users_of_two_realms_apart() {
    let proxy = Proxy::of(tenants().with_digest(both()).with_basic(both()));
    log_in_with_basic(&proxy);
    log_in_with_digest(&proxy);
}

/// A source that ignores the realm, as files and directories do, and notes what it is sent.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<Vec<String>>>);

impl Noting {
    fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl CredentialValidator for Noting {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        let sent = format!("{}:{}", credentials.user_id(), credentials.password());
        self.0.lock().unwrap().push(sent);
        Ok(Verdict::UnknownUser)
    }
}

impl DigestSecrets for Noting {
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::ALL
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        self.0.lock().unwrap().push(user.realm().to_string());
        Ok(SecretLookup::Unknown)
    }
}

#[test]
fn sends_a_source_only_the_credentials_of_its_realm() {
    let (red, blue) = (Noting::default(), Noting::default());
    let sources =
        || ByRealm::new().with(&realm("red"), red.clone()).with(&realm("blue"), blue.clone());
    let proxy = Proxy::of(tenants().with_basic(sources()).with_digest(sources()));
    for (target, sent) in [
        ("http://red/", "alice:wonder"),
        ("http://blue/", "bob:builder"),
        ("http://green/", "carol:secret"),
    ] {
        proxy.ask(&Method::GET, target, basic(sent)).is(sent, 407, "unknown-user");
    }
    for realm in ["red", "blue", "green"] {
        let digest = Digest { realm: realm.into(), ..Digest::new("") };
        let target = format!("http://{realm}/");
        proxy.ask(&Method::GET, &target, digest.field()).is(realm, 407, "unknown-user");
    }
    assert_eq!(red.seen(), ["alice:wonder", "red"]);
    assert_eq!(blue.seen(), ["bob:builder", "blue"]);
}

#[test]
fn reports_missing_and_duplicate_realms() {
    #[track_caller]
    fn refuses(validator: impl CredentialValidator, message: &str) {
        let built = Authenticator::builder(realm("green")).with_basic(validator).build();
        assert_eq!(built.unwrap_err().to_string(), message);
    }
    let missing = |realms| {
        format!(
            "the authenticator's realm is \"green\", and there are sources of users for the realms \
             {realms}: add one for it"
        )
    };
    refuses(ByRealm::<Users>::new(), &missing("[]"));
    refuses(both(), &missing("[\"red\", \"blue\"]"));
    let doubled = "the realm \"red\" has two sources of users: put them into a chain";
    let greens = || Users::new(&realm("green"));
    let twice =
        || both().with(&realm("green"), greens()).with(&realm("red"), Users::new(&realm("red")));
    refuses(twice(), doubled);
    refuses(ValidatorChain::new().with(greens()).with(twice()), doubled);
    refuses(
        ByRealm::new().with(&realm("green"), greens()).with(&realm("red"), greens()),
        "the authenticator's realm is \"red\", and its users belong to the realm \"green\": make \
         both the same",
    );
    let digest = Authenticator::builder(realm("green")).with_digest(both()).build();
    assert!(matches!(digest, Err(ConfigError::RealmWithoutSource { .. })), "{digest:?}");
    let good = || both().with(&realm("green"), greens());
    let chain = ValidatorChain::new().with(both()).with(good());
    assert!(
        Authenticator::builder(realm("green"))
            .with_digest(good())
            .with_basic(chain)
            .build()
            .is_ok()
    );
}

/// A source without realms that revokes its users wherever it may.
#[derive(Clone, Default)]
struct Revoking(Arc<Mutex<Vec<Revocations>>>);

impl Revoking {
    fn revoke(&self, user: &str) {
        for revocations in &*self.0.lock().unwrap() {
            revocations.revoke_in_all_realms(&UserId::new(user));
        }
    }
}

impl CredentialValidator for Revoking {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        Ok(Verdict::Accepted(Account::new(credentials.user_id())))
    }

    fn attach(&self, revocations: &Revocations) {
        self.0.lock().unwrap().push(revocations.clone());
    }
}

#[test]
fn a_change_of_one_source_revokes_only_in_its_realm() {
    let (red, blue) = (Revoking::default(), Revoking::default());
    let sources =
        ByRealm::new().with(&realm("red"), red.clone()).with(&realm("blue"), blue.clone());
    let proxy = Proxy::of(tenants().with_basic(sources));
    let log_in = |realm: &str| {
        let answer = proxy.ask(&Method::GET, &format!("http://{realm}/"), basic("alice:wonder"));
        let identity = answer.identity().expect("she is known").clone();
        move || {
            let mut context = Context::from_waker(Waker::noop());
            pin!(identity.revoked()).poll(&mut context).is_ready()
        }
    };
    let (in_red, in_blue) = (log_in("red"), log_in("blue"));
    red.revoke("alice");
    assert_eq!((in_red(), in_blue()), (true, false));
    blue.revoke("alice");
    assert!(in_blue());
}

#[test]
fn looks_up_accounts_in_the_source_of_the_realm() {
    let sources = both();
    for (realm, user, is_known) in [
        (realm("red"), "rose", true),
        (realm("blue"), "rose", false),
        (realm("green"), "alice", false),
    ] {
        let user = UserId::new(user);
        let basic = now(CredentialValidator::account(&sources, &realm, &user)).unwrap();
        let digest = now(DigestSecrets::account(&sources, &realm, &user)).unwrap();
        for found in [basic, digest] {
            let known = matches!(&found, AccountLookup::Known(account) if *account.user() == user);
            assert_eq!(known, is_known, "{user} in {realm}");
            assert_eq!(matches!(found, AccountLookup::Unknown), !is_known, "{user} in {realm}");
        }
    }
    let unsupported = ByRealm::new().with(&realm("red"), from_fn(|_| Verdict::UnknownUser));
    let found = now(unsupported.account(&realm("red"), &UserId::new("alice"))).unwrap();
    assert!(matches!(found, AccountLookup::Unsupported), "{found:?}");
}

#[test]
fn changes_its_version_with_each_source() {
    let (red, blue) = (Users::new(&realm("red")), Users::new(&realm("blue")));
    let sources =
        ByRealm::new().with(&realm("red"), red.clone()).with(&realm("blue"), blue.clone());
    let version = || (CredentialValidator::version(&sources), DigestSecrets::version(&sources));
    let mut seen = vec![version()];
    for users in [&red, &blue, &red] {
        users.set("alice", "wonder").unwrap();
        assert!(!seen.iter().any(|before| before.0 == version().0 || before.1 == version().1));
        seen.push(version());
    }
    assert_eq!(version(), version());
}

/// A source with secrets for these hash functions.
struct Holds(HashFunctions, bool);

impl DigestSecrets for Holds {
    fn hash_functions(&self) -> HashFunctions {
        self.0
    }

    fn holds_passwords(&self) -> bool {
        self.1
    }

    async fn secret(&self, _: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        Ok(SecretLookup::Unknown)
    }
}

#[test]
fn offers_what_every_source_has_secrets_for() {
    let (md5, sha256) = (HashFunction::Md5, HashFunction::Sha256);
    let only = |function| HashFunctions::NONE.with(function);
    for (name, red, blue, expected) in [
        ("alike", HashFunctions::ALL, HashFunctions::ALL, HashFunctions::ALL),
        ("one has fewer", HashFunctions::ALL, only(md5), only(md5)),
        ("disjoint", only(sha256), only(md5), HashFunctions::NONE),
    ] {
        let sources = ByRealm::new()
            .with(&realm("red"), Holds(red, true))
            .with(&realm("blue"), Holds(blue, true));
        assert_eq!(sources.hash_functions(), expected, "{name}");
        assert!(sources.holds_passwords());
    }
    let all = HashFunctions::ALL;
    let sources = ByRealm::new()
        .with(&realm("red"), Holds(all, true))
        .with(&realm("blue"), Holds(all, false));
    assert!(!sources.holds_passwords());
    assert_eq!(ByRealm::<Users>::new().hash_functions(), HashFunctions::NONE);
}

#[test]
fn debug_shows_the_realms_alone() {
    assert_eq!(format!("{:?}", both()), "ByRealm([\"red\", \"blue\"])");
}

#[cfg(feature = "htpasswd")]
mod files {
    use tower_proxy_auth::{
        ProxyAuthLayer,
        backend::{
            htpasswd::Htpasswd,
            password_hash::{HashMethod, hash_password},
        },
    };

    use super::*;
    use crate::support::{
        layer::{Origin, request, send, with_credentials},
        user_file::UserFile,
    };

    fn file(users: &[(&str, &str)]) -> UserFile {
        let lines = users.iter().map(|(name, password)| {
            let hash = hash_password(password, HashMethod::Bcrypt { cost: 4 }).unwrap();
            format!("{name}:{hash}\n")
        });
        UserFile::new(lines.collect::<String>())
    }

    #[tokio::test]
    async fn two_password_files_stay_apart() {
        let red = file(&[("alice", "wonder"), ("rose", "thorn")]);
        let blue = file(&[("alice", "another"), ("bob", "builder")]);
        let open = |file: &UserFile| Htpasswd::open(file.path()).unwrap();
        let sources =
            ByRealm::new().with(&realm("red"), open(&red)).with(&realm("blue"), open(&blue));
        let auth = tenants().with_basic(sources).build().unwrap();
        let (layer, origin) = (ProxyAuthLayer::new(auth), Origin::new());
        for (realm, user, password, succeeds) in LOGINS {
            let sent = basic(format!("{user}:{password}"));
            let request = request(Method::GET, &format!("http://{realm}/"));
            let request = with_credentials(request, sent.to_str().unwrap());
            let status = send(&layer, &origin, request).await.status();
            let expected = if succeeds { 200 } else { 407 };
            assert_eq!(status, expected, "{user} with {password} in {realm}");
        }
    }
}

#[cfg(feature = "htdigest")]
#[test]
fn two_digest_files_stay_apart() {
    use tower_proxy_auth::{HashedA1, backend::htdigest::Htdigest};

    use crate::support::user_file::UserFile;

    let function = HashFunction::Sha256;
    let file = |realm: &Realm, users: [(&str, &str); 2]| {
        let lines = users.map(|(name, password)| {
            let secret = HashedA1::new(function, name, realm, password);
            format!("{name}:{realm}:{}\n", *secret.expose_hex())
        });
        UserFile::new(lines.concat())
    };
    let red = file(&realm("red"), [("alice", "wonder"), ("rose", "thorn")]);
    let blue = file(&realm("blue"), [("alice", "another"), ("bob", "builder")]);
    let open =
        |realm: &Realm, file: &UserFile| Htdigest::open(realm, file.path(), function).unwrap();
    let sources = ByRealm::new()
        .with(&realm("red"), open(&realm("red"), &red))
        .with(&realm("blue"), open(&realm("blue"), &blue));
    log_in_with_digest(&Proxy::of(tenants().with_digest(sources)));
}
