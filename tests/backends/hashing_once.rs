//! An expensive hash behind a cache is computed once for many requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::channel,
    },
    time::Duration,
};

use tokio::task::JoinSet;
use tower_proxy_auth::{
    BackendError, BasicCredentials, CredentialValidator, Realm, Verdict,
    backend::{
        cached::Cached,
        htpasswd::Htpasswd,
        password_hash::{HashMethod, hash_password},
        watched_file::FileEvent,
    },
    revocation::Revocations,
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

    fn attach(&self, revocations: &Revocations) {
        self.file.attach(revocations);
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
    assert_eq!(hashed.load(Ordering::SeqCst), 2, "another password");
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

#[tokio::test]
async fn a_reload_drops_only_verdicts_of_changed_users() {
    let line = |name: &str, password: &str| {
        let hash = hash_password(password, HashMethod::Bcrypt { cost: 4 }).unwrap();
        format!("{name}:{hash}\n")
    };
    let [old, new] = ["wonder", "changed"].map(|password| line("alice", password));
    let file = UserFile::new(format!("{old}{}", line("bob", "builder")));
    let (reloaded, reloads) = channel();
    let users = Htpasswd::builder(file.path())
        .on_change(move |_: FileEvent<'_>| reloaded.send(()).unwrap())
        .open()
        .unwrap();
    let hashed = Arc::new(AtomicUsize::new(0));
    let cached = Cached::new(Counted { file: users, hashed: Arc::clone(&hashed) }).unwrap();
    let replace = |text: String| {
        file.replace(text);
        reloads.recv_timeout(Duration::from_secs(60)).unwrap();
    };
    assert!(is_let_in(&cached, "wonder").await);
    assert!(!is_let_in(&cached, "changed").await);
    assert_eq!(hashed.load(Ordering::SeqCst), 2);

    replace(format!("{old}{}", line("bob", "changed")));
    assert!(is_let_in(&cached, "wonder").await);
    assert_eq!(hashed.load(Ordering::SeqCst), 2, "the verdict is still kept");

    replace(new);
    assert!(!is_let_in(&cached, "wonder").await);
    assert!(is_let_in(&cached, "changed").await, "it was cached as wrong");

    replace(line("bob", "builder"));
    assert!(!is_let_in(&cached, "changed").await);
}
