//! Users for Basic in a file.
//!
//! Tests that need Apache's program run on demand:
//! `cargo test --all-features --test backends -- --ignored`.

mod apache;
mod changes;
mod many_users;
mod queue;

use std::sync::{Mutex, mpsc::Sender};

use tower_proxy_auth::{
    BasicCredentials, CredentialValidator, Verdict,
    backend::{
        htpasswd::Htpasswd,
        password_hash::{HashKind, HashMethod, HashPolicy, HashingPool, hash_password},
    },
};

use crate::support::{
    user_file::UserFile,
    validator_battery::{BackEnd, battery, realm},
};

/// The lowest cost of each kind.
const BCRYPT: HashMethod = HashMethod::Bcrypt { cost: 4 };
const METHODS: [HashMethod; 4] = [
    BCRYPT,
    HashMethod::Sha512Crypt { rounds: 1_000 },
    HashMethod::Sha256Crypt { rounds: 1_500 },
    HashMethod::Argon2id { memory: 64, passes: 1, lanes: 1 },
];

fn line(name: &str, password: &str, method: HashMethod) -> String {
    format!("{name}:{}\n", hash_password(password, method).unwrap())
}

/// The name of the accepted user, or another result.
async fn asked(users: &Htpasswd, name: &str, password: &str) -> String {
    let realm = realm();
    let credentials = BasicCredentials::new(&realm, name, password);
    match users.validate(credentials).await {
        Ok(Verdict::Accepted(account)) => account.user().as_str().to_owned(),
        other => format!("{other:?}"),
    }
}

/// Files of users, and pools that are busy until the test ends.
struct Files<F> {
    file: UserFile,
    method: F,
    blocked: Mutex<Vec<Sender<()>>>,
}

impl<F: Fn(usize) -> HashMethod> Files<F> {
    fn hashed_by(method: F) -> Self {
        Self { file: UserFile::none(), method, blocked: Mutex::default() }
    }

    fn write(&self, users: &[(&str, &str)]) {
        let lines = users.iter().enumerate();
        let lines = lines.map(|(at, (name, password))| line(name, password, (self.method)(at)));
        self.file.write(lines.collect::<String>());
    }

    /// A pool that runs one check, while another one waits.
    async fn full_pool(&self) -> HashingPool {
        let pool = HashingPool::builder().with_max_hashes(1).with_queue(1).build().unwrap();
        let end = queue::occupy(&pool).await;
        self.blocked.lock().unwrap().push(end);
        let waiting = pool.clone();
        tokio::spawn(async move { waiting.run(|| ()).await });
        tokio::task::yield_now().await;
        pool
    }
}

impl<F: Fn(usize) -> HashMethod> BackEnd for Files<F> {
    type Validator = Htpasswd;

    const LONGEST_PASSWORD: usize = 72;

    async fn holding(&self, users: &[(&str, &str)]) -> Htpasswd {
        self.write(users);
        Htpasswd::open(self.file.path()).unwrap()
    }

    async fn failing(&self) -> Option<Htpasswd> {
        self.write(&[("alice", "wonder")]);
        let builder = Htpasswd::builder(self.file.path()).with_hashing_pool(self.full_pool().await);
        Some(builder.open().unwrap())
    }
}

battery!(bcrypt: Files::hashed_by(|_| BCRYPT));
battery!(mixed: Files::hashed_by(|at| METHODS[at % METHODS.len()]));
battery!(different_costs: Files::hashed_by(|at| HashMethod::Bcrypt { cost: 4 + (at as u32) % 4 }));

/// Passwords that are not hashed, so that only the rest takes time.
struct PlainText(UserFile);

impl BackEnd for PlainText {
    type Validator = Htpasswd;

    async fn holding(&self, users: &[(&str, &str)]) -> Htpasswd {
        // A plain password cannot be stored if it has a colon or blanks around it.
        let users = users.iter().map(|(name, password)| match *password {
            "with:colons::" | "  blanks around  " => line(name, password, BCRYPT),
            _ => format!("{name}:{password}\n"),
        });
        self.0.write(users.collect::<String>());
        let policy = HashPolicy::new().allow_kind(HashKind::PlainText);
        Htpasswd::builder(self.0.path()).with_hash_policy(policy).open().unwrap()
    }
}

battery!(plain_text: PlainText(UserFile::none()));

#[tokio::test]
async fn a_problem_of_a_file_is_one_line() {
    let file =
        UserFile::new("alice:$2y$31$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu\n");
    let error = Htpasswd::open(file.path()).unwrap().errors()[0].to_string();
    let path = file.path();
    let expected = format!(
        "{path:?}, line 1: the user \"alice\": the cost of the bcrypt hash is 31: at most 15 is allowed"
    );
    assert_eq!(error, expected);
    let error = Htpasswd::open("/nowhere/users").unwrap_err().to_string();
    assert!(error.starts_with(r#""/nowhere/users": it cannot be read: "#), "{error}");
    file.write("# nobody yet\n");
    let error = Htpasswd::open(file.path()).unwrap_err().to_string();
    assert_eq!(error, format!("{path:?}: it has no user"));
}

#[test]
fn debug_shows_no_hash() {
    let file = UserFile::new(line("alice", "wonder", BCRYPT));
    let users = Htpasswd::builder(file.path());
    assert!(!format!("{users:?}").contains("$2y$"));
    let users = users.open().unwrap();
    assert_eq!(
        format!("{users:?}"),
        format!("Htpasswd {{ path: {:?}, user_count: 1, .. }}", file.path())
    );
    assert_eq!(users.user_count(), 1);
}
