//! The simplest nonce store, for comparison: one map behind one lock, with unbounded memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Mutex,
};

use tower_proxy_auth::{
    BackendError, UserId,
    nonce_store::{Epoch, NonceCheck, NonceId, NonceStore, NonceUse},
};

#[derive(Default)]
pub(crate) struct LockedMap(Mutex<HashMap<NonceId, Window>>);

struct Window {
    user: UserId,
    highest: u32,
    /// Bit n represents the count n below the highest.
    used: u64,
}

impl Window {
    fn insert(&mut self, count: u32) -> NonceUse {
        if count > self.highest {
            self.used = self.used.checked_shl(count - self.highest).unwrap_or_default() | 1;
            self.highest = count;
            return NonceUse::Fresh;
        }
        match 1_u64.checked_shl(self.highest - count) {
            Some(bit) if self.used & bit == 0 => {
                self.used |= bit;
                NonceUse::Fresh
            }
            _ => NonceUse::Replayed,
        }
    }
}

impl NonceStore for LockedMap {
    fn epoch(&self) -> Result<Epoch, BackendError> {
        Ok(Epoch::new([0; Epoch::LENGTH]))
    }

    async fn check_and_insert(&self, check: NonceCheck<'_>) -> Result<NonceUse, BackendError> {
        let NonceCheck { nonce, count, user, .. } = check;
        let mut nonces = self.0.lock().expect("no thread panics while it holds the lock");
        Ok(match nonces.entry(*nonce) {
            Entry::Occupied(entry) if entry.get().user != *user => NonceUse::OtherUser,
            Entry::Occupied(mut entry) => entry.get_mut().insert(count.as_u32()),
            Entry::Vacant(entry) => {
                entry.insert(Window { user: user.clone(), highest: count.as_u32(), used: 1 });
                NonceUse::Fresh
            }
        })
    }
}
