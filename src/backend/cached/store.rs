//! Finds answers, and runs one check for identical requests.

use std::{
    collections::HashMap,
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};

use moka::{policy::EvictionPolicy, sync::Cache};
use tokio::{runtime::Handle, sync::watch};

use super::{
    answer::{Answer, AnswerKind},
    builder::Times,
    entry::{Entry, Moment},
    key::{Key, KeyMaker},
};
use crate::{
    backend::chain::combined,
    clock::Clock,
    error::BackendError,
    revocation::{Attached, CheckStart, Revocations},
    wire::Realm,
};

/// How long requests can join a check. After that it is considered hung.
const PATIENCE: Duration = Duration::from_secs(10);

/// The state that verdicts and secrets of one cache share.
pub(super) struct Shared {
    pub(super) times: Times,
    pub(super) clock: Box<dyn Clock>,
    pub(super) keys: KeyMaker,
    /// The registry of this cache, for invalidations.
    pub(super) own: Revocations,
    /// All registries, including `own`.
    pub(super) registries: Attached,
    pub(super) invalidations: AtomicU64,
    pub(super) cleared: AtomicU64,
    pub(super) capacity: usize,
    pub(super) negative_capacity: usize,
}

/// The kept answers of one type, and the checks that are running.
pub(super) struct Store<A> {
    shared: Arc<Shared>,
    source_version: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Answers about users who proved their password, and secrets. Guesses add none.
    granted: Cache<Key, Arc<Entry<A>>>,
    refused: Cache<Key, Arc<Entry<A>>>,
    running: Mutex<Running<A>>,
}

type Checked<A> = Result<A, BackendError>;

/// The result of a check, once there is one. Shared by all requests that wait for it.
type Pending<A> = watch::Receiver<Option<Checked<A>>>;

type Running<A> = HashMap<Key, Arc<Check<A>>>;

/// A check that is running.
struct Check<A> {
    start: Moment,
    revocations: Vec<CheckStart>,
    /// Weak, so that the check is cancelled when no request waits for it.
    pending: Weak<Pending<A>>,
}

/// An answer from the cache, or a check to wait for.
enum Found<A> {
    Answer(Arc<Entry<A>>),
    Check(Arc<Pending<A>>),
}

impl Shared {
    /// Combines the version of the source with the number of invalidations.
    pub(super) fn version(&self, source: u64) -> u64 {
        combined([source, self.invalidations.load(SeqCst)].into_iter())
    }
}

impl<A: Answer> Store<A> {
    pub(super) fn new(
        shared: &Arc<Shared>,
        source_version: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let time_to_live = shared.times.in_memory();
        Self {
            granted: cache(shared.capacity, time_to_live),
            refused: cache(shared.negative_capacity, time_to_live),
            running: Mutex::default(),
            source_version: Box::new(source_version),
            shared: Arc::clone(shared),
        }
    }

    /// Returns the answer that is kept under `key`, or the result of a check. `check` starts one;
    /// its argument is `true` if it renews a verdict that is still kept.
    pub(super) async fn answer<F>(
        self: &Arc<Self>,
        key: Key,
        realm: &Realm,
        check: impl FnOnce(bool) -> F,
    ) -> Checked<A>
    where
        F: Future<Output = Checked<A>> + Send + 'static,
    {
        let now = self.now();
        if let Some(entry) = self.find(&key, &now) {
            if entry.starts_refresh(now.at)
                && let Found::Check(pending) = self.join(key, realm, &now, check, || None).await
                && let Ok(runtime) = Handle::try_current()
            {
                runtime.spawn(wait(pending));
            }
            return Ok(entry.answer.clone());
        }
        match self.join(key, realm, &now, check, || self.find(&key, &now)).await {
            Found::Answer(entry) => Ok(entry.answer.clone()),
            Found::Check(pending) => match wait(pending).await {
                Err(error) if is_outage(&error) => self.stand_in(&key).ok_or(error),
                checked => checked,
            },
        }
    }

    pub(super) fn clear(&self) {
        for cache in [&self.granted, &self.refused] {
            cache.invalidate_all();
            cache.run_pending_tasks();
        }
    }

    fn now(&self) -> Moment {
        let Shared { clock, cleared, .. } = &*self.shared;
        let version = self.shared.version((self.source_version)());
        Moment { version, cleared: cleared.load(SeqCst), at: clock.now() }
    }

    fn is_valid(&self, entry: &Entry<A>, now: &Moment) -> bool {
        entry.is_valid(now, self.shared.registries.len())
    }

    /// The entry that answers without a check.
    fn find(&self, key: &Key, now: &Moment) -> Option<Arc<Entry<A>>> {
        let entry = self.granted.get(key).or_else(|| self.refused.get(key))?;
        (self.is_valid(&entry, now) && entry.answers(now.at)).then_some(entry)
    }

    /// The answer to use because a check failed.
    fn stand_in(&self, key: &Key) -> Option<A> {
        let (entry, now) = (self.granted.get(key)?, self.now());
        let is_usable = self.is_valid(&entry, &now) && entry.may_stand_in(now.at);
        is_usable.then(|| entry.answer.clone())
    }

    /// Joins a running check, or starts one unless the last one has just stored its answer.
    async fn join<F>(
        self: &Arc<Self>,
        key: Key,
        realm: &Realm,
        now: &Moment,
        check: impl FnOnce(bool) -> F,
        find: impl FnOnce() -> Option<Arc<Entry<A>>>,
    ) -> Found<A>
    where
        F: Future<Output = Checked<A>> + Send + 'static,
    {
        let revocations = self.shared.registries.start_check();
        let (sender, pending) = watch::channel(None);
        let pending = Arc::new(pending);
        let weak = Arc::downgrade(&pending);
        let started = Arc::new(Check { start: *now, revocations, pending: weak });
        {
            let mut running = self.lock();
            if let Some(running) = running.get(&key)
                && running.can_be_joined(now, &started.revocations)
                && let Some(pending) = running.pending.upgrade()
            {
                return Found::Check(pending);
            }
            if let Some(entry) = find() {
                return Found::Answer(entry);
            }
            running.insert(key, Arc::clone(&started));
        }
        let ticket = Ticket { store: Arc::clone(self), key, realm: realm.clone(), check: started };
        let check = check(self.granted.get(&key).is_some_and(|entry| self.is_valid(&entry, now)));
        let task = async move {
            if let Some(checked) = run(check, &sender).await {
                ticket.end(&checked);
                sender.send_replace(Some(checked));
            }
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(task)),
            Err(_) => Box::pin(task).await,
        }
        Found::Check(pending)
    }

    /// Ignores poisoning: each change of the map is complete in itself.
    fn lock(&self) -> MutexGuard<'_, Running<A>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A> Check<A> {
    /// Whether the check began after all changes that the new request knows of, and does not hang.
    fn can_be_joined(&self, now: &Moment, revocations: &[CheckStart]) -> bool {
        self.start.version == now.version
            && self.revocations == revocations
            && self.start.is_within(PATIENCE, now.at)
    }
}

/// Lets a running check store its answer. Dropping it removes the check from the map.
struct Ticket<A: Answer> {
    store: Arc<Store<A>>,
    key: Key,
    realm: Realm,
    check: Arc<Check<A>>,
}

impl<A: Answer> Ticket<A> {
    /// Keeps the answer, then removes the check from the map: a request that does not find the
    /// check finds the answer.
    fn end(self, checked: &Checked<A>) {
        let entry = checked.as_ref().ok().and_then(|answer| self.entry(answer));
        let Self { store, key, .. } = &self;
        let running = store.lock();
        // A check that was replaced by a newer one changes nothing.
        if !self.is_current(&running) {
            return;
        }
        match (checked, entry) {
            (Ok(_), Some(entry)) if entry.is_refusal() => {
                store.refused.insert(*key, Arc::new(entry));
                store.granted.invalidate(key);
            }
            (Ok(_), Some(entry)) => {
                store.granted.insert(*key, Arc::new(entry));
                store.refused.invalidate(key);
            }
            (Err(error), _) if error.is_transient() => {
                if let Some(entry) = store.granted.get(key).filter(|_| is_outage(error)) {
                    entry.note_failure(store.shared.clock.now());
                }
            }
            // The failure is permanent, and may concern only this user.
            (Ok(_) | Err(_), _) => store.granted.invalidate(key),
        }
        drop(running);
    }

    /// `None` if the answer may not be kept, or may be out of date already.
    fn entry(&self, answer: &A) -> Option<Entry<A>> {
        let Shared { registries, times, .. } = &*self.store.shared;
        let Check { start, revocations, .. } = &*self.check;
        let handles = match answer.kind() {
            AnswerKind::Active(account) | AnswerKind::Inactive(account) => {
                let user = (&self.realm, account.user(), account.change_stamp());
                registries.handles(user, revocations)?
            }
            AnswerKind::Refused | AnswerKind::Unusable => Box::default(),
        };
        let entry = Entry::new(answer, *start, handles, times)?;
        (self.store.now().version == start.version).then_some(entry)
    }

    fn is_current(&self, running: &Running<A>) -> bool {
        running.get(&self.key).is_some_and(|running| Arc::ptr_eq(running, &self.check))
    }
}

impl<A: Answer> Drop for Ticket<A> {
    fn drop(&mut self) {
        let mut running = self.store.lock();
        if self.is_current(&running) {
            running.remove(&self.key);
        }
    }
}

fn cache<A: Answer>(capacity: usize, time_to_live: Duration) -> Cache<Key, Arc<Entry<A>>> {
    Cache::builder()
        .time_to_live(time_to_live)
        .max_capacity(u64::try_from(capacity).unwrap_or(u64::MAX))
        // moka's default policy does not admit new entries while others are used more often.
        .eviction_policy(EvictionPolicy::lru())
        .build()
}

/// Whether the back end itself failed, rather than a queue of this process or one user's record.
fn is_outage(error: &BackendError) -> bool {
    error.is_transient() && !error.is_overloaded()
}

/// Runs a check. `None` once no request waits for it.
async fn run<A>(
    check: impl Future<Output = Checked<A>>,
    sender: &watch::Sender<Option<Checked<A>>>,
) -> Option<Checked<A>> {
    let (mut check, mut abandoned) = (pin!(check), pin!(sender.closed()));
    poll_fn(|cx| match check.as_mut().poll(cx) {
        Poll::Ready(checked) => Poll::Ready(Some(checked)),
        Poll::Pending => abandoned.as_mut().poll(cx).map(|()| None),
    })
    .await
}

async fn wait<A: Answer>(pending: Arc<Pending<A>>) -> Checked<A> {
    let mut receiver = Pending::clone(&pending);
    let checked = receiver.wait_for(Option::is_some).await.ok().and_then(|it| it.clone());
    // The task was dropped without an answer.
    checked.unwrap_or_else(|| Err(BackendError::new("the check panicked, or its task was dropped")))
}

impl<A> fmt::Debug for Store<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Store").field("running", &running).finish_non_exhaustive()
    }
}
