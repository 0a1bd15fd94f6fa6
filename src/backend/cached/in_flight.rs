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
        // Whoever drops the last hold of a check comes back here to remove it: nothing that was
        // taken up may be dropped while the lock is held, so it is compared first.
        if let Some(entry) = checks.by_key.get(&key)
            && entry.asked.still_holds(asked)
            // Whose name it is in the back end is not known yet, so it may be anybody's
            // invalidation.
            && entry.asked.invalidations >= asked.invalidations
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::clock::Timestamp;

    const KEY: Key = [7; 32];
    const ASKED: Asked =
        Asked { at: Timestamp::from_micros(5_000_000), revision: 0, invalidations: 3, last: 0 };

    /// Joins as one who asks like `asked`; the number if that began a check.
    fn join(in_flight: &InFlight<u8>, asked: Asked) -> (Option<u64>, Check<u8>) {
        let mut begun = None;
        let found = in_flight.join(
            KEY,
            &asked,
            || None,
            |number| {
                begun = Some(number);
                Check::new(pending())
            },
        );
        match found {
            Found::Check(check) => (begun, check),
            Found::Answer(answer) => panic!("{answer}"),
        }
    }

    #[test]
    fn looks_again_before_it_begins_a_check() {
        let in_flight = InFlight::new();
        let found = in_flight.join(KEY, &ASKED, || Some(7), |_| panic!("there is an answer"));
        assert!(matches!(found, Found::Answer(7)));
        assert_eq!(in_flight.len(), 0);
        let (_, _check) = join(&in_flight, ASKED);
        let found = in_flight.join(KEY, &ASKED, || Some(7), |_| panic!("one is under way"));
        assert!(matches!(found, Found::Check(_)));
    }

    #[test]
    fn joins_what_knows_as_much_and_is_not_too_old() {
        let at = |seconds: u64| Timestamp::from_micros(seconds * 1_000_000);
        for (asked, joins) in [
            (ASKED, true),
            (Asked { at: at(14), ..ASKED }, true),
            (Asked { at: at(15), ..ASKED }, false),
            (Asked { at: at(3), ..ASKED }, false),
            (Asked { revision: 1, ..ASKED }, false),
            (Asked { invalidations: 4, ..ASKED }, false),
            (Asked { invalidations: 4, last: 4, ..ASKED }, false),
        ] {
            let in_flight = InFlight::new();
            let (_, _check) = join(&in_flight, ASKED);
            assert_eq!(join(&in_flight, asked).0.is_none(), joins, "{asked:?}");
        }
    }

    #[test]
    fn one_that_was_overtaken_keeps_nothing_and_leaves_the_other_alone() {
        let in_flight = InFlight::new();
        let (old, _old_check) = join(&in_flight, ASKED);
        let newer = Asked { revision: 1, ..ASKED };
        let (new, _new_check) = join(&in_flight, newer);
        in_flight.end(&KEY, old.unwrap(), || panic!("it is out of date"));
        assert_eq!(join(&in_flight, newer).0, None, "the other is still under way");
        let mut is_kept = false;
        in_flight.end(&KEY, new.unwrap(), || is_kept = true);
        assert!(is_kept);
        assert_eq!(in_flight.len(), 0);
        in_flight.end(&KEY, new.unwrap(), || panic!("it has ended"));
    }
}
