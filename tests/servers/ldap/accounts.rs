//! Look-ups of users without a password.

use std::error::Error;

use tower_proxy_auth::{
    CredentialValidator, UserId,
    backend::{
        AccountLookup,
        ldap::{Ldap, LdapBuilder},
    },
    secret::Password,
};

use super::{direct, people, search};
use crate::support::{
    false_ldap::FalseLdap,
    slapd::{GROUPS, PEOPLE, SERVICE, Setup, Slapd, dn_of},
    validator_battery::realm,
};

/// The result in a word, with the groups of a known user.
async fn look_up(ldap: &Ldap, user: &str) -> String {
    match ldap.account(&realm(), &UserId::new(user)).await {
        Ok(AccountLookup::Known(account)) => {
            let groups: Vec<_> = account.groups().collect();
            format!("{} {}", account.user(), groups.join(" ")).trim_end().to_owned()
        }
        Ok(AccountLookup::Unknown) => "unknown".to_owned(),
        Ok(AccountLookup::Unsupported) => "unsupported".to_owned(),
        Err(error) => error.source().unwrap().to_string(),
        other => panic!("{other:?}"),
    }
}

/// Alice is in `staff`, bob in no group.
fn server() -> Slapd {
    let (staff, alice) = (format!("cn=staff,{GROUPS}"), dn_of("alice"));
    let members = [("objectClass", "groupOfNames"), ("cn", "staff"), ("member", &*alice)];
    Setup::new()
        .user_with("alice", "wonder", &[("mail", "alice@example.org")])
        .user("bob", "builder")
        .entry(&staff, &members)
        .start()
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn finds_users_and_groups_without_a_password() {
    let server = server();
    let ldap = search(server.url()).build().unwrap();
    for (user, expected) in [
        ("alice", "alice"),
        ("bob", "bob"),
        // Another spelling, and names that no entry has.
        ("Alice", "unknown"),
        ("carol", "unknown"),
        ("*", "unknown"),
        ("", "unknown"),
        ("alice\0", "unknown"),
    ] {
        assert_eq!(look_up(&ldap, user).await, expected, "{user:?}");
    }
    let in_staff = search(server.url())
        .with_group_search(GROUPS, "(member={dn})", "cn")
        .with_required_group("Staff")
        .build()
        .unwrap();
    assert_eq!(look_up(&in_staff, "alice").await, "alice staff");
    assert_eq!(look_up(&in_staff, "bob").await, "unknown");
    let direct = direct(server.url()).build().unwrap();
    assert_eq!(look_up(&direct, "alice").await, "unsupported");
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn looks_up_the_spelling_of_the_directory() {
    let server = server();
    let with = |filter: &str| -> LdapBuilder {
        Ldap::builder(server.url())
            .insecure_plaintext(true)
            .with_service_account(SERVICE.0, Password::new(SERVICE.1))
            .with_search(PEOPLE, filter, "uid")
            .with_name_from_directory(true)
    };
    let by_both = with("(|(UID={user})(mail={user}))").build().unwrap();
    assert_eq!(look_up(&by_both, "alice").await, "alice");
    for user in ["Alice", "alice@example.org", "carol"] {
        assert_eq!(look_up(&by_both, user).await, "unknown", "{user}");
    }
    // This filter cannot find users by their user-ids.
    let by_mail = with("(mail={user})").build().unwrap();
    assert_eq!(look_up(&by_mail, "alice").await, "unsupported");
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn an_outage_is_a_failure_and_another_server_answers() {
    let (server, dead) = (people().start(), FalseLdap::silent().await);
    let dead_url = dead.url();
    drop(dead);
    let ldap = search(&dead_url).with_server(server.url()).build().unwrap();
    assert_eq!(look_up(&ldap, "alice").await, "alice");
    server.kill();
    let text = look_up(&ldap, "alice").await;
    assert!(text.contains("no connection"), "{text}");
}
