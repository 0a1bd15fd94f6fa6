//! The in-memory store.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock},
};

use super::{
    MemoryNonceStoreBuilder,
    shard::{Limits, Shard},
    shards::Shards,
};
use crate::{
    error::BackendError,
    nonce_store::{Epoch, NonceCheck, NonceStore, NonceUse},
};

/// A [`NonceStore`] in the memory of this process.
///
/// Never waits. Its memory is bounded, and one user takes at most a sixteenth of it. A nonce whose
/// record was dropped is refused: the client gets `stale=true` and repeats the request with a new
/// nonce. Cloning is cheap, and clones share their contents.
///
/// # Examples
/// ```
/// use tower_proxy_auth::nonce_store::MemoryNonceStore;
///
/// let store = MemoryNonceStore::builder().with_capacity(1_000_000).with_window(128).build()?;
/// assert!(store.is_empty());
/// # Ok::<_, tower_proxy_auth::ConfigError>(())
/// ```
///
/// # Security
/// Other processes do not see its contents, which are lost when the process ends. So each store has
/// its own epoch, and refuses nonces of other processes and of earlier ones.
#[derive(Clone)]
pub struct MemoryNonceStore {
    shards: Arc<Shards<Mutex<Shard>>>,
    epoch: Arc<OnceLock<Epoch>>,
}

impl MemoryNonceStore {
    /// Creates a store for 100,000 nonces with a window of 64 counts each.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(MemoryNonceStoreBuilder::DEFAULT.limits())
    }

    /// Creates a builder for a store with other limits.
    pub const fn builder() -> MemoryNonceStoreBuilder {
        MemoryNonceStoreBuilder::DEFAULT
    }

    /// `limits` must have been validated.
    pub(super) fn with_limits(limits: Limits) -> Self {
        Self { shards: Arc::new(Shards::new(limits)), epoch: Arc::default() }
    }

    /// Returns the number of recorded nonces, including expired ones that were not removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.len()
    }

    /// Returns whether no nonce is recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for MemoryNonceStore {
    fn default() -> Self {
        Self::new()
    }
}

impl NonceStore for MemoryNonceStore {
    fn epoch(&self) -> Result<Epoch, BackendError> {
        if let Some(&epoch) = self.epoch.get() {
            return Ok(epoch);
        }
        let epoch = Epoch::random()?;
        Ok(*self.epoch.get_or_init(|| epoch))
    }

    async fn check_and_insert(&self, check: NonceCheck<'_>) -> Result<NonceUse, BackendError> {
        if self.epoch.get() != Some(&check.nonce.epoch()) {
            return Ok(NonceUse::OtherEpoch);
        }
        self.shards.check_and_insert(&check).map_err(BackendError::new)
    }
}

impl fmt::Debug for MemoryNonceStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Sizes only: users and nonces do not belong in a log.
        f.debug_struct("MemoryNonceStore")
            .field("capacity", &self.shards.limits.capacity)
            .field("window", &self.shards.limits.window)
            .field("shards", &self.shards.count())
            .field("len", &self.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error,
        panic::{AssertUnwindSafe, catch_unwind},
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use NonceUse::{Forgotten, Fresh, OtherEpoch, Replayed};
    use counting_allocator::count;

    use super::{
        super::{
            shards::Lock,
            support::{EPOCH, Sent, sent},
        },
        *,
    };

    fn store(capacity: usize) -> MemoryNonceStore {
        with_epoch(MemoryNonceStore::builder().with_capacity(capacity))
    }

    /// A store with the epoch of the tests' nonces.
    fn with_epoch(builder: MemoryNonceStoreBuilder) -> MemoryNonceStore {
        let store = builder.build().unwrap();
        store.epoch.set(EPOCH).unwrap();
        store
    }

    fn answer(store: &MemoryNonceStore, sent: &Sent) -> Result<NonceUse, BackendError> {
        sent.to(|check, _| {
            let answer = pin!(store.check_and_insert(check));
            match answer.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(answer) => answer,
                Poll::Pending => panic!("the store waits"),
            }
        })
    }

    #[track_caller]
    fn expect(store: &MemoryNonceStore, sent: &Sent, expected: NonceUse) {
        assert_eq!(answer(store, sent).unwrap(), expected, "{sent:?}");
    }

    #[test]
    fn refuses_nonces_of_another_epoch() {
        let (one, other) = (MemoryNonceStore::new(), MemoryNonceStore::new());
        expect(&one, &sent("alice", 5, 1), OtherEpoch);
        let epoch = one.epoch().unwrap();
        assert_eq!((one.epoch().unwrap(), one.clone().epoch().unwrap()), (epoch, epoch));
        assert_ne!(other.epoch().unwrap(), epoch);
        expect(&one, &sent("alice", 5, 1), OtherEpoch);
        assert!(one.is_empty());
    }

    #[test]
    fn clones_share_their_contents() {
        let store = store(10);
        assert!(store.is_empty());
        expect(&store.clone(), &sent("alice", 5, 1), Fresh);
        expect(&store, &sent("alice", 5, 1), Replayed);
        assert_eq!((store.len(), store.clone().is_empty()), (1, false));
    }

    #[test]
    fn applies_its_options_to_every_shard() {
        let store = with_epoch(MemoryNonceStore::builder().with_capacity(4_096).with_window(128));
        for nonce in 1..100 {
            expect(&store, &sent("alice", nonce, 128), Fresh);
            expect(&store, &sent("alice", nonce, 1), Fresh);
        }
    }

    #[test]
    fn debug_shows_sizes_only() {
        let store = store(2_048);
        expect(&store, &sent("alice", 5, 1), Fresh);
        assert_eq!(
            format!("{store:?}"),
            "MemoryNonceStore { capacity: 2048, window: 64, shards: 2, len: 1 }"
        );
    }

    #[test]
    fn fails_closed_after_a_panic() {
        let store = store(10);
        expect(&store, &sent("alice", 5, 1), Fresh);
        let shard = store.shards.iter().next().unwrap();
        let panic = catch_unwind(AssertUnwindSafe(|| shard.with(|_| panic!("on purpose"))));
        assert!(panic.is_err());
        let error = answer(&store, &sent("alice", 5, 2)).unwrap_err();
        assert!(!error.is_transient());
        assert_eq!(
            error.source().unwrap().to_string(),
            "a panic left the nonce store in an unknown state: restart the process"
        );
        assert_eq!(store.len(), 0);
    }

    #[test]
    fn one_user_fills_at_most_a_sixteenth() {
        let store = store(100_000);
        for nonce in 1_000..31_000 {
            expect(&store, &sent("alice", nonce, 1).at(1_000), Fresh);
        }
        assert!((100_000 / 17..=100_000 / 16).contains(&store.len()), "{}", store.len());
        expect(&store, &sent("bob", 900, 1), Fresh);
    }

    #[test]
    fn a_full_store_takes_at_most_256_bytes_for_each_nonce() {
        const CAPACITY: usize = 100_000;
        for users in [1_000, CAPACITY] {
            let users: Vec<_> = (0..users).map(|user| sent(&user.to_string(), 0, 1)).collect();
            let store = store(CAPACITY);
            let ((), memory) = count(|| {
                for nonce in 0..2 * CAPACITY {
                    let sent = users[nonce % users.len()].clone();
                    expect(&store, &Sent { nonce: nonce as u64, ..sent }, Fresh);
                }
            });
            assert_eq!(store.len(), CAPACITY);
            let each = memory.bytes_kept as f64 / CAPACITY as f64;
            assert!(each <= 256.0, "{} users: {each} bytes", users.len());
            expect(&store, &users[0], Forgotten);
            let newest = 2 * CAPACITY as u64 - 1;
            expect(&store, &Sent { nonce: newest, ..users[users.len() - 1].clone() }, Replayed);
        }
    }

    #[test]
    fn gives_memory_back_when_nonces_expire() {
        let store = store(100_000);
        let login = |user: u64, nonce: u64, now| {
            expect(&store, &sent(&user.to_string(), nonce, 1).at(now), Fresh);
        };
        let ((), full) = count(|| (0..50_000).for_each(|nonce| login(nonce, nonce, 0)));
        // Each call removes more expired nonces than it adds.
        let ((), rest) = count(|| (60_000..110_000).for_each(|nonce| login(0, nonce, 60_000)));
        assert_eq!(store.len(), 64 * (1_562 / 16));
        let kept = full.bytes_kept + rest.bytes_kept;
        assert!(kept <= 256 * store.len() as i64, "{kept} of {}", full.bytes_kept);
    }
}
