//! A flood of guesses at the first member of a chain, and users of a directory behind it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time};
use tower_proxy_auth::{
    Authenticator, ProxyAuthLayer,
    backend::{
        ValidatorChain,
        cached::Cached,
        htpasswd::Htpasswd,
        password_hash::{HashMethod, HashingPool, hash_password},
    },
};

use super::{people, search};
use crate::support::{
    layer::{Origin, get, realm, send},
    user_file::UserFile,
    wire::basic,
};

const GUESSERS: usize = 80;
const LIFETIME: Duration = Duration::from_secs(2);
/// Several re-checks of each verdict.
const FLOOD: Duration = Duration::from_secs(10);

/// The status for a request with these credentials.
async fn status(layer: &ProxyAuthLayer, origin: &Origin, user_pass: &str) -> u16 {
    send(layer, origin, get(&basic(user_pass))).await.status().as_u16()
}

/// The guesses fill the queue of the hashes, which every check of the chain must pass.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn a_flood_of_guesses_neither_ends_nor_prolongs_verdicts() {
    let server = people().start();
    let hash = hash_password("welcome", HashMethod::Bcrypt { cost: 12 }).unwrap();
    let file = UserFile::new(format!("guest:{hash}\n"));
    let pool = HashingPool::builder().with_queue(64).build().unwrap();
    let htpasswd = Htpasswd::builder(file.path()).with_hashing_pool(pool).open().unwrap();
    let chain = ValidatorChain::new().with(htpasswd).with(search(server.url()).build().unwrap());
    let cached = Cached::builder(chain)
        .with_lifetime(LIFETIME)
        .allow_stale_if_error(Duration::from_secs(600))
        .build()
        .unwrap();
    let auth = Authenticator::builder(realm()).with_basic(cached).build().unwrap();
    let (layer, origin) = (ProxyAuthLayer::new(auth), Origin::new());
    for user_pass in ["alice:wonder", "bob:builder"] {
        assert_eq!(status(&layer, &origin, user_pass).await, 200, "{user_pass}");
    }
    server.delete("bob");
    let removed = Instant::now();

    let overloaded = Arc::new(AtomicUsize::new(0));
    let mut guessers = JoinSet::new();
    for guesser in 0..GUESSERS {
        let (layer, origin, overloaded) = (layer.clone(), origin.clone(), Arc::clone(&overloaded));
        guessers.spawn(async move {
            for guess in 0.. {
                match status(&layer, &origin, &format!("guest:{guesser}-{guess}")).await {
                    407 => {}
                    503 => {
                        overloaded.fetch_add(1, Ordering::SeqCst);
                        time::sleep(Duration::from_millis(50)).await;
                    }
                    other => panic!("{other} for a guess"),
                }
            }
        });
    }
    let mut of_bob = Vec::new();
    while removed.elapsed() < FLOOD {
        assert_eq!(status(&layer, &origin, "alice:wonder").await, 200, "{:?}", removed.elapsed());
        let is_expired = removed.elapsed() > LIFETIME;
        let status = status(&layer, &origin, "bob:builder").await;
        assert!(!is_expired || status != 200, "stale, after {:?}", removed.elapsed());
        of_bob.push(status);
        time::sleep(Duration::from_millis(20)).await;
    }
    assert!(of_bob.contains(&407), "the directory has refused him");
    assert!(overloaded.load(Ordering::SeqCst) > 0, "the queue was never full");
    guessers.abort_all();
    while let Some(ended) = guessers.join_next().await {
        assert!(ended.is_err_and(|error| error.is_cancelled()));
    }
}
