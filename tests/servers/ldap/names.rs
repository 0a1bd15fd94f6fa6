//! Names that were sent, and those in the directory.

use tower_proxy_auth::{
    backend::ldap::{Ldap, LdapBuilder, SearchScope},
    secret::Password,
};

use super::{both, direct, people, search, verdict};
use crate::support::slapd::{PEOPLE, SERVICE, SUFFIX, Setup, dn_of};

#[tokio::test]
#[ignore = "needs slapd"]
async fn a_name_in_another_spelling_is_unknown() {
    let server = Setup::new().user("alice", "wonder").user("J\u{e4}son", "argo").start();
    for (mode, ldap) in both(&server) {
        assert_eq!(verdict(&ldap, "alice", "wonder").await, "accepted alice", "{mode}");
        for name in ["Alice", "ALICE", " alice", "alice ", "\u{ff41}lice"] {
            assert_eq!(verdict(&ldap, name, "wonder").await, "unknown", "{mode}: {name:?}");
        }
        assert_eq!(verdict(&ldap, "J\u{e4}son", "argo").await, "accepted J\u{e4}son", "{mode}");
        for name in ["Ja\u{308}son", "j\u{e4}son"] {
            assert_eq!(verdict(&ldap, name, "argo").await, "unknown", "{mode}: {name:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn escapes_names_in_filters() {
    let server = people().start();
    for (mode, ldap) in both(&server) {
        let refused = if mode == "by search" { "unknown" } else { "wrong" };
        for name in [
            "*",
            "ali*",
            ")(uid=*",
            "*)(uid=*",
            "alice)(uid=*",
            "*))(|(uid=*",
            "alice,ou=people",
            "alice+cn=alice",
            "alice\\",
            "\\61lice",
            "\"alice\"",
            "<alice>",
            "alice;",
            "=",
            "#alice",
            " ",
        ] {
            for password in ["wonder", "builder", name] {
                assert_eq!(verdict(&ldap, name, password).await, refused, "{mode}: {name:?}");
            }
        }
        assert_eq!(verdict(&ldap, "alice", "wonder").await, "accepted alice", "{mode}");
    }
}

/// Logins with names as people type them.
#[tokio::test]
#[ignore = "needs slapd"]
async fn regression_the_directory_decides_whether_a_name_matches() {
    let server = people()
        .user_with("carol", "singer", &[("uid", "lead"), ("mail", "carol@example.org")])
        .user_with("dora", "digger", &[("mail", "Dora@Example.org"), ("mail", "d@example.org")])
        .start();
    let by_mail = {
        let (dn, password) = SERVICE;
        Ldap::builder(server.url())
            .insecure_plaintext(true)
            .with_service_account(dn, Password::new(password))
            .with_search(PEOPLE, "(|(uid={user})(mail={user}))", "uid")
    };
    let several = "unusable: the user's entry has several values of uid, and none is the name that \
                   was sent";
    let named = |builder: LdapBuilder| builder.with_name_from_directory(true).build().unwrap();
    let table = [
        ("alice", "wonder", "accepted alice"),
        ("Alice", "wonder", "accepted alice"),
        ("ALICE ", "wonder", "accepted alice"),
        ("carol", "singer", "accepted carol"),
        ("Lead", "singer", "accepted lead"),
        ("nobody", "wonder", "unknown"),
        ("alice)(uid=*", "wonder", "unknown"),
        ("*", "wonder", "unknown"),
    ];
    for (mode, ldap) in [
        ("search", named(search(server.url()))),
        ("template", named(direct(server.url()))),
        ("mail", named(by_mail.clone())),
    ] {
        for (name, password, expected) in table {
            // With a template, an unknown user is a wrong password, and the distinguished name
            // must have the first name of the entry.
            let expected = match (mode, expected) {
                ("template", "unknown" | "accepted lead") => "wrong",
                (_, expected) => expected,
            };
            assert_eq!(verdict(&ldap, name, password).await, expected, "{mode}: {name}");
        }
        let wrong = if mode == "template" { "wrong" } else { "wrong for alice" };
        assert_eq!(verdict(&ldap, "ALICE", "builder").await, wrong, "{mode}");
    }
    let ldap = named(by_mail.clone());
    for (name, password, expected) in [
        ("dora@example.org", "digger", "accepted dora"),
        ("D@EXAMPLE.ORG", "digger", "accepted dora"),
        ("dora@example.org", "wonder", "wrong for dora"),
        ("carol@example.org", "singer", several),
        ("d*@example.org", "digger", "unknown"),
    ] {
        assert_eq!(verdict(&ldap, name, password).await, expected, "{name}");
    }
    // By default, only names that are equal byte for byte.
    let strict = by_mail.build().unwrap();
    for name in ["Alice", "dora@example.org", "d@example.org"] {
        for password in ["wonder", "digger"] {
            assert_eq!(verdict(&strict, name, password).await, "unknown", "{name}");
        }
    }
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn accepts_entries_with_two_names_but_not_without_password() {
    let server = people()
        .user_with("carol", "singer", &[("uid", "lead")])
        .entry(
            &dn_of("robot"),
            &[("objectClass", "account"), ("uid", "robot"), ("description", "no password")],
        )
        .start();
    for (mode, ldap) in both(&server) {
        assert_eq!(verdict(&ldap, "carol", "singer").await, "accepted carol", "{mode}");
        assert_eq!(verdict(&ldap, "carol", "wrong").await, "wrong", "{mode}");
        if mode == "by search" {
            assert_eq!(verdict(&ldap, "lead", "singer").await, "accepted lead");
            assert_eq!(verdict(&ldap, "Lead", "singer").await, "unknown");
        }
        for password in ["robot", " ", "no password"] {
            assert_eq!(verdict(&ldap, "robot", password).await, "wrong", "{mode}");
        }
    }
}

/// Two users of one name below different entries.
#[tokio::test]
#[ignore = "needs slapd"]
async fn two_entries_of_one_name_are_unusable() {
    let second = format!("uid=alice,ou=guests,{SUFFIX}");
    let server = people()
        .entry(
            &format!("ou=guests,{SUFFIX}"),
            &[("objectClass", "organizationalUnit"), ("ou", "guests")],
        )
        .entry(
            &second,
            &[
                ("objectClass", "inetOrgPerson"),
                ("cn", "alice"),
                ("sn", "alice"),
                ("uid", "alice"),
                ("userPassword", "other"),
            ],
        )
        .start();
    let (dn, password) = SERVICE;
    let builder = Ldap::builder(server.url())
        .insecure_plaintext(true)
        .with_service_account(dn, Password::new(password));
    let everywhere = builder.clone().with_search(SUFFIX, "(uid={user})", "uid").build().unwrap();
    for password in ["wonder", "other", "wrong"] {
        let verdict = verdict(&everywhere, "alice", password).await;
        assert!(verdict.starts_with("unusable: "), "{verdict}");
        assert!(verdict.contains("finds more than one entry"), "{verdict}");
    }
    assert_eq!(verdict(&everywhere, "bob", "builder").await, "accepted bob");
    // Only one of them is in the scope of the search.
    let here = builder.clone().with_search(PEOPLE, "(uid={user})", "uid");
    let here = here.with_scope(SearchScope::OneLevel).build().unwrap();
    assert_eq!(verdict(&here, "alice", "wonder").await, "accepted alice");
    let shallow = builder.with_search(SUFFIX, "(uid={user})", "uid");
    let shallow = shallow.with_scope(SearchScope::OneLevel).build().unwrap();
    assert_eq!(verdict(&shallow, "alice", "wonder").await, "unknown");
}
