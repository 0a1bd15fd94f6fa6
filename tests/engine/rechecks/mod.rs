//! Re-checks of users who are logged in.

mod source;

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::atomic::Ordering::SeqCst,
    task::{Context, Poll, Waker},
};

use tower_proxy_auth::{
    Authenticator, BackendError, BasicScheme, CredentialValidator, Identity, Realm, RequestHead,
    UserId, Users,
    authenticator::{
        Authentication, AuthenticatorBuilder, Decision, PendingDecision, ProxyAuthorization,
        Recheck,
    },
    backend::{ByRealm, SecretsChain, ValidatorChain},
};

use self::source::{RECORD, Record, Source};
use crate::support::engine::{Proxy, basic, now, realm};

fn builder() -> AuthenticatorBuilder {
    Authenticator::builder(realm()).with_rechecks(true)
}

fn by_basic(source: impl CredentialValidator) -> Proxy {
    Proxy::of(builder().with_basic(source))
}

#[track_caller]
fn log_in(proxy: &Proxy, name: &str) -> Identity {
    let answer = proxy.get(basic(format!("{name}:wonder")));
    answer.passes(name, name);
    answer.identity().unwrap().clone()
}

#[track_caller]
fn log_in_by_digest(proxy: &Proxy) -> Identity {
    let answer = proxy.login(&proxy.fresh());
    assert_eq!(answer.user(), Some("alice"));
    answer.identity().unwrap().clone()
}

fn has_ended(identity: &Identity) -> bool {
    pin!(identity.revoked()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

type Pass<'a> = Pin<Box<dyn Future<Output = Recheck> + Send + 'a>>;

/// Runs a pass until it waits, or to its end.
fn run(pass: &mut Pass<'_>) -> Option<Recheck> {
    let mut cx = Context::from_waker(Waker::noop());
    (0..10_000).find_map(|_| match pass.as_mut().poll(&mut cx) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    })
}

#[track_caller]
fn end(mut pass: Pass<'_>) -> Recheck {
    run(&mut pass).expect("it waits")
}

#[track_caller]
fn recheck(proxy: &Proxy) -> Recheck {
    end(Box::pin(proxy.authenticator().recheck()))
}

fn revoked(result: &Recheck) -> Vec<&str> {
    let mut names: Vec<_> = result.revoked().map(|(_, user)| user.as_str()).collect();
    names.sort_unstable();
    names
}

/// The numbers of checked, unsupported, unchecked and revoked users.
fn counts(result: &Recheck) -> [usize; 4] {
    [result.checked(), result.unsupported(), result.unchecked(), result.revoked().len()]
}

#[test]
fn ends_access_if_the_record_has_changed() {
    type Change = fn(&Source);
    let table: [(&str, Change, bool); 8] = [
        ("unchanged", |_| (), false),
        ("gone", |source| source.records().retain(|name, _| name != "alice"), true),
        ("disabled", |source| source.change("alice", |record| record.is_enabled = false), true),
        ("re-grouped", |source| source.change("alice", |record| record.group = "guests"), true),
        ("new hash", |source| source.change("alice", |record| record.hash = 2), true),
        ("no stamp", |source| source.change("alice", |record| record.is_stamped = false), true),
        (
            "changed back",
            |source| {
                source.change("alice", |record| record.hash = 2);
                source.change("alice", |record| record.hash = 1);
            },
            false,
        ),
        ("another user", |source| source.change("carol", |record| record.hash = 2), false),
    ];
    for (name, change, is_ended) in table {
        for scheme in ["Basic", "Digest"] {
            let source = Source::with(["alice", "bob", "carol"]);
            let proxy = Proxy::of(builder().with_basic(source.clone()).with_digest(source.clone()));
            let alice = match scheme {
                "Basic" => log_in(&proxy, "alice"),
                _ => log_in_by_digest(&proxy),
            };
            assert_eq!(alice.scheme(), scheme);
            let bob = log_in(&proxy, "bob");
            assert_eq!(counts(&recheck(&proxy)), [2, 0, 0, 0], "{name}");
            change(&source);
            let result = recheck(&proxy);
            assert_eq!(counts(&result), [2, 0, 0, usize::from(is_ended)], "{name}");
            assert_eq!(has_ended(&alice), is_ended, "{name}, {scheme}");
            assert!(!has_ended(&bob), "{name}, {scheme}");
            assert!(result.error().is_none());
            let known = if is_ended { [1, 0, 0, 0] } else { [2, 0, 0, 0] };
            assert_eq!(counts(&recheck(&proxy)), known, "{name}: the next pass");
        }
    }
}

#[test]
fn names_the_users_and_their_realm() {
    let source = Source::with(["alice", "bob"]);
    let proxy = by_basic(source.clone());
    let _identities = [log_in(&proxy, "alice"), log_in(&proxy, "bob")];
    source.records().clear();
    let result = recheck(&proxy);
    assert_eq!(revoked(&result), ["alice", "bob"]);
    assert!(result.revoked().all(|(of, _)| *of == realm()));
}

#[test]
fn looks_up_only_users_who_are_logged_in() {
    let source = Source::with(["alice", "bob"]);
    let proxy = by_basic(source.clone());
    let alice = log_in(&proxy, "alice");
    let clone = alice.clone();
    drop(log_in(&proxy, "bob"));
    assert_eq!(counts(&recheck(&proxy)), [1, 0, 0, 0]);
    drop(alice);
    assert_eq!(counts(&recheck(&proxy)), [1, 0, 0, 0], "a clone is in use");
    proxy.authenticator().revoke(&realm(), clone.user().unwrap());
    assert_eq!(counts(&recheck(&proxy)), [0; 4], "she was revoked");
    let again = log_in(&proxy, "alice");
    assert_eq!(counts(&recheck(&proxy)), [1, 0, 0, 0]);
    drop((again, clone));
    assert_eq!(counts(&recheck(&proxy)), [0; 4]);
    assert_eq!(source.lookups(), 3);
}

#[test]
fn records_nobody_unless_it_is_switched_on() {
    let source = Source::with(["alice"]);
    for is_on in [false, true] {
        let proxy = Proxy::of(builder().with_rechecks(is_on).with_basic(source.clone()));
        let alice = log_in(&proxy, "alice");
        assert_eq!(counts(&recheck(&proxy)), [usize::from(is_on), 0, 0, 0]);
        drop(alice);
    }
}

#[test]
fn many_logins_of_one_user_are_looked_up_once() {
    let source = Source::with(["alice"]);
    let proxy = by_basic(source.clone());
    let logins: Vec<_> = (0..100).map(|_| log_in(&proxy, "alice")).collect();
    assert_eq!(counts(&recheck(&proxy)), [1, 0, 0, 0]);
    source.records().clear();
    assert_eq!(counts(&recheck(&proxy)), [1, 0, 0, 1]);
    assert!(logins.iter().all(has_ended));
}

#[test]
fn an_outage_ends_nobody_and_the_pass() {
    for (failure, name) in [
        (BackendError::transient as fn(&'static str) -> _, "outage"),
        (BackendError::overloaded, "overload"),
    ] {
        let (source, digest) = (Source::default(), Source::with(["alice"]));
        let names: Vec<_> = (0..100).map(|number| format!("user{number}")).collect();
        let failing = Record { failure: Some(failure), ..RECORD };
        source.records().extend(names.iter().map(|name| (name.clone(), failing.clone())));
        let proxy = Proxy::of(builder().with_basic(source.clone()).with_digest(digest.clone()));
        let identities: Vec<_> = names.iter().map(|name| log_in(&proxy, name)).collect();
        let alice = log_in_by_digest(&proxy);
        digest.records().clear();

        let result = recheck(&proxy);
        assert!(source.lookups() <= 8, "{name}: {}", source.lookups());
        assert_eq!(counts(&result), [1, 0, 100, 1], "{name}: the other scheme continues");
        assert_eq!(result.error().unwrap().is_overloaded(), name == "overload");
        assert!(has_ended(&alice) && !identities.iter().any(has_ended), "{name}");
    }
}

#[test]
fn passes_that_end_early_begin_with_different_users() {
    let source = Source::default();
    let names: Vec<_> = (0..100).map(|number| format!("user{number}")).collect();
    source.records().extend(names.iter().map(|name| (name.clone(), RECORD)));
    let failing = Record { failure: Some(BackendError::transient), ..RECORD };
    source.records().extend(["user7", "user50"].map(|name| (name.to_owned(), failing.clone())));
    let proxy = by_basic(source.clone());
    let identities: Vec<_> = names.iter().map(|name| log_in(&proxy, name)).collect();
    source.records().retain(|_, record| record.failure.is_some());
    for _ in 0..1_000 {
        let _ = recheck(&proxy);
    }
    let left = identities.iter().filter(|identity| !has_ended(identity));
    let mut left: Vec<_> = left.map(|identity| identity.user().unwrap().as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, ["user50", "user7"]);
}

#[test]
fn a_permanent_failure_skips_one_user() {
    let source = Source::with(["alice", "bob", "carol"]);
    let proxy = by_basic(source.clone());
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| log_in(&proxy, name));
    source.change("bob", |record| record.failure = Some(BackendError::new));
    source.change("carol", |record| record.hash = 2);
    let result = recheck(&proxy);
    assert_eq!((counts(&result), revoked(&result)), ([2, 0, 1, 1], vec!["carol"]));
    assert!(result.error().is_some_and(|error| !error.is_transient()));
    assert_eq!([&alice, &bob, &carol].map(has_ended), [false, false, true]);
}

#[test]
fn an_unsupported_look_up_ends_nobody() {
    let source = Source::with(["alice", "bob"]);
    let proxy = by_basic(source.clone());
    let [alice, bob] = ["alice", "bob"].map(|name| log_in(&proxy, name));
    source.change("alice", |record| (record.is_supported, record.hash) = (false, 2));
    source.records().remove("bob");
    assert_eq!(counts(&recheck(&proxy)), [1, 1, 0, 1]);
    assert_eq!([&alice, &bob].map(has_ended), [false, true]);
}

#[test]
fn at_most_eight_look_ups_run_at_once() {
    let source = Source::default();
    let names: Vec<_> = (0..50).map(|number| format!("user{number}")).collect();
    source.records().extend(names.iter().map(|name| (name.clone(), RECORD)));
    let proxy = by_basic(source.clone());
    let identities: Vec<_> = names.iter().map(|name| log_in(&proxy, name)).collect();
    source.0.is_closed_after.store(true, SeqCst);
    let mut pass: Pass<'_> = Box::pin(proxy.authenticator().recheck());
    assert!(run(&mut pass).is_none());
    assert_eq!(source.lookups(), 8);
    source.0.is_closed_after.store(false, SeqCst);
    assert_eq!(counts(&end(pass)), [50, 0, 0, 0]);
    assert_eq!((source.lookups(), source.0.most_running.load(SeqCst)), (50, 8));
    drop(identities);
}

#[test]
fn skips_users_who_leave_or_are_revoked_meanwhile() {
    let source = Source::with(["alice", "bob"]);
    type Leave = fn(&Proxy, &mut Option<Identity>);
    let is_revoked: Leave =
        |proxy, _| proxy.authenticator().revoke(&realm(), &UserId::new("alice"));
    let leaves: Leave = |_, identity| *identity = None;
    for (name, leave) in [("revoked", is_revoked), ("left", leaves)] {
        let proxy = by_basic(source.clone());
        let mut alice = Some(log_in(&proxy, "alice"));
        source.0.is_closed_after.store(true, SeqCst);
        let mut pass: Pass<'_> = Box::pin(proxy.authenticator().recheck());
        assert!(run(&mut pass).is_none(), "{name}");
        leave(&proxy, &mut alice);
        let again = log_in(&proxy, "alice");
        source.change("alice", |record| record.hash += 1);
        source.0.is_closed_after.store(false, SeqCst);
        assert_eq!(counts(&end(pass)), [1, 0, 0, 0], "{name}");
        assert!(!has_ended(&again), "{name}");
        assert_eq!(counts(&recheck(&proxy)), [1, 0, 0, 1], "{name}: the next pass");
        assert!(has_ended(&again), "{name}");
    }
}

/// The record changes while a look-up waits, and the user logs in again.
#[test]
fn a_login_during_the_pass_is_compared_with_its_own_record() {
    for (name, reads_old) in [("before the record is read", false), ("after it", true)] {
        let source = Source::with(["alice"]);
        let proxy = by_basic(source.clone());
        let old = log_in(&proxy, "alice");
        let gate = if reads_old { &source.0.is_closed_after } else { &source.0.is_closed_before };
        gate.store(true, SeqCst);
        let mut pass: Pass<'_> = Box::pin(proxy.authenticator().recheck());
        assert!(run(&mut pass).is_none(), "{name}");
        source.change("alice", |record| record.hash = 2);
        let new = log_in(&proxy, "alice");
        gate.store(false, SeqCst);
        let result = end(pass);
        assert_eq!(counts(&result), [1, 0, 0, usize::from(!reads_old)], "{name}");
        assert_eq!((has_ended(&old), has_ended(&new)), (!reads_old, false), "{name}");
        let _ = recheck(&proxy);
        assert_eq!((has_ended(&old), has_ended(&new)), (true, false), "{name}");
        assert!(!has_ended(&log_in(&proxy, "alice")), "{name}");
    }
}

#[test]
fn a_check_that_began_before_the_end_is_void() {
    let source = Source::with(["alice"]);
    let proxy = by_basic(source.clone());
    let _alice = log_in(&proxy, "alice");
    let waiting = WaitingCheck::start(&proxy);
    source.change("alice", |record| record.hash = 2);
    assert_eq!(counts(&recheck(&proxy)), [1, 0, 0, 1]);
    assert_eq!(waiting.finish(), 503);
}

/// A check of alice's password that has read her record and not ended.
struct WaitingCheck(PendingDecision);

impl WaitingCheck {
    fn start(proxy: &Proxy) -> Self {
        let request = http::Request::get("http://example.org/").body(()).unwrap();
        let field = ProxyAuthorization::One(basic("alice:wonder"));
        match proxy.authenticator().authenticate(&RequestHead::of_request(&request), field) {
            Authentication::Pending(pending) => Self(pending),
            Authentication::Ready(_) => panic!("it is ready"),
        }
    }

    fn finish(self) -> u16 {
        match now(self.0) {
            Decision::Refuse(refusal, _) => refusal.status().as_u16(),
            _ => 200,
        }
    }
}

#[test]
fn looks_up_each_user_in_the_source_of_the_scheme() {
    let (basic, digest) = (Source::with(["alice"]), Source::with(["alice"]));
    let proxy = Proxy::of(
        builder().with_scheme(BasicScheme::new(basic.clone())).with_digest(digest.clone()),
    );
    basic.change("alice", |record| record.group = "of Basic");
    let [first, second] = [log_in(&proxy, "alice"), log_in_by_digest(&proxy)];
    assert_eq!(counts(&recheck(&proxy)), [2, 0, 0, 0]);
    digest.records().clear();
    assert_eq!(counts(&recheck(&proxy)), [2, 0, 0, 1]);
    assert_eq!([&first, &second].map(has_ended), [false, true]);
    basic.records().clear();
    assert_eq!(counts(&recheck(&proxy)), [1, 0, 0, 1]);
    assert!(has_ended(&first));
}

#[test]
fn the_same_name_in_two_realms_is_two_users() {
    let other = Realm::new("other").unwrap();
    let [here, there] = [Source::with(["alice"]), Source::with(["alice"])];
    let users = ByRealm::new().with(&realm(), here.clone()).with(&other, there.clone());
    let of_other = other.clone();
    let realm_of = move |head: &RequestHead<'_>| {
        (head.target().host() == Some("other.example")).then(|| of_other.clone())
    };
    let proxy = Proxy::of(builder().with_realm_of(realm_of).with_basic(users));
    let first = log_in(&proxy, "alice");
    let answer = proxy.ask(&http::Method::GET, "http://other.example/", basic("alice:wonder"));
    let second = answer.identity().unwrap().clone();
    assert_eq!(second.realm(), &other);
    there.records().clear();
    let result = recheck(&proxy);
    assert_eq!(counts(&result), [2, 0, 0, 1]);
    assert!(result.revoked().all(|(realm, _)| *realm == other));
    assert_eq!([&first, &second].map(has_ended), [false, true]);
}

#[test]
fn a_user_who_moves_along_a_chain_logs_in_again() {
    let [first, second] = [Source::with(["alice", "bob"]), Source::with(["bob"])];
    let chain = ValidatorChain::new().with(first.clone()).with(second.clone());
    let secrets = SecretsChain::new().with(first.clone()).with(second.clone());
    let proxy = Proxy::of(builder().with_basic(chain).with_digest(secrets));
    second.change("bob", |record| record.hash = 9);
    let [alice, bob, by_digest] =
        [log_in(&proxy, "alice"), log_in(&proxy, "bob"), log_in_by_digest(&proxy)];
    assert_eq!(counts(&recheck(&proxy)), [3, 0, 0, 0]);
    first.records().remove("bob");
    assert_eq!(revoked(&recheck(&proxy)), ["bob"], "the second member has another record");
    first.records().remove("alice");
    assert_eq!(revoked(&recheck(&proxy)), ["alice"], "one record, by two schemes");
    assert!([&alice, &bob, &by_digest].into_iter().all(has_ended));
    let bob = log_in(&proxy, "bob");
    assert_eq!(counts(&recheck(&proxy)), [1, 0, 0, 0]);
    assert!(!has_ended(&bob));
}

#[test]
fn users_in_memory_pass_a_recheck() {
    let users = Users::new(&realm()).with_user("alice", "wonder").unwrap();
    let proxy = Proxy::of(builder().with_basic(users.clone()).with_digest(users.clone()));
    let identities = [log_in(&proxy, "alice"), log_in_by_digest(&proxy)];
    assert_eq!(counts(&recheck(&proxy)), [2, 0, 0, 0]);
    users.set("alice", "changed").unwrap();
    assert!(identities.iter().all(has_ended), "at once");
    assert_eq!(counts(&recheck(&proxy)), [0; 4]);
}

#[cfg(feature = "cached")]
mod cached {
    use std::time::Duration;

    use tower_proxy_auth::{ProxyAuthLayer, backend::cached::Cached};

    use super::*;
    use crate::support::layer::{Origin, RIGHT, get, send};

    #[tokio::test]
    async fn a_cached_verdict_keeps_nobody_logged_in_and_ends_with_the_record() {
        let source = Source::with(["alice"]);
        let cache = Cached::builder(source.clone()).with_lifetime(Duration::from_secs(3_600));
        let auth = builder().with_basic(cache.build().unwrap()).build().unwrap();
        let layer = ProxyAuthLayer::new(auth.clone());
        let log_in = async || {
            let origin = Origin::new();
            let response = send(&layer, &origin, get(RIGHT)).await;
            (response.status() == 200).then(|| origin.identity().unwrap())
        };
        drop(log_in().await.expect("she is known"));
        assert_eq!(counts(&auth.recheck().await), [0; 4], "only the cache has her");
        let alice = log_in().await.expect("she is known");
        source.records().clear();
        assert!(log_in().await.is_some(), "the verdict is in the cache");
        assert_eq!(counts(&auth.recheck().await), [1, 0, 0, 1]);
        assert!(has_ended(&alice));
        assert!(log_in().await.is_none(), "the verdict is void");
    }
}
