//! From a field to a proof.

use std::{fmt, hint::black_box};

use http::HeaderValue;

use super::{
    AuthInfo, DigestBuilder,
    claim::{Candidate, DigestClaim, candidates, reason_of, split},
    issuer::{Issuer, Unusable},
};
use crate::{
    authenticator::{
        refusal::Refusal,
        scheme::{Accepted, AuthScheme, ChallengeContext, ClaimContext, Proof, SentCredentials},
    },
    backend::{AccountStatus, DigestAccount, DigestSecrets},
    error::{BackendError, ConfigError},
    nonce_store::{MemoryNonceStore, NonceCheck, NonceStore, NonceUse},
    reason::Reason,
    wire::{
        Realm,
        digest::{
            self, Algorithm, Challenge, CredentialsError, HashFunction, HashedA1, NonceCount,
            NonceId, SealedNonce, UriCheck, Verified,
        },
    },
};

/// The Digest scheme over a source of secrets and a memory of used nonce-counts.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Authenticator, DigestScheme, Realm, Users, digest::Algorithm};
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let digest = DigestScheme::builder(users)
///     .with_algorithms([Algorithm::Sha256, Algorithm::Sha512_256, Algorithm::Md5])
///     .with_userhash()
///     .build()?;
/// let auth = Authenticator::builder(realm).with_scheme(digest).build()?;
/// # let _ = auth;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DigestScheme<V, S = MemoryNonceStore> {
    pub(super) secrets: V,
    pub(super) store: S,
    pub(super) issuer: Issuer,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) auth_info: AuthInfo,
    pub(super) uri_check: UriCheck,
    pub(super) userhash: bool,
    pub(super) legacy_rfc2069: bool,
    pub(super) max_parameters: usize,
    /// What the answers of unknown users are compared with, so that they take as long.
    pub(super) nobody: [HashedA1; HashFunction::EACH.len()],
}

impl<V: DigestSecrets> DigestScheme<V> {
    /// Collects the options.
    pub fn builder(secrets: V) -> DigestBuilder<V> {
        DigestBuilder::new(secrets)
    }
}

impl<V: DigestSecrets, S: NonceStore> DigestScheme<V, S> {
    /// The configured algorithms that the secrets serve now.
    fn offered(&self) -> impl Iterator<Item = Algorithm> {
        let held = self.secrets.hash_functions();
        let is_held = move |one: &Algorithm| held.contains(one.hash_function());
        self.algorithms.iter().copied().filter(is_held)
    }

    fn is_legacy(&self, algorithm: Algorithm) -> bool {
        self.legacy_rfc2069 && algorithm == Algorithm::Md5
    }

    /// What the configuration says of credentials that are well-formed.
    fn refuse_what_was_not_offered(&self, sent: &digest::Credentials) -> Result<(), Refusal> {
        if sent.has_userhash() && !self.userhash {
            let error = CredentialsError::Improper("userhash");
            return Err(Refusal::new(Reason::ImproperParameter).with_source(error));
        }
        if !self.offered().any(|one| one == sent.algorithm()) {
            return Err(Refusal::new(Reason::AlgorithmNotOffered));
        }
        if sent.count().is_none() && !self.is_legacy(sent.algorithm()) {
            let error = CredentialsError::Missing("qop");
            return Err(Refusal::new(Reason::MissingParameter).with_source(error));
        }
        Ok(())
    }

    /// Looks at what is stored for one reading of the name. `None` if that is not who it was;
    /// `reason` says in the end why nobody was. All that is left then is the nonce.
    fn examine(
        &self,
        claim: &DigestClaim,
        found: Result<Option<DigestAccount>, BackendError>,
        reason: &mut Reason,
    ) -> Result<Option<ProvenUser>, Refusal> {
        let function = claim.credentials.algorithm().hash_function();
        let with_rspauth = self.auth_info == AuthInfo::Full;
        let verify =
            |secret: &HashedA1| claim.credentials.verify(secret, &claim.method, with_rspauth);
        let Some(found) = found? else {
            let nobody = self.nobody.iter().find(|secret| secret.function() == function);
            black_box(nobody.and_then(verify));
            return Ok(None);
        };
        if found.ha1().function() != function {
            return Err(BackendError::new("the H(A1) is one for another hash function").into());
        }
        let Some(verified) = verify(found.ha1()) else {
            *reason = Reason::WrongPassword;
            return Ok(None);
        };
        match found.status() {
            AccountStatus::Active => Ok(Some(ProvenUser { found, verified })),
            AccountStatus::Disabled => Err(claim.refuse(Reason::AccountDisabled, None, found)),
            AccountStatus::Expired => Err(claim.refuse(Reason::AccountExpired, None, found)),
        }
    }

    /// Records the count of a nonce that the store knows with this seal already. `None`, and
    /// nothing done, if it does not.
    ///
    /// That seal was found genuine under the keys of today when it came last. To check it again
    /// would be two more hashes.
    fn use_known_nonce(&self, claim: &DigestClaim, found: &DigestAccount) -> Option<UsedNonce> {
        let nonce = self.issuer.judge_claimed(claim.nonce.as_ref()?.claimed(), claim.now).ok()?;
        let used = self.store.check_known_now(self.presentation(claim, &nonce, found))?;
        Some(UsedNonce { nonce, used })
    }

    /// The nonce, if we sealed it and its age is right. What it was used for, the store says.
    fn usable_nonce(
        &self,
        realm: &Realm,
        claim: &DigestClaim,
        found: &DigestAccount,
    ) -> Result<NonceId, Refusal> {
        self.issuer
            .judge(claim.nonce.as_ref(), claim.now, realm)
            .map_err(|Unusable { reason, issued }| claim.refuse(reason, issued, found.clone()))
    }

    fn presentation<'a>(
        &self,
        claim: &DigestClaim,
        nonce: &'a NonceId,
        found: &'a DigestAccount,
    ) -> NonceCheck<'a> {
        let (user, expires) = (found.account().user(), self.issuer.expiry(nonce));
        NonceCheck::new(nonce, claim.count, user, claim.now, expires).with_seal(claim.seal)
    }

    fn conclude(
        &self,
        realm: &Realm,
        claim: &DigestClaim,
        candidate: Candidate<'_>,
        ProvenUser { found, verified }: ProvenUser,
        UsedNonce { nonce, used }: UsedNonce,
    ) -> Proof {
        let reason = match used? {
            NonceUse::Fresh => {
                let info = self.info(realm, claim, &nonce, &verified);
                let accepted = Accepted::new(found.into_account()).with_info(info);
                return Ok(accepted.with_user_parameters(candidate.user_parameters.cloned()));
            }
            NonceUse::Replayed => Reason::NonceReplayed,
            NonceUse::OtherUser => Reason::NonceOfOtherUser,
            NonceUse::Forgotten => Reason::NonceForgotten,
        };
        Err(claim.refuse(reason, Some(nonce.issued()), found))
    }

    fn info(
        &self,
        realm: &Realm,
        claim: &DigestClaim,
        nonce: &NonceId,
        verified: &Verified,
    ) -> Option<HeaderValue> {
        if self.auth_info == AuthInfo::Off {
            return None;
        }
        // A session's key holds its nonce, so a session never goes on with another one.
        let is_due = self.issuer.is_near_its_end(nonce, claim.now)
            && !claim.credentials.algorithm().is_session();
        let next = is_due.then(|| self.issuer.issue(claim.now, realm));
        let next = next.as_ref().map(|nonce| nonce.as_str());
        claim.credentials.authentication_info(verified, next)
    }
}

impl<V: DigestSecrets, S: NonceStore> AuthScheme for DigestScheme<V, S> {
    type Claim = DigestClaim;

    fn name(&self) -> &'static str {
        digest::NAME
    }

    fn challenges(&self, context: &ChallengeContext<'_>, add: &mut dyn FnMut(HeaderValue)) {
        let nonce = self.issuer.issue(context.now(), context.realm());
        for algorithm in self.offered() {
            let challenge = Challenge {
                realm: context.realm(),
                algorithm,
                nonce: nonce.as_str(),
                opaque: self.issuer.opaque(),
                qop: !self.is_legacy(algorithm),
                userhash: self.userhash,
                stale: context.stale(),
            };
            if let Some(challenge) = challenge.to_header_value() {
                add(challenge);
            }
        }
    }

    fn claim(
        &self,
        context: &ClaimContext<'_>,
        credentials: SentCredentials,
    ) -> Result<DigestClaim, Refusal> {
        let position = credentials.position();
        let field = credentials.into_field();
        let mut sent = match digest::Credentials::parse(field, position, self.max_parameters) {
            Ok(sent) => sent,
            Err(error) => return Err(Refusal::new(reason_of(error)).with_source(error)),
        };
        self.refuse_what_was_not_offered(&sent)?;
        if *sent.realm() != *context.realm().as_bytes() {
            return Err(Refusal::new(Reason::OtherRealm));
        }
        if !sent.names_resource(context.head(), &self.uri_check) {
            return Err(Refusal::new(Reason::OtherResource));
        }
        let nonce = SealedNonce::read(&sent.nonce());
        Ok(DigestClaim {
            splits: split(context, &sent)?,
            seal: nonce.as_ref().map_or(0, |nonce| self.issuer.seal_number(nonce, context.realm())),
            nonce,
            // A response without qop has no count: its nonce is good for one request.
            count: sent.count().unwrap_or(NonceCount::ONE),
            credentials: sent,
            method: context.head().method().clone(),
            now: context.now(),
        })
    }

    fn prove_now(&self, context: &ClaimContext<'_>, claim: &DigestClaim) -> Option<Proof> {
        let (realm, function) = (context.realm(), claim.credentials.algorithm().hash_function());
        let mut reason = Reason::UnknownUser;
        let claimed = claim.credentials.claimed();
        for candidate in candidates(&claimed, claim.splits.as_deref()) {
            let found = self.secrets.secret_now(candidate.user(realm, function))?;
            let proven = match self.examine(claim, found, &mut reason) {
                Ok(Some(proven)) => proven,
                Ok(None) => continue,
                Err(refusal) => return Some(Err(refusal)),
            };
            let used = match self.use_known_nonce(claim, &proven.found) {
                Some(used) => used,
                None => {
                    let nonce = match self.usable_nonce(realm, claim, &proven.found) {
                        Ok(nonce) => nonce,
                        Err(refusal) => return Some(Err(refusal)),
                    };
                    let presentation = self.presentation(claim, &nonce, &proven.found);
                    let used = self.store.check_and_insert_now(presentation)?;
                    UsedNonce { nonce, used }
                }
            };
            return Some(self.conclude(realm, claim, candidate, proven, used));
        }
        Some(Err(Refusal::new(reason)))
    }

    async fn prove(&self, realm: Realm, claim: DigestClaim) -> Proof {
        let function = claim.credentials.algorithm().hash_function();
        let mut reason = Reason::UnknownUser;
        let claimed = claim.credentials.claimed();
        for candidate in candidates(&claimed, claim.splits.as_deref()) {
            let found = self.secrets.secret(candidate.user(&realm, function)).await;
            let Some(proven) = self.examine(&claim, found, &mut reason)? else { continue };
            let used = match self.use_known_nonce(&claim, &proven.found) {
                Some(used) => used,
                None => {
                    let nonce = self.usable_nonce(&realm, &claim, &proven.found)?;
                    let presentation = self.presentation(&claim, &nonce, &proven.found);
                    let used = self.store.check_and_insert(presentation).await;
                    UsedNonce { nonce, used }
                }
            };
            return self.conclude(&realm, &claim, candidate, proven, used);
        }
        Err(Refusal::new(reason))
    }

    fn check_user_parameters(&self) -> Result<(), ConfigError> {
        let problem = match self.userhash {
            _ if !self.secrets.holds_passwords() => {
                "a client hashes the whole name, so the source of secrets must hold passwords"
            }
            true => "with userhash, a name cannot be read: leave it out",
            false => return Ok(()),
        };
        Err(ConfigError::UserParametersUnsupported { scheme: digest::NAME, problem })
    }
}

/// A user who has proved to know the secret.
struct ProvenUser {
    found: DigestAccount,
    verified: Verified,
}

/// A nonce whose count has been put to the store, and what the store made of it.
struct UsedNonce {
    nonce: NonceId,
    used: Result<NonceUse, BackendError>,
}

impl<V, S> fmt::Debug for DigestScheme<V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestScheme")
            .field("algorithms", &self.algorithms)
            .field("auth_info", &self.auth_info)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
