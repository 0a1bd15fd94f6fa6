//! The change stamp of an account.

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    num::NonZero,
    sync::LazyLock,
};

/// What an account was at one moment: a keyed hash of everything whose change must end the access
/// of its user, such as the stored password hash, the groups and the account status.
///
/// Two stamps are equal if the same values were hashed. The key is random and belongs to the
/// process, so a stamp reveals nothing, cannot be compared with those of another process, and must
/// not be stored. `Debug` shows nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChangeStamp(NonZero<u64>);

impl ChangeStamp {
    pub(crate) fn of(value: impl Hash) -> Self {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self(NonZero::new(KEY.hash_one(value)).unwrap_or(NonZero::<u64>::MIN))
    }
}

impl fmt::Debug for ChangeStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChangeStamp(..)")
    }
}
