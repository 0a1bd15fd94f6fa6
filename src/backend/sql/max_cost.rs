//! The common cost of all password checks.

use std::sync::{Mutex, PoisonError};

use crate::backend::password_hash::{HashCost, HashMethod, PasswordHash};

/// The maximum of the configured cost and the costs of all hashes that were looked up.
///
/// A table can be too large to read as a whole, and it changes. So every look-up of a hash can
/// raise the cost of all later checks. Until the first one, a check costs as much as a hash of the
/// default method.
pub(super) struct MaxCost(Mutex<State>);

struct State {
    cost: HashCost,
    is_guess: bool,
}

impl MaxCost {
    pub(super) fn new(minimum: Option<HashCost>) -> Self {
        let cost = minimum.unwrap_or_else(|| HashCost::of_method(HashMethod::default()));
        Self(Mutex::new(State { cost, is_guess: minimum.is_none() }))
    }

    /// The cost of a check against `hash`, which is included.
    pub(super) fn with(&self, hash: Option<&PasswordHash>) -> HashCost {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hash) = hash {
            let known = if state.is_guess { HashCost::ZERO } else { state.cost };
            *state = State { cost: known.max(HashCost::of(hash)), is_guess: false };
        }
        state.cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::password_hash::{HashPolicy, hash_password};

    fn bcrypt(cost: u32) -> PasswordHash {
        let text = hash_password("wonder", HashMethod::Bcrypt { cost }).unwrap();
        PasswordHash::parse(&text, &HashPolicy::new()).unwrap()
    }

    #[test]
    fn the_first_hash_replaces_the_guess() {
        let max_cost = MaxCost::new(None);
        assert_eq!(max_cost.with(None), HashCost::of_method(HashMethod::default()));
        let [cheap, expensive] = [4, 5].map(bcrypt);
        assert_eq!(max_cost.with(Some(&cheap)), HashCost::of(&cheap));
        assert_eq!(max_cost.with(None), HashCost::of(&cheap));
        assert_eq!(max_cost.with(Some(&expensive)), HashCost::of(&expensive));
        assert_eq!(max_cost.with(Some(&cheap)), HashCost::of(&expensive));
    }

    #[test]
    fn the_cost_never_falls_below_the_minimum() {
        let [cheap, expensive] = [4, 5].map(bcrypt);
        let max_cost = MaxCost::new(Some(HashCost::of(&expensive)));
        assert_eq!(max_cost.with(Some(&cheap)), HashCost::of(&expensive));
        assert_eq!(max_cost.with(None), HashCost::of(&expensive));
    }
}
