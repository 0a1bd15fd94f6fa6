//! Runs all subjects in turn, so that whatever else the machine does hits them alike.

use std::time::Instant;

use crate::statistics::{Samples, median};

/// Operations timed at once: enough to drown the cost of reading the clock, few enough for their
/// input to stay in the processor's cache, where a request that was just received is too.
const BATCH: usize = 64;

/// Operations of each batch before the first that is timed. The subjects push each other's code out
/// of the processor's caches, and the first request with a nonce puts it on record: neither is what
/// a request in the middle of many meets.
const UNTIMED: usize = 16;

/// Rounds before the first that is measured.
const WARM_UP: usize = 3;

/// Operations that are looked at one by one to count their allocations.
const COUNTED: usize = 65;

/// One operation, done over and over.
pub(crate) trait Work {
    /// Makes the input of so many operations. Neither timed nor counted.
    fn prepare(&mut self, operations: usize);

    /// Does so many of the operations that were prepared.
    fn run(&mut self, operations: usize);
}

/// What is measured.
pub(crate) struct Subject {
    pub(crate) name: String,
    /// The subject that does the same without the part that is of interest.
    pub(crate) floor: Option<&'static str>,
    pub(crate) work: Box<dyn Work>,
}

impl Subject {
    pub(crate) fn new(name: impl Into<String>, work: impl Work + 'static) -> Self {
        Self { name: name.into(), floor: None, work: Box::new(work) }
    }

    pub(crate) const fn over(mut self, floor: &'static str) -> Self {
        self.floor = Some(floor);
        self
    }
}

/// What was found out about one subject.
pub(crate) struct Measurement {
    pub(crate) name: String,
    /// Nanoseconds per operation, by round.
    pub(crate) whole: Samples,
    /// What is left of it without the floor of the same round.
    pub(crate) over_floor: Option<Samples>,
    /// Of one operation in the middle of many.
    pub(crate) allocations: f64,
}

impl Measurement {
    /// The part that is of interest: what stands over the floor, or all of it.
    pub(crate) fn net(&self) -> &Samples {
        self.over_floor.as_ref().unwrap_or(&self.whole)
    }
}

pub(crate) struct Measurements(pub(crate) Vec<Measurement>);

impl Measurements {
    pub(crate) fn of(&self, name: &str) -> &Measurement {
        let found = self.0.iter().find(|measurement| measurement.name == name);
        found.unwrap_or_else(|| panic!("nothing was measured under the name {name:?}"))
    }
}

/// Measures the subjects in so many rounds.
pub(crate) fn measure(mut subjects: Vec<Subject>, rounds: usize) -> Measurements {
    let allocations: Vec<_> =
        subjects.iter_mut().map(|subject| count(subject.work.as_mut())).collect();
    let mut times = vec![Vec::with_capacity(rounds); subjects.len()];
    for round in 0..WARM_UP + rounds {
        let mut order: Vec<_> = (0..subjects.len()).collect();
        // Nobody always profits from what the same predecessor left in the caches.
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let time = time(subjects[at].work.as_mut());
            if round >= WARM_UP {
                times[at].push(time);
            }
        }
    }
    let names = subjects.iter().map(|subject| subject.name.as_str());
    let whole: Vec<_> = times.into_iter().map(Samples::new).collect();
    let floor_of = |subject: &Subject| {
        let floor = subject.floor?;
        let at = names.clone().position(|name| name == floor);
        Some(&whole[at.unwrap_or_else(|| panic!("{floor:?} is not measured"))])
    };
    let over: Vec<_> = subjects
        .iter()
        .zip(&whole)
        .map(|(subject, whole)| floor_of(subject).map(|floor| whole - floor))
        .collect();
    let measurements = subjects.into_iter().zip(whole).zip(over).zip(allocations).map(
        |(((subject, whole), over_floor), allocations)| Measurement {
            name: subject.name,
            whole,
            over_floor,
            allocations,
        },
    );
    Measurements(measurements.collect())
}

/// Nanoseconds per operation of one batch.
fn time(work: &mut dyn Work) -> f64 {
    work.prepare(UNTIMED + BATCH);
    work.run(UNTIMED);
    let start = Instant::now();
    work.run(BATCH);
    start.elapsed().as_nanos() as f64 / BATCH as f64
}

/// The allocations of an operation that is neither the first of its kind nor an unlucky one: tables
/// that grow do so now and then.
fn count(work: &mut dyn Work) -> f64 {
    work.prepare(COUNTED);
    let one = || counting_allocator::count(|| work.run(1)).1.allocations as f64;
    median(&mut std::iter::repeat_with(one).take(COUNTED).collect::<Vec<_>>())
}
