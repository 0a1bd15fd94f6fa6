//! Logins with a template and with a search.

use std::{any::Any, time::Instant};

use tower_proxy_auth::{
    BackendError, BasicCredentials, CredentialValidator, Users, Verdict,
    backend::{
        ValidatorChain,
        ldap::{Ldap, LdapBuilder},
    },
    secret::Password,
};

use super::{Warnings, both, direct, failure, people, search, verdict};
use crate::support::{
    false_ldap::FalseLdap,
    slapd::{SERVICE, SUFFIX, Setup, dn_of},
    validator_battery::{self, BackEnd, SOON, realm},
};

/// The battery's back end, with options for a URL.
struct Directory<const TELLS: bool>(fn(String) -> LdapBuilder);

/// A validator and its server, which ends with it.
struct Kept {
    ldap: Ldap,
    _server: Box<dyn Any + Send + Sync>,
}

impl CredentialValidator for Kept {
    async fn validate(&self, credentials: BasicCredentials<'_>) -> Result<Verdict, BackendError> {
        self.ldap.validate(credentials).await
    }
}

impl<const TELLS: bool> BackEnd for Directory<TELLS> {
    type Validator = Kept;

    const TELLS_UNKNOWN_USERS: bool = TELLS;

    async fn holding(&self, users: &[(&str, &str)]) -> Kept {
        let setup = users.iter().fold(Setup::new(), |setup, (name, word)| setup.user(name, word));
        let server = setup.start();
        Kept { ldap: self.0(server.url()).build().unwrap(), _server: Box::new(server) }
    }

    async fn hanging(&self) -> Option<Kept> {
        let server = FalseLdap::silent().await;
        let builder = self.0(server.url()).with_connect_timeout(SOON).with_operation_timeout(SOON);
        let ldap = builder.with_timeout(SOON).build().unwrap();
        Some(Kept { ldap, _server: Box::new(server) })
    }

    async fn failing(&self) -> Option<Kept> {
        let server = Setup::new().start();
        server.kill();
        Some(Kept { ldap: self.0(server.url()).build().unwrap(), _server: Box::new(server) })
    }
}

validator_battery::battery!(#[ignore = "needs slapd"] by_search: Directory::<true>(search));
validator_battery::battery!(#[ignore = "needs slapd"] by_template: Directory::<false>(direct));

#[tokio::test]
#[ignore = "needs slapd"]
async fn never_follows_referrals_and_references() {
    let elsewhere = FalseLdap::with_result(0, "").await;
    let referral = format!("{}/ou=people,{SUFFIX}", elsewhere.url());
    let server = people()
        .entry(
            &format!("ou=elsewhere,{SUFFIX}"),
            &[
                ("objectClass", "referral"),
                ("objectClass", "extensibleObject"),
                ("ou", "elsewhere"),
                ("ref", &referral),
            ],
        )
        .start();
    let (dn, password) = SERVICE;
    let builder = || {
        Ldap::builder(server.url())
            .insecure_plaintext(true)
            .with_service_account(dn, Password::new(password))
    };
    // At the base itself, it is the result of the search.
    let base = format!("ou=elsewhere,{SUFFIX}");
    let there = builder().with_search(&base, "(uid={user})", "uid").build().unwrap();
    let (text, transient) = failure(&there, "alice", "wonder").await;
    assert!(text.contains("result 10"), "{text}");
    assert!(!transient);
    // Below the base, it is a reference beside what is found.
    let (warnings, warned) = Warnings::collecting();
    let whole = builder().with_search(SUFFIX, "(uid={user})", "uid").on_warning(warned);
    let strict = whole.clone().with_strict_references(true).build().unwrap();
    let whole = whole.build().unwrap();
    for _ in 0..2 {
        for ldap in [&whole, &strict] {
            assert_eq!(verdict(ldap, "alice", "wonder").await, "accepted alice");
            assert_eq!(verdict(ldap, "alice", "wrong").await, "wrong");
        }
        assert_eq!(verdict(&whole, "carol", "wonder").await, "unknown");
        let (text, transient) = failure(&strict, "carol", "wonder").await;
        assert!(text.contains("finds nothing and refers to other servers"), "{text}");
        assert!(!transient);
    }
    let warning = format!(
        "{}: a search below {SUFFIX:?} refers to other servers, which are not followed: users and \
         groups that are only there are not found",
        server.url()
    );
    assert_eq!(warnings.seen(), [warning.clone(), warning], "one of each validator");
    // A bind to an entry of another server.
    let template = format!("uid={{user}},ou=elsewhere,{SUFFIX}");
    let bind = Ldap::builder(server.url()).insecure_plaintext(true).with_dn_template(template);
    assert_eq!(verdict(&bind.build().unwrap(), "alice", "wonder").await, "wrong");
    assert_eq!(elsewhere.accepted(), 0);
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn an_entry_hidden_from_its_user_is_a_failure() {
    let server = people().hidden_from_themselves().start();
    let ldap = direct(server.url()).build().unwrap();
    let (text, transient) = failure(&ldap, "alice", "wonder").await;
    let cause = "the user's own entry: search below \"uid=alice,ou=people,dc=example,dc=org\": \
                 result 32 (no such object)";
    assert!(text.contains(cause), "{text}");
    assert!(!transient);
    assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong");
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn honours_password_policies() {
    let policies = format!("ou=policies,{SUFFIX}");
    let policy = |name: &str| format!("cn={name},{policies}");
    let server = people()
        .entry(&policies, &[("objectClass", "organizationalUnit"), ("ou", "policies")])
        .entry(
            &policy("short"),
            &[
                ("objectClass", "device"),
                ("objectClass", "pwdPolicy"),
                ("cn", "short"),
                ("pwdAttribute", "userPassword"),
                ("pwdMaxAge", "1"),
                ("pwdMustChange", "TRUE"),
                ("pwdLockout", "TRUE"),
                ("pwdMaxFailure", "2"),
            ],
        )
        .user_with(
            "old",
            "wonder",
            &[("pwdPolicySubentry", &policy("short")), ("pwdChangedTime", "20000101000000Z")],
        )
        .user_with("locked", "wonder", &[("pwdAccountLockedTime", "000001010000Z")])
        .user_with("reset", "wonder", &[("pwdReset", "TRUE")])
        .option("overlay ppolicy")
        .option("ppolicy_use_lockout")
        .option(&format!("ppolicy_default {}", policy("default")))
        .entry(
            &policy("default"),
            &[
                ("objectClass", "device"),
                ("objectClass", "pwdPolicy"),
                ("cn", "default"),
                ("pwdAttribute", "userPassword"),
                ("pwdMustChange", "TRUE"),
                ("pwdLockout", "TRUE"),
            ],
        )
        .start();
    for (mode, ldap) in both(&server) {
        for (user, right) in [
            ("alice", "accepted alice"),
            ("old", "expired"),
            ("reset", "expired"),
            ("locked", "wrong"),
        ] {
            assert_eq!(verdict(&ldap, user, "wonder").await, right, "{mode}: {user}");
            if user != "old" {
                assert_eq!(verdict(&ldap, user, "wrong").await, "wrong", "{mode}: {user}");
            }
        }
    }
    let ldap = search(server.url()).build().unwrap();
    assert_eq!(verdict(&ldap, "old", "wrong").await, "wrong");
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn an_unknown_user_costs_a_bind_to_the_decoy() {
    let server = people().user("decoy", "decoy's own").start();
    let ldap = search(server.url()).with_decoy_dn(dn_of("decoy")).build().unwrap();
    for password in ["wonder", "decoy's own"] {
        assert_eq!(verdict(&ldap, "carol", password).await, "unknown");
    }
    assert_eq!(verdict(&ldap, "alice", "wonder").await, "accepted alice");
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn a_new_password_works_at_the_next_request() {
    let server = people().start();
    for (mode, ldap) in both(&server) {
        server.set_password("alice", "wonder");
        assert_eq!(verdict(&ldap, "alice", "wonder").await, "accepted alice", "{mode}");
        server.set_password("alice", "looking-glass");
        assert_eq!(verdict(&ldap, "alice", "wonder").await, "wrong", "{mode}");
        assert_eq!(verdict(&ldap, "alice", "looking-glass").await, "accepted alice", "{mode}");
    }
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn a_chain_continues_after_an_unknown_user() {
    let server = people().start();
    let guests = Users::new(&realm()).with_user("guest", "welcome").unwrap();
    let chain = ValidatorChain::new().with(search(server.url()).build().unwrap()).with(guests);
    assert_eq!(verdict(&chain, "guest", "welcome").await, "accepted guest");
    assert_eq!(verdict(&chain, "alice", "wonder").await, "accepted alice");
    assert_eq!(verdict(&chain, "alice", "welcome").await, "wrong");
    server.kill();
    let (_, transient) = failure(&chain, "guest", "welcome").await;
    assert!(transient, "the user might be known to the directory");
}

/// The median time of refusing a wrong password.
async fn time_of_a_refusal(ldap: &Ldap, user: &str) -> f64 {
    let mut samples = Vec::new();
    for _ in 0..15 {
        let start = Instant::now();
        assert_ne!(verdict(ldap, user, "wrong").await, format!("accepted {user}"));
        samples.push(start.elapsed().as_secs_f64());
    }
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// A server hashes nothing if there is no entry.
#[tokio::test]
#[ignore = "needs slapd"]
async fn the_decoy_takes_as_long_as_a_known_user() {
    // SHA-512-crypt with 50,000 rounds, of "wonder".
    const HASH: &str = "{CRYPT}$6$rounds=50000$XicPDYPp$t2CPxHDAdhRy6iJA/LIHz48G3jbDL6naotTTKl0BJE\
                        2nlu7i.4x7H9OG.oEaZJAunG5tmeA6hypD3zzOaVLMt/";
    let server = Setup::new().user("alice", HASH).user("decoy", HASH).start();
    let with_decoy = search(server.url()).with_decoy_dn(dn_of("decoy")).build().unwrap();
    assert_eq!(verdict(&with_decoy, "alice", "wonder").await, "accepted alice");
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let known = time_of_a_refusal(&with_decoy, "alice").await;
        let ratio = time_of_a_refusal(&with_decoy, "carol").await / known;
        ratios.push(ratio);
        if (0.75..=1.25).contains(&ratio) {
            let without_decoy = search(server.url()).build().unwrap();
            let unknown = time_of_a_refusal(&without_decoy, "carol").await;
            assert!(unknown < known / 2.0, "the hash is not expensive: {unknown} against {known}");
            return;
        }
    }
    panic!("time for unknown users, as a part of that for known ones: {ratios:?}");
}
