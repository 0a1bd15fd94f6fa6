//! From a field to a proof.

use std::{
    borrow::Cow,
    fmt,
    hash::{DefaultHasher, Hasher as _},
    hint::black_box,
};

use http::{HeaderValue, Method};

use super::{
    AuthInfo, DigestBuilder,
    issuer::{Issuer, Judgement, Unusable},
};
use crate::{
    authenticator::{
        refusal::Refusal,
        scheme::{Accepted, AuthScheme, ChallengeContext, ClaimContext, Proof, SentCredentials},
    },
    clock::Timestamp,
    error::BackendError,
    policy::StaleCredentials,
    ports::{
        DigestAccount, DigestName, DigestSecrets, DigestUser, NonceStore, NonceUse, Presentation,
        Standing,
    },
    reason::Reason,
    scheme::{
        Realm,
        digest::{
            self, Algorithm, Challenge, Claimed, CredentialsError, HashFunction, HashedA1,
            NonceCount, NonceId, UriCheck, Userhash,
        },
    },
    store::MemoryNonceStore,
};

/// The Digest scheme over a source of secrets and a memory of used nonce-counts.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{
///     authenticator::{Authenticator, DigestScheme},
///     scheme::{Realm, digest::Algorithm},
///     validator::Users,
/// };
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

/// What a client sent, with all that its proof will need.
#[derive(Debug)]
pub struct DigestClaim {
    credentials: digest::Credentials,
    method: Method,
    realm: Realm,
    now: Timestamp,
    nonce: Judgement,
    count: NonceCount,
}

impl DigestClaim {
    /// Refuses what is right but for its account or its nonce.
    fn refuse(&self, reason: Reason, issued: Option<Timestamp>, found: DigestAccount) -> Refusal {
        let mut refusal = Refusal::new(reason).with_account(found.into_account());
        if reason.is_stale() {
            refusal.stale_credentials = Some(StaleCredentials {
                header: hash_of(self.credentials.field()),
                nonce: hash_of(&self.credentials.nonce()),
                issued,
                count: self.count.as_u32(),
            });
        }
        refusal
    }
}

fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// A user whose digest is right, with a nonce that is: all that is left is to record its count.
struct Proved {
    found: DigestAccount,
    nonce: NonceId,
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

    /// Whom to look up, in the order in which it is tried.
    fn names<'a>(claim: &'a DigestClaim) -> impl Iterator<Item = Name<'a>> {
        let (readings, hash) = match claim.credentials.claimed() {
            Claimed::Names(readings) => (readings, None),
            Claimed::Userhash(hash) => ([None, None, None], Some(hash)),
        };
        readings.into_iter().flatten().map(Name::Reading).chain(hash.map(Name::Userhash))
    }

    /// Looks at what is stored for one reading of the name. `None` if that is not who it was;
    /// `reason` says in the end why nobody was.
    fn examine(
        &self,
        claim: &DigestClaim,
        found: Result<Option<DigestAccount>, BackendError>,
        reason: &mut Reason,
    ) -> Result<Option<Proved>, Refusal> {
        let function = claim.credentials.algorithm().hash_function();
        let Some(found) = found? else {
            let nobody = self.nobody.iter().find(|secret| secret.function() == function);
            black_box(nobody.is_some_and(|secret| claim.credentials.prove(secret, &claim.method)));
            return Ok(None);
        };
        if found.ha1().function() != function {
            return Err(BackendError::new("the H(A1) is one for another hash function").into());
        }
        if !claim.credentials.prove(found.ha1(), &claim.method) {
            *reason = Reason::WrongPassword;
            return Ok(None);
        }
        let barred = |reason| Err(Unusable { reason, issued: None });
        let nonce = match found.standing() {
            Standing::Active => claim.nonce,
            Standing::Disabled => barred(Reason::AccountDisabled),
            Standing::Expired => barred(Reason::AccountExpired),
        };
        match nonce {
            Ok(nonce) => Ok(Some(Proved { found, nonce })),
            Err(Unusable { reason, issued }) => Err(claim.refuse(reason, issued, found)),
        }
    }

    fn presentation<'a>(&self, claim: &DigestClaim, proved: &'a Proved) -> Presentation<'a> {
        Presentation {
            nonce: &proved.nonce,
            count: claim.count,
            user: proved.found.account().user(),
            now: claim.now,
            expires: self.issuer.expiry(&proved.nonce),
        }
    }

    fn conclude(
        &self,
        claim: &DigestClaim,
        Proved { found, nonce }: Proved,
        used: Result<NonceUse, BackendError>,
    ) -> Proof {
        let reason = match used? {
            NonceUse::Fresh => {
                let info = self.info(claim, &nonce, found.ha1());
                return Ok(Accepted::new(found.into_account()).with_info(info));
            }
            NonceUse::Replayed => Reason::NonceReplayed,
            NonceUse::OtherUser => Reason::NonceOfOtherUser,
            NonceUse::Forgotten => Reason::NonceForgotten,
        };
        Err(claim.refuse(reason, Some(nonce.issued()), found))
    }

    fn info(&self, claim: &DigestClaim, nonce: &NonceId, ha1: &HashedA1) -> Option<HeaderValue> {
        if self.auth_info == AuthInfo::Off {
            return None;
        }
        // A session's key holds its nonce, so a session never goes on with another one.
        let is_due = self.issuer.is_near_its_end(nonce, claim.now)
            && !claim.credentials.algorithm().is_session();
        let next = is_due.then(|| self.issuer.issue(claim.now, &claim.realm));
        let next = next.as_ref().map(|nonce| nonce.as_str());
        let with_proof = self.auth_info == AuthInfo::Full;
        claim.credentials.authentication_info(ha1, with_proof, next)
    }
}

/// Whom to look up.
enum Name<'a> {
    Reading(Cow<'a, str>),
    Userhash(&'a Userhash),
}

impl Name<'_> {
    fn of<'a>(&'a self, claim: &'a DigestClaim) -> DigestUser<'a> {
        let function = claim.credentials.algorithm().hash_function();
        let name = match self {
            Self::Reading(name) => DigestName::UserId(name),
            Self::Userhash(hash) => DigestName::Userhash(hash),
        };
        DigestUser::new(&claim.realm, function, name)
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
            challenge.to_header_value().into_iter().for_each(&mut *add);
        }
    }

    fn claim(
        &self,
        context: &ClaimContext<'_>,
        credentials: SentCredentials,
    ) -> Result<DigestClaim, Refusal> {
        let position = credentials.position();
        let field = credentials.into_field();
        let mut sent = digest::Credentials::parse(field, position, self.max_parameters)
            .map_err(|error| Refusal::new(reason_of(error)).with_source(error))?;
        self.refuse_what_was_not_offered(&sent)?;
        if *sent.realm() != *context.realm().as_str().as_bytes() {
            return Err(Refusal::new(Reason::OtherRealm));
        }
        if !sent.names_resource(context.head(), &self.uri_check) {
            return Err(Refusal::new(Reason::OtherResource));
        }
        Ok(DigestClaim {
            nonce: self.issuer.judge(&sent.nonce(), context.now(), context.realm()),
            // A response without qop has no count: its nonce is good for one request.
            count: sent.count().unwrap_or(NonceCount::ONE),
            credentials: sent,
            method: context.head().method().clone(),
            realm: context.realm().clone(),
            now: context.now(),
        })
    }

    fn prove_now(&self, claim: &DigestClaim) -> Option<Proof> {
        let mut reason = Reason::UnknownUser;
        for name in Self::names(claim) {
            let found = self.secrets.secret_now(name.of(claim))?;
            match self.examine(claim, found, &mut reason) {
                Ok(None) => {}
                Ok(Some(proved)) => {
                    let presentation = self.presentation(claim, &proved);
                    let used = self.store.check_and_insert_now(presentation)?;
                    return Some(self.conclude(claim, proved, used));
                }
                Err(refusal) => return Some(Err(refusal)),
            }
        }
        Some(Err(Refusal::new(reason)))
    }

    async fn prove(&self, claim: DigestClaim) -> Proof {
        let mut reason = Reason::UnknownUser;
        for name in Self::names(&claim) {
            let found = self.secrets.secret(name.of(&claim)).await;
            if let Some(proved) = self.examine(&claim, found, &mut reason)? {
                let presentation = self.presentation(&claim, &proved);
                let used = self.store.check_and_insert(presentation).await;
                return self.conclude(&claim, proved, used);
            }
        }
        Err(Refusal::new(reason))
    }
}

const fn reason_of(error: CredentialsError) -> Reason {
    match error {
        CredentialsError::Syntax(_) => Reason::Malformed,
        CredentialsError::Duplicate(_) => Reason::DuplicateParameter,
        CredentialsError::Missing(_) => Reason::MissingParameter,
        CredentialsError::Improper(_) => Reason::ImproperParameter,
    }
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
