//! The common cost of all password checks.

use std::{
    error::Error as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::OnceCell;

use super::{query::QueryRunner, user::PASSWORD_HASH};
use crate::{
    backend::{
        password_hash::{HashCost, HashMethod, HashPolicy, PasswordHash},
        runtime::{task_error, within},
    },
    error::BackendError,
};

/// How many stored hashes are read to learn their cost.
const MAX_HASHES: usize = 10_000;

/// The maximum of the configured cost and the costs of all hashes that were looked up.
///
/// A table can be too large to read as a whole, and it changes. So every look-up of a hash can
/// raise the cost of all later checks. Until the first one, a check costs as much as a hash of the
/// default method.
pub(super) struct MaxCost {
    state: Mutex<State>,
    /// Finds stored hashes.
    query: Option<Arc<str>>,
    is_learned: OnceCell<()>,
}

struct State {
    cost: HashCost,
    is_guess: bool,
}

impl MaxCost {
    pub(super) fn new(minimum: Option<HashCost>, query: Option<&str>) -> Self {
        let cost = minimum.unwrap_or_else(|| HashCost::of_method(HashMethod::default()));
        Self {
            state: Mutex::new(State { cost, is_guess: minimum.is_none() }),
            query: query.map(Arc::from),
            is_learned: OnceCell::new(),
        }
    }

    /// Includes the hashes that the query finds, once.
    pub(super) async fn learn(
        &self,
        database: &Arc<dyn QueryRunner>,
        policy: &HashPolicy,
        limit: Duration,
    ) -> Result<(), BackendError> {
        let Some(query) = &self.query else { return Ok(()) };
        let learn = || async {
            // It runs once, so it needs no place in the queue.
            let rows = Arc::clone(database).rows(Arc::clone(query), Vec::new(), MAX_HASHES);
            for row in tokio::spawn(rows).await.map_err(|error| task_error(&error))?? {
                let hash = row.text(PASSWORD_HASH).map_err(BackendError::new)?;
                // An unusable hash is never checked.
                if let Some(Ok(hash)) = hash.map(|hash| PasswordHash::parse(hash, policy)) {
                    self.with(Some(&hash));
                }
            }
            Ok(())
        };
        let learned = self.is_learned.get_or_try_init(learn);
        match within(limit, async { learned.await.copied() }).await {
            Err(error) if !error.is_transient() => {
                let cause = error.source().map(ToString::to_string).unwrap_or_default();
                Err(BackendError::new(format!("the query for stored hashes fails: {cause}")))
            }
            learned => learned,
        }
    }

    /// The cost of a check against `hash`, which is included.
    pub(super) fn with(&self, hash: Option<&PasswordHash>) -> HashCost {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
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
        let max_cost = MaxCost::new(None, None);
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
        let max_cost = MaxCost::new(Some(HashCost::of(&expensive)), None);
        assert_eq!(max_cost.with(Some(&cheap)), HashCost::of(&expensive));
        assert_eq!(max_cost.with(None), HashCost::of(&expensive));
    }
}
