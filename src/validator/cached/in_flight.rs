//! Checks that are under way, for whoever asks the same.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foldhash::quality::RandomState;

use super::{
    asked::Asked,
    check::{Check, WeakCheck},
    key::Key,
};

/// A check that has not ended after so long hangs: who comes now begins another.
const PATIENCE: Duration = Duration::from_secs(10);

/// The checks under way, by what was sent. There are no more than requests that wait.
pub(super) struct InFlight<T: Clone>(Mutex<Checks<T>>);

struct Checks<T: Clone> {
    by_key: HashMap<Key, Entry<T>, RandomState>,
    begun: u64,
}

struct Entry<T: Clone> {
    number: u64,
    asked: Asked,
    /// Weak, so that what nobody waits for is dropped.
    check: WeakCheck<T>,
}

/// What there is to wait for.
pub(super) enum Found<T: Clone> {
    /// Nothing: the answer has come in the meantime.
    Answer(T),
    /// A check.
    Check(Check<T>),
}

impl<T: Clone + Send + Sync + 'static> InFlight<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Checks { by_key: HashMap::default(), begun: 0 }))
    }

    /// Joins the check for `key` that is under way, or begins one.
    ///
    /// Nobody joins a check that does not know what `asked` knows. Where there is none, the answer
    /// may have come after the caller looked for it: `answer` looks `again`, and only then `begin`
    /// makes a check, which is told its number.
    pub(super) fn join(
        &self,
        key: Key,
        asked: &Asked,
        again: impl FnOnce() -> Option<T>,
        begin: impl FnOnce(u64) -> Check<T>,
    ) -> Found<T> {
        let mut checks = self.lock();
        // Whoever drops the last hold of a check comes back here to remove it: nothing that was taken
        // up may be dropped while the lock is held, so it is compared first.
        if let Some(entry) = checks.by_key.get(&key)
            && entry.asked.still_holds(asked)
            && entry.asked.is_within(PATIENCE, asked.at)
            && let Some(check) = entry.check.upgrade()
        {
            return Found::Check(check);
        }
        if let Some(answer) = again() {
            return Found::Answer(answer);
        }
        checks.begun += 1;
        let number = checks.begun;
        let check = begin(number);
        if let Some(weak) = check.downgrade() {
            checks.by_key.insert(key, Entry { number, asked: *asked, check: weak });
        }
        Found::Check(check)
    }

    /// Ends the check of that number, with `keep` for what it has brought: nothing is kept of one
    /// whose place has been taken, for what the other brings is newer.
    pub(super) fn end(&self, key: &Key, number: u64, keep: impl FnOnce()) {
        let mut checks = self.lock();
        if checks.by_key.get(key).is_some_and(|entry| entry.number == number) {
            // In this order under one lock: whoever finds no check finds what it has brought.
            keep();
            checks.by_key.remove(key);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    /// After a panic too the map names checks, and each is looked at before it is joined.
    fn lock(&self) -> MutexGuard<'_, Checks<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
