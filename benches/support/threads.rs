//! The same work in several threads at once.

use std::{
    hint,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// The task of one thread: prepares inputs, which is not measured, and works on them, which is.
///
/// Each thread prepares its own inputs, as it would read them from a socket. Inputs from another
/// thread would come from its cache and its heap, and cost more than the work.
pub(crate) struct Worker<P, W> {
    pub(crate) prepare: P,
    pub(crate) work: W,
}

/// Returns how long the threads take for `operations` in total, from the first start to the last
/// end of each batch. A batch is `at_once` operations in each thread. `worker` creates the worker
/// of a thread.
pub(crate) fn time<I, P: FnMut() -> I, W: FnMut(I)>(
    threads: usize,
    operations: u64,
    at_once: usize,
    worker: impl Fn(usize) -> Worker<P, W> + Sync,
) -> Duration {
    let operations = usize::try_from(operations).expect("the number of operations fits");
    let share = operations.div_ceil(threads);
    let arrived = AtomicUsize::new(0);
    let run = |thread| {
        let Worker { mut prepare, mut work } = worker(thread);
        let mut rounds = Vec::new();
        let mut left = share;
        let mut expected = 0;
        while left > 0 {
            let now = left.min(at_once);
            left -= now;
            let inputs: Vec<I> = (0..now).map(|_| prepare()).collect();
            // Spins, since waking a thread would take longer than some of the work.
            expected += threads;
            arrived.fetch_add(1, Ordering::AcqRel);
            while arrived.load(Ordering::Acquire) < expected {
                hint::spin_loop();
            }
            let start = Instant::now();
            inputs.into_iter().for_each(&mut work);
            rounds.push((start, Instant::now()));
        }
        rounds
    };
    let each: Vec<_> = thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let rounds = each.first().map_or(0, Vec::len);
    let length = |round: usize| {
        let first = each.iter().map(|rounds: &Vec<(Instant, Instant)>| rounds[round].0).min();
        let last = each.iter().map(|rounds| rounds[round].1).max();
        first.zip(last).map(|(first, last)| last - first).unwrap_or_default()
    };
    let total: Duration = (0..rounds).map(length).sum();
    // Shares are rounded up.
    total.mul_f64(operations as f64 / (share * threads) as f64)
}
