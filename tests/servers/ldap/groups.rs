//! Groups, from the user's entry and by a search.

use tower_proxy_auth::{Verdict, backend::ldap::LdapBuilder};

use super::{ask, direct, failure, search, verdict};
use crate::support::slapd::{GROUPS, Setup, Slapd, dn_of};

fn staff() -> String {
    format!("cn=staff,{GROUPS}")
}

/// Alice is in `staff` and `admins`, bob in `staff`, and carol in no group.
fn server() -> Slapd {
    let (staff, admins) = (staff(), format!("cn=admins,{GROUPS}"));
    let (alice, bob) = (dn_of("alice"), dn_of("bob"));
    Setup::new()
        .user_with("alice", "wonder", &[("memberOf", &staff), ("memberOf", &admins)])
        .user_with("bob", "builder", &[("memberOf", &staff)])
        .user("carol", "singer")
        .entry(
            &staff,
            &[
                ("objectClass", "groupOfNames"),
                ("cn", "staff"),
                ("member", &alice),
                ("member", &bob),
            ],
        )
        .entry(&admins, &[("objectClass", "groupOfNames"), ("cn", "admins"), ("member", &alice)])
        .start()
}

/// The groups of an accepted user.
async fn groups(builder: LdapBuilder, user: &str, password: &str) -> Vec<String> {
    let Ok(Verdict::Accepted(account)) = ask(&builder.build().unwrap(), user, password).await
    else {
        panic!("{user} does not get in");
    };
    let mut groups: Vec<String> = account.groups().map(str::to_owned).collect();
    groups.sort();
    groups
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn groups_come_from_an_attribute_of_the_user() {
    let server = server();
    for builder in [search(server.url()), direct(server.url())] {
        let builder = builder.with_group_attribute("memberof");
        let admins = format!("cn=admins,{GROUPS}");
        assert_eq!(groups(builder.clone(), "alice", "wonder").await, [admins, staff()]);
        assert_eq!(groups(builder.clone(), "bob", "builder").await, [staff()]);
        assert_eq!(groups(builder, "carol", "singer").await, [""; 0]);
    }
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn groups_come_from_a_search() {
    let server = server();
    let builder = search(server.url());
    let builder = builder.with_group_search(GROUPS, "(member={dn})", "cn");
    assert_eq!(groups(builder.clone(), "alice", "wonder").await, ["admins", "staff"]);
    assert_eq!(groups(builder.clone(), "bob", "builder").await, ["staff"]);
    assert_eq!(groups(builder, "carol", "singer").await, [""; 0]);
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn refuses_users_outside_the_required_group() {
    let server = server();
    let by_attribute = |builder: LdapBuilder| {
        builder.with_group_attribute("memberOf").with_required_group(staff())
    };
    let by_search = search(server.url())
        .with_group_search(GROUPS, "(member={dn})", "cn")
        .with_required_group("staff");
    for builder in
        [by_attribute(search(server.url())), by_attribute(direct(server.url())), by_search]
    {
        let ldap = builder.build().unwrap();
        assert_eq!(verdict(&ldap, "bob", "builder").await, "accepted bob");
        assert_eq!(verdict(&ldap, "carol", "singer").await, "disabled");
        // Only a client with the right password learns it.
        assert_eq!(verdict(&ldap, "carol", "wrong").await, "wrong");
    }
}

/// A directory ignores case in names of groups, blanks after commas, and the form of escapes.
#[tokio::test]
#[ignore = "needs slapd"]
async fn regression_the_directory_compares_the_required_group() {
    let server = server();
    let spellings = [
        "cn=staff,ou=groups,dc=example,dc=org",
        "CN=Staff, OU=Groups, DC=Example, DC=Org",
        "cn=\\73taff,ou=groups,dc=example,dc=org",
    ];
    let others =
        ["cn=admins,ou=groups,dc=example,dc=org", "cn=admins,ou=Groups, dc=example,dc=org"];
    let by_attribute = |builder: LdapBuilder| builder.with_group_attribute("memberOf");
    let by_search = || search(server.url()).with_group_search(GROUPS, "(member={dn})", "cn");
    for builder in
        [by_attribute(search(server.url())), by_attribute(direct(server.url())), by_search()]
    {
        for group in spellings {
            let ldap = builder.clone().with_required_group(group).build().unwrap();
            assert_eq!(verdict(&ldap, "bob", "builder").await, "accepted bob", "{group}");
            assert_eq!(verdict(&ldap, "carol", "singer").await, "disabled", "{group}");
        }
        for group in others {
            let ldap = builder.clone().with_required_group(group).build().unwrap();
            assert_eq!(verdict(&ldap, "bob", "builder").await, "disabled", "{group}");
            assert_eq!(verdict(&ldap, "alice", "wonder").await, "accepted alice", "{group}");
        }
    }
    for group in ["staff", "Staff", " staff "] {
        let ldap = by_search().with_required_group(group).build().unwrap();
        assert_eq!(verdict(&ldap, "bob", "builder").await, "accepted bob", "{group}");
        assert_eq!(verdict(&ldap, "carol", "singer").await, "disabled", "{group}");
    }
    // Values are escaped.
    for group in ["*", "staff)(cn=*", "st*", "cn=*"] {
        for builder in [by_attribute(search(server.url())), by_search()] {
            let ldap = builder.with_required_group(group).build().unwrap();
            let verdict = ask(&ldap, "bob", "builder").await;
            assert!(!matches!(verdict, Ok(Verdict::Accepted(_))), "{group}: {verdict:?}");
        }
    }
}

/// Groups of an attribute and of a search.
#[tokio::test]
#[ignore = "needs slapd"]
async fn finds_the_required_group_in_an_attribute_or_by_search() {
    let guests = format!("cn=guests,{GROUPS}");
    let server = Setup::new()
        .user_with("alice", "wonder", &[("memberOf", &staff())])
        .user("bob", "builder")
        .entry(
            &guests,
            &[("objectClass", "groupOfNames"), ("cn", "guests"), ("member", &dn_of("bob"))],
        )
        .start();
    let builder = search(server.url()).with_group_attribute("memberOf").with_group_search(
        GROUPS,
        "(member={dn})",
        "cn",
    );
    for (group, alice, bob) in [
        (&*staff(), "accepted alice", "failed"),
        (&*guests, "disabled", "accepted bob"),
        ("guests", "disabled", "accepted bob"),
    ] {
        let ldap = builder.clone().with_required_group(group).build().unwrap();
        assert_eq!(verdict(&ldap, "alice", "wonder").await, alice, "{group}");
        match bob {
            // There is no entry of that group, which is a mistake in the options.
            "failed" => {
                let (text, _) = failure(&ldap, "bob", "builder").await;
                assert!(text.contains("result 32 (no such object)"), "{text}");
            }
            expected => assert_eq!(verdict(&ldap, "bob", "builder").await, expected, "{group}"),
        }
    }
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn unreadable_groups_are_a_failure() {
    let server = server();
    let builder = search(server.url()).with_group_search(
        "ou=nowhere,dc=example,dc=org",
        "(member={dn})",
        "cn",
    );
    let ldap = builder.build().unwrap();
    let (text, _) = failure(&ldap, "alice", "wonder").await;
    let cause = "search below \"ou=nowhere,dc=example,dc=org\": result 32 (no such object)";
    assert!(text.contains(cause), "{text}");
    assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong");
}
