//! Measures all subjects in turn, so that other work on the machine affects them alike.

use std::time::Instant;

use crate::statistics::{Samples, median};

/// Operations timed at once: enough to make the cost of reading the clock negligible, few enough for
/// their input to stay in the processor's cache, like a request that was just received.
const BATCH: usize = 64;

/// Operations of each batch before the first timed one. They warm up the processor's caches, which
/// the previous subject used, and record the nonce, so the timed ones are typical.
const UNTIMED: usize = 16;

/// Rounds before the first measured one.
const WARM_UP: usize = 3;

/// Operations whose allocations are counted one by one.
const COUNTED: usize = 65;

/// A repeated operation.
pub(crate) trait Work {
    /// Makes the input of the operations. Neither timed nor counted.
    fn prepare(&mut self, operations: usize);

    /// Runs prepared operations.
    fn run(&mut self, operations: usize);
}

/// A measured operation.
pub(crate) struct Subject {
    pub(crate) name: String,
    /// The baseline: a subject that does the same without the part of interest.
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

/// The results for one subject.
pub(crate) struct Measurement {
    pub(crate) name: String,
    /// Nanoseconds per operation, for each round.
    pub(crate) whole: Samples,
    /// The same minus the floor of the same round.
    pub(crate) over_floor: Option<Samples>,
    /// The allocations of a typical operation.
    pub(crate) allocations: f64,
}

impl Measurement {
    /// The cost over the floor, or the whole cost without one.
    pub(crate) fn net(&self) -> &Samples {
        self.over_floor.as_ref().unwrap_or(&self.whole)
    }
}

pub(crate) struct Measurements(pub(crate) Vec<Measurement>);

impl Measurements {
    pub(crate) fn of(&self, name: &str) -> &Measurement {
        let found = self.0.iter().find(|measurement| measurement.name == name);
        found.unwrap_or_else(|| panic!("{name:?} was not measured"))
    }
}

/// Measures the subjects in a number of rounds.
pub(crate) fn measure(mut subjects: Vec<Subject>, rounds: usize) -> Measurements {
    let allocations: Vec<_> =
        subjects.iter_mut().map(|subject| count(subject.work.as_mut())).collect();
    let mut times = vec![Vec::with_capacity(rounds); subjects.len()];
    for round in 0..WARM_UP + rounds {
        let mut order: Vec<_> = (0..subjects.len()).collect();
        // Alternates the order, so that no subject always benefits from the caches of the same one.
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

/// The median of the allocations, which ignores the first operation and the growth of tables.
fn count(work: &mut dyn Work) -> f64 {
    work.prepare(COUNTED);
    let one = || counting_allocator::count(|| work.run(1)).1.allocations as f64;
    median(&mut std::iter::repeat_with(one).take(COUNTED).collect::<Vec<_>>())
}
