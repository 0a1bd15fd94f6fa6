//! How access ends: one flag for each user who has it.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use crate::{identity::UserId, wire::Realm};

/// Ends the access of users who are logged in, and voids what caches keep of them.
///
/// Every [`Identity`](crate::Identity) and every cached verdict of a user of a realm holds the same
/// [`RevocationHandle`]. [`revoke`](Self::revoke) sets its flag; the next login gets a fresh
/// handle. A check that was under way at that moment is void too, because it may have read what
/// was stored before.
///
/// The authenticator makes a registry, or takes one from
/// [`with_revocations`](crate::authenticator::AuthenticatorBuilder::with_revocations), and attaches
/// it to each of its sources of users. A source changes first and revokes then. Clones share the
/// registry. It needs no runtime, and its memory is proportional to the number of live handles.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Realm, UserId, revocation::Revocations};
///
/// let (realm, alice) = (Realm::new("proxy")?, UserId::new("alice"));
/// let revocations = Revocations::new();
/// let handle = revocations.handle(&realm, &alice, revocations.start_check()).ok_or("revoked")?;
/// revocations.revoke(&realm, &alice);
/// assert!(handle.is_revoked());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Revocations {
    registry: Arc<Registry>,
    /// The only realm whose users can be revoked through this value.
    realm: Option<Realm>,
}

/// When a check of credentials began, as a position in the sequence of revocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckStart(u64);

struct Registry {
    /// How many revocations there have been.
    count: AtomicU64,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

const SHARDS: usize = 16;

/// How many revocations are told apart in a shard. Users who share a place void each other's
/// checks that are under way at the moment of a revocation, and nothing else.
const PLACES: usize = 1_024;

struct Shard {
    /// Entries that only the registry holds are removed from time to time.
    handles: HashMap<UserId, Vec<(Realm, Arc<Flag>)>>,
    /// At how many users such entries are removed next.
    prune_at: usize,
    /// The number of the last revocation of a user who has this place.
    last_revoked: Box<[u64; PLACES]>,
}

impl Revocations {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same registry for a source of the users of `realm`, which cannot revoke others.
    #[must_use]
    pub fn for_realm(&self, realm: &Realm) -> Self {
        Self { registry: Arc::clone(&self.registry), realm: Some(realm.clone()) }
    }

    /// Revokes the access of `user` in `realm`.
    pub fn revoke(&self, realm: &Realm, user: &UserId) {
        if self.realm.as_ref().is_none_or(|only| only == realm) {
            self.registry.revoke(user, Some(realm));
        }
    }

    /// Revokes the access of `user` in every realm, for a source that knows nothing of realms.
    pub fn revoke_in_all_realms(&self, user: &UserId) {
        self.registry.revoke(user, self.realm.as_ref());
    }

    /// Notes the beginning of a check. Call it before anything stored is read.
    #[must_use]
    pub fn start_check(&self) -> CheckStart {
        CheckStart(self.registry.count.load(Ordering::Acquire))
    }

    /// The handle of a user who has passed a check that began at `start`; `None` if the user may
    /// have been revoked since, so that the result of the check is void.
    #[must_use]
    pub fn handle(
        &self,
        realm: &Realm,
        user: &UserId,
        start: CheckStart,
    ) -> Option<RevocationHandle> {
        self.registry.handle(realm, user, start)
    }
}

impl Registry {
    /// The shard and the place of a user.
    fn locate(&self, user: &UserId) -> (MutexGuard<'_, Shard>, usize) {
        let hash = self.hasher.hash_one(user) as usize;
        let [first, others @ ..] = &self.shards;
        let shard = others.get(hash % SHARDS).unwrap_or(first);
        // Every change of a shard is complete in itself, so one that saw a panic is still good.
        let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        (shard, hash / SHARDS % PLACES)
    }

    fn revoke(&self, user: &UserId, realm: Option<&Realm>) {
        let (mut shard, place) = self.locate(user);
        let number = self.count.fetch_add(1, Ordering::AcqRel) + 1;
        if let Some(last) = shard.last_revoked.get_mut(place) {
            *last = number;
        }
        let mut revoked = Vec::new();
        if let Some(handles) = shard.handles.get_mut(user) {
            let is_meant = |other: &Realm| realm.is_none_or(|realm| realm == other);
            handles.retain(|(other, flag)| {
                if is_meant(other) {
                    revoked.push(Arc::clone(flag));
                }
                !is_meant(other)
            });
            if handles.is_empty() {
                shard.handles.remove(user);
            }
        }
        drop(shard);
        revoked.iter().for_each(|flag| flag.set());
    }

    fn handle(&self, realm: &Realm, user: &UserId, start: CheckStart) -> Option<RevocationHandle> {
        let (mut shard, place) = self.locate(user);
        if shard.last_revoked.get(place).is_none_or(|&last| last > start.0) {
            return None;
        }
        shard.prune();
        if !shard.handles.contains_key(user) {
            shard.handles.insert(user.clone(), Vec::with_capacity(1));
        }
        let handles = shard.handles.get_mut(user)?;
        if let Some((_, flag)) = handles.iter().find(|(other, _)| other == realm) {
            return Some(RevocationHandle(Arc::clone(flag)));
        }
        let flag = Arc::<Flag>::default();
        handles.push((realm.clone(), Arc::clone(&flag)));
        Some(RevocationHandle(flag))
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Shard {
    const MIN_PRUNE_AT: usize = 64;

    /// Removes the entries of users who have left once the users have doubled, so that each login
    /// pays for a constant part of it.
    fn prune(&mut self) {
        if self.handles.len() < self.prune_at {
            return;
        }
        self.handles.retain(|_, handles| {
            handles.retain(|(_, flag)| Arc::strong_count(flag) > 1);
            !handles.is_empty()
        });
        self.prune_at = Self::MIN_PRUNE_AT.max(2 * self.handles.len());
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            handles: HashMap::new(),
            prune_at: Self::MIN_PRUNE_AT,
            last_revoked: Box::new([0; PLACES]),
        }
    }
}

/// The access of one user of one realm: whether it has ended, and a future that waits for it.
#[derive(Clone)]
pub struct RevocationHandle(Arc<Flag>);

#[derive(Default)]
struct Flag {
    is_set: AtomicBool,
    wakers: Mutex<Wakers>,
}

#[derive(Default)]
struct Wakers {
    next: u64,
    waiting: HashMap<u64, Waker>,
}

impl RevocationHandle {
    /// Whether the access has ended.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.0.is_set.load(Ordering::Acquire)
    }

    /// Waits until the access ends.
    pub fn revoked(&self) -> Revoked {
        Revoked { handle: Some(self.clone()), number: None }
    }
}

impl Flag {
    fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut self.lock().waiting);
        waiting.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves when the access of a user ends; see [`Identity::revoked`](crate::Identity::revoked).
#[must_use = "a future does nothing unless it is polled"]
pub struct Revoked {
    /// `None` for what cannot be revoked.
    handle: Option<RevocationHandle>,
    /// Under which number the waker is kept, once it is.
    number: Option<u64>,
}

impl Revoked {
    /// A future that never resolves.
    pub(crate) const fn never() -> Self {
        Self { handle: None, number: None }
    }
}

impl Future for Revoked {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(handle) = &this.handle else { return Poll::Pending };
        let mut wakers = handle.0.lock();
        // Under the lock: the flag is set before the wakers are taken out.
        if handle.is_revoked() {
            return Poll::Ready(());
        }
        let number = *this.number.get_or_insert_with(|| {
            wakers.next += 1;
            wakers.next
        });
        wakers.waiting.insert(number, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Revoked {
    fn drop(&mut self) {
        if let (Some(handle), Some(number)) = (&self.handle, self.number) {
            handle.0.lock().waiting.remove(&number);
        }
    }
}

/// The registries that a source is attached to.
#[derive(Default)]
pub(crate) struct Attached(RwLock<Vec<Revocations>>);

impl Attached {
    pub(crate) fn add(&self, revocations: &Revocations) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(revocations) {
            all.push(revocations.clone());
        }
    }

    pub(crate) fn revoke(&self, realm: &Realm, user: &UserId) {
        self.read().iter().for_each(|revocations| revocations.revoke(realm, user));
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Revocations>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether both reach the same users of the same registry.
impl PartialEq for Revocations {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.registry, &other.registry) && self.realm == other.realm
    }
}

impl Eq for Revocations {}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").field("realm", &self.realm).finish_non_exhaustive()
    }
}

impl fmt::Debug for RevocationHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationHandle").field("is_revoked", &self.is_revoked()).finish()
    }
}

impl fmt::Debug for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revoked(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, sync::atomic::AtomicUsize, task::Wake, thread};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn realm(name: &str) -> Realm {
        Realm::new(name).unwrap()
    }

    fn log_in(revocations: &Revocations, name: &str, user: &str) -> RevocationHandle {
        let start = revocations.start_check();
        revocations.handle(&realm(name), &UserId::new(user), start).unwrap()
    }

    #[test]
    fn revokes_one_user_of_one_realm() {
        let revocations = Revocations::new();
        let handles = [("a", "alice"), ("b", "alice"), ("a", "bob")]
            .map(|(realm, user)| log_in(&revocations, realm, user));
        revocations.revoke(&realm("a"), &UserId::new("alice"));
        assert_eq!(handles.map(|handle| handle.is_revoked()), [true, false, false]);
    }

    #[test]
    fn shares_a_handle_until_it_is_revoked() {
        let revocations = Revocations::new();
        let first = log_in(&revocations, "a", "alice");
        assert!(Arc::ptr_eq(&first.0, &log_in(&revocations.clone(), "a", "alice").0));
        revocations.revoke(&realm("a"), &UserId::new("alice"));
        let next = log_in(&revocations, "a", "alice");
        assert!(first.is_revoked() && !next.is_revoked());
    }

    #[test]
    fn a_source_without_realms_revokes_in_all() {
        let revocations = Revocations::new();
        let handles = ["a", "b"].map(|realm| log_in(&revocations, realm, "alice"));
        revocations.revoke_in_all_realms(&UserId::new("alice"));
        assert_eq!(handles.map(|handle| handle.is_revoked()), [true, true]);
    }

    #[test]
    fn a_narrowed_registry_revokes_in_its_realm_alone() {
        let revocations = Revocations::new();
        let narrow = revocations.for_realm(&realm("a"));
        let handles = ["a", "b"].map(|realm| log_in(&revocations, realm, "alice"));
        narrow.revoke(&realm("b"), &UserId::new("alice"));
        assert!(!handles[1].is_revoked());
        narrow.revoke_in_all_realms(&UserId::new("alice"));
        assert_eq!(handles.map(|handle| handle.is_revoked()), [true, false]);
    }

    #[test]
    fn a_check_that_was_under_way_is_void() {
        let revocations = Revocations::new();
        let (realm, alice) = (realm("a"), UserId::new("alice"));
        let before = revocations.start_check();
        revocations.revoke(&realm, &alice);
        assert!(revocations.handle(&realm, &alice, before).is_none());
        assert!(revocations.handle(&realm, &alice, revocations.start_check()).is_some());
    }

    #[test]
    fn wakes_all_who_wait_and_only_once() {
        let revocations = Revocations::new();
        let handle = log_in(&revocations, "a", "alice");
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let (mut one, mut two) = (pin!(handle.revoked()), pin!(handle.revoked()));
        assert!(one.as_mut().poll(&mut cx).is_pending());
        assert!(one.as_mut().poll(&mut cx).is_pending());
        assert!(two.as_mut().poll(&mut cx).is_pending());
        revocations.revoke(&realm("a"), &UserId::new("alice"));
        assert_eq!(wakes.0.load(Ordering::SeqCst), 2);
        assert!(one.poll(&mut cx).is_ready() && two.poll(&mut cx).is_ready());
    }

    #[test]
    fn a_dropped_future_leaves_no_waker() {
        let handle = log_in(&Revocations::new(), "a", "alice");
        {
            let mut revoked = pin!(handle.revoked());
            assert!(revoked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert_eq!(handle.0.lock().waiting.len(), 1);
        }
        assert!(handle.0.lock().waiting.is_empty());
    }

    #[test]
    fn a_future_without_a_handle_never_resolves() {
        let mut never = pin!(Revoked::never());
        assert!(never.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    #[test]
    fn keeps_no_entry_for_users_who_have_left() {
        let revocations = Revocations::new();
        let alive = log_in(&revocations, "a", "alice");
        for user in 0..100_000 {
            drop(log_in(&revocations, "a", &user.to_string()));
        }
        let entries = |shard: &Mutex<Shard>| shard.lock().unwrap().handles.len();
        let entries: usize = revocations.registry.shards.iter().map(entries).sum();
        assert!(entries <= SHARDS * Shard::MIN_PRUNE_AT, "{entries}");
        revocations.revoke(&realm("a"), &UserId::new("alice"));
        assert!(alive.is_revoked());
    }

    #[test]
    fn no_handle_outlives_a_concurrent_revocation() {
        let revocations = Revocations::new();
        let (realm, alice) = (realm("a"), UserId::new("alice"));
        let stored = AtomicU64::new(0);
        let logins = || {
            (0..2_000)
                .filter_map(|_| {
                    let start = revocations.start_check();
                    let read = stored.load(Ordering::SeqCst);
                    let handle = revocations.handle(&realm, &alice, start)?;
                    Some((read, handle))
                })
                .collect::<Vec<_>>()
        };
        let logins = thread::scope(|scope| {
            let readers = [(); 3].map(|()| scope.spawn(logins));
            for version in 1..=500 {
                stored.store(version, Ordering::SeqCst);
                revocations.revoke(&realm, &alice);
            }
            readers.map(|reader| reader.join().unwrap()).concat()
        });
        let current =
            |&(read, ref handle): &(u64, RevocationHandle)| read == 500 || handle.is_revoked();
        assert!(logins.iter().all(current), "somebody is logged in by what was changed");
    }
}
