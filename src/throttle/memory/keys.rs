//! The keys of an attempt: keyed hashes, so that clients cannot choose whose limits they share.

use std::{
    hash::{BuildHasher, Hash, Hasher, RandomState},
    net::IpAddr,
};

use super::proofs::ProofKey;
use crate::{
    claim::{Claim, Claimant},
    error::ConfigError,
    peer::PeerPrefix,
    secret::MacKey,
    throttle::Attempt,
    wire::Realm,
};

/// Makes keys.
#[derive(Clone, Debug)]
pub(super) struct KeyMaker {
    hasher: RandomState,
    mac: MacKey,
    prefix: PeerPrefix,
}

/// The keys of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// The peer, if it is known.
    pub(super) peer: Option<u64>,
    /// The name as sent; `None` if the credentials contain no name.
    pub(super) name: Option<u64>,
    /// The credentials, if they are the same in every request.
    pub(super) credentials: Option<ProofKey>,
}

/// What a key is made of, so that keys of different kinds differ.
#[derive(Hash)]
enum Kind {
    Peer,
    Name,
    Userhash,
    Pair,
    ProvedPair,
    ProvedCredentials,
    Unnamed,
}

impl KeyMaker {
    /// # Errors
    /// [`ConfigError::Randomness`]
    pub(super) fn new(prefix: PeerPrefix) -> Result<Self, ConfigError> {
        Ok(Self { hasher: RandomState::new(), mac: MacKey::random()?, prefix })
    }

    pub(super) fn attempt(&self, attempt: &Attempt<'_>) -> Keys {
        Keys {
            peer: attempt.peer.map(|peer| self.peer(peer)),
            name: match attempt.claim.claimant() {
                Claimant::Name(name) => Some(self.user(attempt.realm, name)),
                Claimant::Userhash(hash) => {
                    Some(self.hash((Kind::Userhash, attempt.realm, hash.as_bytes())))
                }
                Claimant::Unnamed => None,
            },
            credentials: self.credentials(attempt.realm, attempt.claim),
        }
    }

    fn peer(&self, peer: IpAddr) -> u64 {
        self.hash((Kind::Peer, self.prefix.network(peer)))
    }

    /// The key of a user, by a name or by the user-id, without regard to case.
    pub(super) fn user(&self, realm: &Realm, name: &str) -> u64 {
        self.hash((Kind::Name, realm, Folded(name)))
    }

    /// The key of a user at a peer.
    pub(super) fn pair(&self, user: u64, peer: u64) -> u64 {
        self.hash((Kind::Pair, user, peer))
    }

    /// The key of a user who has logged in from the peer.
    pub(super) fn proved_pair(&self, user: u64, peer: u64) -> u64 {
        self.hash((Kind::ProvedPair, user, peer))
    }

    /// The key of credentials that were accepted before, at a peer.
    pub(super) fn proved_credentials(&self, credentials: ProofKey, peer: Option<u64>) -> u64 {
        self.hash((Kind::ProvedCredentials, credentials, peer))
    }

    /// The key of credentials without a name, from an unknown peer.
    pub(super) fn unnamed(&self) -> u64 {
        self.hash(Kind::Unnamed)
    }

    fn credentials(&self, realm: &Realm, claim: Claim<'_>) -> Option<ProofKey> {
        let secret = claim.fixed_secret()?;
        let (kind, name) = match claim.claimant() {
            Claimant::Name(name) => (b"name", name.as_bytes()),
            Claimant::Userhash(hash) => (b"hash", hash.as_bytes()),
            Claimant::Unnamed => (b"none", &[][..]),
        };
        let mac = self.mac.mac(&[realm.as_str().as_bytes(), kind, name, secret.as_bytes()]);
        let [first, rest @ ..] = mac.as_chunks::<8>().0 else { return None };
        let second = rest.first()?;
        Some([u64::from_le_bytes(*first), u64::from_le_bytes(*second)])
    }

    fn hash(&self, key: impl Hash) -> u64 {
        self.hasher.hash_one(key)
    }
}

/// Hashes a name without regard to case.
struct Folded<'a>(&'a str);

impl Hash for Folded<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for char in self.0.chars() {
            if char.is_ascii() {
                state.write_u32(char.to_ascii_lowercase().into());
                continue;
            }
            // To upper case first, since several lower-case letters can have the same upper case.
            for char in char.to_uppercase().flat_map(char::to_lowercase) {
                state.write_u32(char.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        wire::digest::{HashFunction, Userhash},
    };

    fn keys() -> KeyMaker {
        KeyMaker::new(PeerPrefix::DEFAULT).unwrap()
    }

    fn realm(name: &'static str) -> Realm {
        Realm::from_static(name)
    }

    fn attempt(maker: &KeyMaker, realm: &Realm, claim: Claim<'_>, peer: &str) -> Keys {
        let attempt = Attempt::new(realm, claim, Timestamp::default());
        maker.attempt(&attempt.with_peer(peer.parse().ok()))
    }

    #[test]
    fn names_compare_without_regard_to_case() {
        let (maker, realm) = (keys(), realm("proxy"));
        for (one, other, same) in [
            ("alice", "Alice", true),
            ("alice", "ALICE", true),
            ("alice", "alicf", false),
            ("stra\u{df}e", "STRASSE", true),
            ("\u{3c3}", "\u{3c2}", true),
            ("k", "\u{212a}", true),
            ("\u{e9}", "\u{c9}", true),
            ("\u{e9}", "e", false),
        ] {
            let equal = maker.user(&realm, one) == maker.user(&realm, other);
            assert_eq!(equal, same, "{one} {other}");
        }
    }

    #[test]
    fn every_part_makes_a_difference() {
        let maker = keys();
        let (realm, other) = (realm("proxy"), realm("other"));
        let name = |name| Claim::new(Claimant::Name(name));
        let hash = Userhash::new(HashFunction::Sha256, "alice", &realm);
        let hash = Claim::new(Claimant::Userhash(&hash));
        let all = [
            attempt(&maker, &realm, name("alice").with_fixed_secret("x"), "192.0.2.1"),
            attempt(&maker, &realm, name("alice").with_fixed_secret("y"), "192.0.2.1"),
            attempt(&maker, &realm, name("Alice").with_fixed_secret("x"), "192.0.2.1"),
            attempt(&maker, &realm, name("alic").with_fixed_secret("ex"), "192.0.2.1"),
            attempt(&maker, &realm, name("alice"), "192.0.2.1"),
            attempt(&maker, &realm, name("alice"), "192.0.2.2"),
            attempt(&maker, &realm, name("alice"), "2001:db8::1"),
            attempt(&maker, &realm, name("alice"), ""),
            attempt(&maker, &realm, name("bob"), "192.0.2.1"),
            attempt(&maker, &other, name("alice"), "192.0.2.1"),
            attempt(&maker, &realm, hash, "192.0.2.1"),
            attempt(&maker, &realm, Claim::new(Claimant::Unnamed), "192.0.2.1"),
            attempt(&keys(), &realm, name("alice"), "192.0.2.1"),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|other| one != other), "{index}");
        }
        let same = attempt(&maker, &realm, name("alice"), "2001:db8::ffff:2");
        assert_eq!(same, all[6]);
        let [user, peer] = [all[0].name, all[0].peer].map(Option::unwrap);
        assert_ne!(maker.pair(user, peer), maker.proved_pair(user, peer));
        assert_ne!(maker.pair(user, peer), maker.pair(peer, user));
    }
}
