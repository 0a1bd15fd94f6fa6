//! Several nodes with one nonce store in Redis.

mod epochs;
mod model;
mod nodes;
mod outages;
mod setup;

use std::time::{Duration, Instant, SystemTime};

use tokio::time;
use tower_proxy_auth::{
    Authenticator, BackendError, DigestScheme, ProxyAuthLayer, Realm, Refusal, UserId, Users,
    clock::{Clock, Timestamp},
    digest::{NonceKey, NonceKeys},
    nonce_store::{
        Epoch, NonceCheck, NonceCount, NonceId, NonceStore, NonceUse,
        redis::{RedisNonceStore, RedisNonceStoreBuilder},
    },
};

use crate::support::{
    digest::Digest,
    layer::{self, Origin},
    redis::Redis,
};

const SECOND: Duration = Duration::from_secs(1);
/// The lifetime of nonces, with the allowance for clocks.
const LIFETIME: Duration = Duration::from_secs(360);

fn builder(server: &Redis) -> RedisNonceStoreBuilder {
    RedisNonceStore::builder(server.url())
}

/// A connected store.
async fn store(server: &Redis) -> RedisNonceStore {
    connected(builder(server)).await
}

async fn connected(builder: RedisNonceStoreBuilder) -> RedisNonceStore {
    let store = builder.build().unwrap();
    store.check().await.unwrap();
    store
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(now.as_micros() as u64)
}

/// A nonce-count that a client sends.
#[derive(Clone, Debug)]
struct Sent {
    nonce: NonceId,
    count: u32,
    realm: &'static str,
    user: String,
    lifetime: Duration,
}

impl Sent {
    /// The first count of a nonce that is issued now, from alice.
    fn new(epoch: Epoch) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};

        static COUNTER: AtomicU64 = AtomicU64::new(1);
        let nonce = NonceId::new(now(), epoch, COUNTER.fetch_add(1, Ordering::Relaxed));
        Self { nonce, count: 1, realm: "proxy", user: "alice".into(), lifetime: LIFETIME }
    }

    /// The same nonce with another count.
    fn count(&self, count: u32) -> Self {
        Self { count, ..self.clone() }
    }

    /// The same from another user.
    fn by(&self, user: &str) -> Self {
        Self { user: user.into(), ..self.clone() }
    }

    /// A nonce that was issued `age` ago.
    fn aged(&self, age: Duration) -> Self {
        let issued = self.nonce.issued().as_micros() - age.as_micros() as u64;
        let issued = Timestamp::from_micros(issued);
        Self {
            nonce: NonceId::new(issued, self.nonce.epoch(), self.nonce.counter()),
            ..self.clone()
        }
    }

    async fn to(&self, store: &RedisNonceStore) -> Result<NonceUse, BackendError> {
        let (realm, user) = (Realm::new(self.realm).unwrap(), UserId::new(&*self.user));
        let expires = self.nonce.issued().saturating_add(self.lifetime);
        let count = NonceCount::new(self.count).unwrap();
        let check = NonceCheck::new(&self.nonce, count, &realm, &user, now(), expires);
        store.check_and_insert(check).await
    }

    async fn expect(&self, store: &RedisNonceStore, expected: NonceUse) {
        let answer = self.to(store).await;
        assert_eq!(answer.unwrap(), expected, "{self:?}");
    }
}

/// Waits until a condition holds, for at most `limit`; returns how long it took.
async fn wait_until(
    limit: Duration,
    what: &str,
    mut is_true: impl AsyncFnMut() -> bool,
) -> Duration {
    let start = Instant::now();
    while !is_true().await {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}

/// The causes of an error, in one line.
fn causes(error: &BackendError) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

/// A proxy among several that share keys of nonces.
#[derive(Clone)]
struct Node {
    layer: ProxyAuthLayer,
}

/// A clock that differs from the right time.
#[derive(Debug)]
struct Skewed(i64);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(now().as_micros().checked_add_signed(self.0 * 1_000_000).unwrap())
    }
}

impl Node {
    fn new(keys: &NonceKeys, store: RedisNonceStore) -> Self {
        Self::skewed(keys, store, 0)
    }

    /// A node whose clock is ahead by some seconds.
    fn skewed(keys: &NonceKeys, store: RedisNonceStore, seconds: i64) -> Self {
        let users = Users::new(&layer::realm()).with_user("alice", "wonder").unwrap();
        let digest = DigestScheme::builder(users).with_nonce_keys(keys.clone());
        let digest = digest.with_nonce_store(store).build().unwrap();
        let auth = Authenticator::builder(layer::realm()).with_scheme(digest);
        let auth = auth.with_clock(Skewed(seconds)).build().unwrap();
        Self { layer: ProxyAuthLayer::new(auth) }
    }

    /// Credentials of alice over a nonce that this node issues.
    async fn challenge(&self) -> Digest {
        let request = layer::request(http::Method::GET, "http://example.org/");
        let response = layer::send(&self.layer, &Origin::new(), request).await;
        Digest { nc: "00000001".into(), ..Digest::of_headers(response.headers()) }
    }

    /// The status of the answer to a request without credentials.
    async fn challenge_status(&self) -> u16 {
        let request = layer::request(http::Method::GET, "http://example.org/");
        layer::send(&self.layer, &Origin::new(), request).await.status().as_u16()
    }

    /// The status, and the reason of a refusal.
    async fn login(&self, digest: &Digest) -> (u16, &'static str) {
        let mut request = layer::request(http::Method::GET, "http://example.org/");
        request.headers_mut().insert(http::header::PROXY_AUTHORIZATION, digest.field());
        let response = layer::send(&self.layer, &Origin::new(), request).await;
        let refusal = response.extensions().get::<Refusal>();
        (response.status().as_u16(), refusal.map_or("", |refusal| refusal.reason().as_str()))
    }
}

fn keys() -> NonceKeys {
    NonceKeys::new(NonceKey::new(&[7; 32]).unwrap())
}
