//! Counts the work that is done, so that tests need not time it. Does nothing outside of them.

/// Adds to the work of this thread.
#[cfg(not(test))]
pub(super) const fn add(_what: &'static str, _units: u64) {}

#[cfg(test)]
pub(super) use metered::add;
#[cfg(test)]
pub(in crate::backend) use metered::work_of;

#[cfg(test)]
mod metered {
    use std::{cell::RefCell, collections::BTreeMap};

    thread_local! {
        static WORK: RefCell<BTreeMap<&'static str, u64>> = RefCell::default();
    }

    pub(in crate::backend::password_hash) fn add(what: &'static str, units: u64) {
        WORK.with_borrow_mut(|work| *work.entry(what).or_default() += units);
    }

    /// The work, by kind, that `run` does on this thread.
    pub(in crate::backend) fn work_of(run: impl FnOnce()) -> BTreeMap<&'static str, u64> {
        WORK.take();
        run();
        WORK.take()
    }
}
