//! The Digest scheme: from a field to an authenticated user.

use std::{fmt, hint::black_box};

use http::{HeaderValue, Method};

use super::{
    AuthInfo, DigestBuilder,
    builder::Options,
    names::{Candidate, candidates},
    nonces::Nonces,
};
use crate::{
    authenticator::{
        refusal::Refusal,
        scheme::{
            AuthResult, AuthScheme, Authenticated, ChallengeContext, RequestContext, SchemeSetup,
            SentCredentials,
        },
    },
    backend::{AccountLookup, AccountStatus, DigestAccount, DigestSecrets, SecretLookup},
    claim::{Claim, Claimant},
    clock::Timestamp,
    error::{BackendError, ConfigError},
    nonce_store::{MemoryNonceStore, NonceCheck, NonceCount, NonceId, NonceStore, NonceUse},
    reason::Reason,
    revocation::Revocations,
    throttle::Ticket,
    user_id::UserId,
    wire::{
        Realm,
        digest::{self, Algorithm, Challenge, Credentials, CredentialsError, HashedA1, Username},
    },
};

/// The Digest scheme over a source of secrets and a store of used nonce-counts.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Authenticator, DigestScheme, Realm, Users, digest::Algorithm};
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let digest = DigestScheme::builder(users)
///     .with_algorithms([Algorithm::Sha256, Algorithm::Sha512_256, Algorithm::Md5])
///     .with_userhash(true)
///     .build()?;
/// let auth = Authenticator::builder(realm).with_scheme(digest).build()?;
/// # let _ = auth;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DigestScheme<V, S = MemoryNonceStore> {
    pub(super) secrets: V,
    pub(super) store: S,
    pub(super) nonces: Nonces,
    pub(super) options: Options,
    /// Used to verify responses of unknown users, so that they take as long.
    pub(super) dummy_secrets: Box<[HashedA1]>,
}

/// Credentials that match the head of their request, with everything that is needed to verify them.
#[expect(unnameable_types, reason = "opaque outside of the scheme")]
pub struct ParsedDigest {
    credentials: Credentials,
    realm: Realm,
    method: Method,
    now: Timestamp,
    /// The users that the request may be from.
    candidates: Vec<Candidate>,
}

impl<V: DigestSecrets> DigestScheme<V> {
    /// Collects the options.
    pub fn builder(secrets: V) -> DigestBuilder<V> {
        DigestBuilder::new(secrets)
    }
}

impl<V: DigestSecrets, S: NonceStore> DigestScheme<V, S> {
    /// The configured algorithms for which the source currently has secrets.
    fn offered(&self) -> impl Iterator<Item = Algorithm> {
        let held = self.secrets.hash_functions();
        let is_held = move |one: &Algorithm| held.contains(one.hash_function());
        self.options.algorithms.iter().copied().filter(is_held)
    }

    fn is_legacy(&self, algorithm: Algorithm) -> bool {
        self.options.legacy_rfc2069 && algorithm == Algorithm::Md5
    }

    fn refuse_what_was_not_offered(
        &self,
        sent: &Credentials,
        username: &Username,
    ) -> Result<(), Refusal> {
        if matches!(username, Username::Userhash(_)) && !self.options.userhash {
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

    fn verify_response(
        &self,
        request: &ParsedDigest,
        lookup: SecretLookup,
    ) -> Result<DigestAccount, Refusal> {
        let function = request.credentials.algorithm().hash_function();
        let is_right =
            |secret: &HashedA1| request.credentials.is_response_for(secret, &request.method);
        let stored = match lookup {
            SecretLookup::Found(stored) => stored,
            unusable => {
                let dummy = self.dummy_secrets.iter().find(|one| one.function() == function);
                black_box(dummy.is_some_and(is_right));
                return Err(match unusable {
                    SecretLookup::Unusable(record) => record.into(),
                    _ => Refusal::new(Reason::UnknownUser),
                });
            }
        };
        if stored.ha1().function() != function {
            let error = "the source returned an H(A1) for another hash function";
            return Err(BackendError::new(error).into());
        }
        if !is_right(stored.ha1()) {
            let user = stored.account().user().clone();
            return Err(Refusal::new(Reason::WrongPassword).with_suspect(user));
        }
        match stored.status() {
            AccountStatus::Active => Ok(stored),
            AccountStatus::Disabled => {
                Err(Refusal::new(Reason::AccountDisabled).with_account(stored.into_account()))
            }
            AccountStatus::Expired => {
                Err(Refusal::new(Reason::AccountExpired).with_account(stored.into_account()))
            }
        }
    }

    /// Verifies the nonce and records its count.
    async fn use_nonce(
        &self,
        request: &ParsedDigest,
        candidate: &Candidate,
        stored: DigestAccount,
    ) -> AuthResult {
        let ParsedDigest { credentials, realm, now, .. } = request;
        let account = stored.account();
        let nonce = match self.nonces.verify(&credentials.nonce(), *now, realm) {
            Ok(nonce) => nonce,
            Err(reason) => return Err(Refusal::new(reason).with_account(stored.into_account())),
        };
        let nonce_count = NonceCheck {
            nonce: &nonce,
            // A response without qop has no count, so its nonce is valid for one request.
            count: credentials.count().unwrap_or(NonceCount::ONE),
            realm,
            user: account.user(),
            now: *now,
            expires: self.nonces.expiry(&nonce),
        };
        let reason = match self.store.check_and_insert(nonce_count).await? {
            NonceUse::Fresh => {
                let info = self.info(request, &nonce, stored.ha1());
                let authenticated = Authenticated::new(stored.into_account()).with_info(info);
                return Ok(authenticated.with_user_parameters(candidate.user_parameters()));
            }
            NonceUse::Replayed => Reason::NonceReplayed,
            NonceUse::OtherUser => Reason::NonceOfOtherUser,
            NonceUse::Forgotten => Reason::NonceForgotten,
            NonceUse::OtherEpoch => Reason::NonceUnknown,
        };
        Err(Refusal::new(reason).with_account(stored.into_account()))
    }

    fn info(&self, request: &ParsedDigest, nonce: &NonceId, ha1: &HashedA1) -> Option<HeaderValue> {
        if self.options.auth_info == AuthInfo::Off {
            return None;
        }
        // The key of a session contains its nonce, so a session cannot continue with another one.
        let is_due = self.nonces.is_near_expiry(nonce, request.now)
            && !request.credentials.algorithm().is_session();
        // Without an epoch the client gets its next nonce from a 407.
        let epoch = is_due.then(|| self.store.epoch().ok()).flatten();
        let next = epoch.map(|epoch| self.nonces.issue(epoch, request.now, &request.realm));
        let ha1 = (self.options.auth_info == AuthInfo::Full).then_some(ha1);
        request.credentials.authentication_info(ha1, next.as_deref())
    }
}

impl<V: DigestSecrets, S: NonceStore> AuthScheme for DigestScheme<V, S> {
    type Credentials = ParsedDigest;

    fn name(&self) -> &'static str {
        digest::NAME
    }

    fn challenges(&self, context: &ChallengeContext<'_>) -> Result<Vec<HeaderValue>, BackendError> {
        // Clients combine the parameters of different challenges, so all have the same nonce.
        let nonce = self.nonces.issue(self.store.epoch()?, context.now, context.realm);
        let challenges = self.offered().map(|algorithm| Challenge {
            realm: context.realm,
            algorithm,
            nonce: &nonce,
            qop: !self.is_legacy(algorithm),
            userhash: self.options.userhash,
            stale: context.stale,
        });
        Ok(challenges.filter_map(Challenge::to_header_value).collect())
    }

    fn parse(
        &self,
        context: &RequestContext<'_>,
        sent: SentCredentials,
    ) -> Result<ParsedDigest, Refusal> {
        let SentCredentials { field, position } = sent;
        let maximum = self.options.max_parameters;
        let (mut credentials, username) =
            Credentials::parse(field, position, context.latin1, maximum)
                .map_err(|error| Refusal::new(reason_of(error)).with_source(error))?;
        self.refuse_what_was_not_offered(&credentials, &username)?;
        if *credentials.realm() != *context.realm.as_str().as_bytes() {
            return Err(Refusal::new(Reason::OtherRealm));
        }
        if !credentials.choose_uri(context.head, &self.options.uri_check) {
            return Err(Refusal::new(Reason::OtherResource));
        }
        Ok(ParsedDigest {
            candidates: candidates(context, username)?,
            credentials,
            realm: context.realm.clone(),
            method: context.head.method().clone(),
            now: context.now,
        })
    }

    fn claim<'a>(&self, request: &'a ParsedDigest) -> Claim<'a> {
        let claimant = request.candidates.first().map_or(Claimant::Unnamed, Candidate::claimant);
        Claim::new(claimant).with_algorithm(request.credentials.algorithm().as_str())
    }

    /// Verifies the response before its nonce, so that a nonce-count cannot be used up without the
    /// password.
    async fn verify(&self, request: &ParsedDigest, ticket: Option<&Ticket>) -> AuthResult {
        let function = request.credentials.algorithm().hash_function();
        let mut refusal = Refusal::new(Reason::UnknownUser);
        for candidate in &request.candidates {
            let user = candidate.user(&request.realm, function).with_ticket(ticket);
            let lookup = self.secrets.secret(user).await?;
            match self.verify_response(request, lookup) {
                Ok(stored) => return self.use_nonce(request, candidate, stored).await,
                Err(next) => match next.reason() {
                    Reason::UnknownUser => {}
                    // Another reading may be the right one. The operator must hear of a record
                    // that cannot be used, so a wrong password does not replace it.
                    Reason::WrongPassword | Reason::UnusableRecord => {
                        if refusal.reason() != Reason::UnusableRecord {
                            refusal = next;
                        }
                    }
                    _ => return Err(next),
                },
            }
        }
        Err(refusal)
    }

    async fn account(&self, realm: &Realm, user: &UserId) -> Result<AccountLookup, BackendError> {
        self.secrets.account(realm, user).await
    }

    fn check(&self, setup: &SchemeSetup<'_>) -> Result<(), ConfigError> {
        if setup.splits_user_names {
            let unsupported = |problem| {
                Err(ConfigError::UserParametersUnsupported { scheme: digest::NAME, problem })
            };
            if !self.secrets.holds_passwords() {
                return unsupported(
                    "clients hash the whole name, so the source of secrets must hold passwords",
                );
            }
            if self.options.userhash {
                return unsupported("a name cannot be read from a userhash: leave userhash out");
            }
        }
        self.secrets.serves(setup.realm)
    }

    fn attach(&self, revocations: &Revocations) {
        self.secrets.attach(revocations);
    }
}

const fn reason_of(error: CredentialsError) -> Reason {
    match error {
        CredentialsError::Syntax(_) => Reason::Malformed,
        CredentialsError::Duplicate(_) => Reason::DuplicateParameter,
        CredentialsError::Missing(_) => Reason::MissingParameter,
        CredentialsError::Improper(_) => Reason::ImproperParameter,
        CredentialsError::UndecodableUserId => Reason::Undecodable,
        CredentialsError::EmptyUserId => Reason::EmptyUserId,
        CredentialsError::ControlCharacter => Reason::ControlCharacter,
    }
}

impl fmt::Debug for ParsedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ParsedDigest(..)")
    }
}

impl<V, S> fmt::Debug for DigestScheme<V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestScheme")
            .field("algorithms", &self.options.algorithms)
            .field("auth_info", &self.options.auth_info)
            .field("nonces", &self.nonces)
            .finish_non_exhaustive()
    }
}
