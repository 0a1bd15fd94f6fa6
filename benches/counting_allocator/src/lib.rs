//! The system's allocator, which counts while it is told to.
//!
//! It becomes the global allocator of every program that uses this crate. One that always counts
//! would slow down what the same program times; this one looks at a flag and goes on.
//!
//! It is a crate of its own because an allocator cannot be written without `unsafe`, which the
//! library and its benchmarks forbid.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// What a run has asked of the allocator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How often memory was asked for; growing what one has counts too.
    pub allocations: u64,
    /// The bytes by which the run left more in use than it found.
    pub bytes_kept: i64,
}

thread_local! {
    static COUNT: Cell<Option<Count>> = const { Cell::new(None) };
}

/// Counts what `run` asks of the allocator in this thread. What is counted by a count within it
/// is left out.
pub fn count<T>(run: impl FnOnce() -> T) -> (T, Count) {
    let outer = Outer(COUNT.replace(Some(Count::default())));
    let result = run();
    let count = COUNT.get().unwrap_or_default();
    drop(outer);
    (result, count)
}

/// Puts the count round this one back, also when what is counted panics.
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
            bytes_kept: count.bytes_kept + taken as i64 - given_back as i64,
        }));
    }
}

// SAFETY: every call goes to the system's allocator as it came, so what that one promises holds.
// Noting it allocates nothing: the thread-local value needs neither a start nor an end.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: the caller's promises are those that `System` asks for.
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
    fn counts_what_is_asked_for_and_what_is_kept() {
        let (kept, counted) = count(|| {
            drop(black_box(Box::new([0_u8; 100])));
            let mut kept = black_box(Vec::<u8>::with_capacity(8));
            kept.reserve_exact(16);
            kept
        });
        assert_eq!(counted, Count { allocations: 3, bytes_kept: kept.capacity() as i64 });
    }

    #[test]
    fn ends_with_the_run() {
        let (_, first) = count(|| black_box(Box::new(1)));
        drop(black_box(Box::new(2)));
        let (_, second) = count(|| ());
        assert_eq!((first.allocations, second.allocations), (1, 0));
    }
}
