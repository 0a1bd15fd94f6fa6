//! Medians and quartiles. Outliers are what the machine did besides, so no mean is taken.

use std::ops::{Div, Sub};

/// One figure by round.
#[derive(Clone, Debug)]
pub(crate) struct Samples(Vec<f64>);

/// Three of four values lie above the lower one, half of them above the median.
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

    pub(crate) fn median(&self) -> f64 {
        self.quartiles().median
    }

    /// Puts together what was measured in the same round.
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

/// The value below which this share of the sorted values lies, between two of them if need be.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_values_if_need_be() {
        let Quartiles { lower, median, upper } = Samples::new(vec![4.0, 1.0, 3.0, 2.0]).quartiles();
        assert_eq!([lower, median, upper], [1.75, 2.5, 3.25]);
    }

    #[test]
    fn differences_and_ratios_are_those_of_a_round() {
        let (one, two) = (Samples::new(vec![6.0, 20.0]), Samples::new(vec![3.0, 5.0]));
        assert_eq!((&one - &two).0, [3.0, 15.0]);
        assert_eq!((&one / &two).0, [2.0, 4.0]);
    }
}
