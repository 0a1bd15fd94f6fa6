//! Revocation ends the access of users who are logged in.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use http::Method;
use tokio::{task::yield_now, time::timeout};
use tower_proxy_auth::{
    Account, Authenticator, CredentialValidator, DigestSecrets, Identity, ProxyAuthLayer, Realm,
    UserId, Users,
    authenticator::AuthenticatorBuilder,
    backend::{AnySecrets, AnyValidator, SecretsChain, ValidatorChain},
    revocation::{RevocationHandle, Revocations},
};

use crate::support::{
    digest::Digest,
    layer::{Origin, RIGHT, URL, get, realm, request, send, users, with_credentials},
};

/// `bob:wonder`.
const BOB: &str = "Basic Ym9iOndvbmRlcg==";

fn alice() -> UserId {
    UserId::new("alice")
}

fn builder() -> AuthenticatorBuilder {
    Authenticator::builder(realm())
}

/// The identity of a forwarded request.
async fn forwarded(auth: &Authenticator, credentials: &str) -> Identity {
    let origin = Origin::new();
    let response = send(&ProxyAuthLayer::new(auth.clone()), &origin, get(credentials)).await;
    assert_eq!(response.status(), 200);
    origin.identity().unwrap()
}

/// Logs alice in with Digest.
async fn by_digest(auth: &Authenticator) -> Identity {
    let layer = ProxyAuthLayer::new(auth.clone());
    let refused = send(&layer, &Origin::new(), request(Method::GET, URL)).await;
    let credentials = Digest::of_headers(refused.headers()).answer("GET", "/a?b=c");
    forwarded(auth, &credentials).await
}

/// Whether the access has ended.
fn has_ended(identity: &Identity) -> bool {
    let revoked = pin!(identity.revoked());
    revoked.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[tokio::test(start_paused = true)]
async fn wakes_who_waits_for_the_end_of_access() {
    let auth = builder().with_digest(users()).with_basic(users()).build().unwrap();
    for scheme in ["Basic", "Digest"] {
        let identity = match scheme {
            "Basic" => forwarded(&auth, RIGHT).await,
            _ => by_digest(&auth).await,
        };
        assert_eq!(identity.scheme(), scheme);
        let waiting = tokio::spawn(identity.revoked());
        auth.revoke(&realm(), &UserId::new("bob"));
        auth.revoke(&Realm::new("other").unwrap(), &alice());
        yield_now().await;
        assert!(!waiting.is_finished() && !has_ended(&identity), "{scheme}");
        auth.revoke(&realm(), &alice());
        timeout(Duration::from_secs(1), waiting).await.expect("it is woken").unwrap();
        assert!(has_ended(&identity), "{scheme}");
    }
}

#[tokio::test]
async fn never_ends_anonymous_access() {
    let auth = builder().with_basic(users()).with_anonymous(true).build().unwrap();
    let origin = Origin::new();
    send(&ProxyAuthLayer::new(auth.clone()), &origin, request(Method::GET, URL)).await;
    let identity = origin.identity().unwrap();
    for user in ["", "alice", "anonymous"] {
        auth.revoke(&realm(), &UserId::new(user));
    }
    assert!(identity.is_anonymous() && !has_ended(&identity));
}

#[tokio::test]
async fn revokes_one_user_of_one_realm_until_the_next_login() {
    let other = Realm::new("other").unwrap();
    let users = ValidatorChain::new()
        .with(users().with_user("bob", "wonder").unwrap())
        .with(Users::new(&other).with_user("alice", "wonder").unwrap());
    let of_other = other.clone();
    let auth = builder().with_basic(users).with_realm_of(move |head| {
        (head.target().host() == Some("other.example")).then(|| of_other.clone())
    });
    let auth = auth.build().unwrap();
    let origin = Origin::new();
    let elsewhere = with_credentials(request(Method::GET, "http://other.example/"), RIGHT);
    send(&ProxyAuthLayer::new(auth.clone()), &origin, elsewhere).await;
    let elsewhere = origin.identity().unwrap();
    assert_eq!((elsewhere.user(), elsewhere.realm()), (Some(&alice()), &other));
    let [first, again] = [forwarded(&auth, RIGHT).await, forwarded(&auth, RIGHT).await];
    let bob = forwarded(&auth, BOB).await;

    auth.revoke(&realm(), &alice());
    assert!(has_ended(&first) && has_ended(&again));
    assert!(!has_ended(&bob) && !has_ended(&elsewhere));
    let next = forwarded(&auth, RIGHT).await;
    assert!(!has_ended(&next) && has_ended(&first));
    auth.revoke(&realm(), &alice());
    assert!(has_ended(&next));
}

#[cfg(feature = "cached")]
#[tokio::test]
async fn a_revoked_user_is_checked_again() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tower_proxy_auth::{
        BasicCredentials, Verdict,
        backend::{cached::Cached, from_fn},
    };

    let asked = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&asked);
    let validator = from_fn(move |credentials: &BasicCredentials<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        Verdict::Accepted(Account::new(credentials.user_id()))
    });
    let auth = builder().with_basic(Cached::new(validator).unwrap()).build().unwrap();
    for (checks, revoked) in [(1, "bob"), (1, "alice"), (2, "alice"), (3, "bob")] {
        let identity = forwarded(&auth, RIGHT).await;
        assert_eq!(asked.load(Ordering::Relaxed), checks);
        auth.revoke(&realm(), &UserId::new(revoked));
        assert_eq!(has_ended(&identity), revoked == "alice");
    }
}

/// Wraps users as a validator and as a source of secrets.
type Wraps = fn(Users) -> (AnyValidator, AnySecrets);

fn both<T: CredentialValidator + DigestSecrets + Clone>(source: T) -> (AnyValidator, AnySecrets) {
    (AnyValidator::new(source.clone()), AnySecrets::new(source))
}

const WRAPPERS: &[(&str, Wraps)] = &[
    ("itself", |users| both(users)),
    ("Arc", |users| both(Arc::new(users))),
    ("the first of a chain", |users| {
        let other = Users::new(&realm());
        let validators = ValidatorChain::new().with(users.clone()).with(other.clone());
        let secrets = SecretsChain::new().with(users).with(other);
        (AnyValidator::new(validators), AnySecrets::new(secrets))
    }),
    ("the last of a chain", |users| {
        let other = Users::new(&realm());
        let validators = ValidatorChain::new().with(other.clone()).with(users.clone());
        let secrets = SecretsChain::new().with(other).with(users);
        (AnyValidator::new(validators), AnySecrets::new(secrets))
    }),
    #[cfg(feature = "cached")]
    ("Cached", |users| both(tower_proxy_auth::backend::cached::Cached::new(users).unwrap())),
    #[cfg(feature = "timeout")]
    ("Timeout", |users| {
        both(tower_proxy_auth::backend::Timeout::new(users, Duration::from_secs(5)))
    }),
];

type Change = fn(&Users);

const CHANGES: [(&str, Change); 3] = [
    ("set", |users| users.set("alice", "changed").unwrap()),
    ("set_account", |users| {
        let account = Account::new("alice").with_group("staff");
        users.set_account(account, "wonder").unwrap();
    }),
    ("remove", |users| assert!(users.remove("alice"))),
];

#[tokio::test]
async fn a_changed_user_loses_access_through_every_wrapper() {
    for (wrapper, wraps) in WRAPPERS {
        for (name, change) in CHANGES {
            let (for_basic, for_digest) = (users(), users());
            let (validator, _) = wraps(for_basic.clone());
            let (_, secrets) = wraps(for_digest.clone());
            let auth = builder().with_basic(validator).with_digest(secrets).build().unwrap();
            for source in [for_basic, for_digest] {
                let identities = [forwarded(&auth, RIGHT).await, by_digest(&auth).await];
                assert!(!identities.iter().any(has_ended), "{wrapper}, {name}");
                change(&source);
                assert!(identities.iter().all(has_ended), "{wrapper}, {name}");
                source.set("alice", "wonder").unwrap();
            }
        }
    }
}

/// The handle of alice.
fn handle(revocations: &Revocations) -> RevocationHandle {
    revocations.handle(&realm(), &alice(), revocations.start_check()).unwrap()
}

#[test]
fn a_wrapper_attaches_every_registry() {
    for (wrapper, wraps) in WRAPPERS {
        let users = users();
        let (validator, secrets) = wraps(users.clone());
        let registries = [Revocations::new(), Revocations::new()];
        validator.attach(&registries[0]);
        secrets.attach(&registries[1]);
        let handles = registries.each_ref().map(handle);
        users.set("bob", "builder").unwrap();
        assert!(!handles.iter().any(RevocationHandle::is_revoked), "{wrapper}");
        users.set("alice", "changed").unwrap();
        assert!(handles.iter().all(RevocationHandle::is_revoked), "{wrapper}");
    }
}

#[tokio::test]
async fn authenticators_share_a_registry() {
    let registry = Revocations::new();
    let sources = [users(), users()];
    let [first, second] = sources.clone().map(|users| {
        builder().with_basic(users).with_revocations(registry.clone()).build().unwrap()
    });
    let stranger = builder().with_basic(users()).build().unwrap();
    let apart = forwarded(&stranger, RIGHT).await;
    let revoked_by: [(&str, &dyn Fn()); 4] = [
        ("the first", &|| first.revoke(&realm(), &alice())),
        ("the second", &|| second.revoke(&realm(), &alice())),
        ("the registry", &|| registry.revoke(&realm(), &alice())),
        ("a source of the first", &|| sources[0].set("alice", "wonder").unwrap()),
    ];
    for (name, revoke) in revoked_by {
        let identities = [forwarded(&first, RIGHT).await, forwarded(&second, RIGHT).await];
        assert!(!identities.iter().any(has_ended), "{name}");
        revoke();
        assert!(identities.iter().all(has_ended), "{name}");
    }
    assert!(!has_ended(&apart));
}
