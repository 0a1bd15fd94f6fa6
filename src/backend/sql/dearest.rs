//! What a check costs, whoever is asked about.

use std::sync::{Mutex, PoisonError};

use crate::backend::password_hash::{HashCost, HashMethod, PasswordHash};

/// The work of the dearest hash that has been seen, or was said to be there.
///
/// A table can be too large to be read through, and changes: so each row that is looked at adds to
/// what every later check costs. Until the first, a check costs what a new hash does by default.
pub(super) struct Dearest(Mutex<State>);

struct State {
    effort: HashCost,
    is_guess: bool,
}

impl Dearest {
    /// Starts with what was said, or else with a guess.
    pub(super) fn new(said: Option<HashCost>) -> Self {
        let effort = said.unwrap_or_else(|| HashCost::of_method(HashMethod::default()));
        Self(Mutex::new(State { effort, is_guess: said.is_none() }))
    }

    /// The work of a check for which `hash` was found.
    pub(super) fn with(&self, hash: Option<&PasswordHash>) -> HashCost {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hash) = hash {
            let known = if state.is_guess { HashCost::ZERO } else { state.effort };
            *state = State { effort: known.max(HashCost::of(hash)), is_guess: false };
        }
        state.effort
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
    fn the_guess_gives_way_to_what_is_seen() {
        let dearest = Dearest::new(None);
        assert_eq!(dearest.with(None), HashCost::of_method(HashMethod::default()));
        let [cheap, dear] = [4, 5].map(bcrypt);
        assert_eq!(dearest.with(Some(&cheap)), HashCost::of(&cheap));
        assert_eq!(dearest.with(None), HashCost::of(&cheap));
        assert_eq!(dearest.with(Some(&dear)), HashCost::of(&dear));
        assert_eq!(dearest.with(Some(&cheap)), HashCost::of(&dear));
    }

    #[test]
    fn what_was_said_stays_the_least() {
        let [cheap, dear] = [4, 5].map(bcrypt);
        let dearest = Dearest::new(Some(HashCost::of(&dear)));
        assert_eq!(dearest.with(Some(&cheap)), HashCost::of(&dear));
        assert_eq!(dearest.with(None), HashCost::of(&dear));
    }
}
