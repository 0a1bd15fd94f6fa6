//! Medians and quartiles. There are no means, since other work on the machine causes outliers.

use std::ops::{Div, Sub};

/// One figure for each round.
#[derive(Clone, Debug)]
pub(crate) struct Samples(Vec<f64>);

/// The quartiles of a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quartiles {
    pub(crate) lower: f64,
    pub(crate) median: f64,
    pub(crate) upper: f64,
}

impl Samples {
    pub(crate) const fn new(by_round: Vec<f64>) -> Self {
        Self(by_round)
    }

    pub(crate) fn quartiles(&self) -> Quartiles {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |share| quantile(&sorted, share);
        Quartiles { lower: at(0.25), median: at(0.5), upper: at(0.75) }
    }

    /// Combines the figures of the same rounds.
    fn with(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(&one, &two)| combine(one, two)).collect())
    }
}

impl Sub for &Samples {
    type Output = Samples;

    fn sub(self, other: Self) -> Samples {
        self.with(other, |one, two| one - two)
    }
}

impl Div for &Samples {
    type Output = Samples;

    fn div(self, other: Self) -> Samples {
        self.with(other, |one, two| one / two)
    }
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(values, 0.5)
}

/// The quantile of sorted values, interpolated between two of them if necessary.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates_quartiles_between_values() {
        let Quartiles { lower, median, upper } = Samples::new(vec![4.0, 1.0, 3.0, 2.0]).quartiles();
        assert_eq!([lower, median, upper], [1.75, 2.5, 3.25]);
    }

    #[test]
    fn computes_differences_and_ratios_by_round() {
        let (one, two) = (Samples::new(vec![6.0, 20.0]), Samples::new(vec![3.0, 5.0]));
        assert_eq!((&one - &two).0, [3.0, 15.0]);
        assert_eq!((&one / &two).0, [2.0, 4.0]);
    }
}
