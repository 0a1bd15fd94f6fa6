//! Changes that a re-check detects, with and without a password policy.

use std::{
    future::Future as _,
    pin::pin,
    task::{Context, Waker},
};

use tower_proxy_auth::{
    Authenticator, Identity, ProxyAuthLayer, authenticator::Recheck, backend::ldap::LdapBuilder,
};

use super::{ask, search, word};
use crate::support::{
    layer::{Origin, RIGHT, get, realm, send},
    slapd::{PEOPLE, Setup, Slapd, dn_of},
};

/// A server with a password policy that locks an account after two wrong passwords.
fn with_policy() -> Setup {
    let policy = format!("cn=default,{PEOPLE}");
    Setup::new()
        .user("alice", "wonder")
        .option("overlay ppolicy")
        .option(&format!("ppolicy_default {policy}"))
        .entry(
            &policy,
            &[
                ("objectClass", "device"),
                ("objectClass", "pwdPolicy"),
                ("cn", "default"),
                ("pwdAttribute", "userPassword"),
                ("pwdLockout", "TRUE"),
                ("pwdMaxFailure", "2"),
                ("pwdLockoutDuration", "1"),
            ],
        )
}

fn authenticator(directory: LdapBuilder) -> Authenticator {
    let ldap = directory.build().unwrap();
    Authenticator::builder(realm()).with_basic(ldap).with_rechecks(true).build().unwrap()
}

/// Logs alice in.
async fn log_in(auth: &Authenticator) -> Option<Identity> {
    let origin = Origin::new();
    let response = send(&ProxyAuthLayer::new(auth.clone()), &origin, get(RIGHT)).await;
    (response.status() == 200).then(|| origin.identity().unwrap())
}

/// Whether a re-check of the only user ends the access.
async fn ends(auth: &Authenticator, identity: &Identity) -> bool {
    let result: Recheck = auth.recheck().await;
    assert_eq!((result.checked(), result.unchecked()), (1, 0), "{result:?}");
    let has_ended =
        pin!(identity.revoked()).poll(&mut Context::from_waker(Waker::noop())).is_ready();
    assert_eq!(result.revoked().len(), usize::from(has_ended));
    has_ended
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn a_new_password_is_detected_if_an_attribute_shows_it() {
    type Choose = fn(LdapBuilder) -> LdapBuilder;
    let default: Choose = |builder| builder;
    let any_change: Choose = |builder| builder.with_change_attributes(["entryCSN"]);
    let plain = || Setup::new().user("alice", "wonder");
    for (name, setup, choose, is_detected) in [
        ("a policy", with_policy(), default, true),
        ("a readable password", plain().passwords_readable(), default, true),
        ("neither", plain(), default, false),
        ("neither, with entryCSN", plain(), any_change, true),
    ] {
        let server = setup.start();
        let auth = authenticator(choose(search(server.url())));
        let identity = log_in(&auth).await.expect("the password is right");
        for _ in 0..3 {
            assert!(!ends(&auth, &identity).await, "{name}: nothing has changed");
        }
        server.set_password("alice", "changed");
        assert_eq!(ends(&auth, &identity).await, is_detected, "{name}");
    }
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn an_administrator_locks_an_account_and_guesses_do_not() {
    let server = with_policy().start();
    let ldap = search(server.url()).build().unwrap();
    let auth = authenticator(search(server.url()));
    let identity = log_in(&auth).await.expect("the password is right");
    for _ in 0..3 {
        let guess = ask(&ldap, "alice", "guess").await.unwrap();
        assert_eq!(word(&guess), "wrong");
    }
    assert!(log_in(&auth).await.is_none(), "the account is locked for a while");
    assert!(!ends(&auth, &identity).await);
    // The lock has no effect any more, and the login removes it.
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    let again = log_in(&auth).await.expect("the lock is over");
    assert!(!ends(&auth, &identity).await);
    drop(again);

    lock(&server);
    assert!(ends(&auth, &identity).await);
    assert!(log_in(&auth).await.is_none());
}

/// Locks alice's account until an administrator unlocks it.
fn lock(server: &Slapd) {
    let change = "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z";
    server.modify(&dn_of("alice"), change);
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn a_moved_entry_is_another_record() {
    let server = Setup::new()
        .user("alice", "wonder")
        .entry(
            &format!("ou=others,{PEOPLE}"),
            &[("objectClass", "organizationalUnit"), ("ou", "others")],
        )
        .start();
    let auth = authenticator(search(server.url()));
    let identity = log_in(&auth).await.expect("the password is right");
    assert!(!ends(&auth, &identity).await);
    server.rename("alice", &format!("ou=others,{PEOPLE}"));
    assert!(ends(&auth, &identity).await);
    assert!(log_in(&auth).await.is_some());
}
