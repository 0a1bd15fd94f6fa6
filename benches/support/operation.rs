//! One operation, timed by criterion and counted by the allocator.

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, measurement::WallTime};

/// The number of inputs that are made at once: few enough to be still in the cache when they are
/// used, like a request that was just received.
const BATCH: BatchSize = BatchSize::NumIterations(256);

/// Operations whose allocations are counted one by one. The median is reported, since the first one
/// initializes lazy values, and tables grow now and then.
const COUNTED: usize = 33;

/// There are many benchmarks, so each gets only enough time to detect changes of a few per cent.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50)
}

/// Benchmarks whose names have the same prefix.
pub(crate) struct Group<'a> {
    name: String,
    benchmarks: BenchmarkGroup<'a, WallTime>,
}

impl<'a> Group<'a> {
    pub(crate) fn new(criterion: &'a mut Criterion, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { benchmarks: criterion.benchmark_group(&name), name }
    }

    /// Sets how many bytes each of the next operations reads.
    pub(crate) fn reads(&mut self, bytes: usize) {
        self.benchmarks.throughput(Throughput::Bytes(bytes as u64));
    }

    /// Measures `operation`, including the drop of its result. `prepare` makes its input, which is
    /// not measured.
    pub(crate) fn measure<I, O>(
        &mut self,
        name: &str,
        mut prepare: impl FnMut() -> I,
        mut operation: impl FnMut(I) -> O,
    ) {
        let mut run = move |input| drop(black_box(operation(black_box(input))));
        let full_name = format!("{}/{name}", self.name);
        let mut is_counted = false;
        // Inside the closure, so that a benchmark that is filtered out does nothing.
        self.benchmarks.bench_function(name, |bencher| {
            if !is_counted {
                println!("allocations: {full_name}: {}", allocations(&mut prepare, &mut run));
                is_counted = true;
            }
            bencher.iter_batched(&mut prepare, &mut run, BATCH);
        });
    }
}

fn allocations<I>(mut prepare: impl FnMut() -> I, mut run: impl FnMut(I)) -> u64 {
    let mut counts = [(); COUNTED].map(|()| {
        let input = prepare();
        counting_allocator::count(|| run(input)).1.allocations
    });
    counts.sort_unstable();
    counts[COUNTED / 2]
}
