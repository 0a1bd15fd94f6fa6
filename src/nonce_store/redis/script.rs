//! Calls of the script.

use ::redis::{Script, ScriptInvocation, aio::MultiplexedConnection};

use super::failure::Failure;
use crate::{
    nonce_store::{Epoch, NonceCheck, NonceUse},
    secret::MacKey,
    user_id::UserId,
    wire::Realm,
};

const HOLDER_LENGTH: usize = 16;

/// The script, and the keys that it works on.
pub(super) struct NonceScript {
    script: Script,
    epoch_key: Vec<u8>,
    record_prefix: Vec<u8>,
    window: u32,
    holders: Holders,
}

/// An answer of the script.
pub(super) struct Answer<T> {
    pub(super) value: T,
    /// The current epoch.
    pub(super) epoch: Epoch,
}

impl NonceScript {
    /// All keys have one hash tag, so that they stay together.
    pub(super) fn new(prefix: &str, window: u32) -> Self {
        Self {
            script: Script::new(include_str!("script.lua")),
            epoch_key: format!("{prefix}{{epoch}}").into_bytes(),
            record_prefix: format!("{prefix}{{epoch}}:").into_bytes(),
            window,
            holders: Holders::new(),
        }
    }

    /// Examines the server, and returns its epoch, which is a new one if `renew` is set.
    pub(super) async fn examine(
        &self,
        connection: &mut MultiplexedConnection,
        renew: bool,
    ) -> Result<Epoch, Failure> {
        let mut call = self.call()?;
        call.arg(if renew { "renew" } else { "" });
        let (word, detail) = invoke(&call, connection).await?;
        match &*word {
            b"ready" => epoch(&detail),
            b"replica" => Err(Failure::Replica(String::from_utf8_lossy(&detail).into_owned())),
            b"evicts" => Err(Failure::Evicts(String::from_utf8_lossy(&detail).into_owned())),
            _ => Err(Failure::Answer),
        }
    }

    /// Checks a nonce-count, and records it if it is fresh.
    pub(super) async fn check(
        &self,
        connection: &mut MultiplexedConnection,
        check: &NonceCheck<'_>,
    ) -> Result<Answer<NonceUse>, Failure> {
        let (nonce, issued) = (check.nonce, check.nonce.issued());
        // Rounded so that the record lives longer rather than shorter.
        let retention = check.expires.saturating_since(issued).as_millis() + 1;
        let id = [issued.as_micros(), nonce.counter()].map(u64::to_be_bytes);
        let mut call = self.call()?;
        call.key([&self.record_prefix, id.as_flattened()].concat())
            .arg(u64::try_from(retention).unwrap_or(u64::MAX))
            .arg(nonce.epoch().as_bytes())
            .arg(issued.as_micros() / 1_000)
            .arg(&self.holders.of(check.realm, check.user))
            .arg(check.count.as_u32())
            .arg(self.window);
        let (word, current) = invoke(&call, connection).await?;
        let value = match &*word {
            b"fresh" => NonceUse::Fresh,
            b"replayed" => NonceUse::Replayed,
            b"other-user" => NonceUse::OtherUser,
            b"forgotten" => NonceUse::Forgotten,
            b"other-epoch" => NonceUse::OtherEpoch,
            _ => return Err(Failure::Answer),
        };
        Ok(Answer { value, epoch: epoch(&current)? })
    }

    /// A call with an epoch that the script can start.
    fn call(&self) -> Result<ScriptInvocation<'_>, Failure> {
        let epoch = Epoch::random().map_err(Failure::Random)?;
        let mut call = self.script.prepare_invoke();
        call.key(&self.epoch_key).arg(epoch.as_bytes());
        Ok(call)
    }
}

/// Identifies users of realms, in the same way on every node. The server never sees their names.
struct Holders(MacKey);

impl Holders {
    fn new() -> Self {
        Self(MacKey::derive("tower-proxy-auth holders of nonces v1", &[]))
    }

    fn of(&self, realm: &Realm, user: &UserId) -> [u8; HOLDER_LENGTH] {
        let mac = self.0.mac(&[realm.as_str().as_bytes(), user.as_str().as_bytes()]);
        mac.first_chunk().copied().unwrap_or_default()
    }
}

/// Calls the script by its hash, and loads it first if the server does not have it.
async fn invoke(
    call: &ScriptInvocation<'_>,
    connection: &mut MultiplexedConnection,
) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    call.invoke_async(connection).await.map_err(Failure::Call)
}

fn epoch(bytes: &[u8]) -> Result<Epoch, Failure> {
    bytes.try_into().map(Epoch::new).map_err(|_| Failure::Answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_differ_with_realm_and_user() {
        let holders = Holders::new();
        let of = |realm, user: &str| holders.of(&Realm::new(realm).unwrap(), &UserId::new(user));
        assert_eq!(of("a", "b"), of("a", "b"));
        for (realm, user) in [("b", "a"), ("ab", ""), ("a", "bb"), ("aa", "b")] {
            assert_ne!(of(realm, user), of("a", "b"), "{realm} {user}");
        }
    }
}
