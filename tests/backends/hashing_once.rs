//! An expensive hash behind a cache is computed once for many requests.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::task::JoinSet;
use tower_proxy_auth::{
    BackendError, BasicCredentials, CredentialValidator, Realm, Verdict,
    backend::{
        cached::Cached,
        htpasswd::Htpasswd,
        password_hash::{HashMethod, hash_password},
    },
};

use crate::support::user_file::UserFile;

/// Users in a file, and the number of their checks, each of which hashes once.
struct Counted {
    file: Htpasswd,
    hashed: Arc<AtomicUsize>,
}

impl CredentialValidator for Counted {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        self.hashed.fetch_add(1, Ordering::SeqCst);
        self.file.validate(credentials).await
    }

    fn version(&self) -> u64 {
        self.file.version()
    }
}

/// `alice` with a bcrypt hash of cost 12, behind a cache; and the counter.
fn alice() -> (UserFile, Cached<Counted>, Arc<AtomicUsize>) {
    let hash = hash_password("wonder", HashMethod::Bcrypt { cost: 12 }).unwrap();
    assert!(hash.starts_with("$2y$12$") || hash.starts_with("$2b$12$"), "{hash}");
    let text = UserFile::new(format!("alice:{hash}\n"));
    let hashed = Arc::new(AtomicUsize::new(0));
    let file = Htpasswd::open(text.path()).unwrap();
    let cached = Cached::new(Counted { file, hashed: Arc::clone(&hashed) }).unwrap();
    (text, cached, hashed)
}

async fn is_let_in(validator: &impl CredentialValidator, password: &str) -> bool {
    let realm = Realm::new("proxy").unwrap();
    let credentials = BasicCredentials::new(&realm, "alice", password);
    let verdict = validator.validate(credentials).await;
    matches!(verdict.unwrap(), Verdict::Accepted(account) if account.user().as_str() == "alice")
}

#[tokio::test]
async fn a_thousand_requests_of_one_user_cost_one_hash() {
    let (_text, cached, hashed) = alice();
    for _ in 0..1_000 {
        assert!(is_let_in(&cached, "wonder").await);
    }
    assert_eq!(hashed.load(Ordering::SeqCst), 1);
    assert!(!is_let_in(&cached, "wonde").await);
    assert_eq!(hashed.load(Ordering::SeqCst), 2, "another password is another question");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_requests_at_once_cost_one_hash() {
    let (_text, cached, hashed) = alice();
    let mut requests = JoinSet::new();
    for _ in 0..200 {
        let cached = cached.clone();
        requests.spawn(async move { is_let_in(&cached, "wonder").await });
    }
    assert_eq!(requests.join_all().await, [true; 200]);
    assert_eq!(hashed.load(Ordering::SeqCst), 1);
}
