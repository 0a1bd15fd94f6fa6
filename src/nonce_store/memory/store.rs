//! The public type.

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
/// Never waits. Its memory is bounded, and a user holds at most a sixteenth of it. A nonce that it
/// had to forget is refused: the client gets `stale=true` and repeats the request with a new nonce.
/// Cloning is cheap, and clones share their contents.
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
/// Other processes do not see its contents, and they are lost when the process ends. Nonces of
/// another process or an earlier one could be replayed, so the store refuses them.
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

    /// Returns how many nonces are on record, including expired ones that were not removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.len()
    }

    /// Returns whether no nonce is on record.
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
        match self.epoch.get() {
            Some(&epoch) => Ok(epoch),
            None => {
                let epoch = Epoch::random()?;
                Ok(*self.epoch.get_or_init(|| epoch))
            }
        }
    }

    async fn check_and_insert(&self, check: NonceCheck<'_>) -> Result<NonceUse, BackendError> {
        if check.nonce.epoch() != self.epoch()? {
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
        sync::Barrier,
        task::{Context, Poll, Waker},
        thread,
    };

    use NonceUse::{Forgotten, Fresh, Replayed};
    use counting_allocator::count;

    use super::{
        super::{
            shards::Lock,
            support::{EPOCH, Sent, sent},
        },
        *,
    };

    fn store(capacity: usize) -> MemoryNonceStore {
        MemoryNonceStore::builder().with_capacity(capacity).build().unwrap()
    }

    fn answer(store: &MemoryNonceStore, sent: &Sent) -> Result<NonceUse, BackendError> {
        // The nonces of the tests have a fixed epoch.
        let _ = store.epoch.set(EPOCH);
        sent.to(|check| {
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
    fn has_one_epoch_and_refuses_others() {
        let (one, other) = (store(10), store(10));
        assert_eq!(one.epoch().unwrap(), one.clone().epoch().unwrap());
        assert_ne!(one.epoch().unwrap(), other.epoch().unwrap());
        expect(&one, &sent("alice", 5, 1), NonceUse::OtherEpoch);
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
        let store = MemoryNonceStore::builder().with_capacity(4_096).with_window(128);
        let store = store.build().unwrap();
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
    fn accepts_a_count_in_one_of_64_threads() {
        let store = MemoryNonceStore::new();
        let (counts, start) = (50, Barrier::new(64));
        let run = || {
            let is_fresh = |&count: &u32| {
                start.wait();
                answer(&store, &sent("alice", 5, count)).unwrap() == Fresh
            };
            (1..=counts).filter(is_fresh).count()
        };
        let accepted: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..64).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(accepted, counts as usize);
    }

    #[test]
    fn accepts_70_000_counts_of_one_nonce_once_each() {
        let store = MemoryNonceStore::new();
        for count in 1..=70_000 {
            expect(&store, &sent("alice", 5, count), Fresh);
            expect(&store, &sent("alice", 5, count), Replayed);
        }
        expect(&store, &sent("alice", 5, 1), Replayed);
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn evicts_the_oldest_of_a_million_nonces() {
        let store = store(100_000);
        let users: Vec<_> = (0..50).map(|user| sent(&format!("user {user}"), 0, 1).at(1)).collect();
        for nonce in 0..1_000_000 {
            let sent = Sent { nonce, ..users[nonce as usize % users.len()].clone() };
            expect(&store, &sent, Fresh);
        }
        assert_eq!(store.len(), 100_000);
        expect(&store, &sent("user 0", 0, 1), Forgotten);
        expect(&store, &sent("user 49", 999_999, 1), Replayed);
    }

    #[test]
    fn one_user_fills_at_most_a_sixteenth() {
        let store = store(100_000);
        for nonce in 1_000..101_000 {
            expect(&store, &sent("alice", nonce, 1).at(1_000), Fresh);
        }
        assert!((100_000 / 17..=100_000 / 16).contains(&store.len()), "{}", store.len());
        for nonce in 900..1_000 {
            expect(&store, &sent("bob", nonce, 1).at(1_000), Fresh);
        }
    }

    #[test]
    fn takes_at_most_256_bytes_for_each_nonce() {
        const NONCES: u64 = 100_000;
        for users in [1_000, NONCES] {
            let users: Vec<_> = (0..users).map(|user| sent(&format!("{user}"), 0, 1)).collect();
            let (store, memory) = count(|| {
                let store = store(2 * NONCES as usize);
                for nonce in 0..NONCES {
                    let sent = Sent { nonce, ..users[nonce as usize % users.len()].clone() };
                    expect(&store, &sent.at(0), Fresh);
                }
                store
            });
            assert_eq!(store.len(), NONCES as usize);
            let each = memory.bytes_kept as f64 / NONCES as f64;
            assert!(each <= 256.0, "{} users: {each} bytes", users.len());
        }
    }

    #[test]
    fn gives_memory_back_when_nonces_expire() {
        let store = store(100_000);
        // Each call removes more expired nonces than it adds.
        let login = |user: u64, nonce: u64, now| {
            expect(&store, &sent(&format!("user {}", nonce % user), nonce, 1).at(now), Fresh);
        };
        let ((), full) = count(|| (0..50_000).for_each(|nonce| login(50_000, nonce, 0)));
        let late = 1_000_000..1_050_000;
        let ((), rest) = count(|| late.for_each(|nonce| login(1, nonce, 1_000_000)));
        assert!(store.len() <= 100_000 / 16, "{}", store.len());
        let kept = full.bytes_kept + rest.bytes_kept;
        assert!(kept <= 256 * 100_000 / 16, "{kept} of {}", full.bytes_kept);
    }
}
