//! Counts the work of hashing, so that tests need not time it. Does nothing outside of tests.

/// Adds to the work of this thread.
#[cfg(not(test))]
pub(super) const fn count(_kind: &'static str, _units: u64) {}

#[cfg(test)]
pub(super) use counted::count;
#[cfg(test)]
pub(in crate::backend) use counted::work_of;

#[cfg(test)]
mod counted {
    use std::{cell::RefCell, collections::BTreeMap};

    thread_local! {
        static WORK: RefCell<BTreeMap<&'static str, u64>> = RefCell::default();
    }

    pub(in crate::backend::password_hash) fn count(kind: &'static str, units: u64) {
        WORK.with_borrow_mut(|work| *work.entry(kind).or_default() += units);
    }

    /// The work, by kind, that `run` does on this thread.
    pub(in crate::backend) fn work_of(run: impl FnOnce()) -> BTreeMap<&'static str, u64> {
        WORK.take();
        run();
        WORK.take()
    }
}
