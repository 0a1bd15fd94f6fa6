//! The public type.

use std::{fmt, sync::Arc};

use crossbeam_utils::sync::ShardedLock;

use super::{
    MemoryNonceStoreBuilder,
    shard::{Limits, Shard},
    shards::Shards,
};
use crate::{
    error::BackendError,
    nonce_store::{NonceCheck, NonceStore, NonceUse, Scope},
};

/// Remembers used nonce-counts in the memory of this process.
///
/// It answers at once. Its memory is bounded, and one user holds a sixteenth of it at most. What
/// it had to forget it refuses: the client gets `stale=true`, takes the new nonce and goes on.
/// Cloning is cheap, and clones share one memory.
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
/// Other processes do not see it, and it is gone when the process ends: nonces that outlive it, or
/// that several processes accept, can be replayed. The engine therefore takes only nonces of its
/// own process with a store of [`Scope::Local`].
#[derive(Clone)]
pub struct MemoryNonceStore {
    shards: Arc<Shards<ShardedLock<Shard>>>,
}

impl MemoryNonceStore {
    /// A store for 100,000 nonces with a window of 64 counts each.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(MemoryNonceStoreBuilder::DEFAULT.limits())
    }

    /// A store with other limits.
    pub const fn builder() -> MemoryNonceStoreBuilder {
        MemoryNonceStoreBuilder::DEFAULT
    }

    /// `limits` must have been looked at: the capacity is not zero, the window is in range.
    pub(super) fn with_limits(limits: Limits) -> Self {
        Self { shards: Arc::new(Shards::new(limits)) }
    }

    /// How many nonces are on record, among them some that have expired and not been removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.len()
    }

    /// Whether no nonce is on record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check(&self, presentation: &NonceCheck<'_>) -> Result<NonceUse, BackendError> {
        self.shards.check(presentation).map_err(BackendError::new)
    }
}

impl Default for MemoryNonceStore {
    fn default() -> Self {
        Self::new()
    }
}

impl NonceStore for MemoryNonceStore {
    fn scope(&self) -> Scope {
        Scope::Local
    }

    async fn check_and_insert(
        &self,
        presentation: NonceCheck<'_>,
    ) -> Result<NonceUse, BackendError> {
        self.check(&presentation)
    }

    fn check_and_insert_now(
        &self,
        presentation: NonceCheck<'_>,
    ) -> Option<Result<NonceUse, BackendError>> {
        Some(self.check(&presentation))
    }

    fn check_known_now(
        &self,
        presentation: NonceCheck<'_>,
    ) -> Option<Result<NonceUse, BackendError>> {
        self.shards.check_known(&presentation).map_err(BackendError::new).transpose()
    }
}

impl fmt::Debug for MemoryNonceStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Sizes only: names of users and nonces in use are nobody's business.
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
        task::{self, Poll, Waker},
        thread,
    };

    use NonceUse::{Forgotten, Fresh, OtherUser, Replayed};

    use super::{
        super::{
            shards::Lock,
            support::{LIFETIME, Sent, sent},
        },
        *,
    };

    fn store(capacity: usize) -> MemoryNonceStore {
        MemoryNonceStore::builder().with_capacity(capacity).build().unwrap()
    }

    fn answer(store: &MemoryNonceStore, sent: &Sent) -> NonceUse {
        sent.to(|presentation| store.check_and_insert_now(presentation).unwrap().unwrap())
    }

    #[track_caller]
    fn expect(store: &MemoryNonceStore, sent: &Sent, expected: NonceUse) {
        assert_eq!(answer(store, sent), expected, "{sent:?}");
    }

    #[test]
    fn both_ways_to_ask_give_the_same_answer_and_never_wait() {
        let store = MemoryNonceStore::default();
        assert_eq!(store.scope(), Scope::Local);
        let ask = |sent: &Sent| {
            sent.to(|presentation| {
                let mut answer = pin!(store.check_and_insert(presentation));
                match answer.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
                    Poll::Ready(answer) => answer.unwrap(),
                    Poll::Pending => panic!("waits"),
                }
            })
        };
        assert_eq!(ask(&sent("alice", 5, 1)), Fresh);
        expect(&store, &sent("alice", 5, 1), Replayed);
        expect(&store, &sent("alice", 5, 2), Fresh);
        assert_eq!(ask(&sent("alice", 5, 2)), Replayed);
        assert_eq!(ask(&sent("bob", 5, 3)), OtherUser);
        assert_eq!(ask(&sent("bob", 6, 1).at(u64::MAX)), Forgotten);
    }

    #[test]
    fn clones_share_one_memory() {
        let store = store(10);
        expect(&store.clone(), &sent("alice", 5, 1), Fresh);
        expect(&store, &sent("alice", 5, 1), Replayed);
        assert_eq!((store.len(), store.clone().is_empty()), (1, false));
    }

    #[test]
    fn its_options_reach_every_shard() {
        let store =
            MemoryNonceStore::builder().with_capacity(4_096).with_window(128).build().unwrap();
        for nonce in 1..100 {
            expect(&store, &sent("alice", nonce, 128), Fresh);
            expect(&store, &sent("alice", nonce, 1), Fresh);
        }
    }

    #[test]
    fn its_debug_output_is_sizes_only() {
        let store = store(2_048);
        expect(&store, &sent("alice", 5, 1), Fresh);
        assert_eq!(
            format!("{store:?}"),
            "MemoryNonceStore { capacity: 2048, window: 64, shards: 2, len: 1 }"
        );
    }

    #[test]
    fn a_shard_that_a_panic_left_half_changed_fails_closed() {
        let store = store(10);
        expect(&store, &sent("alice", 5, 1), Fresh);
        let shard = store.shards.iter().next().unwrap();
        let panic = catch_unwind(AssertUnwindSafe(|| shard.with(|_| panic!("on purpose"))));
        assert!(panic.is_err());
        let answer = sent("alice", 5, 2).to(|it| store.check_and_insert_now(it));
        let error = answer.unwrap().unwrap_err();
        assert_eq!(
            error.source().unwrap().to_string(),
            "the nonce store was left half changed by a panic; restart the process"
        );
        assert_eq!(store.len(), 0, "it can still be looked at");
    }

    #[test]
    fn of_64_threads_with_the_same_count_exactly_one_passes() {
        let store = MemoryNonceStore::new();
        let (rounds, start) = (50, Barrier::new(64));
        let run = || {
            (1..=rounds)
                .filter(|&count| {
                    start.wait();
                    answer(&store, &sent("alice", 5, count)) == Fresh
                })
                .count()
        };
        let passed: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..64).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, rounds as usize);
    }

    #[test]
    fn stays_small_and_right_over_70_000_counts_of_one_nonce() {
        let store = MemoryNonceStore::new();
        for count in 1..=70_000 {
            expect(&store, &sent("alice", 5, count), Fresh);
            expect(&store, &sent("alice", 5, count), Replayed);
        }
        expect(&store, &sent("alice", 5, 1), Replayed);
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn a_million_nonces_keep_to_the_capacity_and_leave_room_for_the_next() {
        let store = store(100_000);
        let users: Vec<_> = (0..50).map(|user| sent(&format!("user {user}"), 0, 1)).collect();
        for nonce in 0..1_000_000 {
            let sent = Sent { nonce, ..users[nonce as usize % users.len()].clone() };
            expect(&store, &sent.at(1), Fresh);
        }
        // The shards are full, but for none of them having got a few too few.
        assert_eq!(store.len(), 100_000);
        expect(&store, &sent("user 0", 0, 1), Forgotten);
        expect(&store, &sent("user 49", 999_999, 1), Replayed);
    }

    #[test]
    fn one_user_never_fills_more_than_a_sixteenth() {
        let store = store(100_000);
        for nonce in 1_000..101_000 {
            expect(&store, &sent("alice", nonce, 1).at(1_000), Fresh);
        }
        assert!(store.len() <= 100_000 / 16, "{}", store.len());
        assert!(store.len() > 100_000 / 17, "{}", store.len());
        for nonce in 900..1_000 {
            expect(&store, &sent("bob", nonce, 1).at(1_000), Fresh);
        }
    }

    #[test]
    fn is_empty_until_the_first_nonce_is_used() {
        let store = store(1);
        assert!(store.is_empty());
        expect(&store, &sent("alice", 1, 1), Fresh);
        assert!(!store.is_empty());
    }

    #[test]
    fn an_idle_store_is_emptied_by_the_calls_that_follow() {
        let store = store(100_000);
        for nonce in 0..50_000 {
            expect(&store, &sent(&format!("user {nonce}"), nonce, 1).at(0), Fresh);
        }
        let filled = store.len();
        for nonce in 1_000_000..1_000_000 + filled as u64 {
            let late = sent("alice", nonce, 1).at(1_000_000);
            expect(&store, &late, Fresh);
        }
        // What is left are the nonces of alice.
        assert!(store.len() <= 100_000 / 16, "{}", store.len());
    }

    #[test]
    fn a_nonce_is_known_by_the_seal_that_it_came_with_last() {
        let store = store(10);
        let known = |sent: &Sent, seal| {
            sent.to(|it| store.check_known_now(it.with_seal(seal))).map(Result::unwrap)
        };
        let record = |sent: &Sent, seal| {
            sent.to(|it| store.check_and_insert_now(it.with_seal(seal))).unwrap().unwrap()
        };
        assert_eq!(known(&sent("alice", 5, 1), 7), None, "absent");
        assert!(store.is_empty(), "and not recorded");
        assert_eq!(record(&sent("alice", 5, 1), 7), Fresh);
        assert_eq!(known(&sent("alice", 5, 2), 8), None, "another seal");
        assert_eq!(known(&sent("alice", 5, 2), 7), Some(Fresh), "which did nothing");
        assert_eq!(known(&sent("alice", 5, 2), 7), Some(Replayed));
        assert_eq!(known(&sent("bob", 5, 3), 7), Some(OtherUser));
        assert_eq!(known(&sent("alice", 5, 3).at(5 + LIFETIME), 7), None, "expired");
        assert_eq!(record(&sent("alice", 5, 3), 8), Fresh);
        assert_eq!(known(&sent("alice", 5, 4), 7), None, "the seal before");
        assert_eq!(known(&sent("alice", 5, 4), 8), Some(Fresh));
    }
}
