//! Logins within the last hour, in a table of fixed size.

use std::time::Duration;

use crate::clock::Timestamp;

/// How long a success counts.
pub(super) const LIFETIME: Duration = Duration::from_secs(3_600);

/// A success further in the future than this does not count: the clock has stepped back.
const TOLERANCE: Duration = Duration::from_secs(60);

/// The number of entries in a set.
const WAYS: usize = 8;
const SETS: usize = 2_048;

/// The key of a proof: a keyed hash, whose first half chooses the set.
pub(super) type ProofKey = [u64; 2];

/// A table of 16,384 successes. A new one replaces the oldest of its set: forgetting one makes the
/// limits stricter.
#[derive(Debug)]
pub(super) struct Proofs<V>(Box<[Option<Proof<V>>]>);

#[derive(Debug)]
struct Proof<V> {
    key: ProofKey,
    proved: Timestamp,
    value: V,
}

impl<V> Proofs<V> {
    pub(super) fn new() -> Self {
        Self((0..SETS * WAYS).map(|_| None).collect())
    }

    /// The value of a success within the last hour.
    pub(super) fn get(&mut self, key: ProofKey, now: Timestamp) -> Option<&V> {
        let proof = self.set(key).iter().flatten().find(|proof| proof.key == key)?;
        proof.counts(now).then_some(&proof.value)
    }

    /// Records a success. A later one of the same key replaces it.
    pub(super) fn insert(&mut self, key: ProofKey, now: Timestamp, value: V) {
        // `None` is less than every time.
        let is_same = |place: &Option<Proof<V>>| place.as_ref().is_some_and(|it| it.key == key);
        let age = |place: &&mut Option<Proof<V>>| {
            let proof = place.as_ref().filter(|proof| proof.counts(now));
            (!is_same(place), proof.map(|proof| proof.proved))
        };
        if let Some(place) = self.set(key).iter_mut().min_by_key(age) {
            *place = Some(Proof { key, proved: now, value });
        }
    }

    pub(super) fn remove(&mut self, key: ProofKey) {
        for place in self.set(key) {
            place.take_if(|proof| proof.key == key);
        }
    }

    fn set(&mut self, [hash, _]: ProofKey) -> &mut [Option<Proof<V>>] {
        let start = (hash % SETS as u64) as usize * WAYS;
        self.0.get_mut(start..start + WAYS).unwrap_or_default()
    }
}

impl<V> Proof<V> {
    fn counts(&self, now: Timestamp) -> bool {
        now.saturating_since(self.proved) < LIFETIME
            && self.proved.saturating_since(now) < TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_success_counts_for_an_hour() {
        let mut proofs = Proofs::new();
        proofs.insert([1, 1], at(10_000), 'a');
        for (second, counts) in [
            (10_000, true),
            (13_599, true),
            (13_600, false),
            (9_941, true),
            // The clock has stepped back.
            (9_940, false),
            (0, false),
        ] {
            assert_eq!(proofs.get([1, 1], at(second)).is_some(), counts, "{second}");
        }
        proofs.insert([1, 1], at(13_000), 'b');
        assert_eq!(proofs.get([1, 1], at(14_000)), Some(&'b'));
        proofs.remove([1, 1]);
        assert_eq!(proofs.get([1, 1], at(13_000)), None);
    }

    #[test]
    fn replaces_the_oldest_of_a_set_and_nothing_else() {
        let mut proofs = Proofs::new();
        let key = |number: u64| [SETS as u64 * number + 7, number];
        let kept = |proofs: &mut Proofs<()>| -> Vec<_> {
            (0..20).filter(|&number| proofs.get(key(number), at(100)).is_some()).collect()
        };
        for number in 0..8 {
            proofs.insert(key(number), at(10 + number), ());
        }
        assert_eq!(kept(&mut proofs), [0, 1, 2, 3, 4, 5, 6, 7]);
        proofs.insert(key(0), at(30), ());
        proofs.insert([7 + SETS as u64, 99], at(31), ());
        assert_eq!(kept(&mut proofs), [0, 2, 3, 4, 5, 6, 7]);
        proofs.remove(key(4));
        proofs.insert(key(9), at(32), ());
        assert_eq!(kept(&mut proofs), [0, 2, 3, 5, 6, 7, 9]);
    }
}
