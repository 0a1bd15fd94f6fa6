//! The counts of one nonce, behind one bit: a mutex round them would take eight bytes more.
//!
//! Requests with nonces on record are nearly all that a store sees. Were each to lock its shard,
//! two threads would pass the memory of that lock to and fro, which takes longer than all the rest.
//! So such requests only share the shard, and shut out one another at the nonce itself: a nonce
//! belongs to one client, whose requests mostly come to one thread.

use std::{
    hint,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use super::window::Window;
use crate::wire::digest::NonceCount;

/// Set while somebody is at the window.
const BUSY: u32 = 1 << 31;

/// How often to look again before the processor is left to others: whoever is at the window needs
/// a few nanoseconds, unless its thread was put to sleep there.
const SPINS: u32 = 64;

/// A seal number and the window of the nonce that was found genuine with it.
#[derive(Debug)]
pub(super) struct Counts {
    /// The lower 31 bits of the seal number, and [`BUSY`].
    seal: AtomicU32,
    window: [AtomicU32; Window::WORDS],
}

impl Counts {
    /// The counts of a nonce whose first one is `count`.
    pub(super) fn starting_at(count: NonceCount, seal: u32) -> Self {
        let window = Window::starting_at(count).to_words().map(AtomicU32::new);
        Self { seal: AtomicU32::new(seal & !BUSY), window }
    }

    /// Sets another seal number.
    pub(super) fn reseal(&mut self, seal: u32) {
        *self.seal.get_mut() = seal & !BUSY;
    }

    /// Whether this is the seal number. Zero is none, and equals nothing.
    pub(super) fn has_seal(&self, seal: u32) -> bool {
        seal & !BUSY != 0 && self.seal.load(Ordering::Relaxed) & !BUSY == seal & !BUSY
    }

    /// Records `count` and says whether it was new, see [`Window::admit`].
    pub(super) fn admit(&self, count: NonceCount, width: u32) -> bool {
        let seal = self.lock();
        // While the window is locked nobody else reads or writes its words, and the lock orders
        // them between those who hold it one after the other.
        let words = self.window.each_ref().map(|word| word.load(Ordering::Relaxed));
        let mut window = Window::from_words(words);
        let is_new = window.admit(count, width);
        for (to, word) in self.window.iter().zip(window.to_words()) {
            to.store(word, Ordering::Relaxed);
        }
        self.seal.store(seal, Ordering::Release);
        is_new
    }

    /// Waits until nobody is at the window, and gives back the seal number that unlocks it. Nothing
    /// that is done under the lock can panic or wait. Threads of a strict real-time priority must
    /// not share a store with lower ones: what holds the lock then might never get to run.
    fn lock(&self) -> u32 {
        let mut spins: u32 = 0;
        loop {
            let seal = self.seal.load(Ordering::Relaxed) & !BUSY;
            let locked = self.seal.compare_exchange_weak(
                seal,
                seal | BUSY,
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            if locked.is_ok() {
                return seal;
            }
            spins = (spins + 1) % SPINS;
            if spins == 0 { thread::yield_now() } else { hint::spin_loop() }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn nc(count: u32) -> NonceCount {
        NonceCount::new(count).unwrap()
    }

    #[test]
    fn of_many_threads_one_gets_each_count() {
        const THREADS: usize = 8;
        const COUNTS: u32 = 20_000;
        let counts = Counts::starting_at(NonceCount::ONE, 7);
        let start = Barrier::new(THREADS);
        let run = || {
            start.wait();
            (2..COUNTS).filter(|&count| counts.admit(nc(count), 128)).count()
        };
        let admitted: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // Each thread counts upwards, so whoever comes to a count first has the highest one yet.
        assert_eq!(admitted, COUNTS as usize - 2);
        assert!(!counts.admit(nc(COUNTS - 1), 128), "the last one is used");
        assert!(counts.admit(nc(COUNTS), 128), "it is not locked");
    }

    #[test]
    fn a_seal_number_is_compared_but_for_its_highest_bit() {
        let mut counts = Counts::starting_at(NonceCount::ONE, 5);
        assert!(counts.has_seal(5) && counts.has_seal(5 | BUSY) && !counts.has_seal(6));
        counts.reseal(u32::MAX);
        assert!(counts.has_seal(u32::MAX) && !counts.has_seal(5));
        counts.reseal(BUSY);
        assert!(!counts.has_seal(0) && !counts.has_seal(BUSY), "none equals nothing");
        counts.reseal(u32::MAX);
        assert!(counts.admit(nc(2), 64) && !counts.admit(nc(2), 64));
        assert!(counts.has_seal(u32::MAX), "the lock leaves it alone");
    }
}
