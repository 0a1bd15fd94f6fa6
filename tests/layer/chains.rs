//! Chains of back ends, and closures.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::Method;
use tower_proxy_auth::{
    Account, Authenticator, BackendError, BasicCredentials, ConfigError, CredentialValidator,
    DigestSecrets, DigestUser, ProxyAuthLayer, Realm, Reason, SecretLookup, UserId, Users, Verdict,
    backend::{
        AccountLookup, AnySecrets, AnyValidator, OwnedCredentials, SecretsChain, UnusableRecord,
        ValidatorChain, from_async_fn, from_fn,
    },
    digest::{HashFunction, HashFunctions},
};

use crate::support::{
    digest::Digest,
    engine::Secrets,
    layer::{Origin, RIGHT, URL, alice, challenges, get, realm, reason, request, send, users},
};

/// The user for right Basic credentials of alice, or the reason of the refusal.
async fn basic(validator: impl CredentialValidator) -> Result<String, Reason> {
    let auth = Authenticator::builder(realm()).with_basic(validator).build().unwrap();
    outcome(&ProxyAuthLayer::new(auth), RIGHT).await
}

/// The same for right Digest credentials.
async fn digest(secrets: impl DigestSecrets) -> Result<String, Reason> {
    let auth = Authenticator::builder(realm()).with_digest(secrets).build().unwrap();
    let layer = ProxyAuthLayer::new(auth);
    let refused = send(&layer, &Origin::new(), request(Method::GET, URL)).await;
    let credentials = Digest::of_headers(refused.headers()).answer("GET", "/a?b=c");
    outcome(&layer, &credentials).await
}

async fn outcome(layer: &ProxyAuthLayer, credentials: &str) -> Result<String, Reason> {
    let origin = Origin::new();
    let response = send(layer, &origin, get(credentials)).await;
    if origin.calls() == 0 {
        return Err(reason(&response));
    }
    assert_eq!(response.status(), 200);
    Ok(origin.identity().unwrap().user().unwrap().to_string())
}

type Says = fn() -> Result<Verdict, BackendError>;

/// A member of a chain that gives one answer and counts its calls.
#[derive(Clone)]
struct Member {
    says: Says,
    waits: bool,
    asked: Arc<AtomicUsize>,
}

impl Member {
    fn new(says: Says) -> Self {
        Self { says, waits: false, asked: Arc::default() }
    }

    fn waiting(says: Says) -> Self {
        Self { waits: true, ..Self::new(says) }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn answer(&self) -> Result<Verdict, BackendError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        (self.says)()
    }
}

impl CredentialValidator for Member {
    async fn validate(&self, _: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        if self.waits {
            tokio::task::yield_now().await;
        }
        self.answer()
    }
}

/// A source that holds users or fails, and counts its calls.
#[derive(Clone)]
struct Source {
    users: Option<Users>,
    waits: bool,
    asked: Arc<AtomicUsize>,
}

impl Source {
    fn waiting(users: Option<Users>) -> Self {
        Self { users, waits: true, asked: Arc::default() }
    }

    fn at_once(users: Option<Users>) -> Self {
        Self { waits: false, ..Self::waiting(users) }
    }
}

impl DigestSecrets for Source {
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::ALL
    }

    async fn secret(&self, user: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        if self.waits {
            tokio::task::yield_now().await;
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        match &self.users {
            Some(users) => users.secret(user).await,
            None => Err(BackendError::new("down")),
        }
    }
}

fn accepted() -> Result<Verdict, BackendError> {
    Ok(alice())
}

fn unknown() -> Result<Verdict, BackendError> {
    Ok(Verdict::UnknownUser)
}

#[tokio::test]
async fn an_empty_chain_knows_no_user() {
    assert_eq!(basic(ValidatorChain::new()).await, Err(Reason::UnknownUser));
    let mistake = Authenticator::builder(realm()).with_digest(SecretsChain::new()).build();
    let error = mistake.unwrap_err();
    assert!(matches!(error, ConfigError::NoCommonAlgorithm { .. }), "{error}");
}

#[tokio::test]
async fn stops_at_the_first_member_that_knows_the_user() {
    let bob = Users::new(&realm()).with_user("bob", "builder").unwrap();
    let unusable = || Ok(Verdict::Unusable(UnusableRecord::new("locked")));
    let named = || Ok(Verdict::WrongPasswordOf(UserId::new("alice")));
    let table: [(&str, Says, _); 7] = [
        ("accepts", accepted, Ok("alice".to_owned())),
        ("wrong password", || Ok(Verdict::WrongPassword), Err(Reason::WrongPassword)),
        ("wrong password of a name", named, Err(Reason::WrongPassword)),
        ("disabled", || Ok(Verdict::Disabled(Account::new("alice"))), Err(Reason::AccountDisabled)),
        ("expired", || Ok(Verdict::Expired(Account::new("alice"))), Err(Reason::AccountExpired)),
        ("unusable record", unusable, Err(Reason::UnusableRecord)),
        ("fails", || Err(BackendError::new("down")), Err(Reason::BackendFailed)),
    ];
    for (name, says, expected) in table {
        for decides in [Member::new(says), Member::waiting(says)] {
            let never = Member::new(|| Ok(Verdict::Accepted(Account::new("mallory"))));
            let chain =
                ValidatorChain::new().with(bob.clone()).with(decides.clone()).with(never.clone());
            assert_eq!(basic(chain).await, expected, "{name}");
            assert_eq!((decides.asked(), never.asked()), (1, 0), "{name}");
        }
    }
}

#[tokio::test]
async fn continues_after_a_member_that_waits() {
    let ends = || [Member::new(unknown), Member::waiting(unknown)];
    for first in ends() {
        for second in ends() {
            let last = Member::new(accepted);
            let chain =
                ValidatorChain::new().with(first.clone()).with(second.clone()).with(last.clone());
            assert_eq!(basic(chain).await, Ok("alice".to_owned()));
            assert_eq!(last.asked(), 1);
            let nobody = ValidatorChain::new().with(first.clone()).with(second);
            assert_eq!(basic(nobody).await, Err(Reason::UnknownUser));
        }
    }
}

#[tokio::test]
async fn nests_chains() {
    let inner = ValidatorChain::new().with(Member::waiting(unknown)).with(users());
    let chain = ValidatorChain::new().with(ValidatorChain::new()).with(inner);
    assert_eq!(basic(chain.clone()).await, Ok("alice".to_owned()));
    assert_eq!(basic(Arc::new(chain)).await, Ok("alice".to_owned()));
}

#[tokio::test]
async fn stops_at_the_first_source_that_knows_the_user() {
    let bob = Users::new(&realm()).with_user("bob", "builder").unwrap();
    let other = Users::new(&realm()).with_user("alice", "other").unwrap();
    let sources = |users: Option<Users>| [Source::at_once(users.clone()), Source::waiting(users)];
    for first in sources(Some(bob.clone())) {
        for second in sources(Some(users())) {
            let never = Source::at_once(None);
            let chain = SecretsChain::new().with(first.clone()).with(second).with(never.clone());
            assert_eq!(digest(chain).await, Ok("alice".to_owned()));
            assert_eq!(never.asked.load(Ordering::Relaxed), 0);
        }
        for second in sources(Some(other.clone())) {
            let chain = SecretsChain::new().with(first.clone()).with(second).with(users());
            assert_eq!(digest(chain).await, Err(Reason::WrongPassword));
        }
        for second in sources(None) {
            let chain = SecretsChain::new().with(first.clone()).with(second).with(users());
            assert_eq!(digest(chain).await, Err(Reason::BackendFailed));
        }
        let unusable =
            Secrets(|_: DigestUser<'_>| Ok(SecretLookup::Unusable(UnusableRecord::new("locked"))));
        let chain = SecretsChain::new().with(first.clone()).with(unusable).with(users());
        assert_eq!(digest(chain).await, Err(Reason::UnusableRecord));
        let nobody = SecretsChain::new().with(first).with(bob.clone());
        assert_eq!(digest(nobody).await, Err(Reason::UnknownUser));
    }
}

/// A source without users for these hash functions.
struct Only(HashFunctions);

impl DigestSecrets for Only {
    fn hash_functions(&self) -> HashFunctions {
        self.0
    }

    async fn secret(&self, _: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        Ok(SecretLookup::Unknown)
    }
}

#[tokio::test]
async fn offers_the_algorithms_of_all_members() {
    let only = |functions: &[HashFunction]| {
        Only(functions.iter().copied().fold(HashFunctions::NONE, HashFunctions::with))
    };
    let md5 = only(&[HashFunction::Md5]);
    let chain = SecretsChain::new().with(users()).with(md5);
    let auth = Authenticator::builder(realm()).with_digest(chain).build().unwrap();
    let response =
        send(&ProxyAuthLayer::new(auth), &Origin::new(), request(Method::GET, URL)).await;
    let challenges = challenges(response.headers());
    assert_eq!(challenges.len(), 1);
    assert!(challenges[0].contains("algorithm=MD5,"), "{challenges:?}");

    let nothing_common =
        SecretsChain::new().with(only(&[HashFunction::Md5])).with(only(&[HashFunction::Sha256]));
    let error = Authenticator::builder(realm()).with_digest(nothing_common).build().unwrap_err();
    assert!(matches!(error, ConfigError::NoCommonAlgorithm { .. }), "{error}");
}

#[tokio::test]
async fn accepts_a_closure() {
    let check = |credentials: &BasicCredentials<'_>| {
        assert_eq!(credentials.realm().as_str(), "proxy");
        match (credentials.user_id(), credentials.verify(Some("wonder"))) {
            ("alice", true) => alice(),
            _ => Verdict::UnknownUser,
        }
    };
    assert_eq!(basic(from_fn(check)).await, Ok("alice".to_owned()));
    let chain = ValidatorChain::new().with(Member::waiting(unknown)).with(from_fn(check));
    assert_eq!(basic(chain).await, Ok("alice".to_owned()));
    assert_eq!(basic(from_fn(|_| Verdict::WrongPassword)).await, Err(Reason::WrongPassword));
}

#[tokio::test]
async fn accepts_an_async_closure() {
    let check = |credentials: OwnedCredentials| async move {
        tokio::task::yield_now().await;
        let credentials = credentials.as_borrowed();
        Ok(match (credentials.user_id(), credentials.verify(Some("wonder"))) {
            ("alice", true) => Verdict::Accepted(Account::new("Alice")),
            _ => Verdict::UnknownUser,
        })
    };
    // The name is that of the back end, not the one sent.
    assert_eq!(basic(from_async_fn(check)).await, Ok("Alice".to_owned()));
    let fails = |_: OwnedCredentials| async { Err(BackendError::new("down")) };
    assert_eq!(basic(from_async_fn(fails)).await, Err(Reason::BackendFailed));
}

type Finds = fn() -> Result<AccountLookup, BackendError>;

/// A member that answers look-ups without a password.
struct Directory(Finds);

impl CredentialValidator for Directory {
    async fn validate(&self, _: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        unreachable!("no password is checked")
    }

    async fn account(&self, _: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        assert_eq!(user.as_str(), "alice");
        (self.0)()
    }
}

impl DigestSecrets for Directory {
    fn hash_functions(&self) -> HashFunctions {
        HashFunctions::ALL
    }

    async fn secret(&self, _: DigestUser<'_>) -> Result<SecretLookup, BackendError> {
        unreachable!("no secret is looked up")
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        CredentialValidator::account(self, realm, user).await
    }
}

/// The group of the account of alice, or the kind of the answer.
async fn basic_account(validator: impl CredentialValidator) -> String {
    found(validator.account(&realm(), &UserId::new("alice")).await)
}

async fn digest_account(secrets: impl DigestSecrets) -> String {
    found(secrets.account(&realm(), &UserId::new("alice")).await)
}

fn found(answer: Result<AccountLookup, BackendError>) -> String {
    match answer {
        Ok(AccountLookup::Known(account)) => account.groups().next().unwrap().to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(_) => "failed".to_owned(),
    }
}

#[tokio::test]
async fn the_first_member_with_an_account_decides() {
    let first: Finds = || Ok(AccountLookup::Known(Account::new("alice").with_group("first")));
    let second: Finds = || Ok(AccountLookup::Known(Account::new("alice").with_group("second")));
    let unknown: Finds = || Ok(AccountLookup::Unknown);
    let unsupported: Finds = || Ok(AccountLookup::Unsupported);
    let fails: Finds = || Err(BackendError::new("down"));
    let table: [(&[Finds], &str); 9] = [
        (&[], "Unknown"),
        (&[unknown, unknown], "Unknown"),
        (&[first, second], "first"),
        (&[unknown, second, first], "second"),
        (&[unsupported, second], "Unsupported"),
        (&[unsupported, unknown], "Unsupported"),
        (&[unknown, unsupported], "Unsupported"),
        (&[first, fails], "first"),
        (&[unknown, fails, first], "failed"),
    ];
    for (position, (members, expected)) in table.into_iter().enumerate() {
        let members = || members.iter().map(|&finds| Directory(finds));
        let chain = members().fold(ValidatorChain::new(), ValidatorChain::with);
        assert_eq!(basic_account(chain).await, expected, "validators of row {position}");
        let chain = members().fold(SecretsChain::new(), SecretsChain::with);
        assert_eq!(digest_account(chain).await, expected, "secrets of row {position}");
    }
}

#[tokio::test]
async fn wrappers_pass_on_the_account() {
    let known =
        || Directory(|| Ok(AccountLookup::Known(Account::new("alice").with_group("staff"))));
    assert_eq!(basic_account(Arc::new(known())).await, "staff");
    assert_eq!(digest_account(Arc::new(known())).await, "staff");
    assert_eq!(basic_account(AnyValidator::new(known())).await, "staff");
    assert_eq!(digest_account(AnySecrets::new(known())).await, "staff");
    #[cfg(feature = "timeout")]
    {
        use tower_proxy_auth::backend::Timeout;

        let timed = || Timeout::new(known(), std::time::Duration::from_secs(5));
        assert_eq!(basic_account(timed()).await, "staff");
        assert_eq!(digest_account(timed()).await, "staff");
    }
    #[cfg(feature = "cached")]
    {
        use tower_proxy_auth::backend::cached::Cached;

        assert_eq!(basic_account(Cached::new(known()).unwrap()).await, "staff");
        assert_eq!(digest_account(Cached::new(known()).unwrap()).await, "staff");
    }
}
