//! The system's allocator with a counter that can be switched on.
//!
//! It becomes the global allocator of every program that uses this crate. While it does not count,
//! it only checks a flag, so that it does not slow down timed code.
//!
//! It is a separate crate because an allocator needs `unsafe`, which the library and its benchmarks
//! forbid.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The allocations of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// The number of allocations, including reallocations.
    pub allocations: u64,
    /// The bytes that were allocated, including those that were freed again.
    pub bytes_taken: u64,
    /// The bytes that were allocated and not freed; negative if more were freed.
    pub bytes_kept: i64,
}

thread_local! {
    static COUNT: Cell<Option<Count>> = const { Cell::new(None) };
}

/// Counts the allocations of `run` in this thread, without those of a nested `count`.
pub fn count<T>(run: impl FnOnce() -> T) -> (T, Count) {
    let outer = Outer(COUNT.replace(Some(Count::default())));
    let result = run();
    let count = COUNT.get().unwrap_or_default();
    drop(outer);
    (result, count)
}

/// Restores the outer count, even after a panic.
struct Outer(Option<Count>);

impl Drop for Outer {
    fn drop(&mut self) {
        COUNT.set(self.0);
    }
}

struct CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[inline]
fn note(allocations: u64, taken: usize, given_back: usize) {
    if let Some(count) = COUNT.get() {
        COUNT.set(Some(Count {
            allocations: count.allocations + allocations,
            bytes_taken: count.bytes_taken + taken as u64,
            bytes_kept: count.bytes_kept + taken as i64 - given_back as i64,
        }));
    }
}

// SAFETY: every call is passed on unchanged to the system's allocator, which meets the contract.
// Counting does not allocate: the thread-local value needs neither initialization nor a destructor.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: the caller meets the requirements of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size, layout.size());
        // SAFETY: as above, and all memory comes from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, 0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn counts_allocations_and_kept_bytes() {
        let (kept, counted) = count(|| {
            drop(black_box(Box::new([0_u8; 100])));
            let mut kept = black_box(Vec::<u8>::with_capacity(8));
            kept.reserve_exact(16);
            kept
        });
        let kept = kept.capacity() as i64;
        let bytes_taken = 100 + 8 + kept as u64;
        assert_eq!(counted, Count { allocations: 3, bytes_taken, bytes_kept: kept });
    }

    #[test]
    fn ends_with_the_run() {
        let (_, first) = count(|| black_box(Box::new(1)));
        drop(black_box(Box::new(2)));
        let (_, second) = count(|| ());
        assert_eq!((first.allocations, second.allocations), (1, 0));
    }
}
